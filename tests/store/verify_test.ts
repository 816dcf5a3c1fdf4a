import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { DynamicIndexWriter } from "@pxar/chunk/dynamic_index";
import { FixedIndexWriter } from "@pxar/chunk/fixed_index";
import { MemoryIndexSink } from "@pxar/chunk/index_sink";
import { CryptKey, fingerprintText } from "@pxar/chunk/key";
import { sha256Of } from "@pxar/chunk/sha256";
import type { Bytes } from "@pxar/format/bytes";
import {
  BusyError,
  FormatError,
  NotFoundError,
  SystemError,
} from "@pxar/format/errors";
import { authIdText } from "@pxar/store/auth_id";
import type { Datastore } from "@pxar/store/datastore";
import { makeManifest, type ManifestFile } from "@pxar/store/manifest";
import { signManifest, verifyManifest } from "@pxar/store/manifest_signature";
import { memoryStore } from "@pxar/store/memory";
import type { SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotWriter } from "@pxar/store/store";
import { verifyStateOf, withKeyFingerprint } from "@pxar/store/unprotected";
import { verify, type VerifyOptions } from "@pxar/store/verify";
import type { VerifyEvent, VerifyReport } from "@pxar/store/verify_report";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { input } from "../support/prng.ts";
import {
  groupOf,
  makeSnapshot,
  putArchive,
  putChunk,
  snapshotOf,
} from "./contract.ts";
import {
  change,
  filePath,
  flip,
  mendCrc,
  rewriteFile,
  rewriteFiles,
  rewriteManifest,
  rewriteManifestText,
} from "./rewrite.ts";
import {
  bytesOf,
  chunkFiles,
  chunkOf,
  chunkPath,
  isThere,
  withDatastore,
} from "./stores.ts";

const OWNER = "root@pam", DAY = 86_400_000;
const PLAIN = snapshotOf(groupOf("plain"), 0),
  SECRET = snapshotOf(groupOf("secret"), 0);
const SIGNED = snapshotOf(groupOf("signed"), 0);
const KEY = CryptKey.of(new Uint8Array(32).fill(7)),
  OTHER = CryptKey.of(new Uint8Array(32).fill(8));
const IMAGE = input({ kind: "text", seed: 5, size: 10_000 });
const CHUNKS = ["one", "two", "three"].map((text) =>
  bytesOf(`${text} `.repeat(99))
);
const QUIET: VerifyOptions = { threads: 0 };

async function putImage(
  writer: SnapshotWriter,
  key?: CryptKey,
): Promise<ManifestFile> {
  const name = "disk.img.fidx",
    index = await writer.fixedIndex(name, IMAGE.length, 4096);
  for (let at = 0; at < IMAGE.length; at += 4096) {
    const { ref } = await putChunk(
      writer,
      at,
      IMAGE.subarray(at, at + 4096),
      key,
    );
    await index.append([ref]);
  }
  return { name, ...await index.close(), cryptMode: key ? "encrypt" : "none" };
}

async function putText(
  writer: SnapshotWriter,
  name: string,
  text: string,
  key?: CryptKey,
): Promise<ManifestFile> {
  const blob = joinBlob(
    await sealBlob(bytesOf(text), { codecs: await openCodecs(), key }),
  );
  await writer.blob(name, blob);
  return {
    name,
    csum: sha256Of(blob),
    size: blob.length,
    cryptMode: key ? "encrypt" : "none",
  };
}

/** A snapshot with files of every kind, and the client's log. */
async function fullSnapshot(
  store: Datastore,
  snapshot: SnapshotName,
  key?: CryptKey,
  signsOnly = false,
): Promise<void> {
  const seal = signsOnly ? undefined : key;
  await using writer = await store.create(snapshot, { owner: OWNER });
  const written = [
    await putArchive(writer, "root.pxar.didx", CHUNKS, seal),
    await putImage(writer, seal),
    await putText(writer, "fw.conf.blob", "allow all", seal),
  ];
  const files = signsOnly
    ? written.map((file) => ({ ...file, cryptMode: "sign-only" as const }))
    : written;
  const manifest = makeManifest(snapshot, files);
  await writer.finish(key ? signManifest(manifest, key) : manifest);
  await store.uploadLog(
    snapshot,
    joinBlob(
      await sealBlob(bytesOf("log log log"), {
        codecs: await openCodecs(),
        key: seal,
      }),
    ),
  );
}

/** A store with a plain, an encrypted and a signed snapshot. */
async function withSnapshots(
  use: (store: Datastore) => Promise<void>,
  options: Parameters<typeof withDatastore>[1] = {},
): Promise<void> {
  await withDatastore(async (store) => {
    await fullSnapshot(store, PLAIN);
    await fullSnapshot(store, SECRET, KEY);
    await fullSnapshot(store, SIGNED, KEY, true);
    await use(store);
  }, options);
}

