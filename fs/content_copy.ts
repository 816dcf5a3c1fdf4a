/**
 * The way of a file's content through one slab of memory.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Content } from "@pxar/format/entry";
import { PxarError } from "@pxar/format/errors";
import { EntryError } from "./tree_writer.ts";
import { Turns } from "./turns.ts";

/** How much is read before it is written, bytes. */
const SLAB = 1 << 19;

/** Zeros of this length, at a multiple of it, become a hole, bytes. */
export const BLOCK = 4096;

/** Copies one content after the other. */
export class ContentCopy {
  /** What is filled and then written, unless told otherwise; pieces begin at multiples of its length. */
  readonly slab: Bytes = new Uint8Array(SLAB);
  /** What is filled at present. */
  #into: Bytes = this.slab;
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
   * @param write Writes that many bytes from the beginning of what was filled, all of them.
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
   * @param into What is filled; where it is not the slab, it has room for the whole content.
   * @returns A promise only where there is something to wait for.
   * @throws {EntryError} If it has not as many bytes as it says, or cannot be read; and whatever writing throws.
   */
  run(content: Content, into: Bytes = this.slab): Promise<void> | undefined {
    this.#content = content;
    this.#into = into;
    this.#filled = 0;
    this.#done = 0;
    const waiting = this.#fill();
    return waiting === undefined ? undefined : this.#wait(waiting);
  }

  /** Goes on until all is copied, or there is something to wait for: bytes, or others whose turn it is. */
  #fill(): Promise<number> | "turn" | undefined {
    const content = this.#content;
    while (this.#done < content.size) {
      let got: number | Promise<number>;
      try {
        got = content.read(
          this.#filled === 0 ? this.#into : this.#into.subarray(this.#filled),
        );
      } catch (error) {
        throw unreadable(error);
      }
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
      else {
        this.#take(
          await next.catch((error) => {
            throw unreadable(error);
          }),
        );
      }
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
    if (filled < this.#into.length && filled < left) return;
    this.#write(filled);
    this.#filled = 0;
    this.#done += filled;
  }

  #isTurn(): boolean {
    return this.#filled === 0 && this.#turns.due;
  }
}

/** A content that is damaged is this entry's affair; whether the source can go on behind it, the source knows. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof PxarError)) return error;
  return new EntryError((trail) =>
    trail.fail("restore content of", error.message, error)
  );
}
