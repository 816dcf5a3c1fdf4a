// The locks on groups, snapshots and manifests: files in a folder where PBS looks for them.
import { systemErrorOf } from "@pxar/codec/system_call";
import { BusyError, SystemError } from "@pxar/format/errors";
import { type DiskFiles, folderOf } from "./disk_files.ts";
import type { HeldLock, Kernel } from "./kernel.ts";
import {
  groupLockPath,
  manifestLockPath,
  snapshotLockPath,
} from "./lock_path.ts";
import {
  type GroupName,
  groupText,
  type SnapshotName,
  snapshotText,
} from "./snapshot.ts";

/** Where PBS keeps its locks, a folder for each store. */
const PBS_LOCKS = "/run/proxmox-backup/locks";
/** How long a manifest's lock is waited for, and how long between two looks, milliseconds. */
const PATIENCE = 5000, PAUSE = 20;

/** What locks on a disk need. */
interface Disk {
  readonly kernel: Kernel;
  readonly files: DiskFiles;
  readonly note: (sentence: string) => void;
}

/** Takes locks. */
export class FileLocks {
  /** Who holds what where there is no kernel to ask: readers by number, -1 for one who has it alone. */
  static readonly #held = new Map<string, number>();
  readonly #disk: Disk | undefined;
  readonly #folder: string;
  #isTold = false;

  private constructor(
    folder: string,
    disk: Disk | undefined,
  ) {
    this.#folder = folder;
    this.#disk = disk;
  }

  /**
   * Locks that only this process knows of.
   *
   * @param store Tells one store from another.
   */
  static within(store: string): FileLocks {
    return new FileLocks(store, undefined);
  }

  /**
   * Finds the folder for a store's locks: that of PBS, or one in the store where that cannot be written.
   *
   * @param kernel Takes them.
   * @param files Makes folders.
   * @param place The store's folder, its name, and a folder that somebody wants instead.
   * @param note Hears where they lie if not where PBS looks.
   */
  static open(
    kernel: Kernel,
    files: DiskFiles,
    { base, name, folder }: {
      base: string;
      name: string;
      folder: string | undefined;
    },
    note: (sentence: string) => void,
  ): FileLocks {
    const disk = { kernel, files, note };
    if (folder !== undefined) return new FileLocks(folder, disk);
    const official = `${PBS_LOCKS}/${name}`;
    try {
      makeFolders(files, official);
      // Whether it can be written: Deno's accessSync goes by the mode alone, as if root had no more rights than others.
      const probe = `${official}/.${crypto.randomUUID()}`;
      files.fs.mkdirSync(probe);
      files.fs.rmdirSync(probe);
      return new FileLocks(official, disk);
    } catch (error) {
      const why = systemErrorOf("use", official, error);
      if (!(why instanceof SystemError)) throw why;
      note(
        `locks lie in ${base}/.locks, where a PBS on this machine does not see them: ${why.message}`,
      );
      return new FileLocks(`${base}/.locks`, disk);
    }
  }

  /**
   * Takes a group's lock, for writing to it or removing it.
   *
   * @throws {BusyError} If somebody has it.
   */
  group(group: GroupName): HeldLock {
    return this.#take(
      groupLockPath(group),
      true,
      `group ${groupText(group)}`,
    );
  }

  /**
   * Takes a snapshot's lock.
   *
   * @param exclusive For making, removing or protecting it; otherwise for reading.
   * @throws {BusyError} If somebody has it.
   */
  snapshot(snapshot: SnapshotName, exclusive: boolean): HeldLock {
    const what = `snapshot ${snapshotText(snapshot)}`;
    try {
      return this.#take(snapshotLockPath(snapshot), exclusive, what);
    } catch (error) {
      if (exclusive || !isReadOnly(error)) throw error;
      // Who may only read cannot lock; what is read is verified, so that a removal meanwhile can do no more than end it.
      if (!this.#isTold) {
        this.#disk?.note(
          `what is read is not locked, so that somebody might remove it meanwhile: ${error.message}`,
        );
      }
      this.#isTold = true;
      return { release: () => {} };
    }
  }

  /**
   * Takes a manifest's lock, for rewriting it; waits some seconds for it.
   *
   * @throws {BusyError} If somebody keeps it.
   */
  async manifest(
    snapshot: SnapshotName,
    signal?: AbortSignal,
  ): Promise<HeldLock> {
    const end = Date.now() + PATIENCE;
    for (;;) {
      signal?.throwIfAborted();
      const lock = this.#try(manifestLockPath(snapshot), true);
      if (lock !== undefined) return lock;
      if (Date.now() >= end) {
        throw new BusyError(
          `Cannot lock the manifest of ${
            snapshotText(snapshot)
          }: somebody else has it`,
        );
      }
      await new Promise<void>((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** Removes the files of locks on a snapshot that is gone; the caller holds its lock. */
  forgetSnapshot(snapshot: SnapshotName): void {
    this.#forget(manifestLockPath(snapshot));
    this.#forget(snapshotLockPath(snapshot));
  }

  /** Removes the file of the lock on a group that is gone; the caller holds it. */
  forgetGroup(group: GroupName): void {
    this.#forget(groupLockPath(group));
  }

  #forget(relative: string): void {
    this.#disk?.files.remove(`${this.#folder}/${relative}`);
  }

  #take(path: string, exclusive: boolean, what: string): HeldLock {
    const lock = this.#try(path, exclusive);
    if (lock === undefined) {
      throw new BusyError(`Cannot lock ${what}: it is in use`);
    }
    return lock;
  }

  #try(relative: string, exclusive: boolean): HeldLock | undefined {
    const path = `${this.#folder}/${relative}`;
    if (this.#disk === undefined) return FileLocks.#within(path, exclusive);
    const { kernel, files } = this.#disk;
    const lock = (): HeldLock | undefined => kernel.lockFile(path, exclusive);
    let held: HeldLock | undefined;
    try {
      held = lock();
    } catch (error) {
      if (!(error instanceof SystemError && error.code === "ENOENT")) {
        throw error;
      }
      makeFolders(files, folderOf(path));
      held = lock();
    }
    if (held !== undefined) files.own(path);
    return held;
  }

  /** A lock that only this process knows of. */
  static #within(path: string, exclusive: boolean): HeldLock | undefined {
    const all = FileLocks.#held, readers = all.get(path) ?? 0;
    if (exclusive ? readers !== 0 : readers < 0) return undefined;
    all.set(path, exclusive ? -1 : readers + 1);
    let held = true;
    return {
      release() {
        if (!held) return;
        held = false;
        const left = exclusive ? 0 : all.get(path)! - 1;
        if (left === 0) all.delete(path);
        else all.set(path, left);
      },
    };
  }
}

function isReadOnly(error: unknown): error is SystemError {
  return error instanceof SystemError &&
    ["EACCES", "EPERM", "EROFS"].includes(error.code);
}

/** Makes a folder and those above it that are missing. */
function makeFolders(files: DiskFiles, path: string): void {
  if (path === "" || files.fs.existsSync(path)) return;
  makeFolders(files, folderOf(path));
  files.makeFolder(path);
}
