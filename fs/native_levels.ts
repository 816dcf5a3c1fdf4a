/**
 * The directories between the root and the current one, any number of them with few descriptors.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { O_DIRECTORY } from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import {
  DT_DIR,
  DT_UNKNOWN,
  NameList,
  statEntry,
  statFile,
  type Statx,
} from "@pxar/sys/files";
import { cString, type Libc } from "@pxar/sys/libc";
import type { Features } from "./file_systems.ts";
import { openNode, READ } from "./native_opener.ts";
import { Level, type Place } from "./place.ts";

/** How many directories are kept open beside the root; those further out are opened again when the walk comes back. */
export const OPEN_LEVELS = 62;

const PARENT: Bytes = cString("..");

/** A directory that the C library has open. */
export class NativeLevel extends Level {
  /** Its descriptor; negative where it is not open. */
  fd: number;
  /** What is in it and wanted. */
  names: NameList | undefined;
  /** Number of its file system. */
  readonly device: number;
  /** Its number there. */
  readonly inode: number | bigint;
  /** What its file system may have. */
  readonly features: Features;

  /** Takes over the descriptor. */
  constructor(
    parent: NativeLevel | undefined,
    name: Bytes,
    place: Place,
    fd: number,
    stat: Statx,
    features: Features,
  ) {
    super(parent, name, place);
    this.fd = fd;
    this.device = stat.device;
    this.inode = stat.inode;
    this.features = features;
  }
}

/** Which of a walk's levels are open: the root and the innermost ones. */
export class OpenLevels {
  readonly #libc: Libc;
  readonly #levels: readonly NativeLevel[];
  readonly #stat: Statx;
  /** The outermost level but the root that is open. */
  #first = 1;

  /**
   * Starts without a level.
   *
   * @param libc The C library.
   * @param levels Those of the walk, kept by it.
   * @param stat Memory to be used.
   */
  constructor(libc: Libc, levels: readonly NativeLevel[], stat: Statx) {
    this.#libc = libc;
    this.#levels = levels;
    this.#stat = stat;
  }

  /** Closes the outermost one where a level has been added and that makes too many. */
  added(): void {
    if (this.#levels.length - this.#first <= OPEN_LEVELS) return;
    this.close(this.#levels[this.#first++]!);
  }

  /**
   * Sees to it that the level around the innermost one is open: by `..`, or else from the root by names.
   *
   * @returns 0, or the negated error number.
   */
  reopen(): number {
    const outer = this.#levels.at(-2), inner = this.#levels.at(-1)!;
    if (outer === undefined || outer.fd >= 0) return 0;
    let fd = inner.fd < 0
      ? -1
      : openNode(this.#libc, inner.fd, PARENT, READ | O_DIRECTORY);
    if (fd >= 0) fd = this.#checked(fd, outer);
    if (fd < 0) fd = this.#byNames(outer);
    this.#first = this.#levels.length - 2;
    outer.fd = fd;
    return Math.min(fd, 0);
  }

  /** Closes a level. */
  close(level: NativeLevel): void {
    if (level.fd >= 0) this.#libc.close(level.fd);
    level.fd = -1;
  }

  #byNames(level: NativeLevel): number {
    let fd = this.#levels[0]!.fd;
    for (let i = 1; this.#levels[i - 1] !== level; i++) {
      // The name of a level is a piece of a list of names: behind it stands its NUL.
      const next = openNode(
        this.#libc,
        fd,
        this.#levels[i]!.name,
        READ | O_DIRECTORY,
      );
      if (i > 1) this.#libc.close(fd);
      if (next < 0) return next;
      fd = next;
    }
    return this.#checked(fd, level);
  }

  /** The descriptor if it is the level's directory, else closes it. */
  #checked(fd: number, { device, inode }: NativeLevel): number {
    const number = statFile(this.#libc, fd, this.#stat);
    if (
      number === 0 && this.#stat.device === device && this.#stat.inode === inode
    ) return fd;
    this.#libc.close(fd);
    return number < 0 ? number : -ERRNO.ESTALE;
  }
}

/**
 * Lists the names of a directory that are wanted, in the order of their bytes.
 *
 * @param libc The C library.
 * @param level The directory, which the walk is in.
 * @param place Where the walk is.
 * @param stat Memory to be used.
 * @returns The names, or the negated error number.
 */
export function chooseNames(
  libc: Libc,
  level: NativeLevel,
  place: Place,
  stat: Statx,
): NameList | number {
  if (!place.isChoosy && level.parent !== undefined) {
    return NameList.read(libc, level.fd);
  }
  return NameList.read(libc, level.fd, (name, type) => {
    if (level.isOwn(name)) return -1;
    if (!place.isChoosy) return type;
    if (type === DT_UNKNOWN) {
      // What has vanished meanwhile is not missed.
      if (statEntry(libc, level.fd, name, stat) < 0) return -1;
      type = stat.type;
    }
    return place.wants(name, type === DT_DIR) ? type : -1;
  });
}
