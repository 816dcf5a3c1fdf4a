// The hot loop of a backup: where the next window that matches ends. In plain TypeScript, and with the help of a WebAssembly function where the
// memory has one; both give the same.
import { BUZHASH_TABLE } from "./buzhash_table.ts";

/** Length of the window, bytes. */
export const WINDOW = 64;

/**
 * Where a match may be: `buzhash.wat`, which works in one memory.
 *
 * @param at Windows that end at `at + 1` up to `at + 4 * quarter` are looked at.
 * @param quarter A multiple of 4.
 * @param mask As for {@linkcode searchMatch}.
 * @returns Bit n set: there is one in the n-th quarter.
 */
export type Quarters = (at: number, quarter: number, mask: number) => number;

/** A buffer, seen in the ways that a search needs. */
interface Views {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly quarters: Quarters | undefined;
}

const T = BUZHASH_TABLE;
/** Most windows that are looked at before anybody asks whether one matched. */
const MOST = 1 << 15;
/** So few windows are not worth a call: it looks up 4 × 64 bytes first. */
const LEAST = 1 << 10;
/** Whether a word has its first byte lowest. Where it has not, bytes are taken one by one. */
export const IS_LITTLE_ENDIAN: boolean =
  new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const known = new WeakMap<ArrayBufferLike, Views>();
/** Table words of the bytes that are to leave the window, by position modulo 64; filled before each use. */
const leaving = new Int32Array(WINDOW);

/** Has searches in a buffer use a function that works in its memory. */
export function lendQuarters(
  buffer: ArrayBufferLike,
  quarters: Quarters,
): void {
  known.set(buffer, viewsOf(buffer, quarters));
}

/**
 * Finds the first window that matches: (hash & mask) ≥ mask - 2.
 *
 * @param bytes At least 64 bytes lie before `first`.
 * @param first Where the first window ends.
 * @param last Where the last window ends, that is behind the last byte to be read.
 * @param mask One less than a power of two; the smaller, the shorter are the pieces that are looked at.
 * @returns Where it ends; -1 if there is none.
 */
export function searchMatch(
  bytes: Uint8Array,
  first: number,
  last: number,
  mask: number,
): number {
  const { buffer, byteOffset } = bytes;
  let views = known.get(buffer);
  if (views === undefined) {
    known.set(buffer, views = viewsOf(buffer, undefined));
  }
  const from = first + byteOffset, to = last + byteOffset;
  const found = views.quarters === undefined
    ? searchOne(views, from, to, mask)
    : searchQuarters(views, views.quarters, from, to, mask);
  return found < 0 ? found : found - byteOffset;
}

/** Leaves only what is near a match, or too short, to the loop below. */
function searchQuarters(
  views: Views,
  quarters: Quarters,
  first: number,
  last: number,
  mask: number,
): number {
  // One window in (mask + 1) / 3 matches: then a piece has been looked at in vain.
  const most = Math.max(LEAST, Math.min(MOST, (mask + 1) / 32));
  while (first <= last) {
    let size = Math.min(most, last - first + 1 & ~15);
    if (size < LEAST) return searchOne(views, first, last, mask);
    const hit = quarters(first - 1, size / 4, mask);
    if (hit === 0) {
      first += size;
      continue;
    }
    size /= 4;
    first += (31 - Math.clz32(hit & -hit)) * size;
    // In the quarter itself, which is searched the same way.
    last = first + size - 1;
  }
  return -1;
}

function searchOne(
  { bytes, words }: Views,
  first: number,
  last: number,
  mask: number,
): number {
  const limit = mask - 2;
  let p = first, h = 0;
  for (let i = p - WINDOW; i < p; i++) h = (h << 1 | h >>> 31) ^ T[bytes[i]!]!;
  if ((h & mask) >= limit) return p;
  for (; p < last && (p & 3) !== 0;) {
    h = (h << 1 | h >>> 31) ^ T[bytes[p - WINDOW]!]! ^ T[bytes[p]!]!;
    p++;
    if ((h & mask) >= limit) return p;
  }
  if (IS_LITTLE_ENDIAN) {
    for (let i = 0; i < WINDOW; i++) {
      leaving[p + i & 63] = T[bytes[p - WINDOW + i]!]!;
    }
    // One load gives four bytes, and each is looked up once (measured: nearly twice as fast as byte by byte).
    for (const whole = p + (last - p & ~3); p < whole; p += 4) {
      const word = words[p / 4]!, i = p & 63;
      const a = T[word & 255]!,
        b = T[word >>> 8 & 255]!,
        c = T[word >>> 16 & 255]!,
        d = T[word >>> 24]!;
      h = (h << 1 | h >>> 31) ^ leaving[i]! ^ a;
      if ((h & mask) >= limit) return p + 1;
      h = (h << 1 | h >>> 31) ^ leaving[i + 1]! ^ b;
      if ((h & mask) >= limit) return p + 2;
      h = (h << 1 | h >>> 31) ^ leaving[i + 2]! ^ c;
      if ((h & mask) >= limit) return p + 3;
      h = (h << 1 | h >>> 31) ^ leaving[i + 3]! ^ d;
      if ((h & mask) >= limit) return p + 4;
      leaving[i] = a;
      leaving[i + 1] = b;
      leaving[i + 2] = c;
      leaving[i + 3] = d;
    }
  }
  while (p < last) {
    h = (h << 1 | h >>> 31) ^ T[bytes[p - WINDOW]!]! ^ T[bytes[p]!]!;
    p++;
    if ((h & mask) >= limit) return p;
  }
  return -1;
}

function viewsOf(
  buffer: ArrayBufferLike,
  quarters: Quarters | undefined,
): Views {
  return {
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer, 0, buffer.byteLength >> 2),
    quarters,
  };
}
