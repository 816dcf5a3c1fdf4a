/**
 * Archives as files that are open for reading.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import { type ArchiveFile, openArchiveFile } from "@pxar/fs/archive_file";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";

/** What looks like a group or snapshot. */
const GROUP = /^(?:vm|ct|host)\/[^/]+(?:\/latest)?$/;

/**
 * Opens an archive for reading from any place.
 *
 * @param path Where it lies.
 * @returns Its bytes.
 * @throws {ExitError} If it cannot be opened.
 */
export function openAccess(path: string): RandomAccess {
  if (path === "-") {
    throw new UsageError(
      "Cannot read - from any place: expected the archive as a file",
    );
  }
  const { access, close } = openFile(path);
  if (access !== undefined) return access;
  close();
  throw new UsageError(
    `Cannot read ${path} from any place: it is no regular file, expected one`,
  );
}

/**
 * Opens a file, a pipe or a device for reading.
 *
 * @param path Where it lies.
 * @returns The open file.
 * @throws {ExitError} If it cannot be opened.
 */
export function openFile(path: string): ArchiveFile {
  try {
    return openArchiveFile(path);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new ExitError(EXIT.failed, error.message);
    }
    const isGroup = error instanceof Deno.errors.NotFound && GROUP.test(path);
    throw new ExitError(
      EXIT.failed,
      `Cannot open ${path}: ${reasonOf(error)}${
        isGroup ? `, perhaps ${path}:root.pxar of a snapshot is meant` : ""
      }`,
      { cause: error },
    );
  }
}
