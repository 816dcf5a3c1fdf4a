// What comes before a new snapshot: its group, its owner, and the snapshot before it.
import { PxarError } from "@pxar/format/errors";
import { type AuthId, authIdText, mayBackUp, parseAuthId } from "./auth_id.ts";
import type { Datastore } from "./datastore.ts";
import { DatastoreReader } from "./datastore_reader.ts";
import { folderOf } from "./disk_files.ts";
import {
  demandLater,
  type GroupName,
  groupText,
  type SnapshotName,
} from "./snapshot.ts";
import type { SnapshotReader } from "./store.ts";
import { verifyStateOf } from "./unprotected.ts";

/** Locks that are let go of together, the last one first. */
export class Locks {
  #held: (() => void)[] = [];

  add(release: () => void): void {
    this.#held.push(release);
  }

  release(): void {
    for (const release of this.#held.reverse()) release();
    this.#held = [];
  }
}

/** Makes and locks the group of a new snapshot; only its owner may write to one that is there. */
export function makeGroup(
  store: Datastore,
  group: GroupName,
  owner: AuthId,
  locks: Locks,
): void {
  const { files, tree } = store, folder = tree.groupFolder(group);
  files.makeFolder(folderOf(folder));
  const lock = store.locks.group(group);
  locks.add(() => lock.release());
  files.makeFolder(folder);
  const there = tree.owner(group);
  if (there === undefined) {
    store.writeOwner(group, authIdText(owner));
  } else if (!mayBackUp(parseAuthId(there), owner)) {
    throw new PxarError(
      `Cannot write to group ${
        groupText(group)
      }: it belongs to ${there}, not to ${authIdText(owner)}`,
    );
  }
}

/** Locks the last finished snapshot, which the new one must come after; gives it to be built on unless it has failed verification. */
export async function newestFinished(
  store: Datastore,
  snapshot: SnapshotName,
  locks: Locks,
): Promise<SnapshotReader | undefined> {
  const last = store.tree.snapshots(snapshot)
    .filter((one) => store.tree.isFinished(one)).at(-1);
  if (last === undefined) return undefined;
  const lock = store.locks.snapshot(last, false);
  locks.add(() => lock.release());
  let isSound: boolean;
  try {
    isSound =
      verifyStateOf(await store.tree.manifest(last))?.state !== "failed";
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    isSound = false;
  }
  if (!isSound) return undefined;
  demandLater(snapshot, last);
  return new DatastoreReader(store, last, lock);
}
