// The second phase of a garbage collection: what was not used for long is removed. Source: spec C.5.
import { parseDigest } from "@pxar/chunk/digest";
import type { ChunkFile } from "./chunk_place.ts";
import type { Datastore } from "./datastore.ts";
import type { GcCounts } from "./gc_status.ts";
import { Turns } from "./turns.ts";

/** How it is done. */
export interface SweepOptions {
  /** What was last used before this goes, milliseconds since 1970. */
  readonly before: number;
  /** What is left, and was last used before this, waits for writers that may count on it; milliseconds since 1970. */
  readonly oldestWriter: number;
  readonly signal: AbortSignal | undefined;
  /** Told how many folders are done, of how many. */
  readonly onProgress: (done: number, of: number) => void;
}

/** What a sweep counts. */
export type SweepCounts = Omit<
  GcCounts,
  "indexFiles" | "indexBytes" | "cacheHits" | "cacheMisses" | "removedSnapshots"
>;

/** Removes. */
export async function sweep(
  store: Datastore,
  options: SweepOptions,
): Promise<SweepCounts> {
  const { before, oldestWriter, signal, onProgress } = options;
  const { chunks } = store, turns = new Turns(signal);
  const count = {
    diskChunks: 0,
    diskBytes: 0,
    removedChunks: 0,
    removedBytes: 0,
    pendingChunks: 0,
    pendingBytes: 0,
    removedBad: 0,
    stillBad: 0,
    removedTemporaries: 0,
  };
  /** Removes a file unless somebody begins to use it right now; gives whether it is gone. */
  const remove = (file: ChunkFile): boolean =>
    file.kind === "chunk"
      ? chunks.removeUnused(parseDigest(file.hex), before)
      : chunks.remove(file);

  const folders = chunks.folders();
  for (const [done, folder] of folders.entries()) {
    onProgress(done, folders.length);
    for (const file of chunks.filesIn(folder)) {
      const state = chunks.state(file);
      if (state === undefined) continue;
      const { size, atime, mtime } = state, { kind } = file;
      if (kind === "marker" || kind === "temporary") {
        // Markers are those of a store of another kind, which this one is not.
        const isOld = kind === "marker" || mtime < before;
        if (isOld && remove(file)) count.removedTemporaries++;
      } else if (atime < before && remove(file)) {
        if (kind === "bad") count.removedBad++;
        else {
          count.removedChunks++;
          count.removedBytes += size;
        }
      } else if (kind === "bad") count.stillBad++;
      // What could not be removed has just come into use.
      else if (atime >= before && atime < oldestWriter) {
        count.pendingChunks++;
        count.pendingBytes += size;
      } else {
        count.diskChunks++;
        count.diskBytes += size;
      }
    }
    await turns.give();
  }
  onProgress(folders.length, folders.length);
  return count;
}
