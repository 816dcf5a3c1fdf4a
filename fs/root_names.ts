/**
 * Names in a root that was not empty before.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";

/** Tells the names that were made from those that were there: a hardlink goes to nothing that its archive did not bring. */
export class RootNames {
  #made: Set<string> | undefined;

  /** From now on names are kept apart. */
  watch(): void {
    this.#made = new Set();
  }

  /**
   * Notes a name that was made.
   *
   * @param depth How many directories are open; 1 in the root.
   * @param name The name.
   */
  add(depth: number, name: Bytes): void {
    if (this.#made !== undefined && depth === 1) this.#made.add(key(name));
  }

  /** Whether a name in the root belongs to somebody else. */
  isForeign(name: Bytes): boolean {
    return this.#made !== undefined && !this.#made.has(key(name));
  }
}

function key(name: Bytes): string {
  return String.fromCharCode(...name);
}
