/**
 * Parts of archives, put together as a new tree.
 *
 * @module
 */
import type { Accessor, Node } from "@pxar/codec/accessor";
import type { Bytes } from "@pxar/format/bytes";
import { type Batch, type Batches, makeEntry } from "@pxar/format/entry";
import type { Metadata } from "@pxar/format/metadata";
import { joinPath } from "@pxar/format/name";
import { EXCLUDE_LIST_FILE } from "./exclude_list.ts";
import { graft } from "./graft.ts";
import { merge, type MergeOptions, type MergeSource } from "./merge.ts";
import { leafAt, leafOf, nodeAt, subtree } from "./subtree.ts";
import { pathWithin, treePath } from "./tree_path.ts";

/** What comes from where, and goes where. */
export interface CopyMapping {
  /** The archive that it comes from; stays open as long as the copy is read. */
  readonly archive: Accessor;
  /** Path in the archive; empty for all of it. */
  readonly from: string | Bytes;
  /** Its path in the new tree: of the directory, file or whatever it is, not of the directory around it. */
  readonly to: string | Bytes;
  /** Paths in the archive that are left out, with all that is in them. */
  readonly without?: readonly (string | Bytes)[] | undefined;
  /** What the archive is called in errors. */
  readonly name?: string | undefined;
}

/**
 * Copies parts of archives to places of a new tree.
 *
 * Directories of several mappings at the same place are merged, see {@linkcode merge}, which also says what a conflict is. All metadata is kept. Hardlinks are kept, also
 * between mappings of one archive; where a link's first is not copied, the first link that is becomes the file.
 *
 * Directories that have to be made have the metadata of the directory that one of the mappings has at that place, otherwise of the archive's directory of that path,
 * otherwise 0755 with owner and time of what is put there. A root's `.pxarexclude-cli` stays behind where the root becomes another directory.
 *
 * @param mappings What goes where.
 * @param options What to do about conflicts.
 * @returns The tree, in batches that are never empty.
 * @throws {NotFoundError} If there is nothing at a path of an archive.
 * @throws {TypeError} If a path has a component "..", or a file is to be the root.
 * @throws {PxarError} If there is a conflict and the policy is `error`.
 *
 * @example
 * ```ts
 * import type { Accessor } from "@pxar/codec/accessor";
 * import { encodeStream } from "@pxar/codec/encode";
 * import { copy } from "@pxar/transfer/copy";
 *
 * function webServer(archive: Accessor): ReadableStream<Uint8Array> {
 *   return encodeStream(copy([
 *     { archive, from: "/etc/nginx", to: "/config" },
 *     { archive, from: "/srv/www", to: "/pages" },
 *   ]));
 * }
 * ```
 */
export async function* copy(
  mappings: readonly CopyMapping[],
  options: MergeOptions = {},
): AsyncGenerator<Batch, void, void> {
  const parts: Part[] = [];
  for (const mapping of mappings) parts.push(await partOf(mapping));
  const { signal } = options;
  const sources = parts.map((part): MergeSource => ({
    entries: entriesOf(part, parts, signal),
    name: part.name,
    origin: part.archive,
    pathOf: (path) => pathOf(part, path),
    resolve: (position) => leafAt(part.archive, position),
  }));
  yield* merge(sources, options);
}

/** A mapping whose paths have been found. */
interface Part {
  readonly archive: Accessor;
  readonly node: Node;
  readonly from: Bytes;
  readonly to: Bytes;
  readonly without: readonly Node[];
  readonly name: string | undefined;
}

async function partOf(mapping: CopyMapping): Promise<Part> {
  const { archive, name } = mapping;
  const from = treePath(mapping.from), to = treePath(mapping.to);
  const node = await nodeAt(archive, from);
  const without: Node[] = [];
  for (const path of mapping.without ?? []) {
    without.push(await nodeAt(archive, treePath(path)));
  }
  if (from.length === 0 && to.length > 0) {
    const list = await archive.child(archive.root, EXCLUDE_LIST_FILE);
    if (list !== undefined) without.push(list);
  }
  return { archive, node, from, to, without, name };
}

async function* entriesOf(
  part: Part,
  parts: readonly Part[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, void> {
  const { archive, node, from, to, without } = part;
  const prelude = from.length + to.length === 0 ? archive.prelude() : undefined;
  if (prelude !== undefined) yield [makeEntry("prelude", { content: prelude })];
  const entries: Batches = node.entry.kind === "directory"
    ? subtree(archive, from, { without, signal })
    : [[await leafOf(archive, node)]];
  yield* graft(entries, to, {
    metadata: (path) => metadataAt(path, part, parts),
  });
}

/** Where something of the archive lies in the new tree, by one mapping. */
function pathOf({ from, to }: Part, path: Bytes): Bytes | undefined {
  const within = pathWithin(path, from);
  return within && joinPath(to, within);
}

/** Metadata of a directory that leads to a part. */
async function metadataAt(
  path: Bytes,
  own: Part,
  parts: readonly Part[],
): Promise<Metadata | undefined> {
  for (const { archive, from, to } of parts) {
    const within = pathWithin(path, to);
    if (within === undefined) continue;
    const found = await directoryAt(archive, joinPath(from, within));
    if (found !== undefined) return found;
  }
  return await directoryAt(own.archive, path);
}

async function directoryAt(
  archive: Accessor,
  path: Bytes,
): Promise<Metadata | undefined> {
  const node = path.length === 0 ? archive.root : await archive.lookup(path);
  return node?.entry.kind === "directory" ? node.entry : undefined;
}
