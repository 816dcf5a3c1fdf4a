/**
 * Bytes that come one after the other.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { TruncatedError } from "@pxar/format/errors";

/** Bytes that are pulled, in order, into the memory of whoever wants them. */
export interface ByteSource {
  /**
   * Fills `into` as far as is cheap.
   *
   * @returns How many bytes were put there, 0 only at the end. A promise only where they are not at hand.
   */
  read(into: Bytes): number | Promise<number>;
  /**
   * Passes over up to `count` bytes without reading them; `undefined` where that is no cheaper than reading.
   *
   * @returns How many bytes were passed over, fewer only at the end.
   */
  readonly skip: ((count: number) => number | Promise<number>) | undefined;
  /** Lets go of what is behind it; `undefined` where nothing is. */
  readonly close: (() => void | Promise<void>) | undefined;
}

/** What a reader of a stream takes. */
export type ByteInput =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | Bytes
  | ByteSource;

/** How much memory a reader of a stream has, bytes. */
export const BUFFER_SIZE: number = 4 << 20;

// The first read, and the first one after a skip: more would be thrown away by the next skip.
const FIRST_READ = 64 << 10;
// From this size on, bytes go to the caller's memory without a copy, and skips are worth a seek.
const LARGE = 64 << 10;

/**
 * Makes a source of whatever bytes come in.
 *
 * @param input Read from its start; nobody else may read it meanwhile.
 * @returns The source; closing it cancels the stream or ends the iteration.
 */
export function sourceOf(input: ByteInput): ByteSource {
  if ("getReader" in input) {
    const reader = input.getReader();
    // A stream that failed cannot be cancelled; its error has been met by the reads.
    return new PiecesSource(
      () => reader.read(),
      () => reader.cancel().catch(() => {}),
    );
  }
  if (Symbol.asyncIterator in input) {
    const pieces = input[Symbol.asyncIterator]();
    return new PiecesSource(() => pieces.next(), () => pieces.return?.());
  }
  if (input instanceof Uint8Array || Symbol.iterator in input) {
    const pieces = (input instanceof Uint8Array ? [input] : input)
      [Symbol.iterator]();
    return new PiecesSource(() => pieces.next(), () => pieces.return?.());
  }
  return input;
}

/**
 * Reads a stream through one large buffer, in which items can be parsed in place.
 *
 * Whatever is at hand is given synchronously. A reader of bytes in memory has these bytes as its buffer.
 */
export class StreamReader {
  /** The buffer: `available` bytes of it from `index` on are the next ones of the stream. */
  readonly memory: Bytes;
  readonly #source: ByteSource;
  #from = 0;
  #to = 0;
  #base = 0;
  #ended = false;
  #stride = FIRST_READ;

  /**
   * Starts at the first byte; nothing is read yet.
   *
   * @param input The bytes; this reader owns them until it is closed.
   * @param size Length of the buffer, bytes.
   */
  constructor(input: ByteInput, size = BUFFER_SIZE) {
    if (input instanceof Uint8Array) {
      // A Buffer of Node is a Uint8Array whose slice() does not copy.
      this.memory = new Uint8Array(
        input.buffer,
        input.byteOffset,
        input.byteLength,
      );
      this.#to = input.length;
      this.#ended = true;
      this.#source = { read: () => 0, skip: undefined, close: undefined };
    } else {
      this.memory = new Uint8Array(size);
      this.#source = sourceOf(input);
    }
  }

  /** Stream offset of the next unread byte. */
  get offset(): number {
    return this.#base + this.#from;
  }

  /** Stream offset of the first byte of the buffer. */
  get base(): number {
    return this.#base;
  }

  /** Index in the buffer of the next unread byte. */
  get index(): number {
    return this.#from;
  }

  /** How many bytes are at hand. */
  get available(): number {
    return this.#to - this.#from;
  }

