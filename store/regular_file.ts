// Reading one file of a datastore on disk.
import type { RandomAccess } from "@pxar/codec/random_access";
import { systemCall, systemErrorOf } from "@pxar/codec/system_call";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";

/** What makes the calls. */
export type FileSystem = typeof import("node:fs");

/** An open file, which never makes anybody wait. */
export interface OpenFile extends RandomAccess {
  read(offset: number, into: Bytes): number;
  close(): void;
}

/**
 * Opens a regular file for reading; a symlink is not followed.
 *
 * @returns To be closed; `undefined` where there is no such file.
 * @throws {FormatError} If it is no regular file.
 */
export function openRegularFile(
  fs: FileSystem,
  path: string,
): OpenFile | undefined {
  // A fifo must not make anybody wait.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw systemErrorOf("open", path, error);
  }
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    systemCall("close", path, () => fs.closeSync(fd));
  };
  let stat;
  try {
    stat = systemCall("open", path, () => fs.fstatSync(fd));
    if (!stat.isFile()) {
      throw new FormatError(`Cannot read ${path}: it is no regular file`);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    size: stat.size,
    close,
    read: (offset, into) => {
      if (!isOpen) throw new TypeError(`Cannot read ${path}: it is closed`);
      return systemCall("read", path, () => readAt(fs, fd, offset, into));
    },
  };
}

/** Fills `into` from `offset` on; gives how many bytes there were. */
export function readAt(
  fs: FileSystem,
  fd: number,
  offset: number,
  into: Bytes,
): number {
  let filled = 0;
  while (filled < into.length) {
    const got = fs.readSync(
      fd,
      into,
      filled,
      into.length - filled,
      offset + filled,
    );
    if (got === 0) break;
    filled += got;
  }
  return filled;
}

/** Whether an error of `node:fs` has a code, such as `ENOENT`. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
