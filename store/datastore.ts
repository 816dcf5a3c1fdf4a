/**
 * A datastore as Proxmox Backup Server keeps it, on a disk or in memory.
 *
 * @module
 */
import type { Codecs } from "@pxar/chunk/codecs";
import type { Bytes } from "@pxar/format/bytes";
import { BusyError, PxarError } from "@pxar/format/errors";
import {
  CLIENT_LOG_NAME,
  MANIFEST_NAME,
  PROTECTED_NAME,
} from "./archive_name.ts";
import { parseAuthId } from "./auth_id.ts";
import type { ChunkPlace } from "./chunk_place.ts";
import { DatastoreReader } from "./datastore_reader.ts";
import { DatastoreTree } from "./datastore_tree.ts";
import { DatastoreWriter } from "./datastore_writer.ts";
import type { DirectChunks } from "./direct_chunks.ts";
import type { FileLocks } from "./file_locks.ts";
import type { Files } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import type { Manifest } from "./manifest.ts";
import { manifestBlob } from "./manifest_blob.ts";
import {
  namespaceParent,
  parseNamespace,
  ROOT_NAMESPACE,
} from "./namespace.ts";
import type { ProcessLock } from "./process_lock.ts";
import { type KeepOptions, planPrune } from "./prune_plan.ts";
import { Removal } from "./removal.ts";
import { type GroupName, type SnapshotName, snapshotText } from "./snapshot.ts";
import type {
  Abortable,
  CreateOptions,
  GroupInfo,
  PruneResult,
  PruneRun,
  Removed,
  SnapshotInfo,
  SnapshotReader,
  SnapshotWriter,
  Store,
  StoreStatus,
} from "./store.ts";
import { notesOf, withNotes } from "./unprotected.ts";

/**
 * What a datastore is put together from.
 *
 * @internal
 */
export interface DatastoreParts {
  /** Its folder, or what stands for it. */
  readonly location: string;
  /** Its name, which tasks and locks go by. */
  readonly name: string;
  /** Its small files; paths begin with `location`. */
  readonly files: Files;
  /** Its chunks. */
  readonly chunks: ChunkPlace;
  /** The lock on all of it. */
  readonly lock: ProcessLock;
  /** Locks on parts of it. */
  readonly locks: FileLocks;
  /** Locks that other processes see; `undefined` where there are none. */
  readonly kernel: Kernel | undefined;
  /** How other threads reach its chunks. */
  readonly direct: DirectChunks | undefined;
  /** Sees to it that what was written is on its disk, as far as that is wanted. */
  readonly sync: () => void;
  /** Compresses and encrypts. */
  readonly codecs: Codecs;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Time zone that pruning counts hours and days in; that of this machine unless told. */
  readonly timeZone: string | undefined;
}

/** An open datastore: what PBS keeps on disk, on a disk or in memory. */
export class Datastore implements Store {
  /** Its folder, without links on the way. */
  readonly location: string;
  /** Its name, which tasks and locks go by. */
  readonly name: string;
  /**
   * Its small files, for verification and garbage collection.
   *
   * @internal
   */
  readonly files: Files;
  /**
   * Its chunks, for verification and garbage collection.
   *
   * @internal
   */
  readonly chunks: ChunkPlace;
  /**
   * What lies in it, for verification and garbage collection.
   *
   * @internal
   */
  readonly tree: DatastoreTree;
  /**
   * The lock on all of it.
   *
   * @internal
   */
  readonly lock: ProcessLock;
  /**
   * Locks on parts of it.
   *
   * @internal
   */
  readonly locks: FileLocks;
  /** Locks that other processes see; `undefined` where there are none. */
  readonly kernel: Kernel | undefined;
  /** How other threads reach its chunks. */
  readonly direct: DirectChunks | undefined;
  /** Sees to it that what was written is on its disk, as far as that is wanted. */
  readonly sync: () => void;
  /** Compresses and encrypts. */
  readonly codecs: Codecs;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
  readonly #timeZone: string | undefined;
  readonly #removal: Removal = new Removal(this);

