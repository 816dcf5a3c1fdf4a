// One of the streams that are merged: its next entry, and passing over what is dropped of it.
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { FirstLinks } from "./first_links.ts";

/** A stream of entries, looked at one by one. */
export class MergeCursor {
  /** Where its files went. */
  readonly links: FirstLinks;
  /** What it is called in errors. */
  readonly name: string;
  readonly #entries: AsyncIterator<Batch, unknown, undefined>;
  #batch: Batch = [];
  #at = 0;
  /** How many directories are open. */
  #depth = 0;
  /** How many of them are passed over. */
  #dropped = 0;

  constructor(entries: Batches, name: string, withTimes: boolean) {
    this.links = new FirstLinks(withTimes);
    this.name = name;
    this.#entries = (async function* () {
      yield* entries;
    })();
  }

  /** The next entry; to be asked for when it is {@linkcode ready}. */
  get head(): Entry {
    return this.#batch[this.#at]!;
  }

  /** Whether there is a next entry at hand; passes over what is dropped. */
  ready(): boolean {
    while (this.#at < this.#batch.length) {
      const entry = this.head;
      if (this.#dropped === 0) return true;
      this.#at++;
      if (entry.kind === "directory") this.#dropped++;
      else if (entry.kind === "end") this.#dropped--;
      else this.#leave(entry);
    }
    return false;
  }

  /** Gets the next batch; contents of the one before are gone then. */
  async fetch(): Promise<void> {
    const { done, value } = await this.#entries.next();
    if (done) {
      throw new TypeError(
        `Cannot merge ${this.name}: its entries end ${
          this.#depth === 0
            ? "before the root"
            : `while ${this.#depth} directories are open`
        }, expected an end for each directory`,
      );
    }
    this.#batch = value as Batch;
    this.#at = 0;
  }

  /** States that nothing follows the root's end. */
  async finish(): Promise<void> {
    const rest = this.#at < this.#batch.length ||
      !(await this.#entries.next()).done;
    if (rest) {
      throw new TypeError(
        `Cannot merge ${this.name}: entries follow the root's end, expected none`,
      );
    }
  }

  /** Ends the stream early. */
  async close(): Promise<void> {
    await this.#entries.return?.(undefined);
  }

  /** Goes on behind the next entry, into it if it is a directory. */
  take(): Entry {
    const entry = this.head;
    this.#at++;
    if (entry.kind === "directory") this.#depth++;
    else if (entry.kind === "end") this.#depth--;
    return entry;
  }

  /** Passes over the next entry, and all that is in it. */
  drop(): void {
    const entry = this.head;
    this.#at++;
    if (entry.kind === "directory") this.#dropped = 1;
    else this.#leave(entry);
  }

  /** Remembers where a file that has a position went, and to which path; `undefined` if nowhere. */
  note(file: Entry, made: number | undefined, path: Bytes): void {
    this.links.add(file.position!, made, file, path);
  }

  #leave(entry: Entry): void {
    if (entry.kind === "file" && entry.position !== undefined) {
      this.note(entry, undefined, NO_BYTES);
    }
    entry.content?.release?.();
  }
}
