// What is counted of every source of a backup, and its sums.
import type { ArchiveResult } from "./backup.ts";

/** Numbers of a source, or of several. */
export type Counts = Omit<ArchiveResult, "archive" | "files">;

/** Nothing. */
export const NO_COUNTS: Counts = {
  entries: 0,
  regularFiles: 0,
  bytesRead: 0,
  bytesReused: 0,
  filesReused: 0,
  filesReread: 0,
  chunks: 0,
  chunksReused: 0,
  chunksNew: 0,
  bytesNew: 0,
  bytesStored: 0,
};

/** The sums of all numbers. */
export function sumOf(counts: readonly Counts[]): Counts {
  const sum: Record<keyof Counts, number> = { ...NO_COUNTS };
  for (const one of counts) {
    for (const name of Object.keys(NO_COUNTS) as (keyof Counts)[]) {
      sum[name] += one[name];
    }
  }
  return sum;
}
