/**
 * What is said of a backup that was made.
 *
 * @module
 */
import type { Report } from "@pxar/fs/report";
import { snapshotText } from "@pxar/store/snapshot";
import type { ArchiveResult, BackupSummary } from "@pxar/transfer/backup";
import { jsonReport } from "./outcome.ts";
import { print, printJson } from "./output.ts";
import { countText, sizeText } from "./show.ts";
import type { Voice } from "./voice.ts";

/** What else is to be said, and how. */
export interface SummaryOptions {
  /** What reading the directories met. */
  readonly report: Report;
  /** Where it was made. */
  readonly store: string;
  /** Whether nothing was made. */
  readonly dryRun: boolean;
  /** Whether it is printed as JSON. */
  readonly json: boolean;
  /** Says details. */
  readonly voice: Voice;
}

/**
 * Prints the snapshot's name, and says what was done; or all as JSON.
 *
 * @param summary What was done.
 * @param options How.
 */
export async function printSummary(
  summary: BackupSummary,
  options: SummaryOptions,
): Promise<void> {
  const { report, store, dryRun, json, voice } = options;
  const snapshot = snapshotText(summary.snapshot);
  if (json) {
    const { problems, warnings, losses } = await jsonReport(report);
    printJson({
      snapshot,
      namespace: summary.snapshot.namespace,
      store,
      dryRun,
      previous: summary.previous && snapshotText(summary.previous),
      ...numbers(summary),
      duration: summary.duration / 1000,
      archives: summary.archives.map((one) => ({
        archive: one.archive,
        ...numbers(one),
      })),
      warnings,
      problems,
      losses,
    });
    return;
  }
  for (const one of summary.archives) {
    voice.note(`${one.archive}: ${archiveLine(one, dryRun)}`);
  }
  const seconds = (summary.duration / 1000).toFixed(1);
  voice.note(
    dryRun
      ? `nothing was written to ${store}; that took ${seconds} s`
      : `${sizeText(summary.bytesNew)} new, ${
        sizeText(summary.bytesStored)
      } stored in ${store}, in ${seconds} s`,
  );
  print(`${dryRun ? "would make " : ""}${snapshot}\n`);
}

function numbers(one: Omit<ArchiveResult, "archive" | "files">) {
  return {
    entries: one.entries,
    files: one.regularFiles,
    bytesRead: one.bytesRead,
    bytesReused: one.bytesReused,
    filesReused: one.filesReused,
    filesReread: one.filesReread,
    bytesNew: one.bytesNew,
    bytesStored: one.bytesStored,
    chunks: one.chunks,
    chunksNew: one.chunksNew,
    chunksReused: one.chunksReused,
  };
}

function archiveLine(one: ArchiveResult, dryRun: boolean): string {
  const read = `${sizeText(one.bytesRead)} ${dryRun ? "to be read" : "read"}`;
  if (one.entries === 0) return read;
  const parts = [`${countText(one.entries)} entries`, read];
  if (one.filesReused > 0) {
    parts.push(
      `${countText(one.filesReused)} files with ${
        sizeText(one.bytesReused)
      } unchanged`,
    );
  }
  if (one.filesReread > 0) {
    parts.push(
      `${countText(one.filesReread)} unchanged files read again`,
    );
  }
  return parts.join(", ");
}
