/**
 * The table behind a directory's children, by which one of them is found without reading the others.
 *
 * Its content is a row of 24 bytes for each child, and one for the directory itself, the tail:
 *
 * |  bytes | field  | a child's                                            | the tail's                                                 |
 * | -----: | :----- | :--------------------------------------------------- | :--------------------------------------------------------- |
 * |   0..8 | hash   | u64, SipHash-2-4 of its name                         | {@linkcode GOODBYE_TAIL}                                   |
 * |  8..16 | offset | u64, from its FILENAME to this GOODBYE               | u64, from the directory's ENTRY to this GOODBYE; root: from the archive's start |
 * | 16..24 | size   | u64, from its FILENAME to its end                    | u64, full size of this GOODBYE                             |
 *
 * The children's rows are sorted by hash and then laid out as a heap: below row `i` stand the smaller hashes at `2i + 1` and the greater ones at `2i + 2`.
 *
 * Source: spec A.13, A.14.
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { encodeHeader, HEADER_SIZE, ITEMS } from "./item.ts";

/** Size of a row, bytes. */
export const GOODBYE_ROW_SIZE = 24;

/** What stands for the hash in the last row. */
export const GOODBYE_TAIL = 0xef5eed5b753e1555n;

const TAIL_LOW = 0x753e1555, TAIL_HIGH = 0xef5eed5b;

/** A row of a table. */
export interface GoodbyeRow {
  /** Lower half of the hash. */
  readonly low: number;
  /** Upper half of the hash. */
  readonly high: number;
  /** How far before the GOODBYE it stands, bytes. */
  readonly offset: number;
  /** Its length, bytes; an upper bound in split archives. */
  readonly size: number;
}

/** Full size of a GOODBYE of so many children, bytes. */
export function goodbyeSize(rows: number): number {
  return HEADER_SIZE + GOODBYE_ROW_SIZE * (rows + 1);
}

/**
 * Writes one row.
 *
 * @param writer Has room for 24 bytes.
 * @param row The row.
 */
export function encodeGoodbyeRow(writer: ByteWriter, row: GoodbyeRow): void {
  writer.halves(row.low, row.high);
  writer.u64(row.offset);
  writer.u64(row.size);
}

/**
 * Reads one row.
 *
 * @param reader Stands before it; more may follow.
 * @returns The row.
 * @throws {FormatError} If offset or size is 2^53 or more.
 */
export function decodeGoodbyeRow(reader: ByteReader): GoodbyeRow {
  return {
    low: reader.u32(),
    high: reader.u32(),
    offset: reader.u64(),
    size: reader.u64(),
  };
}

/** Whether a row is the directory's own. */
export function isTail(row: GoodbyeRow): boolean {
  return row.low === TAIL_LOW && row.high === TAIL_HIGH;
}

/**
 * How sorted rows are laid out.
 *
 * @param n How many rows, without the tail.
 * @returns For each slot of the table, which of the sorted rows stands there.
 *
 * @example
 * ```ts
 * import { heapOrder } from "@pxar/format/goodbye";
 *
 * heapOrder(6); // [3, 1, 5, 0, 2, 4]
 * ```
 */
export function heapOrder(n: number): Uint32Array<ArrayBuffer> {
  const order = new Uint32Array(n);
  fillHeapOrder(n, order);
  return order;
}

/**
 * Looks for a hash in a table whose rows may have to be fetched: yields slots, wants to be told how the hash sought compares with the one there.
 *
 * Where they are equal the name there must be looked at; further rows with that hash are met if the search goes on.
 *
 * @param n How many rows, without the tail.
 * @returns A generator of slots; `next()` takes a number below 0 where the hash sought is smaller, 0 where it is equal, above 0 where it is greater.
 */
export function* probeHeap(n: number): Generator<number, void, number> {
  const open = [0];
  for (let slot = open.pop(); slot !== undefined; slot = open.pop()) {
    if (slot >= n) continue;
    const order = yield slot;
    if (order >= 0) open.push(2 * slot + 2);
    if (order <= 0) open.push(2 * slot + 1);
  }
}

/**
 * Looks for a hash in a table that is at hand.
 *
 * @param n How many rows, without the tail.
 * @param compare How the hash sought compares with the one in a slot: below 0 where it is smaller, 0 where it is equal, above 0 where it is greater.
 * @returns All slots with that hash, nearest to the root first.
 */
export function searchHeap(
  n: number,
  compare: (slot: number) => number,
): number[] {
  const found: number[] = [];
  const probe = probeHeap(n);
  for (let step = probe.next(); !step.done;) {
    const order = compare(step.value);
    if (order === 0) found.push(step.value);
    step = probe.next(order);
  }
  return found.sort((a, b) => a - b);
}

/**
 * The rows of all directories that are open while an archive is written: a directory's lie on top of its parent's, and go when it closes.
 *
 * @example
 * ```ts
 * import { ByteWriter } from "@pxar/format/bytes";
 * import { GoodbyeStack, goodbyeSize } from "@pxar/format/goodbye";
 * import { hash, siphash } from "@pxar/format/siphash";
 *
 * const stack = new GoodbyeStack();
 * siphash(new TextEncoder().encode("a"), 0, 1);
 * stack.push(hash[0]!, hash[1]!, 56, 92); // "a" stands at byte 56 and has 92 bytes
 *
 * const writer = new ByteWriter(new Uint8Array(goodbyeSize(1)));
 * stack.encode(writer, 0, 148, 148); // the table stands at byte 148, the root's ENTRY at 0
 * stack.truncate(0);
 * ```
 */
