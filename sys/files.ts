/**
 * Files through the C library. Every function gives what the kernel gives: 0 or more where it went well, otherwise the negated error number.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  RLIMIT_NOFILE,
  STATX_BASIC_STATS,
} from "./abi.ts";
import { ERRNO } from "./errno.ts";
import { errno, type Libc } from "./libc.ts";

/** An empty C string: with `AT_EMPTY_PATH` the descriptor itself. */
const EMPTY: Bytes = new Uint8Array(1);

/** What {@linkcode statFile} fills: `struct statx`, the same on every processor. */
export class Statx {
  /** The struct. */
  readonly bytes: Bytes = new Uint8Array(256);
  readonly #u16 = new Uint16Array(this.bytes.buffer);
  readonly #u32 = new Uint32Array(this.bytes.buffer);

  /** Type and permission bits. */
  get mode(): number {
    return this.#u16[14]!;
  }
  /** What getdents64 calls the type: the top four bits of the mode. */
  get type(): number {
    return this.#u16[14]! >>> 12;
  }
  /** How many names the file has. */
  get links(): number {
    return this.#u32[4]!;
  }
  /** Owner. */
  get uid(): number {
    return this.#u32[5]!;
  }
  /** Group. */
  get gid(): number {
    return this.#u32[6]!;
  }
  /** Number within the file system; a bigint from 2^53 on. */
  get inode(): number | bigint {
    const low = this.#u32[8]!, high = this.#u32[9]!;
    return high < 0x20_0000
      ? high * 2 ** 32 + low
      : BigInt(high) << 32n | BigInt(low);
  }
  /** Length in bytes. */
  get size(): number {
    return this.#u32[11]! * 2 ** 32 + this.#u32[10]!;
  }
  /** Last change of content: whole seconds since 1970, rounded down. */
  get secs(): number {
    return (this.#u32[29]! | 0) * 2 ** 32 + this.#u32[28]!;
  }
  /** Nanoseconds after {@linkcode secs}. */
  get nanos(): number {
    return this.#u32[30]!;
  }
  /** A device's major number. */
  get deviceMajor(): number {
    return this.#u32[32]!;
  }
  /** A device's minor number. */
  get deviceMinor(): number {
    return this.#u32[33]!;
  }
  /** The file system's number: major · 2^32 + minor. */
  get device(): number {
    return this.#u32[34]! * 2 ** 32 + this.#u32[35]!;
  }
}

/** The type that getdents64 gives where the file system does not say. */
export const DT_UNKNOWN = 0;
/** A fifo, as getdents64 says it. */
export const DT_FIFO = 1;
/** A character device. */
export const DT_CHR = 2;
/** A directory. */
export const DT_DIR = 4;
/** A block device. */
export const DT_BLK = 6;
/** A regular file. */
export const DT_REG = 8;
/** A symlink. */
export const DT_LNK = 10;
/** A socket. */
export const DT_SOCK = 12;

/**
 * Opens a file; where a signal came between, again.
 *
 * @param libc The C library.
 * @param directory Descriptor of the directory that `name` counts from.
 * @param name Ends with a NUL.
 * @param flags `O_…`.
 * @param mode Permission bits of a file that is made.
 */
export function openFile(
  libc: Libc,
  directory: number,
  name: Bytes,
  flags: number,
  mode = 0,
): number {
  for (;;) {
    const fd = libc.openat(directory, name, flags, mode);
    if (fd >= 0) return fd;
    const number = errno(libc);
    if (number !== ERRNO.EINTR) return -number;
  }
}

/**
 * Asks about an open file.
 *
 * @param libc The C library.
 * @param fd Its descriptor.
 * @param into Filled.
 */
export function statFile(libc: Libc, fd: number, into: Statx): number {
  return libc.statx(fd, EMPTY, AT_EMPTY_PATH, STATX_BASIC_STATS, into.bytes) ===
      0
    ? 0
    : -errno(libc);
}

/**
 * Asks about a file by name; a symlink is not followed.
 *
 * @param libc The C library.
 * @param directory Descriptor of the directory that `name` counts from.
 * @param name Ends with a NUL.
 * @param into Filled.
 */
export function statEntry(
  libc: Libc,
  directory: number,
  name: Bytes,
  into: Statx,
): number {
  return libc.statx(
      directory,
      name,
      AT_SYMLINK_NOFOLLOW,
      STATX_BASIC_STATS,
      into.bytes,
    ) === 0
    ? 0
    : -errno(libc);
}

const STATFS: Bytes = new Uint8Array(256);
const STATFS_TYPE = new BigUint64Array(STATFS.buffer, 0, 1);

/**
 * The number that names the kind of a file system, such as 0xef53 for ext4.
 *
 * @param libc The C library.
 * @param fd An open file on it.
 */
export function fileSystemType(libc: Libc, fd: number): number {
  return libc.fstatfs(fd, STATFS) === 0
    ? Number(BigInt.asUintN(32, STATFS_TYPE[0]!))
    : -errno(libc);
}

const TARGET: Bytes = new Uint8Array(65536);

/**
 * Where a symlink points.
 *
 * @param libc The C library.
 * @param fd The symlink, opened with `O_PATH | O_NOFOLLOW`.
 * @returns The target, or the negated error number.
 */
export function readLink(libc: Libc, fd: number): Bytes | number {
  const length = libc.readlinkat(fd, EMPTY, TARGET, TARGET.length);
  return length < 0 ? -errno(libc) : TARGET.slice(0, length);
}

const LIMITS = new BigUint64Array(2);

/**
 * How many descriptors this process may have open at once.
 *
 * @param libc The C library.
 */
export function descriptorLimit(libc: Libc): number {
  const bytes = new Uint8Array(LIMITS.buffer);
  return libc.getrlimit(RLIMIT_NOFILE, bytes) === 0
    ? Number(BigInt.asUintN(53, LIMITS[0]!))
    : -errno(libc);
}

/** What getdents64 fills at once; also the most that one piece of names can take. */
const LISTED: Bytes = new Uint8Array(32768);
const DOT = 0x2e;

/**
 * The names in a directory and the type of each, in order of their bytes.
 *
 * Names lie in pieces of up to 32 KiB, each as a type byte, the name, a NUL; the order is one number a name: piece · 65536 + place in it.
 */
export class NameList {
  readonly #pieces: Bytes[] = [];
  readonly #order: number[] = [];