  /** Puts one together; see `openDatastore()` and `memoryStore()`. */
  constructor(parts: DatastoreParts) {
    this.location = parts.location;
    this.name = parts.name;
    this.files = parts.files;
    this.chunks = parts.chunks;
    this.tree = new DatastoreTree(parts.location, parts.files, parts.codecs);
    this.lock = parts.lock;
    this.locks = parts.locks;
    this.kernel = parts.kernel;
    this.direct = parts.direct;
    this.sync = parts.sync;
    this.codecs = parts.codecs;
    this.now = parts.now;
    this.#timeZone = parts.timeZone;
  }

  async namespaces(parent = "", maxDepth = Infinity): Promise<string[]> {
    return this.tree.namespaces(parent, maxDepth);
  }

  async createNamespace(namespace: string): Promise<void> {
    if (parseNamespace(namespace) === ROOT_NAMESPACE) return;
    const parent = namespaceParent(namespace) ?? ROOT_NAMESPACE;
    this.tree.needNamespace(parent);
    this.files.makeFolder(`${this.tree.namespaceFolder(parent)}/ns`);
    this.files.makeFolder(this.tree.namespaceFolder(namespace));
  }

  async deleteNamespace(
    namespace: string,
    groups: boolean,
    { signal }: Abortable = {},
  ): Promise<Removed> {
    return await this.#removal.namespace(namespace, groups, signal);
  }

  async groups(namespace: string): Promise<GroupInfo[]> {
    return this.tree.groups(namespace).map((group) =>
      this.tree.groupInfo(group)
    );
  }

  async snapshots(
    within: string | GroupName,
    { signal }: Abortable = {},
  ): Promise<SnapshotInfo[]> {
    if (typeof within !== "string") this.tree.needGroup(within);
    const groups = typeof within === "string"
      ? this.tree.groups(within)
      : [within];
    const found: SnapshotInfo[] = [];
    for (const group of groups) {
      for (const snapshot of this.tree.snapshots(group)) {
        signal?.throwIfAborted();
        found.push(await this.tree.snapshotInfo(snapshot));
      }
    }
    return found;
  }

