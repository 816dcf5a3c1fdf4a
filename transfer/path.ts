/**
 * Where in the tree a stream of entries stands.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";

const SLASH = 0x2f;

/**
 * Follows a stream of entries and knows the path of each; puts it together only when asked.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { showName } from "@pxar/format/name";
 * import { PathTracker } from "@pxar/transfer";
 *
 * const name = new TextEncoder().encode("a.txt");
 * const batches: Batches = [[makeEntry("directory"), makeEntry("file", { name }), makeEntry("end")]];
 * const paths = new PathTracker();
 * for await (const batch of batches) {
 *   for (const entry of batch) {
 *     if (entry.kind === "end") paths.leave();
 *     else paths.enter(entry);
 *     if (entry.kind === "file") console.assert(showName(paths.path) === "a.txt");
 *   }
 * }
 * ```
 */
export class PathTracker {
  #bytes: Bytes = new Uint8Array(256);
  /** Length of the path of the innermost open directory. */
  #length = 0;
  /** Those of the directories around it. */
  readonly #outer: number[] = [];
  /** Length of the path of the directory that was entered or left last. */
  #last = 0;
  #leaf: Bytes | undefined;

  /** How many directories are open. */
  get depth(): number {
    return this.#outer.length;
  }

  /** Goes to an entry, and into it if it is a directory. */
  enter(entry: Entry): void {
    this.#leaf = entry.name;
    if (entry.kind !== "directory") return;
    this.#outer.push(this.#length);
    this.#last = this.#length = this.#put(entry.name);
    this.#leaf = undefined;
  }

  /** Leaves the innermost directory, whose path stays the current one. */
  leave(): void {
    this.#last = this.#length;
    this.#length = this.#outer.pop() ?? 0;
    this.#leaf = undefined;
  }

  /** Path of the entry that was entered last, or of the directory just left, from the root without leading slash; empty for the root. In memory of its own. */
  get path(): Bytes {
    return this.view.slice();
  }

  /** The same, valid until the next entry is entered. */
  get view(): Bytes {
    const end = this.#leaf === undefined ? this.#last : this.#put(this.#leaf);
    return this.#bytes.subarray(0, end);
  }

  /** Writes a name behind the path of the innermost directory; gives the length of both. */
  #put(name: Bytes): number {
    const slash = this.#length > 0 && name.length > 0 ? 1 : 0;
    const end = this.#length + slash + name.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    if (slash === 1) this.#bytes[this.#length] = SLASH;
    this.#bytes.set(name, this.#length + slash);
    return end;
  }
}
