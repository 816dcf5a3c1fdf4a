/**
 * The calls that make files below an open directory.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_WRONLY,
  UTIME_OMIT,
} from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import {
  DT_DIR,
  NameList,
  openFile,
  statEntry,
  statFile,
  Statx,
} from "@pxar/sys/files";
import { cString, errno, type Libc } from "@pxar/sys/libc";

const NAME_ROOM = 4097;
/** Stands for a value of no bytes, and for no name. */
const EMPTY: Bytes = new Uint8Array(1);
/** As an owner, what the kernel would take for none said. */
const NOBODY = 0xffff_ffff;
const SEEK_CUR = 1;

/**
 * Makes directories, files, links and nodes by descriptor and name.
 *
 * Every call gives 0, a descriptor or a count, or a negative error number, as the kernel itself does; nothing follows a symlink in the last place,
 * and names are single components without NUL, at most 4096 bytes.
 */
export class Maker {
  /** The C library. */
  readonly libc: Libc;
  /** What was last looked at. */
  readonly seen: Statx = new Statx();
  readonly #name: Bytes = new Uint8Array(NAME_ROOM);
  readonly #other: Bytes = new Uint8Array(NAME_ROOM);
  readonly #times: Bytes = new Uint8Array(32);
  readonly #times32: Uint32Array = new Uint32Array(this.#times.buffer);

  /**
   * Opens nothing.
   *
   * @param libc The C library.
   */
  constructor(libc: Libc) {
    this.libc = libc;
    this.#times32[2] = UTIME_OMIT;
  }

