// Backups: what is in them comes back, whatever the mode, key and store; and what goes wrong leaves nothing but chunks that the next run finds.
import { joinBlob, openBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { CatalogReader } from "@pxar/codec/catalog_reader";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batch,
  type Batches,
  BytesContent,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import {
  BusyError,
  FormatError,
  NotFoundError,
  PxarError,
} from "@pxar/format/errors";
import { dirMetadata, fileMetadata } from "@pxar/format/metadata";
import { readTree } from "@pxar/fs/read_tree";
import { writeTree } from "@pxar/fs/write_tree";
import { MANIFEST_NAME, RSA_KEY_NAME } from "@pxar/store/archive_name";
import type { Datastore } from "@pxar/store/datastore";
import { manifestText } from "@pxar/store/manifest";
import { memoryStore } from "@pxar/store/memory";
import { type SnapshotName, snapshotPath } from "@pxar/store/snapshot";
import type {
  ChunkStore,
  IndexWriter,
  SnapshotWriter,
  Store,
} from "@pxar/store/store";
import { verify } from "@pxar/store/verify";
import {
  backup,
  type BackupOptions,
  type BackupSource,
  type BackupSummary,
  CHANGE_DETECTIONS,
} from "@pxar/transfer/backup";
import { openSnapshot } from "@pxar/transfer/open";
import fc from "fast-check";
import { treeInOrder } from "../store/official_tree.ts";
import { chunkFiles, namesIn, withDatastore } from "../store/stores.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
} from "../support/assert.ts";
import { input } from "../support/prng.ts";
import { inMemory, withDirectory } from "../support/walks.ts";
import { replacing } from "./stores.ts";
import { utf8 } from "./trees.ts";

const KEY = CryptKey.of(new Uint8Array(32).fill(5));
const OTHER_KEY = CryptKey.of(new Uint8Array(32).fill(6));
const TIME = 1_700_000_000;

/** Options that nothing depends on. */
function how(options: Partial<BackupOptions> = {}): BackupOptions {
  return { id: "h", time: TIME, threads: 0, chunkSize: 4096, ...options };
}

function nameAt(time: number): SnapshotName {
  return { namespace: "", type: "host", id: "h", time };
}

/** Bytes that do not shrink. */
function noise(seed: number, size: number): Bytes {
  return input({ kind: "xorshift32", seed, size });
}

/** Files by their names; who has changed has another time. */
type Files = ReadonlyMap<
  string,
  { readonly bytes: Bytes; readonly secs: number }
>;

/** Twenty files, of a chunk and more each. */
function someFiles(): Map<string, { bytes: Bytes; secs: number }> {
  return new Map(
    Array.from(
      { length: 20 },
      (_, i) => [`f${i + 10}`, { bytes: noise(i + 1, 9000), secs: 1000 }],
    ),
  );
}

/** Their entries, in batches of eight. */
function* entriesAt(files: Files): Generator<Batch> {
  const out: Entry[] = [makeEntry("directory", dirMetadata(0o755).build())];
  for (const [name, { bytes, secs }] of [...files].sort()) {
    out.push(makeEntry("file", {
      ...fileMetadata(0o644).build(),
      name: utf8(name),
      secs,
      content: new BytesContent(bytes),
    }));
    if (out.length >= 8) yield out.splice(0);
  }
  out.push(makeEntry("end"));
  yield out;
}

function tree(archive = "root.pxar", files: Files = someFiles()): BackupSource {
  return { archive, entries: () => entriesAt(files) };
}

