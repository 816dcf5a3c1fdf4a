/**
 * A tree that is walked again, beside the one it was: finds what each entry was the last time.
 *
 * @module
 */
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { compareNames } from "@pxar/format/name";

/**
 * The last time's entries, in step with this time's. Both come in the order of their names' bytes; what comes in another order is not found, nothing worse.
 *
 * Nothing is kept but a batch: it is read once, from front to back.
 */
export class PreviousTree implements AsyncDisposable {
  readonly #batches: AsyncIterator<Batch> | Iterator<Batch>;
  #batch: Batch = [];
  #at = 0;
  #ended = false;
  /** How many directories are open that were there the last time, too. */
  #depth = 0;
  /** How many are open below the last of these. */
  #lost = 0;
  /** How many directories of the last time are being passed over. */
  #skip = 0;

  /**
   * Starts before the root.
   *
   * @param batches The last time's entries; contents are not looked at.
   */
  constructor(batches: Batches) {
    this.#batches = Symbol.asyncIterator in batches
      ? batches[Symbol.asyncIterator]()
      : batches[Symbol.iterator]();
  }

  /**
   * Goes on to the next entry of this time.
   *
   * @param entry Any kind that a walk gives, ends included.
   * @returns The entry of the same path the last time, which is of another kind maybe; `undefined` where there was none, and for an end. A promise only where it has to
   * be waited for.
   * @throws {PxarError} What the last time's entries throw.
   */
  follow(entry: Entry): Entry | undefined | Promise<Entry | undefined> {
    if (entry.kind === "end") return this.#leave();
    const isDirectory = entry.kind === "directory";
    if (this.#lost > 0) {
      if (isDirectory) this.#lost++;
      return undefined;
    }
    for (;;) {
      const old = this.#peek();
      if (old === undefined) {
        if (!this.#ended) return this.#load().then(() => this.follow(entry));
        break;
      }
      if (this.#depth > 0) {
        if (old.kind === "end") break;
        const order = compareNames(old.name, entry.name);
        if (order > 0) break;
        this.#at++;
        if (order < 0 || old.kind === "directory" && !isDirectory) {
          if (old.kind === "directory") this.#skip = 1;
          continue;
        }
      } else this.#at++;
      if (isDirectory) {
        if (old.kind === "directory") this.#depth++;
        else this.#lost = 1;
      }
      return old;
    }
    if (isDirectory) this.#lost = 1;
    return undefined;
  }

  /** Ends the reading of the last time's entries. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#batches.return?.();
  }

  #leave(): undefined | Promise<undefined> {
    if (this.#lost > 0) {
      this.#lost--;
      return undefined;
    }
    for (;;) {
      const old = this.#peek();
      if (old === undefined) {
        if (this.#ended) return undefined;
        return this.#load().then(() => this.#leave());
      }
      this.#at++;
      if (old.kind === "end") {
        this.#depth--;
        return undefined;
      }
      if (old.kind === "directory") this.#skip = 1;
    }
  }

  /** The next entry of the last time at the depth at hand; `undefined` where the batch has none left. */
  #peek(): Entry | undefined {
    const batch = this.#batch;
    for (; this.#at < batch.length; this.#at++) {
      const entry = batch[this.#at]!, { kind } = entry;
      if (this.#skip > 0) {
        if (kind === "directory") this.#skip++;
        else if (kind === "end") this.#skip--;
      } else if (kind !== "version" && kind !== "prelude") return entry;
    }
    return undefined;
  }

  async #load(): Promise<void> {
    const next = await this.#batches.next();
    this.#batch = next.done ? [] : next.value;
    this.#at = 0;
    if (next.done) this.#ended = true;
  }
}
