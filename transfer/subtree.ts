/**
 * A part of an archive as a tree of its own.
 *
 * @module
 */
import type { Accessor, Node } from "@pxar/codec/accessor";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { type Batch, type Entry, makeEntry } from "@pxar/format/entry";
import { FormatError, NotFoundError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { PathTracker } from "./path.ts";
import { parentOf, pathWithin, treePath } from "./tree_path.ts";

/** Most entries in a batch. */
const BATCH = 64;

/** What of it is wanted. */
export interface SubtreeOptions {
  /** Entries of the archive that are left out, with all that is in them. */
  readonly without?: readonly Node[] | undefined;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a part of an archive by random access, in the order of the archive: a directory as the root of a tree of its own, anything else as the only
 * child of a root that has the metadata of the directory it is in.
 *
 * Hardlinks lead to paths of the new tree. A link whose first lies outside becomes the file, with the first's metadata and content, and later ones lead to it. Such a file
 * keeps, for `merge`, the first's position in the archive as its `linkPosition` and the first's path there as its `target`.
 *
 * Contents are read when they are asked for, and stay valid as long as the archive is open.
 *
 * @param accessor The archive.
 * @param path From its root; a string stands for its UTF-8. Empty components and "." are passed over; empty for all of it.
 * @param options What is left out.
 * @returns The tree, in batches that are never empty.
 * @throws {NotFoundError} If there is nothing at the path.
 * @throws {TypeError} If the path has a component "..".
 * @throws {FormatError} If the archive is damaged, or a link's target is not the path of its first.
 *
 * @example
 * ```ts
 * import type { Accessor } from "@pxar/codec/accessor";
 * import { encodeStream } from "@pxar/codec/encode";
 * import { subtree } from "@pxar/transfer/subtree";
 *
 * // An archive of one directory of another archive.
 * function cutOut(archive: Accessor): ReadableStream<Uint8Array> {
 *   return encodeStream(subtree(archive, "/etc"));
 * }
 * ```
 */
export async function* subtree(
  accessor: Accessor,
  path: string | Bytes,
  options: SubtreeOptions = {},
): AsyncGenerator<Batch, void, void> {
  const plain = treePath(path);
  const node = await nodeAt(accessor, plain);
  if (node.entry.kind === "directory") {
    return yield* new Walk(accessor, node, plain, options).run();
  }
  const parent = await nodeAt(accessor, parentOf(plain));
  const root = { ...parent.entry, name: NO_BYTES };
  yield [root, await leafOf(accessor, node), makeEntry("end")];
}

/**
 * One entry of an archive that is no directory, with its content; a hardlink as the file that it leads to, see {@linkcode subtree}.
 *
 * @param accessor The archive.
 * @param node The entry.
 * @returns The entry.
 * @throws {FormatError} If a hardlink leads to anything but a regular file.
 */
export async function leafOf(accessor: Accessor, node: Node): Promise<Entry> {
  const { entry } = node;
  if (entry.kind !== "hardlink") return withContent(accessor, node);
  const { name, position, target, linkPosition } = entry;
  const first = withContent(accessor, await accessor.follow(node));
  return { ...first, name, target, position, linkPosition };
}

/**
 * The file at a position in an archive, or that a hardlink there leads to, with its content: what `merge` asks for.
 *
 * @param accessor The archive.
 * @param position Where its FILENAME stands.
 * @returns The entry.
 * @throws {FormatError} If no entry stands there.
 */
export async function leafAt(
  accessor: Accessor,
  position: number,
): Promise<Entry> {
  const node = await accessor.follow(await accessor.at(position));
  return withContent(accessor, node);
}

/**
 * Finds an entry that must be there.
 *
 * @param accessor The archive.
 * @param path In its one form; empty for the root.
 * @returns The entry.
 * @throws {NotFoundError} If there is none.
 */
export async function nodeAt(accessor: Accessor, path: Bytes): Promise<Node> {
  const node = path.length === 0 ? accessor.root : await accessor.lookup(path);
  if (node !== undefined) return node;
  throw new NotFoundError(
    `Cannot find "/${showName(path)}": the archive has no such entry`,
  );
}

/** A directory that is open: the rest of its children. */
interface Level {
  readonly pages: AsyncGenerator<readonly Node[], void, void>;
  page: readonly Node[];
  at: number;
}

class Walk {
  readonly #accessor: Accessor;
  readonly #root: Node;
  readonly #path: Bytes;
  readonly #options: SubtreeOptions;
  readonly #paths = new PathTracker();
  /** The links that became files, by the positions of those that they led to. */
  readonly #files = new Map<number, { position: number; path: Bytes }>();

  constructor(
    accessor: Accessor,
    root: Node,
    path: Bytes,
    options: SubtreeOptions,
  ) {
    this.#accessor = accessor;
    this.#root = root;
    this.#path = path;
    this.#options = options;
  }

  async *run(): AsyncGenerator<Batch, void, void> {
    const { signal } = this.#options;
    const root = { ...this.#root.entry, name: NO_BYTES };
    this.#paths.enter(root);
    let batch: Entry[] = [root];
    const levels = [this.#open(this.#root)];
    for (
      let level = levels.at(-1);
      level !== undefined;
      level = levels.at(-1)
    ) {
      if (batch.length >= BATCH) {
        yield batch;
        batch = [];
        signal?.throwIfAborted();
      }
      if (level.at === level.page.length) {
        const { done, value } = await level.pages.next();
        if (done) {
          levels.pop();
          this.#paths.leave();
          batch.push(makeEntry("end"));
        } else {
          level.page = value;
          level.at = 0;
        }
        continue;
      }
      const node = level.page[level.at++]!;
      if (this.#isLeftOut(node.position)) continue;
      this.#paths.enter(node.entry);
      if (node.entry.kind === "hardlink") batch.push(await this.#link(node));
      else batch.push(withContent(this.#accessor, node));
      if (node.entry.kind === "directory") levels.push(this.#open(node));
    }
    yield batch;
  }

  #open(directory: Node): Level {
    return { pages: this.#accessor.list(directory), page: [], at: 0 };
  }

  async #link(node: Node): Promise<Entry> {
    const { entry } = node;
    const { target, position, linkPosition } = entry;
    const file = this.#files.get(linkPosition!);
    if (file !== undefined) {
      return { ...entry, target: file.path, linkPosition: file.position };
    }
    if (this.#isInside(linkPosition!)) {
      const inside = pathWithin(target!, this.#path);
      if (inside !== undefined) return { ...entry, target: inside };
      throw new FormatError(
        `Cannot read hardlink "${
          showName(this.#paths.path)
        }" at byte ${position}: its target is "${
          showName(target!)
        }", expected the path of its first link, which lies in "${
          showName(this.#path)
        }"`,
        { offset: position },
      );
    }
    const path = this.#paths.path;
    this.#files.set(linkPosition!, { position: node.position, path });
    return await leafOf(this.#accessor, node);
  }

  #isInside(position: number): boolean {
    const { position: start, end } = this.#root;
    return position > start && position < end && !this.#isLeftOut(position);
  }

  #isLeftOut(at: number): boolean {
    const { without } = this.#options;
    return without !== undefined &&
      without.some(({ position, end }) => at >= position && at < end);
  }
}

function withContent(accessor: Accessor, node: Node): Entry {
  return node.entry.kind === "file"
    ? { ...node.entry, content: accessor.content(node) }
    : node.entry;
}
