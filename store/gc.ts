/**
 * Garbage collection: chunks that no index names any more are removed, once they are old enough that no writer can be counting on them.
 *
 * Two phases: every chunk that an index names is marked as used now; then what was not used for a day is removed, with what writers left that are gone.
 * Source: spec C.5, E.7.
 *
 * @module
 */
import {
  BusyError,
  PxarError,
  SystemError,
  UnsupportedError,
} from "@pxar/format/errors";
import { parseAuthId } from "./auth_id.ts";
import type { Datastore } from "./datastore.ts";
import { type GcCounts, type GcStatus, writeGcStatus } from "./gc_status.ts";
import { checkAccessTimes } from "./access_times.ts";
import {
  abandonedSnapshots,
  removeAbandoned,
  removeTemporaries,
} from "./leftovers.ts";
import { Marking } from "./marking.ts";
import { sweep } from "./sweeping.ts";
import type { SnapshotName } from "./snapshot.ts";
import type { Abortable } from "./store.ts";

/** How far a collection is. */
export interface GcProgress {
  /** `marking` what indexes name, or `sweeping` the chunk folders. */
  readonly phase: "marking" | "sweeping";
  /** Index files or chunk folders that are done. */
  readonly done: number;
  /** How many there are. */
  readonly of: number;
}

/** How garbage is collected. */
export interface GcOptions extends Abortable {
  /** How long a chunk must not have been used, seconds; 24 hours and 5 minutes unless told. */
  readonly cutoff?: number | undefined;
  /** Takes the word of the caller that nobody else uses the store: needed where no kernel can tell. */
  readonly assumeExclusive?: boolean | undefined;
  /** Whether it is tried out first that times of access are kept, which takes a second or two; it is on a disk unless told. */
  readonly checkAccessTimes?: boolean | undefined;
  /** Who collects, for the record; `root@pam` unless told. */
  readonly user?: string | undefined;
  /** Told how far it is. */
  readonly onProgress?: ((progress: GcProgress) => void) | undefined;
  /** Told of each snapshot that nobody finished and that is gone now. */
  readonly onRemoved?: ((snapshot: SnapshotName) => void) | undefined;
  /** Told of chunks that are missing, and of what else does not end the work. */
  readonly onWarning?: ((sentence: string) => void) | undefined;
}

/** What PBS takes: 24 hours and 5 minutes, seconds. */
export const GC_CUTOFF = 86_700;
/** How long before the oldest writer began a chunk may have been used and still be kept, milliseconds. */
const MARGIN = 300_000;

/**
 * Removes what no snapshot needs.
 *
 * It can be ended and begun again at any time. Nobody else may collect meanwhile, and no other process may write; writers of this process may.
 *
 * @param store What is collected from.
 * @param options How.
 * @returns What was found and removed; also kept in the store as `.gc-status`.
 * @throws {BusyError} If another process writes to the store, or somebody collects already.
 * @throws {PxarError} If an index cannot be read, or there is another store within: then nothing is removed.
 * @throws {UnsupportedError} If no kernel can tell whether anybody else uses the store, and the caller does not say so; or if times of access are not kept.
 */
export async function collectGarbage(
  store: Datastore,
  options: GcOptions = {},
): Promise<GcStatus> {
  const { cutoff = GC_CUTOFF, user = "root@pam", signal } = options;
  if (!(Number.isFinite(cutoff) && cutoff >= 0)) {
    throw new RangeError(
      `Cannot collect garbage: cutoff is ${cutoff}, expected 0 seconds or more`,
    );
  }
  parseAuthId(user);
  signal?.throwIfAborted();
  if (
    store.direct !== undefined && store.kernel === undefined &&
    options.assumeExclusive !== true
  ) {
    throw new UnsupportedError(
      `Cannot collect garbage in ${store.location}: whether somebody else uses it cannot be told here, expected --assume-exclusive`,
    );
  }
  const release = store.lock.exclude(store.kernel);
  if (release === undefined) {
    throw new BusyError(
      `Cannot collect garbage in ${store.location}: it is in use, by a writer or another collection`,
    );
  }
  try {
    const start = Math.floor(store.now() / 1000);
    const counts = await collect(store, cutoff, options);
    const status = { ...counts, startTime: start, user };
    try {
      writeGcStatus(store, status);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // What was done is done.
      options.onWarning?.(`the outcome could not be kept: ${error.message}`);
    }
    return status;
  } finally {
    release();
  }
}

async function collect(
  store: Datastore,
  cutoff: number,
  options: GcOptions,
): Promise<GcCounts> {
  const { signal, onProgress, onWarning } = options;
  if (options.checkAccessTimes ?? store.direct !== undefined) {
    await checkAccessTimes(store, signal);
  }
  // What is marked from here on has no smaller time of access: it stays whatever the cutoff is, and however far the two clocks are apart.
  const clock = store.chunks.clock(), now = store.now();
  // Writers tell the time by the store's clock, which is never taken for a later one than that of their chunks.
  const ahead = Math.max(0, now - clock);
  const writer = (store.lock.oldestWriter ?? now) - ahead;
  const before = Math.min(
    now - cutoff * 1000,
    clock,
    store.lock.oldestWriter === undefined ? Infinity : writer - MARGIN,
  );
  const abandoned = abandonedSnapshots(store, before);
  const marking = new Marking(store, {
    signal,
    except: new Set(
      abandoned.map((snapshot) => store.tree.snapshotFolder(snapshot)),
    ),
    warn: onWarning,
    onProgress: (done, of) => onProgress?.({ phase: "marking", done, of }),
  });
  await marking.run();
  if (store.chunks.clock() < clock) {
    throw new PxarError(
      `Cannot collect garbage in ${store.location}: the clock was set back, expected later times of access for what is marked later`,
    );
  }
  const gone = removeAbandoned(store, abandoned, before);
  for (const snapshot of gone) options.onRemoved?.(snapshot);
  const removedFiles = removeTemporaries(store, before);
  const swept = await sweep(store, {
    signal,
    before,
    oldestWriter: writer,
    onProgress: (done, of) => onProgress?.({ phase: "sweeping", done, of }),
  });
  return {
    ...swept,
    ...marking.counts,
    removedSnapshots: gone.length,
    removedTemporaries: swept.removedTemporaries + removedFiles,
  };
}
