/**
 * What is backed up, as it is named on a command line: `root.pxar:/`.
 *
 * @module
 */
import { MAX_BLOB } from "@pxar/chunk/blob";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import { CLIENT_LOG_NAME } from "@pxar/store/archive_name";
import { type BackupSpec, parseBackupSpec } from "@pxar/store/backup_spec";
import type { BackupSource, ReadHow } from "@pxar/transfer/backup";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { openFile } from "./open_file.ts";
import { asUsage } from "./store_names.ts";
import { turningSource } from "./turning.ts";
import { readWhole } from "./whole_file.ts";

const ENCODER = new TextEncoder();

/** How a directory is read. */
export type ReadDirectory = (path: string, how: ReadHow) => Batches;

/**
 * Reads the sources of a backup, and looks whether each is there.
 *
 * @param texts As they were typed.
 * @returns The specs, no archive twice.
 * @throws {UsageError} If one is none, or an archive is there twice.
 * @throws {ExitError} If what it names is not there, or of another kind than its archive's name says.
 */
export function backupSpecs(texts: readonly string[]): BackupSpec[] {
  const seen = new Set<string>();
  return texts.map((text) => {
    const spec = asUsage(() => parseBackupSpec(text));
    const { archive, source } = spec;
    if (seen.has(archive.server)) {
      throw new UsageError(
        `Cannot back up ${source} as ${archive.client}: another source has that name, expected two names`,
      );
    }
    if (archive.server === CLIENT_LOG_NAME) {
      throw new UsageError(
        `Cannot back up ${source} as ${archive.client}: that is where a client says what it did, expected another name`,
      );
    }
    seen.add(archive.server);
    checkKind(spec);
    return spec;
  });
}

/**
 * Reads the files that become one blob each: whole, before anything else is done.
 *
 * @param specs All sources.
 * @returns What is in them, in the order of the sources; `undefined` for directories and disks.
 * @throws {ExitError} If one cannot be read, or is too long.
 */
export function readFiles(
  specs: readonly BackupSpec[],
): (Bytes | undefined)[] {
  return specs.map(({ type, source }) =>
    type === "conf" || type === "log" ? readWhole(source, MAX_BLOB) : undefined
  );
}

/**
 * Opens a source.
 *
 * @param spec Which one.
 * @param bytes What is in it, of a file.
 * @param readDirectory Reads a directory.
 * @param signal Ends reading.
 * @returns The source, and what closes it.
 * @throws {ExitError} If it cannot be opened, or is empty where it must not be.
 */
export function openSource(
  { archive: { client: archive }, type, source: path }: BackupSpec,
  bytes: Bytes | undefined,
  readDirectory: ReadDirectory,
  signal: AbortSignal,
): { readonly source: BackupSource; readonly close: () => void } {
  const close = () => {};
  if (bytes !== undefined) return { source: { archive, bytes }, close };
  if (type === "img") return openImage(archive, path, signal);
  const entries = (how: ReadHow) => readDirectory(path, how);
  return { source: { archive, entries }, close };
}

function openImage(archive: string, path: string, signal: AbortSignal) {
  const size = sizeOf(path), { source, close } = openFile(path);
  if (size === 0) {
    close();
    throw new ExitError(
      EXIT.failed,
      `Cannot back up ${path}: it is empty, expected a disk with something on it`,
    );
  }
  return {
    source: { archive, image: turningSource(source, signal), size },
    close,
  };
}

/** Length of a file or block device, bytes. */
function sizeOf(path: string): number {
  try {
    using file = Deno.openSync(path);
    return file.seekSync(0, Deno.SeekMode.End);
  } catch (cause) {
    throw failure(path, cause);
  }
}

function checkKind({ type, source }: BackupSpec): void {
  let stat: Deno.FileInfo;
  try {
    stat = Deno.statSync(source);
  } catch (cause) {
    throw failure(source, cause);
  }
  const refuse = (wanted: string): never => {
    throw new ExitError(
      EXIT.failed,
      `Cannot back up ${source}: expected ${wanted}, as the archive's name ends in .${type}`,
    );
  };
  if (type === "pxar") {
    if (!stat.isDirectory) refuse("a directory");
  } else if (type === "img") {
    if (!stat.isFile && !stat.isBlockDevice) refuse("a file or block device");
  } else if (stat.isDirectory) refuse("a file");
}

function failure(path: string, cause: unknown): ExitError {
  return new ExitError(
    EXIT.failed,
    `Cannot back up ${path}: ${reasonOf(cause)}`,
    { cause },
  );
}

/**
 * What of a directory is left out: the store that it is backed up to, which would grow while it is read.
 *
 * @param directory The directory.
 * @param store The store's folder.
 * @returns Paths from the directory, without leading slash, raw bytes; none where the store lies elsewhere.
 * @throws {ExitError} If nothing would be left.
 */
export function withoutStore(directory: string, store: string): Bytes[] {
  const from = Deno.realPathSync(directory), folder = Deno.realPathSync(store);
  if (`${from}/`.startsWith(`${folder}/`)) {
    throw new ExitError(
      EXIT.failed,
      `Cannot back up ${directory}: it is the store itself or lies in it, expected another directory, or another store`,
    );
  }
  const above = from === "/" ? from : `${from}/`;
  return folder.startsWith(above)
    ? [ENCODER.encode(folder.slice(above.length))]
    : [];
}
