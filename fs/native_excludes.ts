/**
 * A directory's file of patterns, by the C library.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { O_NOFOLLOW } from "@pxar/sys/abi";
import { ERRNO, errnoText } from "@pxar/sys/errno";
import { DT_REG, statFile, Statx } from "@pxar/sys/files";
import { cString, errno, type Libc } from "@pxar/sys/libc";
import { openNode, READ } from "./native_opener.ts";
import { EXCLUDE_FILE, excludeFileProblem } from "./place.ts";

const NAME: Bytes = cString(EXCLUDE_FILE);

/**
 * Reads it, through a symlink too.
 *
 * @param libc The C library.
 * @param directory Descriptor of the directory.
 * @returns What is in it, nothing where there is none; or what is wrong with it.
 */
export function readExcludeFile(libc: Libc, directory: number): Bytes | string {
  const fd = openNode(libc, directory, NAME, READ & ~O_NOFOLLOW);
  if (fd < 0) return fd === -ERRNO.ENOENT ? NO_BYTES : errnoText(-fd);
  try {
    const stat = new Statx(), number = statFile(libc, fd, stat);
    if (number < 0) return errnoText(-number);
    return excludeFileProblem(stat.type === DT_REG, stat.size) ??
      readAll(libc, fd, stat.size);
  } finally {
    libc.close(fd);
  }
}

function readAll(libc: Libc, fd: number, size: number): Bytes | string {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const got = libc.readInto(fd, bytes.subarray(filled), size - filled);
    if (got === 0) break;
    if (got > 0) filled += got;
    else {
      const number = errno(libc);
      if (number !== ERRNO.EINTR) return errnoText(number);
    }
  }
  return bytes.subarray(0, filled);
}
