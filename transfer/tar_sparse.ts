/**
 * Files with holes, as GNU tar and bsdtar write them: only what is not zeros is in the archive.
 *
 * | form | where the pieces are told |
 * | :-- | :-- |
 * | old GNU, type `S` | in the header, four of them, and in blocks of 21 behind it |
 * | PAX 0.0 | `GNU.sparse.offset` and `GNU.sparse.numbytes`, again and again |
 * | PAX 0.1 | `GNU.sparse.map`: numbers with commas |
 * | PAX 1.0 | before the content, a number a line, filled up to a block |
 *
 * Source: GNU tar 1.35 manual, "Storing Sparse Files".
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Content } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { decodeNumber, TAR_BLOCK } from "./tar_header.ts";
import { latin1 } from "./tar_pax.ts";
import { recordNumber, recordValue, type TarRecords } from "./tar_metadata.ts";

/** Where the pieces of a file lie: offset and length of each in turn, bytes. */
export interface SparseMap {
  /** Length of the file with its holes, bytes. */
  readonly size: number;
  /** Offset, length, offset, length … */
  readonly pieces: readonly number[];
}

/** Most pieces of a file. */
const PIECE_LIMIT = 1 << 20;
const OLD_MAP = 386,
  OLD_COUNT = 4,
  OLD_MORE = 482,
  OLD_SIZE = [483, 12] as const;
const NEXT_COUNT = 21, NEXT_MORE = 504, PAIR = 24;

/** What the old form says block by block. */
export class OldSparse {
  readonly #pieces: number[] = [];
  readonly #size: number;
  readonly #offset: number;
  /** Whether another block of pieces follows. */
  more: boolean;

  /**
   * Reads what the header says.
   *
   * @param block The header.
   * @param offset Where it stands in the archive, for errors.
   * @throws {FormatError} If a number is none.
   */
  constructor(block: Bytes, offset: number) {
    this.#offset = offset;
    this.#size = decodeNumber(block, OLD_SIZE, "length", offset);
    this.#read(block, OLD_MAP, OLD_COUNT, offset);
    this.more = block[OLD_MORE] !== 0;
  }

  /** Reads a block of pieces. */
  add(block: Bytes, offset: number): void {
    this.#read(block, 0, NEXT_COUNT, offset);
    this.more = block[NEXT_MORE] !== 0;
  }

  /** The pieces, `stored` bytes in all. */
  finish(stored: number): SparseMap {
    return checkMap(
      { size: this.#size, pieces: this.#pieces },
      stored,
      this.#offset,
    );
  }

  #read(block: Bytes, from: number, count: number, offset: number): void {
    for (let i = 0; i < count; i++) {
      const at = from + i * PAIR;
      if (block[at] === 0) return;
      const number = (at: number) =>
        decodeNumber(block, [at, 12], "map", offset);
      add(this.#pieces, number(at), number(at + 12), offset);
    }
  }
}

/** What records say of a file with holes. */
export interface PaxSparse {
  /** Its name, where the header's is made up. */
  readonly name: Bytes | undefined;
  /** Its length with the holes, bytes. */
  readonly size: number;
  /** Its pieces; `undefined` where they stand before the content. */
  readonly pieces: readonly number[] | undefined;
}

/**
 * Reads what records say.
 *
 * @param records The records of one member.
 * @returns What they say; `undefined` where it is a file like any other.
 * @throws {FormatError} If they do not say it right.
 */
export function paxSparse(records: TarRecords): PaxSparse | undefined {
  const { offset } = records;
  const name = recordValue(records, "GNU.sparse.name");
  const major = recordNumber(records, "GNU.sparse.major");
  if (major !== undefined) {
    const minor = recordNumber(records, "GNU.sparse.minor") ?? 0;
    const size = recordNumber(records, "GNU.sparse.realsize");
    if (major !== 1 || minor !== 0 || size === undefined) {
      throw refuse(offset, `is of version ${major}.${minor}`, "1.0");
    }
    return { name, size, pieces: undefined };
  }
  const size = recordNumber(records, "GNU.sparse.size");
  if (size === undefined) return undefined;
  const pieces: number[] = [];
  const map = recordValue(records, "GNU.sparse.map");
  if (map !== undefined) {
    const numbers = latin1(map).split(",").map(decimal);
    for (let i = 0; i < numbers.length; i += 2) {
      add(pieces, numbers[i] ?? NaN, numbers[i + 1] ?? NaN, offset);
    }
    return { name, size, pieces };
  }
  let at: number | undefined;
  for (const { key, value } of records.records) {
    if (key === "GNU.sparse.offset") at = decimal(latin1(value));
    else if (key === "GNU.sparse.numbytes") {
      add(pieces, at ?? NaN, decimal(latin1(value)), offset);
      at = undefined;
    }
  }
  return { name, size, pieces };
}

/**
 * Reads the pieces that stand before a content.
 *
 * @param size Length of the file with its holes, bytes.
 * @param stored What is in the archive of it; left behind the pieces.
 * @param offset Where the member stands in the archive, for errors.
 * @throws {FormatError} If there is anything else.
 */
export async function readSparseMap(
  size: number,
  stored: Content,
  offset: number,
): Promise<SparseMap> {
  const block: Bytes = new Uint8Array(TAR_BLOCK);
  let taken = 0, at = TAR_BLOCK;
  const number = async (): Promise<number> => {
    let value = 0;
    for (let digits = 0;; digits++) {
      if (at === TAR_BLOCK) {
        if (await fill(stored, block) < TAR_BLOCK) {
          throw refuse(offset, "ends before its content", "all of it");
        }
        taken += TAR_BLOCK;
        at = 0;
      }
      const byte = block[at++]!;
      if (byte === 0x0a && digits > 0) return value;
      if (byte < 0x30 || byte > 0x39 || digits > 15) {
        throw refuse(offset, "has something else", "a number a line");
      }
      value = value * 10 + byte - 0x30;
    }
  };
  const count = await number();
  if (count > PIECE_LIMIT) {
    throw refuse(offset, `has ${count} pieces`, `at most ${PIECE_LIMIT}`);
  }
  const pieces: number[] = [];
  for (let i = 0; i < count; i++) {
    add(pieces, await number(), await number(), offset);
  }
  return checkMap({ size, pieces }, stored.size - taken, offset);
}

/** States that pieces lie one after the other within the file, and are as long as what is stored. */
export function checkMap(
  map: SparseMap,
  stored: number,
  offset: number,
): SparseMap {
  const { size, pieces } = map;
  let end = 0, sum = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    const from = pieces[i]!, length = pieces[i + 1]!;
    if (from < end || from + length > size) {
      throw refuse(
        offset,
        `has ${length} bytes at ${from}`,
        `pieces in order within its ${size} bytes`,
      );
    }
    end = from + length;
    sum += length;
  }
  if (sum !== stored) {
    throw refuse(offset, `has ${sum} bytes`, `the ${stored} that are stored`);
  }
  return map;
}

