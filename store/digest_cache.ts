// Digests that were met lately, in memory of a fixed size: each has one place, and drives out what was there.
import type { Digest } from "@pxar/chunk/digest";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";

/** Places, a power of two: 32 MiB of digests. */
const PLACES = 1 << 20, SIZE = 32;

/** Remembers digests; may forget, never mistakes one for another. */
export class DigestCache {
  /** Memory that is only taken once there is something to remember. */
  #bytes: Bytes = NO_BYTES;
  /** What was said of each, and 1; 0 where a place is free. */
  #marks = new Uint32Array(0);

  /** Whether a digest is remembered, and with that mark. */
  has(digest: Digest, mark = 0): boolean {
    const place = placeOf(digest);
    if (this.#marks[place] !== mark + 1) return false;
    const at = place * SIZE, bytes = this.#bytes;
    let i = 0;
    while (i < SIZE && bytes[at + i] === digest[i]) i++;
    return i === SIZE;
  }

  /**
   * As {@linkcode has}; from now on it is.
   *
   * @param mark What is to be remembered with it, such as a length; below 2^32 - 1.
   */
  meet(digest: Digest, mark = 0): boolean {
    if (this.has(digest, mark)) return true;
    if (this.#marks.length === 0) {
      this.#bytes = new Uint8Array(PLACES * SIZE);
      this.#marks = new Uint32Array(PLACES);
    }
    const place = placeOf(digest);
    this.#marks[place] = mark + 1;
    this.#bytes.set(digest, place * SIZE);
    return false;
  }
}

function placeOf(digest: Digest): number {
  return (digest[0]! | digest[1]! << 8 | digest[2]! << 16) & (PLACES - 1);
}
