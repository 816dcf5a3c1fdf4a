// What writers left that are gone: snapshots that nobody will finish, whose chunks would be kept for good, and files that never got their names.
import { BusyError } from "@pxar/format/errors";
import type { Datastore } from "./datastore.ts";
import type { SnapshotName } from "./snapshot.ts";

/** How files are called before they get their names. */
const TEMPORARY = /\.tmp_(?:[A-Za-z0-9]{6}|[fd]idx)$/;

/**
 * Snapshots without a manifest that nobody is making, and nobody protects.
 *
 * @param store Where they are.
 * @param before Those that were changed later are left out, milliseconds since 1970.
 */
export function abandonedSnapshots(
  store: Datastore,
  before: number,
): SnapshotName[] {
  return allSnapshots(store).filter((snapshot) => {
    if (store.tree.isFinished(snapshot)) return false;
    return withLock(
      store,
      snapshot,
      () => isAbandoned(store, snapshot, before),
    );
  });
}

/**
 * Removes such snapshots.
 *
 * @param store Where they are.
 * @param snapshots What {@linkcode abandonedSnapshots} gave.
 * @param before As it was given to it: what was changed meanwhile stays.
 * @returns Which are gone.
 */
export function removeAbandoned(
  store: Datastore,
  snapshots: readonly SnapshotName[],
  before: number,
): SnapshotName[] {
  return snapshots.filter((snapshot) =>
    withLock(store, snapshot, () => {
      if (!isAbandoned(store, snapshot, before)) return false;
      store.removeSnapshot(snapshot);
      return true;
    })
  );
}

/**
 * Removes files beside snapshots, groups and the store's own that never got their names.
 *
 * @param store Where they are.
 * @param before Those that were written later stay, milliseconds since 1970.
 * @returns How many are gone.
 */
export function removeTemporaries(store: Datastore, before: number): number {
  const { tree, files, location } = store;
  const snapshots = allSnapshots(store);
  const folders = new Set([
    location,
    ...tree.namespaces("", Infinity).flatMap((namespace) =>
      tree.groups(namespace).map((group) => tree.groupFolder(group))
    ),
    ...snapshots.map((snapshot) => tree.snapshotFolder(snapshot)),
  ]);
  let removed = 0;
  for (const folder of folders) {
    for (const one of files.list(folder) ?? []) {
      const path = `${folder}/${one.name}`;
      if (!one.isFile() || !TEMPORARY.test(one.name)) continue;
      if ((files.changed(path) ?? 0) < before && files.remove(path)) removed++;
    }
  }
  return removed;
}

function allSnapshots({ tree }: Datastore): SnapshotName[] {
  return tree.namespaces("", Infinity)
    .flatMap((namespace) => tree.groups(namespace))
    .flatMap((group) => tree.snapshots(group));
}

/** Whether a snapshot, whose lock is held, is left for good. */
function isAbandoned(
  { tree, files }: Datastore,
  snapshot: SnapshotName,
  before: number,
): boolean {
  const folder = tree.snapshotFolder(snapshot);
  // Somebody may have finished or removed it before the lock was had.
  if (!files.isFolder(folder) || tree.isFinished(snapshot)) return false;
  return !tree.isProtected(snapshot) &&
    (files.changed(folder) ?? snapshot.time * 1000) < before;
}

/** Does something while nobody else has a snapshot; not where somebody has it. */
function withLock(
  { locks }: Datastore,
  snapshot: SnapshotName,
  work: () => boolean,
): boolean {
  let lock;
  try {
    lock = locks.snapshot(snapshot, true);
  } catch (error) {
    if (error instanceof BusyError) return false;
    throw error;
  }
  try {
    return work();
  } finally {
    lock.release();
  }
}