function sourceOf(bytes: Bytes): ByteSource {
  let at = 0;
  return {
    read: (into) => {
      const piece = bytes.subarray(at, at + Math.min(into.length, 10_000));
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
    skip: undefined,
    close: undefined,
  };
}

function disk(size: number, archive = "disk.img", bytes = noise(77, size)) {
  return { archive, image: sourceOf(bytes), size };
}

/** Every file of an archive. */
async function filesOf(
  store: Store,
  time: number,
  key?: CryptKey,
  archive = "root.pxar",
): Promise<Map<string, Bytes>> {
  await using snapshot = await openSnapshot(store, nameAt(time), {
    key,
    threads: 0,
  });
  const found = new Map<string, Bytes>();
  for await (const batch of snapshot.entries(archive)) {
    for (const { kind, name, content } of batch) {
      if (kind !== "file") continue;
      const bytes = new Uint8Array(content!.size);
      for (let at = 0; at < bytes.length;) {
        at += await content!.read(bytes.subarray(at));
      }
      found.set(new TextDecoder().decode(name), bytes);
    }
  }
  return found;
}

async function assertRestores(
  store: Store,
  time: number,
  files: Files,
  key?: CryptKey,
): Promise<void> {
  const found = await filesOf(store, time, key);
  assertEquals(
    [...found].map(([name, bytes]) => [name, hash(bytes)]),
    [...files].sort().map(([name, { bytes }]) => [name, hash(bytes)]),
  );
}

function hash(bytes: Bytes): string {
  let sum = bytes.length;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return `${bytes.length} ${sum}`;
}

/** Both kinds of stores. */
const STORES: Record<
  string,
  (use: (store: Datastore, folder?: string) => Promise<void>) => Promise<void>
> = {
  "on disk": withDatastore,
  "in memory": async (use) => await use(await memoryStore()),
};

Deno.test("backup() refuses sources that do not go together, and names that are none for them", async () => {
  const store = await memoryStore(), bytes = utf8("x");
  const refused = async (
    sources: readonly BackupSource[],
    message: string,
    options: Partial<BackupOptions> = {},
  ) => {
    for (const dryRun of [false, true]) {
      await assertRejects(
        () => backup(store, sources, how({ ...options, dryRun })),
        TypeError,
        message,
      );
    }
  };
  await refused([], "there are no sources");
  await refused([tree(), tree()], "root.pxar: it is there twice");
  await refused([tree(), tree("root.pxar.didx")], "it is there twice");
  const wrong: readonly [BackupSource, string][] = [
    [tree("root.img"), "expected a name that ends in .pxar"],
    [tree("root.conf"), "expected a name that ends in .pxar"],
    [tree("root.mpxar"), "expected a name that ends in .pxar"],
    [tree("root.ppxar.didx"), "expected a name that ends in .pxar"],
    [tree("catalog.pcat1"), "expected a name that ends in .pxar"],
    [disk(10, "disk.pxar"), "expected a name that ends in .img"],
    [disk(10, "disk.log"), "expected a name that ends in .img"],
    [{ archive: "fw.pxar", bytes }, "expected a name that ends in .conf"],
    [{ archive: "fw.img", bytes }, "expected a name that ends in .conf"],
    [{ archive: "client.log", bytes }, "Cannot back up to client.log"],
    [{ archive: "index.json", bytes }, "Cannot back up to index.json"],
    [{ archive: "rsa-encrypted.key", bytes }, "rsa-encrypted.key"],
  ];
  for (const [source, message] of wrong) await refused([source], message);
  for (const archive of ["", "../x.pxar", "a/b.pxar", "x", ".pxar\n"]) {
    await assertRejects(
      () => backup(store, [tree(archive)], how()),
      FormatError,
    );
  }
  await refused([tree()], "with crypt mode encrypt: there is no key", {
    cryptMode: "encrypt",
  });
  await refused([tree()], "with crypt mode sign-only: there is no key", {
    cryptMode: "sign-only",
  });
  await refused([tree()], "with crypt mode none: there is a key", {
    cryptMode: "none",
    key: KEY,
  });
  await refused([tree()], "with a master key: there is no key", {
    rsaKey: new Uint8Array(512),
  });
  assertEquals(await store.groups(""), []);
});

Deno.test("backup() of what is not as it was said ends with an error, and leaves no snapshot", () =>
  withDatastore(async (store) => {
    const fails = async (
      source: BackupSource,
      message: RegExp,
      options: Partial<BackupOptions> = {},
    ) => {
      // Something is there already when it fails.
      const error = await assertRejects(
        () => backup(store, [tree("first.pxar"), source], how(options)),
        Error,
      );
      assertMatch(error.message, message);
      assertEquals(await store.snapshots(""), []);
      assertEquals(
        Deno.readDirSync(`${store.location}/host/h`).toArray().map((
          { name },
        ) => name),
        ["owner"],
      );
    };
    await fails(
      { ...disk(10_000), size: 20_000 },
      /^Cannot back up to disk\.img: the disk has 10000 bytes, expected the 20000/,
    );
    // Also where the end lies within a chunk, and far behind what is left to be listed.
    for (const size of [1, 8192, 10_000, 19_999]) {
      await fails(
        { ...disk(20_000), size },
        new RegExp(
          `: the disk has more than ${size} bytes, expected the ${size}`,
        ),
      );
    }
    await fails(
      { ...disk(2_000_000), size: 1_500_000 },
      /the disk has more than 1500000 bytes/,
    );
    await fails(tree("b.pxar"), /4095/, { chunkSize: 4095 });
    await fails(disk(100), /4095/, { chunkSize: 4095 });
  }));

Deno.test("backup() looks at all names and lengths before it reads anything", async () => {
  const refusing = new Proxy({}, {
    get(_, name) {
      throw new Error(`the store was asked for ${String(name)}`);
    },
  }) as Store;
  const first: BackupSource = {
    archive: "a.pxar",
    entries: () => {
      throw new Error("it was read");
    },
  };
  const refused = async (
    options: Partial<BackupOptions>,
    message: string,
    source = tree(),
  ) => {
    for (const dryRun of [false, true]) {
      await assertRejects(
        () => backup(refusing, [first, source], how({ ...options, dryRun })),
        Error,
        message,
      );
    }
  };
  for (const time of [0, -1, -5, 1.5, NaN, 253_402_300_800]) {
    await refused({ time }, `Cannot take backup time: it is ${time}`);
  }
  for (const id of ["", "a/b", "..", "../ct/x", ".a", "a\n"]) {
    await refused({ id }, "Cannot take backup id");
  }
  for (const namespace of ["/", "a//b", "../a", "a/b/c/d/e/f/g/h/i"]) {
    await refused({ namespace }, "Cannot");
  }
  for (const size of [0, -1, 1.5, NaN]) {
    await refused(
      {},
      `Cannot back up to disk.img: the disk has ${size} bytes, expected 1`,
      { ...disk(10), size },
    );
  }
  await refused(
    {},
    "Cannot back up to big.log: the file has 134217729 bytes, expected at most 134217728",
    { archive: "big.log", bytes: new Uint8Array(2 ** 27 + 1) },
  );
});

/** A store whose writer's calls are told of, one after the other; its chunks go through this thread. */
function watching(store: Datastore, onCall: (what: string) => void): Store {
  const watch = <T extends object>(
    from: T,
    other: Partial<T>,
    ...names: (keyof T & string)[]
  ) =>
    replacing(from, {
      ...other,
      ...Object.fromEntries(
        names.map((name) => [name, async (...args: unknown[]) => {
          onCall(name);
          return await (from[name] as (...args: unknown[]) => unknown)(...args);
        }]),
      ),
    });
  return replacing<Store>(store, {
    create: async (...args) => {
      onCall("create");
      const writer = await store.create(...args);
      const index = (made: IndexWriter) => watch(made, {}, "append", "close");
      return watch<SnapshotWriter>(
        writer,
        {
          direct: undefined,
          chunks: watch<ChunkStore>(writer.chunks, {}, "touch", "put"),
          dynamicIndex: async (...args) => {
            onCall("dynamicIndex");
            return index(await writer.dynamicIndex(...args));
          },
          fixedIndex: async (...args) => {
            onCall("fixedIndex");
            return index(await writer.fixedIndex(...args));
          },
        },
        "blob",
        "finish",
      );
    },
  });
}

/** Everything that a backup may have. */
function everything(files: Files): BackupSource[] {
  return [
    tree("root.pxar", files),
    disk(30_000),
    { archive: "fw.conf", bytes: utf8("allow all") },
    tree("b.pxar", new Map([["only", { bytes: noise(99, 20_000), secs: 5 }]])),
  ];
}

for (const mode of CHANGE_DETECTIONS) {
  for (const way of ["aborted", "failing"] as const) {
    Deno.test(`backup() that is ${way} at any call leaves no snapshot, and the next run finds its chunks (${mode})`, async () => {
      const files = someFiles(), changed = new Map(files);
      for (let i = 10; i < 30; i += 4) {
        changed.set(`f${i}`, { bytes: noise(1000 + i, 9000), secs: 2000 });
      }
      const options = how({ mode, key: KEY, rsaKey: noise(3, 512) });
      const prepared = async () => {
        const store = await memoryStore();
        await backup(store, everything(files), options);
        return store;
      };
      const run = async (store: Store, more: Partial<BackupOptions> = {}) =>
        await backup(store, everything(changed), {
          ...options,
          time: TIME + 1,
          ...more,
        });
      const calls: string[] = [];
      const clean = await prepared(), before = chunkFiles(clean).length;
      const expected = await run(
        watching(clean, (what) => void calls.push(what)),
      );
      assertEquals(chunkFiles(clean).length - before, expected.chunksNew);
      assertEquals([...new Set(calls)].sort(), [
        "append",
        "blob",
        "close",
        "create",
        "dynamicIndex",
        "finish",
        "fixedIndex",
        "put",
        "touch",
      ]);
      let found = 0, tried = 0;
      // The first and last ones of each kind, and some between.
      const at = calls.map((what, i) => [what, i] as const).filter((
        [what, i],
      ) =>
        calls.indexOf(what) === i || calls.lastIndexOf(what) === i ||
        i % 13 === 0
      );
      for (const [what, call] of at) {
        const store = await prepared(), stop = new AbortController();
        const reason = new Error(`enough at ${call} ${what}`);
        let seen = 0;
        const broken = watching(store, () => {
          if (seen++ !== call) return;
          if (way === "failing") throw reason;
          stop.abort(reason);
        });
        const attempt = run(broken, { signal: stop.signal });
        if (way === "aborted" && what === "finish") {
          // Too late, or not: but never by halves.
          await attempt.catch(() => {});
          if ((await store.snapshots("")).length === 2) continue;
        } else await assertRejects(() => attempt, Error, reason.message);
        tried++;
        assertEquals(
          (await store.snapshots("")).map(({ snapshot }) => snapshot.time),
          [TIME],
        );
        const there = chunkFiles(store).length - before;
        found += there;
        const next = await run(store);
        assertEquals(
          next.chunksNew,
          expected.chunksNew - there,
          reason.message,
        );
        assertEquals(next.chunks, expected.chunks);
        await assertRestores(store, TIME + 1, changed, KEY);
      }
      assert(tried > 10 && found > 10, `${tried} ${found}`);
    });
  }
}

Deno.test("backup() on disk with threads: an abort leaves nothing behind, whatever is under way", () =>
  withDatastore(async (store) => {
    const files = new Map(
      Array.from(
        { length: 60 },
        (_, i) => [`f${i + 10}`, { bytes: noise(i + 1, 50_000), secs: 1 }],
      ),
    );
    let time = TIME;
    for (const mode of CHANGE_DETECTIONS) {
      for (const share of [0, 0.3, 0.9]) {
        const stop = new AbortController(), all = 60 * 50_000;
        await assertRejects(
          () =>
            backup(
              store,
              [tree("root.pxar", files)],
              how({
                time: ++time,
                mode,
                threads: 2,
                signal: stop.signal,
                onProgress: ({ progress }) => {
                  if (progress.bytes >= share * all) {
                    stop.abort(new Error("enough"));
                  }
                },
              }),
            ),
          Error,
          "enough",
        );
        assertEquals(await store.snapshots(""), []);
        assertEquals(
          chunkFiles(store).filter(({ kind }) => kind !== "chunk"),
          [],
        );
      }
    }
    const there = chunkFiles(store).length;
    assert(there > 0);
    const options = how({ time: ++time, mode: "data", threads: 2 });
    const { chunksNew, chunks } = await backup(store, [
      tree("root.pxar", files),
    ], options);
    assert(chunksNew < chunks, `${chunksNew} of ${chunks}`);
    await assertRestores(store, time, files);
    await assertRejects(
      () =>
        backup(
          store,
          [tree()],
          how({ time: ++time, signal: AbortSignal.abort(new Error("before")) }),
        ),
      Error,
      "before",
    );
  }));

Deno.test("backup() ends with what its source throws, and with an error where a content is not as long as it was said", async () => {
  for (const mode of CHANGE_DETECTIONS) {
    const store = await memoryStore();
    const root = makeEntry("directory", dirMetadata(0o755).build());
    const end = makeEntry("end");
    const file = (content: Entry["content"]) =>
      makeEntry("file", {
        ...fileMetadata(0o644).build(),
        name: utf8("f"),
        content,
      });
    const content = (
      read: (into: Bytes) => number | Promise<number>,
      size = 50_000,
    ) => ({ size, read, release: undefined });
    const cases: readonly [() => Batches, string][] = [
      [() => [[
        root,
        file(content(() => {
          throw new Error("the disk is on fire");
        })),
        end,
      ]], "the disk is on fire"],
      [
        () => [[
          root,
          file(content(() => Promise.reject(new Error("so is this one")))),
          end,
        ]],
        "so is this one",
      ],
      [() => [[root, file(content(() => 0)), end]], ""],
      [() => [[root]], ""],
      [() => [[end]], ""],
      [async function* () {
        yield [root];
        throw await Promise.resolve(new Error("the tree fell"));
      }, "the tree fell"],
      [() => {
        throw new Error("it never stood");
      }, "it never stood"],
    ];
    for (const [entries, message] of cases) {
      await assertRejects(
        () =>
          backup(
            store,
            [tree("a.pxar"), { archive: "b.pxar", entries }],
            how({ mode }),
          ),
        Error,
        message,
      );
      assertEquals(await store.snapshots(""), []);
    }
    const image: ByteSource = {
      ...sourceOf(noise(1, 10)),
      read: () => Promise.reject(new Error("bad sector")),
    };
    await assertRejects(
      () =>
        backup(
          store,
          [{ archive: "disk.img", image, size: 10_000 }],
          how({ mode }),
        ),
      Error,
      "bad sector",
    );
    // Whatever went wrong, the group is free.
    await backup(store, [tree()], how({ mode }));
  }
});

Deno.test("backup() takes a time behind the last one: the second within a second waits for the next", async () => {
  const store = await memoryStore();
  const options = { id: "h", threads: 0 };
  const times: number[] = [];
  for (const _ of [1, 2]) {
    const { snapshot } = await backup(store, [tree()], options);
    times.push(snapshot.time);
  }
  assert(times[0]! < times[1]!, `${times}`);
  assert(Math.abs(times[1]! - Date.now() / 1000) < 600);
  // It can be told not to.
  const stop = new AbortController();
  const waiting = assertRejects(
    async () => {
      for (;;) {
        await backup(store, [tree()], { ...options, signal: stop.signal });
      }
    },
    Error,
    "no time",
  );
  setTimeout(() => stop.abort(new Error("no time")), 20);
  await waiting;
  const later = Math.floor(Date.now() / 1000) + 3600;
  await backup(store, [tree()], { ...options, time: later });
  for (const time of [undefined, TIME, later]) {
    await assertRejects(
      () => backup(store, [tree()], { ...options, time }),
      RangeError,
      "expected a later time",
    );
  }
  // A rehearsal says so, too, where a time is told.
  await assertRejects(
    () => backup(store, [tree()], { ...options, time: later, dryRun: true }),
    RangeError,
    "expected a later time",
  );
});

Deno.test("backup() keeps to namespaces, owners and other writers", async () => {
  const store = await memoryStore();
  for (const dryRun of [false, true]) {
    await assertRejects(
      () => backup(store, [tree()], how({ namespace: "office", dryRun })),
      NotFoundError,
      "office",
    );
  }
  await store.createNamespace("office");
  const { snapshot } = await backup(
    store,
    [tree()],
    how({ namespace: "office", type: "ct", owner: "alice@pbs" }),
  );
  assertEquals([snapshot.namespace, snapshot.type], ["office", "ct"]);
  const [info] = await store.snapshots("office");
  assertEquals([info!.owner, info!.finished], ["alice@pbs", true]);
  await assertRejects(
    () =>
      backup(
        store,
        [tree()],
        how({ namespace: "office", type: "ct", time: TIME + 1 }),
      ),
    PxarError,
    "it belongs to alice@pbs, not to root@pam",
  );
  await using _writer = await store.create(nameAt(TIME), { owner: "root@pam" });
  await assertRejects(
    () => backup(store, [tree()], how({ time: TIME + 1 })),
    BusyError,
  );
});

/** What a metadata backup of what has not changed says of the snapshot before. */
interface Case {
  readonly what: string;
  /** How that one is made. */
  readonly base?: Partial<BackupOptions> | null;
  /** How the new one is made. */
  readonly next?: Partial<BackupOptions>;
  /** What happens between them. */
  readonly between?: (store: Datastore) => Promise<void>;
  readonly note?: RegExp;
  /** How many files are reused. */
  readonly reused?: number;
}

const SPLIT = { mode: "data" } as const;

/** Writes over each file of a snapshot that has such a name. */
async function changeFile(
  store: Datastore,
  name: string,
  change: (bytes: Bytes) => void,
): Promise<void> {
  const path = `${store.location}/${snapshotPath(nameAt(TIME))}/${name}`;
  const bytes = await Deno.readFile(path);
  change(bytes);
  await Deno.writeFile(path, bytes);
}

/** Paths of the chunks of a file. */
async function chunkPathsOf(
  store: Datastore,
  name: string,
  key?: CryptKey,
): Promise<string[]> {
  await using snapshot = await openSnapshot(store, nameAt(TIME), {
    key,
    threads: 0,
  });
  const index = await snapshot.index(name), paths: string[] = [];
  for await (const batch of index.chunks()) {
    for (const { digest } of batch) {
      const hex = hexOf(digest);
      paths.push(`${store.location}/.chunks/${hex.slice(0, 4)}/${hex}`);
    }
  }
  await index.close();
  return paths;
}

const LOST =
  /^root\.pxar of .* is not reused, or not all of it: the store has lost chunk [0-9a-f]{64} of it/;

const CASES: readonly Case[] = [
  { what: "nothing has happened", base: SPLIT, reused: 20 },
  {
    what: "it was made with metadata, too",
    base: { mode: "metadata" },
    reused: 20,
  },
  { what: "there is none", base: null },
  { what: "it has no split archive", base: { mode: "legacy" } },
  {
    what: "both are encrypted",
    base: { ...SPLIT, key: KEY },
    next: { key: KEY },
    reused: 20,
  },
  {
    what: "both are signed",
    base: { ...SPLIT, key: KEY, cryptMode: "sign-only" },
    next: { key: KEY, cryptMode: "sign-only" },
    reused: 20,
  },
  {
    what: "it is plain, this one not",
    base: SPLIT,
    next: { key: KEY },
    note:
      /^root\.pxar of host\/h\/\S+ is not reused, or not all of it: root\.mpxar\.didx has crypt mode none, expected encrypt$/,
  },
  {
    what: "it is encrypted, this one signed",
    base: { ...SPLIT, key: KEY },
    next: { key: KEY, cryptMode: "sign-only" },
    note: /has crypt mode encrypt, expected sign-only$/,
  },
  {
    what: "it has a key, this one none",
    base: { ...SPLIT, key: KEY },
    note: /^nothing is reused of host\/h\/\S+: .*made with key/,
  },
  {
    what: "it has another key",
    base: { ...SPLIT, key: OTHER_KEY },
    next: { key: KEY },
    note: /^nothing is reused of host\/h\/\S+: .*key/,
  },
  {
    what: "its manifest is not what was signed",
    base: { ...SPLIT, key: KEY },
    next: { key: KEY },
    between: async (store) => {
      const manifest = await store.tree.manifest(nameAt(TIME));
      const text = manifestText(manifest).replace(
        /"size": (\d)/,
        '"size": 1$1',
      );
      const blob = await sealBlob(utf8(text), { codecs: store.codecs });
      store.writeManifest(nameAt(TIME), joinBlob(blob));
    },
    note: /^nothing is reused of .*signature is wrong/,
  },
  {
    what: "it failed verification",
    base: SPLIT,
    between: async (store) => {
      const [path] = await chunkPathsOf(store, "root.ppxar.didx");
      await Deno.remove(path!);
      const { failed } = await verify(store, { namespace: "" }, { threads: 0 });
      assertEquals(failed, 1);
    },
  },
  {
    what: "its manifest is damaged",
    base: SPLIT,
    between: (store) =>
      changeFile(store, MANIFEST_NAME, (bytes) => void bytes.fill(0, 12)),
  },
  ...["root.mpxar.didx", "root.ppxar.didx"].flatMap((name): Case[] => [
    {
      what: `${name} is damaged`,
      base: SPLIT,
      between: (store) =>
        changeFile(store, name, (bytes) => void (bytes[4096 + 20]! ^= 1)),
      note: new RegExp(`^root\\.pxar of .* is not reused.*: .*${name}`),
    },
    {
      what: `${name} is gone`,
      base: SPLIT,
      between: (store) =>
        Deno.remove(`${store.location}/${snapshotPath(nameAt(TIME))}/${name}`),
      note: new RegExp(`^root\\.pxar of .* is not reused.*: .*${name}`),
    },
  ]),
  {
    what: "the metadata is damaged",
    base: SPLIT,
    between: async (store) => {
      for (const path of await chunkPathsOf(store, "root.mpxar.didx")) {
        await Deno.writeFile(path, (await Deno.readFile(path)).fill(7, 20));
      }
    },
    note: /^root\.pxar of .* is not reused, or not all of it: /,
  },
  {
    what: "the end of the metadata is damaged",
    base: SPLIT,
    between: async (store) => {
      const path = (await chunkPathsOf(store, "root.mpxar.didx")).at(-1)!;
      await Deno.writeFile(path, (await Deno.readFile(path)).fill(7, 20));
    },
    note: /^root\.pxar of .* is not reused, or not all of it: /,
  },
  {
    what: "the metadata is lost",
    base: SPLIT,
    between: async (store) => {
      for (const path of await chunkPathsOf(store, "root.mpxar.didx")) {
        await Deno.remove(path);
      }
    },
    note: /^root\.pxar of .* is not reused, or not all of it: /,
  },
  {
    what: "a chunk of the payload is lost",
    base: SPLIT,
    between: async (store) => {
      const paths = await chunkPathsOf(store, "root.ppxar.didx");
      await Deno.rename(paths[5]!, `${store.location}/moved`);
    },
    note: LOST,
  },
  {
    what: "all of the payload is lost",
    base: SPLIT,
    between: async (store) => {
      for (const path of await chunkPathsOf(store, "root.ppxar.didx")) {
        await Deno.remove(path);
      }
    },
    note: LOST,
  },
];

for (const { what, base = {}, next, between, note, reused = 0 } of CASES) {
  Deno.test(`backup() in metadata mode restores whatever is the matter with the snapshot before: ${what}`, () =>
    withDatastore(async (store) => {
      const files = someFiles();
      if (base !== null) await backup(store, [tree()], how(base));
      await between?.(store);
      // A rehearsal comes to the same.
      const notes: string[][] = [];
      const summaries: BackupSummary[] = [];
      for (const dryRun of [true, false]) {
        const told: string[] = [];
        summaries.push(
          await backup(
            store,
            [tree("root.pxar", files)],
            how({
              mode: "metadata",
              time: TIME + 1,
              dryRun,
              onNote: (sentence) => void told.push(sentence),
              ...next,
            }),
          ),
        );
        notes.push(told);
      }
      const [rehearsal, summary] = summaries as [BackupSummary, BackupSummary];
      const isLost = what.endsWith("payload is lost");
      // A rehearsal does not touch chunks.
      assertEquals(notes[0], isLost ? [] : notes[1]);
      assertEquals(
        notes[1]!.length,
        note === undefined ? 0 : 1,
        notes[1]!.join("\n"),
      );
      if (note !== undefined) assertMatch(notes[1]![0]!, note);
      if (what.startsWith("the end")) {
        // What comes before is reused.
        assert(summary.filesReused > 0 && summary.filesReused < 20);
        assertEquals(summary.filesReused, rehearsal.filesReused);
      } else if (what.startsWith("a chunk")) {
        // What lies elsewhere is reused as far as was looked ahead.
        assert(summary.filesReused > 0 && summary.filesReread > 0);
        assertEquals(summary.filesReused + summary.filesReread, 20);
      } else assertEquals(summary.filesReused, reused);
      assertEquals(summary.bytesReused + summary.bytesRead, 20 * 9000);
      if (what.startsWith("all")) assertEquals(summary.filesReread, 20);
      if (!isLost) assertEquals(rehearsal.filesReused, summary.filesReused);
      const isCompared = reused > 0 || isLost ||
        what.includes("the metadata");
      assertEquals(summary.previous, isCompared ? nameAt(TIME) : undefined);
      assertEquals(rehearsal.previous, summary.previous);
      const key = next?.key;
      await assertRestores(store, TIME + 1, files, key);
      const { snapshots } = await verify(
        store,
        { snapshot: nameAt(TIME + 1) },
        {
          key,
          threads: 0,
        },
      );
      assertEquals(snapshots.map(({ state }) => state), ["ok"]);
    }));
}

Deno.test("backup({ dryRun }) writes nothing at all and reads no content, and its numbers are those of the run", () =>
  withDatastore(async (store) => {
    const files = someFiles();
    await backup(store, [tree("root.pxar", files)], how({ mode: "data" }));
    files.set("f15", { bytes: noise(500, 12_345), secs: 2000 });
    files.set("new", { bytes: noise(501, 10), secs: 2000 });
    const seen = () =>
      namesIn(store.location).map((name) => {
        const { size, mtime, ctime } = Deno.lstatSync(store.location + name) as
          & Deno.FileInfo
          & { ctime: Date | null };
        return [name, size, mtime?.getTime(), ctime?.getTime()];
      });
    const before = seen();
    for (const mode of CHANGE_DETECTIONS) {
      const unreadable = function* (): Generator<Batch> {
        for (const batch of entriesAt(files)) {
          yield batch.map((entry) =>
            entry.content === undefined ? entry : {
              ...entry,
              content: {
                size: entry.content.size,
                release: undefined,
                read: () => {
                  throw new Error("a content was read");
                },
              },
            }
          );
        }
      };
      const image: ByteSource = {
        ...sourceOf(noise(1, 1)),
        read: () => {
          throw new Error("the disk was read");
        },
      };
      const options = how({ mode, time: TIME + 1, id: "h" });
      const { duration: _, ...told } = await backup(store, [
        { archive: "root.pxar", entries: unreadable },
        { archive: "disk.img", image, size: 30_000 },
        { archive: "fw.conf", bytes: utf8("allow all") },
      ], { ...options, dryRun: true });
      assertEquals(seen(), before, mode);
      const copy = await memoryStore();
      await backup(copy, [tree()], how({ mode: "data" }));
      const real = await backup(copy, everything(files).slice(0, 3), options);
      for (
        const number of [
          "entries",
          "regularFiles",
          "bytesRead",
          "bytesReused",
          "filesReused",
          "filesReread",
        ] as const
      ) assertEquals(told[number], real[number], `${mode}: ${number}`);
      assertEquals(
        told.archives.map(({ archive, bytesRead }) => [archive, bytesRead]),
        real.archives.map(({ archive, bytesRead }) => [archive, bytesRead]),
      );
      assertEquals([told.snapshot, told.previous, told.files], [
        nameAt(TIME + 1),
        real.previous,
        [],
      ]);
      assertEquals([told.bytesNew, told.bytesStored, told.chunksNew], [
        0,
        0,
        0,
      ]);
      assertEquals(told.filesReused > 0, mode === "metadata");
    }
    assertEquals((await store.snapshots("")).length, 1);
  }));

Deno.test("backup() tells how far it is: numbers rise up to those of the summary, one archive after the other", async () => {
  for (const mode of CHANGE_DETECTIONS) {
    const store = await memoryStore();
    await backup(store, everything(someFiles()), how({ mode }));
    const files = someFiles();
    files.set("f15", { bytes: noise(500, 12_345), secs: 2000 });
    const told: {
      archive: string;
      entries: number;
      files: number;
      bytes: number;
      reused: number;
    }[] = [];
    const { archives } = await backup(
      store,
      everything(files),
      how({
        mode,
        time: TIME + 1,
        onProgress: (
          { archive, progress: { entries, files, bytes }, reused },
        ) => {
          const last = told.at(-1),
            now = { archive, entries, files, bytes, reused: reused.bytes };
          if (last?.archive === archive) {
            for (
              const name of ["entries", "files", "bytes", "reused"] as const
            ) {
              assert(now[name] >= last[name], `${name} of ${archive} fell`);
            }
          } else {assertEquals([entries, files, bytes, reused.bytes], [
              0,
              0,
              0,
              0,
            ]);}
          told.push(now);
        },
      }),
    );
    assertEquals(
      [...new Set(told.map(({ archive }) => archive))],
      archives.map(({ archive }) => archive),
    );
    for (const one of archives) {
      const own = told.filter(({ archive }) => archive === one.archive);
      assertEquals(own.at(-1), {
        archive: one.archive,
        entries: one.entries,
        files: one.regularFiles,
        bytes: one.bytesRead,
        reused: one.bytesReused,
      });
      // Not only at both ends, but where all is known at once.
      if (one.archive === "root.pxar") assert(own.length > 4);
    }
  }
});

Deno.test("backup() writes one catalog of all archives that are not split", async () => {
  const store = await memoryStore();
  const other = new Map([["zz", { bytes: noise(9, 100), secs: 77 }]]);
  const { files, archives, chunks } = await backup(store, [
    tree("b.pxar"),
    { archive: "fw.conf", bytes: utf8("x") },
    tree("a.pxar", other),
  ], how());
  assertEquals(files.map(({ name }) => name), [
    "b.pxar.didx",
    "fw.conf.blob",
    "a.pxar.didx",
    "catalog.pcat1.didx",
  ]);
  // The sums have the catalog in them.
  assertEquals(chunks, archives.reduce((sum, { chunks }) => sum + chunks, 1));
  await using snapshot = await openSnapshot(store, nameAt(TIME), {
    threads: 0,
  });
  await using catalog = await CatalogReader.open(
    await snapshot.access("catalog.pcat1.didx"),
  );
  const text = new TextDecoder(), paths: string[] = [];
  for await (const page of catalog.walk()) {
    for (const { path, entry } of page) {
      paths.push(`${text.decode(path)} ${entry.size} ${entry.mtime}`);
    }
  }
  assertEquals(paths, [
    "b.pxar.didx undefined undefined",
    ...[...someFiles().keys()].map((name) => `b.pxar.didx/${name} 9000 1000`),
    "a.pxar.didx undefined undefined",
    "a.pxar.didx/zz 100 77",
  ]);
  const split = await backup(
    store,
    [tree()],
    how({ mode: "data", time: TIME + 1 }),
  );
  assertEquals(split.files.map(({ name }) => name), [
    "root.ppxar.didx",
    "root.mpxar.didx",
  ]);
  await backup(
    store,
    [{ archive: "fw.conf", bytes: utf8("") }],
    how({ time: TIME + 2 }),
  );
  await using small = await openSnapshot(store, nameAt(TIME + 2), {
    threads: 0,
  });
  assertEquals((await small.blob("fw.conf")).length, 0);
});

for (const [where, withStore] of Object.entries(STORES)) {
  for (const threads of [0, 2]) {
    Deno.test(`backup() restores all of its sources, whatever mode and key, ${where}, ${threads} threads`, async () => {
      const codecs = await openCodecs(), rsaKey = noise(3, 512);
      for (const cryptMode of ["none", "encrypt", "sign-only"] as const) {
        const key = cryptMode === "none" ? undefined : KEY;
        await withStore(async (store) => {
          let time = TIME;
          const files = someFiles();
          for (const mode of [...CHANGE_DETECTIONS, "metadata"] as const) {
            files.set(`f${10 + time % 20}`, {
              bytes: noise(time % 1000, 9500),
              secs: time,
            });
            const summary = await backup(
              store,
              everything(files),
              how({
                time,
                mode,
                threads,
                key,
                cryptMode,
                rsaKey: key && rsaKey,
              }),
            );
            const tree = mode === "legacy"
              ? ["root.pxar.didx"]
              : ["root.ppxar.didx", "root.mpxar.didx"];
            const names = [
              ...tree,
              "disk.img.fidx",
              "fw.conf.blob",
              ...tree.map((name) => name.replace("root", "b")),
              ...mode === "legacy" ? ["catalog.pcat1.didx"] : [],
              ...key === undefined ? [] : [RSA_KEY_NAME],
            ];
            assertEquals(summary.files.map(({ name }) => name), names);
            await using snapshot = await openSnapshot(store, nameAt(time), {
              key,
              threads: 0,
            });
            const { manifest } = snapshot;
            assertEquals(
              manifest.files.map(({ name, cryptMode }) => [name, cryptMode]),
              names.map((name) => [name, cryptMode]),
            );
            assertEquals(manifest.signature === undefined, key === undefined);
            await assertRestores(store, time, files, key);
            assertEquals(
              hash((await filesOf(store, time, key, "b.pxar")).get("only")!),
              hash(noise(99, 20_000)),
            );
            const image = await snapshot.source("disk.img.fidx"),
              bytes = new Uint8Array(30_000);
            for (let at = 0; at < bytes.length;) {
              at += await image.read(bytes.subarray(at));
            }
            await image.close();
            assertEquals(hash(bytes), hash(noise(77, 30_000)));
            assertEquals(await snapshot.blob("fw.conf"), utf8("allow all"));
            if (key !== undefined) {
              assertEquals(await snapshot.blob(RSA_KEY_NAME), rsaKey);
            }
            // Encrypted is what is to be, and nothing else; the key for the master key's holder never is.
            const index = await snapshot.index("disk.img.fidx");
            const { digest, end } = await index.chunk(0);
            await openBlob(await snapshot.reader.get(digest), {
              codecs,
              digest,
              size: end,
              key,
              encrypted: cryptMode === "encrypt",
            });
            await index.close();
            time++;
          }
          const report = await verify(store, { namespace: "" }, {
            key,
            threads: 0,
          });
          assertEquals(report.snapshots.map(({ state }) => state), [
            "ok",
            "ok",
            "ok",
            "ok",
          ]);
        });
      }
    });
  }
}

/** A change to a real directory. */
const CHANGES = fc.array(
  fc.record({
    what: fc.constantFrom(
      "write",
      "remove",
      "add",
      "rename",
      "chmod",
      "mkdir",
      "symlink",
      "link",
      "touch",
    ),
    at: fc.nat(10_000),
    to: fc.nat(10_000),
    size: fc.oneof(fc.nat(3000), fc.nat(60_000), fc.constant(0)),
  }),
  { maxLength: 8 },
);

Deno.test("backup() of a real directory restores as it was, round after round", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          CHANGES,
          fc.constantFrom(
            "legacy",
            "data",
            "metadata",
            "metadata",
            "metadata" as const,
          ),
        ),
        {
          minLength: 20,
          maxLength: 20,
        },
      ),
      fc.constantFrom(undefined, KEY),
      async (rounds, key) => {
        await withDirectory(async (folder) => {
          const store = await memoryStore(), root = `${folder}/tree`;
          await Deno.mkdir(root);
          for (let i = 0; i < 40; i++) {
            await Deno.mkdir(`${root}/d${i % 4}`, { recursive: true });
            await Deno.writeFile(
              `${root}/d${i % 4}/f${i}`,
              noise(i + 1, (i * 7919) % 20_000),
            );
          }
          let time = TIME, seed = 1000, reused = 0;
          const trees = [];
          for (const [changes, mode] of rounds) {
            for (const change of changes) {
              await changeTree(root, change, ++seed);
            }
            const summary = await backup(
              store,
              [{
                archive: "root.pxar",
                entries: (how) => readTree(root, how),
              }],
              how({
                time,
                mode: mode as "legacy",
                key,
                ahead: [64, 0, 5][time % 3]!,
              }),
            );
            reused += summary.filesReused;
            trees.push(await treeInOrder(readTree(root)));
            time++;
          }
          assert(reused > 20, `${reused}`);
          // Every one of them, after all that came behind.
          for (const [round, expected] of trees.entries()) {
            await using snapshot = await openSnapshot(
              store,
              nameAt(TIME + round),
              { key, threads: 0 },
            );
            const report = await writeTree(
              `${folder}/r${round}`,
              snapshot.entries("root.pxar"),
            );
            assertEquals(report.problems, []);
            assertEquals(
              await treeInOrder(readTree(`${folder}/r${round}`)),
              expected,
              `round ${round}`,
            );
          }
        }, inMemory());
      },
    ),
    { numRuns: 4, endOnFailure: true },
  );
});

/** Does something to a tree. */
async function changeTree(
  root: string,
  { what, at, to, size }: {
    what: string;
    at: number;
    to: number;
    size: number;
  },
  seed: number,
): Promise<void> {
  const files: string[] = [], folders: string[] = [root];
  for (const name of namesIn(root)) {
    const path = root + name, { isDirectory } = await Deno.lstat(path);
    (isDirectory ? folders : files).push(path);
  }
  const file = files[at % Math.max(1, files.length)];
  const there = `${folders[to % folders.length]}/n${to}-${seed}`;
  if (what === "add" || file === undefined) {
    await Deno.writeFile(there, noise(seed, size));
  } else if (what === "mkdir") await Deno.mkdir(there);
  else if (what === "symlink") await Deno.symlink(`x${at}`, there);
  else if (what === "remove") await Deno.remove(file);
  else if (what === "rename") await Deno.rename(file, there);
  else if ((await Deno.lstat(file)).isFile) {
    if (what === "write") await Deno.writeFile(file, noise(seed, size));
    else if (what === "chmod") await Deno.chmod(file, 0o600 | (to & 0o77));
    else if (what === "link") await Deno.link(file, there);
    else await Deno.utime(file, seed, seed);
  }
}
