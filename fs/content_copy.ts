/**
 * The way of a file's content through one slab of memory.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Content } from "@pxar/format/entry";
import { EntryError } from "./tree_writer.ts";
import { Turns } from "./turns.ts";

/** How much is read before it is written, bytes. */
const SLAB = 1 << 20;

/** Zeros of this length, at a multiple of it, become a hole, bytes. */
export const BLOCK = 4096;

/** Copies one content after the other. */
export class ContentCopy {
  /** What is filled and then written; pieces begin at multiples of its length. */
  readonly slab: Bytes = new Uint8Array(SLAB);
  readonly #write: (length: number) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #turns: Turns = new Turns();
  #content!: Content;
  /** Bytes in the slab. */
  #filled = 0;
  /** Bytes written. */
  #done = 0;

  /**
   * Copies nothing yet.
   *
   * @param write Writes that many bytes from the beginning of the slab, all of them.
   * @param signal Ends a copy.
   */
  constructor(
    write: (length: number) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#write = write;
    this.#signal = signal;
  }

  /**
   * Copies a content.
   *
   * @param content What is read, whole.
   * @returns A promise only where there is something to wait for.
   * @throws {EntryError} If it has not as many bytes as it says; and whatever reading and writing throw.
   */
  run(content: Content): Promise<void> | undefined {
    this.#content = content;
    this.#filled = 0;
    this.#done = 0;
    const waiting = this.#fill();
    return waiting === undefined ? undefined : this.#wait(waiting);
  }

  /** Goes on until all is copied, or there is something to wait for: bytes, or others whose turn it is. */
  #fill(): Promise<number> | "turn" | undefined {
    const content = this.#content;
    while (this.#done < content.size) {
      const got = content.read(
        this.#filled === 0 ? this.slab : this.slab.subarray(this.#filled),
      );
      if (typeof got !== "number") return got;
      this.#take(got);
      if (content.size > SLAB && this.#isTurn()) return "turn";
    }
    return undefined;
  }

  async #wait(waiting: Promise<number> | "turn"): Promise<void> {
    let next: Promise<number> | "turn" | undefined = waiting;
    while (next !== undefined) {
      if (next === "turn") await this.#turns.pass();
      else this.#take(await next);
      this.#signal?.throwIfAborted();
      next = this.#fill();
    }
  }

  #take(got: number): void {
    const { size } = this.#content;
    const left = size - this.#done;
    const filled = this.#filled += got;
    if (got === 0 || filled > left) {
      const length = this.#done + filled;
      const has = got === 0 ? `${length}` : `at least ${length}`;
      throw new EntryError((trail) =>
        trail.fail(
          "restore content of",
          `it has ${has} bytes, expected ${size}`,
        )
      );
    }
    if (filled < SLAB && filled < left) return;
    this.#write(filled);
    this.#filled = 0;
    this.#done += filled;
  }

  #isTurn(): boolean {
    return this.#filled === 0 && this.#turns.due;
  }
}
