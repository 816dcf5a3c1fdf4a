/**
 * An archive as something to look things up in: names to entries, entries to bytes, without reading what lies between.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Content } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { readStart, type Start } from "./archive_start.ts";
import { blockCache } from "./block_cache.ts";
import { findChild, findDirectory, listChildren } from "./children.ts";
import { checkPayloadStart, Contents } from "./contents.ts";
import { ItemCursor } from "./item_cursor.ts";
import { type Node, readNode } from "./node.ts";
import type { RandomAccess } from "./random_access.ts";

export type { Node } from "./node.ts";

/** How an archive is opened. */
export interface AccessorOptions {
  /** The payload stream of a split archive. Without it, only its contents cannot be read. */
  readonly payload?: RandomAccess | undefined;
  /** Most bytes of the archive, and as many again of the payload stream, kept in memory; 2 MiB unless told. */
  readonly cache?: number | undefined;
  /** How much is read at once, bytes; 4096 unless told. Over HTTP, 65536 serve better. */
  readonly block?: number | undefined;
}

/** Length of the pieces of {@linkcode Accessor.stream}, bytes. */
const PIECE = 1 << 18;

/** How many cursors wait for their next use. */
const IDLE = 8;

const SLASH = 0x2f, DOT = 0x2e;

/**
 * Reads one archive at any place; may be asked many things at once.
 *
 * @example
 * ```ts
 * import { Accessor } from "@pxar/codec/accessor";
 * import { bytesAccess } from "@pxar/codec/random_access";
 *
 * async function firstLines(archive: Uint8Array): Promise<string | undefined> {
 *   await using accessor = await Accessor.open(bytesAccess(archive));
 *   const node = await accessor.lookup("/etc/motd");
 *   return node && await new Response(accessor.stream(node, { end: 80 })).text();
 * }
 * ```
 */
export class Accessor implements AsyncDisposable {
  /** Version of the format: 2 for split archives. */
  readonly version: 1 | 2;
  /** The directory that all others are in. */
  readonly root: Node;
  readonly #archive: RandomAccess;
  readonly #payload: RandomAccess | undefined;
  readonly #contents: Contents;
  readonly #start: Start;
  readonly #idle: ItemCursor[] = [];

  private constructor(
    archive: RandomAccess,
    payload: RandomAccess | undefined,
    start: Start,
  ) {
    this.#archive = archive;
    this.#payload = payload;
    this.#contents = new Contents(archive, payload);
    this.#start = start;
    this.version = start.version;
    this.root = start.root;
  }

  /**
   * Opens an archive: reads its start and the end of its last goodbye table.
   *
   * @param archive The archive, or the metadata stream of a split one; with nothing before or behind it. Closed with the accessor, also if opening fails.
   * @param options Payload stream, memory.
   * @throws {FormatError} If it is no whole archive.
   */
  static async open(
    archive: RandomAccess,
    options: AccessorOptions = {},
  ): Promise<Accessor> {
    const { payload, cache: budget = 2 << 20, block = 4096 } = options;
    try {
      const cached = blockCache(archive, { block, budget });
      const cachedPayload = payload && blockCache(payload, { block, budget });
      const start = await readStart(new ItemCursor(cached), cached.size);
      if (cachedPayload !== undefined) await checkPayloadStart(cachedPayload);
      return new Accessor(cached, cachedPayload, start);
    } catch (error) {
      await closeAll(archive, payload);
      throw error;
    }
  }

  /** What the writer put before the entries, by custom the exclude patterns as JSON; `undefined` if there is nothing. */
  prelude(): Content | undefined {
    const prelude = this.#start.prelude;
    return prelude && this.#contents.part(prelude.start, prelude.size);
  }

