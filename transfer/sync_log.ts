// What a synchronisation has done so far, told as it happens.
import { PxarError } from "@pxar/format/errors";
import type { SnapshotName } from "@pxar/store/snapshot";
import type { Abortable } from "@pxar/store/store";
import { type CopyCounts, NOTHING_COPIED } from "./snapshot_copy.ts";
import type {
  SnapshotSync,
  SyncEvent,
  SyncProblem,
  SyncReport,
  SyncState,
} from "./sync_report.ts";

/** Who is told, and what ends it. */
export interface SyncLogOptions extends Abortable {
  readonly onEvent?: ((event: SyncEvent) => void) | undefined;
}

/** Collects what is reported in the end. */
export class SyncLog {
  readonly #options: SyncLogOptions;
  readonly #snapshots: SnapshotSync[] = [];
  readonly #problems: SyncProblem[] = [];
  /** What was carried of all snapshots. */
  counts: CopyCounts = NOTHING_COPIED;

  constructor(options: SyncLogOptions) {
    this.#options = options;
  }

  get report(): SyncReport {
    return {
      snapshots: this.#snapshots,
      problems: this.#problems,
      counts: this.counts,
    };
  }

  /** Says what is being done. */
  tell(event: SyncEvent): void {
    this.#options.onEvent?.(event);
  }

  /** Says what became of a snapshot. */
  say(
    snapshot: SnapshotName,
    state: SyncState,
    more: Partial<SnapshotSync> = {},
  ): SnapshotSync {
    const result = {
      snapshot,
      state,
      file: undefined,
      error: undefined,
      counts: NOTHING_COPIED,
      ...more,
    };
    this.#snapshots.push(result);
    this.tell({ kind: "end", result });
    return result;
  }

  /** Does what may fail without an end to all the rest. */
  async attempt(
    what: SyncProblem["what"],
    work: () => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    try {
      await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PxarError)) throw error;
      const problem = { what, error };
      this.#problems.push(problem);
      this.tell({ kind: "problem", problem });
    }
  }
}
