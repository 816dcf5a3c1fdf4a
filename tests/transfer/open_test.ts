// Snapshots that are open: what is in them comes out in every way, and nothing that differs from what was vouched for.
import { sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import {
  BusyError,
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import type { Datastore } from "@pxar/store/datastore";
import { memoryStore } from "@pxar/store/memory";
import { parseSnapshot, type SnapshotName } from "@pxar/store/snapshot";
import { backup } from "@pxar/transfer/backup";
import { type OpenSnapshot, openSnapshot } from "@pxar/transfer/open";
import fc from "fast-check";
import { expectedOf, openOfficialKey } from "../store/official.ts";
import { sorted, treeInOrder } from "../store/official_tree.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { counting, withStores } from "./stores.ts";
import {
  collect,
  contentOf,
  entriesOf,
  lines,
  text,
  type Tree,
  utf8,
} from "./trees.ts";

const ID = "elsa", TIME = 1_700_000_000;
const NAME: SnapshotName = { namespace: "", type: "host", id: ID, time: TIME };
const TREE: Tree = { etc: { hosts: "localhost\n" }, motd: "hello\n" };
const KEY = CryptKey.of(new Uint8Array(32).fill(7));

/** Text that does not shrink, and that is nowhere else. */
function noise(length: number, seed: number): Bytes {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 24;
  });
}

const DISK = noise(300_000, 1);

function sourceOf(bytes: Bytes): ByteSource {
  let at = 0;
  return {
    read: (into) => {
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
    skip: undefined,
    close: undefined,
  };
}

/** A snapshot with an archive, a disk and a file. */
async function fill(
  store: Datastore,
  options: {
    mode?: "legacy" | "data";
    key?: CryptKey | undefined;
    tree?: Tree;
  } = {},
): Promise<void> {
  const { tree = TREE, mode, key } = options;
  await backup(store, [
    { archive: "root.pxar", entries: [entriesOf(tree)] },
    { archive: "disk.img", image: sourceOf(DISK), size: DISK.length },
    { archive: "fw.conf", bytes: utf8("allow all") },
  ], { id: ID, time: TIME, mode, key, chunkSize: 1 << 16, threads: 0 });
}

async function bytesOf(batches: AsyncIterable<Uint8Array>): Promise<Bytes> {
  return new Uint8Array(
    await new Response(ReadableStream.from(batches)).arrayBuffer(),
  );
}

async function readAll(source: ByteSource): Promise<Bytes> {
  return await bytesOf(async function* () {
    for (;;) {
      const piece = new Uint8Array(50_000), got = await source.read(piece);
      if (got === 0) return;
      yield piece.subarray(0, got);
    }
  }());
}

/** Entries without what tells that an archive is split, and contents of files. */
async function told(batches: Batches): Promise<[string[], string[]]> {
  const contents: string[] = [], entries = [];
  for await (const batch of batches) {
    for (const entry of batch) {
      if (entry.kind === "version") continue;
      entries.push(entry);
      if (entry.kind === "file") contents.push(await contentOf(entry));
    }
  }
  return [lines(entries), contents];
}

for (const name of ["plain", "encrypted", "signonly"]) {
  Deno.test(`openSnapshot() gives what the official client restored of ${name}`, () =>
    withStores(name, async (store) => {
      const [own, other] = await Promise.all([
        openOfficialKey("enc.json"),
        openOfficialKey("pbkdf2.json"),
      ]);
      for (const one of expectedOf(name).snapshots) {
        const isOther = one.snapshot.includes("/otherkey/");
        await using snapshot = await openSnapshot(
          store,
          parseSnapshot(one.snapshot, one.ns),
          { key: () => isOther ? other : own },
        );
        for (const [archive, expected] of Object.entries(one.archives)) {
          const label = `${one.snapshot} ${archive}`;
          if (expected.kind === "pxar") {
            assertEquals(
              sorted(await treeInOrder(snapshot.entries(archive))),
              sorted(expected.tree),
              label,
            );
            await using accessor = await snapshot.accessor(archive);
            assertEquals(accessor.root.entry.kind, "directory");
            continue;
          }
          const bytes = expected.kind === "blob"
            ? await snapshot.blob(archive)
            : await readAll(await snapshot.source(`${archive}.fidx`));
          assertEquals(bytes.length, expected.size, label);
          assertEquals(
            hexOf(
              new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
            ),
            expected.sha256,
            label,
          );
        }
      }
    }));
}

for (const key of [undefined, KEY]) {
  for (const mode of ["legacy", "data"] as const) {
    const kind = `${mode}${key === undefined ? "" : ", encrypted"}`;
    Deno.test(`OpenSnapshot reads in order, at any place, and as a stream (${kind})`, () =>
      withStores(undefined, async (disk) => {
        for (const store of [disk, await memoryStore()]) {
          await fill(store, { mode, key });
          await using snapshot = await openSnapshot(store, NAME, { key });
          assertEquals(snapshot.snapshot, NAME);
          const expected = await told([entriesOf(TREE)]);
          for (const _again of [1, 2]) {
            assertEquals(await told(snapshot.entries("root.pxar")), expected);
          }
          const bare = await collect(
            snapshot.entries("root.pxar", { contents: false }),
          );
          assertEquals(
            bare.filter(({ kind, content }) => kind === "file" && content)
              .length,
            mode === "legacy" ? 2 : 0,
          );
          await using accessor = await snapshot.accessor("root.pxar");
          const motd = (await accessor.lookup(utf8("motd")))!;
          assertEquals(
            await new Response(accessor.stream(motd)).text(),
            "hello\n",
          );
          const access = await snapshot.access("disk.img.fidx");
          const part = new Uint8Array(1000);
          await access.read(65_000, part);
          assertEquals(part, DISK.slice(65_000, 66_000));
          await access.close?.();
          const stream = await snapshot.stream("disk.img.fidx");
          assertEquals(await bytesOf(stream), DISK);
          const source = await snapshot.source("disk.img.fidx");
          assertEquals(source.size, DISK.length);
          const pieces: Bytes[] = [];
          await source.skip(70_000);
          for (let piece; (piece = await source.piece()) !== undefined;) {
            pieces.push(piece.slice());
          }
          assertEquals(
            await bytesOf(ReadableStream.from(pieces)),
            DISK.slice(70_000),
          );
          await source.close();
          assertEquals(text(await snapshot.blob("fw.conf")), "allow all");
          assertEquals(
            snapshot.resolve("root.pxar").split,
            mode === "data",
          );
        }
      }));
  }
}

Deno.test("OpenSnapshot does not fetch what is passed over", () =>
  withStores(undefined, async (disk) => {
    const { store, gets } = counting(disk);
    const tree: Tree = { a: text(noise(1, 1)), ...big() };
    await fill(disk, { mode: "data", tree });
    await using snapshot = await openSnapshot(store, NAME, { threads: 0 });
    const payload = await snapshot.index("root.ppxar.didx");
    assert(payload.count > 10);
    await collect(snapshot.entries("root.pxar", { contents: false }));
    const bare = gets.length;
    assert(bare < 4, `${bare}`);
    // Of the contents, the first chunk says what it is.
    await collect(snapshot.entries("root.pxar"));
    const passed = gets.length - bare;
    assert(passed < payload.count / 2 + bare, `${passed} of ${payload.count}`);
    await payload.close();
  }));

/** Some files of several chunks each. */
function big(): Tree {
  return Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [
      `b${i}`,
      Array.from(noise(150_000, i + 5), (byte) => byte.toString(36)).join(""),
    ]),
  );
}