  /**
   * Yields the children of a directory in the order of the archive, in pages of up to 256, never an empty one.
   *
   * The goodbye table is read whole and compared with what it leads to: that no child is left out, none is met twice, and each has the name of its hash.
   *
   * @param directory Of this archive.
   * @throws {TypeError} If it is no directory.
   * @throws {FormatError} If the archive is damaged here; what was yielded before was sound.
   */
  async *list(
    directory: Node,
  ): AsyncGenerator<readonly Node[], void, void> {
    requireKind(directory, "directory");
    const cursor = this.#cursor();
    yield* listChildren(cursor, directory);
    this.#release(cursor);
  }

  /**
   * Finds a child by its name, in time that grows with the logarithm of the number of children.
   *
   * @param directory Of this archive.
   * @param name One path component, raw bytes.
   * @returns The child, `undefined` if there is none of that name. Of several, the first in the archive.
   * @throws {TypeError} If `directory` is none.
   * @throws {FormatError} If the archive is damaged here.
   */
  async child(directory: Node, name: Bytes): Promise<Node | undefined> {
    requireKind(directory, "directory");
    const cursor = this.#cursor();
    const found = await findChild(cursor, directory, name);
    this.#release(cursor);
    return found;
  }

  /**
   * Finds an entry by its path from the root. Links are not followed.
   *
   * @param path Components with slashes between; a string stands for its UTF-8. Empty ones and "." are passed over.
   * @returns The node, `undefined` if there is none, also for an empty path.
   * @throws {TypeError} If a component is "..".
   * @throws {FormatError} If the archive is damaged on the way.
   */
  async lookup(path: string | Bytes): Promise<Node | undefined> {
    const bytes = typeof path === "string"
      ? new TextEncoder().encode(path)
      : path;
    if (bytes.length === 0) return undefined;
    let node = this.root;
    for (const name of components(bytes)) {
      if (node.entry.kind !== "directory") return undefined;
      const child = await this.child(node, name);
      if (child === undefined) return undefined;
      node = child;
    }
    return node;
  }

