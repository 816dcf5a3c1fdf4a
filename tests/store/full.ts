// Whole snapshots as a backup makes them, with what must come back of each: a unified archive with its catalog, a split one, an image, a blob, a log.
import { decodeBlob, joinBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { joinAccess } from "@pxar/chunk/join";
import type { CryptKey } from "@pxar/chunk/key";
import { sha256Of } from "@pxar/chunk/sha256";
import { catalogTap } from "@pxar/codec/catalog_tap";
import { CatalogWriter } from "@pxar/codec/catalog_writer";
import { encode } from "@pxar/codec/encode";
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batch,
  BytesContent,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { archivePieces } from "@pxar/store/archive_stream";
import { ArchiveWriter } from "@pxar/store/archive_writer";
import { checkedBlob, checkedIndex } from "@pxar/store/checked_file";
import type { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import {
  type CryptMode,
  makeManifest,
  type ManifestFile,
} from "@pxar/store/manifest";
import { signManifest, verifyManifest } from "@pxar/store/manifest_signature";
import type { SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotWriter, Store } from "@pxar/store/store";
import { CollectPayload, CollectSink, concat } from "../support/entries.ts";
import { input, xorshift32 } from "../support/prng.ts";

const TEXT = new TextEncoder();
/** Small chunks, so that there are many. */
const AVERAGE = 4096;

/** Content of each file of a snapshot, by its name there. */
export type Contents = ReadonlyMap<string, Bytes>;

/** Entries of a tree: some files are those of every tree, some are its own. */
function entriesOf(seed: number): Entry[] {
  const next = xorshift32(seed * 7919 + 1), entries: Entry[] = [];
  const name = (text: string) => TEXT.encode(text);
  let position = 100;
  const file = (text: string, bytes: Bytes) =>
    entries.push(
      makeEntry("file", {
        name: name(text),
        mode: 0o100644,
        secs: seed,
        content: new BytesContent(bytes),
        position: position++,
      }),
    );
  const folder = (text: string) =>
    entries.push(
      makeEntry("directory", {
        name: name(text),
        mode: 0o40755,
        secs: 1,
        position: position++,
      }),
    );
  const end = () => entries.push(makeEntry("end", { position: position++ }));
  folder("");
  file("common-random", input({ kind: "xorshift32", seed: 77, size: 12_000 }));
  file("common-text", input({ kind: "text", seed: 78, size: 16_000 }));
  file("empty", new Uint8Array(0));
  folder("own");
  for (let i = 0; i < 4; i++) {
    file(
      `text-${i}`,
      input({
        kind: "text",
        seed: seed * 10 + i + 1,
        size: 1 + next() % 8_000,
      }),
    );
  }
  end();
  file("zeros", new Uint8Array(20_000));
  end();
  return entries;
}

function* inOne(entries: Entry[]): Generator<Batch> {
  yield entries;
}

/** What a snapshot of a seed holds. */
export async function contentsOf(seed: number): Promise<Contents> {
  const unified = new CollectSink(), catalog = new CollectSink();
  const writer = new CatalogWriter(catalog);
  await encode(catalogTap(inOne(entriesOf(seed)), writer, "root.pxar.didx"), {
    metadata: unified,
  });
  await writer.finish();
  const metadata = new CollectSink(), payload = new CollectPayload();
  await encode(inOne(entriesOf(seed + 1)), { metadata, payload });
  const image = new Uint8Array(30_000 + seed % 9);
  image.set(input({ kind: "text", seed: seed + 5, size: 5_000 }), 10_000);
  return new Map([
    ["root.pxar.didx", unified.bytes()],
    ["catalog.pcat1.didx", catalog.bytes()],
    ["data.mpxar.didx", metadata.bytes()],
    ["data.ppxar.didx", payload.bytes()],
    ["disk.img.fidx", image],
    ["fw.conf.blob", input({ kind: "text", seed: seed + 9, size: 500 })],
  ]);
}

/** How a snapshot is made with a key. */
export interface Keyed {
  readonly key?: CryptKey | undefined;
  /** Whether the key only signs. */
  readonly signsOnly?: boolean | undefined;
}

/** Writes the files of a snapshot. */
export async function putContents(
  writer: SnapshotWriter,
  crew: ChunkCrew,
  contents: Contents,
  { key, signsOnly = false }: Keyed = {},
): Promise<void> {
  const cryptMode: CryptMode = key === undefined
    ? "none"
    : signsOnly
    ? "sign-only"
    : "encrypt";
  const files: ManifestFile[] = [];
  for (const [name, bytes] of contents) {
    if (name.endsWith(".blob")) {
      const blob = joinBlob(
        await sealBlob(bytes, {
          codecs: await openCodecs(),
          key: signsOnly ? undefined : key,
        }),
      );
      await writer.blob(name, blob);
      files.push({ name, cryptMode, size: blob.length, csum: sha256Of(blob) });
      continue;
    }
    const isImage = name.endsWith(".fidx");
    const index = isImage
      ? await writer.fixedIndex(name, bytes.length, AVERAGE)
      : await writer.dynamicIndex(name);
    const cut = isImage ? { chunkSize: AVERAGE } : { average: AVERAGE };
    await using archive = await ArchiveWriter.open(
      name,
      writer,
      index,
      crew,
      cut,
    );
    for (let at = 0; at < bytes.length; at += 20_000) {
      await archive.write(bytes.subarray(at, at + 20_000));
    }
    files.push({ ...(await archive.finish()).file, cryptMode });
  }
  const manifest = makeManifest(writer.snapshot, files);
  await writer.finish(
    key === undefined ? manifest : signManifest(manifest, key),
  );
}

/** Makes a whole snapshot; the crew must have the key if what it writes is encrypted. */
export async function makeFull(
  store: Store,
  snapshot: SnapshotName,
  crew: ChunkCrew,
  contents: Contents,
  keyed: Keyed = {},
): Promise<void> {
  await using writer = await store.create(snapshot, { owner: "root@pam" });
  await putContents(writer, crew, contents, keyed);
}

/**
 * Reads a snapshot as every reader does: the manifest, then indexes and blobs that are compared with it, then chunks that are compared with these.
 *
 * @param found Told of what came of each file: its content, or why there is none.
 */
export async function readFull(
  store: Datastore,
  snapshot: SnapshotName,
  crew: ChunkCrew,
  key: CryptKey | undefined,
  found: (name: string, content: Bytes | { readonly error: unknown }) => void,
): Promise<void> {
  const codecs = await openCodecs();
  await using reader = await store.open(snapshot);
  const manifest = await reader.manifest();
  verifyManifest(manifest, key);
  for (const file of manifest.files) {
    const { name } = file, encrypted = file.cryptMode === "encrypt";
    const attempt = async (read: () => Promise<Bytes>) => {
      try {
        found(name, await read());
      } catch (error) {
        found(name, { error });
      }
    };
    if (name.endsWith(".blob")) {
      await attempt(async () =>
        await decodeBlob(await checkedBlob(reader, file), { codecs, key })
      );
      continue;
    }
    await attempt(async () => {
      const index = await checkedIndex(reader, file), pieces: Bytes[] = [];
      try {
        for await (
          const piece of archivePieces(index, reader, crew, { encrypted })
        ) pieces.push(piece.slice());
      } finally {
        await index.close();
      }
      return concat(pieces);
    });
    await attempt(async () => {
      const access = joinAccess(await checkedIndex(reader, file), reader, {
        codecs,
        key,
        encrypted,
        budget: 1 << 16,
      });
      try {
        const bytes = new Uint8Array(access.size);
        // From the end to the start, in strides that are none of the chunks'.
        for (let end = bytes.length; end > 0;) {
          const start = Math.max(0, end - 7001);
          const got = await access.read(start, bytes.subarray(start, end));
          if (got !== end - start) {
            throw new Error(`read ${got} bytes, expected ${end - start}`);
          }
          end = start;
        }
        return bytes;
      } finally {
        await access.close?.();
      }
    });
  }
}
