// A folder into a datastore (made by `pxar store init STORE`), and a file out of it again. Run: deno run -A examples/backup.ts [STORE [FOLDER [FILE]]]
import { readTree } from "@pxar/fs";
import { backup, openDatastore, openSnapshot, snapshotText } from "@pxar/pxar";
import { openKernel } from "@pxar/sys/kernel";

const [path = "store", folder = "photos", file = "2026/beach.txt"] = Deno.args;
await using store = await openDatastore(path, { kernel: openKernel() });
const { snapshot } = await backup(store, [
  { archive: "photos.pxar", entries: (how) => readTree(folder, how) },
], { id: "elsa" });
const all = await store.snapshots("");
for (const one of all) console.log(snapshotText(one.snapshot));
await using opened = await openSnapshot(store, snapshot);
await using archive = await opened.accessor("photos.pxar");
const node = await archive.lookup(file);
if (node) await archive.stream(node).pipeTo(Deno.stdout.writable);
