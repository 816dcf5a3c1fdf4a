/**
 * Bytes that can be read from any place: in memory, in a Blob, in a file. Over HTTP: `http_access.ts`.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { SystemError, UnsupportedError } from "@pxar/format/errors";
import { systemCall } from "./system_call.ts";

/** Bytes of a known number that can be read from any place, by several readers at once. */
export interface RandomAccess {
  /** Length in bytes. */
  readonly size: number;
  /**
   * Fills `into` from `offset` on; fewer bytes only where the end is reached.
   *
   * @param offset First byte, 0 or more; from `size` on there is nothing to read.
   * @param into Filled; not to be touched before a returned promise settles.
   * @returns How many bytes were read.
   * @throws {PxarError} If one of them cannot be read, as in a damaged chunk; a shorter read may give those before it.
   */
  read(offset: number, into: Bytes): number | Promise<number>;
  /** Lets go of what is behind it; `undefined` where nothing is. */
  readonly close: (() => void | Promise<void>) | undefined;
}

/**
 * Bytes in memory.
 *
 * @param bytes What is read; not copied, not to be changed meanwhile.
 * @returns Access whose reads never wait.
 */
export function bytesAccess(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read(offset: number, into: Bytes): number {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    close: undefined,
  };
}

/**
 * Bytes of a Blob, such as a file that was chosen in a web page.
 *
 * @param blob What is read.
 * @returns Access whose reads always wait.
 */
export function blobAccess(blob: Blob): RandomAccess {
  return {
    size: blob.size,
    async read(offset: number, into: Bytes): Promise<number> {
      const part = new Uint8Array(
        await blob.slice(offset, offset + into.length).arrayBuffer(),
      );
      into.set(part);
      return part.length;
    },
    close: undefined,
  };
}

/**
 * Bytes of a regular file. Its length is the one it has now.
 *
 * Reads are blocking calls, because a few microseconds are less than what waiting costs: ask for a few megabytes at most at a time.
 *
 * @param path Where the file is.
 * @returns Access whose reads never wait; to be closed.
 * @throws {SystemError} If the file cannot be opened, or later not be read.
 * @throws {UnsupportedError} If it is no regular file.
 */
export async function fileAccess(path: string | URL): Promise<RandomAccess> {
  const fs = await import("node:fs");
  const shown = String(path);
  const fd = systemCall("open", shown, () => fs.openSync(path, "r"));
  try {
    const stat = systemCall("fstat", shown, () => fs.fstatSync(fd));
    if (!stat.isFile()) {
      throw new UnsupportedError(
        `Cannot open ${shown}: it is no regular file, expected one that can be read from any place`,
      );
    }
    let open = true;
    return {
      size: stat.size,
      read(offset: number, into: Bytes): number {
        if (!open) throw closed(shown);
        let filled = 0;
        while (filled < into.length) {
          const at = offset + filled, left = into.length - filled;
          const got = systemCall(
            "read",
            shown,
            () => fs.readSync(fd, into, filled, left, at),
          );
          if (got === 0) break;
          filled += got;
        }
        return filled;
      },
      close(): void {
        if (open) fs.closeSync(fd);
        open = false;
      },
    };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Another file may have the descriptor by now. */
function closed(path: string): SystemError {
  return new SystemError(`Cannot read ${path}: it is closed`, {
    code: "EBADF",
    errno: 9,
    call: "read",
    path,
  });
}
