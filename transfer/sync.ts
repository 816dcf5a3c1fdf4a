/**
 * Synchronisation: brings the snapshots of one store into another, whatever the two are made of.
 *
 * Groups in order, the oldest snapshot first; a snapshot that is there stays as it is; one that is older than the newest of its group in the
 * target does not come any more. Each snapshot is copied whole or not at all. A run that was ended goes on where it was: chunks that have arrived are not read again.
 *
 * After damage in the source the next snapshot of the group has its turn, because waiting mends nothing. After anything that may pass, such as a full disk or a lock, the rest of the
 * group waits for the next run: a later snapshot would shut the door on the one that failed.
 *
 * @module
 */
import { parseBlob } from "@pxar/chunk/blob";
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import {
  BusyError,
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
  SystemError,
} from "@pxar/format/errors";
import { CLIENT_LOG_NAME } from "@pxar/store/archive_name";
import {
  isBelow,
  namespaceParent,
  parseNamespace,
  ROOT_NAMESPACE,
} from "@pxar/store/namespace";
import {
  type GroupName,
  groupText,
  type SnapshotName,
} from "@pxar/store/snapshot";
import type {
  Abortable,
  GroupInfo,
  SnapshotInfo,
  SnapshotReader,
  Store,
} from "@pxar/store/store";
import { ChunkCarrier } from "./chunk_carrier.ts";
import { type GroupFilter, isGroupWanted } from "./group_filter.ts";
import { type NewKey, Reencryption } from "./reencrypt.ts";
import {
  type CopyCounts,
  copySnapshot,
  NOTHING_COPIED,
  readLog,
  type SnapshotCopyOptions,
} from "./snapshot_copy.ts";
import { planGroup, type SnapshotChoice, type SyncStep } from "./sync_plan.ts";
import { SyncLog } from "./sync_log.ts";
import type { SnapshotSync, SyncEvent, SyncReport } from "./sync_report.ts";
import { Vanished } from "./vanished.ts";

/** What is brought where. */
export interface SyncOptions extends SnapshotChoice, Abortable {
  /** Where to begin in the source; the root unless told. */
  readonly namespace?: string | undefined;
  /** What takes its place in the target, and is made where it is missing; the same unless told. */
  readonly targetNamespace?: string | undefined;
  /** How many levels of namespaces below it; all unless told. */
  readonly maxDepth?: number | undefined;
  /** Which groups; all unless told. */
  readonly filters?: readonly GroupFilter[] | undefined;
  /** Whether snapshots, groups and namespaces go that are in the target only, but for what is protected. */
  readonly removeVanished?: boolean | undefined;
  /** Who writes: owner of new groups, who must be that of the old ones. The owner in the source unless told. */
  readonly owner?: string | undefined;
  /** Whether nothing is changed. */
  readonly dryRun?: boolean | undefined;
  /** The key that snapshots were made with: those that were are verified with it, too. */
  readonly key?: CryptKey | undefined;
  /** What they become; they stay as they are unless told. */
  readonly reencrypt?: NewKey | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads; as many as there are processors unless told, 0 for none but this one. */
  readonly threads?: number | undefined;
  /** Told what is done. */
  readonly onEvent?: ((event: SyncEvent) => void) | undefined;
}

/** Who owns a new group whose owner in the source cannot be read. */
const NOBODYS = "root@pam";

/**
 * Brings the snapshots of one store into another.
 *
 * @param source Where they are; nothing changes there.
 * @param target Where they are to be.
 * @param options Which ones, and where to.
 * @returns What was done; what failed is in there, too.
 * @throws {NotFoundError} If the namespace is not in the source.
 * @throws {RangeError} If both are one store, and one namespace is in the other.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@pxar/store/memory";
 * import { sync } from "@pxar/transfer/sync";
 *
 * const source = await memoryStore(), target = await memoryStore();
 * const { snapshots, counts } = await sync(source, target, { latest: 3 });
 * console.assert(snapshots.length === 0 && counts.newBytes === 0);
 * ```
 */
export async function sync(
  source: Store,
  target: Store,
  options: SyncOptions = {},
): Promise<SyncReport> {
  const { namespace = ROOT_NAMESPACE, latest = Infinity } = options;
  const to = options.targetNamespace ?? namespace;
  if (!(latest >= 1)) {
    throw new RangeError(
      `Cannot sync the latest ${latest} snapshots: expected 1 or more`,
    );
  }
  checkApart(source, target, namespace, to);
  options.signal?.throwIfAborted();
  const copier = await copierOf(options);
  try {
    return await new Sync(source, target, copier, options)
      .run(parseNamespace(namespace), parseNamespace(to));
  } finally {
    await copier.close();
  }
}

/** Copies snapshots, as they are or under another key. */
interface Copier {
  copy(
    reader: SnapshotReader,
    target: Store,
    options: SnapshotCopyOptions,
  ): Promise<CopyCounts & { readonly logProblem: PxarError | undefined }>;
  close(): Promise<void>;
}

