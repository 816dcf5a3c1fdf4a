/**
 * What a datastore needs from the kernel and cannot get from `node:fs`; `@pxar/sys/kernel` has it.
 *
 * @module
 */

/** A lock that is held. */
export interface HeldLock {
  /** Lets go of it; a second time does nothing. */
  release(): void;
}

/** A record lock on a whole file, seen by other processes; held by this one as long as it is not released. */
export interface RecordLock extends HeldLock {
  /**
   * Changes what is held.
   *
   * @param exclusive Whether nobody else may hold it.
   * @returns Whether it could be had; if not, what was held before still is.
   */
  change(exclusive: boolean): boolean;
}

/** Calls of the kernel. All are synchronous. */
export interface Kernel {
  /** URL of the module whose `openKernel()` gives the same on another thread. */
  readonly module: string;
  /**
   * Takes a record lock (`fcntl`) on a whole file, which is made where it is missing; never waits. This is the lock that PBS holds on a store's `.lock`.
   *
   * @param path The file.
   * @param exclusive Whether nobody else may hold it.
   * @returns The lock; `undefined` where another process has it.
   * @throws {SystemError} If the file cannot be opened.
   */
  lockRecord(path: string, exclusive: boolean): RecordLock | undefined;
  /**
   * Takes a lock (`flock`) on a file, which is made where it is missing; never waits. This is the lock that PBS holds on groups, snapshots and manifests.
   *
   * @param path The file, in a folder that is there.
   * @param exclusive Whether nobody else may hold it.
   * @returns The lock; `undefined` where somebody has it, in this process or another.
   * @throws {SystemError} If the file cannot be opened.
   */
  lockFile(path: string, exclusive: boolean): HeldLock | undefined;
  /**
   * Sets a file's time of access to now, and no other.
   *
   * @param path The file; a symlink is not followed.
   * @returns Whether it is there.
   * @throws {SystemError} If that is refused.
   */
  touch(path: string): boolean;
  /**
   * Waits until all that was written to a file system is on its disk.
   *
   * @param path A file or folder on it.
   * @throws {SystemError} If that fails.
   */
  syncFileSystem(path: string): void;
}
