/**
 * Turns of work: others in the same event loop are let in between.
 *
 * @module
 */

/** How long work may go on before others get their turn, milliseconds; a turn costs one to two (measured), most of it a sleep in which signals are heard. */
const TURN = 100;

/** Gives the event loop its turn now and then, so that signals and timers are heard. */
export class Turns {
  #last = performance.now();

  /** Whether others have waited long enough. */
  get due(): boolean {
    return performance.now() - this.#last > TURN;
  }

  /** Lets the others have their turn. */
  async pass(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#last = performance.now();
  }
}
