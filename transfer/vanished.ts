// What is in the target of a synchronisation only, and goes where that is wanted: snapshots, groups, namespaces; nothing that is protected or in use.
import { BusyError, NotFoundError, PxarError } from "@pxar/format/errors";
import { namespaceDepth } from "@pxar/store/namespace";
import type {
  Abortable,
  GroupInfo,
  SnapshotInfo,
  Store,
} from "@pxar/store/store";
import { type GroupFilter, isGroupWanted } from "./group_filter.ts";
import type { SyncLog } from "./sync_log.ts";

/** What goes. */
export interface VanishedOptions extends Abortable {
  /** Groups that are looked at. */
  readonly filters?: readonly GroupFilter[] | undefined;
  /** Whose groups they must be; anybody's unless told. */
  readonly owner?: string | undefined;
  /** How many levels of namespaces; all unless told. */
  readonly maxDepth?: number | undefined;
  /** Whether nothing goes. */
  readonly dryRun?: boolean | undefined;
}

/** Removes from one store. */
export class Vanished {
  readonly #target: Store;
  readonly #log: SyncLog;
  readonly #options: VanishedOptions;

  constructor(target: Store, log: SyncLog, options: VanishedOptions) {
    this.#target = target;
    this.#log = log;
    this.#options = options;
  }

  /** Removes the namespaces below one that the source has not, as far as nothing is left in them. */
  async namespaces(to: string, mapped: ReadonlySet<string>): Promise<void> {
    const { signal, maxDepth, dryRun = false } = this.#options;
    let there: string[];
    try {
      there = await this.#target.namespaces(to, maxDepth, { signal });
    } catch (error) {
      if (error instanceof NotFoundError) return;
      throw error;
    }
    const vanished = there.filter((one) => !mapped.has(one))
      .sort((a, b) => namespaceDepth(b) - namespaceDepth(a));
    for (const namespace of vanished) {
      for (const info of await this.#target.groups(namespace, { signal })) {
        await this.#log.attempt(info.group, () => this.group(info));
      }
      if (dryRun) continue;
      try {
        await this.#target.deleteNamespace(namespace, false, { signal });
      } catch (error) {
        // Something is left in it.
        if (!(error instanceof BusyError)) throw error;
      }
    }
  }

  /** Removes a group that the source has not. */
  async group({ group, owner }: GroupInfo): Promise<void> {
    const { signal, filters = [], dryRun = false } = this.#options;
    if (!isGroupWanted(group, filters)) return;
    if (this.#options.owner !== undefined && owner !== this.#options.owner) {
      return;
    }
    const snapshots = await this.#target.snapshots(group, { signal });
    await this.snapshots(snapshots);
    // With its last snapshot a group goes by itself.
    if (snapshots.length === 0 && !dryRun) {
      await this.#target.forgetGroup(group, { signal });
    }
  }

  /** Removes snapshots that the source has not. */
  async snapshots(infos: readonly SnapshotInfo[]): Promise<void> {
    const { signal, dryRun = false } = this.#options;
    for (const { snapshot, protected: isProtected } of infos) {
      signal?.throwIfAborted();
      let error: unknown;
      try {
        if (!isProtected && !dryRun) {
          await this.#target.forget(snapshot, { signal });
        }
      } catch (why) {
        if (!(why instanceof PxarError)) throw why;
        error = why;
      }
      const stays = isProtected || error !== undefined;
      this.#log.say(snapshot, stays ? "kept" : "removed", { error });
    }
  }
}
