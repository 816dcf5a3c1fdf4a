/**
 * What a verification tells.
 *
 * @module
 */
import type { SnapshotName } from "./snapshot.ts";

/** What is done or found. */
export type VerifyEvent =
  | { readonly kind: "snapshot"; readonly snapshot: SnapshotName }
  | {
    readonly kind: "file";
    readonly snapshot: SnapshotName;
    readonly name: string;
  }
  | {
    readonly kind: "progress";
    readonly chunks: number;
    readonly bytes: number;
  }
  | {
    readonly kind: "problem";
    readonly snapshot: SnapshotName;
    readonly problem: VerifyProblem;
  }
  | { readonly kind: "end"; readonly report: SnapshotReport };

/** What is wrong. */
export interface VerifyProblem {
  /** The file it is wrong with; the manifest itself where that is. */
  readonly name: string;
  /** In words. */
  readonly message: string;
}

/** What was found of a snapshot. */
export interface SnapshotReport {
  /** Which one. */
  readonly snapshot: SnapshotName;
  /**
   * `ok`, `failed`; `unfinished`: has no manifest, so it never happened; `skipped`: verified before; `busy`: being made or removed, or gone.
   */
  readonly state: "ok" | "failed" | "unfinished" | "skipped" | "busy";
  /** All that is wrong; of very many problems the first ones, and how many more there are. */
  readonly problems: readonly VerifyProblem[];
  /** Why the outcome could not be noted in the manifest; `undefined` where it was, or was not to be. */
  readonly unnoted: string | undefined;
  /** Whether it was signed or encrypted with a key that is not at hand: then of what is encrypted only checksums were compared. */
  readonly unkeyed: boolean;
}

/** What was found in all. */
export interface VerifyReport {
  /** Each snapshot: groups in order, newest snapshot of each first. */
  readonly snapshots: readonly SnapshotReport[];
  /** How many of them have failed. */
  readonly failed: number;
  /** How many chunks were read. */
  readonly chunks: number;
  /** Their length, bytes. */
  readonly bytes: number;
  /** How many bad chunks were put out of the way, so that a later backup writes them anew. */
  readonly setAside: number;
}