  /**
   * Finds an entry by its position. A directory is searched for from the root on, all else is read right there.
   *
   * @param position As in {@linkcode Node}; 0 stands for the root.
   * @throws {RangeError} If no entry can be there.
   * @throws {NotFoundError} If no directory starts there, where it looked like one.
   * @throws {FormatError} If what is there is no entry.
   */
  async at(position: number): Promise<Node> {
    if (position === 0 || position === this.root.position) return this.root;
    if (
      !(Number.isSafeInteger(position) && position >= this.root.start &&
        position < this.#start.limit)
    ) {
      throw new RangeError(
        `Cannot read entry at byte ${position}: expected ${this.root.start} to ${
          this.#start.limit - 1
        }`,
      );
    }
    const cursor = this.#cursor();
    const node = await readNode(cursor, position, this.#start.limit);
    const found = node.entry.kind === "directory"
      ? await findDirectory(cursor, this.root, position)
      : node;
    this.#release(cursor);
    return found;
  }

  /**
   * Finds the file that a hardlink is another name of.
   *
   * @param node Of this archive; what is no hardlink is returned as it is.
   * @throws {FormatError} If it leads to anything but a regular file.
   */
  async follow(node: Node): Promise<Node> {
    const { kind, linkPosition, name } = node.entry;
    if (kind !== "hardlink" || linkPosition === undefined) return node;
    const offset = node.position;
    if (linkPosition < this.root.start) {
      throw new FormatError(
        `Cannot follow hardlink "${
          showName(name)
        }" at byte ${offset}: it leads to byte ${linkPosition}, expected an entry`,
        { offset },
      );
    }
    const cursor = this.#cursor();
    const target = await readNode(cursor, linkPosition, this.#start.limit);
    this.#release(cursor);
    if (target.entry.kind !== "file") {
      throw new FormatError(
        `Cannot follow hardlink "${
          showName(name)
        }" at byte ${offset}: it leads to a ${target.entry.kind}, expected a file`,
        { offset },
      );
    }
    return target;
  }

  /**
   * Reads from a file's content.
   *
   * @param node A file of this archive.
   * @param offset First byte, 0 or more; from `node.size` on there is nothing to read.
   * @param into Filled; not to be touched before the promise settles.
   * @returns How many bytes were read: fewer than `into` holds only at the end.
   * @throws {TypeError} If it is no file (of a hardlink, read what {@linkcode follow} gives).
   * @throws {RangeError} If `offset` is no offset.
   * @throws {UnsupportedError} If the content lies in a payload stream and none was given.
   * @throws {FormatError} If the payload stream does not hold it.
   */
  async read(node: Node, offset: number, into: Bytes): Promise<number> {
    requireKind(node, "file");
    requireOffset(offset, Number.MAX_SAFE_INTEGER);
    return await this.#contents.read(node, offset, into);
  }

  /**
   * A file's content, to be pulled in order; what an entry needs to be encoded or written.
   *
   * @param node A file of this archive.
   * @throws {TypeError} If it is no file.
   */
  content(node: Node): Content {
    requireKind(node, "file");
    return this.#contents.whole(node);
  }

  /**
   * A file's content, or a part of it.
   *
   * @param node A file of this archive.
   * @param range First byte and the one behind the last; all unless told. What lies behind the end of the file is left out.
   * @returns Pieces of up to 256 KiB, read when they are asked for; they belong to whoever gets them.
   * @throws {TypeError} If it is no file.
   * @throws {RangeError} If it is no range.
   */
  stream(
    node: Node,
    range: {
      readonly start?: number | undefined;
      readonly end?: number | undefined;
    } = {},
  ): ReadableStream<Bytes> {
    requireKind(node, "file");
    const { start = 0, end = node.size } = range;
    requireOffset(end, Number.MAX_SAFE_INTEGER);
    requireOffset(start, end);
    const to = Math.min(end, node.size);
    let at = start;
    return new ReadableStream<Bytes>({
      pull: async (controller): Promise<void> => {
        const piece = new Uint8Array(Math.min(PIECE, Math.max(0, to - at)));
        await this.#contents.read(node, at, piece);
        at += piece.length;
        if (piece.length > 0) controller.enqueue(piece);
        if (at >= to) controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /** Lets go of the archive and its payload stream. */
  async close(): Promise<void> {
    await closeAll(this.#archive, this.#payload);
  }

  /** The same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #cursor(): ItemCursor {
    return this.#idle.pop() ?? new ItemCursor(this.#archive);
  }

  /** After an error a cursor is not given back: a read may be under way. */
  #release(cursor: ItemCursor): void {
    if (this.#idle.length < IDLE) this.#idle.push(cursor);
  }
}

function requireKind(node: Node, kind: "file" | "directory"): void {
  if (node.entry.kind !== kind) {
    throw new TypeError(
      `Cannot read "${
        showName(node.entry.name)
      }": it is a ${node.entry.kind}, expected a ${kind}`,
    );
  }
}

function requireOffset(offset: number, most: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && offset <= most)) {
    throw new RangeError(
      `Cannot read from byte ${offset}: expected 0 to ${most}`,
    );
  }
}

async function closeAll(
  archive: RandomAccess,
  payload: RandomAccess | undefined,
): Promise<void> {
  try {
    await archive.close?.();
  } finally {
    await payload?.close?.();
  }
}

/** The names in a path, without empty ones and ".". */
function components(path: Bytes): Bytes[] {
  const names: Bytes[] = [];
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf(SLASH, from);
    const to = slash < 0 ? path.length : slash;
    const name = path.subarray(from, to);
    from = to + 1;
    if (name.length === 0 || (name.length === 1 && name[0] === DOT)) continue;
    if (name.length === 2 && name[0] === DOT && name[1] === DOT) {
      throw new TypeError(
        `Cannot look up "${
          showName(path)
        }": it has a component "..", expected none`,
      );
    }
    names.push(name);
  }
  return names;
}
