/**
 * Namespaces, groups and snapshots as they are named on a command line.
 *
 * @module
 */
import { FormatError, NotFoundError } from "@pxar/format/errors";
import type { Datastore } from "@pxar/store/datastore";
import { parseNamespace } from "@pxar/store/namespace";
import {
  type GroupName,
  groupText,
  parseGroup,
  parseGroupOrSnapshot,
  parseSnapshot,
  type SnapshotName,
} from "@pxar/store/snapshot";
import { UsageError } from "./exits.ts";

/** Most levels of namespaces. */
const DEEPEST = 7;

/**
 * Reads an argument: what is wrong with it is wrong usage, not damage.
 *
 * @param read Reads it.
 * @returns What it gives.
 * @throws {UsageError} If it throws a `FormatError`.
 */
export function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * The namespace that is meant.
 *
 * @param text As it was typed; the root where it was not.
 * @throws {UsageError} If it is none.
 */
export function namespaceOf(text: string | undefined): string {
  return asUsage(() => parseNamespace(text ?? ""));
}

/**
 * The group that is meant.
 *
 * @param text As it was typed.
 * @param namespace Its namespace as it was typed, if it was.
 * @throws {UsageError} If it is none.
 */
export function groupOf(
  text: string,
  namespace: string | undefined,
): GroupName {
  return asUsage(() => parseGroup(text, namespace));
}

/**
 * The snapshot that is meant.
 *
 * @param text As it was typed.
 * @param namespace Its namespace as it was typed, if it was.
 * @throws {UsageError} If it is none.
 */
export function snapshotOf(
  text: string,
  namespace: string | undefined,
): SnapshotName {
  return asUsage(() => parseSnapshot(text, namespace));
}

/**
 * The group or snapshot that is meant.
 *
 * @param text As it was typed.
 * @param namespace Its namespace as it was typed, if it was.
 * @returns That of a snapshot has a `time`.
 * @throws {UsageError} If it is neither.
 */
export function groupOrSnapshotOf(
  text: string,
  namespace: string | undefined,
): GroupName | SnapshotName {
  return asUsage(() => parseGroupOrSnapshot(text, namespace));
}

/**
 * The snapshot that is meant where a group means its newest one that is finished.
 *
 * @param store Where it is.
 * @param name A group or a snapshot.
 * @throws {NotFoundError} If there is no such group, or none of its snapshots is finished.
 */
export function newestOf(
  { tree }: Datastore,
  name: GroupName | SnapshotName,
): SnapshotName {
  if ("time" in name) return name;
  tree.needGroup(name);
  const newest = tree.snapshots(name).findLast((one) => tree.isFinished(one));
  if (newest !== undefined) return newest;
  throw new NotFoundError(
    `Cannot find a snapshot of group ${
      groupText(name)
    }: none of them is finished`,
  );
}

/**
 * How deep to go.
 *
 * @param levels As it was typed; as deep as it goes where it was not.
 * @throws {UsageError} If it is more than there can be.
 */
export function depthOf(levels: number | undefined): number | undefined {
  if (levels === undefined || levels <= DEEPEST) return levels;
  throw new UsageError(
    `Cannot use --max-depth ${levels}: expected 0 to ${DEEPEST}`,
  );
}
