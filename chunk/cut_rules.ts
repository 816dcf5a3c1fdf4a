/**
 * The rules by which a stream is cut into chunks: by its content, or into equal parts. Those of a payload stream are in `payload_rules.ts`.
 *
 * @module
 */
import { ARCHIVE_AVERAGE, Cutter } from "./buzhash.ts";

/** Greatest length of a chunk, bytes: no server takes more. Source: spec C.1. */
export const MAX_CHUNK: number = 16 << 20;

/** Says where the chunks of one stream end. Has a state: each stream needs rules of its own. */
export interface CutRules {
  /** Greatest length of a chunk, bytes: so much of one has to lie in one piece. */
  readonly max: number;
  /**
   * Finds the end of the next chunk.
   *
   * To be asked again after each chunk, from its end on, until more bytes are needed. Bytes may have been moved meanwhile.
   *
   * @param bytes Where the chunk lies; what `scanMemory` makes is searched faster.
   * @param at Index of its first byte.
   * @param have How many bytes of the stream from there on are there; never fewer than before.
   * @param more Whether they end within a piece of the input, of which more comes. Only for payload streams does it matter where pieces end.
   * @returns The chunk's length; 0 where more bytes are needed. At the end of the stream what is left then is the last chunk.
   */
  next(bytes: Uint8Array, at: number, have: number, more?: boolean): number;
}

/** How a stream is cut: by its content unless `chunkSize` is given. */
export interface CutRulesOptions {
  /** Average length of the chunks, bytes: a power of two, 4 KiB to 4 MiB; 4 MiB unless told. */
  readonly average?: number | undefined;
  /** Length of all chunks but the last, bytes, for images: a power of two up to 16 MiB. */
  readonly chunkSize?: number | undefined;
}

/**
 * Makes the rules for a stream.
 *
 * @param options How it is to be cut.
 * @returns Rules for one stream.
 * @throws {RangeError} If a length is out of range.
 * @throws {TypeError} If both are given.
 */
export function cutRules(options: CutRulesOptions = {}): CutRules {
  const { average, chunkSize } = options;
  if (chunkSize === undefined) return new DynamicRules(average);
  if (average !== undefined) {
    throw new TypeError(
      "Cannot cut into chunks: both an average and a chunk size are given, expected one of them",
    );
  }
  return new FixedRules(chunkSize);
}

/** Cuts by content. Source: spec B.1 and B.2. */
export class DynamicRules implements CutRules {
  readonly max: number;
  readonly #cutter: Cutter;
  #tested = 0;

  /**
   * Starts at the first byte of a stream.
   *
   * @param average Average length of the chunks, bytes: a power of two, 4 KiB to 4 MiB.
   * @throws {RangeError} If it is another number.
   */
  constructor(average: number = ARCHIVE_AVERAGE) {
    this.#cutter = new Cutter(average);
    this.max = this.#cutter.max;
  }

  /** As {@linkcode CutRules.next}. The chunks do not depend on how many bytes are there at a time. */
  next(bytes: Uint8Array, at: number, have: number): number {
    const length = this.#cutter.scan(bytes, at, this.#tested, have);
    this.#tested = length > 0 ? 0 : have;
    return length;
  }
}

/** Cuts into equal parts. Source: spec B.5. */
export class FixedRules implements CutRules {
  readonly max: number;

  /**
   * Starts at the first byte of a stream.
   *
   * @param chunkSize Length of all chunks but the last, bytes: a power of two up to 16 MiB.
   * @throws {RangeError} If it is another number.
   */
  constructor(chunkSize: number) {
    const isGood = chunkSize >= 1 && chunkSize <= MAX_CHUNK &&
      Number.isInteger(Math.log2(chunkSize));
    if (!isGood) {
      throw new RangeError(
        `Cannot cut into chunks: their length is ${chunkSize}, expected a power of two up to ${MAX_CHUNK}`,
      );
    }
    this.max = chunkSize;
  }

  /** As {@linkcode CutRules.next}. */
  next(_bytes: Uint8Array, _at: number, have: number): number {
    return have >= this.max ? this.max : 0;
  }
}
