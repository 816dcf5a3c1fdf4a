/**
 * The directories that are open while a tree is written.
 *
 * @module
 */
import type { Entry } from "@pxar/format/entry";
import { type Maker, PARENT } from "./maker.ts";

/** Most descriptors held; a directory further up is closed and found again by the way back up. */
const HELD = 192;

/** Stands for a descriptor that was closed to save it. */
const CLOSED = -1;
/** Stands for a descriptor that is gone for good. */
const LOST = -2;

/** One directory that is open. */
export interface Level {
  /** Its descriptor; negative where it cannot be used. */
  fd: number;
  /** What it was made of. */
  readonly entry: Entry;
  /** Who a new file here belongs to. */
  uid: number;
  /** Which group a new file here belongs to. */
  gid: number;
  /** Whether a new file here has the mode that is asked for. */
  plain: boolean;
  /** Whether the three have been seen on a file, and are not a guess. */
  learned: boolean;
  /** Device and inode, noted when it was closed. */
  identity: string;
}

/** Open directories, the root first; any number of them with a bounded number of descriptors. */
export class DirectoryStack {
  readonly #maker: Maker;
  readonly #levels: Level[] = [];

  /**
   * Starts without a directory.
   *
   * @param maker Makes the calls.
   */
  constructor(maker: Maker) {
    this.#maker = maker;
  }

  /** The root's descriptor. */
  get root(): number {
    return this.#levels[0]!.fd;
  }

  /** The innermost directory. */
  get top(): Level {
    return this.#levels[this.#levels.length - 1]!;
  }

  /** Whether no directory is open. */
  get isEmpty(): boolean {
    return this.#levels.length === 0;
  }

  /**
   * Goes into a directory.
   *
   * @param fd Its descriptor, from now on this object's.
   * @param entry What it is made of.
   * @param uid Who its files belong to, most likely.
   * @param gid And which group.
   */
  push(fd: number, entry: Entry, uid: number, gid: number): void {
    this.#levels.push({
      fd,
      entry,
      uid,
      gid,
      plain: true,
      learned: false,
      identity: "",
    });
    const far = this.#levels.length - 1 - HELD;
    if (far < 1) return;
    const level = this.#levels[far]!;
    if (level.fd < 0) return;
    if (this.#maker.look(level.fd) < 0) return;
    level.identity = this.#identity();
    this.#maker.close(level.fd);
    level.fd = CLOSED;
  }

  /**
   * Sees to it that the directory above the innermost one can be used; has to be done before anything closes the way up.
   *
   * @returns Whether it can.
   */
  reopenParent(): boolean {
    const above = this.#levels[this.#levels.length - 2];
    if (above === undefined || above.fd >= 0) return true;
    const fd = this.top.fd < 0
      ? LOST
      : this.#maker.openDirectory(this.top.fd, PARENT);
    above.fd = LOST;
    if (fd < 0) return false;
    if (this.#maker.look(fd) < 0 || this.#identity() !== above.identity) {
      this.#maker.close(fd);
      return false;
    }
    above.fd = fd;
    return true;
  }

  /** Goes back to the directory above. */
  pop(): void {
    const level = this.#levels.pop();
    if (level !== undefined && level.fd >= 0) this.#maker.close(level.fd);
  }

  /** Closes all. */
  close(): void {
    while (!this.isEmpty) this.pop();
  }

  #identity(): string {
    const { device, inode } = this.#maker.seen;
    return `${device}:${inode}`;
  }
}