Deno.test("openSnapshot() asks for a key only where the manifest names one", async () => {
  let asked = 0;
  const key = () => {
    asked++;
    return KEY;
  };
  const plain = await memoryStore(), sealed = await memoryStore();
  await fill(plain);
  await fill(sealed, { key: KEY });
  await using open = await openSnapshot(plain, NAME, { key });
  assertEquals([asked, open.key], [0, undefined]);
  await using secret = await openSnapshot(sealed, NAME, { key });
  assertEquals([asked, secret.key], [1, KEY]);
  // A key at hand does no harm to what was made without one.
  await using both = await openSnapshot(plain, NAME, { key: KEY });
  assertEquals(
    await told(both.entries("root.pxar")),
    await told([entriesOf(TREE)]),
  );
});

Deno.test("openSnapshot() refuses other keys, and holds nothing then", async () => {
  const store = await memoryStore();
  await fill(store, { key: KEY });
  const other = CryptKey.of(new Uint8Array(32).fill(8));
  for (const key of [undefined, () => undefined, other, () => other]) {
    await assertRejects(() => openSnapshot(store, NAME, { key }), KeyError);
  }
  await assertRejects(
    () =>
      openSnapshot(store, NAME, {
        key: () => Promise.reject(new KeyError("Cannot ask")),
      }),
    KeyError,
    "Cannot ask",
  );
  await assertRejects(
    () => openSnapshot(store, { ...NAME, time: 1 }, { key: KEY }),
    NotFoundError,
  );
  const held = await openSnapshot(store, NAME, { key: KEY });
  await assertRejects(() => store.forget(NAME), BusyError);
  await held[Symbol.asyncDispose]();
  await store.forget(NAME);
});

