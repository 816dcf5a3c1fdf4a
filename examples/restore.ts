// The newest snapshot of a group, back into a folder that is to be made. Run: deno run -A examples/restore.ts STORE GROUP FOLDER
import { Report, writeTree } from "@pxar/fs";
import { openDatastore, parseGroup } from "@pxar/store";
import { openSnapshot } from "@pxar/transfer";

const [path = "", group = "", folder = ""] = Deno.args;
await using store = await openDatastore(path);
const all = await store.snapshots(parseGroup(group));
const last = all.findLast((one) => one.finished);
if (!last) throw new Error(`there is no finished snapshot of ${group}`);
await using opened = await openSnapshot(store, last.snapshot);
const report = new Report((problem) => console.error(problem.message));
const entries = opened.entries("photos.pxar");
const { entries: count } = await writeTree(folder, entries, { report });
console.log(`${count} entries restored, ${report.errors} problems`);
