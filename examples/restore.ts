// Of the newest snapshot of a group, the archive that examples/backup.ts makes, into a new folder. Run: deno run -A examples/restore.ts STORE GROUP FOLDER
import { Report, writeTree } from "@pxar/fs";
import { openDatastore, parseGroup } from "@pxar/store";
import { openSnapshot } from "@pxar/transfer";

const [path, group, folder] = Deno.args;
if (path === undefined || group === undefined || folder === undefined) {
  console.error(
    "Cannot restore: expected a store, a group such as host/elsa, and a new folder",
  );
  Deno.exit(2);
}
await using store = await openDatastore(path);
const all = await store.snapshots(parseGroup(group));
const last = all.findLast((one) => one.finished);
if (!last) throw new Error(`there is no finished snapshot of ${group}`);
await using opened = await openSnapshot(store, last.snapshot);
const report = new Report((problem) => console.error(problem.message));
const entries = opened.entries("photos.pxar");
const { entries: count } = await writeTree(folder, entries, { report });
console.log(`${count} entries restored, ${report.errors} problems`);
