/**
 * Groups, snapshots and their files as the official client lists them.
 *
 * @module
 */
import { fingerprintText } from "@pxar/chunk/key";
import {
  groupText,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import type { FileListing, GroupInfo, SnapshotInfo } from "@pxar/store/store";
import { upidText } from "@pxar/store/upid";
import type { JsonValue, Table } from "./table.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/**
 * A number of bytes as the official programs show it.
 *
 * @param bytes How many.
 * @returns Up to three digits behind the point, such as `6.912 MiB`.
 */
export function byteText(bytes: number): string {
  let unit = 0, size = bytes;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Math.round(size * 1000) / 1000} ${UNITS[unit]}`;
}

/**
 * Groups as a table.
 *
 * @param groups In the order in which they are shown.
 */
export function groupTable(groups: readonly GroupInfo[]): Table {
  return {
    columns: [
      { title: "group" },
      { title: "last snapshot" },
      { title: "backup-count", right: true },
      { title: "files" },
    ],
    rows: groups.map(({ group, lastBackup, count, files }) => [
      groupText(group),
      count === 0 ? "" : snapshotText({ ...group, time: lastBackup }),
      String(count),
      fileNames(files),
    ]),
  };
}

/**
 * A group for JSON.
 *
 * @param info What the store says of it.
 */
export function groupJson(info: GroupInfo): JsonValue {
  const { group, lastBackup, count, files, owner, notes } = info;
  const line = notes.indexOf("\n") + 1;
  return {
    "backup-type": group.type,
    "backup-id": group.id,
    "last-backup": lastBackup,
    "backup-count": count,
    files,
    owner,
    // With its line feed, as the official server gives it.
    comment: notes === "" ? undefined : line > 0 ? notes.slice(0, line) : notes,
  };
}

/**
 * Snapshots as a table.
 *
 * @param snapshots In the order in which they are shown.
 */
export function snapshotTable(snapshots: readonly SnapshotInfo[]): Table {
  return {
    columns: [
      { title: "snapshot" },
      { title: "size", right: true },
      { title: "files" },
    ],
    rows: snapshots.map(({ snapshot, size, files }) => [
      snapshotText(snapshot),
      size === undefined ? "" : byteText(size),
      fileNames(files.map(({ name }) => name)),
    ]),
  };
}

/**
 * A snapshot for JSON.
 *
 * @param info What the store says of it.
 */
export function snapshotJson(info: SnapshotInfo): JsonValue {
  const { verification, fingerprint, notes } = info;
  return {
    ...nameJson(info.snapshot),
    files: filesJson(info.files),
    size: info.size,
    owner: info.owner,
    comment: notes === "" ? undefined : notes.split("\n", 1)[0],
    fingerprint: fingerprint && fingerprintText(fingerprint),
    verification: verification && {
      state: verification.state,
      upid: upidText(verification.upid),
    },
    protected: info.protected,
  };
}

/**
 * A snapshot's name for JSON.
 *
 * @param snapshot Its name; the namespace is left out.
 */
export function nameJson(
  { type, id, time }: SnapshotName,
): Record<string, string | number> {
  return { "backup-type": type, "backup-id": id, "backup-time": time };
}

/**
 * Files as a table.
 *
 * @param files In any order; they are shown by name.
 */
export function fileTable(files: readonly FileListing[]): Table {
  return {
    columns: [
      { title: "filename" },
      { title: "crypt-mode" },
      { title: "size", right: true },
    ],
    rows: files.toSorted((a, b) => compare(a.name, b.name)).map((
      { name, cryptMode, size },
    ) => [name, cryptMode ?? "", size === undefined ? "" : String(size)]),
  };
}

/**
 * Files for JSON.
 *
 * @param files In the order in which they are told.
 */
export function filesJson(files: readonly FileListing[]): JsonValue {
  return files.map(({ name, cryptMode, size }) => ({
    filename: name,
    "crypt-mode": cryptMode,
    size,
  }));
}

/** Names of files as users say them, on one line. */
function fileNames(names: readonly string[]): string {
  return names.map((name) => name.replace(/\.(?:[df]idx|blob)$/, ""))
    .sort(compare).join(" ");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
