/**
 * A file that is read whole, whatever kind of file it is.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { EXIT, ExitError, reasonOf } from "./exits.ts";
import { concat } from "./names.ts";

/** How much is read at once, bytes. */
const PIECE = 1 << 20;

/**
 * Reads a file, a pipe or a device to its end.
 *
 * @param path Where it lies; `-` is standard input.
 * @param most Most bytes that are taken.
 * @returns Its bytes.
 * @throws {ExitError} If it cannot be read, or is longer.
 */
export function readWhole(path: string, most: number): Bytes {
  if (path === "-") return readOn(Deno.stdin, path, most, 0);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (cause) {
    throw failure(path, cause);
  }
  try {
    const { isFile, size } = file.statSync();
    return readOn(file, path, most, isFile ? size : 0);
  } catch (cause) {
    throw cause instanceof ExitError ? cause : failure(path, cause);
  } finally {
    file.close();
  }
}

function readOn(
  file: { readSync(into: Uint8Array): number | null },
  path: string,
  most: number,
  expected: number,
): Bytes {
  if (expected > most) throw tooLong(path, most);
  const pieces: Bytes[] = [];
  let length = 0, filled = 0;
  // One byte more, so that its end is seen in the first piece.
  let piece = new Uint8Array(expected > 0 ? expected + 1 : PIECE);
  for (;;) {
    let got: number;
    try {
      got = file.readSync(piece.subarray(filled)) ?? 0;
    } catch (cause) {
      throw failure(path, cause);
    }
    filled += got;
    length += got;
    if (length > most) throw tooLong(path, most);
    if (got > 0 && filled < piece.length) continue;
    pieces.push(piece.subarray(0, filled));
    if (got === 0) break;
    piece = new Uint8Array(PIECE);
    filled = 0;
  }
  return length === 0
    ? NO_BYTES
    : pieces.length === 1
    ? pieces[0]!
    : concat(pieces);
}

function tooLong(path: string, most: number): ExitError {
  return new ExitError(
    EXIT.failed,
    `Cannot read ${path}: it has more than ${most} bytes, expected fewer`,
  );
}

function failure(path: string, cause: unknown): ExitError {
  return new ExitError(EXIT.failed, `Cannot read ${path}: ${reasonOf(cause)}`, {
    cause,
  });
}
