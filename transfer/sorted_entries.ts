// A stream of entries one by one; states on the way that it is one tree and its names are in the order of their bytes.
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batch, Batches, Entry } from "@pxar/format/entry";
import { FormatError, UnsupportedError } from "@pxar/format/errors";
import { compareNames, showName } from "@pxar/format/name";

const NOTHING: readonly never[] = [];
/** What `create` adds to the root: it says how the archive was made, and is nothing of the tree. */
const EXCLUDES = new TextEncoder().encode(".pxarexclude-cli");

/** A stream of entries, one by one. */
export class SortedEntries {
  /** The present entry. */
  entry!: Entry;
  readonly #batches: Iterator<Batch> | AsyncIterator<Batch>;
  #batch: Batch = NOTHING;
  #at = 0;
  /** The last name in each open directory. */
  readonly #last: Bytes[] = [];
  #isOver = false;

  /** Reads nothing yet. */
  constructor(batches: Batches) {
    this.#batches = Symbol.asyncIterator in batches
      ? batches[Symbol.asyncIterator]()
      : batches[Symbol.iterator]();
  }

  /** How many directories are open. */
  get depth(): number {
    return this.#last.length;
  }

  /** Goes to the next entry; a promise where a batch has to be waited for. */
  next(): Promise<void> | void {
    while (this.#at < this.#batch.length) {
      if (this.#take(this.#batch[this.#at++]!)) return;
    }
    return this.#fetch();
  }

  /** Sees to it that nothing follows the root's end. */
  async finish(): Promise<void> {
    this.#isOver = true;
    do {
      while (this.#at < this.#batch.length) {
        this.#take(this.#batch[this.#at++]!);
      }
    } while (await this.#more());
  }

  /** Closes the source. */
  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  async #fetch(): Promise<void> {
    while (await this.#more()) {
      while (this.#at < this.#batch.length) {
        if (this.#take(this.#batch[this.#at++]!)) return;
      }
    }
    throw new TypeError(
      "Cannot compare trees: entries stop before the root is closed",
    );
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#batches.next();
    if (done === true) return false;
    this.#batch = value;
    this.#at = 0;
    return true;
  }

  /** Makes an entry the present one; gives whether it is one to be compared. */
  #take(entry: Entry): boolean {
    const { kind, name } = entry, { depth } = this;
    if (kind === "version" || kind === "prelude" || kind === "inject") {
      return false;
    }
    if (this.#isOver || (depth === 0 && kind !== "directory")) {
      throw new TypeError(
        `Cannot compare trees: there is a ${kind} ${
          this.#isOver ? "behind the root's end" : "before the root"
        }`,
      );
    }
    if (kind === "end") {
      this.#last.pop();
    } else {
      if (depth > 0) {
        if (
          depth === 1 && kind === "file" && compareNames(name, EXCLUDES) === 0
        ) return false;
        const before = this.#last[depth - 1]!;
        const order = compareNames(before, name);
        if (order >= 0) refuseOrder(entry, before, order);
        this.#last[depth - 1] = name;
      }
      if (kind === "directory") this.#last.push(NO_BYTES);
    }
    this.entry = entry;
    return true;
  }
}

function refuseOrder(entry: Entry, before: Bytes, order: number): never {
  const { name, position } = entry;
  const where = position === undefined ? "" : ` at byte ${position}`;
  const what = `Cannot compare "${showName(name)}"${where}: `;
  throw order === 0
    ? new FormatError(`${what}the entry before has that name`, {
      offset: position,
    })
    : new UnsupportedError(
      `${what}it stands behind "${
        showName(before)
      }", expected names in the order of their bytes`,
      { offset: position },
    );
}
