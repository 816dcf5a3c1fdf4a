/**
 * One process that writes a folder's files into a datastore as one archive, or reads that archive back, so that its time and memory can be measured:
 * `store_child.ts write|read STORE [FOLDER] [--no-native] [--key]`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { CryptKey } from "@pxar/chunk/key";
import { openIndex } from "@pxar/chunk/open_index";
import { fileAccess } from "@pxar/codec/random_access";
import { archivePieces } from "@pxar/store/archive_stream";
import { ArchiveWriter } from "@pxar/store/archive_writer";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import { makeManifest } from "@pxar/store/manifest";
import { openDatastore } from "@pxar/store/open_datastore";
import { openKernel } from "@pxar/sys/kernel";
import { openNative } from "@pxar/sys/native";

const NAME = "root.pxar.didx";
const { values, positionals: [verb, path, folder] } = parseArgs({
  allowPositionals: true,
  options: {
    "no-native": { type: "boolean", default: false },
    key: { type: "boolean", default: false },
  },
});
const native = values["no-native"] ? undefined : openNative();
const key = values.key ? CryptKey.of(new Uint8Array(32).fill(7)) : undefined;

async function open(): Promise<Datastore> {
  const locks = `${path}/.locks`;
  return await openDatastore(path!, {
    kernel: openKernel(),
    native,
    locks,
    sync: "none",
  });
}

async function write(): Promise<void> {
  try {
    Deno.statSync(`${path}/.chunks`);
  } catch {
    await initDatastore(path!, { allFolders: false });
  }
  const store = await open();
  const snapshot = {
    namespace: "",
    type: "host" as const,
    id: "bench",
    time: Math.floor(Date.now() / 1000),
  };
  await using writer = await store.create(snapshot, { owner: "root@pam" });
  const crew = await ChunkCrew.start(writer.direct, { native, key });
  const index = await writer.dynamicIndex(NAME);
  await using archive = await ArchiveWriter.open(NAME, writer, index, crew);
  for (const name of walk(folder!)) {
    const access = await fileAccess(name);
    let at = 0;
    await archive.readFrom({
      read: (into) => {
        const got = access.read(at, into) as number;
        at += got;
        return got;
      },
      skip: undefined,
      close: undefined,
    });
    access.close?.();
  }
  const { file } = await archive.finish();
  const cryptMode = key ? "encrypt" : "none";
  await writer.finish(makeManifest(snapshot, [{ ...file, cryptMode }]));
  crew.close();
}

async function read(): Promise<void> {
  const store = await open();
  const last = (await store.snapshots("")).at(-1);
  if (last === undefined) throw new Error("Cannot read: the store is empty");
  await using reader = await store.open(last.snapshot);
  const index = await openIndex(await reader.file(NAME));
  const crew = await ChunkCrew.start(reader.direct, { native, key });
  let bytes = 0;
  const encrypted = key !== undefined;
  for await (const piece of archivePieces(index, reader, crew, { encrypted })) {
    bytes += piece.length;
  }
  if (bytes !== index.size) throw new Error("Cannot read the archive whole");
  crew.close();
}

/** Every file below a folder, in order. */
function* walk(at: string): Generator<string> {
  const names = [...Deno.readDirSync(at)];
  for (const one of names.sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (one.isDirectory) yield* walk(`${at}/${one.name}`);
    else if (one.isFile) yield `${at}/${one.name}`;
  }
}

await (verb === "write" ? write() : read());
Deno.exit(0);
