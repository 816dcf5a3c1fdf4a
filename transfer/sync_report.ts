/**
 * What a synchronisation tells.
 *
 * @module
 */
import type { GroupName, SnapshotName } from "@pxar/store/snapshot";
import type { CopyCounts } from "./snapshot_copy.ts";

/** What is done. */
export type SyncEvent =
  | { readonly kind: "group"; readonly group: GroupName }
  | { readonly kind: "snapshot"; readonly snapshot: SnapshotName }
  | {
    readonly kind: "progress";
    readonly snapshot: SnapshotName;
    /** The file that is at work. */
    readonly file: string;
    /** What was carried of all snapshots so far. */
    readonly counts: CopyCounts;
  }
  | { readonly kind: "end"; readonly result: SnapshotSync }
  | { readonly kind: "problem"; readonly problem: SyncProblem };

/**
 * What became of a snapshot:
 *
 * | state | meaning |
 * | :-- | :-- |
 * | `copied` | it is in the target now; in a dry run: it would be |
 * | `there` | it was in the target before |
 * | `older` | it is older than the newest of its group in the target, and so cannot come any more |
 * | `unwanted` | it is not among the latest, not verified or not encrypted, as was asked for |
 * | `unfinished` | it has no manifest: it never happened, or is just being made |
 * | `failed` | it could not be copied, and nothing of it is seen in the target |
 * | `waiting` | one before it failed for a reason that may pass, so it has to wait |
 * | `removed` | it was in the target only; in a dry run: it would be removed |
 * | `kept` | it is in the target only, and protected or in use |
 */
export type SyncState =
  | "copied"
  | "there"
  | "older"
  | "unwanted"
  | "unfinished"
  | "failed"
  | "waiting"
  | "removed"
  | "kept";

/** What became of one snapshot. */
export interface SnapshotSync {
  /** Its name in the target; its namespace in the source may be another one. */
  readonly snapshot: SnapshotName;
  /** What became of it. */
  readonly state: SyncState;
  /** The file at which it failed, where one was at work. */
  readonly file: string | undefined;
  /** Why it failed, or is kept; of one that was copied: why its log is not beside it. */
  readonly error: unknown;
  /** What was carried of it. */
  readonly counts: CopyCounts;
}

/** What is wrong with a whole group or namespace. */
export interface SyncProblem {
  /** Its namespace in the target, or the group there. */
  readonly what: string | GroupName;
  /** What is wrong. */
  readonly error: unknown;
}

/** What was done in all. */
export interface SyncReport {
  /** Each snapshot: groups in order, oldest snapshot of each first, what is only in the target behind them. */
  readonly snapshots: readonly SnapshotSync[];
  /** Groups and namespaces that could not be worked on. */
  readonly problems: readonly SyncProblem[];
  /** What was carried. */
  readonly counts: CopyCounts;
}
