/**
 * Parts of an archive that are known by their paths, read right where they lie.
 *
 * @module
 */
import type { Accessor, Node } from "@pxar/codec/accessor";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { type Batch, type Entry, makeEntry } from "@pxar/format/entry";
import { NotFoundError } from "@pxar/format/errors";
import { joinPath, showName } from "@pxar/format/name";
import type { Abortable } from "@pxar/store/store";

/** What is picked. */
export interface PickOptions extends Abortable {
  /** The directory that becomes the root of what is yielded; the archive's root unless told. */
  readonly below?: Bytes | undefined;
  /** Paths from that directory on: they, with all that is in them. All unless told. */
  readonly paths?: Iterable<Bytes> | undefined;
}

/** How many entries are yielded at once, about. */
const BATCH = 64;

const SLASH = 0x2f;

/**
 * Reads parts of an archive: the entries at some paths with all that is in them, and the directories that lead there. What lies between is not read.
 *
 * The first picked name of a file that has several is the file, the others are links to it.
 *
 * @param accessor The archive.
 * @param options What is picked.
 * @returns A tree of entries, in the order of the archive; files with contents, each valid until the next batch is asked for.
 * @throws {NotFoundError} If there is nothing at a path.
 * @throws {FormatError} If the archive is damaged on the way.
 *
 * @example
 * ```ts
 * import type { Accessor } from "@pxar/codec/accessor";
 * import { encodeStream } from "@pxar/codec/encode";
 * import { pick } from "@pxar/transfer/pick";
 *
 * // The configuration of a machine, as an archive of its own.
 * function configuration(archive: Accessor): ReadableStream<Uint8Array> {
 *   return encodeStream(pick(archive, { below: new TextEncoder().encode("etc") }));
 * }
 * ```
 */
export async function* pick(
  accessor: Accessor,
  options: PickOptions = {},
): AsyncGenerator<Batch, void, void> {
  const { below = NO_BYTES, paths, signal } = options;
  const node = below.length === 0
    ? accessor.root
    : await accessor.lookup(below);
  if (node?.entry.kind !== "directory") {
    throw missing(below, node === undefined ? undefined : node.entry.kind);
  }
  const root: Branch = { node, whole: paths === undefined, below: new Map() };
  for (const path of paths ?? []) await mark(accessor, root, path);
  const links = new Links(accessor, below, rangesOf(root));
  let batch: Entry[] = [];
  for await (const step of walk(accessor, root)) {
    signal?.throwIfAborted();
    batch.push(
      step === undefined
        ? makeEntry("end")
        : await links.entry(step.node, step.path, step.node === node),
    );
    if (batch.length >= BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** An entry that is picked, or leads to one. */
interface Branch {
  readonly node: Node;
  /** Whether all that is in it is picked. */
  whole: boolean;
  /** What is picked in it, by name. */
  readonly below: Map<string, Branch>;
}

async function mark(
  accessor: Accessor,
  root: Branch,
  path: Bytes,
): Promise<void> {
  let at = root;
  for (let from = 0; from < path.length && !at.whole;) {
    const slash = path.indexOf(SLASH, from);
    const name = path.subarray(from, slash < 0 ? path.length : slash);
    from += name.length + 1;
    if (name.length === 0) continue;
    const key = name.toHex();
    let next = at.below.get(key);
    if (next === undefined) {
      const node = at.node.entry.kind === "directory"
        ? await accessor.child(at.node, name)
        : undefined;
      if (node === undefined) throw missing(path, undefined);
      next = { node, whole: false, below: new Map() };
      at.below.set(key, next);
    }
    at = next;
  }
  at.whole = true;
  at.below.clear();
}

interface Step {
  readonly node: Node;
  readonly path: Bytes;
}

/** All that is picked, in the order of the archive; `undefined` where a directory ends. */
async function* walk(
  accessor: Accessor,
  root: Branch,
): AsyncGenerator<Step | undefined, void, void> {
  interface Open {
    readonly path: Bytes;
    readonly pages: AsyncIterator<readonly Branch[]>;
    page: readonly Branch[];
    at: number;
  }
  const enter = (branch: Branch, path: Bytes): Open => ({
    path,
    pages: branchesOf(accessor, branch),
    page: [],
    at: 0,
  });
  yield { node: root.node, path: NO_BYTES };
  const open = [enter(root, NO_BYTES)];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.at === top.page.length) {
      const { done, value } = await top.pages.next();
      if (done) {
        open.pop();
        yield undefined;
      } else {
        top.page = value;
        top.at = 0;
      }
      continue;
    }
    const branch = top.page[top.at++]!;
    const path = joinPath(top.path, branch.node.entry.name);
    yield { node: branch.node, path };
    if (branch.node.entry.kind === "directory") open.push(enter(branch, path));
  }
}

async function* branchesOf(
  accessor: Accessor,
  { node, whole, below }: Branch,
): AsyncGenerator<readonly Branch[], void, void> {
  if (!whole) {
    yield [...below.values()].sort((a, b) => a.node.position - b.node.position);
    return;
  }
  for await (const page of accessor.list(node)) {
    yield page.map((node) => ({ node, whole: true, below: new Map() }));
  }
}

/** Where picked entries begin and end in the archive, in order. */
function rangesOf(root: Branch): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  const open = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, whole, below } = next;
    if (whole) {
      ranges.push([node.position, Math.max(node.end, node.position + 1)]);
    } else open.push(...below.values());
  }
  return ranges.sort(([a], [b]) => a - b);
}

