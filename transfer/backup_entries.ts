// A source of entries, asked to read as a backup needs it.
import type { Batches } from "@pxar/format/entry";
import type { BackupOptions, BackupSource, ReadHow } from "./backup.ts";
import {
  LOOK_AHEAD,
  type PreviousArchive,
  reuse,
  type ReuseCount,
} from "./reuse.ts";

/** Entries that are read beyond those that are looked ahead of: one batch. */
const BATCH = 64;

/** What gives the entries of a tree. */
export type EntrySource = Extract<
  BackupSource,
  { entries: unknown }
>["entries"];

/** Starts reading a source as it is told, where it can be told. */
export function readEntries(source: EntrySource, how: ReadHow): Batches {
  return typeof source === "function" ? source(how) : source;
}

/** Entries of a split archive: what has not changed since the one before is reused, where there is one. */
export function splitEntries(
  source: EntrySource,
  previous: PreviousArchive | undefined,
  count: ReuseCount,
  { ahead = LOOK_AHEAD, dryRun = false, signal }: Pick<
    BackupOptions,
    "ahead" | "dryRun" | "signal"
  >,
): Batches {
  const how = { prelude: true, ...(signal && { signal }) };
  if (previous === undefined) {
    return readEntries(source, { ...how, advise: !dryRun });
  }
  // With 0 nothing is held, so that no batch is looked beyond.
  const read = readEntries(source, {
    ...how,
    advise: false,
    ...(ahead > 0 && { hold: ahead + BATCH }),
  });
  return reuse(read, previous, { ahead: ahead || undefined, count });
}
