// The lock on a whole store, `.lock`: writers share it, garbage collection has it alone among the processes. Within this process, the times at which
// writers began tell the collection what it must keep.
import type { Kernel, RecordLock } from "./kernel.ts";

/** One store's lock, the same for everyone in this process. */
export class ProcessLock {
  static readonly #all = new Map<string, ProcessLock>();
  readonly #path: string;
  /** Begin of each writer that is at work, milliseconds since 1970. */
  readonly #writers = new Set<{ readonly start: number }>();
  #record: RecordLock | undefined;
  #collecting = false;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * The lock of a store.
   *
   * @param base The store's folder, without links on the way.
   */
  static of(base: string): ProcessLock {
    const path = `${base}/.lock`;
    let lock = this.#all.get(path);
    if (lock === undefined) this.#all.set(path, lock = new ProcessLock(path));
    return lock;
  }

  /** When the oldest writer of this process began, milliseconds since 1970; `undefined` where none is at work. */
  get oldestWriter(): number | undefined {
    let oldest: number | undefined;
    for (const { start } of this.#writers) {
      if (oldest === undefined || start < oldest) oldest = start;
    }
    return oldest;
  }

  /**
   * Begins to write.
   *
   * @param kernel Without, only this process knows.
   * @param start Now, milliseconds since 1970.
   * @returns What ends it; `undefined` where another process collects garbage.
   */
  share(kernel: Kernel | undefined, start: number): (() => void) | undefined {
    if (this.#record === undefined && kernel !== undefined) {
      this.#record = kernel.lockRecord(this.#path, false);
      if (this.#record === undefined) return undefined;
    }
    const writer = { start };
    this.#writers.add(writer);
    return () => {
      if (this.#writers.delete(writer)) this.#settle();
    };
  }

  /**
   * Begins to collect garbage.
   *
   * @param kernel Without, other processes are not asked.
   * @returns What ends it; `undefined` where another process is writing, or somebody collects already.
   */
  exclude(kernel: Kernel | undefined): (() => void) | undefined {
    if (this.#collecting) return undefined;
    if (kernel !== undefined) {
      if (this.#record === undefined) {
        this.#record = kernel.lockRecord(this.#path, true);
        if (this.#record === undefined) return undefined;
      } else if (!this.#record.change(true)) return undefined;
    }
    this.#collecting = true;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#collecting = false;
      this.#settle();
    };
  }

  /** Holds no more than is still needed. */
  #settle(): void {
    if (this.#collecting) return;
    if (this.#writers.size > 0) this.#record?.change(false);
    else {
      this.#record?.release();
      this.#record = undefined;
    }
  }
}
