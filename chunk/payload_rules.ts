/**
 * The rules by which the payload stream of a split archive is cut: by its content, at the files' boundaries where that suits, and wherever chunks
 * that are known already are put in.
 *
 * @module
 */
import { ARCHIVE_AVERAGE, Cutter } from "./buzhash.ts";
import type { CutRules } from "./cut_rules.ts";

/** Known chunks, put in at a place of a payload stream. */
export interface Injection {
  /** Position of their first byte. */
  readonly start: number;
  /** Position behind their last byte. */
  readonly end: number;
  /** What names them; as it was given. */
  readonly token: unknown;
}

/**
 * Cuts a payload stream. Positions count the bytes of the stream and those of the chunks that were put in.
 *
 * What is to happen at a position is said before {@linkcode next} is asked about the piece of input that ends there or behind it. Then the chunks
 * depend on nothing but the pieces, suggestions and injections:
 *
 * * a suggestion is where a chunk ends, unless the chunk would be shorter than the least length: it is dropped then. One that is too far away
 *   waits, and the content decides meanwhile. Within a piece a suggestion goes before a boundary by content that lies in front of it;
 * * one that is said only when all bytes up to it have been looked at is lost;
 * * at an injection a chunk ends, whatever its length; the next one begins behind the injected chunks.
 *
 * Where {@linkcode next} gives 0, {@linkcode injection} is to be asked, and if there is one, {@linkcode next} again.
 *
 * Source: spec B.4 and I.4.
 *
 * @example
 * ```ts
 * import { PayloadRules } from "@pxar/chunk/payload_rules";
 *
 * const rules = new PayloadRules(64 << 10), bytes = new Uint8Array(100_000);
 * rules.suggest(30_000);
 * rules.inject(50_000, 7_000, "some chunks");
 * console.assert(rules.next(bytes, 0, 100_000) === 30_000);
 * console.assert(rules.next(bytes, 30_000, 70_000) === 20_000);
 * console.assert(rules.next(bytes, 50_000, 50_000) === 0);
 * console.assert(rules.injection()?.end === 57_000);
 * console.assert(rules.next(bytes, 50_000, 50_000) === 0);
 * console.assert(rules.injection() === undefined);
 * ```
 */
export class PayloadRules implements CutRules {
  readonly max: number;
  readonly #cutter: Cutter;
  readonly #suggested = new Queue<number>();
  readonly #injections = new Queue<Injection>();
  /** Where the next chunk begins. */
  #position = 0;
  /** It does not end up to this length. */
  #tested = 0;
  /** The position is that of the first injection. */
  #isDue = false;
  /** Where the last injection ends. */
  #injectedTo = 0;

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

  /** Where the next chunk begins. */
  get position(): number {
    return this.#position;
  }

  /**
   * Suggests to end a chunk.
   *
   * @param position Where.
   * @throws {RangeError} If it is no position.
   */
  suggest(position: number): void {
    if (!(Number.isSafeInteger(position) && position >= 0)) {
      throw new RangeError(
        `Cannot suggest a boundary at byte ${position}: expected 0 to 2^53 - 1`,
      );
    }
    // Files that are reused one after the other suggest the same.
    if (position !== this.#suggested.last) this.#suggested.push(position);
  }

  /**
   * Puts known chunks in.
   *
   * @param position Where; not before what was cut or put in already.
   * @param size How many bytes they have in all.
   * @param token What names them; handed on.
   * @throws {RangeError} If the position is passed already, or is no position.
   */
  inject(position: number, size: number, token: unknown): void {
    const least = Math.max(this.#position, this.#injectedTo);
    const end = position + size;
    if (
      !(Number.isSafeInteger(position) && Number.isSafeInteger(end) &&
        size >= 0)
    ) {
      throw new RangeError(
        `Cannot put ${size} bytes in at byte ${position}: expected 0 to 2^53 - 1`,
      );
    }
    if (position < least) {
      throw new RangeError(
        `Cannot put chunks in at byte ${position}: the stream is at byte ${least} already`,
      );
    }
    this.#injectedTo = end;
    this.#injections.push({ start: position, end, token });
  }

  /** As {@linkcode CutRules.next}; also 0 where known chunks come next. */
  next(bytes: Uint8Array, at: number, have: number, more = false): number {
    if (this.#isDue) return 0;
    // A piece counts as a whole: what comes of it may have a suggestion that goes before. Behind the greatest length none does.
    if (more && have < this.max) return 0;
    let length = have > this.#tested ? this.#scan(bytes, at, have) : 0;
    const { first } = this.#injections;
    if (first !== undefined) {
      const before = first.start - this.#position;
      if (before <= (length === 0 ? have : length)) {
        length = before;
        this.#isDue = true;
      }
    }
    this.#position += length;
    this.#tested = length > 0 || this.#isDue ? 0 : have;
    return length;
  }

  /**
   * Takes the known chunks that come next.
   *
   * @returns What was put in; `undefined` where bytes of the stream come next.
   */
  injection(): Injection | undefined {
    if (!this.#isDue) return undefined;
    this.#isDue = false;
    const injection = this.#injections.take()!;
    this.#position = injection.end;
    return injection;
  }

  /**
   * Says that the stream ends, once {@linkcode next} and {@linkcode injection} give nothing any more.
   *
   * @param have Length of what is left, which is the last chunk.
   * @throws {RangeError} If known chunks are to be put in behind the end.
   */
  end(have: number): void {
    const { first } = this.#injections;
    if (first === undefined) return;
    throw new RangeError(
      `Cannot put chunks in at byte ${first.start}: the stream ends at byte ${
        this.#position + have
      }`,
    );
  }

  #scan(bytes: Uint8Array, at: number, have: number): number {
    const tested = this.#tested, { min, max } = this.#cutter;
    const suggested = this.#suggested;
    for (let next; (next = suggested.first) !== undefined;) {
      const length = next - this.#position;
      if (length > have || length > max) break;
      suggested.take();
      if (length < tested || length < min) continue;
      if (length === tested) break;
      return length;
    }
    return this.#cutter.scan(bytes, at, tested, have);
  }
}

/** First in, first out. */
class Queue<T> {
  #items: T[] = [];
  #taken = 0;

  get first(): T | undefined {
    return this.#items[this.#taken];
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    this.#taken++;
    // Moved seldom enough that each item moves once or so.
    if (this.#taken * 2 >= this.#items.length) {
      this.#items.splice(0, this.#taken);
      this.#taken = 0;
    }
    return first;
  }
}
