/**
 * The rolling hash that finds boundaries in a stream by its content, so that equal content gives equal chunks wherever it stands.
 *
 * A hash of the last 64 bytes is taken at every place. About three in 2 · average places match, and a chunk ends at the first match from a
 * quarter of the average on, at the latest at four times the average.
 *
 * Source: spec B.1 to B.3.
 *
 * @module
 */
import { searchMatch, WINDOW } from "./buzhash_search.ts";
import { BUZHASH_TABLE } from "./buzhash_table.ts";

/** Average length of the chunks of an archive, bytes. Source: spec B.1. */
export const ARCHIVE_AVERAGE: number = 4 << 20;
/** Average length of the chunks of a catalog, bytes. Source: spec B.1. */
export const CATALOG_AVERAGE: number = 512 << 10;

const LEAST_AVERAGE = 4 << 10, MOST_AVERAGE = 4 << 20;

/**
 * The hash of the last 64 bytes, byte by byte.
 *
 * {@linkcode Cutter} gives the same boundaries many times faster.
 */
export class Hasher {
  readonly #window = new Uint8Array(WINDOW);
  #count = 0;
  #hash = 0;

  /** The hash, 0 … 2^32 - 1; of all bytes so far while there are fewer than 64. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** How many bytes there have been. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes the next byte.
   *
   * @param byte 0 … 255.
   * @returns The hash.
   */
  roll(byte: number): number {
    const at = this.#count % WINDOW, hash = this.#hash;
    const leaving = this.#count < WINDOW
      ? 0
      : BUZHASH_TABLE[this.#window[at]!]!;
    // 64 rotations by one are none: what leaves is not rotated.
    this.#hash = (hash << 1 | hash >>> 31) ^ leaving ^
      BUZHASH_TABLE[byte & 255]!;
    this.#window[at] = byte;
    this.#count++;
    return this.hash;
  }

  /** Begins anew, as at the start of a chunk. */
  reset(): void {
    this.#count = 0;
    this.#hash = 0;
  }
}

/**
 * Whether a chunk may end behind the 64 bytes that have a hash.
 *
 * @param hash As {@linkcode Hasher} gives it.
 * @param average Average length of chunks, bytes.
 */
export function isBoundary(hash: number, average: number): boolean {
  const mask = 2 * average - 1;
  return (hash & mask) >= mask - 2;
}

/**
 * Finds where a chunk ends, in memory that holds it in one piece.
 *
 * It has no state, since the last 64 bytes alone decide: nothing is looked at that is not needed, such as the start of a chunk up to the least
 * length. Any memory will do, shared or not; what `scanMemory` makes is searched faster.
 */
export class Cutter {
  /** Least length of a chunk but the last, bytes: a quarter of the average. */
  readonly min: number;
  /** Greatest length of a chunk, bytes: four times the average. */
  readonly max: number;
  readonly #mask: number;

  /**
   * Takes what all boundaries depend on.
   *
   * @param average Average length of chunks, bytes: a power of two, 4 KiB to 4 MiB.
   * @throws {RangeError} If it is another number.
   */
  constructor(average: number) {
    const isGood = average >= LEAST_AVERAGE && average <= MOST_AVERAGE &&
      Number.isInteger(Math.log2(average));
    if (!isGood) {
      throw new RangeError(
        `Cannot cut into chunks: their average length is ${average}, expected a power of two from ${LEAST_AVERAGE} to ${MOST_AVERAGE}`,
      );
    }
    this.min = average / 4;
    this.max = average * 4;
    this.#mask = average * 2 - 1;
  }

  /**
   * Finds the end of a chunk.
   *
   * @param bytes Where it lies.
   * @param at Index of its first byte.
   * @param tested It is known not to end up to this length; 0 at first.
   * @param have How many bytes from `at` on are there.
   * @returns The chunk's length; 0 where more bytes are needed, it does not end up to `have` then.
   * @throws {RangeError} If they do not lie in `bytes`.
   */
  scan(bytes: Uint8Array, at: number, tested: number, have: number): number {
    if (!(at >= 0 && at + have <= bytes.length)) {
      throw new RangeError(
        `Cannot look for the end of a chunk in bytes ${at} to ${
          at + have
        }: expected a part of ${bytes.length} bytes`,
      );
    }
    const first = Math.max(this.min, tested + 1);
    const last = Math.min(this.max, have);
    if (first > last) return 0;
    const end = searchMatch(bytes, at + first, at + last, this.#mask);
    if (end >= 0) return end - at;
    return last === this.max ? last : 0;
  }
}
