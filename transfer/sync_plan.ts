/**
 * What is to be done with the snapshots of a group, before anything is.
 *
 * @module
 */
import { CLIENT_LOG_NAME, MANIFEST_NAME } from "@pxar/store/archive_name";
import type { FileListing, SnapshotInfo } from "@pxar/store/store";

/** Which snapshots of a group are wanted. */
export interface SnapshotChoice {
  /** Only so many of each group, the newest of those that are wanted; 1 or more. */
  readonly latest?: number | undefined;
  /** Only snapshots whose last verification found nothing wrong. */
  readonly verifiedOnly?: boolean | undefined;
  /** Only snapshots all of whose files are encrypted. */
  readonly encryptedOnly?: boolean | undefined;
}

/** What is to be done with one of them. */
export interface SyncStep {
  /** What the source says of it. */
  readonly info: SnapshotInfo;
  /** What is to be done: copy it, or nothing, because of that. */
  readonly plan: "copy" | "there" | "older" | "unwanted" | "unfinished";
  /** What the target says of it: with `copy`, somebody began it there and did not finish. */
  readonly there: SnapshotInfo | undefined;
  /** Whether it is the same on both sides, but for the client's log, which only the source has. */
  readonly hasLateLog: boolean;
}

/**
 * Compares a group on both sides.
 *
 * @param source Its snapshots in the source, oldest first.
 * @param target Those in the target, oldest first.
 * @param choice Which ones are wanted.
 * @returns A step for each in the source, in order.
 */
export function planGroup(
  source: readonly SnapshotInfo[],
  target: readonly SnapshotInfo[],
  choice: SnapshotChoice,
): SyncStep[] {
  const byTime = new Map(target.map((info) => [info.snapshot.time, info]));
  const newest = target.findLast(({ finished }) => finished)?.snapshot.time ??
    -Infinity;
  const wanted = source.filter((info) => isWanted(info, choice));
  const { latest } = choice;
  const chosen = new Set(
    latest === undefined ? wanted : wanted.slice(-latest),
  );
  const planOf = (
    info: SnapshotInfo,
    there: SnapshotInfo | undefined,
  ): SyncStep["plan"] => {
    if (there !== undefined && hasManifest(there)) return "there";
    if (info.snapshot.time <= newest) return "older";
    if (chosen.has(info)) return "copy";
    return hasManifest(info) ? "unwanted" : "unfinished";
  };
  return source.map((info) => {
    const there = byTime.get(info.snapshot.time);
    const hasLateLog = there !== undefined && hasLog(info) && !hasLog(there) &&
      sameFiles(info, there);
    return { info, plan: planOf(info, there), there, hasLateLog };
  });
}

function hasLog({ files }: SnapshotInfo): boolean {
  return files.some(({ name }) => name === CLIENT_LOG_NAME);
}

/** Whether it is finished, even if its manifest cannot be read. */
function hasManifest({ files }: SnapshotInfo): boolean {
  return files.some(({ name }) => name === MANIFEST_NAME);
}

function isWanted(
  info: SnapshotInfo,
  { verifiedOnly = false, encryptedOnly = false }: SnapshotChoice,
): boolean {
  if (!hasManifest(info)) return false;
  if (verifiedOnly && info.verification?.state !== "ok") return false;
  if (!encryptedOnly) return true;
  return info.finished &&
    listed(info).every(({ cryptMode }) => cryptMode === "encrypt");
}

function sameFiles(a: SnapshotInfo, b: SnapshotInfo): boolean {
  return JSON.stringify(listed(a)) === JSON.stringify(listed(b));
}

/** The files that the manifest lists. */
function listed({ files }: SnapshotInfo): FileListing[] {
  return files.filter(({ cryptMode, name }) =>
    cryptMode !== undefined && name !== MANIFEST_NAME
  );
}
