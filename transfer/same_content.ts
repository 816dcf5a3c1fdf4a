/**
 * Whether two files have the same content: read side by side, or proven by the chunks of snapshots.
 *
 * @module
 */
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { Accessor } from "@pxar/codec/accessor";
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import type { Content, Entry } from "@pxar/format/entry";
import { TruncatedError, UnsupportedError } from "@pxar/format/errors";
import type { Abortable } from "@pxar/store/store";
import { type FilePlace, payloadPlace, unprovenRanges } from "./file_chunks.ts";
import type { OpenSnapshot } from "./open.ts";

/** How much of each file is read at once, bytes. */
const PIECE = 1 << 18;
/** After so many bytes, others get their turn. */
const BYTES_A_TURN = 1 << 26;
/** Files below this length are not looked up in an archive that is one stream: they came by with their entries. */
const LOOKED_UP = 1 << 20;
/** Memory for chunks of each archive, bytes. */
const BUDGET = 32 << 20;

/** Fills `into` from where the file has been read to, or from `offset` where it can be read at any place; gives how much was read. */
export type ReadPart = (
  offset: number,
  into: Bytes,
) => number | Promise<number>;

/** Compares contents, one pair at a time, in memory that is used again and again. */
export class ContentComparison {
  readonly #signal: AbortSignal | undefined;
  #one: Bytes = new Uint8Array(0);
  #other: Bytes = this.#one;
  #turn = 0;

  /** Allocates nothing yet. */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /**
   * Reads two contents as far as they are equal.
   *
   * @param a One content.
   * @param b The other.
   * @returns Whether they are equal.
   * @throws {TruncatedError} If one ends before its size.
   */
  async contents(a: Content, b: Content): Promise<boolean> {
    return a.size === b.size && await this.range(
      (_, into) => a.read(into),
      (_, into) => b.read(into),
      0,
      a.size,
    );
  }

