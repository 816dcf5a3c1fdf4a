/**
 * How a command line names an archive: a file, or a file of a snapshot.
 *
 * | text | what it means |
 * | :-- | :-- |
 * | `etc.pxar`, `./host/elsa:x`, `/x`, `-` | a file; `-` is standard input |
 * | `TYPE/ID/TIME:NAME` | that file of that snapshot |
 * | `TYPE/ID/latest:NAME`, `TYPE/ID:NAME` | that file of the group's newest finished snapshot |
 *
 * @module
 */
import { parseArchiveName } from "@pxar/store/archive_name";
import type { GroupName, SnapshotName } from "@pxar/store/snapshot";
import { UsageError } from "./exits.ts";
import { asUsage, groupOf, groupOrSnapshotOf } from "./store_names.ts";

/** A file here. */
export interface FileRef {
  /** Tells it from a snapshot's. */
  readonly kind: "file";
  /** Where it lies; `-` is standard input. */
  readonly path: string;
}

/** A file of a snapshot. */
export interface SnapshotRef {
  /** Tells it from a file here. */
  readonly kind: "snapshot";
  /** The snapshot; a group means its newest finished one. */
  readonly name: GroupName | SnapshotName;
  /** Such as `root.pxar`, as it was typed. */
  readonly archive: string;
}

/** What a command line names. */
export type ArchiveRef = FileRef | SnapshotRef;

/** The last part of a snapshot's name where the newest finished one of its group is meant. */
const LATEST = "latest";
const REFERENCE = /^((?:vm|ct|host)\/[^/]+(?:\/[^/]+)?):([^/:]*)$/;
const NO_ZONE = /^(?:vm|ct|host)\/[^/]+\/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;
const SNAPSHOT = /^(?:vm|ct|host)\/[^/]+\/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * Reads the name of an archive. What has the form of a snapshot's file is one; `./` before it makes it a file.
 *
 * @param text As it was typed.
 * @param namespace The snapshot's namespace as it was typed, if it was.
 * @returns What it means; nothing is looked for.
 * @throws {UsageError} If it has the form of a snapshot's file and is none.
 */
export function parseArchiveRef(
  text: string,
  namespace: string | undefined,
): ArchiveRef {
  if (SNAPSHOT.test(text)) {
    throw new UsageError(
      `Cannot take ${text} as an archive: it is a snapshot, expected one of its archives, such as ${text}:root.pxar`,
    );
  }
  if (NO_ZONE.test(text)) {
    throw new UsageError(
      `Cannot take ${text}: its time has no Z at its end, expected ${text}Z`,
    );
  }
  const [, name, archive] = REFERENCE.exec(text) ?? [];
  if (name === undefined || archive === undefined) {
    return { kind: "file", path: text };
  }
  if (archive === "") {
    throw new UsageError(
      `Cannot take ${text} as an archive: no name is behind the colon, expected one, such as ${name}:root.pxar`,
    );
  }
  asUsage(() => parseArchiveName(archive));
  return { kind: "snapshot", name: backupOf(name, namespace), archive };
}

/**
 * Reads the name of a snapshot or group, with or without an archive of it behind a colon.
 *
 * @param text As it was typed.
 * @param namespace Its namespace as it was typed, if it was.
 * @returns What it means; nothing is looked for.
 * @throws {UsageError} If it is neither.
 */
export function parseBackupRef(
  text: string,
  namespace: string | undefined,
): Omit<SnapshotRef, "kind" | "archive"> & Partial<SnapshotRef> {
  const ref = SNAPSHOT.test(text)
    ? undefined
    : parseArchiveRef(text, namespace);
  return ref?.kind === "snapshot" ? ref : { name: backupOf(text, namespace) };
}

/**
 * The snapshot that is meant, or the group whose newest finished one is.
 *
 * @param text `TYPE/ID/TIME`, `TYPE/ID/latest` or `TYPE/ID`, as it was typed.
 * @param namespace Its namespace as it was typed, if it was.
 * @returns That of a snapshot has a `time`.
 * @throws {UsageError} If it is none of these.
 */
export function backupOf(
  text: string,
  namespace: string | undefined,
): GroupName | SnapshotName {
  const [type, id, time, more] = text.split("/", 4);
  return time === LATEST && more === undefined
    ? groupOf(`${type}/${id}`, namespace)
    : groupOrSnapshotOf(text, namespace);
}
