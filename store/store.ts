/**
 * A place where snapshots live: interfaces that a directory on disk, memory and (later) a server far away all have.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import type { ChunkSource } from "@pxar/chunk/chunk_source";
import type { Digest } from "@pxar/chunk/digest";
import type { SealedBlob } from "@pxar/chunk/blob";
import type { DirectChunks } from "./direct_chunks.ts";
import type { KeepOptions, PruneMark } from "./prune_plan.ts";
import type { CryptMode, Manifest } from "./manifest.ts";
import type { UploadStats, VerifyState } from "./unprotected.ts";
import type { GroupName, SnapshotName } from "./snapshot.ts";

/** What ends work that may take long. */
export interface Abortable {
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a chunk that was put. */
export interface ChunkPut {
  /** Whether it was there before. */
  readonly existed: boolean;
  /** Length of the blob that is there now, bytes. */
  readonly stored: number;
}

/** Keeps chunks. */
export interface ChunkStore extends ChunkSource {
  /**
   * Marks a chunk as used now, so that garbage collection keeps it.
   *
   * @param digest The chunk's.
   * @returns Length of its blob in bytes, or `undefined` where there is none.
   */
  touch(digest: Digest, options?: Abortable): Promise<number | undefined>;
  /**
   * Keeps a chunk; one that is there already is marked as used now.
   *
   * @param digest The chunk's.
   * @param blob Its blob.
   * @returns What became of it.
   * @throws {IntegrityError} If a plain chunk is there and the blob is encrypted, or otherwise nothing but a mistake or an attack explains both.
   * @throws {SystemError} If it cannot be written; nothing is left of it then.
   */
  put(
    digest: Digest,
    blob: SealedBlob,
    options?: Abortable,
  ): Promise<ChunkPut>;
  /**
   * Puts a chunk that is damaged out of the way, so that it is stored again where it is met; `undefined` where a store does not let its writers do that.
   *
   * @param digest The chunk's.
   */
  readonly setAside?:
    | ((digest: Digest, options?: Abortable) => Promise<void>)
    | undefined;
}

/** Chunks that other threads may reach by themselves. */
export interface Direct {
  /** How they do; `undefined` where chunks can only be had through this object. */
  readonly direct: DirectChunks | undefined;
}

/** A snapshot that is open for reading. It is not removed as long as it is open. */
export interface SnapshotReader extends ChunkSource, Direct, AsyncDisposable {
  /** Its name. */
  readonly snapshot: SnapshotName;
  /**
   * Its manifest; the signature is not yet checked, see `verifyManifest`.
   *
   * @throws {NotFoundError} If the snapshot is not finished.
   * @throws {IntegrityError} If it is that of another one.
   */
  manifest(options?: Abortable): Promise<Manifest>;
  /**
   * One of its files, as it is stored: an index or a blob.
   *
   * @param name Such as `root.pxar.didx`.
   * @returns Access; to be closed.
   * @throws {NotFoundError} If there is none.
   */
  file(name: string, options?: Abortable): Promise<RandomAccess>;
}

/** An index that is being written. */
export interface IndexWriter {
  /**
   * Takes the next chunks.
   *
   * @param chunks In order, without gaps, from 0 on. Each has been put by this writer before, or is in the index of the base snapshot.
   */
  append(chunks: readonly ChunkRef[], options?: Abortable): Promise<void>;
  /**
   * Ends the index: from now on it is a file of the snapshot.
   *
   * @returns Checksum and length, as the manifest states them.
   */
  close(options?: Abortable): Promise<IndexSummary>;
}

/** What a manifest says of an index. */
export interface IndexSummary {
  /** Checksum over all entries. Source: spec D.4. */
  readonly csum: Bytes;
  /** Length of the archive, bytes. */
  readonly size: number;
  /** How many chunks it has. */
  readonly count: number;
}

/** A snapshot in the making. Without `finish()` it never happened: giving it up (`await using`) removes it. */
export interface SnapshotWriter extends Direct, AsyncDisposable {
  /** Its name. */
  readonly snapshot: SnapshotName;
  /** The finished snapshot before it in its group, which stays as long as this writer does; `undefined` where there is none that is fit. */
  readonly base: SnapshotReader | undefined;
  /** Keeps chunks. */
  readonly chunks: ChunkStore;
  /** What was put so far, as it was counted. */
  readonly stats: UploadStats;
  /**
   * Counts a chunk that was put, here or by another thread.
   *
   * @param put What became of it.
   * @param length Length of the chunk, bytes.
   */
  countPut(put: ChunkPut, length: number): void;
  /**
   * Begins the index of an archive.
   *
   * @param name Ends with `.didx`.
   */
  dynamicIndex(name: string, options?: Abortable): Promise<IndexWriter>;
  /**
   * Begins the index of an image.
   *
   * @param name Ends with `.fidx`.
   * @param size Length of the image in bytes, 1 or more.
   * @param chunkSize Length of a chunk in bytes, a power of two.
   */
  fixedIndex(
    name: string,
    size: number,
    chunkSize: number,
    options?: Abortable,
  ): Promise<IndexWriter>;
  /**
   * Writes a blob file.
   *
   * @param name Ends with `.blob`; not that of the manifest.
   * @param blob As it is to lie there.
   */
  blob(name: string, blob: Bytes, options?: Abortable): Promise<void>;
  /**
   * Writes the manifest: from now on the snapshot is there.
   *
   * @param manifest Names the snapshot and every file that was written, signed where that is wanted.
   * @throws {RangeError} If it does not.
   */
  finish(manifest: Manifest, options?: Abortable): Promise<void>;
}

/** What a listing says of a group. */
export interface GroupInfo {
  /** Its name. */
  readonly group: GroupName;
  /** Who may write to it; `undefined` where that cannot be read. */
  readonly owner: string | undefined;
  /** Notes on the group, all of them; empty where there are none. */
  readonly notes: string;
  /** Time of its last finished snapshot, seconds since 1970; 0 where there is none. */
  readonly lastBackup: number;
  /** How many finished snapshots it has. */
  readonly count: number;
  /** Files of that last one. */
  readonly files: readonly string[];
}

/** A file of a snapshot, in a listing. */
export interface FileListing {
  /** As it lies in the store, such as `root.pxar.didx`. */
  readonly name: string;
  /** What a key did to it; `undefined` where the manifest does not say. */
  readonly cryptMode: CryptMode | undefined;
  /** Length in bytes, as the manifest states it; `undefined` where it does not. */
  readonly size: number | undefined;
}

/** What a listing says of a snapshot. */
export interface SnapshotInfo {
  /** Its name. */
  readonly snapshot: SnapshotName;
  /** Whether it has a readable manifest. */
  readonly finished: boolean;
  /** Its files: those of the manifest in its order, the manifest, then what else is there. */
  readonly files: readonly FileListing[];
  /** Sum of their known sizes in bytes; `undefined` where there is no manifest. */
  readonly size: number | undefined;
  /** Who may write to its group. */
  readonly owner: string | undefined;
  /** Notes, all of them; empty where there are none. */
  readonly notes: string;
  /** Fingerprint of the key it was made with, 32 bytes. */
  readonly fingerprint: Bytes | undefined;
  /** What the last verification found. */
  readonly verification: VerifyState | undefined;
  /** Whether it is kept from removal. */
  readonly protected: boolean;
}

/** What was removed. */
export interface Removed {
  /** Groups that are gone. */
  readonly groups: number;
  /** Snapshots that are gone. */
  readonly snapshots: number;
  /** Snapshots that stay because they are protected. */
  readonly protectedSnapshots: number;
}

/** How to begin a snapshot. */
export interface CreateOptions extends Abortable {
  /** Who writes, such as `root@pam`; becomes the owner of a new group, and must be that of an old one. */
  readonly owner: string;
}

/** How full a store is. */
export interface StoreStatus {
  /** Bytes in all. */
  readonly total: number;
  /** Bytes in use. */
  readonly used: number;
  /** Bytes that may still be used. */
  readonly available: number;
}

/** Namespaces, groups and snapshots, with their chunks. */
export interface Store extends AsyncDisposable {
  /** Says where it is, for people. */
  readonly location: string;
  /**
   * Namespaces below one, itself first, then depth first.
   *
   * @param parent Where to begin; the root unless told.
   * @param maxDepth How many levels below it; all unless told.
   * @throws {NotFoundError} If it is not there.
   */
  namespaces(
    parent?: string,
    maxDepth?: number,
    options?: Abortable,
  ): Promise<string[]>;
  /**
   * Makes a namespace; one that is there stays as it is.
   *
   * @throws {NotFoundError} If its parent is not there.
   */
  createNamespace(namespace: string, options?: Abortable): Promise<void>;
  /**
   * Removes a namespace and those below it.
   *
   * @param groups Whether their groups go, too; otherwise only what is empty goes.
   * @throws {BusyError} If something of it stays: not empty, protected, or in use.
   */
  deleteNamespace(
    namespace: string,
    groups: boolean,
    options?: Abortable,
  ): Promise<Removed>;
  /** Groups of a namespace, in order. */
  groups(namespace: string, options?: Abortable): Promise<GroupInfo[]>;
  /** Snapshots of a namespace, or of one of its groups: groups in order, oldest first. */
  snapshots(
    within: string | GroupName,
    options?: Abortable,
  ): Promise<SnapshotInfo[]>;
  /**
   * Opens a snapshot for reading.
   *
   * @throws {NotFoundError} If it is not there.
   * @throws {BusyError} If it is being removed or made.
   */
  open(snapshot: SnapshotName, options?: Abortable): Promise<SnapshotReader>;
  /**
   * Begins a snapshot.
   *
   * @throws {BusyError} If another one is being made in its group, or garbage is being collected.
   * @throws {RangeError} If its time is not after that of the last finished one.
   */
  create(
    snapshot: SnapshotName,
    options: CreateOptions,
  ): Promise<SnapshotWriter>;
  /**
   * Removes a snapshot, and with the last one its group. Its chunks stay until garbage is collected.
   *
   * @throws {BusyError} If it is protected or in use.
   * @throws {NotFoundError} If it is not there.
   */
  forget(snapshot: SnapshotName, options?: Abortable): Promise<void>;
  /**
   * Removes a group with all snapshots that are not protected.
   *
   * @throws {BusyError} If one is in use, or somebody is writing to it.
   * @throws {NotFoundError} If it is not there.
   */
  forgetGroup(group: GroupName, options?: Abortable): Promise<Removed>;
  /** Notes on a snapshot; empty where there are none. */
  notes(snapshot: SnapshotName, options?: Abortable): Promise<string>;
  /** Sets notes on a snapshot; empty ones are removed. */
  setNotes(
    snapshot: SnapshotName,
    notes: string,
    options?: Abortable,
  ): Promise<void>;
  /** Notes on a group; empty where there are none. */
  groupNotes(group: GroupName, options?: Abortable): Promise<string>;
  /** Sets notes on a group. */
  setGroupNotes(
    group: GroupName,
    notes: string,
    options?: Abortable,
  ): Promise<void>;
  /** Whether a snapshot is kept from removal. */
  isProtected(snapshot: SnapshotName, options?: Abortable): Promise<boolean>;
  /** Keeps a snapshot from removal, or no longer. */
  setProtected(
    snapshot: SnapshotName,
    value: boolean,
    options?: Abortable,
  ): Promise<void>;
  /** Gives a group to another owner. */
  changeOwner(
    group: GroupName,
    owner: string,
    options?: Abortable,
  ): Promise<void>;
  /**
   * Puts the client's log beside a finished snapshot.
   *
   * @param blob As it is to lie there.
   * @throws {BusyError} If there is one already.
   */
  uploadLog(
    snapshot: SnapshotName,
    blob: Bytes,
    options?: Abortable,
  ): Promise<void>;
  /**
   * Removes what is not to be kept of a group, oldest first.
   *
   * @param keep What is to be kept; with no option at all, everything.
   * @param options `dryRun` removes nothing; `onResult` is told of each snapshot once it is done with.
   * @returns Every snapshot, oldest first, with what it was marked, and why it is still there although it was to go.
   */
  prune(
    group: GroupName,
    keep: KeepOptions,
    options?: PruneRun,
  ): Promise<PruneResult[]>;
  /** How full it is. */
  status(options?: Abortable): Promise<StoreStatus>;
}

/** How a group is pruned. */
export interface PruneRun extends Abortable {
  /** Whether nothing is removed. */
  readonly dryRun?: boolean | undefined;
  /** Told of each snapshot once it is done with, and how many there are. */
  readonly onResult?: ((result: PruneResult, of: number) => void) | undefined;
}

/** What pruning did to a snapshot. */
export interface PruneResult {
  /** Which one. */
  readonly snapshot: SnapshotName;
  /** What it was marked. */
  readonly mark: PruneMark;
  /** Whether it stays. */
  readonly keep: boolean;
  /** Why it could not be removed; `undefined` where it was, or was not to be. */
  readonly error: unknown;
}
