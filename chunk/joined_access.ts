// An archive out of chunks, read at any place.
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import type { ChunkCache } from "./chunk_cache.ts";
import type { ChunkIndex, ChunkRef } from "./chunk_index.ts";

/** How many readers, each going on where it stopped, are told apart. */
const READERS = 16;

/** Copies out of chunks; sends for those that follow where reads do. */
export class JoinedAccess implements RandomAccess {
  readonly size: number;
  readonly #index: ChunkIndex;
  readonly #chunks: ChunkCache;
  readonly #ahead: number;
  readonly #stop: AbortController;
  readonly #signal: AbortSignal;
  /** The chunk used last, which is most often the one wanted next. */
  #last: { readonly ref: ChunkRef; readonly data: Uint8Array } | undefined;
  /** Where the last reads ended. */
  readonly #ends = new Float64Array(READERS).fill(-1);
  #turn = 0;

  /** `stop` ends what is under way, `signal` tells whether that or something else did. */
  constructor(
    index: ChunkIndex,
    chunks: ChunkCache,
    ahead: number,
    stop: AbortController,
    signal: AbortSignal,
  ) {
    this.size = index.size;
    this.#index = index;
    this.#chunks = chunks;
    this.#ahead = ahead;
    this.#stop = stop;
    this.#signal = signal;
  }

  read(offset: number, into: Bytes): number | Promise<number> {
    this.#signal.throwIfAborted();
    if (!(Number.isSafeInteger(offset) && offset >= 0)) {
      throw new RangeError(
        `Cannot read from byte ${offset}: expected 0 or more`,
      );
    }
    const length = Math.min(into.length, Math.max(0, this.size - offset));
    if (length === 0) return 0;
    const follows = this.#ahead > 0 && this.#follows(offset, offset + length);
    const last = this.#last;
    const filled = last !== undefined && offset >= last.ref.start
      ? copy(last.ref, last.data, offset, into, 0, length)
      : 0;
    if (filled === length) return filled;
    return this.#readOn(offset, into, filled, length, follows);
  }

  readonly close = async (): Promise<void> => {
    this.#stop.abort(new TypeError("Cannot read archive: it is closed"));
    this.#chunks.drop();
    this.#last = undefined;
    await this.#index.close();
  };

  async #readOn(
    offset: number,
    into: Bytes,
    before: number,
    length: number,
    follows: boolean,
  ): Promise<number> {
    let filled = before;
    let number = await this.#index.find(offset + filled);
    const until = offset + length + (follows ? this.#ahead : 0);
    while (filled < length) {
      if (number === undefined) throw this.#damaged(offset + filled);
      const ref = await this.#index.chunk(number);
      if (ref.start > offset + filled || ref.end <= offset + filled) {
        throw this.#damaged(offset + filled);
      }
      let data = this.#chunks.get(ref);
      // What goes wrong with it goes wrong again when it is wanted.
      if (until > ref.end) this.#prefetch(number + 1, until).catch(() => {});
      if (data instanceof Promise) data = await this.#orAborted(data);
      filled = copy(ref, data, offset, into, filled, length);
      this.#last = { ref, data };
      number++;
    }
    return filled;
  }

  /** Sends for chunks, as far as there is room. */
  async #prefetch(number: number, until: number): Promise<void> {
    for (let next = number; next < this.#index.count; next++) {
      const ref = await this.#index.chunk(next);
      if (ref.start >= until || !this.#chunks.prefetch(ref)) return;
    }
  }

  /** Whether a read goes on where another one ended; remembers where it ends itself. */
  #follows(offset: number, end: number): boolean {
    const before = this.#ends.indexOf(offset);
    this.#ends[before >= 0 ? before : this.#turn++ % READERS] = end;
    return before >= 0;
  }

  /** Does not wait for a source that does not heed the signal. */
  #orAborted<T>(work: Promise<T>): Promise<T> {
    const signal = this.#signal;
    return new Promise<T>((resolve, reject) => {
      const aborted = (): void => reject(signal.reason);
      signal.addEventListener("abort", aborted, { once: true });
      work.then(resolve, reject).finally(() =>
        signal.removeEventListener("abort", aborted)
      );
    });
  }

  #damaged(offset: number): FormatError {
    return new FormatError(
      `Cannot read byte ${offset} of archive: its index leads to a chunk without it, expected ends that rise`,
      { offset },
    );
  }
}

/** Copies what a chunk has of what is wanted behind `filled`; gives how much is filled then. */
function copy(
  ref: ChunkRef,
  data: Uint8Array,
  offset: number,
  into: Bytes,
  filled: number,
  length: number,
): number {
  const at = offset + filled - ref.start;
  if (at >= data.length) return filled;
  const part = data.subarray(at, Math.min(data.length, at + length - filled));
  into.set(part, filled);
  return filled + part.length;
}
