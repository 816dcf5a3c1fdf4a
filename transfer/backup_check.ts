// What is looked at before a backup begins: whether its sources, names and keys go together.
import { MAX_BLOB } from "@pxar/chunk/blob";
import {
  type ArchiveName,
  CLIENT_LOG_NAME,
  MANIFEST_NAME,
  parseArchiveName,
  RSA_KEY_NAME,
} from "@pxar/store/archive_name";
import { checkBackupTime } from "@pxar/store/backup_time";
import type { CryptMode } from "@pxar/store/manifest";
import { parseNamespace } from "@pxar/store/namespace";
import { parseBackupId, type SnapshotName } from "@pxar/store/snapshot";
import type { BackupOptions, BackupSource } from "./backup.ts";

/** States that a snapshot may have this name. */
export function checkSnapshot({ namespace, id, time }: SnapshotName): void {
  parseNamespace(namespace);
  parseBackupId(id);
  checkBackupTime(time);
}

/** The archives' names, each fit for its source. */
export function archiveNames(sources: readonly BackupSource[]): ArchiveName[] {
  if (sources.length === 0) {
    throw new TypeError("Cannot back up: there are no sources, expected one");
  }
  const seen = new Set<string>();
  return sources.map((source) => {
    const name = parseArchiveName(source.archive);
    const wanted = "entries" in source
      ? "pxar"
      : "image" in source
      ? "image"
      : "file";
    if (isReserved(name)) {
      throw new TypeError(
        `Cannot back up to ${source.archive}: that name has a meaning of its own, expected another`,
      );
    }
    if (name.content !== wanted) {
      throw new TypeError(
        `Cannot back up to ${source.archive}: expected a name that ends in ${
          wanted === "pxar"
            ? ".pxar, for a tree"
            : wanted === "image"
            ? ".img, for a disk"
            : ".conf or .log, for a file"
        }`,
      );
    }
    if (seen.has(name.server)) {
      throw new TypeError(
        `Cannot back up to ${source.archive}: it is there twice, expected two names`,
      );
    }
    seen.add(name.server);
    checkLength(source);
    return name;
  });
}

/** States that there is something of a disk, and not too much of a file. */
function checkLength(source: BackupSource): void {
  if ("image" in source) {
    const { archive, size } = source;
    if (Number.isSafeInteger(size) && size >= 1) return;
    throw new RangeError(
      `Cannot back up to ${archive}: the disk has ${size} bytes, expected 1 or more`,
    );
  }
  if ("bytes" in source && source.bytes.length > MAX_BLOB) {
    throw new RangeError(
      `Cannot back up to ${source.archive}: the file has ${source.bytes.length} bytes, expected at most ${MAX_BLOB}`,
    );
  }
}

/** Whether a name is that of a file which has another meaning. */
function isReserved({ server }: ArchiveName): boolean {
  return server === MANIFEST_NAME || server === CLIENT_LOG_NAME ||
    server === RSA_KEY_NAME;
}

/** What the key does. */
export function cryptModeOf(
  { key, cryptMode, rsaKey }: BackupOptions,
): CryptMode {
  const mode = cryptMode ?? (key === undefined ? "none" : "encrypt");
  if ((mode === "none") !== (key === undefined)) {
    throw new TypeError(
      `Cannot back up with crypt mode ${mode}: there is ${
        key === undefined ? "no" : "a"
      } key, expected ${key === undefined ? "one" : "none"}`,
    );
  }
  if (rsaKey !== undefined && key === undefined) {
    throw new TypeError(
      "Cannot back up with a master key: there is no key that it could open, expected one",
    );
  }
  return mode;
}
