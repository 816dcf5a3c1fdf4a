/**
 * Which file was the first of several links.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { joinPath } from "@pxar/format/name";

/** The first links met so far, some 70 bytes each: a directory's path is kept once for all of them. */
export class LinkTable {
  readonly #devices = new Map<number, Map<number | bigint, number>>();
  readonly #directories: Bytes[] = [];
  readonly #ends: number[] = [];
  #names: Bytes = new Uint8Array(1024);

  /**
   * Looks a file up.
   *
   * @param device Number of its file system.
   * @param inode Its number there.
   * @returns The position of its first link, `undefined` where there was none yet.
   */
  find(device: number, inode: number | bigint): number | undefined {
    return this.#devices.get(device)?.get(inode);
  }

  /**
   * Notes the first link of a file.
   *
   * @param device Number of its file system.
   * @param inode Its number there.
   * @param directory Path of the directory around it; kept.
   * @param name Its name there; copied.
   * @returns Its position, from 1 on.
   */
  add(
    device: number,
    inode: number | bigint,
    directory: Bytes,
    name: Bytes,
  ): number {
    const start = this.#ends.at(-1) ?? 0, end = start + name.length;
    if (end > this.#names.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.#names.subarray(0, start));
      this.#names = larger;
    }
    this.#names.set(name, start);
    this.#directories.push(directory);
    const position = this.#ends.push(end);
    let inodes = this.#devices.get(device);
    if (inodes === undefined) this.#devices.set(device, inodes = new Map());
    inodes.set(inode, position);
    return position;
  }

  /** The path of the first link at a position that {@linkcode add} gave. */
  target(position: number): Bytes {
    const name = this.#names.slice(
      this.#ends[position - 2] ?? 0,
      this.#ends[position - 1],
    );
    return joinPath(this.#directories[position - 1]!, name);
  }
}