const ALL = { namespace: "" };

/** State of each snapshot, by the id of its group. */
function statesOf(report: VerifyReport): Record<string, string> {
  return Object.fromEntries(
    report.snapshots.map(({ snapshot, state }) => [snapshot.id, state]),
  );
}

Deno.test("verify() finds nothing wrong with what was written, with the key and without, by threads and without", async () => {
  for (const threads of [0, 2]) {
    for (const key of [undefined, KEY, OTHER]) {
      await withSnapshots(async (store) => {
        const report = await verify(store, ALL, { threads, key });
        assertEquals(
          report.snapshots.map((
            { snapshot, state, problems, unnoted },
          ) => [snapshot.id, state, problems, unnoted]),
          [
            ["plain", "ok", [], undefined],
            ["secret", "ok", [], undefined],
            ["signed", "ok", [], undefined],
          ],
        );
        // Equal chunks of two snapshots are read once.
        const distinct = chunkFiles(store).length;
        assertEquals([report.failed, report.chunks, report.setAside], [
          0,
          distinct,
          0,
        ]);
        assertEquals(
          report.bytes,
          2 *
            (IMAGE.length +
              CHUNKS.reduce((sum, { length }) => sum + length, 0)),
        );
        for (const snapshot of [PLAIN, SECRET, SIGNED]) {
          const manifest = await store.tree.manifest(snapshot);
          const state = verifyStateOf(manifest)!;
          assertEquals([
            state.state,
            state.upid.workerType,
            state.upid.workerId,
            authIdText(state.upid.authId),
          ], ["ok", "verify", "store", OWNER]);
          if (snapshot !== PLAIN) verifyManifest(manifest, KEY);
        }
      });
    }
  }
});

Deno.test("verify() works on a store in memory", async () => {
  const store = await memoryStore();
  await fullSnapshot(store, PLAIN);
  await fullSnapshot(store, SECRET, KEY);
  assertEquals(statesOf(await verify(store, ALL, { key: KEY })), {
    plain: "ok",
    secret: "ok",
  });
  const { digest } = await chunkOf(CHUNKS[1]!);
  store.chunks.setAside(digest);
  const report = await verify(store, ALL);
  assertEquals(statesOf(report), { plain: "failed", secret: "ok" });
  assertStringIncludes(
    report.snapshots[0]!.problems[0]!.message,
    hexOf(digest),
  );
});

/** What must be found, by the id of the group: a file, and words of what is wrong with it. */
type Problems = Readonly<
  Record<string, readonly (readonly [string, string])[]>
>;

/** One damage, and what must be found. */
interface Case {
  readonly what: string;
  readonly damage: (store: Datastore) => void | Promise<void>;
  readonly problems:
    | Problems
    | ((key: CryptKey | undefined) => Problems);
  readonly setAside?: number;
  readonly key?: CryptKey;
  /** With which keys it can be told; with all and without unless given. */
  readonly told?: (key: CryptKey | undefined) => boolean;
}

const CHUNK = digestOf(CHUNKS[1]!), SECRET_CHUNK = digestOf(CHUNKS[1]!, KEY);
const BOTH = (
  name: string,
  words: string,
) => ({ plain: [[name, words]], signed: [[name, words]] } as const);

async function changeChunk(
  store: Datastore,
  digest: Bytes,
  to: (blob: Bytes) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  const path = chunkPath(store, digest);
  Deno.writeFileSync(path, await to(Deno.readFileSync(path)));
}

async function indexOf(
  refs: readonly { end: number; digest: Bytes }[],
): Promise<Bytes> {
  const sink = new MemoryIndexSink(), writer = new DynamicIndexWriter(sink);
  for (const { end, digest } of refs) await writer.append(end, digest);
  await writer.close();
  return sink.bytes;
}

const withKey = (key: CryptKey | undefined) => key === KEY;
const withAnyKey = (key: CryptKey | undefined) => key !== undefined;

