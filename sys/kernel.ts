/**
 * What a datastore needs of the kernel: locks that PBS sees, a time of access, a whole file system on its disk.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { HeldLock, Kernel, RecordLock } from "@pxar/store/kernel";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  F_OFD_SETLK,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_CLOEXEC,
  O_CREAT,
  O_NOCTTY,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  UTIME_NOW,
  UTIME_OMIT,
} from "./abi.ts";
import { ERRNO, systemError } from "./errno.ts";
import { openFile, statEntry, statFile, Statx } from "./files.ts";
import { cString, errno, type Libc, openLibc } from "./libc.ts";

/** A lock file is opened again this often where it was removed meanwhile. */
const ATTEMPTS = 100;
const LOCK_FILE = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW;

/**
 * The kernel's calls, through the C library.
 *
 * @returns The calls, or `undefined` where the C library is not to be had; never asks for a permission.
 */
export function openKernel(): Kernel | undefined {
  const libc = openLibc();
  return libc && new LinuxKernel(libc);
}

class LinuxKernel implements Kernel {
  readonly module: string = import.meta.url;
  readonly #libc: Libc;
  /** struct timespec, twice: access now, content as it is. */
  readonly #times: Bytes;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#times = new Uint8Array(32);
    const view = new DataView(this.#times.buffer);
    view.setBigInt64(8, BigInt(UTIME_NOW), true);
    view.setBigInt64(24, BigInt(UTIME_OMIT), true);
  }

  lockRecord(path: string, exclusive: boolean): RecordLock | undefined {
    const fd = this.#open(path, LOCK_FILE, 0o644);
    let held: boolean;
    try {
      held = this.#setLock(fd, path, exclusive ? F_WRLCK : F_RDLCK);
    } catch (error) {
      this.#libc.close(fd);
      throw error;
    }
    const release = this.#releaseOf(fd, () => {
      this.#setLock(fd, path, F_UNLCK);
    });
    if (!held) return void release();
    return {
      change: (exclusive) =>
        this.#setLock(fd, path, exclusive ? F_WRLCK : F_RDLCK),
      release,
    };
  }

  lockFile(path: string, exclusive: boolean): HeldLock | undefined {
    const libc = this.#libc;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const fd = this.#open(path, LOCK_FILE, 0o644);
      const release = this.#releaseOf(fd, () => {
        libc.flock(fd, LOCK_UN);
      });
      if (libc.flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) !== 0) {
        const number = errno(libc);
        release();
        if (number === ERRNO.EINTR) continue;
        if (number === ERRNO.EAGAIN) return undefined;
        throw systemError("lock", cString(path), "flock", number);
      }
      // Whoever held it before may have removed the file: then this is a lock on nothing.
      if (this.#isAt(fd, path)) return { release };
      release();
    }
    return undefined;
  }

  touch(path: string): boolean {
    const name = cString(path);
    const done = this.#libc.utimensat(
      AT_FDCWD,
      name,
      this.#times,
      AT_SYMLINK_NOFOLLOW,
    );
    if (done === 0) return true;
    const number = errno(this.#libc);
    if (number === ERRNO.ENOENT) return false;
    throw systemError(
      "set time of access of",
      name.subarray(0, -1),
      "utimensat",
      number,
    );
  }

  syncFileSystem(path: string): void {
    const fd = this.#open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    try {
      if (this.#libc.syncfs(fd) !== 0) {
        throw systemError(
          "sync the file system of",
          cString(path).subarray(0, -1),
          "syncfs",
          errno(this.#libc),
        );
      }
    } finally {
      this.#libc.close(fd);
    }
  }

  #open(path: string, flags: number, mode = 0): number {
    const name = cString(path);
    const fd = openFile(this.#libc, AT_FDCWD, name, flags, mode);
    if (fd >= 0) return fd;
    throw systemError("open", name.subarray(0, -1), "openat", -fd);
  }

  #setLock(fd: number, path: string, type: number): boolean {
    // struct flock: type, whence, start and length; length 0 is the whole file.
    const lock = new Uint8Array(32);
    new DataView(lock.buffer).setInt16(0, type, true);
    for (;;) {
      if (this.#libc.fcntl(fd, F_OFD_SETLK, lock) === 0) return true;
      const number = errno(this.#libc);
      if (number === ERRNO.EINTR) continue;
      if (number === ERRNO.EAGAIN || number === ERRNO.EACCES) return false;
      throw systemError(
        "lock",
        cString(path).subarray(0, -1),
        "fcntl",
        number,
      );
    }
  }

  #isAt(fd: number, path: string): boolean {
    const open = new Statx(), there = new Statx();
    return statFile(this.#libc, fd, open) === 0 &&
      statEntry(this.#libc, AT_FDCWD, cString(path), there) === 0 &&
      open.inode === there.inode && open.device === there.device;
  }

  /** Closing alone would do, but for a program that is being started at this moment: for an instant it has all that is open here. */
  #releaseOf(fd: number, unlock: () => void): () => void {
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      try {
        unlock();
      } finally {
        this.#libc.close(fd);
      }
    };
  }
}