  /**
   * Reads the same part of two files as far as they are equal.
   *
   * @param a Reads the one.
   * @param b Reads the other.
   * @param start First byte.
   * @param end The byte behind the last one.
   * @returns Whether they are equal.
   * @throws {TruncatedError} If one ends before `end`.
   */
  async range(
    a: ReadPart,
    b: ReadPart,
    start: number,
    end: number,
  ): Promise<boolean> {
    for (let at = start; at < end;) {
      const length = Math.min(PIECE, end - at);
      this.#reserve(length);
      // A part that is at hand is not waited for.
      const one = fill(a, at, this.#one.subarray(0, length));
      if (one !== undefined) await one;
      const other = fill(b, at, this.#other.subarray(0, length));
      if (other !== undefined) await other;
      if (!sameMemory(this.#one, this.#other, length)) return false;
      at += length;
      await this.#let(length);
    }
    return true;
  }

  #reserve(length: number): void {
    if (this.#one.length >= length) return;
    const room = length > PIECE >> 4 ? PIECE : PIECE >> 4;
    this.#one = new Uint8Array(room);
    this.#other = new Uint8Array(room);
  }

  /** Counts what was compared; lets others have their turn now and then, for whoever aborts must be heard. */
  async #let(length: number): Promise<void> {
    this.#turn += length;
    if (this.#turn < BYTES_A_TURN) return;
    this.#turn = 0;
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#signal?.throwIfAborted();
  }
}

/** The contents of a snapshot's archive, and the chunks that they lie in. */
export class SnapshotContents implements AsyncDisposable {
  /** Chunks of the stream that contents lie in. */
  readonly index: ChunkIndex;
  readonly #isSplit: boolean;
  readonly #open: () => Promise<RandomAccess>;
  #access: Promise<RandomAccess> | undefined;
  #accessor: Promise<Accessor> | undefined;

  private constructor(
    index: ChunkIndex,
    isSplit: boolean,
    open: () => Promise<RandomAccess>,
  ) {
    this.index = index;
    this.#isSplit = isSplit;
    this.#open = open;
  }

  /**
   * Opens the index of the contents.
   *
   * @param snapshot Not closed.
   * @param archive Such as `root.pxar`, whether it is split or not.
   * @param options What ends reading.
   * @returns To be closed, before the snapshot.
   * @throws {UnsupportedError} If it is a single file.
   * @throws {IntegrityError} If the index is not what the manifest says.
   */
  static async open(
    snapshot: OpenSnapshot,
    archive: string,
    options: Abortable = {},
  ): Promise<SnapshotContents> {
    const { signal } = options, files = snapshot.resolve(archive);
    const { kind, server } = files.split ? files.payload : files.file;
    if (kind === "blob") {
      throw new UnsupportedError(
        `Cannot find chunks of ${server}: it is a single file, expected an archive (.pxar)`,
      );
    }
    return new SnapshotContents(
      await snapshot.index(server, { signal }),
      files.split,
      () => snapshot.access(server, { signal, budget: BUDGET }),
    );
  }

  /**
   * Where the content of a file lies.
   *
   * @param entry Of this archive.
   * @returns Its place in the stream; `undefined` where looking it up would cost more than it could save.
   * @throws {FormatError} If the archive is damaged there.
   */
  async place(entry: Entry): Promise<FilePlace | undefined> {
    const { payload, content, position } = entry;
    if (this.#isSplit) return payload && payloadPlace(payload);
    if (position === undefined || (content?.size ?? 0) < LOOKED_UP) {
      return undefined;
    }
    this.#accessor ??= this.access().then((access) => Accessor.open(access));
    return await (await this.#accessor).at(position);
  }

  /** The stream that contents lie in, to be read at any place; closed with this. */
  async access(): Promise<RandomAccess> {
    return await (this.#access ??= this.#open());
  }

  /** Closes what it reads from. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await (await this.#access?.catch(() => undefined))?.close?.();
    } finally {
      await this.index.close();
    }
  }
}

/**
 * Compares files of two snapshots by their chunks, and reads only what these leave open.
 *
 * @param a Where the first of each two files lies.
 * @param b Where the other one lies; may be of the same snapshot, of another group, of another store.
 * @param options What ends it.
 * @returns For `diff`: whether two files of one length are equal, `undefined` where chunks tell nothing of them.
 *
 * @example What has changed in a week, read from chunks that differ only
 * ```ts
 * import { diff } from "@pxar/transfer/diff";
 * import type { OpenSnapshot } from "@pxar/transfer/open";
 * import { sameByChunks, SnapshotContents } from "@pxar/transfer/same_content";
 *
 * async function countChanges(before: OpenSnapshot, after: OpenSnapshot): Promise<number> {
 *   await using ours = await SnapshotContents.open(before, "root.pxar");
 *   await using theirs = await SnapshotContents.open(after, "root.pxar");
 *   const changes = diff(before.entries("root.pxar"), after.entries("root.pxar"), {
 *     content: "always",
 *     sameContent: sameByChunks(ours, theirs),
 *   });
 *   let count = 0;
 *   for await (const _change of changes) count++;
 *   return count;
 * }
 * ```
 */
export function sameByChunks(
  a: SnapshotContents,
  b: SnapshotContents,
  options: Abortable = {},
): (one: Entry, other: Entry) => Promise<boolean | undefined> {
  const comparison = new ContentComparison(options.signal);
  return async (one, other) => {
    const ours = await a.place(one), theirs = await b.place(other);
    if (ours === undefined || ours.size !== theirs?.size) return undefined;
    const { size } = ours;
    const ranges = unprovenRanges(
      { index: a.index, file: ours },
      { index: b.index, file: theirs },
    );
    for await (const { start, end } of ranges) {
      // Nothing is proven: reading in order is faster.
      if (start === 0 && end === size) return undefined;
      const same = await comparison.range(
        reader(await a.access(), ours),
        reader(await b.access(), theirs),
        start,
        end,
      );
      if (!same) return false;
    }
    return true;
  };
}

function reader(access: RandomAccess, { start }: FilePlace): ReadPart {
  return (offset, into) => access.read(start + offset, into);
}

/** Fills memory; a promise only where something has to be waited for. */
function fill(
  read: ReadPart,
  offset: number,
  into: Bytes,
): Promise<void> | void {
  for (let at = 0; at < into.length;) {
    const got = read(offset + at, into.subarray(at));
    if (typeof got !== "number") return fillOn(read, offset, into, at, got);
    at += requireSome(got, offset + at);
  }
}

async function fillOn(
  read: ReadPart,
  offset: number,
  into: Bytes,
  filled: number,
  promise: Promise<number>,
): Promise<void> {
  let at = filled + requireSome(await promise, offset + filled);
  while (at < into.length) {
    at += requireSome(await read(offset + at, into.subarray(at)), offset + at);
  }
}

function requireSome(got: number, at: number): number {
  if (got > 0) return got;
  throw new TruncatedError(
    `Cannot compare content: it ends at byte ${at}, before its size`,
  );
}

/** Compares the first bytes of two pieces of memory, four at a time. */
function sameMemory(a: Bytes, b: Bytes, length: number): boolean {
  const words = length >>> 2;
  const one = new Int32Array(a.buffer, 0, words);
  const other = new Int32Array(b.buffer, 0, words);
  for (let i = 0; i < words; i++) if (one[i] !== other[i]) return false;
  for (let i = words * 4; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
