/**
 * What differs between two trees: archives, snapshots, directories, whatever gives entries.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { UnsupportedError } from "@pxar/format/errors";
import { compareNames, showName } from "@pxar/format/name";
import { matchPatterns, type Pattern } from "@pxar/format/pattern";
import type { Abortable } from "@pxar/store/store";
import { type DiffField, entryFields } from "./diff_fields.ts";
import { PathTracker } from "./path.ts";
import { ContentComparison } from "./same_content.ts";
import { SortedEntries } from "./sorted_entries.ts";

export { DIFF_FIELDS, type DiffField } from "./diff_fields.ts";

/** One difference. */
export interface Change {
  /** Whether the entry is in the second tree only, in the first one only, or in both. */
  readonly type: "added" | "removed" | "changed";
  /** From the root of the tree, without leading slash; empty for the root. In memory of its own. */
  readonly path: Bytes;
  /** The entry in the first tree; its content is valid until the next change is asked for, but was read where contents were compared. */
  readonly before: Entry | undefined;
  /** The entry in the second tree, likewise. */
  readonly after: Entry | undefined;
  /** What is changed, in the order of {@linkcode DIFF_FIELDS}, or `kind` alone: one is a file and the other is not. Empty for what is added or removed. */
  readonly fields: readonly (DiffField | "kind")[];
}

/** How trees are compared. */
export interface DiffOptions extends Abortable {
  /**
   * Which files of one length are read to be compared: all, those whose times differ, or none; `changed` unless told. Those that are not read count as equal.
   * Where lengths differ, nothing needs to be read.
   */
  readonly content?: "always" | "changed" | "never" | undefined;
  /** What is not looked at. */
  readonly ignore?: ReadonlySet<DiffField> | undefined;
  /** Entries that are looked at, with all that is below them: the last pattern that matches decides. All unless told. */
  readonly patterns?: readonly Pattern[] | undefined;
  /** Asked before two files of one length are read: whether they are equal, `undefined` where that has to be seen. See `sameByChunks`. */
  readonly sameContent?:
    | ((
      before: Entry,
      after: Entry,
    ) => boolean | undefined | Promise<boolean | undefined>)
    | undefined;
}

const NOTHING: readonly never[] = [];

/**
 * Compares two trees in one walk, in the memory of two batches.
 *
 * Versions, preludes and a `.pxarexclude-cli` file in the root are passed over. A hardlink is compared by the path that it goes to; extended attributes in any order.
 *
 * @param before The entries of the first tree; names in the order of their bytes, as all official writers and `readTree` give them.
 * @param after Those of the second tree.
 * @param options What is compared.
 * @returns The differences in the order of the paths, each entry of an added or removed directory on its own. Both sources are closed whenever it ends.
 * @throws {UnsupportedError} If names are in another order, or a content that has to be read is not at hand.
 * @throws {FormatError} If a directory has two entries of one name.
 * @throws {TypeError} If entries do not make up one tree.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { diff } from "@pxar/transfer/diff";
 *
 * const name = new TextEncoder().encode("queue");
 * const before: Batches = [[makeEntry("directory"), makeEntry("fifo", { name }), makeEntry("end")]];
 * const after: Batches = [[makeEntry("directory"), makeEntry("fifo", { name, secs: 1 }), makeEntry("end")]];
 * for await (const { type, fields } of diff(before, after)) {
 *   console.assert(type === "changed" && fields[0] === "mtime");
 * }
 * ```
 */
export async function* diff(
  before: Batches,
  after: Batches,
  options: DiffOptions = {},
): AsyncGenerator<Change, void, void> {
  const { signal } = options;
  const first = new SortedEntries(before), second = new SortedEntries(after);
  const place = new Place(options.patterns ?? NOTHING);
  const comparison = new Comparison(options);
  // The side that has a directory which the other has not, and how many are open there.
  let alone: SortedEntries | undefined, open = 0;
  try {
    await first.next();
    await second.next();
    for (;;) {
      signal?.throwIfAborted();
      const one = first.entry, other = second.entry;
      if (alone === undefined) {
        const order = orderOf(one, other);
        if (order !== 0) alone = order < 0 ? first : second;
      }
      if (alone !== undefined) {
        const { entry } = alone;
        if (entry.kind === "end") {
          place.leave();
          open--;
        } else {
          if (entry.kind === "directory") open++;
          if (place.enter(entry)) {
            yield alone === first
              ? changeOf("removed", place, entry, undefined, NOTHING)
              : changeOf("added", place, undefined, entry, NOTHING);
          }
        }
        const waiting = alone.next();
        if (waiting !== undefined) await waiting;
        if (open === 0) alone = undefined;
        continue;
      }
      if (one.kind === "end") {
        place.leave();
        if (first.depth === 0) break;
      } else {
        if (one.kind !== other.kind) {
          // One of them may be a directory: what is in it is in one tree only.
          if (one.kind === "directory") alone = first;
          if (other.kind === "directory") alone = second;
          if (alone !== undefined) open = 1;
        }
        if (place.enter(alone === second ? other : one)) {
          let fields = comparison.fields(one, other);
          let content = comparison.content(one, other);
          if (typeof content !== "boolean") content = await content;
          if (content) fields = ["content", ...fields];
          if (fields.length > 0) {
            yield changeOf("changed", place, one, other, fields);
          }
        }
      }
      const waiting = first.next();
      if (waiting !== undefined) await waiting;
      const too = second.next();
      if (too !== undefined) await too;
    }
    await first.finish();
    await second.finish();
  } finally {
    try {
      await first.close();
    } finally {
      await second.close();
    }
  }
}

