/**
 * An archive that lies in a file, by Deno's own API: `node:fs` would cost as much time as the rest of a short command.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";

/** A file that is open for reading: from any place, and in order from its beginning. */
export interface ArchiveFile {
  /** From any place; `undefined` where it comes in order only, as from a pipe. */
  readonly access: RandomAccess | undefined;
  /** In order; skipping costs nothing where there is `access`. */
  readonly source: ByteSource;
  /** Closes the file; both ways of reading end. */
  readonly close: () => void;
}

/**
 * Opens a file for reading.
 *
 * @param path Where it lies.
 * @returns The open file; its reads are synchronous where there is `access`.
 * @throws {Deno.errors.NotFound} And whatever else opening a file may throw.
 * @throws {TypeError} If it is a directory.
 */
export function openArchiveFile(path: string): ArchiveFile {
  const file = Deno.openSync(path);
  const { size, isDirectory, isFile } = file.statSync();
  if (isDirectory) {
    file.close();
    throw new TypeError(`Cannot read ${path}: is a directory, expected a file`);
  }
  let at = 0, next = 0;
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  const read = (offset: number, into: Bytes): number => {
    let filled = 0;
    while (filled < into.length) {
      if (at !== offset + filled) {
        file.seekSync(offset + filled, Deno.SeekMode.Start);
      }
      const got = file.readSync(filled === 0 ? into : into.subarray(filled));
      at = offset + filled + (got ?? 0);
      if (got === null || got === 0) break;
      filled += got;
    }
    return filled;
  };
  if (!isFile) {
    // A pipe, a device: nothing but what comes next is there to be had.
    return {
      access: undefined,
      source: {
        read: async (into) => await file.read(into) ?? 0,
        skip: undefined,
        close,
      },
      close,
    };
  }
  return {
    access: { size, read, close },
    source: {
      read: (into) => {
        const got = read(next, into);
        next += got;
        return got;
      },
      skip: (count) => {
        const passed = Math.max(0, Math.min(count, size - next));
        next += passed;
        return passed;
      },
      close,
    },
    close,
  };
}