const CASES: readonly Case[] = [
  {
    what: "a bit of a chunk's data",
    damage: (store) => changeChunk(store, CHUNK, (blob) => flip(blob, -1, 3)),
    problems: BOTH("root.pxar.didx", "CRC"),
    setAside: 1,
  },
  {
    what: "a bit of a chunk's checksum",
    damage: (store) => changeChunk(store, CHUNK, (blob) => flip(blob, 9)),
    problems: BOTH("root.pxar.didx", "CRC"),
    setAside: 1,
  },
  {
    what: "a bit of a chunk's magic number",
    damage: (store) => changeChunk(store, CHUNK, (blob) => flip(blob, 2)),
    problems: BOTH("root.pxar.didx", "magic"),
    setAside: 1,
  },
  {
    what: "a chunk that is cut",
    damage: (store) =>
      changeChunk(store, CHUNK, (blob) => blob.subarray(0, blob.length >> 1)),
    problems: BOTH("root.pxar.didx", "CRC"),
    setAside: 1,
  },
  {
    what: "a chunk that is empty",
    damage: (store) => changeChunk(store, CHUNK, (blob) => blob.subarray(0, 0)),
    problems: BOTH("root.pxar.didx", "0 bytes"),
    setAside: 1,
  },
  {
    what: "a chunk that is missing",
    damage: (store) => Deno.removeSync(chunkPath(store, CHUNK)),
    problems: BOTH("root.pxar.didx", "not in the store"),
    setAside: 0,
  },
  {
    what: "a chunk that holds another content of the same length",
    damage: (store) =>
      changeChunk(
        store,
        CHUNK,
        async () => (await chunkOf(CHUNKS[1]!.with(0, 0))).blob,
      ),
    problems: BOTH("root.pxar.didx", "digest"),
    setAside: 1,
  },
  {
    what: "a chunk that holds less",
    damage: (store) =>
      changeChunk(
        store,
        CHUNK,
        async () => (await chunkOf(CHUNKS[1]!.subarray(0, 9))).blob,
      ),
    problems: BOTH("root.pxar.didx", "9 bytes"),
    setAside: 1,
  },
  {
    what: "a chunk that swells",
    damage: (store) =>
      changeChunk(
        store,
        CHUNK,
        async () => (await chunkOf(new Uint8Array(8 << 20))).blob,
      ),
    problems: BOTH("root.pxar.didx", "chunk"),
    setAside: 1,
  },
  {
    what: "a chunk that is longer than any may be",
    damage: (store) =>
      Deno.truncateSync(chunkPath(store, CHUNK), (16 << 20) + 45),
    problems: BOTH("root.pxar.didx", "at most"),
    setAside: 1,
  },
  {
    what: "a chunk that is encrypted where it must be plain",
    damage: (store) =>
      changeChunk(
        store,
        CHUNK,
        async () => (await chunkOf(CHUNKS[1]!, KEY)).blob,
      ),
    problems: BOTH("root.pxar.didx", "is encrypted"),
    setAside: 0,
  },
  {
    what: "a chunk that is plain where it must be encrypted",
    damage: (store) =>
      changeChunk(
        store,
        SECRET_CHUNK,
        async () => (await chunkOf(CHUNKS[1]!)).blob,
      ),
    problems: { secret: [["root.pxar.didx", "is plain"]] },
    setAside: 0,
  },
  {
    what: "a bit of an encrypted chunk",
    damage: (store) =>
      changeChunk(store, SECRET_CHUNK, (blob) => flip(blob, -1)),
    problems: { secret: [["root.pxar.didx", "CRC"]] },
    setAside: 1,
  },
  {
    what: "a bit of an encrypted chunk, its checksum mended",
    damage: (store) =>
      changeChunk(store, SECRET_CHUNK, (blob) => mendCrc(flip(blob, -1))),
    problems: { secret: [["root.pxar.didx", "tag"]] },
    setAside: 1,
    told: withKey,
  },
  {
    what: "a bit of an encrypted chunk's IV",
    damage: (store) =>
      changeChunk(store, SECRET_CHUNK, (blob) => flip(blob, 12)),
    problems: { secret: [["root.pxar.didx", "tag"]] },
    setAside: 1,
    told: withKey,
  },
  {
    what: "a bit of an encrypted chunk's tag",
    damage: (store) =>
      changeChunk(store, SECRET_CHUNK, (blob) => flip(blob, 43)),
    problems: { secret: [["root.pxar.didx", "tag"]] },
    setAside: 1,
    told: withKey,
  },
  {
    what: "an encrypted chunk in the place of another",
    damage: (store) =>
      changeChunk(
        store,
        SECRET_CHUNK,
        () => Deno.readFileSync(chunkPath(store, digestOf(CHUNKS[0]!, KEY))),
      ),
    problems: { secret: [["root.pxar.didx", "digest"]] },
    setAside: 1,
    told: withKey,
  },
  {
    what: "an index that is missing",
    damage: (store) =>
      Deno.removeSync(filePath(store, PLAIN, "root.pxar.didx")),
    problems: { plain: [["root.pxar.didx", "no such file"]] },
  },
  {
    what: "an index with another magic number",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "root.pxar.didx"),
        (bytes) => flip(bytes, 0),
      ),
    problems: { plain: [["root.pxar.didx", "magic"]] },
  },
  {
    what: "an index that is cut",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "disk.img.fidx"),
        (bytes) => bytes.subarray(0, -1),
      ),
    problems: { plain: [["disk.img.fidx", "Cannot"]] },
  },
  {
    what: "a bit of a digest in an index",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "root.pxar.didx"),
        (bytes) => flip(bytes, -1),
      ),
    problems: { plain: [["root.pxar.didx", "checksum"]] },
  },
  {
    what: "a bit of an end in an index",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "root.pxar.didx"),
        (bytes) => flip(bytes, 4096),
      ),
    problems: { plain: [["root.pxar.didx", "checksum"]] },
  },
  {
    what: "ends in an index that fall",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "root.pxar.didx"),
        (bytes) => bytes.with(4096 + 3, 1),
      ),
    problems: { plain: [["root.pxar.didx", "ends"]] },
  },
  {
    what: "a bit of the checksum in an index's header",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "disk.img.fidx"),
        (bytes) => flip(bytes, 40),
      ),
    problems: { plain: [["disk.img.fidx", "header"]] },
  },
  {
    what: "a bit of an image's length",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "disk.img.fidx"),
        (bytes) => flip(bytes, 64),
      ),
    problems: { plain: [["disk.img.fidx", "checksum"]] },
  },
  {
    what: "an index of another kind than its name says",
    damage: async (store) => {
      const sink = new MemoryIndexSink(),
        writer = new FixedIndexWriter(sink, CHUNKS[0]!.length, 512);
      await writer.put(0, CHUNKS[0]!.length, digestOf(CHUNKS[0]!));
      await writer.close();
      await rewriteFile(store, PLAIN, "root.pxar.didx", sink.bytes);
    },
    problems: {
      plain: [["root.pxar.didx", "a fixed index, expected a dynamic one"]],
    },
  },
  {
    what: "an index that says another length of a chunk, which is sound",
    damage: async (store) =>
      await rewriteFile(
        store,
        PLAIN,
        "root.pxar.didx",
        await indexOf([{ end: 99, digest: CHUNK }]),
      ),
    problems: { plain: [["root.pxar.didx", "is sound"]] },
    setAside: 0,
  },
  {
    what: "an index that says a length that no chunk may have",
    damage: async (store) =>
      await rewriteFile(
        store,
        PLAIN,
        "root.pxar.didx",
        await indexOf([{ end: 2 ** 50, digest: CHUNK }]),
      ),
    problems: { plain: [["root.pxar.didx", "at most"]] },
    setAside: 0,
  },
  {
    what: "an index that names a chunk twice, with two lengths",
    damage: async (store) => {
      const end = CHUNKS[1]!.length;
      await rewriteFile(
        store,
        PLAIN,
        "root.pxar.didx",
        await indexOf([{ end, digest: CHUNK }, {
          end: end + 5,
          digest: CHUNK,
        }]),
      );
    },
    problems: { plain: [["root.pxar.didx", "the 5 bytes"]] },
    setAside: 0,
  },
  {
    what: "a blob that is missing",
    damage: (store) => Deno.removeSync(filePath(store, PLAIN, "fw.conf.blob")),
    problems: { plain: [["fw.conf.blob", "no such file"]] },
  },
  {
    what: "a bit of a blob",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "fw.conf.blob"),
        (bytes) => flip(bytes, -1),
      ),
    problems: { plain: [["fw.conf.blob", "checksum"]] },
  },
  {
    what: "a blob that goes on",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "fw.conf.blob"),
        (bytes) => Uint8Array.of(...bytes, 0),
      ),
    problems: { plain: [["fw.conf.blob", "checksum"]] },
  },
  {
    what: "a blob whose checksum was wrong from the start",
    damage: async (store) =>
      await rewriteFile(
        store,
        PLAIN,
        "fw.conf.blob",
        flip(Deno.readFileSync(filePath(store, PLAIN, "fw.conf.blob")), -1),
      ),
    problems: { plain: [["fw.conf.blob", "CRC"]] },
  },
  {
    what: "a blob whose frame is damaged",
    damage: async (store) => {
      const zstd = Uint8Array.of(
        0x31,
        0xb9,
        0x58,
        0x42,
        0x6f,
        0xb6,
        0xa3,
        0x7f,
        0,
        0,
        0,
        0,
        1,
        2,
        3,
      );
      await rewriteFile(store, PLAIN, "fw.conf.blob", mendCrc(zstd));
    },
    problems: { plain: [["fw.conf.blob", "Cannot"]] },
  },
  {
    what: "a blob that is encrypted where it must be plain",
    damage: async (store) =>
      await rewriteFile(
        store,
        PLAIN,
        "fw.conf.blob",
        (await chunkOf("allow", KEY)).blob,
      ),
    problems: { plain: [["fw.conf.blob", "is encrypted"]] },
  },
  {
    what: "a blob that is plain where it must be encrypted",
    damage: async (store) =>
      await rewriteFile(
        store,
        SECRET,
        "fw.conf.blob",
        (await chunkOf("allow")).blob,
        KEY,
      ),
    problems: { secret: [["fw.conf.blob", "is plain"]] },
  },
  {
    what: "an encrypted blob whose tag is wrong",
    damage: async (store) =>
      await rewriteFile(
        store,
        SECRET,
        "fw.conf.blob",
        flip(Deno.readFileSync(filePath(store, SECRET, "fw.conf.blob")), 30),
        KEY,
      ),
    problems: { secret: [["fw.conf.blob", "tag"]] },
    told: withKey,
  },
  {
    what: "a bit of the client's log",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "client.log.blob"),
        (bytes) => flip(bytes, -1),
      ),
    problems: { plain: [["client.log.blob", "CRC"]] },
  },
  {
    what: "a bit of the tag of an encrypted log",
    damage: (store) =>
      change(
        filePath(store, SECRET, "client.log.blob"),
        (bytes) => flip(bytes, 30),
      ),
    problems: { secret: [["client.log.blob", "tag"]] },
    told: withKey,
  },
  {
    what: "a bit of a manifest",
    damage: (store) =>
      change(
        filePath(store, PLAIN, "index.json.blob"),
        (bytes) => flip(bytes, -1),
      ),
    problems: { plain: [["index.json.blob", "CRC"]] },
  },
  {
    what: "a manifest that is no JSON",
    damage: async (store) => await rewriteManifestText(store, PLAIN, "{"),
    problems: { plain: [["index.json.blob", "Cannot"]] },
  },
  {
    what: "a manifest of another snapshot",
    damage: async (store) =>
      await rewriteManifest(
        store,
        PLAIN,
        (manifest) => makeManifest({ ...PLAIN, id: "other" }, manifest.files),
      ),
    problems: { plain: [["index.json.blob", "host/other"]] },
  },
  {
    what: "a manifest of another time",
    damage: async (store) =>
      await rewriteManifest(
        store,
        PLAIN,
        (manifest) => makeManifest({ ...PLAIN, time: 1 }, manifest.files),
      ),
    problems: { plain: [["index.json.blob", "1970-01-01T00:00:01Z"]] },
  },
  {
    what: "a file of a signed snapshot, with a manifest that says so",
    damage: async (store) => {
      const blob = (await chunkOf("deny")).blob;
      Deno.writeFileSync(filePath(store, SIGNED, "fw.conf.blob"), blob);
      await rewriteManifest(store, SIGNED, (manifest) => ({
        ...manifest,
        ...pick(
          makeManifest(
            SIGNED,
            manifest.files.map((file) =>
              file.name === "fw.conf.blob"
                ? { ...file, csum: sha256Of(blob), size: blob.length }
                : file
            ),
          ),
        ),
      }));
    },
    problems: { signed: [["index.json.blob", "signature is wrong"]] },
    told: withKey,
  },
  {
    what: "a signature that was taken away",
    damage: async (store) => await rewriteFiles(store, SECRET, (file) => file),
    problems: { secret: [["index.json.blob", "no signature"]] },
    told: withAnyKey,
  },
  {
    what: "a key's name that was changed",
    damage: async (store) =>
      await rewriteManifest(
        store,
        SIGNED,
        (manifest) =>
          withKeyFingerprint(manifest, fingerprintText(OTHER.fingerprint)),
      ),
    problems: { signed: [["index.json.blob", "key"]] },
    told: withAnyKey,
  },
  {
    what: "a crypt mode that was changed to encrypt",
    damage: (store) =>
      rewriteFiles(
        store,
        PLAIN,
        (file) =>
          file.name.endsWith("didx") ? { ...file, cryptMode: "encrypt" } : file,
      ),
    problems: (key) => ({
      plain: [
        // Whatever key is at hand: what is encrypted has a signature.
        ...key === undefined
          ? []
          : [["index.json.blob", "no signature"] as const],
        ["root.pxar.didx", "is plain"],
        ["root.pxar.didx", "is plain"],
        ["root.pxar.didx", "is plain"],
      ],
    }),
    setAside: 0,
  },
];

