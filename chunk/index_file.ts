// What both kinds of index files have in common: how their headers begin, and entries of one length behind them.
import { blockCache } from "@pxar/codec/block_cache";
import type { RandomAccess } from "@pxar/codec/random_access";
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import type { IndexSink, IndexWriterOptions } from "./index_sink.ts";

/** Length of a header: entries start behind it. */
export const HEADER_SIZE = 4096;
/** Where in the header the checksum stands. */
export const CSUM_AT = 32;
/** Length of a uuid, of a digest and of a checksum. */
export const UUID_SIZE = 16, HASH_SIZE = 32;

/** How many bytes of a header mean something, at most. */
const FIELDS = 80;
const MAGIC_SIZE = 8;
/** Length of the blocks that are kept, bytes. */
export const BLOCK = 4096;
/** How many entries are read at once where all are read in order. */
export const BATCH = 1024;
/** After so many bytes others get their turn. */
const BYTES_A_TURN = 1 << 26;

/** Kinds of index files. */
export type IndexKind = "dynamic" | "fixed";

/** The first eight bytes: of the SHA-256 of a text each. Source: spec D.1, D.2. */
export const MAGICS: Readonly<Record<IndexKind, Bytes>> = {
  dynamic: Uint8Array.of(0x1c, 0x91, 0x4e, 0xa5, 0x19, 0xba, 0xb3, 0xcd),
  fixed: Uint8Array.of(0x2f, 0x7f, 0x41, 0xed, 0x91, 0xfd, 0x0f, 0xcd),
};

/** How both kinds of headers begin. */
export interface IndexHeader {
  readonly uuid: Bytes;
  readonly ctime: number;
  readonly csum: Bytes;
}

/**
 * Tells which kind of index a file is.
 *
 * @param access The file.
 * @throws {FormatError} If it is none, or one of a version that is not known.
 */
export async function readKind(access: RandomAccess): Promise<IndexKind> {
  if (access.size < HEADER_SIZE) {
    throw new TruncatedError(
      `Cannot read index: file has ${access.size} bytes, expected a header of ${HEADER_SIZE}`,
      { offset: access.size },
    );
  }
  const magic = new Uint8Array(MAGIC_SIZE);
  await readAll(access, 0, magic);
  for (const kind of ["dynamic", "fixed"] as const) {
    if (MAGICS[kind].every((byte, i) => byte === magic[i])) return kind;
  }
  throw new UnsupportedError(
    `Cannot read index at byte 0: it starts with "${
      showName(magic)
    }", expected the magic number of an index; it is none, or one of a newer version`,
    { offset: 0 },
  );
}

/**
 * Reads a header.
 *
 * @param access The file.
 * @param kind Which kind it has to be.
 * @returns What both kinds have, and a reader that stands behind it.
 */
export async function readHeader(
  access: RandomAccess,
  kind: IndexKind,
): Promise<{ header: IndexHeader; reader: ByteReader }> {
  const is = await readKind(access);
  if (is !== kind) {
    throw new FormatError(
      `Cannot read index at byte 0: it is a ${is} one, expected a ${kind} one`,
      { offset: 0 },
    );
  }
  const bytes = new Uint8Array(FIELDS);
  await readAll(access, 0, bytes);
  const reader = new ByteReader(bytes);
  reader.skip(MAGIC_SIZE);
  const header = {
    uuid: reader.copy(UUID_SIZE),
    // Of no consequence: whatever stands there must not make the rest unreadable.
    ctime: Number(BigInt.asIntN(64, reader.tag())),
    csum: reader.copy(HASH_SIZE),
  };
  return { header, reader };
}

/** Runs what opens an index; the file is closed if that fails. */
export async function openOrClose<T>(
  access: RandomAccess,
  open: (cached: RandomAccess) => Promise<T>,
): Promise<T> {
  const cached = blockCache(access, { block: BLOCK });
  try {
    return await open(cached);
  } catch (error) {
    await cached.close?.();
    throw error;
  }
}

/** Fills `into` from `offset` on, whole. */
export function readAll(
  access: RandomAccess,
  offset: number,
  into: Bytes,
): void | Promise<void> {
  const check = (got: number): void => {
    if (got === into.length) return;
    throw new TruncatedError(
      `Cannot read ${into.length} bytes of index at byte ${offset}: it ends at byte ${
        offset + got
      }`,
      { offset: offset + got },
    );
  };
  const got = access.read(offset, into);
  return typeof got === "number" ? check(got) : got.then(check);
}

/** Memory for one small read and a reader of it. */
export interface Slot {
  readonly bytes: Bytes;
  readonly reader: ByteReader;
}

