// What backups of some folders, one after the other, read, and what they add to a store, here one in memory. Run: deno run -A examples/dedup_statistics.ts FOLDER…
import { readTree } from "@pxar/fs";
import { memoryStore } from "@pxar/store";
import { backup } from "@pxar/transfer";

if (Deno.args.length === 0) {
  console.error("Cannot count: expected a folder, or the same one twice");
  Deno.exit(2);
}

await using store = await memoryStore();
for (const folder of Deno.args) {
  const made = await backup(store, [
    { archive: "root.pxar", entries: (how) => readTree(folder, how) },
  ], { id: "me", mode: "metadata" });
  console.log(`${folder}: ${made.entries} entries`);
  console.log(`  ${made.bytesRead} bytes read, ${made.bytesReused} unread`);
  console.log(`  ${made.chunksNew} of ${made.chunks} chunks are new`);
  console.log(`  ${made.bytesNew} bytes, ${made.bytesStored} as stored`);
}