  /**
   * Reads a directory from where it stands to its end, without `.` and `..`.
   *
   * @param libc The C library.
   * @param fd The directory.
   * @param choose Given a name, which is a view that is valid until it returns, and its `DT_…`, says the type to note, or -1 to leave the name out.
   * @returns The names, or the negated error number.
   */
  static read(
    libc: Libc,
    fd: number,
    choose?: (name: Bytes, type: number) => number,
  ): NameList | number {
    const list = new NameList();
    for (;;) {
      const length = Number(libc.getdents64(fd, LISTED, LISTED.length));
      if (length < 0) {
        const number = errno(libc);
        if (number === ERRNO.EINTR) continue;
        // The directory has been removed: it has no names any more.
        if (number === ERRNO.ENOENT) break;
        return -number;
      }
      if (length === 0) break;
      list.#take(length, choose);
    }
    list.#sort();
    return list;
  }

  /** How many names there are. */
  get length(): number {
    return this.#order.length;
  }

  /** The type of a name, `DT_…`. */
  type(index: number): number {
    const at = this.#order[index]!;
    return this.#pieces[at >>> 16]![(at & 0xffff) - 1]!;
  }

  /** A name, as a view; behind it in memory stands a NUL, so that it is a C string as it is. */
  name(index: number): Bytes {
    const at = this.#order[index]!, start = at & 0xffff;
    const piece = this.#pieces[at >>> 16]!;
    let end = start;
    while (piece[end] !== 0) end++;
    return piece.subarray(start, end);
  }

  #take(
    length: number,
    choose: ((name: Bytes, type: number) => number) | undefined,
  ): void {
    // The names are moved to the front of what was listed, over what has been read already, then copied out at once.
    let filled = 0;
    const first = this.#order.length;
    for (let record = 0; record < length;) {
      const next = record + (LISTED[record + 16]! | LISTED[record + 17]! << 8);
      let start = record + 19;
      let type = LISTED[record + 18]!;
      record = next;
      let end = start;
      while (LISTED[end] !== 0) end++;
      if (
        LISTED[start] === DOT &&
        (end === start + 1 || (end === start + 2 && LISTED[start + 1] === DOT))
      ) continue;
      if (choose !== undefined) {
        type = choose(LISTED.subarray(start, end), type);
        if (type < 0) continue;
      }
      LISTED[filled] = type;
      this.#order.push(this.#pieces.length * 65536 + filled + 1);
      filled++;
      while (start <= end) LISTED[filled++] = LISTED[start++]!;
    }
    if (this.#order.length > first) this.#pieces.push(LISTED.slice(0, filled));
  }

  #sort(): void {
    const pieces = this.#pieces;
    this.#order.sort((a, b) => {
      const left = pieces[a >>> 16]!, right = pieces[b >>> 16]!;
      let i = a & 0xffff, j = b & 0xffff;
      while (left[i] === right[j] && left[i] !== 0) i++, j++;
      return left[i]! - right[j]!;
    });
  }
}