/** The part of a manifest that is signed. */
function pick({ files, signed }: ReturnType<typeof makeManifest>) {
  return { files, signed };
}

for (
  const { what, damage, problems, setAside = 0, told = () => true } of CASES
) {
  Deno.test(`verify() finds ${what}`, async () => {
    for (const key of [undefined, KEY, OTHER]) {
      await withSnapshots(async (store) => {
        await damage(store);
        const chunks = chunkFiles(store).length;
        const report = await verify(store, ALL, { ...QUIET, key });
        const isTold = told(key);
        const all: Problems = !isTold
          ? {}
          : typeof problems === "function"
          ? problems(key)
          : problems;
        const text = `${what}: ${JSON.stringify(report.snapshots)}`;
        assertEquals(
          report.snapshots.map((one) => [
            one.snapshot.id,
            one.state,
            one.problems.length,
          ]),
          ["plain", "secret", "signed"].map((id) => {
            const count = all[id]?.length ?? 0;
            return [id, count > 0 ? "failed" : "ok", count];
          }),
          text,
        );
        assertEquals(report.setAside, isTold ? setAside : 0);
        assertEquals(
          chunkFiles(store).filter(({ kind }) => kind === "bad").length,
          report.setAside,
        );
        assertEquals(chunkFiles(store).length, chunks);
        for (
          const { snapshot, state, problems: found, unnoted } of report
            .snapshots
        ) {
          for (const [name, words] of all[snapshot.id] ?? []) {
            assert(
              found.some((one) =>
                one.name === name && one.message.includes(words)
              ),
              text,
            );
          }
          if (unnoted !== undefined) continue;
          const manifest = await store.tree.manifest(snapshot);
          assertEquals(verifyStateOf(manifest)?.state, state);
        }
      });
    }
  });
}