/**
 * Length of a file's content as its entry tells it.
 *
 * @param entry A file.
 * @returns Bytes; `undefined` where the entry does not know.
 */
function sizeOf(entry: Entry): number | undefined {
  return entry.payload?.size ?? entry.content?.size;
}

function orderOf(one: Entry, other: Entry): number {
  if (one.kind === "end") return other.kind === "end" ? 0 : 1;
  return other.kind === "end" ? -1 : compareNames(one.name, other.name);
}

function changeOf(
  type: Change["type"],
  place: Place,
  before: Entry | undefined,
  after: Entry | undefined,
  fields: Change["fields"],
): Change {
  return { type, path: place.path, before, after, fields };
}

/** Where in both trees the walk is, and whether that is to be looked at. */
class Place {
  readonly #paths = new PathTracker();
  readonly #patterns: readonly Pattern[];
  /** For each open directory, whether what no pattern names is looked at. */
  readonly #wanted: boolean[] = [];

  constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
  }

  get path(): Bytes {
    return this.#paths.path;
  }

  /** Goes to an entry, and into it if it is a directory; gives whether it is looked at. */
  enter(entry: Entry): boolean {
    this.#paths.enter(entry);
    const isDirectory = entry.kind === "directory";
    const wanted = this.#wants(isDirectory);
    if (isDirectory) this.#wanted.push(wanted);
    return wanted;
  }

  leave(): void {
    this.#paths.leave();
    this.#wanted.pop();
  }

  #wants(isDirectory: boolean): boolean {
    if (this.#patterns.length === 0) return true;
    const around = this.#wanted.at(-1);
    if (around === undefined) return false;
    const { view } = this.#paths;
    const says = matchPatterns(this.#patterns, view, isDirectory);
    return says === undefined ? around : says === "include";
  }
}

/** Compares two entries of one path. */
class Comparison {
  readonly #policy: "always" | "changed" | "never";
  readonly #ignore: ReadonlySet<DiffField>;
  readonly #sameContent: DiffOptions["sameContent"];
  readonly #contents: ContentComparison;

  constructor(options: DiffOptions) {
    this.#policy = options.content ?? "changed";
    this.#ignore = options.ignore ?? new Set();
    this.#sameContent = options.sameContent;
    this.#contents = new ContentComparison(options.signal);
  }

  /** All that differs but the content. */
  fields(one: Entry, other: Entry): Change["fields"] {
    const fields = entryFields(one, other);
    if (fields.length === 0 || this.#ignore.size === 0) return fields;
    return fields.filter((field) =>
      field === "kind" || !this.#ignore.has(field)
    );
  }

  /** Whether the contents of two files differ; a promise where they are read. */
  content(one: Entry, other: Entry): boolean | Promise<boolean> {
    if (one.kind !== "file" || other.kind !== "file") return false;
    if (this.#ignore.has("content")) return false;
    const size = sizeOf(one);
    if (size === undefined) refuseContent(one);
    if (sizeOf(other) === undefined) refuseContent(other);
    if (size !== sizeOf(other)) return true;
    if (size === 0 || this.#policy === "never") return false;
    if (this.#policy === "changed" && sameTime(one, other)) return false;
    return this.#read(one, other);
  }

  async #read(one: Entry, other: Entry): Promise<boolean> {
    const same = await this.#sameContent?.(one, other);
    if (same !== undefined) return !same;
    if (one.content === undefined) refuseContent(one);
    if (other.content === undefined) refuseContent(other);
    return !await this.#contents.contents(one.content, other.content);
  }
}

function sameTime(one: Entry, other: Entry): boolean {
  return one.secs === other.secs && one.nanos === other.nanos;
}

function refuseContent({ name, position }: Entry): never {
  throw new UnsupportedError(
    `Cannot compare content of "${
      showName(name)
    }": it is not at hand, expected the payload of its archive`,
    { offset: position },
  );
}