Deno.test("OpenSnapshot says what a name stands for, or that it stands for nothing", async () => {
  const store = await memoryStore();
  await fill(store, { mode: "data" });
  await using snapshot = await openSnapshot(store, NAME);
  for (const name of ["other.pxar", "catalog.pcat1", "x.img"]) {
    await assertRejects(() => collect(snapshot.entries(name)), NotFoundError);
  }
  await assertRejects(() => collect(snapshot.entries("a/b")), FormatError);
  for (const name of ["disk.img", "fw.conf"]) {
    const works = [
      () => snapshot.accessor(name),
      () => snapshot.halves(name),
      () => collect(snapshot.entries(name)),
    ];
    for (const work of works) await assertRejects(work, UnsupportedError);
  }
  for (const name of ["disk.img", "root.pxar"]) {
    await assertRejects(() => snapshot.blob(name), UnsupportedError);
  }
  await assertRejects(() => snapshot.index("root.pxar.didx"), NotFoundError);
  for (const name of ["root.pxar", "root.mpxar", "root.ppxar.didx"]) {
    assertEquals((await told(snapshot.entries(name)))[1].length, 2);
  }
});

Deno.test("OpenSnapshot says where a chunk is missing or another one", () =>
  withStores(undefined, async (store, _target, folder) => {
    await fill(store);
    const path = (digest: string) =>
      `${folder}/source/.chunks/${digest.slice(0, 4)}/${digest}`;
    const second = path(hexOf(digestOf(DISK.subarray(1 << 16, 2 << 16))));
    const codecs = await openCodecs();
    const { header, body } = await sealBlob(noise(1 << 16, 9), { codecs });
    for (const other of [undefined, [...header, ...body]]) {
      if (other === undefined) await Deno.rename(second, `${second}.away`);
      else await Deno.writeFile(second, Uint8Array.from(other));
      await using snapshot = await openSnapshot(store, NAME);
      const source = await snapshot.source("disk.img.fidx");
      const inOrder = await assertRejects(
        () => readAll(source),
        IntegrityError,
      );
      const access = await snapshot.access("disk.img.fidx");
      const anywhere = await assertRejects(
        async () => await access.read(65_536, new Uint8Array(10)),
        IntegrityError,
      );
      for (const { message } of [inOrder, anywhere]) {
        assert(
          message.startsWith(
            "Cannot read disk.img.fidx of host/elsa/2023-11-14T22:13:20Z at byte 65536: a chunk is damaged or missing (Cannot ",
          ),
          message,
        );
      }
      await source.close();
      await access.close?.();
    }
  }));

Deno.test("OpenSnapshot gives no wrong byte, whatever byte of a store is changed", () =>
  withStores(undefined, async (store, _target, folder) => {
    await fill(store, { mode: "data" });
    const at = `${folder}/source`;
    const files: string[] = [];
    const visit = (path: string) => {
      for (const { name, isDirectory } of Deno.readDirSync(path)) {
        if (isDirectory) visit(`${path}/${name}`);
        else if (name !== "owner" && !name.startsWith(".")) {
          files.push(`${path}/${name}`);
        }
      }
    };
    visit(at);
    assert(files.length > 8, `${files.length}`);
    const everything = async (snapshot: OpenSnapshot) => [
      await told(snapshot.entries("root.pxar")),
      text(await snapshot.blob("fw.conf")),
      await readAll(await snapshot.source("disk.img.fidx")),
    ];
    const read = async () => {
      await using snapshot = await openSnapshot(store, NAME, { threads: 0 });
      return await everything(snapshot);
    };
    const right = await read();
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files.sort()),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (file, place, mask, cut) => {
          const before = await Deno.readFile(file);
          const after = before.slice();
          const index = place % before.length;
          after[index]! ^= mask;
          await Deno.writeFile(file, cut ? after.slice(0, index) : after);
          try {
            assertEquals(await read(), right);
          } catch (error) {
            if (!(error instanceof PxarError)) throw error;
            refused++;
          } finally {
            await Deno.writeFile(file, before);
          }
        },
      ),
      { numRuns: 100 },
    );
    assert(refused > 50, `${refused}`);
    assertEquals(await read(), right);
  }));

Deno.test("OpenSnapshot ends with its signal", async () => {
  const store = await memoryStore();
  await fill(store);
  const control = new AbortController(), { signal } = control;
  await using snapshot = await openSnapshot(store, NAME, { signal });
  const source = await snapshot.source("disk.img.fidx", { signal });
  await source.read(new Uint8Array(10));
  control.abort(new Error("enough"));
  await assertRejects(() => readAll(source), Error, "enough");
  await source.close();
  await assertRejects(
    () => collect(snapshot.entries("root.pxar", { signal })),
    Error,
    "enough",
  );
});
