// Which snapshots are verified, and how PBS names such a task.
import { parseAuthId } from "./auth_id.ts";
import type { Datastore } from "./datastore.ts";
import { namespacePath } from "./namespace.ts";
import type { GroupName, SnapshotName } from "./snapshot.ts";
import { thisTask } from "./this_task.ts";
import type { Upid } from "./upid.ts";

/** What is verified. */
export type VerifyScope =
  | { readonly namespace: string; readonly maxDepth?: number | undefined }
  | { readonly group: GroupName }
  | { readonly snapshot: SnapshotName };

/** PBS makes this group for measuring, and never verifies it. */
const BENCHMARK = { type: "host", id: "benchmark" };

/**
 * Snapshots to be verified: groups in order, newest snapshot of each first.
 *
 * @throws {NotFoundError} If there is no such namespace, group or snapshot.
 */
export function snapshotsOf(
  { tree }: Datastore,
  scope: VerifyScope,
): SnapshotName[] {
  if ("snapshot" in scope) {
    tree.needSnapshot(scope.snapshot);
    return [scope.snapshot];
  }
  if ("group" in scope) {
    tree.needGroup(scope.group);
    return tree.snapshots(scope.group).reverse();
  }
  return tree.namespaces(scope.namespace, scope.maxDepth ?? Infinity)
    .flatMap((namespace) => tree.groups(namespace))
    .filter(({ type, id }) => type !== BENCHMARK.type || id !== BENCHMARK.id)
    .flatMap((group) => tree.snapshots(group).reverse());
}

/** The task's name, as PBS gives it. Source: protocol spec E.2. */
export function verifyTask(
  store: Datastore,
  scope: VerifyScope,
  user: string,
): Upid {
  const start = Math.floor(store.now() / 1000), authId = parseAuthId(user);
  const name = (type: string, id: string) =>
    thisTask(type, `${store.name}${id}`, authId, start);
  if ("namespace" in scope) {
    const path = namespacePath(scope.namespace);
    return name("verify", path === "" ? "" : `:${path}`);
  }
  const { namespace, type, id } = "group" in scope
    ? scope.group
    : scope.snapshot;
  const group = `:${namespacePath(namespace)}/${type}/${id}`;
  if ("group" in scope) return name("verify_group", group);
  const time = scope.snapshot.time.toString(16).toUpperCase().padStart(8, "0");
  return name("verify_snapshot", `${group}/${time}`);
}