/** Gives memory out for small reads that may be under way at the same time. */
export class Slots {
  readonly #size: number;
  #idle: Slot | undefined;

  /** Each slot has `size` bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Reads `length` bytes at `offset` and parses them at once.
   *
   * @param parse Called when they are there; the reader is not to be kept.
   */
  read<T>(
    access: RandomAccess,
    offset: number,
    length: number,
    parse: (reader: ByteReader) => T,
  ): T | Promise<T> {
    const slot = this.#idle ?? this.#make();
    this.#idle = undefined;
    const wait = readAll(access, offset, slot.bytes.subarray(0, length));
    const done = (): T => {
      slot.reader.window(0, length, offset);
      const parsed = parse(slot.reader);
      this.#idle = slot;
      return parsed;
    };
    return wait === undefined ? done() : wait.then(done);
  }

  #make(): Slot {
    const bytes = new Uint8Array(this.#size);
    return { bytes, reader: new ByteReader(bytes) };
  }
}

/**
 * Yields entries in order, {@linkcode BATCH} at a time, as bytes that are valid until the next are asked for.
 *
 * @param access The file.
 * @param entry Length of an entry, bytes.
 * @param from Number of the first one.
 * @param to Number behind the last one.
 */
export async function* entryBytes(
  access: RandomAccess,
  entry: number,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<Bytes, void, void> {
  const memory = new Uint8Array(Math.min(BATCH, to - from) * entry);
  let turn = 0;
  for (let at = from; at < to; at += BATCH) {
    signal?.throwIfAborted();
    const bytes = memory.subarray(0, Math.min(BATCH, to - at) * entry);
    const wait = readAll(access, HEADER_SIZE + at * entry, bytes);
    if (wait !== undefined) await wait;
    turn += bytes.length;
    if (turn >= BYTES_A_TURN) {
      turn = 0;
      await new Promise<void>((resolve) => setTimeout(resolve));
    }
    yield bytes;
  }
}

/** Checks a chunk's number. */
export function requireNumber(number: number, count: number): void {
  if (!(Number.isSafeInteger(number) && number >= 0 && number < count)) {
    throw new RangeError(
      `Cannot read chunk ${number} of index: expected 0 to ${count - 1}`,
    );
  }
}

/** Checks numbers of the first chunk and of the one behind the last. */
export function requireRange(from: number, to: number, count: number): void {
  if (
    !(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 &&
      from <= to && to <= count)
  ) {
    throw new RangeError(
      `Cannot read chunks ${from} to ${to} of index: expected numbers from 0 to ${count}`,
    );
  }
}

/** Checks an offset. */
export function requireOffset(offset: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0)) {
    throw new RangeError(
      `Cannot find byte ${offset} in index: expected an offset, 0 or more`,
    );
  }
}

/** Checks a digest to be written. */
export function requireDigest(digest: Bytes): void {
  if (digest.length !== HASH_SIZE) {
    throw new RangeError(
      `Cannot write index: a digest has ${digest.length} bytes, expected ${HASH_SIZE}`,
    );
  }
}

/** What both kinds of headers begin with, for a new index. */
export class NewHeader {
  /** 16 bytes. */
  readonly uuid: Bytes;
  /** Seconds since 1970. */
  readonly ctime: number;
  readonly #kind: IndexKind;

  /** Takes what is told, makes up the rest. */
  constructor(kind: IndexKind, options: IndexWriterOptions) {
    const {
      uuid = randomUuid(),
      ctime = Math.floor(Date.now() / 1000),
    } = options;
    if (uuid.length !== UUID_SIZE || !Number.isSafeInteger(ctime)) {
      throw new RangeError(
        `Cannot write index: uuid has ${uuid.length} bytes and ctime is ${ctime}, expected 16 and whole seconds`,
      );
    }
    this.#kind = kind;
    this.uuid = uuid.slice();
    this.ctime = ctime;
  }

  /** Puts the header at the start of the file, its checksum zero. */
  write(
    sink: IndexSink,
    more: (writer: ByteWriter) => void = () => {},
  ): void | Promise<void> {
    const bytes = new Uint8Array(HEADER_SIZE), writer = new ByteWriter(bytes);
    writer.bytes(MAGICS[this.#kind]);
    writer.bytes(this.uuid);
    writer.i64(this.ctime);
    writer.advance(HASH_SIZE);
    more(writer);
    return sink.write(0, bytes);
  }
}

/** A random uuid, version 4. */
function randomUuid(): Bytes {
  const uuid = crypto.getRandomValues(new Uint8Array(UUID_SIZE));
  uuid[6] = uuid[6]! & 0x0f | 0x40;
  uuid[8] = uuid[8]! & 0x3f | 0x80;
  return uuid;
}
