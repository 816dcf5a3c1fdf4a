/**
 * Which file systems a walk goes into, and what they may have.
 *
 * Source: spec J.4.
 *
 * @module
 */
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "@pxar/sys/abi";
import { systemError } from "@pxar/sys/errno";
import { fileSystemType, openFile, statFile, Statx } from "@pxar/sys/files";
import { cString, type Libc } from "@pxar/sys/libc";
import {
  ANOTHER,
  type Features,
  featuresOf,
  isVirtual,
  MADE_UP,
} from "./file_systems.ts";
import type { ReadSettings } from "./read_options.ts";

/** A file system that has been met. */
export interface Mounted extends Features {
  /** Whether it is made up by the kernel. */
  readonly virtual: boolean;
}

/** The file systems below a root. */
export class NativeMounts {
  readonly #libc: Libc;
  readonly #known = new Map<number, Mounted>();
  /** Those that may be entered; `undefined` for all. */
  readonly #entered: Set<number> | undefined;

  /** Only the root's own may be entered, unless all may. */
  constructor(libc: Libc, settings: ReadSettings) {
    this.#libc = libc;
    this.#entered = settings.allFileSystems ? undefined : new Set();
  }

  /**
   * Lets the walk into the root's file system, and into those that paths lie on.
   *
   * @param device Number of the root's.
   * @param paths Of others.
   * @throws {SystemError} If a path is not there.
   */
  enter(device: number, paths: readonly string[]): void {
    this.#entered?.add(device);
    for (const path of paths) this.#entered?.add(this.#deviceOf(path));
  }

  /**
   * What is known of a file system.
   *
   * @param device Its number.
   * @param fd An open file on it.
   */
  get(device: number, fd: number): Mounted {
    let mounted = this.#known.get(device);
    if (mounted === undefined) {
      const type = fileSystemType(this.#libc, fd);
      mounted = { ...featuresOf(type), virtual: isVirtual(type) };
      this.#known.set(device, mounted);
    }
    return mounted;
  }

  /** Why a file system is not entered; `undefined` where it is. */
  closed(device: number, mounted: Mounted): string | undefined {
    if (mounted.virtual) return MADE_UP;
    return this.#entered === undefined || this.#entered.has(device)
      ? undefined
      : ANOTHER;
  }

  #deviceOf(path: string): number {
    const name = cString(path), stat = new Statx();
    const fd = openFile(this.#libc, AT_FDCWD, name, O_PATH | O_CLOEXEC);
    const number = fd < 0 ? fd : statFile(this.#libc, fd, stat);
    if (fd >= 0) this.#libc.close(fd);
    if (number < 0) {
      throw systemError(
        "find file system of",
        name.subarray(0, -1),
        "openat",
        -number,
      );
    }
    return stat.device;
  }
}
