/**
 * Memory that is used again and again: fresh memory for each chunk costs more than the copy into it (measured).
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";

/** Grows as far as it is ever asked to, and is then kept. Serves one piece of work at a time. */
export class Scratch {
  #bytes: Bytes = new Uint8Array(0);

  /**
   * Memory, with whatever was left in it.
   *
   * @param length In bytes.
   * @returns A view, valid until the next call.
   */
  take(length: number): Bytes {
    if (length > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
    }
    return this.#bytes.subarray(0, length);
  }
}
