// The tree of an archive whose members come as they are read: which directories are open, and what has been where. Some 40 bytes an entry.
import type { Bytes } from "@pxar/format/bytes";
import { UnsupportedError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { hash, siphash } from "@pxar/format/siphash";
import { refusal } from "./tar_member.ts";
import { components } from "./tar_tree.ts";

/** What stands at a path that is no file: a directory, or something else. */
const DIRECTORY = -1, OTHER = -2;

/** What has to happen before an entry. */
export interface Step {
  /** How many directories close. */
  readonly close: number;
  /** Names of the directories that open then, though no member is one. */
  readonly make: readonly Bytes[];
  /** The entry's own name. */
  readonly name: Bytes;
}

/** Follows members in order. */
export class TarOrder {
  /** Lengths of the paths of the open directories below the root, each the beginning of {@linkcode TarOrder.#path}. */
  readonly #open: number[] = [];
  #path: Bytes = new Uint8Array(0);
  #count = 0;
  #low = new Uint32Array(1024);
  #high = new Uint32Array(1024);
  #what = new Float64Array(1024);
  #used = new Uint8Array(1024);

  /** How many directories are open below the root. */
  get depth(): number {
    return this.#open.length;
  }

  /**
   * Finds out what has to happen before an entry below the root.
   *
   * @param path Its path.
   * @param position Its number, of a file; else `undefined`.
   * @param isDirectory Whether it stays open.
   * @throws {FormatError} If something else than a directory is on the way.
   * @throws {UnsupportedError} If it belongs to what is closed, or replaces what has passed.
   */
  place(path: Bytes, position: number | undefined, isDirectory: boolean): Step {
    const parts = [...components(path)];
    let depth = 0;
    while (
      depth < this.#open.length && depth < parts.length - 1 &&
      this.#open[depth] === parts[depth]![1] && this.#begins(path, depth)
    ) depth++;
    const make: Bytes[] = [];
    for (let i = depth; i < parts.length - 1; i++) {
      const [from, to] = parts[i]!;
      const what = this.#find(path.subarray(0, to));
      if (what === undefined) make.push(path.slice(from, to));
      else if (what !== DIRECTORY) {
        throw refusal(
          path,
          "something else than a directory is on its way",
          "directories",
        );
      } else throw outOfOrder(path, "its directory has been left already");
    }
    if (this.#find(path) !== undefined) {
      throw outOfOrder(path, "there has been one of that path already");
    }
    const close = this.#open.length - depth;
    this.#open.length = depth;
    for (let i = depth; i < parts.length; i++) {
      const end = parts[i]![1], last = i === parts.length - 1;
      const what = last && !isDirectory ? position ?? OTHER : DIRECTORY;
      this.#add(path.subarray(0, end), what);
      if (!last || isDirectory) this.#open.push(end);
    }
    if (this.#open.length > depth) this.#path = path;
    return { close, make, name: path.slice(parts.at(-1)![0]) };
  }

  /**
   * Looks for the file that a hardlink leads to.
   *
   * @param path Its path.
   * @returns Its number; `undefined` if no file has passed there.
   */
  file(path: Bytes): number | undefined {
    const what = this.#find(path);
    return what === undefined || what < 0 ? undefined : what;
  }

  /** Whether a path begins with that of an open directory. */
  #begins(path: Bytes, depth: number): boolean {
    const end = this.#open[depth]!;
    for (let i = end - 1; i >= 0; i--) {
      if (path[i] !== this.#path[i]) return false;
    }
    return true;
  }

  #find(path: Bytes): number | undefined {
    const at = this.#slot(path);
    return this.#used[at] === 1 ? this.#what[at] : undefined;
  }

  #add(path: Bytes, what: number): void {
    if (++this.#count * 2 > this.#used.length) this.#grow();
    this.#fill(this.#slot(path), what);
  }

  #fill(at: number, what: number): void {
    this.#low[at] = hash[0]!;
    this.#high[at] = hash[1]!;
    this.#what[at] = what;
    this.#used[at] = 1;
  }

  /** The place of a path, or the free one where it would be; its hash is in `hash`. */
  #slot(path: Bytes): number {
    siphash(path, 0, path.length);
    return this.#probe();
  }

  #probe(): number {
    const mask = this.#used.length - 1;
    const low = hash[0]!, high = hash[1]!;
    let at = (low ^ Math.imul(high, 0x9e3779b1)) & mask;
    while (
      this.#used[at] === 1 &&
      (this.#low[at] !== low || this.#high[at] !== high)
    ) at = at + 1 & mask;
    return at;
  }

  #grow(): void {
    const low = this.#low, high = this.#high, what = this.#what;
    const used = this.#used, length = used.length * 2;
    this.#low = new Uint32Array(length);
    this.#high = new Uint32Array(length);
    this.#what = new Float64Array(length);
    this.#used = new Uint8Array(length);
    for (let i = 0; i < used.length; i++) {
      if (used[i] === 0) continue;
      hash[0] = low[i]!;
      hash[1] = high[i]!;
      this.#fill(this.#probe(), what[i]!);
    }
  }
}

/** The error for a stream that would have to go back. */
export function outOfOrder(path: Bytes, why: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot read tar member "${
      showName(path)
    }" in order: ${why}, expected the archive where it can be read from any place`,
  );
}