async function copierOf(options: SyncOptions): Promise<Copier> {
  const { key, native, threads, reencrypt } = options;
  if (reencrypt !== undefined) {
    return await Reencryption.start(reencrypt, { key, native, threads });
  }
  const carrier = new ChunkCarrier({ from: key, native, threads });
  return {
    copy: (reader, target, options) =>
      copySnapshot(reader, target, carrier, key, options),
    close: () => carrier.close(),
  };
}

/** What is copied into its own source would be found there again, without end. */
function checkApart(
  source: Store,
  target: Store,
  from: string,
  to: string,
): void {
  if (source !== target && source.location !== target.location) return;
  if (from !== to && !isBelow(from, to) && !isBelow(to, from)) return;
  const shown = (namespace: string) => namespace || "the root namespace";
  throw new RangeError(
    `Cannot sync ${source.location} with itself: ${
      from === to
        ? `both sides are ${shown(from)}`
        : `${isBelow(to, from) ? to : from} lies in ${
          shown(isBelow(to, from) ? from : to)
        }`
    }, expected namespaces apart`,
  );
}

/** One run. */
class Sync {
  readonly #source: Store;
  readonly #target: Store;
  readonly #copier: Copier;
  readonly #options: SyncOptions;
  readonly #filters: readonly GroupFilter[];
  readonly #log: SyncLog;
  readonly #vanished: Vanished;

  constructor(
    source: Store,
    target: Store,
    copier: Copier,
    options: SyncOptions,
  ) {
    this.#source = source;
    this.#target = target;
    this.#copier = copier;
    this.#options = options;
    this.#filters = options.filters ?? [];
    this.#log = new SyncLog(options);
    this.#vanished = new Vanished(target, this.#log, options);
  }

