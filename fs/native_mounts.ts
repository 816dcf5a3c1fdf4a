/**
 * Which file systems a walk goes into, and what they may have.
 *
 * Source: spec J.4.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { showName } from "@pxar/format/name";
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
  Mounts,
} from "./file_systems.ts";
import type { ReadSettings } from "./read_options.ts";

/** A file system that has been met. */
export interface Mounted extends Features {
  /** Whether it is made up by the kernel. */
  readonly virtual: boolean;
}

/** The file systems below a root, asked about once each. */
export class NativeMounts extends Mounts {
  readonly #libc: Libc;
  readonly #known = new Map<number, Mounted>();

  /** None is known yet. */
  constructor(libc: Libc, settings: ReadSettings) {
    super(settings);
    this.#libc = libc;
  }

  /**
   * Lets the walk into the root's file system, and into those that are asked for.
   *
   * @param path The root.
   * @param device Number of its file system.
   * @param fd The root, open.
   * @returns What is known of it.
   * @throws {PxarError} If it is made up by the kernel.
   * @throws {SystemError} If a path that is asked for is not there.
   */
  begin(path: Bytes, device: number, fd: number): Mounted {
    const mounted = this.get(device, fd);
    this.start(showName(path), device, mounted.virtual);
    return mounted;
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
    return this.isEntered(device) ? undefined : ANOTHER;
  }

  protected override deviceOf(path: string): number {
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