Deno.test("verify() puts a bad chunk under the first free of ten names, and the last one again and again", async () => {
  await withDatastore(async (store) => {
    await makeSnapshot(store, PLAIN, CHUNKS);
    const path = chunkPath(store, CHUNK),
      { sealed } = await chunkOf(CHUNKS[1]!);
    for (let round = 0; round < 12; round++) {
      Deno.writeFileSync(path, bytesOf(`bad ${round}`));
      assertEquals((await verify(store, ALL, QUIET)).setAside, 1);
      const bad = `${path}.${Math.min(round, 9)}.bad`;
      assertEquals(Deno.readTextFileSync(bad), `bad ${round}`);
      assertEquals(isThere(path), false);
      // A later backup writes it anew, and all is well.
      store.chunks.put(CHUNK, sealed.header, sealed.body);
      assertEquals(statesOf(await verify(store, ALL, QUIET)), { plain: "ok" });
    }
  });
});

Deno.test("verify() notes what it found, beside the notes and under the signature that are there", async () => {
  await withSnapshots(async (store) => {
    await store.setNotes(SECRET, "do not lose");
    Deno.removeSync(chunkPath(store, SECRET_CHUNK));
    const { snapshots } = await verify(store, ALL, {
      ...QUIET,
      key: KEY,
      user: "admin@pbs!verify",
    });
    assertEquals(snapshots.map(({ unnoted }) => unnoted), [
      undefined,
      undefined,
      undefined,
    ]);
    const [info] = await store.snapshots({
      namespace: "",
      type: "host",
      id: "secret",
    });
    assertEquals([info!.notes, info!.verification?.state], [
      "do not lose",
      "failed",
    ]);
    assertEquals(
      authIdText(info!.verification!.upid.authId),
      "admin@pbs!verify",
    );
    verifyManifest(await store.tree.manifest(SECRET), KEY);
    // Mended, and so it says.
    const { sealed } = await chunkOf(CHUNKS[1]!, KEY);
    store.chunks.put(SECRET_CHUNK, sealed.header, sealed.body);
    await verify(store, ALL, { ...QUIET, key: KEY });
    assertEquals(verifyStateOf(await store.tree.manifest(SECRET))?.state, "ok");
  });
});

