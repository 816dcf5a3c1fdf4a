/**
 * A datastore in memory: for tests, and for programs that hand on what is in it.
 *
 * @module
 */
import { openCodecs } from "@pxar/chunk/codecs";
import { Datastore } from "./datastore.ts";
import { FileLocks } from "./file_locks.ts";
import { MemoryChunks } from "./memory_chunks.ts";
import { MemoryFiles } from "./memory_files.ts";
import { ProcessLock } from "./process_lock.ts";

/** How many there were, to tell their locks apart. */
let made = 0;

/** How a datastore in memory is made. */
export interface MemoryStoreOptions {
  /** The clock, milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Time zone that pruning counts hours and days in; that of this machine unless told. */
  readonly timeZone?: string | undefined;
}

/**
 * Makes a datastore in memory.
 *
 * @param options Its clock.
 * @returns An empty store.
 */
export async function memoryStore(
  options: MemoryStoreOptions = {},
): Promise<Datastore> {
  const { now = Date.now, timeZone } = options;
  const location = `/memory-${++made}`;
  const files = new MemoryFiles();
  files.makeFolder(location);
  return new Datastore({
    location,
    name: location.slice(1),
    files,
    chunks: new MemoryChunks(now),
    lock: ProcessLock.of(location),
    locks: FileLocks.within(location),
    kernel: undefined,
    direct: undefined,
    sync: () => {},
    codecs: await openCodecs(),
    now,
    timeZone,
  });
}