  /**
   * Sees to it that bytes are at hand. Unread bytes may move to another place in the buffer.
   *
   * @param least How many, at most as many as the buffer has.
   * @returns Whether they are; `false` where the stream ends before.
   */
  fill(least: number): boolean | Promise<boolean> {
    if (this.available >= least) return true;
    if (this.#ended) return false;
    this.#makeRoom(least);
    while (this.available < least) {
      const got = this.#source.read(this.#space());
      if (typeof got !== "number") return this.#fillLater(got, least);
      if (!this.#took(got)) return false;
    }
    return true;
  }

  /**
   * Passes over bytes that are at hand.
   *
   * @param count How many.
   */
  advance(count: number): void {
    this.#from += count;
  }

  /**
   * Gives the next bytes: as many as are at hand, else as the source puts there.
   *
   * @param into Filled from its start on.
   * @returns How many bytes were put there, 0 only at the end or for an empty `into`.
   */
  read(into: Bytes): number | Promise<number> {
    if (this.available > 0 || into.length === 0) return this.#give(into);
    if (this.#ended) return 0;
    if (into.length >= LARGE) {
      // What comes next is likely to be large too: its beginning alone goes by way of the buffer.
      this.#stride = FIRST_READ;
      const got = this.#source.read(into);
      return typeof got === "number"
        ? this.#passed(got)
        : got.then((got) => this.#passed(got));
    }
    const full = this.fill(1);
    return typeof full === "boolean"
      ? this.#give(into)
      : full.then(() => this.#give(into));
  }

  /**
   * Passes over bytes, at hand or not, by seeking where the source can.
   *
   * @param count How many.
   * @returns Nothing, or a promise where the source gave one.
   * @throws {TruncatedError} If the stream ends before.
   */
  skip(count: number): void | Promise<void> {
    const held = Math.min(count, this.available);
    this.#from += held;
    if (held < count) return this.#skipFar(count - held);
  }

  /** Lets go of the source: whatever was not read is given up. */
  close(): void | Promise<void> {
    this.#ended = true;
    return this.#source.close?.();
  }

  async #skipFar(count: number): Promise<void> {
    let left = count;
    while (left > 0 && !this.#ended) {
      if (left >= LARGE && this.#source.skip !== undefined) {
        const passed = this.#passed(await this.#source.skip(left));
        this.#stride = FIRST_READ;
        left -= passed;
      } else if (await this.fill(1)) {
        const held = Math.min(left, this.available);
        this.#from += held;
        left -= held;
      }
    }
    if (left > 0) {
      throw new TruncatedError(
        `Cannot skip ${count} bytes: stream ends at byte ${this.offset}, ${left} bytes short`,
        { offset: this.offset },
      );
    }
  }

  async #fillLater(first: Promise<number>, least: number): Promise<boolean> {
    if (!this.#took(await first)) return false;
    while (this.available < least) {
      if (!this.#took(await this.#source.read(this.#space()))) return false;
    }
    return true;
  }

  #makeRoom(least: number): void {
    const held = this.available;
    if (held > 0 && this.#from + least <= this.memory.length) return;
    if (held > 0) this.memory.copyWithin(0, this.#from, this.#to);
    this.#base += this.#from;
    this.#from = 0;
    this.#to = held;
  }

  #space(): Bytes {
    return this.memory.subarray(
      this.#to,
      Math.min(this.memory.length, this.#to + this.#stride),
    );
  }

  #took(got: number): boolean {
    if (got === 0) this.#ended = true;
    this.#to += got;
    this.#stride = Math.min(this.#stride * 4, this.memory.length);
    return got > 0;
  }

  /** Counts bytes that did not pass through the buffer, which is empty. */
  #passed(got: number): number {
    if (got === 0) this.#ended = true;
    this.#base += got;
    return got;
  }

  #give(into: Bytes): number {
    const length = Math.min(into.length, this.available), from = this.#from;
    if (length > 0) into.set(this.memory.subarray(from, from + length));
    this.#from = from + length;
    return length;
  }
}

/** What an iterator or the reader of a stream says. */
interface NextPiece {
  readonly done?: boolean | undefined;
  readonly value?: Uint8Array | undefined;
}

/** A source of pieces: keeps what is left of the last one. */
class PiecesSource implements ByteSource {
  readonly skip = undefined;
  readonly #next: () =>
    | NextPiece
    | Promise<NextPiece>;
  readonly #close: () => unknown;
  #held: Uint8Array = NO_BYTES;

  constructor(
    next: () =>
      | NextPiece
      | Promise<NextPiece>,
    close: () => unknown,
  ) {
    this.#next = next;
    this.#close = close;
  }

  read(into: Bytes): number | Promise<number> {
    while (this.#held.length === 0) {
      const next = this.#next();
      if ("then" in next) return this.#readLater(next, into);
      if (!this.#hold(next)) return 0;
    }
    return this.#give(into);
  }

  readonly close = async (): Promise<void> => void await this.#close();

  async #readLater(
    next: Promise<NextPiece>,
    into: Bytes,
  ): Promise<number> {
    if (!this.#hold(await next)) return 0;
    while (this.#held.length === 0) {
      if (!this.#hold(await this.#next())) return 0;
    }
    return this.#give(into);
  }

  /** Keeps a piece; `false` where there is none any more. */
  #hold(result: NextPiece): boolean {
    if (result.done) return false;
    if (!(result.value instanceof Uint8Array)) {
      throw new TypeError(
        "Cannot read stream: a piece of it is not a Uint8Array",
      );
    }
    this.#held = result.value;
    return true;
  }

  #give(into: Bytes): number {
    const held = this.#held, length = Math.min(into.length, held.length);
    into.set(held.subarray(0, length));
    this.#held = held.subarray(length);
    return length;
  }
}
