/**
 * Where corpora, archives and extracted trees lie while they are needed.
 *
 * @module
 */

import { statfsSync } from "node:fs";

function run(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function availableMemory(): number {
  const line = /^MemAvailable:\s+(\d+) kB$/m.exec(
    Deno.readTextFileSync("/proc/meminfo"),
  );
  return Number(line?.[1] ?? 0) * 1024;
}

/** Where our program keeps the locks of a datastore, under its name; root's. */
const LOCKS = "/run/proxmox-backup/locks";

/** A directory that is gone, with all that is in it, when it is disposed of or the process is interrupted. */
export class Place implements Disposable {
  /** The directory. */
  readonly path: string;
  readonly #memory: boolean;
  readonly #mounted: boolean;
  readonly #locks = new Set<string>();
  readonly #interrupted = (): void => {
    this[Symbol.dispose]();
    Deno.exit(130);
  };

  private constructor(path: string, memory: boolean, mounted: boolean) {
    this.path = path;
    this.#memory = memory;
    this.#mounted = mounted;
    Deno.addSignalListener("SIGINT", this.#interrupted);
    Deno.addSignalListener("SIGTERM", this.#interrupted);
  }

  /** One in memory: an own tmpfs without limit on the number of files for root, which is full before memory is, else a directory in /dev/shm. */
  static inMemory(): Place {
    const path = Deno.makeTempDirSync({ prefix: "pxar-bench-" });
    const size = Math.floor(availableMemory() * 0.9);
    const options = `size=${size},nr_inodes=0,mode=0700`;
    if (
      Deno.uid() === 0 &&
      run("mount", "-t", "tmpfs", "-o", options, "pxar-bench", path)
    ) return new Place(path, true, true);
    Deno.removeSync(path);
    return new Place(
      Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "pxar-bench-" }),
      true,
      false,
    );
  }

  /** One on a disk, below `parent`. */
  static onDisk(parent: string): Place {
    return new Place(
      Deno.makeTempDirSync({ dir: parent, prefix: "pxar-bench-" }),
      false,
      false,
    );
  }

  /**
   * Refuses to begin what would not fit.
   *
   * @throws {Error} If less than `bytes` are free, on the file system or, where that is memory, in memory.
   */
  demand(bytes: number, what: string): void {
    const { bavail, bsize } = statfsSync(this.path);
    const disk = bavail * bsize;
    const free = this.#memory ? Math.min(disk, availableMemory()) : disk;
    if (free >= bytes) return;
    const gib = (n: number): string => (n / 2 ** 30).toFixed(1);
    throw new Error(
      `Cannot run ${what}: ${gib(free)} GiB are free in ${this.path}, ` +
        `expected ${gib(bytes)} GiB`,
    );
  }

  /** A path in it. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /**
   * A name for a datastore in it that no other process uses: locks are kept by it.
   *
   * @param name Tells it from others in this place.
   */
  storeName(name: string): string {
    const unique = `${this.path.slice(this.path.lastIndexOf("/") + 1)}-${name}`;
    this.#locks.add(`${LOCKS}/${unique}`);
    return unique;
  }

  /** Removes a file or a tree in it, if it is there. */
  remove(name: string): void {
    if (!run("rm", "-rf", this.at(name))) {
      throw new Error(`Cannot remove ${this.at(name)}`);
    }
  }

  /** Makes an empty directory in it, removing what was there. */
  empty(name: string): string {
    this.remove(name);
    Deno.mkdirSync(this.at(name));
    return this.at(name);
  }

  /** Removes it all. */
  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGINT", this.#interrupted);
    Deno.removeSignalListener("SIGTERM", this.#interrupted);
    if (this.#locks.size > 0) run("rm", "-rf", ...this.#locks);
    if (!this.#mounted) run("rm", "-rf", this.path);
    else if (run("umount", this.path) || run("umount", "-l", this.path)) {
      Deno.removeSync(this.path);
    } else throw new Error(`Cannot unmount ${this.path}`);
  }
}

/** How many bytes a tree takes on its disk, without what is mounted in it. */
export function treeSize(path: string): number {
  const { stdout } = new Deno.Command("du", {
    args: ["-sxB1", path],
    stderr: "null",
  }).outputSync();
  return parseInt(new TextDecoder().decode(stdout));
}

/** The type of the file system at `path`, such as `ext2/ext3` or `tmpfs`. */
export function fileSystem(path: string): string {
  const { stdout } = new Deno.Command("stat", {
    args: ["-f", "-c", "%T", path],
  }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}

/**
 * Makes the kernel forget what it has read from disks.
 *
 * @returns Whether it could: only root may.
 */
export function dropCaches(): boolean {
  run("sync");
  try {
    Deno.writeTextFileSync("/proc/sys/vm/drop_caches", "3\n");
    return true;
  } catch {
    return false;
  }
}