  async run(from: string, to: string): Promise<SyncReport> {
    const { signal, maxDepth, removeVanished = false } = this.#options;
    const namespaces = await this.#source.namespaces(from, maxDepth, {
      signal,
    });
    const mapped = new Set<string>();
    for (const namespace of namespaces) {
      const below = namespace.slice(from === "" ? 0 : from.length + 1);
      const there = [to, below].filter((part) => part !== "").join("/");
      mapped.add(there);
      await this.#log.attempt(there, async () => {
        await this.#namespace(namespace, parseNamespace(there));
      });
    }
    if (removeVanished) {
      await this.#log.attempt(to, () => this.#vanished.namespaces(to, mapped));
    }
    return this.#log.report;
  }

  async #namespace(from: string, to: string): Promise<void> {
    const { signal, dryRun = false, removeVanished = false } = this.#options;
    const groups = await this.#source.groups(from, { signal });
    if (!dryRun) await this.#makeNamespace(to);
    const there = await this.#groupsThere(to);
    for (const info of groups) {
      if (!isGroupWanted(info.group, this.#filters)) continue;
      const group = { ...info.group, namespace: to };
      const known = there.get(groupText(group));
      await this.#log.attempt(group, () => this.#group(info, group, known));
    }
    if (!removeVanished) return;
    const names = new Set(groups.map(({ group }) => groupText(group)));
    for (const info of there.values()) {
      if (names.has(groupText(info.group))) continue;
      await this.#log.attempt(
        info.group,
        () => this.#vanished.group(info),
      );
    }
  }

  /** Groups of a namespace in the target; none where it is missing. */
  async #groupsThere(namespace: string): Promise<Map<string, GroupInfo>> {
    const { signal } = this.#options;
    try {
      const groups = await this.#target.groups(namespace, { signal });
      return new Map(groups.map((info) => [groupText(info.group), info]));
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      return new Map();
    }
  }

  async #makeNamespace(namespace: string): Promise<void> {
    const { signal } = this.#options, parent = namespaceParent(namespace);
    if (parent === undefined) return;
    await this.#makeNamespace(parent);
    await this.#target.createNamespace(namespace, { signal });
  }

  async #group(
    { group: from, owner: theirs, notes }: GroupInfo,
    group: GroupName,
    known: GroupInfo | undefined,
  ): Promise<void> {
    const { signal, removeVanished = false } = this.#options;
    this.#log.tell({ kind: "group", group });
    const infos = await this.#source.snapshots(from, { signal });
    const there = known === undefined
      ? []
      : await this.#target.snapshots(group, { signal });
    const owner = this.#options.owner ?? theirs ?? NOBODYS;
    const { copied, isWhole } = await this.#copyAll(
      infos,
      there,
      group,
      owner,
    );
    const { dryRun = false } = this.#options;
    if (known === undefined && !dryRun) {
      if (copied === 0) await this.#leaveNoEmptyGroup(group);
      else if (notes !== "") await this.#target.setGroupNotes(group, notes);
    }
    // What has vanished may be all that is left of what could not be copied.
    if (!removeVanished || !isWhole) return;
    const times = new Set(infos.map(({ snapshot }) => snapshot.time));
    await this.#vanished.snapshots(
      there.filter(({ snapshot }) => !times.has(snapshot.time)),
    );
  }

  /** Brings what is missing of a group; gives how many came, and whether all did. */
  async #copyAll(
    infos: readonly SnapshotInfo[],
    there: readonly SnapshotInfo[],
    group: GroupName,
    owner: string,
  ): Promise<{ copied: number; isWhole: boolean }> {
    let copied = 0, isWhole = true, isShut = false;
    for (const step of planGroup(infos, there, this.#options)) {
      this.#options.signal?.throwIfAborted();
      const { info, plan } = step;
      const snapshot = { ...group, time: info.snapshot.time };
      if (plan === "there") await this.#there(step, snapshot);
      else if (plan !== "copy") this.#log.say(snapshot, plan);
      else if (isShut) this.#log.say(snapshot, "waiting");
      else {
        const result = await this.#copy(
          info.snapshot,
          snapshot,
          owner,
          step.there,
        );
        if (result.state === "copied") copied++;
        else {
          isWhole = false;
          isShut = !isDamage(result.error);
        }
      }
    }
    return { copied, isWhole };
  }

  async #copy(
    from: SnapshotName,
    to: SnapshotName,
    owner: string,
    rest: SnapshotInfo | undefined,
  ): Promise<SnapshotSync> {
    const { signal, dryRun = false } = this.#options;
    if (dryRun) return this.#log.say(to, "copied");
    this.#log.tell({ kind: "snapshot", snapshot: to });
    const before = this.#log.counts;
    let file: string | undefined, counts = NOTHING_COPIED;
    const onProgress = (name: string, now: CopyCounts) => {
      file = name;
      counts = now;
      this.#log.counts = sum(before, now);
      this.#log.tell({
        kind: "progress",
        snapshot: to,
        file: name,
        counts: this.#log.counts,
      });
    };
    try {
      await using reader = await this.#source.open(from, { signal });
      // What a run left that was killed; whoever is at work has it locked.
      if (rest !== undefined) {
        await this.#target.forget(rest.snapshot, { signal });
      }
      const { namespace } = to;
      const { logProblem } = await this.#copier.copy(reader, this.#target, {
        namespace,
        owner,
        signal,
        onProgress,
      });
      return this.#log.say(to, "copied", {
        file: logProblem && CLIENT_LOG_NAME,
        error: logProblem,
        counts,
      });
    } catch (error) {
      signal?.throwIfAborted();
      // A RangeError: somebody else has brought a later one meanwhile.
      if (!(error instanceof PxarError || error instanceof RangeError)) {
        throw error;
      }
      return this.#log.say(to, "failed", { file, error, counts });
    }
  }

  /** A snapshot that has come before: its log may have come to the source later. */
  async #there(
    { info, hasLateLog }: SyncStep,
    to: SnapshotName,
  ): Promise<void> {
    const { dryRun = false, reencrypt, signal } = this.#options;
    let error: PxarError | undefined;
    // Under another key it would be another one.
    if (hasLateLog && !dryRun && reencrypt === undefined) {
      try {
        await using reader = await this.#source.open(info.snapshot, {
          signal,
        });
        const log = await readLog(reader, { signal });
        if (log !== undefined) {
          parseBlob(log);
          await this.#target.uploadLog(to, log, { signal });
        }
      } catch (why) {
        if (!(why instanceof PxarError)) throw why;
        error = why;
      }
    }
    const file = error && CLIENT_LOG_NAME;
    this.#log.say(to, "there", { file, error });
  }

  /** A group that nothing came into was made for nothing. */
  async #leaveNoEmptyGroup(group: GroupName): Promise<void> {
    const { signal } = this.#options;
    try {
      const left = await this.#target.snapshots(group, { signal });
      if (left.length === 0) await this.#target.forgetGroup(group, { signal });
    } catch (error) {
      // It was never made, or somebody else is at work there.
      if (error instanceof NotFoundError || error instanceof BusyError) return;
      throw error;
    }
  }
}

/** Whether waiting mends nothing: damage in the source, or a key that is not the one. */
function isDamage(error: unknown): boolean {
  return error instanceof FormatError || error instanceof IntegrityError ||
    error instanceof NotFoundError || error instanceof KeyError ||
    error instanceof SystemError && error.code === "EIO";
}

function sum(a: CopyCounts, b: CopyCounts): CopyCounts {
  return {
    chunks: a.chunks + b.chunks,
    bytes: a.bytes + b.bytes,
    newChunks: a.newChunks + b.newChunks,
    newBytes: a.newBytes + b.newBytes,
    storedBytes: a.storedBytes + b.storedBytes,
  };
}
