/**
 * Where PBS has its locks on groups, snapshots and manifests: the names of the files, below the folder of one store's locks
 * (`/run/proxmox-backup/locks/STORE`).
 *
 * @module
 */
import { hexOf } from "@pxar/chunk/digest";
import { sha256Of } from "@pxar/chunk/sha256";
import {
  type GroupName,
  groupText,
  type SnapshotName,
  snapshotText,
} from "./snapshot.ts";
import { escapeUnit } from "./unit_escape.ts";

/** From this length on a name is cut, and told apart by its hash. */
const NAME_LIMIT = 255;
/** What is left of a cut name, at its start and at its end. */
const KEPT = 80;

const UTF8 = new TextEncoder();

/**
 * The lock of a group: held while something is backed up into it, or it is removed.
 *
 * Source: spec C.4.
 *
 * @param group The group, or a snapshot in it.
 * @returns Path below the folder of the store's locks.
 */
export function groupLockPath(group: GroupName): string {
  return below(group.namespace, groupText(group));
}

/**
 * The lock of a snapshot: held while it is made, read or removed.
 *
 * Source: spec C.4.
 *
 * @param snapshot The snapshot.
 * @returns Path below the folder of the store's locks.
 */
export function snapshotLockPath(snapshot: SnapshotName): string {
  return below(snapshot.namespace, snapshotText(snapshot));
}

/**
 * The lock of a snapshot's manifest: held while it is rewritten.
 *
 * Source: spec C.4.
 *
 * @param snapshot The snapshot.
 * @returns Path below the folder of the store's locks.
 */
export function manifestLockPath(snapshot: SnapshotName): string {
  return below(
    snapshot.namespace,
    `${snapshotText(snapshot)}/.index.json.lck`,
  );
}

/**
 * The name of the file that locks what lies at a path within a namespace.
 *
 * Source: spec C.4.
 *
 * @param path The path, without the namespace.
 * @returns The escaped path, which has no slash; where that has 255 characters or more, `hashed/`, its start, its end and the path's SHA-256.
 */
export function lockName(path: string): string {
  const name = escapeUnit(path.replace(/^\/+/, "")) || "-";
  if (name.length < NAME_LIMIT) return name;
  const hash = hexOf(sha256Of(UTF8.encode(path)));
  return `hashed/${name.slice(0, KEPT)}...${name.slice(-KEPT)}-${hash}`;
}

function below(namespace: string, path: string): string {
  const name = lockName(path);
  return namespace === "" ? name : `${namespace.replaceAll("/", ":")}/${name}`;
}
