/**
 * Bounded memory between whoever reads a stream and those who work on its chunks: each chunk lies in one piece, and its bytes stay where they are until
 * it is released.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { CutRules } from "./cut_rules.ts";

/** A chunk in the ring. */
export interface ByteRange {
  /** Offset in the ring's memory of its first byte. */
  readonly start: number;
  /** Length, bytes. */
  readonly length: number;
}

/** Less than this is not worth reading into, bytes. */
const CRUMBS = 1 << 16;

/** Memory that is used again and again. */
export class ChunkRing {
  /** All of it. */
  readonly bytes: Bytes;
  readonly #rules: CutRules;
  /** Where chunks may begin. */
  readonly #origin: number;
  /** Chunks that are not released, in the order in which they were cut, which is that of the memory from the tail on. */
  readonly #live: { readonly range: ByteRange; done: boolean }[] = [];
  /** The chunk that is being filled. */
  #start: number;
  #have = 0;
  /** How much of the memory behind it was given out to be filled. */
  #reserved = 0;

  /**
   * Starts empty.
   *
   * @param bytes The memory, shared or not.
   * @param origin Where the part begins that chunks may use.
   * @param rules Where chunks end.
   * @throws {RangeError} If it has not room for three chunks of the greatest length.
   */
  constructor(bytes: Bytes, origin: number, rules: CutRules) {
    if (bytes.length - origin < 3 * rules.max) {
      throw new RangeError(
        `Cannot make a ring of ${
          bytes.length - origin
        } bytes: expected room for three chunks of ${rules.max}`,
      );
    }
    this.bytes = bytes;
    this.#rules = rules;
    this.#start = this.#origin = origin;
  }

  /** How many bytes of the chunk that is being filled are there. */
  get pending(): number {
    return this.#have;
  }

  /**
   * Where the next bytes go.
   *
   * @param most How many are wanted.
   * @returns Memory to be filled from its start, then {@linkcode commit}ted; `undefined` where a chunk has to be released first.
   */
  reserve(most: number): Bytes | undefined {
    const size = this.bytes.length;
    let tail = this.#live[0]?.range.start;
    if (
      (tail === undefined || tail <= this.#start) &&
      this.#start + this.#rules.max > size
    ) {
      // The chunk might not fit behind: it goes on at the front.
      if (tail !== undefined && tail <= this.#origin + this.#have) {
        return undefined;
      }
      this.bytes.copyWithin(
        this.#origin,
        this.#start,
        this.#start + this.#have,
      );
      this.#start = this.#origin;
    }
    tail = this.#live[0]?.range.start;
    const head = this.#start + this.#have;
    const isWrapped = tail !== undefined && tail > this.#start;
    // One byte stays free before the tail: a start at the tail must only ever mean that nothing is wrapped.
    const room = (isWrapped ? tail! - 1 : size) - head;
    if (room <= 0 || (isWrapped && room < Math.min(most, CRUMBS))) {
      return undefined;
    }
    const free = this.bytes.subarray(head, head + Math.min(most, room));
    this.#assertFree(head, head + free.length);
    this.#reserved = free.length;
    return free;
  }

  /**
   * Counts bytes that were put where {@linkcode reserve} said.
   *
   * @throws {RangeError} If there was less room.
   */
  commit(count: number): void {
    if (!(count >= 0 && count <= this.#reserved)) {
      throw new RangeError(
        `Cannot take ${count} bytes into the ring: expected ${this.#reserved} at most`,
      );
    }
    this.#reserved -= count;
    this.#have += count;
  }

  /**
   * The next whole chunk; `undefined` where more bytes are needed. To be called until then after every commit.
   *
   * @param more As for {@linkcode CutRules.next}.
   */
  cut(more?: boolean): ByteRange | undefined {
    const length = this.#rules.next(
      this.bytes,
      this.#start,
      this.#have,
      more,
    );
    return length > 0 ? this.#take(length) : undefined;
  }

  /** What is left, as a chunk; `undefined` where nothing is. */
  rest(): ByteRange | undefined {
    return this.#have > 0 ? this.#take(this.#have) : undefined;
  }

  /** Gives a chunk's memory back. In any order; it is used again in order. */
  release(range: ByteRange): void {
    const live = this.#live.find((one) => one.range === range);
    if (live === undefined || live.done) {
      throw new RangeError("Cannot release a chunk: it is not in the ring");
    }
    live.done = true;
    while (this.#live[0]?.done) this.#live.shift();
  }

  #take(length: number): ByteRange {
    const range = { start: this.#start, length };
    this.#live.push({ range, done: false });
    this.#start += length;
    this.#have -= length;
    return range;
  }

  /** Always on: bytes that somebody works on must never be written over. The ring's arithmetic was once wrong here, and only data with duplicates showed it. */
  #assertFree(from: number, to: number): void {
    for (const { range: { start, length }, done } of this.#live) {
      if (!done && start < to && from < start + length) {
        throw new Error(
          `Cannot go on: the ring would write bytes ${from} to ${to} over a chunk at ${start} to ${
            start + length
          } (a fault of pxar)`,
        );
      }
    }
  }
}
