// Work that never waits, and others who want their turn.

/** How long it may go on at a stretch, milliseconds. */
const STRETCH = 50;

/** Gives others their turn now and then, and hears whether the work is to end. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #last: number = performance.now();

  /** The first stretch begins. */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Called often. @throws The signal's reason. */
  async give(): Promise<void> {
    if (performance.now() - this.#last < STRETCH) return;
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#signal?.throwIfAborted();
    this.#last = performance.now();
  }
}