/** A file with holes: zeros where no piece is. */
export class SparseContent implements Content {
  /** Length with the holes, bytes. */
  readonly size: number;
  /** Nothing is held. */
  readonly release: undefined = undefined;
  readonly #pieces: readonly number[];
  readonly #stored: Content;
  #at = 0;
  #next = 0;

  /**
   * Starts before the first byte.
   *
   * @param map Where the pieces lie.
   * @param stored The pieces, one behind the other.
   */
  constructor({ size, pieces }: SparseMap, stored: Content) {
    this.size = size;
    this.#pieces = pieces;
    this.#stored = stored;
  }

  /** Gives the next bytes of a hole or of a piece. */
  read(into: Bytes): number | Promise<number> {
    while (
      this.#next < this.#pieces.length &&
      this.#at >= this.#pieces[this.#next]! + this.#pieces[this.#next + 1]!
    ) this.#next += 2;
    const from = this.#pieces[this.#next] ?? this.size;
    if (this.#at < from) {
      const zeros = Math.min(into.length, from - this.#at);
      into.fill(0, 0, zeros);
      this.#at += zeros;
      return zeros;
    }
    if (this.#at >= this.size) return 0;
    const left = from + this.#pieces[this.#next + 1]! - this.#at;
    const got = this.#stored.read(into.subarray(0, left));
    if (typeof got !== "number") return got.then((got) => this.#passed(got));
    return this.#passed(got);
  }

  #passed(got: number): number {
    this.#at += got;
    return got;
  }
}

/** Fills memory from a content. */
async function fill(content: Content, into: Bytes): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const got = await content.read(into.subarray(filled));
    if (got === 0) break;
    filled += got;
  }
  return filled;
}

function add(
  pieces: number[],
  from: number,
  length: number,
  offset: number,
): void {
  if (!(from >= 0 && length >= 0 && Number.isSafeInteger(from + length))) {
    throw refuse(offset, "has something else", "offsets and lengths");
  }
  if (pieces.length >= 2 * PIECE_LIMIT) {
    throw refuse(offset, "has more pieces", `at most ${PIECE_LIMIT}`);
  }
  if (length > 0) pieces.push(from, length);
}

function decimal(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : NaN;
}

function refuse(offset: number, what: string, expected: string): FormatError {
  return new FormatError(
    `Cannot read tar member at byte ${offset}: the map of its holes ${what}, expected ${expected}`,
    { offset },
  );
}
