/**
 * Where the bytes of a new index go.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";

/** A file in the making that can be written at any place. */
export interface IndexSink {
  /**
   * Puts bytes at a place, over others or behind them; what is left out before them is zero. Not called again before it is done with the last ones.
   *
   * @param offset Where the first of them goes.
   * @param bytes Valid until the returned promise resolves, or the call returns.
   */
  write(offset: number, bytes: Bytes): void | Promise<void>;
  /**
   * Reads what was put before; as a `RandomAccess` does. `undefined` where that cannot be done: then only chunks in order can be taken.
   */
  readonly read:
    | ((offset: number, into: Bytes) => number | Promise<number>)
    | undefined;
}

/** What a manifest says of an index that was written. */
export interface WrittenIndex {
  /** Checksum over all entries. Source: spec D.4. */
  readonly csum: Bytes;
  /** Length of the archive or image, bytes. */
  readonly size: number;
  /** How many chunks it has. */
  readonly count: number;
}

/** How a new index is written. */
export interface IndexWriterOptions {
  /** 16 bytes; random unless told. */
  readonly uuid?: Bytes | undefined;
  /** When it was made, seconds since 1970; now unless told. */
  readonly ctime?: number | undefined;
}

/** Keeps a file in memory. */
export class MemoryIndexSink implements IndexSink {
  #memory: Bytes = NO_BYTES;
  #length = 0;

  /** What was put; valid until more is. */
  get bytes(): Bytes {
    return this.#memory.subarray(0, this.#length);
  }

  /** Copies bytes to their place. */
  write(offset: number, bytes: Bytes): void {
    const end = offset + bytes.length;
    if (end > this.#memory.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#memory.length));
      larger.set(this.bytes);
      this.#memory = larger;
    }
    this.#memory.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }

  /** Copies bytes from their place. */
  readonly read = (offset: number, into: Bytes): number => {
    const part = this.bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  };
}
