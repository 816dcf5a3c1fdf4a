/**
 * The names of snapshots and of the groups that they are in: as text, as paths in a store, and in order.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { backupTimeText, parseBackupTime } from "./backup_time.ts";
import {
  compareNamespaces,
  MAX_NAMESPACE_DEPTH,
  namespacePath,
  parseNamespace,
  parseNamespacePath,
} from "./namespace.ts";
import { isSafeId, SAFE_ID_RULE } from "./safe_id.ts";
import { shown } from "./shown.ts";

/** What was backed up: a virtual machine, a container, or a host. */
export type BackupType = "vm" | "ct" | "host";

/** Every type, in the order in which groups are listed. */
export const BACKUP_TYPES: readonly BackupType[] = ["ct", "host", "vm"];

/** Names a group: all snapshots of one machine. */
export interface GroupName {
  /** Where it lies; empty for the root. */
  readonly namespace: string;
  /** What was backed up. */
  readonly type: BackupType;
  /** Which one; a safe id. */
  readonly id: string;
}

/** Names a snapshot. */
export interface SnapshotName extends GroupName {
  /** When it was made, seconds since 1970. */
  readonly time: number;
}

/**
 * Reads a type.
 *
 * @param text `vm`, `ct` or `host`.
 * @returns The same text.
 * @throws {FormatError} If it is none of these.
 */
export function parseBackupType(text: string): BackupType {
  const type = BACKUP_TYPES.find((one) => one === text);
  if (type !== undefined) return type;
  throw new FormatError(
    `Cannot take backup type: it is ${shown(text)}, expected vm, ct or host`,
  );
}

/**
 * Reads the id of a group.
 *
 * @param text A safe id.
 * @returns The same text.
 * @throws {FormatError} If it is not one.
 */
export function parseBackupId(text: string): string {
  if (isSafeId(text)) return text;
  throw new FormatError(
    `Cannot take backup id: it is ${shown(text)}, expected ${SAFE_ID_RULE}`,
  );
}

/**
 * Reads the name of a group.
 *
 * Source: spec E.1.
 *
 * @param text `TYPE/ID`.
 * @param namespace Where it lies; the root unless told.
 * @returns The name.
 * @throws {FormatError} If it is not one.
 */
export function parseGroup(text: string, namespace = ""): GroupName {
  const parts = text.split("/", 3);
  if (parts.length !== 2) {
    throw new FormatError(
      `Cannot take group: it is ${
        shown(text)
      }, expected TYPE/ID, such as host/elsa`,
    );
  }
  return {
    namespace: parseNamespace(namespace),
    type: parseBackupType(parts[0]!),
    id: parseBackupId(parts[1]!),
  };
}

/**
 * Reads the name of a snapshot.
 *
 * Source: spec E.1.
 *
 * @param text `TYPE/ID/TIME`.
 * @param namespace Where it lies; the root unless told.
 * @returns The name.
 * @throws {FormatError} If it is not one.
 *
 * @example
 * ```ts
 * import { parseSnapshot, snapshotPath } from "@pxar/store/snapshot";
 *
 * const name = parseSnapshot("host/elsa/2023-11-14T22:13:20Z", "office");
 * name.time; // 1700000000
 * snapshotPath(name); // "ns/office/host/elsa/2023-11-14T22:13:20Z"
 * ```
 */
export function parseSnapshot(text: string, namespace = ""): SnapshotName {
  const parts = text.split("/", 4);
  if (parts.length !== 3) {
    throw new FormatError(
      `Cannot take snapshot: it is ${
        shown(text)
      }, expected TYPE/ID/TIME, such as host/elsa/2023-11-14T22:13:20Z`,
    );
  }
  return {
    namespace: parseNamespace(namespace),
    type: parseBackupType(parts[0]!),
    id: parseBackupId(parts[1]!),
    time: parseBackupTime(parts[2]!),
  };
}

/**
 * Reads the name of a snapshot, or of a group where no time is told.
 *
 * @param text `TYPE/ID/TIME` or `TYPE/ID`.
 * @param namespace Where it lies; the root unless told.
 * @returns The name; that of a snapshot has a `time`.
 * @throws {FormatError} If it is neither.
 */
export function parseGroupOrSnapshot(
  text: string,
  namespace = "",
): GroupName | SnapshotName {
  return text.split("/", 3).length === 2
    ? parseGroup(text, namespace)
    : parseSnapshot(text, namespace);
}

/**
 * A group as text, without its namespace.
 *
 * @param group The group, or a snapshot in it.
 * @returns `TYPE/ID`.
 */