  /** Makes a file for writing that was not there. */
  createFile(parent: number, name: Bytes, mode: number): number {
    return openFile(
      this.libc,
      parent,
      put(this.#name, name),
      O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
      mode,
    );
  }

  /** Makes a directory. */
  createDirectory(parent: number, name: Bytes, mode: number): number {
    return this.#result(
      this.libc.mkdirat(parent, put(this.#name, name), mode),
    );
  }

  /** Makes a device, fifo or socket; `mode` with its type bits. */
  createNode(parent: number, name: Bytes, mode: number, dev: bigint): number {
    return this.#result(
      this.libc.mknodat(parent, put(this.#name, name), mode, dev),
    );
  }

  /** Makes a symlink to `target`, at most 4096 bytes. */
  createSymlink(target: Bytes, parent: number, name: Bytes): number {
    return this.#result(
      this.libc.symlinkat(
        put(this.#other, target),
        parent,
        put(this.#name, name),
      ),
    );
  }

  /** Makes one name more for a file. */
  link(from: number, old: Bytes, parent: number, name: Bytes): number {
    return this.#result(
      this.libc.linkat(
        from,
        put(this.#other, old),
        parent,
        put(this.#name, name),
        0,
      ),
    );
  }

  /** Gives a file another name in its directory, in the place of whatever has it. */
  rename(parent: number, old: Bytes, name: Bytes): number {
    return this.#result(
      this.libc.renameat2(
        parent,
        put(this.#other, old),
        parent,
        put(this.#name, name),
        0,
      ),
    );
  }

  /** Takes away a name that is no directory's. */
  unlink(parent: number, name: Bytes): number {
    return this.#result(this.libc.unlinkat(parent, put(this.#name, name), 0));
  }

  /** Opens a directory for everything. */
  openDirectory(parent: number, name: Bytes): number {
    return openFile(
      this.libc,
      parent,
      put(this.#name, name),
      O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
      0,
    );
  }

  /** Opens a directory to find names in it. */
  openPath(parent: number, name: Bytes): number {
    return openFile(
      this.libc,
      parent,
      put(this.#name, name),
      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
      0,
    );
  }

  /** Opens a regular file for its attributes. */
  openFile(parent: number, name: Bytes): number {
    return openFile(
      this.libc,
      parent,
      put(this.#name, name),
      O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC,
      0,
    );
  }

  /**
   * Opens the directory at a path of any length, which it makes where it is not there, with those above it.
   *
   * @param path As the user gave it; symlinks in it are followed.
   * @param mask The process's umask, which those above it get.
   */
  openTarget(path: string | Bytes, mask: number): number {
    const whole = cString(path);
    let made = this.#result(this.libc.mkdirat(AT_FDCWD, whole, 0o700));
    if (made === -ERRNO.ENOENT) {
      for (let i = 1; i < whole.length - 1; i++) {
        if (whole[i] !== 0x2f || whole[i - 1] === 0x2f) continue;
        this.libc.mkdirat(
          AT_FDCWD,
          cString(whole.subarray(0, i)),
          0o777 & ~mask,
        );
      }
      made = this.#result(this.libc.mkdirat(AT_FDCWD, whole, 0o700));
    }
    const fd = openFile(this.libc, AT_FDCWD, whole, O_DIRECTORY | O_CLOEXEC);
    return fd < 0 && made < 0 && made !== -ERRNO.EEXIST ? made : fd;
  }

  /** Whether there is nothing in a directory that was just opened. */
  isEmpty(fd: number): boolean {
    let found = false;
    NameList.read(this.libc, fd, () => {
      found = true;
      return -1;
    });
    return !found;
  }

  /** Looks at an open file; what is seen stands in {@linkcode seen}. */
  look(fd: number): number {
    return statFile(this.libc, fd, this.seen);
  }

  /** Looks at whatever has a name, be it a symlink; what is seen stands in {@linkcode seen}. */
  lookAt(parent: number, name: Bytes): number {
    return statEntry(this.libc, parent, put(this.#name, name), this.seen);
  }

  /** Whether a name is a directory's. */
  isDirectory(parent: number, name: Bytes): boolean {
    return this.lookAt(parent, name) === 0 && this.seen.type === DT_DIR;
  }

  /** Opens whatever has a name, be it a symlink or a device: for the calls that follow, and nothing else. */
  openNode(parent: number, name: Bytes): number {
    return openFile(
      this.libc,
      parent,
      put(this.#name, name),
      O_PATH | O_NOFOLLOW | O_CLOEXEC,
      0,
    );
  }

  /** Sets owner and group of what {@linkcode openNode} gave. */
  chownNode(fd: number, uid: number, gid: number): number {
    if (uid === NOBODY || gid === NOBODY) return -ERRNO.EINVAL;
    return this.#result(
      this.libc.fchownat(fd, EMPTY, uid, gid, AT_EMPTY_PATH),
    );
  }

  /** Sets the permissions of what {@linkcode openNode} gave and is no symlink. */
  chmodNode(fd: number, mode: number): number {
    const result = this.#result(
      this.libc.fchmodat(AT_FDCWD, byNumber(fd), mode, 0),
    );
    // Without /proc there is no way but for the newest kernels.
    return result === -ERRNO.ENOENT ? -ERRNO.EOPNOTSUPP : result;
  }

  /** Sets the time of the last change of what {@linkcode openNode} gave. */
  timesNode(fd: number, secs: number, nanos: number): number {
    this.#time(secs, nanos);
    const result = this.#result(
      this.libc.utimensat(fd, EMPTY, this.#times, AT_EMPTY_PATH),
    );
    // Before Linux 5.8.
    return result !== -ERRNO.EINVAL ? result : this.#result(
      this.libc.utimensat(AT_FDCWD, byNumber(fd), this.#times, 0),
    );
  }

  /** Sets the time of the last change of an open file. */
  times(fd: number, secs: number, nanos: number): number {
    this.#time(secs, nanos);
    return this.#result(this.libc.futimens(fd, this.#times));
  }

  /** Sets owner and group of an open file. */
  chown(fd: number, uid: number, gid: number): number {
    if (uid === NOBODY || gid === NOBODY) return -ERRNO.EINVAL;
    return this.#result(this.libc.fchown(fd, uid, gid));
  }

  /** Sets the permissions of an open file. */
  chmod(fd: number, mode: number): number {
    return this.#result(this.libc.fchmod(fd, mode));
  }

  /** Sets an extended attribute of an open file. */
  setXattr(fd: number, name: Bytes, value: Bytes): number {
    return this.#result(
      this.libc.fsetxattr(
        fd,
        put(this.#name, name),
        value.length > 0 ? value : EMPTY,
        value.length,
        0,
      ),
    );
  }

  /** Calls ioctl with a structure. */
  ioctl(fd: number, request: number, argument: Bytes): number {
    return this.#result(this.libc.ioctl(fd, request, argument));
  }

  /** Writes from a place in memory; gives how many bytes. */
  write(fd: number, address: number, length: number): number {
    return this.#result(this.libc.write(fd, BigInt(address), length));
  }

  /** Moves on in a file without writing. */
  seek(fd: number, length: number): number {
    return this.#result(
      Number(this.libc.lseek(fd, BigInt(length), SEEK_CUR)),
    );
  }

  /** Gives a file its length. */
  truncate(fd: number, length: number): number {
    return this.#result(this.libc.ftruncate(fd, BigInt(length)));
  }

  /** Closes a descriptor. */
  close(fd: number): number {
    return this.#result(this.libc.close(fd));
  }

  #result(value: number): number {
    return value < 0 ? -errno(this.libc) : value;
  }

  #time(secs: number, nanos: number): void {
    const times = this.#times32;
    times[4] = secs;
    times[5] = Math.floor(secs / 2 ** 32);
    times[6] = nanos;
  }
}

/** Up to 4096 bytes with a NUL behind them, in memory that stays. */
function put(into: Bytes, name: Bytes): Bytes {
  const length = name.length;
  // Measured: for names, a loop is faster than the call of set().
  if (length < 32) { for (let i = 0; i < length; i++) into[i] = name[i]!; }
  else into.set(name);
  into[length] = 0;
  return into;
}

/** The path of a descriptor's file, be that a symlink: where it leads is not asked. */
function byNumber(fd: number): Bytes {
  return cString(`/proc/self/fd/${fd}`);
}

/** The parent of a directory, as a name in it. */
export const PARENT: Bytes = new Uint8Array([0x2e, 0x2e]);