/** Makes entries of nodes: with content, and links that lead to what is picked. */
class Links {
  readonly #accessor: Accessor;
  readonly #below: Bytes;
  readonly #ranges: readonly (readonly [number, number])[];
  /** Where files are now whose first names are not picked. */
  readonly #moved = new Map<number, Step>();

  constructor(
    accessor: Accessor,
    below: Bytes,
    ranges: readonly (readonly [number, number])[],
  ) {
    this.#accessor = accessor;
    this.#below = below;
    this.#ranges = ranges;
  }

  async entry(node: Node, path: Bytes, isRoot: boolean): Promise<Entry> {
    const { entry } = node, { kind, linkPosition, target, name } = entry;
    if (isRoot) return { ...entry, name: NO_BYTES };
    if (kind === "file") {
      return { ...entry, content: this.#accessor.content(node) };
    }
    if (kind !== "hardlink" || linkPosition === undefined) return entry;
    const first = this.#isPicked(linkPosition)
      ? strip(target ?? NO_BYTES, this.#below)
      : undefined;
    if (first !== undefined) return { ...entry, target: first };
    const moved = this.#moved.get(linkPosition);
    if (moved !== undefined) {
      const { path: target, node: { position } } = moved;
      return { ...entry, target, linkPosition: position };
    }
    const file = await this.#accessor.follow(node);
    this.#moved.set(linkPosition, { node, path });
    return {
      ...file.entry,
      name,
      position: node.position,
      content: this.#accessor.content(file),
    };
  }

  #isPicked(position: number): boolean {
    let from = 0, to = this.#ranges.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#ranges[middle]![0] <= position) from = middle + 1;
      else to = middle;
    }
    const range = this.#ranges[from - 1];
    return range !== undefined && position < range[1];
  }
}

/** A path from a directory on; `undefined` if it does not lead there. */
function strip(path: Bytes, directory: Bytes): Bytes | undefined {
  if (directory.length === 0) return path;
  const { length } = directory;
  const inside = path.length > length && path[length] === SLASH &&
    directory.every((byte, at) => byte === path[at]);
  return inside ? path.subarray(length + 1) : undefined;
}

function missing(path: Bytes, kind: string | undefined): NotFoundError {
  return new NotFoundError(
    `Cannot find "/${showName(path)}": ${
      kind === undefined
        ? "it is not in the archive"
        : `it is a ${kind}, expected a directory`
    }`,
  );
}