export class GoodbyeStack {
  #count = 0;
  #low = new Uint32Array(256);
  #high = new Uint32Array(256);
  #position = new Float64Array(256);
  #size = new Float64Array(256);
  // For the directory that closes; as long as the longest one needed.
  #sorted = new Uint32Array(256);
  #slots = new Uint32Array(256);

  /** How many rows there are, of all open directories. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds a row of the directory opened last.
   *
   * @param low Lower half of the hash of its name.
   * @param high Upper half.
   * @param position Where its FILENAME stands, bytes from the archive's start.
   * @param size From its FILENAME to its end, bytes.
   */
  push(low: number, high: number, position: number, size: number): void {
    const at = this.#count;
    if (at === this.#low.length) this.#grow();
    this.#low[at] = low;
    this.#high[at] = high;
    this.#position[at] = position;
    this.#size[at] = size;
    this.#count = at + 1;
  }

  /**
   * Writes the GOODBYE of the directory opened last: header, rows, tail. Rows of equal hash stay in their order.
   *
   * @param writer Has room for `goodbyeSize(count - from)` bytes.
   * @param from How many rows there were when the directory was opened.
   * @param here Where the GOODBYE will stand, bytes from the archive's start.
   * @param tailOffset From the directory's ENTRY to there; for the root `here`.
   */
  encode(
    writer: ByteWriter,
    from: number,
    here: number,
    tailOffset: number,
  ): void {
    const n = this.#count - from;
    if (this.#sorted.length < n) {
      this.#sorted = new Uint32Array(this.#low.length);
      this.#slots = new Uint32Array(this.#low.length);
    }
    const sorted = this.#sorted, slots = this.#slots;
    this.#sort(from, n);
    fillHeapOrder(n, slots);
    encodeHeader(writer, ITEMS.GOODBYE, GOODBYE_ROW_SIZE * (n + 1));
    for (let slot = 0; slot < n; slot++) {
      const row = sorted[slots[slot]!]!;
      writer.halves(this.#low[row]!, this.#high[row]!);
      writer.u64(here - this.#position[row]!);
      writer.u64(this.#size[row]!);
    }
    writer.halves(TAIL_LOW, TAIL_HIGH);
    writer.u64(tailOffset);
    writer.u64(goodbyeSize(n));
  }

  /**
   * Drops the rows of the directory that was closed.
   *
   * @param count How many rows there were when it was opened.
   */
  truncate(count: number): void {
    this.#count = count;
  }

  /** Fills `#sorted` with the `n` rows from `from` on, by hash. */
  #sort(from: number, n: number): void {
    if (n > 32) return this.#sortMany(from, n);
    const sorted = this.#sorted;
    for (let i = 0; i < n; i++) {
      const row = from + i;
      let at = i;
      for (; at > 0 && this.#compare(sorted[at - 1]!, row) > 0; at--) {
        sorted[at] = sorted[at - 1]!;
      }
      sorted[at] = row;
    }
  }

  /** Measured: sorting plain numbers, each the upper bits of a hash and behind them the row's, takes a fifth of the time that comparing rows does. */
  #sortMany(from: number, n: number): void {
    const bits = Math.max(21, Math.ceil(Math.log2(n)));
    const factor = 2 ** bits, shift = 2 ** (bits - 21);
    const keys = new Float64Array(n), sorted = this.#sorted;
    for (let i = 0; i < n; i++) {
      keys[i] = Math.floor(this.#high[from + i]! / shift) * factor + i;
    }
    keys.sort();
    let start = 0, top = NaN;
    for (let i = 0; i < n; i++) {
      const mine = Math.floor(keys[i]! / factor);
      sorted[i] = from + keys[i]! - mine * factor;
      if (mine === top) continue;
      if (i - start > 1) this.#sortRun(start, i);
      start = i;
      top = mine;
    }
    if (n - start > 1) this.#sortRun(start, n);
  }

  /** Puts in order those rows whose upper bits are equal. */
  #sortRun(start: number, end: number): void {
    this.#sorted.subarray(start, end).sort((a, b) => this.#compare(a, b));
  }

  #compare(a: number, b: number): number {
    return this.#high[a]! - this.#high[b]! || this.#low[a]! - this.#low[b]!;
  }

  #grow(): void {
    const length = this.#low.length * 2;
    const low = new Uint32Array(length), high = new Uint32Array(length);
    const position = new Float64Array(length), size = new Float64Array(length);
    low.set(this.#low);
    high.set(this.#high);
    position.set(this.#position);
    size.set(this.#size);
    this.#low = low;
    this.#high = high;
    this.#position = position;
    this.#size = size;
  }
}

/** Walks a heap of `n` slots from left to right: this is the order of the sorted rows. */
function fillHeapOrder(n: number, order: Uint32Array): void {
  if (n === 0) return;
  let slot = 0;
  while (2 * slot + 1 < n) slot = 2 * slot + 1;
  for (let i = 0; i < n; i++) {
    order[slot] = i;
    if (2 * slot + 2 < n) {
      slot = 2 * slot + 2;
      while (2 * slot + 1 < n) slot = 2 * slot + 1;
    } else {
      // Up for as long as this is the right one of two, and once more.
      while (slot > 0 && slot % 2 === 0) slot = (slot - 2) / 2;
      slot = (slot - 1) / 2;
    }
  }
}
