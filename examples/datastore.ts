// Any bytes into the chunks of a datastore and, a part of them, out again; then all of it is verified. Run: deno run -A examples/datastore.ts STORE < BYTES
import { makeManifest, openDatastore, verify } from "@pxar/store";
import { ArchiveWriter } from "@pxar/store/archive_writer";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import { initDatastore } from "@pxar/store/datastore_layout";
import { openKernel } from "@pxar/sys/kernel";
import { openSnapshot } from "@pxar/transfer";

const [path] = Deno.args, name = "bytes.pxar.didx";
if (path === undefined) {
  console.error("Cannot make store: expected the path of a new one");
  Deno.exit(2);
}
await initDatastore(path, { allFolders: false });
await using store = await openDatastore(path, { kernel: openKernel() });
const snapshot = { namespace: "", type: "host", id: "me", time: 1 } as const;
{
  const crew = await ChunkCrew.start(store.direct);
  await using writer = await store.create(snapshot, { owner: "root@pam" });
  const index = await writer.dynamicIndex(name);
  await using archive = await ArchiveWriter.open(name, writer, index, crew);
  for await (const piece of Deno.stdin.readable) await archive.write(piece);
  const { file, chunks, storedBytes } = await archive.finish();
  await writer.finish(makeManifest(snapshot, [{ ...file, cryptMode: "none" }]));
  crew.close();
  console.log(`${file.size} bytes in ${chunks} chunks, ${storedBytes} stored`);
}
await using opened = await openSnapshot(store, snapshot);
const bytes = await opened.access(name);
const part = new Uint8Array(8);
await bytes.read(bytes.size - part.length, part);
await bytes.close?.();
console.log(`it ends with ${part.toHex()}`);
const { failed, chunks } = await verify(store, { snapshot });
console.log(`${chunks} chunks verified, ${failed} snapshots damaged`);
