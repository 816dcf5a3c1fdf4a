/**
 * Opening files by the C library without leaving a trace or waiting for what will not come.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { SystemError } from "@pxar/format/errors";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
} from "@pxar/sys/abi";
import { ERRNO, systemError } from "@pxar/sys/errno";
import {
  DT_LNK,
  DT_REG,
  openFile,
  statEntry,
  statFile,
  Statx,
} from "@pxar/sys/files";
import { cString, type Libc } from "@pxar/sys/libc";

/** For a file or directory that is read. */
export const READ: number = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK |
  O_NOATIME;
/** For anything else: a descriptor that only names it. */
export const NODE: number = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_PATH;

/**
 * Opens; leaves the time of access alone where that is allowed, and waits where another process has a lease on the file.
 *
 * @param libc The C library.
 * @param directory Descriptor of the directory that `name` counts from.
 * @param name Ends with a NUL.
 * @param flags {@linkcode READ} or {@linkcode NODE}, more or less.
 * @returns The descriptor, or the negated error number.
 */
export function openNode(
  libc: Libc,
  directory: number,
  name: Bytes,
  flags: number,
): number {
  let fd = openFile(libc, directory, name, flags);
  if (fd === -ERRNO.EPERM && (flags & O_NOATIME) !== 0) {
    flags &= ~O_NOATIME;
    fd = openFile(libc, directory, name, flags);
  }
  return fd === -ERRNO.EAGAIN ? openLeased(libc, directory, name, flags) : fd;
}

/**
 * Opens the directory where a walk begins.
 *
 * @param libc The C library.
 * @param path Ends with a NUL.
 * @returns The descriptor.
 * @throws {SystemError} If it cannot be opened, or is no directory.
 */
export function openRoot(libc: Libc, path: Bytes): number {
  const fd = openNode(libc, AT_FDCWD, path, READ | O_DIRECTORY);
  if (fd >= 0) return fd;
  const shown = path.subarray(0, -1), stat = new Statx();
  const error = systemError("open directory", shown, "openat", -fd);
  const isLink = statEntry(libc, AT_FDCWD, path, stat) === 0 &&
    stat.type === DT_LNK;
  if (!isLink) throw error;
  throw new SystemError(
    `${error.message} but a symlink (with a slash behind its path it is followed)`,
    error,
  );
}

/** By way of a descriptor that names it, so that what is waited for is a regular file and nothing else. */
function openLeased(
  libc: Libc,
  directory: number,
  name: Bytes,
  flags: number,
): number {
  const node = openFile(
    libc,
    directory,
    name,
    O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW),
  );
  if (node < 0) return node;
  const stat = new Statx();
  let fd = statFile(libc, node, stat);
  if (fd === 0) {
    fd = stat.type !== DT_REG ? -ERRNO.EAGAIN : openFile(
      libc,
      AT_FDCWD,
      cString(`/proc/self/fd/${node}`),
      O_CLOEXEC | O_NOCTTY | (flags & O_NOATIME),
    );
  }
  libc.close(node);
  return fd;
}
