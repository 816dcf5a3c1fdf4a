/**
 * Several trees as one.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { Merger } from "./merger.ts";

/** Whose entry stays where several trees have one at the same path, and not all of them are directories: nobody's, the first's, the last's, the one changed last. */
export type ConflictPolicy = "error" | "keep-first" | "replace" | "newest";

/** All policies. */
export const CONFLICT_POLICIES: readonly ConflictPolicy[] = [
  "error",
  "keep-first",
  "replace",
  "newest",
];

/** One of the trees. */
export interface MergeSource {
  /** Its entries, as `decode` yields them. */
  readonly entries: Batches;
  /** What it is called in errors and conflicts; its number unless told. */
  readonly name?: string | undefined;
  /**
   * Finds a file by its `position`, with content that can be read. Needed where the first of several links is dropped and another one stays.
   * The content must stay valid whatever is read of {@linkcode entries}.
   */
  readonly resolve?: ((position: number) => Promise<Entry>) | undefined;
  /** Sources of which this is the same object have their positions from the same archive: links between them stay links. See {@linkcode pathOf}. */
  readonly origin?: unknown;
  /** Where a path of the origin lies in this source; `undefined` where it does not. The path itself unless told. */
  readonly pathOf?: ((path: Bytes) => Bytes | undefined) | undefined;
}

/** Two trees have different things at one path. */
export interface Conflict {
  /** From the root, without leading slash; in memory of its own. */
  readonly path: Bytes;
  /** Name of the source whose entry stays. */
  readonly kept: string;
  /** Name of the source whose entry is dropped, and all that is in it. */
  readonly dropped: string;
}

/** How trees are merged. */
export interface MergeOptions {
  /** Whose entry stays; `error` unless told. */
  readonly policy?: ConflictPolicy | undefined;
  /** Told of each conflict that the policy decided. */
  readonly onConflict?: ((conflict: Conflict) => void) | undefined;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Merges trees, directory by directory, while they stream by.
 *
 * Directories at the same path become one, with what is in any of them. Its metadata is the first's, with `replace` the last's, with `newest` that of the one changed last.
 * Anything else at the same path is a conflict, also a file against a directory, and also two files that are the same. Sources are compared one after the other:
 * the result is that of merging the first two, then the third into that, and so on.
 *
 * Hardlinks stay right: a link whose first is dropped becomes the file, its content read by `resolve`; later links lead to it. Positions are new ones.
 *
 * Where directories come together their names must be in the order of their bytes, as `create` writes them; a `.pxarexclude-cli` in the root, which comes last, is put there again,
 * and those of several sources become one list. So do preludes. A directory that one source alone has is passed on in its own order.
 *
 * Memory: a batch of each source, and 24 bytes for each file with a `position` (36 with `newest`).
 *
 * @param sources The trees; all are ended when this ends.
 * @param options What to do about conflicts.
 * @returns The merged tree, in batches that are never empty.
 * @throws {PxarError} If there is a conflict and the policy is `error`.
 * @throws {UnsupportedError} If names are out of order where directories come together.
 * @throws {NotFoundError} If the first of several links was dropped and there is no `resolve`.
 * @throws {FormatError} If a link leads to anything but a file before it, or its target is not the path of that.
 * @throws {TypeError} If a source is no tree, or names known chunks.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { merge } from "@pxar/transfer/merge";
 *
 * const tree = (name: string): Batches => [[
 *   makeEntry("directory"),
 *   makeEntry("fifo", { name: new TextEncoder().encode(name) }),
 *   makeEntry("end"),
 * ]];
 * let entries = 0;
 * for await (const batch of merge([{ entries: tree("a") }, { entries: tree("b") }])) entries += batch.length;
 * console.assert(entries === 4);
 * ```
 */
export async function* merge(
  sources: readonly MergeSource[],
  options: MergeOptions = {},
): AsyncGenerator<Batch, void, void> {
  if (sources.length === 0) {
    throw new TypeError("Cannot merge: there are no sources, expected one");
  }
  const merger = new Merger(sources, options);
  try {
    yield* merger.run();
  } finally {
    await merger.close();
  }
}
