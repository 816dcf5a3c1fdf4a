/**
 * Reads an archive item by item from any place.
 *
 * @module
 */
import { ByteReader, type Bytes } from "@pxar/format/bytes";
import { FormatError, PxarError, TruncatedError } from "@pxar/format/errors";
import {
  decodeHeader,
  type Header,
  HEADER_SIZE,
  ITEMS,
} from "@pxar/format/item";
import type { RandomAccess } from "./random_access.ts";

/** How much is read at once where nothing longer is needed, bytes. */
const AHEAD = 512;

/**
 * Stands on one item of an archive; a small buffer moves along. For one reader at a time.
 *
 * Its methods return `undefined` where the bytes were at hand, and a promise where they have to be waited for.
 */
export class ItemCursor {
  /** Reads the content that {@linkcode content} put there. */
  reader: ByteReader;
  /** The item that {@linkcode header} met. */
  readonly header: Header = { item: ITEMS.ENTRY, size: 0 };
  /** Where the item starts, bytes from the start of the archive. */
  at = 0;
  readonly #access: RandomAccess;
  readonly #ahead: number;
  #bytes: Bytes;
  /** Where in the archive the buffer starts, and how many bytes of it are filled. */
  #from = 0;
  #filled = 0;
  /** Where a read ended that failed: before it, nothing is read ahead. */
  #failed = 0;

  /**
   * Starts nowhere.
   *
   * @param access The archive.
   * @param ahead How much to read at once, bytes.
   */
  constructor(access: RandomAccess, ahead: number = AHEAD) {
    this.#access = access;
    this.#ahead = ahead;
    this.#bytes = new Uint8Array(ahead);
    this.reader = new ByteReader(this.#bytes);
  }

  /** Where the item's content starts, bytes from the start of the archive. */
  get start(): number {
    return this.at + HEADER_SIZE;
  }

  /** Where the item ends, bytes from the start of the archive. */
  get end(): number {
    return this.at + HEADER_SIZE + this.header.size;
  }

  /** Makes `length` bytes from `at` on ready in {@linkcode reader}, which stays valid until the cursor is asked for more. */
  load(at: number, length: number): undefined | Promise<void> {
    const from = at - this.#from;
    if (from >= 0 && from + length <= this.#filled) {
      this.reader.window(from, from + length, this.#from);
      return undefined;
    }
    return this.#fill(at, length);
  }

  /**
   * Moves to the item at `at` and reads its header.
   *
   * @param at Where it starts.
   * @param bound Where it must have ended.
   */
  move(at: number, bound: number): undefined | Promise<void> {
    this.at = at;
    if (at + HEADER_SIZE > bound) {
      throw new TruncatedError(
        `Cannot read item at byte ${at}: ${
          Math.max(0, bound - at)
        } bytes are left, expected a header of 16`,
        { offset: at },
      );
    }
    const wait = this.load(at, HEADER_SIZE);
    return wait === undefined
      ? this.#head(bound)
      : wait.then(() => this.#head(bound));
  }

  /** Makes the whole content of the item ready in {@linkcode reader}. Only for items whose length has a small limit. */
  content(): undefined | Promise<void> {
    return this.load(this.start, this.header.size);
  }

  #head(bound: number): undefined {
    decodeHeader(this.reader, this.header);
    if (this.end > bound) {
      const { item, size } = this.header;
      throw new TruncatedError(
        `Cannot read ${item.name} at byte ${this.at}: its content has ${size} bytes, of which ${
          bound - this.start
        } are there`,
        { offset: bound },
      );
    }
    return undefined;
  }

  #fill(at: number, length: number): undefined | Promise<void> {
    if (length > this.#bytes.length) {
      this.#bytes = new Uint8Array(length);
      this.reader = new ByteReader(this.#bytes);
    }
    const ahead = at < this.#failed ? 0 : this.#ahead;
    const wanted = Math.max(length, Math.min(ahead, this.#access.size - at));
    this.#filled = 0;
    this.#from = at;
    const nearer = (error: unknown): undefined | Promise<void> => {
      // What cannot be read may lie behind what is needed.
      if (wanted === length || !(error instanceof PxarError)) throw error;
      this.#failed = at + wanted;
      return this.#fill(at, length);
    };
    let got: number | Promise<number>;
    try {
      got = this.#access.read(at, this.#bytes.subarray(0, wanted));
    } catch (error) {
      return nearer(error);
    }
    return typeof got === "number"
      ? this.#filledTo(got, length)
      : got.then((got) => this.#filledTo(got, length), nearer);
  }

  #filledTo(got: number, length: number): undefined {
    this.#filled = got;
    if (got < length) {
      throw new TruncatedError(
        `Cannot read ${length} bytes at byte ${this.#from}: archive ends at byte ${
          this.#from + got
        }`,
        { offset: this.#from + got },
      );
    }
    this.reader.window(0, length, this.#from);
    return undefined;
  }
}

/** Reports an item where another one belongs. */
export function unexpected(cursor: ItemCursor, expected: string): FormatError {
  return new FormatError(
    `Cannot read archive at byte ${cursor.at}: there is ${cursor.header.item.name}, expected ${expected}`,
    { offset: cursor.at },
  );
}
