// When a long check stops for a moment, so that others get their turn, it can be ended, and tells how far it is.
import type { CheckOptions, CheckProgress } from "./check.ts";

/** After so many items, and after so many bytes of content, others get their turn. */
const ITEMS_A_TURN = 1 << 15, BYTES_A_TURN = 1 << 26;

/** Counts what is done in a turn. */
export class Turns {
  readonly #options: CheckOptions;
  #items = 0;
  #bytes = 0;

  /** Ends with the options' signal, tells their `onProgress`. */
  constructor(options: CheckOptions) {
    this.#options = options;
  }

  /** Counts an item; gives whether the turn is over. */
  item(): boolean {
    return ++this.#items % ITEMS_A_TURN === 0;
  }

  /** Whether the turn is over, now that so many bytes of content have been read in all. */
  content(bytes: number): boolean {
    if (bytes - this.#bytes < BYTES_A_TURN) return false;
    this.#bytes = bytes;
    return true;
  }

  /** Ends the turn. */
  async pause(progress: CheckProgress): Promise<void> {
    const { signal, onProgress } = this.#options;
    onProgress?.(progress);
    await new Promise<void>((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
}
