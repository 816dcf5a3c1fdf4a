/**
 * What a user asks to back up, and under which name: `root.pxar:/`.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { type ArchiveName, parseArchiveName } from "./archive_name.ts";
import { shown } from "./shown.ts";

/** One source of a backup. */
export interface BackupSpec {
  /** The archive that it becomes. */
  readonly archive: ArchiveName;
  /** How it is read: as a directory, a disk, or a file that becomes one blob. */
  readonly type: "pxar" | "img" | "conf" | "log";
  /** Where it is; not empty, without line feed. */
  readonly source: string;
}

/**
 * Reads a source of a backup.
 *
 * Source: spec E.2.
 *
 * @param text `NAME.pxar:PATH`, or with `.img`, `.conf` or `.log`.
 * @returns Archive and path.
 * @throws {FormatError} If it has another form.
 */
export function parseBackupSpec(text: string): BackupSpec {
  const parts = /^([A-Za-z0-9_][A-Za-z0-9_-]*\.(pxar|img|conf|log)):([^\n]+)$/
    .exec(text);
  if (parts === null) {
    throw new FormatError(
      `Cannot take backup source: it is ${
        shown(text)
      }, expected NAME.pxar:PATH, or .img, .conf, .log for .pxar, with a name of letters, digits, '_' and '-'`,
    );
  }
  return {
    archive: parseArchiveName(parts[1]!),
    type: parts[2] as BackupSpec["type"],
    source: parts[3]!,
  };
}
