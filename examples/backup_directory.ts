// A directory into a split archive and back, through the packages alone. Run: deno run -A examples/backup_directory.ts SOURCE TARGET
import { decode, encodeStreams } from "@pxar/codec";
import { readTree, Report, writeTree } from "@pxar/fs";

const [source, target] = Deno.args;
if (source === undefined || target === undefined) {
  throw new TypeError("Cannot copy: expected a source and a target");
}

const report = new Report((problem) => console.error(problem.message));
const { metadata, payload, done } = encodeStreams(readTree(source, { report }));
const restored = await writeTree(target, decode(metadata, { payload }));
const written = await done;

console.log(
  `${written.entries} entries, ${written.metadata} bytes of metadata, ${written.payload} of payload`,
);
console.log(`${restored.entries} restored, ${restored.errors} errors`);
