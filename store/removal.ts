// Removing snapshots, groups and namespaces from a datastore.
import { BusyError } from "@pxar/format/errors";
import { MANIFEST_NAME } from "./archive_name.ts";
import type { Datastore } from "./datastore.ts";
import { folderOf } from "./disk_files.ts";
import type { HeldLock } from "./kernel.ts";
import { ROOT_NAMESPACE } from "./namespace.ts";
import {
  BACKUP_TYPES,
  type GroupName,
  groupText,
  type SnapshotName,
  snapshotText,
} from "./snapshot.ts";
import type { Removed } from "./store.ts";

/** Removes what nobody uses and nothing protects. */
export class Removal {
  readonly #store: Datastore;

  constructor(store: Datastore) {
    this.#store = store;
  }

  /** See `Store.forget`. */
  async snapshot(snapshot: SnapshotName): Promise<void> {
    const { tree, locks } = this.#store;
    tree.needSnapshot(snapshot);
    const lock = locks.snapshot(snapshot, true);
    try {
      tree.needSnapshot(snapshot);
      if (tree.isProtected(snapshot)) {
        throw new BusyError(
          `Cannot forget snapshot ${snapshotText(snapshot)}: it is protected`,
        );
      }
      await this.#takeAlone(snapshot);
    } finally {
      lock.release();
    }
    this.#emptyGroup(snapshot);
  }

  /** See `Store.forgetGroup`. */
  async group(group: GroupName): Promise<Removed> {
    const { tree, locks } = this.#store;
    tree.needGroup(group);
    const lock = locks.group(group), held: HeldLock[] = [];
    try {
      // All of their locks before the first goes: one that is in use keeps the group whole.
      const all = tree.snapshots(group);
      for (const one of all) held.push(locks.snapshot(one, true));
      let snapshots = 0, protectedSnapshots = 0;
      for (const snapshot of all) {
        if (tree.isProtected(snapshot)) protectedSnapshots++;
        else {
          await this.#takeAlone(snapshot);
          snapshots++;
        }
      }
      if (protectedSnapshots === 0) this.#takeGroupAway(group);
      const groups = protectedSnapshots === 0 ? 1 : 0;
      return { groups, snapshots, protectedSnapshots };
    } finally {
      for (const one of held) one.release();
      lock.release();
    }
  }

  /** See `Store.deleteNamespace`. */
  async namespace(
    namespace: string,
    groups: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Removed> {
    if (namespace === ROOT_NAMESPACE) {
      throw new RangeError("Cannot delete the root namespace");
    }
    const { tree } = this.#store;
    const removed = { groups: 0, snapshots: 0, protectedSnapshots: 0 };
    const left: string[] = [];
    // Those within before those around.
    for (const one of tree.namespaces(namespace, Infinity).reverse()) {
      for (const group of tree.groups(one)) {
        signal?.throwIfAborted();
        const name = `group ${groupText(group)} in ${one}`;
        if (!groups) {
          left.push(name);
          continue;
        }
        const gone = await this.group(group);
        removed.groups += gone.groups;
        removed.snapshots += gone.snapshots;
        removed.protectedSnapshots += gone.protectedSnapshots;
        if (gone.groups === 0) left.push(`${name}, which is protected`);
      }
      if (left.length === 0) this.#takeFolders(one);
    }
    if (left.length > 0) {
      throw new BusyError(
        `Cannot delete namespace ${namespace}: there is still ${left[0]}${
          left.length > 1 ? ` and ${left.length - 1} more` : ""
        }`,
      );
    }
    return removed;
  }

  /** Removes a snapshot whose lock is held, once nobody rewrites its manifest: what he writes would be there without the rest. */
  async #takeAlone(snapshot: SnapshotName): Promise<void> {
    const lock = await this.#store.locks.manifest(snapshot);
    try {
      this.takeAway(snapshot);
    } finally {
      lock.release();
    }
  }

  /** Removes a snapshot whose lock is held, and whose manifest nobody rewrites: its manifest first, so that it is never a finished one with parts missing. */
  takeAway(snapshot: SnapshotName): void {
    const { tree, files, locks } = this.#store;
    const folder = tree.snapshotFolder(snapshot);
    files.remove(`${folder}/${MANIFEST_NAME}`);
    files.removeFolder(folder, true);
    locks.forgetSnapshot(snapshot);
  }

  /** With its last snapshot, a group goes, unless somebody is about to write to it. */
  #emptyGroup(group: GroupName): void {
    const { tree, locks } = this.#store;
    if (tree.snapshots(group).length > 0) return;
    let lock: HeldLock;
    try {
      lock = locks.group(group);
    } catch (error) {
      if (error instanceof BusyError) return;
      throw error;
    }
    try {
      if (tree.snapshots(group).length === 0) this.#takeGroupAway(group);
    } finally {
      lock.release();
    }
  }

  /** Removes a group whose lock is held. */
  #takeGroupAway(group: GroupName): void {
    const { tree, files, locks } = this.#store;
    files.removeFolder(tree.groupFolder(group), true);
    locks.forgetGroup(group);
  }

  /** Removes a namespace without groups. */
  #takeFolders(namespace: string): void {
    const { tree, files } = this.#store;
    const folder = tree.namespaceFolder(namespace);
    for (const name of [...BACKUP_TYPES, "ns"]) {
      if (files.isFolder(`${folder}/${name}`)) {
        files.removeFolder(`${folder}/${name}`, false);
      }
    }
    files.removeFolder(folder, false);
    // The folder that the namespaces beside it lie in goes with the last.
    const around = folderOf(folder);
    if (files.list(around)?.length === 0) files.removeFolder(around, false);
  }
}