export function groupText(group: GroupName): string {
  return `${group.type}/${group.id}`;
}

/**
 * A snapshot as text, without its namespace.
 *
 * @param snapshot The snapshot.
 * @returns `TYPE/ID/TIME`.
 */
export function snapshotText(snapshot: SnapshotName): string {
  return `${groupText(snapshot)}/${backupTimeText(snapshot.time)}`;
}

/**
 * Where a group lies in a store.
 *
 * Source: spec E.1.
 *
 * @param group The group, or a snapshot in it.
 * @returns Path below the store, without slash at its ends.
 */
export function groupPath(group: GroupName): string {
  return below(group.namespace, groupText(group));
}

/**
 * Where a snapshot lies in a store.
 *
 * Source: spec E.1.
 *
 * @param snapshot The snapshot.
 * @returns Path below the store, without slash at its ends.
 */
export function snapshotPath(snapshot: SnapshotName): string {
  return below(snapshot.namespace, snapshotText(snapshot));
}

/**
 * The snapshot that lies at a path; the inverse of {@linkcode snapshotPath}.
 *
 * @param path Path below the store, without slash at its ends.
 * @returns The name.
 * @throws {FormatError} If the path is not that of a snapshot.
 */
export function parseSnapshotPath(path: string): SnapshotName {
  const names = path.split("/", 2 * MAX_NAMESPACE_DEPTH + 4);
  if (names[0] === "") {
    throw new FormatError(
      `Cannot take snapshot path: it is ${
        shown(path)
      }, expected one without slash before it`,
    );
  }
  const namespace = parseNamespacePath(names.slice(0, -3).join("/"));
  return parseSnapshot(names.slice(-3).join("/"), namespace);
}

/**
 * Orders groups as they are listed: by namespace, by type (ct, host, vm), ids that are numbers by their value before all others.
 *
 * Source: spec E.1.
 *
 * @param a One group.
 * @param b The other.
 * @returns Below 0 where `a` comes first, 0 where they are the same group.
 */
export function compareGroups(a: GroupName, b: GroupName): number {
  return compareNamespaces(a.namespace, b.namespace) ||
    BACKUP_TYPES.indexOf(a.type) - BACKUP_TYPES.indexOf(b.type) ||
    compareIds(a.id, b.id);
}

/**
 * Orders snapshots: by group, within one the older first.
 *
 * @param a One snapshot.
 * @param b The other.
 * @returns Below 0 where `a` comes first, 0 where they are the same snapshot.
 */
export function compareSnapshots(a: SnapshotName, b: SnapshotName): number {
  return compareGroups(a, b) || a.time - b.time;
}

/**
 * Whether two names mean the same group.
 *
 * @param a One group, or a snapshot in it.
 * @param b The other.
 * @returns Whether they do.
 */
export function sameGroup(a: GroupName, b: GroupName): boolean {
  return a.namespace === b.namespace && a.type === b.type && a.id === b.id;
}

/**
 * Whether two names mean the same snapshot.
 *
 * @param a One snapshot.
 * @param b The other.
 * @returns Whether they do.
 */
export function sameSnapshot(a: SnapshotName, b: SnapshotName): boolean {
  return sameGroup(a, b) && a.time === b.time;
}

function below(namespace: string, text: string): string {
  return namespace === "" ? text : `${namespacePath(namespace)}/${text}`;
}

function compareIds(a: string, b: string): number {
  const left = numberOf(a), right = numberOf(b);
  if (left !== undefined && right !== undefined) {
    if (left.length !== right.length) return left.length - right.length;
    if (left !== right) return left < right ? -1 : 1;
    return a.length - b.length; // 3 before 0003, which PBS calls equal
  }
  if (left !== undefined) return -1;
  if (right !== undefined) return 1;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The digits of an id that is a number of 64 bits, without leading zeros. */
function numberOf(id: string): string | undefined {
  if (!/^[0-9]+$/.test(id)) return undefined;
  const digits = id.replace(/^0+(?=.)/, "");
  const fits = digits.length < 20 ||
    (digits.length === 20 && digits <= "18446744073709551615");
  return fits ? digits : undefined;
}

/**
 * States that a snapshot may be made behind another one of its group. Source: spec E.4.
 *
 * @param snapshot The new one.
 * @param last The last one that is finished.
 * @throws {RangeError} If its time is not later.
 */
export function demandLater(snapshot: SnapshotName, last: SnapshotName): void {
  if (snapshot.time > last.time) return;
  throw new RangeError(
    `Cannot begin snapshot ${
      snapshotText(snapshot)
    }: the last one of its group is ${
      snapshotText(last)
    }, expected a later time`,
  );
}
