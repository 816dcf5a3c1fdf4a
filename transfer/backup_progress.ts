// How far one source of a backup is, and what is counted of it at the end.
import type { BackupOptions, BackupProgress } from "./backup.ts";
import { type Counts, NO_COUNTS } from "./backup_counts.ts";
import { Progress } from "./progress.ts";
import { ReuseCount } from "./reuse.ts";

/** Starts counting a source, and tells of it. */
export function startProgress(
  archive: string,
  onProgress: BackupOptions["onProgress"],
): BackupProgress {
  const reused = new ReuseCount();
  const progress = new Progress(onProgress && (() => onProgress(state)));
  const state = { archive, progress, reused };
  onProgress?.(state);
  return state;
}

/** What was counted of a tree, or of bytes that are none. */
export function countsOfProgress(
  { progress, reused }: BackupProgress,
): Counts {
  return {
    ...NO_COUNTS,
    entries: progress.entries,
    regularFiles: progress.files,
    bytesRead: progress.bytes,
    bytesReused: reused.bytes,
    filesReused: reused.files,
    filesReread: reused.rereadFiles,
    chunksReused: reused.chunks,
  };
}