Deno.test("verify() says why an outcome could not be noted, which is none of the snapshot's faults", async () => {
  await withDatastore(async (store) => {
    await makeSnapshot(store, PLAIN);
    const stubborn: Datastore = Object.create(store, {
      changeManifest: {
        value: () => Promise.reject(new BusyError("Cannot lock: it is in use")),
      },
    });
    const { snapshots } = await verify(stubborn, ALL, QUIET);
    assertEquals(snapshots, [{
      snapshot: PLAIN,
      state: "ok",
      problems: [],
      unnoted: "Cannot lock: it is in use",
      unkeyed: false,
    }]);
    assertEquals(verifyStateOf(await store.tree.manifest(PLAIN)), undefined);
  });
});

Deno.test("verify() leaves alone what is being made, has not been finished, or is gone", async () => {
  await withDatastore(async (store) => {
    const group = groupOf("plain");
    await makeSnapshot(store, PLAIN);
    const left = snapshotOf(groupOf("left"), 0);
    Deno.mkdirSync(store.tree.snapshotFolder(left), { recursive: true });
    await using writer = await store.create(snapshotOf(group, 1), {
      owner: OWNER,
    });
    const events: VerifyEvent[] = [];
    const report = await verify(store, ALL, {
      ...QUIET,
      onEvent: (event) => {
        events.push(event);
        // Removed while it is its turn next.
        if (event.kind === "end" && event.report.snapshot.id === "left") {
          Deno.removeSync(store.tree.snapshotFolder(PLAIN), {
            recursive: true,
          });
        }
      },
    });
    assertEquals(
      report.snapshots.map((
        { snapshot, state },
      ) => [snapshot.id, snapshot.time - PLAIN.time, state]),
      [["left", 0, "unfinished"], ["plain", 1, "busy"], ["plain", 0, "busy"]],
    );
    assertEquals([report.failed, report.chunks], [0, 0]);
    assertEquals(events.map(({ kind }) => kind), ["end", "end", "end"]);
    await writer[Symbol.asyncDispose]();
  });
});

