/**
 * Cursors over little-endian records: one that reads and one that writes.
 *
 * @module
 */
import { FormatError, TruncatedError } from "./errors.ts";

/** Bytes in memory of their own; what every part of the project hands on. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** No bytes. */
export const NO_BYTES: Bytes = new Uint8Array(0);

// Small copies lie in one buffer after the other: a buffer each takes three times as long (measured), and one copy kept keeps 8 KiB at most.
const SLAB = 8192, SMALL = 128;
let slab = new Uint8Array(SLAB);
let slabUsed = 0;

/**
 * Reads little-endian fields off records, left to right.
 *
 * One reader may serve many records of the same memory: {@linkcode window} moves it on.
 */
export class ByteReader {
  readonly #source: Bytes;
  readonly #view: DataView;
  #base: number;
  #at = 0;
  #end: number;

  /**
   * Starts before the first byte.
   *
   * @param source The record; views handed out by {@linkcode bytes} share its memory.
   * @param base Where `source` starts in its stream, for error messages.
   */
  constructor(source: Bytes, base = 0) {
    this.#source = source;
    this.#base = base;
    this.#end = source.length;
    this.#view = new DataView(
      source.buffer,
      source.byteOffset,
      source.byteLength,
    );
  }

  /** Stream offset of the next unread byte. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Index in the memory of the next unread byte. */
  get index(): number {
    return this.#at;
  }

  /** How many bytes are left to read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /**
   * Moves to another record of the same memory.
   *
   * @param from Index of its first byte.
   * @param to Index behind its last byte.
   * @param base Where index 0 of the memory lies in its stream.
   */
  window(from: number, to: number, base: number): void {
    this.#at = from;
    this.#end = to;
    this.#base = base;
  }

  /** An unsigned 8-bit number. */
  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  /** An unsigned 16-bit number. */
  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  /** An unsigned 32-bit number. */
  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A size, offset or count: exact, or an error from 2^53 on. */
  u64(): number {
    const at = this.#advance(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high > 0x1f_ffff) {
      const offset = this.#base + at;
      throw new FormatError(
        `Cannot read u64 at byte ${offset}: value is 2^53 or more, expected a safe integer`,
        { offset },
      );
    }
    return high * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** As {@linkcode u64}, or `undefined` where all bits are set. */
  u64OrNone(): number | undefined {
    const at = this.#at;
    const none = this.remaining >= 8 && this.#view.getInt32(at, true) === -1 &&
      this.#view.getInt32(at + 4, true) === -1;
    if (!none) return this.u64();
    this.#at = at + 8;
    return undefined;
  }

  /** An opaque 64-bit pattern: a tag or a hash. */
  tag(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** A signed count, such as seconds since 1970: exact, or an error outside ±2^53. */
  i64(): number {
    const at = this.#advance(8);
    const value = this.#view.getInt32(at + 4, true) * 2 ** 32 +
      this.#view.getUint32(at, true);
    if (!Number.isSafeInteger(value)) {
      const offset = this.#base + at;
      throw new FormatError(
        `Cannot read i64 at byte ${offset}: value is beyond 2^53, expected a safe integer`,
        { offset },
      );
    }
    return value;
  }

  /** Passes over `length` bytes. */
  skip(length: number): void {
    this.#advance(length);
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Bytes {
    const at = this.#advance(length);
    return this.#source.subarray(at, at + length);
  }

  /** The next `length` bytes, as a copy that stays valid; its bytes are its own, but small ones share a buffer. */
  copy(length: number): Bytes {
    const at = this.#advance(length);
    if (length > SMALL) return this.#source.slice(at, at + length);
    if (slabUsed + length > slab.length) {
      slab = new Uint8Array(SLAB);
      slabUsed = 0;
    }
    const to = slabUsed;
    for (let i = 0; i < length; i++) slab[to + i] = this.#source[at + i]!;
    slabUsed = to + length;
    return slab.subarray(to, slabUsed);
  }

  /** States that the record has been read whole. */
  end(): void {
    if (this.remaining !== 0) {
      throw new FormatError(
        `Cannot read record: ${this.remaining} bytes are left over at byte ${this.offset}, expected none`,
        { offset: this.offset },
      );
    }
  }

  #advance(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) {
      throw new TruncatedError(
        `Cannot read ${length} bytes at byte ${this.offset}: record has ${this.remaining} left`,
        { offset: this.offset },
      );
    }
    this.#at += length;
    return at;
  }
}

/** Writes little-endian fields into memory of a fixed size, left to right; the inverse of {@linkcode ByteReader}. */
export class ByteWriter {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  /**
   * Starts before the first byte.
   *
   * @param bytes What is written to; its owner sees to it that there is room.
   */
  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes have been written. */
  get length(): number {
    return this.#at;
  }

  /** How many bytes there is still room for. */
  get room(): number {
    return this.#bytes.length - this.#at;
  }

  /** What has been written, as a view. */
  get written(): Bytes {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Starts again before the first byte. */
  rewind(): void {
    this.#at = 0;
  }

  /** An unsigned 8-bit number. */
  u8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  /** An unsigned 16-bit number. */
  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  /** An unsigned 32-bit number. */
  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** A size, offset or count, 0 to 2^53 - 1. */
  u64(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#view.setUint32(this.#at + 4, Math.floor(value / 2 ** 32), true);
    this.#at += 8;
  }

  /** As {@linkcode u64}, or all bits set for `undefined`. */
  u64OrNone(value: number | undefined): void {
    if (value === undefined) this.halves(0xffff_ffff, 0xffff_ffff);
    else this.u64(value);
  }

  /** A signed count within ±2^53. */
  i64(value: number): void {
    this.u64(value);
  }

  /** An opaque 64-bit pattern, as its two halves. */
  halves(low: number, high: number): void {
    this.#view.setUint32(this.#at, low, true);
    this.#view.setUint32(this.#at + 4, high, true);
    this.#at += 8;
  }

  /** Bytes as they are. */
  bytes(bytes: Uint8Array): void {
    const at = this.#at, length = bytes.length;
    // Measured: for names, a loop is faster than the call of set().
    if (length < 32) {
      for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[i]!;
    } else this.#bytes.set(bytes, at);
    this.#at = at + length;
  }

  /** The next `length` bytes, to be filled by the caller, who then calls {@linkcode advance}. */
  space(length: number): Bytes {
    return this.#bytes.subarray(this.#at, this.#at + length);
  }

  /** Counts `length` bytes, filled through {@linkcode space}, as written. */
  advance(length: number): void {
    this.#at += length;
  }
}
