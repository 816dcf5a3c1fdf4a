/**
 * Key files and PEM files: found, read, written.
 *
 * @module
 */
import { decodeKeyFile, type KeyFile } from "@pxar/chunk/key_file";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, KeyError } from "@pxar/format/errors";
import { ENCRYPTION_KEY, findConfig, placeConfig } from "./config_files.ts";
import { EXIT, ExitError, reasonOf } from "./exits.ts";
import { Outputs } from "./outputs.ts";

/** Most bytes of a file. */
const LIMIT = 1 << 16;
const STRICT = new TextDecoder("utf-8", { fatal: true });
/** What belongs to nobody else. */
const PRIVATE = 0o600;

/**
 * The key file that is meant.
 *
 * @param path As it was typed, if it was.
 * @returns The path, or that of the default key.
 * @throws {KeyError} If none was typed and there is no default key.
 */
export function keyFilePath(path: string | undefined): string {
  const found = path ?? findConfig(ENCRYPTION_KEY);
  if (found !== undefined) return found;
  throw new KeyError(
    `Cannot find the key file: there is no default one, expected PATH, or ${ENCRYPTION_KEY} in the folder of settings`,
  );
}

/**
 * Where a new key file is to be put.
 *
 * @param path As it was typed, if it was.
 * @returns The path, or that of the default key. Nothing is there.
 * @throws {ExitError} If something is there.
 */
export function newKeyFilePath(path: string | undefined): string {
  const place = path ?? placeConfig(ENCRYPTION_KEY);
  checkAbsent(place);
  return place;
}

/**
 * Refuses to go on where something is there already, before somebody is asked for anything.
 *
 * @param path Where something is to be written.
 * @throws {ExitError} If there is something.
 */
export function checkAbsent(path: string): void {
  try {
    Deno.lstatSync(path);
  } catch {
    return; // Or it cannot be told; then writing it says why.
  }
  throw new ExitError(
    EXIT.failed,
    `Cannot create ${path}: it exists, expected another place`,
  );
}

/**
 * Reads a key file.
 *
 * @param path Where it lies.
 * @returns What it says.
 * @throws {ExitError} If it cannot be read.
 * @throws {FormatError} If it is none.
 */
export function readKeyFile(path: string): KeyFile {
  return decodeKeyFile(readText(path));
}

/**
 * Reads a small text file whole.
 *
 * @param path Where it lies.
 * @returns Its text.
 * @throws {ExitError} If it cannot be read.
 * @throws {FormatError} If it is long, or not UTF-8.
 */
export function readText(path: string): string {
  const bytes = readSmall(path);
  try {
    return STRICT.decode(bytes);
  } catch {
    throw new FormatError(`Cannot read ${path}: it is not UTF-8 text`);
  }
}

/**
 * Reads a small file whole.
 *
 * @param path Where it lies.
 * @returns Its bytes.
 * @throws {ExitError} If it cannot be read.
 * @throws {FormatError} If it is long.
 */
export function readSmall(path: string): Bytes {
  const bytes = new Uint8Array(LIMIT + 1);
  let length = 0;
  try {
    using file = Deno.openSync(path);
    while (length < bytes.length) {
      const got = file.readSync(bytes.subarray(length)) ?? 0;
      if (got === 0) return bytes.slice(0, length);
      length += got;
    }
  } catch (cause) {
    throw new ExitError(
      EXIT.failed,
      `Cannot read ${path}: ${reasonOf(cause)}`,
      { cause },
    );
  }
  throw new FormatError(
    `Cannot read ${path}: it has more than ${LIMIT} bytes, expected a key`,
  );
}

/** A file to be written. */
export interface NewFile {
  /** Where. */
  readonly path: string;
  /** All of it. */
  readonly text: string;
  /** Who may do what with it; 0600 unless told. */
  readonly mode?: number;
}

/**
 * Writes files that appear whole and together, and are on the disk then.
 *
 * @param files What is written.
 * @param replace Whether files that are there are replaced; otherwise that is an error.
 * @throws {ExitError} If one cannot be written; then none is.
 */
export async function writeFiles(
  files: readonly NewFile[],
  replace: boolean,
): Promise<void> {
  const outputs = new Outputs(replace, "another place");
  try {
    for (const { path, text, mode = PRIVATE } of files) {
      const sink = outputs.add(path, mode);
      await sink.write(new TextEncoder().encode(text));
    }
    outputs.finish(true);
  } finally {
    outputs.discard();
  }
}
