/**
 * From an archive in one file to a split one and back: all entries stay, but the list of what was left out changes its form.
 *
 * @module
 */
import type { Accessor } from "@pxar/codec/accessor";
import type { Bytes } from "@pxar/format/bytes";
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { compareNames } from "@pxar/format/name";
import {
  EXCLUDE_LIST_FILE,
  fileOfList,
  isPlainList,
  listOfPrelude,
  preludeOfList,
  readList,
} from "./exclude_list.ts";

/** What the entries are for. */
export interface ConvertOptions {
  /** Whether it is a split archive, the only one that takes a prelude. */
  readonly split: boolean;
  /** What is in the root's `.pxarexclude-cli`, as {@linkcode readExcludeList} gives it: for a split archive it becomes the prelude. */
  readonly list?: Bytes | undefined;
  /** Whose the file is that a prelude becomes; root's unless told. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Told that a prelude holds something that no file is for; it is left out. */
  readonly onNote?: ((sentence: string) => void) | undefined;
}

/**
 * Makes entries fit for the other form of archive. What `create` was told to leave out is kept in a prelude by split archives, in a file by all others.
 *
 * A prelude becomes the file `.pxarexclude-cli`, the root's last child, unless there is one. For a split archive that file becomes the prelude if its list was found
 * before, since it comes last; where it was not, or there is a prelude already, it stays a file, which is legal. There and back again gives the same bytes for what
 * `create` made, if the owner is the same.
 *
 * Source: spec A.12, J.3.
 *
 * @param batches The entries of either form.
 * @param options The form that is wanted.
 * @returns The entries.
 *
 * @example
 * ```ts
 * import { type Batches, BytesContent, makeEntry } from "@pxar/format/entry";
 * import { convert } from "@pxar/transfer/convert";
 *
 * const content = new BytesContent(new TextEncoder().encode('{"exclude-patterns":"*.log\\n"}'));
 * const batches: Batches = [[makeEntry("prelude", { content }), makeEntry("directory"), makeEntry("end")]];
 * const kinds: string[] = [];
 * for await (const batch of convert(batches, { split: false })) kinds.push(...batch.map(({ kind }) => kind));
 * console.assert(kinds.join() === "directory,file,end");
 * ```
 */
export async function* convert(
  batches: Batches,
  options: ConvertOptions,
): AsyncGenerator<Batch, void, void> {
  const { split, owner = { uid: 0, gid: 0 } } = options;
  const prelude = split && options.list !== undefined
    ? preludeOfList(options.list)
    : undefined;
  let list: Bytes | undefined;
  let depth = 0, hasPrelude = false, dropping = false;
  for await (const batch of batches) {
    const kept: Entry[] = [];
    for (const entry of batch) {
      switch (entry.kind) {
        case "prelude":
          if (split) kept.push(entry);
          else list = await listOf(entry, options.onNote);
          hasPrelude = true;
          continue;
        case "directory":
          if (depth++ > 0) break;
          // The archive's own prelude, if it has one, has come by.
          dropping = prelude !== undefined && !hasPrelude;
          if (dropping) kept.push(prelude!);
          break;
        case "end":
          if (--depth === 0 && list !== undefined) {
            kept.push(fileOfList(list, owner.uid, owner.gid));
          }
          break;
        case "file":
          if (depth === 1 && isNamed(entry)) {
            list = undefined;
            if (!dropping) break;
            entry.content?.release?.();
            continue;
          }
      }
      kept.push(entry);
    }
    if (kept.length > 0) yield kept;
  }
}

/**
 * Finds the list of what was left out, where an archive has it as a file.
 *
 * @param accessor The archive.
 * @returns The file's content; `undefined` where there is none, or it is not one that `create` made.
 */
export async function readExcludeList(
  accessor: Accessor,
): Promise<Bytes | undefined> {
  const node = await accessor.child(accessor.root, EXCLUDE_LIST_FILE);
  return node !== undefined && isPlainList(node.entry)
    ? await readList(accessor.content(node))
    : undefined;
}

function isNamed({ name }: Entry): boolean {
  return compareNames(name, EXCLUDE_LIST_FILE) === 0;
}

async function listOf(
  { content }: Entry,
  onNote: ConvertOptions["onNote"],
): Promise<Bytes | undefined> {
  if (content === undefined || content.size === 0) return undefined;
  const bytes = await readList(content);
  const list = bytes && listOfPrelude(bytes);
  if (list === undefined) {
    onNote?.(
      "the prelude is left out: it is no list of exclude patterns, which is all that an archive in one file has a place for",
    );
  }
  return list;
}