Deno.test("verify() holds each snapshot meanwhile", async () => {
  await withDatastore(async (store) => {
    await makeSnapshot(store, PLAIN);
    let refused: unknown;
    await verify(store, ALL, {
      ...QUIET,
      onEvent: ({ kind }) => {
        if (kind !== "file") return;
        try {
          store.locks.snapshot(PLAIN, true);
        } catch (error) {
          refused = error;
        }
      },
    });
    assert(refused instanceof BusyError);
    await store.forget(PLAIN);
  });
});

Deno.test("verify() passes over what was verified before, unless that is too long ago", async () => {
  let now = PLAIN.time * 1000 + DAY;
  await withDatastore(async (store) => {
    await makeSnapshot(store, PLAIN);
    const states = async (options: VerifyOptions) =>
      statesOf(await verify(store, ALL, { ...QUIET, ...options }));
    assertEquals(await states({ ignoreVerified: true }), { plain: "ok" });
    assertEquals(await states({ ignoreVerified: true }), { plain: "skipped" });
    now += 10 * DAY;
    assertEquals(await states({ ignoreVerified: true }), { plain: "skipped" });
    assertEquals(await states({ ignoreVerified: true, outdatedAfter: 10 }), {
      plain: "skipped",
    });
    assertEquals(await states({ outdatedAfter: 10 }), { plain: "ok" });
    now += 10 * DAY + 1000;
    assertEquals(await states({ ignoreVerified: true, outdatedAfter: 10 }), {
      plain: "ok",
    });
    // Whatever was found; and what nobody understands counts for nothing.
    Deno.removeSync(filePath(store, PLAIN, "fw.conf.blob"));
    assertEquals(await states({}), { plain: "failed" });
    assertEquals(await states({ ignoreVerified: true }), { plain: "skipped" });
    await rewriteManifest(store, PLAIN, (manifest) => ({
      ...manifest,
      unprotected: new Map([["verify_state", "ok"]]),
    }));
    assertEquals(await states({ ignoreVerified: true }), { plain: "failed" });
  }, { now: () => now });
});

Deno.test("verify() takes a namespace to a depth, a group or a snapshot, the newest first", async () => {
  await withDatastore(async (store) => {
    for (const namespace of ["a", "a/b", "a/b/c"]) {
      await store.createNamespace(namespace);
      await makeSnapshot(store, snapshotOf(groupOf("h", namespace), 0));
    }
    const group = groupOf("g");
    for (const after of [0, 1]) {
      await makeSnapshot(store, snapshotOf(group, after));
    }
    await makeSnapshot(store, snapshotOf(groupOf("benchmark"), 0));
    const names = async (scope: Parameters<typeof verify>[1]) =>
      (await verify(store, scope, QUIET)).snapshots.map(({ snapshot }) =>
        `${snapshot.namespace}:${snapshot.id}:${snapshot.time - PLAIN.time}`
      );
    assertEquals(await names(ALL), [
      ":g:1",
      ":g:0",
      "a:h:0",
      "a/b:h:0",
      "a/b/c:h:0",
    ]);
    assertEquals(await names({ namespace: "a", maxDepth: 1 }), [
      "a:h:0",
      "a/b:h:0",
    ]);
    assertEquals(await names({ namespace: "", maxDepth: 0 }), [":g:1", ":g:0"]);
    const task = async (snapshot: SnapshotName) => {
      const { upid } = verifyStateOf(await store.tree.manifest(snapshot))!;
      return [upid.workerType, upid.workerId];
    };
    const inner = snapshotOf(groupOf("h", "a/b"), 0);
    assertEquals(await task(snapshotOf(group, 0)), ["verify", "store"]);
    await names({ namespace: "a/b" });
    assertEquals(await task(inner), ["verify", "store:ns/a/ns/b"]);
    assertEquals(await names({ group }), [":g:1", ":g:0"]);
    assertEquals(await task(snapshotOf(group, 0)), [
      "verify_group",
      "store:/host/g",
    ]);
    await names({ group: inner });
    assertEquals(await task(inner), ["verify_group", "store:ns/a/ns/b/host/h"]);
    assertEquals(await names({ snapshot: snapshotOf(group, 0) }), [":g:0"]);
    assertEquals(await task(snapshotOf(group, 0)), [
      "verify_snapshot",
      "store:/host/g/6553F100",
    ]);
    await names({ snapshot: inner });
    assertEquals(await task(inner), [
      "verify_snapshot",
      "store:ns/a/ns/b/host/h/6553F100",
    ]);
    // Asked for by its name, that one is verified, too.
    assertEquals(await names({ group: groupOf("benchmark") }), [
      ":benchmark:0",
    ]);
    for (
      const scope of [{ namespace: "no" }, { group: groupOf("no") }, {
        snapshot: snapshotOf(group, 9),
      }]
    ) {
      await assertRejects(() => verify(store, scope, QUIET), NotFoundError);
    }
    await assertRejects(
      () => verify(store, ALL, { ...QUIET, user: "nobody" }),
      FormatError,
    );
  });
});

