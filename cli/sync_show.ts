/**
 * What a synchronisation did, in words and as JSON.
 *
 * @module
 */
import { groupPath, snapshotPath } from "@pxar/store/snapshot";
import type {
  SnapshotSync,
  SyncProblem,
  SyncReport,
  SyncState,
} from "@pxar/transfer/sync_report";
import { reasonOf } from "./exits.ts";
import { nameJson } from "./listing.ts";
import { counted } from "./removed.ts";
import { countText, sizeText } from "./show.ts";
import type { JsonValue } from "./table.ts";
import type { Voice } from "./voice.ts";

/**
 * Says what is wrong with a snapshot, if anything is.
 *
 * @param result What became of it.
 * @param voice Says it.
 */
export function sayProblem(result: SnapshotSync, voice: Voice): void {
  const { snapshot, state, file, error } = result;
  const name = snapshotPath(snapshot), within = file ? `, ${file}` : "";
  if (state === "waiting") {
    voice.problem(`${name} waits until the one before it is there`);
  } else if (error !== undefined) {
    const what = state === "failed"
      ? "is not copied"
      : state === "kept"
      ? "is not removed"
      : "has no log in the target";
    voice.problem(`${name}${within} ${what}: ${reasonOf(error)}`);
  }
}

/**
 * What is wrong with a group or namespace.
 *
 * @param problem What was reported.
 * @returns One sentence.
 */
export function problemText({ what, error }: SyncProblem): string {
  const name = typeof what === "string"
    ? what === "" ? "the root namespace" : `namespace ${what}`
    : groupPath(what);
  return `${name} is passed over: ${reasonOf(error)}`;
}

/**
 * What was done with a snapshot.
 *
 * @param result What became of it.
 * @param dryRun Whether it was not done, only shown.
 * @returns One line; nothing where nothing was done.
 */
export function lineOf(result: SnapshotSync, dryRun: boolean): string {
  const { snapshot, state, counts } = result, name = snapshotPath(snapshot);
  if (state === "removed") {
    return `${name}: ${dryRun ? "would be removed" : "removed"}\n`;
  }
  if (state === "kept") return `${name}: kept\n`;
  if (state !== "copied") return "";
  if (dryRun) return `${name}: would be copied\n`;
  return `${name}: copied, ${countText(counts.newChunks)} new of ${
    counted(counts.chunks, "chunk")
  }, ${sizeText(counts.storedBytes)}\n`;
}

/**
 * What was done in all.
 *
 * @param report What was reported.
 * @param dryRun Whether it was not done, only shown.
 * @returns One line.
 */
export function summaryOf(report: SyncReport, dryRun: boolean): string {
  const { counts } = report, how = countsOf(report);
  const { chunks, bytes, newChunks, newBytes, storedBytes } = counts;
  const carried = dryRun
    ? ""
    : `: ${counted(newChunks, "chunk")}, ${sizeText(newBytes)}, stored in ${
      sizeText(storedBytes)
    }; ${counted(chunks - newChunks, "chunk")}, ${
      sizeText(bytes - newBytes)
    } were there`;
  const others = ORDER.filter((state) => how[state] > 0).map((state) =>
    `${countText(how[state])} ${
      dryRun && state === "removed" ? "to be removed" : WORDS[state]
    }`
  );
  return `${dryRun ? "would copy" : "copied"} ${
    counted(how.copied, "snapshot")
  }${carried}${others.length > 0 ? `; ${others.join(", ")}` : ""}\n`;
}

const WORDS: Readonly<Record<SyncState, string>> = {
  copied: "copied",
  there: "there before",
  older: "older than the target's newest",
  unwanted: "not asked for",
  unfinished: "unfinished",
  failed: "failed",
  waiting: "waiting",
  removed: "removed",
  kept: "kept",
};
const ORDER: readonly SyncState[] = [
  "there",
  "older",
  "unwanted",
  "unfinished",
  "failed",
  "waiting",
  "removed",
  "kept",
];

function countsOf({ snapshots }: SyncReport): Record<SyncState, number> {
  const how = Object.fromEntries(
    Object.keys(WORDS).map((state) => [state, 0]),
  ) as Record<SyncState, number>;
  for (const { state } of snapshots) how[state]++;
  return how;
}

/**
 * The whole report for JSON.
 *
 * @param report What was reported.
 * @param dryRun Whether it was not done, only shown.
 */
export function jsonOf(report: SyncReport, dryRun: boolean): JsonValue {
  const { counts } = report;
  return {
    "dry-run": dryRun || undefined,
    ...countsOf(report),
    chunks: counts.chunks,
    bytes: counts.bytes,
    "new-chunks": counts.newChunks,
    "new-bytes": counts.newBytes,
    "stored-bytes": counts.storedBytes,
    snapshots: report.snapshots.map((
      { snapshot, state, file, error, counts },
    ) => ({
      ...nameJson(snapshot),
      ns: snapshot.namespace === "" ? undefined : snapshot.namespace,
      state,
      "new-chunks": state === "copied" ? counts.newChunks : undefined,
      "stored-bytes": state === "copied" ? counts.storedBytes : undefined,
      file: error === undefined ? undefined : file,
      error: error === undefined ? undefined : reasonOf(error),
    })),
    problems: report.problems.map((problem) => problemText(problem)),
  };
}
