/**
 * The list of what was to be left out of an archive when it was made, in its two forms: a prelude before the root of a split archive,
 * or a file `.pxarexclude-cli` behind the root's last child of any other.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import {
  BytesContent,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { compareNames } from "@pxar/format/name";

const UTF8 = new TextEncoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const KEY = "exclude-patterns";
/** Longest list that is taken for one, bytes. */
const LONGEST = 1 << 20;

/** The name of the file. */
export const EXCLUDE_LIST_FILE: Bytes = UTF8.encode(".pxarexclude-cli");

/** Whether a child of the root has the name of the list, and is a file that is short enough for one. */
export function isExcludeList({ kind, name, content }: Entry): boolean {
  return kind === "file" && content !== undefined && content.size <= LONGEST &&
    compareNames(name, EXCLUDE_LIST_FILE) === 0;
}

/** Whether it is all that `create` makes of a list, so that nothing but the owner is lost where it becomes a prelude. */
export function isPlainList(entry: Entry): boolean {
  return entry.kind === "file" && entry.mode === 0o100600 &&
    entry.secs === 0 && entry.nanos === 0 && entry.flags === 0 &&
    entry.attributes === undefined;
}

/**
 * Reads a list, or a prelude.
 *
 * @returns `undefined` if it is too long.
 */
export async function readList(content: Content): Promise<Bytes | undefined> {
  if (content.size > LONGEST) return undefined;
  const bytes = new Uint8Array(content.size);
  for (let at = 0; at < bytes.length;) {
    const got = await content.read(bytes.subarray(at));
    if (got === 0) return undefined;
    at += got;
  }
  return bytes;
}

/**
 * The list in a prelude.
 *
 * @returns Its lines; `undefined` if it holds anything else.
 */
export function listOfPrelude(prelude: Bytes): Bytes | undefined {
  try {
    const value: unknown = JSON.parse(STRICT.decode(prelude));
    if (typeof value !== "object" || value === null) return undefined;
    const keys = Object.keys(value);
    const text: unknown = Reflect.get(value, KEY);
    return keys.length === 1 && typeof text === "string"
      ? UTF8.encode(text)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The prelude for a list. Source: spec A.12.
 *
 * @returns The entry; `undefined` if the list is not UTF-8, which JSON cannot say.
 */
export function preludeOfList(list: Bytes): Entry | undefined {
  try {
    const json = JSON.stringify({ [KEY]: STRICT.decode(list) });
    return makeEntry("prelude", {
      content: new BytesContent(UTF8.encode(json)),
    });
  } catch {
    return undefined;
  }
}

/** The file for a list. Source: spec J.3. */
export function fileOfList(list: Bytes, uid: number, gid: number): Entry {
  return makeEntry("file", {
    name: EXCLUDE_LIST_FILE,
    mode: 0o100600,
    uid,
    gid,
    content: new BytesContent(list),
  });
}

/** Several lists as one: the first, then the lines of the others that are not there yet. */
export function joinLists(lists: readonly Bytes[]): Bytes {
  const [first = NO_BYTES, ...others] = lists;
  const seen = new Set(linesOf(first));
  const added: string[] = [];
  for (const list of others) {
    for (const line of linesOf(list)) {
      if (line === "" || seen.has(line)) continue;
      seen.add(line);
      added.push(line);
    }
  }
  if (added.length === 0) return first;
  const open = first.length > 0 && first.at(-1) !== 0x0a;
  const text = (open ? "\n" : "") + added.join("\n") + "\n";
  const bytes = new Uint8Array(first.length + text.length);
  bytes.set(first);
  for (let i = 0; i < text.length; i++) {
    bytes[first.length + i] = text.charCodeAt(i);
  }
  return bytes;
}

/** Lines, a letter for each byte: names are bytes. */
function linesOf(list: Bytes): string[] {
  let text = "";
  for (let at = 0; at < list.length; at += 4096) {
    text += String.fromCharCode(...list.subarray(at, at + 4096));
  }
  return text.split("\n");
}