Deno.test("verify() can be ended, and goes on there the next time", async () => {
  await withDatastore(async (store) => {
    for (const id of ["a", "b", "c"]) {
      await fullSnapshot(store, snapshotOf(groupOf(id), 0));
    }
    await assertRejects(
      () =>
        verify(store, ALL, {
          ...QUIET,
          signal: AbortSignal.abort(new Error("enough")),
        }),
      Error,
      "enough",
    );
    for (const at of ["file", "progress"] as const) {
      const stop = new AbortController();
      await assertRejects(
        () =>
          verify(store, ALL, {
            ignoreVerified: true,
            threads: at === "file" ? 0 : 1,
            signal: stop.signal,
            onEvent: (event) => {
              if (
                event.kind === at && stop.signal.aborted === false &&
                skipped(event)
              ) {
                stop.abort(new Error("enough"));
              }
            },
          }),
        Error,
        "enough",
      );
    }
    function skipped(event: VerifyEvent): boolean {
      return event.kind === "progress" ||
        event.kind === "file" && event.snapshot.id === "b";
    }
    assertEquals(
      statesOf(await verify(store, ALL, { ...QUIET, ignoreVerified: true })),
      { a: "skipped", b: "ok", c: "ok" },
    );
    // Nobody holds anything any more.
    for (const id of ["a", "b", "c"]) {
      await store.forget(snapshotOf(groupOf(id), 0));
    }
  });
});

Deno.test("verify() keeps a thousand problems of a snapshot, and counts the others", async () => {
  const store = await memoryStore();
  await using writer = await store.create(PLAIN, { owner: OWNER });
  const index = await writer.dynamicIndex("root.pxar.didx");
  for (let i = 0; i < 1500; i++) {
    await index.append([{
      start: i,
      end: i + 1,
      digest: digestOf(bytesOf(`${i}`)),
    }]);
  }
  const file = {
    name: "root.pxar.didx",
    ...await index.close(),
    cryptMode: "none" as const,
  };
  await writer.finish(makeManifest(PLAIN, [file]));
  let told = 0;
  const { snapshots: [report] } = await verify(store, ALL, {
    onEvent: ({ kind }) => void (kind === "problem" && told++),
  });
  assertEquals([told, report!.problems.length], [1500, 1001]);
  assertEquals(report!.problems.at(-1)!.message, "and 500 more problems");
});

Deno.test("verify() does not take a disk that cannot be read for damage", async () => {
  const store = await memoryStore();
  await fullSnapshot(store, PLAIN);
  const get = store.chunks.get.bind(store.chunks);
  store.chunks.get = (digest) => {
    if (hexOf(digest) !== hexOf(CHUNK)) return get(digest);
    const parts = { code: "EIO", errno: 5, call: "read" };
    throw new SystemError("Cannot read chunk: input/output error", parts);
  };
  const { snapshots: [report], setAside } = await verify(store, ALL);
  assertStringIncludes(report!.problems[0]!.message, "input/output error");
  assertEquals([report!.state, report!.problems.length, setAside], [
    "failed",
    1,
    0,
  ]);
});

Deno.test("verify() tells what it does", async () => {
  await withDatastore(async (store) => {
    await fullSnapshot(store, PLAIN);
    const told: string[] = [];
    await verify(store, ALL, {
      ...QUIET,
      onEvent: (event) => {
        if (event.kind === "file") told.push(event.name);
        else if (event.kind === "progress") told.push(`${event.chunks}`);
        else told.push(event.kind);
      },
    });
    assertEquals([...told.slice(0, 2), ...told.slice(-2)], [
      "snapshot",
      "root.pxar.didx",
      "fw.conf.blob",
      "end",
    ]);
    assertEquals(told.filter((one) => /^\d+$/.test(one)).at(-1), "6");
  });
});
