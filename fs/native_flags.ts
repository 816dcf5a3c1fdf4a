/**
 * Attributes of chattr and FAT through the C library.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import {
  CHATTR,
  CHATTR_MASK,
  FAT_MASK,
  flagsToChattr,
  flagsToFat,
  INITIAL_CHATTR,
} from "@pxar/format/flags";
import {
  FAT_IOCTL_GET_ATTRIBUTES,
  FAT_IOCTL_SET_ATTRIBUTES,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
} from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import { DT_REG, fileSystemType } from "@pxar/sys/files";
import type { Maker } from "./maker.ts";
import { isBeyond, type Trail } from "./trail.ts";

const MSDOS_SUPER_MAGIC = 0x4d44;
const IMMUTABLE = 0x10, APPEND = 0x20;

/** Sets the flags of open files and directories. */
export class NativeFlags {
  readonly #maker: Maker;
  readonly #trail: Trail;
  readonly #number: Uint32Array<ArrayBuffer> = new Uint32Array(2);
  readonly #bits: Bytes = new Uint8Array(this.#number.buffer);

  /**
   * Changes nothing yet.
   *
   * @param maker Makes the calls.
   * @param trail Takes what is lost and what goes wrong.
   */
  constructor(maker: Maker, trail: Trail) {
    this.#maker = maker;
    this.#trail = trail;
  }

  /** Flags that work on an empty file alone; what the file system refuses is counted when all are set. */
  applyInitial(fd: number, entry: Entry): void {
    const wanted = flagsToChattr(entry.flags) & INITIAL_CHATTR;
    if (wanted !== 0) this.#change(fd, wanted, wanted);
  }

  /** All flags. */
  apply(fd: number, entry: Entry): void {
    const chattr = flagsToChattr(entry.flags), fat = flagsToFat(entry.flags);
    if (chattr !== 0) this.#chattr(fd, chattr);
    if (fat !== 0) this.#fat(fd, fat);
  }

  /**
   * Lifts what forbids links to a file, if that is there.
   *
   * @returns What was there, for {@linkcode relock}; 0 where it was nothing.
   */
  unlock(fd: number): number {
    if (this.#maker.ioctl(fd, FS_IOC_GETFLAGS, this.#bits) < 0) return 0;
    const now = this.#number[0]!;
    if ((now & (IMMUTABLE | APPEND)) === 0) return 0;
    return this.#change(fd, 0, IMMUTABLE | APPEND) < 0 ? 0 : now;
  }

  /** Forbids again what {@linkcode unlock} lifted. */
  relock(fd: number, was: number): void {
    this.#change(fd, was, IMMUTABLE | APPEND);
  }

  /**
   * Gives something that was made under a name of its own its final name, in the place of what is there, also where that must not change.
   *
   * @returns 0, or the error's number below 0: what is there stays then.
   */
  replace(parent: number, old: Bytes, name: Bytes): number {
    const maker = this.#maker, result = maker.rename(parent, old, name);
    // Opening a device might set something off.
    const isFile = result === -ERRNO.EPERM &&
      maker.lookAt(parent, name) === 0 && maker.seen.type === DT_REG;
    if (!isFile) return result;
    const fd = maker.openFile(parent, name);
    if (fd < 0) return result;
    const was = this.unlock(fd);
    const again = was === 0 ? result : maker.rename(parent, old, name);
    if (again < 0 && was !== 0) this.relock(fd, was);
    maker.close(fd);
    return again;
  }

  #chattr(fd: number, wanted: number): void {
    const result = this.#change(fd, wanted, CHATTR_MASK);
    if (result === 0) return;
    if (!isBeyond(result) && result !== -ERRNO.EBADF) {
      this.#trail.refused("set flags of", "ioctl", -result);
      return;
    }
    this.#trail.lose("flags");
    // The kernel takes all or none: what it does take is found one by one, what forbids further changes last.
    for (const last of [false, true]) {
      for (const { kernel } of CHATTR) {
        if ((wanted & kernel) === 0) continue;
        if (((kernel & (IMMUTABLE | APPEND)) !== 0) !== last) continue;
        this.#change(fd, kernel, kernel);
      }
    }
  }

  #fat(fd: number, wanted: number): void {
    if (fileSystemType(this.#maker.libc, fd) !== MSDOS_SUPER_MAGIC) {
      this.#trail.lose("flags");
      return;
    }
    const result = this.#change(
      fd,
      wanted,
      FAT_MASK,
      FAT_IOCTL_GET_ATTRIBUTES,
      FAT_IOCTL_SET_ATTRIBUTES,
    );
    if (result < 0) {
      this.#trail.lack(result, "flags", "set FAT attributes of", "ioctl");
    }
  }

  /** Sets the bits of `mask` to those of `wanted`, where they are not so already. */
  #change(
    fd: number,
    wanted: number,
    mask: number,
    get = FS_IOC_GETFLAGS,
    set = FS_IOC_SETFLAGS,
  ): number {
    const result = this.#maker.ioctl(fd, get, this.#bits);
    if (result < 0) return result;
    const now = this.#number[0]!;
    const next = (wanted & mask | now & ~mask) >>> 0;
    if (next === now) return 0;
    this.#number[0] = next;
    return this.#maker.ioctl(fd, set, this.#bits);
  }
}
