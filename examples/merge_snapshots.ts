// A new snapshot of several others: what they have at one path is the last one's. Run: deno run -A examples/merge_snapshots.ts STORE SNAPSHOT…
import { backup, merge, type MergeSource, openSnapshot } from "@pxar/transfer";
import { openDatastore, parseSnapshot, snapshotText } from "@pxar/store";
import { openKernel } from "@pxar/sys/kernel";
import { leafAt } from "@pxar/transfer/subtree";

const [path, ...names] = Deno.args, archive = "root.pxar";
if (path === undefined || names.length === 0) {
  console.error(
    "Cannot merge: expected a store, and snapshots such as host/elsa/2026-03-01T04:00:00Z",
  );
  Deno.exit(2);
}
await using store = await openDatastore(path, { kernel: openKernel() });
await using open = new AsyncDisposableStack();
const sources: MergeSource[] = [];
for (const name of names) {
  const snapshot = open.use(await openSnapshot(store, parseSnapshot(name)));
  const accessor = open.use(await snapshot.accessor(archive));
  const resolve = (position: number) => leafAt(accessor, position);
  sources.push({ name, entries: snapshot.entries(archive), resolve });
}
const entries = merge(sources, { policy: "replace" });
const made = await backup(store, [{ archive, entries }], { id: "merged" });
console.log(`${snapshotText(made.snapshot)}: ${made.entries} entries`);
console.log(`${made.chunksNew} of ${made.chunks} chunks are new`);
