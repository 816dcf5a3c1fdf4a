// A folder into a snapshot of a datastore, made where there is none yet, and its names out of that again. Run: deno run -A examples/local_datastore.ts STORE FOLDER
import { joinAccess, openIndex } from "@pxar/chunk";
import { Accessor, encode } from "@pxar/codec";
import { showName } from "@pxar/format";
import { readTree } from "@pxar/fs";
import { ArchiveWriter } from "@pxar/store/archive_writer";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import { initDatastore } from "@pxar/store/datastore_layout";
import { makeManifest } from "@pxar/store/manifest";
import { openDatastore } from "@pxar/store/open_datastore";
import type { SnapshotName } from "@pxar/store/snapshot";
import { openKernel } from "@pxar/sys/kernel";

const [path = "", folder = ""] = Deno.args, name = "root.pxar.didx";
if (!folder) throw new TypeError("Cannot back up: expected STORE FOLDER");
await Deno.stat(`${path}/.chunks`).catch(() =>
  initDatastore(path, { allFolders: false })
);
// Without `locks`, they lie where a PBS on this machine looks for them.
const options = { kernel: openKernel(), locks: `${path}/.locks` };
await using store = await openDatastore(path, options);
const time = Math.floor(Date.now() / 1000);
const snapshot: SnapshotName = { namespace: "", type: "host", id: "me", time };
{
  const crew = await ChunkCrew.start(store.direct);
  await using writer = await store.create(snapshot, { owner: "root@pam" });
  const index = await writer.dynamicIndex(name);
  await using archive = await ArchiveWriter.open(name, writer, index, crew);
  await encode(readTree(folder), { metadata: archive });
  const { file, chunks, storedBytes } = await archive.finish();
  const manifest = makeManifest(snapshot, [{ ...file, cryptMode: "none" }]);
  await writer.finish(manifest);
  crew.close();
  console.log(`${file.size} bytes in ${chunks} chunks, ${storedBytes} stored`);
}
await using reader = await store.open(snapshot);
const index = await openIndex(await reader.file(name)), { codecs } = store;
const bytes = joinAccess(index, reader, { codecs, encrypted: false });
await using archive = await Accessor.open(bytes);
for await (const page of archive.list(archive.root)) {
  for (const { entry } of page) console.log(showName(entry.name));
}
