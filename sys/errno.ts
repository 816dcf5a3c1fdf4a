/**
 * Error numbers of Linux: the same on x86-64 and aarch64.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { SystemError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";

/** The error numbers that this project tells apart or is likely to meet. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ESTALE: 116,
  EDQUOT: 122,
} as const;

const TEXTS: {
  readonly [number: number]: readonly [code: string, text: string];
} = {
  1: ["EPERM", "operation not permitted"],
  2: ["ENOENT", "no such file or directory"],
  4: ["EINTR", "interrupted"],
  5: ["EIO", "input/output error"],
  6: ["ENXIO", "no such device or address"],
  7: ["E2BIG", "argument list too long"],
  9: ["EBADF", "bad file descriptor"],
  11: ["EAGAIN", "resource temporarily unavailable"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  14: ["EFAULT", "bad address"],
  16: ["EBUSY", "device or resource busy"],
  17: ["EEXIST", "file exists"],
  18: ["EXDEV", "link would cross file systems"],
  19: ["ENODEV", "no such device"],
  20: ["ENOTDIR", "not a directory"],
  21: ["EISDIR", "is a directory"],
  22: ["EINVAL", "invalid argument"],
  23: ["ENFILE", "too many open files in the system"],
  24: ["EMFILE", "too many open files"],
  25: ["ENOTTY", "not supported by the device"],
  27: ["EFBIG", "file too large"],
  28: ["ENOSPC", "no space left on device"],
  29: ["ESPIPE", "cannot seek"],
  30: ["EROFS", "read-only file system"],
  31: ["EMLINK", "too many links"],
  32: ["EPIPE", "broken pipe"],
  34: ["ERANGE", "result too large"],
  36: ["ENAMETOOLONG", "file name too long"],
  38: ["ENOSYS", "not supported by the system"],
  39: ["ENOTEMPTY", "directory not empty"],
  40: ["ELOOP", "is a symbolic link, or too many of them"],
  61: ["ENODATA", "no such attribute"],
  75: ["EOVERFLOW", "value too large"],
  95: ["EOPNOTSUPP", "not supported by the file system"],
  116: ["ESTALE", "stale file handle"],
  122: ["EDQUOT", "disk quota exceeded"],
};

/**
 * The name of an error number.
 *
 * @param errno As the kernel gave it.
 * @returns Such as `ENOENT`, or `E` and the number.
 */
export function errnoCode(errno: number): string {
  return TEXTS[errno]?.[0] ?? `E${errno}`;
}

/**
 * What an error number means, for a person.
 *
 * @param errno As the kernel gave it.
 * @returns A few words without a full stop.
 */
export function errnoText(errno: number): string {
  return TEXTS[errno]?.[1] ?? `error ${errno}`;
}

/**
 * The error of a call that the kernel refused.
 *
 * @param verb What could not be done, such as `open file`.
 * @param path What it was done to, raw bytes; shown lossily.
 * @param call The call, such as `openat`.
 * @param number What the kernel gave.
 * @returns An error to be thrown or reported.
 */
export function systemError(
  verb: string,
  path: Bytes,
  call: string,
  number: number,
): SystemError {
  const shown = showName(path);
  return new SystemError(
    `Cannot ${verb} ${shown === "" ? "." : shown}: ${errnoText(number)}`,
    {
      code: errnoCode(number),
      errno: number,
      call,
      path: shown,
    },
  );
}