  async open(snapshot: SnapshotName): Promise<SnapshotReader> {
    this.tree.needSnapshot(snapshot);
    const lock = this.locks.snapshot(snapshot, false);
    try {
      this.tree.needSnapshot(snapshot);
      return new DatastoreReader(this, snapshot, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async create(
    snapshot: SnapshotName,
    options: CreateOptions,
  ): Promise<SnapshotWriter> {
    parseAuthId(options.owner);
    return await DatastoreWriter.create(this, snapshot, options);
  }

  async forget(snapshot: SnapshotName): Promise<void> {
    await this.#removal.snapshot(snapshot);
  }

  async forgetGroup(group: GroupName): Promise<Removed> {
    return await this.#removal.group(group);
  }

  async notes(snapshot: SnapshotName): Promise<string> {
    return notesOf(await this.tree.manifest(snapshot)) ?? "";
  }

  async setNotes(
    snapshot: SnapshotName,
    notes: string,
    options: Abortable = {},
  ): Promise<void> {
    await this.changeManifest(
      snapshot,
      (manifest) => withNotes(manifest, notes === "" ? undefined : notes),
      options,
    );
  }

  async groupNotes(group: GroupName): Promise<string> {
    this.tree.needGroup(group);
    return this.tree.groupNotes(group);
  }

  async setGroupNotes(group: GroupName, notes: string): Promise<void> {
    this.tree.needGroup(group);
    const lock = this.locks.group(group);
    try {
      const path = `${this.tree.groupFolder(group)}/notes`;
      if (notes === "") this.files.remove(path);
      else this.files.write(path, [new TextEncoder().encode(notes)]);
    } finally {
      lock.release();
    }
  }

  async isProtected(snapshot: SnapshotName): Promise<boolean> {
    this.tree.needSnapshot(snapshot);
    return this.tree.isProtected(snapshot);
  }

  async setProtected(snapshot: SnapshotName, value: boolean): Promise<void> {
    this.tree.needSnapshot(snapshot);
    const lock = this.locks.snapshot(snapshot, true);
    try {
      this.tree.needSnapshot(snapshot);
      const path = `${this.tree.snapshotFolder(snapshot)}/${PROTECTED_NAME}`;
      if (!value) this.files.remove(path);
      else if (!this.tree.isProtected(snapshot)) this.files.write(path, []);
    } finally {
      lock.release();
    }
  }

  async changeOwner(group: GroupName, owner: string): Promise<void> {
    parseAuthId(owner);
    this.tree.needGroup(group);
    const lock = this.locks.group(group);
    try {
      this.writeOwner(group, owner);
    } finally {
      lock.release();
    }
  }

  async uploadLog(snapshot: SnapshotName, blob: Bytes): Promise<void> {
    this.tree.needSnapshot(snapshot);
    const path = `${this.tree.snapshotFolder(snapshot)}/${CLIENT_LOG_NAME}`;
    if (!this.files.write(path, [blob], true)) {
      throw new BusyError(
        `Cannot add a log to ${snapshotText(snapshot)}: it has one already`,
      );
    }
  }

  async prune(
    group: GroupName,
    keep: KeepOptions,
    { signal, dryRun = false, onResult }: PruneRun = {},
  ): Promise<PruneResult[]> {
    this.tree.needGroup(group);
    const plan = planPrune(
      this.tree.snapshots(group).map((snapshot) => ({
        snapshot,
        finished: this.tree.isFinished(snapshot),
        protected: this.tree.isProtected(snapshot),
      })),
      keep,
      { timeZone: this.#timeZone },
    );
    const results: PruneResult[] = [];
    for (const { snapshot, mark, keep } of plan) {
      signal?.throwIfAborted();
      let error: unknown;
      if (!keep && !dryRun) {
        try {
          await this.forget(snapshot);
        } catch (why) {
          if (!(why instanceof PxarError)) throw why;
          error = why;
        }
      }
      const result = { snapshot, mark, keep, error };
      results.push(result);
      onResult?.(result, plan.length);
    }
    return results;
  }

  async status(): Promise<StoreStatus> {
    return this.files.space(this.location);
  }

  /** Nothing is held between calls. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /**
   * Rewrites the part of a manifest that is not signed.
   *
   * @param snapshot A finished one.
   * @param change Gives the manifest that is to be there.
   */
  async changeManifest(
    snapshot: SnapshotName,
    change: (manifest: Manifest) => Manifest,
    { signal }: Abortable = {},
  ): Promise<void> {
    this.tree.needSnapshot(snapshot);
    const lock = await this.locks.manifest(snapshot, signal);
    try {
      const manifest = change(await this.tree.manifest(snapshot));
      this.writeManifest(
        snapshot,
        await manifestBlob(manifest, this.codecs),
      );
    } finally {
      lock.release();
    }
  }

  /** Writes a manifest's blob in one step. */
  writeManifest(snapshot: SnapshotName, blob: Bytes): void {
    this.files.write(
      `${this.tree.snapshotFolder(snapshot)}/${MANIFEST_NAME}`,
      [blob],
    );
  }

  /** Writes a group's owner in one step. */
  writeOwner(group: GroupName, owner: string): void {
    this.files.write(`${this.tree.groupFolder(group)}/owner`, [
      new TextEncoder().encode(`${owner}\n`),
    ]);
  }

  /** Removes a snapshot whose lock is held, and which is not finished. */
  removeSnapshot(snapshot: SnapshotName): void {
    this.#removal.takeAway(snapshot);
  }
}
