// Searching: in streams, catalogs and the official stores, what of them is fetched, versions, and catalogs that lie.
import { bytesAccess } from "@pxar/codec/random_access";
import { CatalogReader } from "@pxar/codec/catalog_reader";
import { hexOf } from "@pxar/chunk/digest";
import { decode } from "@pxar/codec/decode";
import { FormatError, PxarError } from "@pxar/format/errors";
import { makeEntry } from "@pxar/format/entry";
import { showName } from "@pxar/format/name";
import { parsePattern } from "@pxar/format/pattern";
import type { Datastore } from "@pxar/store/datastore";
import { openDatastore } from "@pxar/store/open_datastore";
import {
  parseGroup,
  parseSnapshot,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import type { SnapshotReader, Store } from "@pxar/store/store";
import {
  findEntries,
  findInCatalog,
  findInSnapshot,
  type FindInSnapshotOptions,
  findInSnapshots,
  type Hit,
  newestFirst,
  openSnapshot,
  type SnapshotHit,
  Versions,
} from "@pxar/transfer";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { xorshift32 } from "../support/prng.ts";
import { readVector } from "../support/vectors.ts";
import { inMemory, withDirectory } from "../support/walks.ts";
import { expectedOf, type TreeEntry, unpackStore } from "../store/official.ts";
import { kernel } from "../store/stores.ts";
import { cut, entriesOf, utf8 } from "./trees.ts";

const include = (...texts: string[]) =>
  texts.map((one) => parsePattern(one, "include"));

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) {
    assert(page.length > 0);
    found.push(...page);
  }
  return found;
}

function shown(hits: readonly Hit[]): string[] {
  return hits.map(({ path, kind }) => `${kind} /${showName(path)}`);
}

/** Opens an official store for the time of `use`. */
async function withOfficial(
  name: string,
  use: (store: Datastore) => Promise<void>,
): Promise<void> {
  await withDirectory(async (folder) => {
    await use(
      await openDatastore(unpackStore(name, folder), {
        kernel,
        sync: "none",
        locks: `${folder}/locks`,
      }),
    );
  }, inMemory());
}

/** What a search in a snapshot gives. */
async function inSnapshot(
  store: Pick<Store, "open">,
  name: string,
  options: FindInSnapshotOptions,
  namespace = "",
): Promise<SnapshotHit[]> {
  const snapshotName = parseSnapshot(name, namespace);
  await using snapshot = await openSnapshot(store, snapshotName, {
    threads: 0,
  });
  return await all(findInSnapshot(snapshot, options));
}

/** A store that notes which chunks are fetched. */
function noting(store: Store, fetched: Set<string>): Pick<Store, "open"> {
  return {
    open: async (name, options) => {
      const reader = await store.open(name, options);
      return new Proxy<SnapshotReader>(reader, {
        get: (target, property) => {
          if (property === "direct") return undefined;
          const value = Reflect.get(target, property, target);
          if (property === "get") {
            return (digest: Parameters<SnapshotReader["get"]>[0]) => {
              fetched.add(hexOf(digest));
              return target.get(digest);
            };
          }
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}

Deno.test("findEntries() finds by patterns, the last of which decides, and by what else must be true", async () => {
  const tree = { etc: { fstab: "12345", hosts: "1" }, home: { fstab: "" } };
  const search = async (
    texts: string[],
    fits?: (hit: { size: number | undefined }) => boolean,
  ) =>
    shown(
      await all(
        findEntries(cut(entriesOf(tree), [2, 1]), {
          patterns: include(...texts),
          fits,
        }),
      ),
    );
  assertEquals(await search(["fstab"]), [
    "file /etc/fstab",
    "file /home/fstab",
  ]);
  assertEquals(await search(["fstab", "!/home/*"]), ["file /etc/fstab"]);
  assertEquals(await search(["/etc/"]), ["directory /etc"]);
  assertEquals(await search([]), [
    "directory /",
    "directory /etc",
    "file /etc/fstab",
    "file /etc/hosts",
    "directory /home",
    "file /home/fstab",
  ]);
  assertEquals(await search([], ({ size }) => size === 5), ["file /etc/fstab"]);
  assertEquals(await search(["nope"]), []);
});

Deno.test("findEntries() tells devices apart, knows no time of hardlinks, and ends on a signal", async () => {
  const hits = await all(findEntries(decode(readVector("kinds.pxar"))));
  const kinds = new Map(hits.map(({ path, kind }) => [showName(path), kind]));
  assertEquals(new Set(kinds.values()).size, 8);
  for (const { kind, mtime, size } of hits) {
    assertEquals(mtime === undefined, kind === "hardlink");
    assertEquals(size === undefined, kind !== "file");
  }
  const entries = [makeEntry("directory"), makeEntry("end")];
  await assertRejects(
    () => all(findEntries([entries], { signal: AbortSignal.abort() })),
    DOMException,
  );
});

const DATES = ["14", "15", "16"].map((day) =>
  `host/h1/2023-11-${day}T22:13:20Z`
);

Deno.test("findInSnapshot() finds all that the official client restored, by catalogs and in archives", () =>
  withOfficial("plain", async (store) => {
    const KINDS: Readonly<Record<string, string>> = { dir: "directory" };
    let archives = 0, lists = 0;
    for (const one of expectedOf("plain").snapshots) {
      const trees = Object.entries(one.archives).filter(([, { kind }]) =>
        kind === "pxar"
      );
      if (trees.length === 0) continue;
      const line = (archive: string, tree: TreeEntry) => {
        const file = tree.kind === "file" && tree.hardlink_of === undefined;
        return [
          archive,
          tree.path,
          tree.hardlink_of === undefined
            ? KINDS[tree.kind] ?? tree.kind
            : "hardlink",
          file ? tree.size : undefined,
          file ? Number(BigInt(tree.mtime_ns) / 1_000_000_000n) : undefined,
        ].join();
      };
      const expected = trees.flatMap(([archive, value]) =>
        value.kind === "pxar" ? value.tree.map((one) => line(archive, one)) : []
      ).sort();
      for (const catalog of [true, false]) {
        const hits = await inSnapshot(
          store,
          one.snapshot,
          { catalog },
          one.ns,
        );
        assertEquals(
          hits.map(({ archive, path, kind, size, mtime }) =>
            [
              archive,
              path.toBase64(),
              kind,
              size,
              size === undefined ? undefined : mtime,
            ].join()
          ).sort(),
          expected,
        );
        archives++;
        if (hits.some(({ entry }) => entry === undefined)) {
          assert(catalog && hits.every(({ entry }) => entry === undefined));
          lists++;
        }
      }
    }
    assertEquals([archives, lists], [10, 2]);
  }));

Deno.test("findInSnapshot() fetches no content: catalogs, and the metadata of split archives", () =>
  withOfficial("plain", async (store) => {
    for (const name of DATES) {
      const fetched = new Set<string>();
      const hits = await inSnapshot(noting(store, fetched), name, {
        patterns: include("f00*"),
      });
      assertEquals(shown(hits), ["file /docs/f00.txt"]);
      await using snapshot = await openSnapshot(store, parseSnapshot(name));
      const isMeta = (file: string) => /\.mpxar|\.pcat1/.test(file);
      let meta = 0;
      for (const { name: file } of snapshot.manifest.files) {
        if (!file.endsWith(".didx")) continue;
        const index = await snapshot.index(file);
        for await (const batch of index.chunks()) {
          for (const { digest } of batch) {
            if (isMeta(file)) {
              meta++;
              fetched.delete(hexOf(digest));
            }
          }
        }
        await index.close();
      }
      assert(meta > 0);
      assertEquals(fetched, new Set<string>());
    }
  }));

Deno.test("findInSnapshot() looks in one archive where that is named, and nowhere where there is none", () =>
  withOfficial("plain", async (store) => {
    for (const archive of ["root.pxar", "root.mpxar", "root.ppxar.didx"]) {
      const hits = await inSnapshot(store, DATES[1]!, {
        archive,
        patterns: include("/docs"),
      });
      assertEquals(hits.map((hit) => hit.archive), ["root.pxar"]);
    }
    const bad = (name: string, options: FindInSnapshotOptions) =>
      assertRejects(() => inSnapshot(store, name, options), PxarError);
    assertEquals(
      (await bad(DATES[0]!, { archive: "nope.pxar" })).name,
      "NotFoundError",
    );
    assertEquals(
      (await bad(DATES[0]!, { archive: "fw.conf" })).name,
      "UnsupportedError",
    );
    assertEquals(
      (await bad("vm/100/2023-11-14T22:15:00Z", {})).message,
      "Cannot look through vm/100/2023-11-14T22:15:00Z: it has no archive, expected one (.pxar)",
    );
  }));

Deno.test("newestFirst() goes through a group, a namespace, and those below it", () =>
  withOfficial("plain", async (store) => {
    const texts = async (names: AsyncIterable<SnapshotName>) => {
      const found: string[] = [];
      for await (const name of names) {
        found.push(`${name.namespace}:${snapshotText(name)}`);
      }
      return found;
    };
    const newest = DATES.toReversed().map((one) => `:${one}`);
    const group = parseGroup("host/h1");
    assertEquals(await texts(newestFirst(store, group)), newest);
    assertEquals(
      await texts(newestFirst(store, group, { latest: true })),
      newest.slice(0, 1),
    );
    const everything = await texts(newestFirst(store, ""));
    assertEquals(everything.length, expectedOf("plain").snapshots.length);
    assertEquals(everything.slice(1, 4), newest);
    assertEquals(everything.at(-1), "a/b:host/nsHost.1/2023-11-14T22:18:20Z");
    assertEquals(
      (await texts(newestFirst(store, "", { maxDepth: 0, latest: true })))
        .length,
      3,
    );
    assertEquals(await texts(newestFirst(store, "a/b")), everything.slice(-1));
    // One whose manifest cannot be read is not passed over in silence.
    await Deno.writeFile(
      `${store.location}/${DATES[2]}/index.json.blob`,
      new Uint8Array(20),
    );
    assertEquals(await texts(newestFirst(store, group)), newest);
    await Deno.remove(`${store.location}/${DATES[2]}/index.json.blob`);
    assertEquals(await texts(newestFirst(store, group)), newest.slice(1));
  }));

Deno.test("findInSnapshots() goes on behind what cannot be read, and passes over what is gone", () =>
  withOfficial("plain", async (store) => {
    const names = DATES.map((one) => parseSnapshot(one));
    const gone = parseSnapshot("host/h1/2020-01-01T00:00:00Z");
    const disk = parseSnapshot("vm/100/2023-11-14T22:15:00Z");
    await Deno.writeFile(
      `${store.location}/${DATES[1]}/root.mpxar.didx`,
      new Uint8Array(5000),
    );
    const failed: string[] = [], done: string[] = [];
    const patterns = include("/docs/f00*");
    const order = [names[0]!, gone, names[1]!, disk, names[2]!];
    const hits = await all(findInSnapshots(store, order, {
      patterns,
      onDone: (name) => done.push(snapshotText(name)),
      onError: (name, error) => {
        failed.push(snapshotText(name));
        assert(error instanceof PxarError);
      },
    }));
    assertEquals(hits.map(({ snapshot }) => snapshotText(snapshot)), [
      DATES[0],
      DATES[2],
    ]);
    assertEquals(failed, [DATES[1]]);
    assertEquals(done, [DATES[0], snapshotText(disk), DATES[2]]);
    await assertRejects(
      () => all(findInSnapshots(store, order, { patterns })),
      PxarError,
    );
  }));

Deno.test("Versions tells what is the same in many snapshots, and where it is missing", () => {
  const versions = new Versions();
  const at = (time: number): SnapshotName => ({
    namespace: "",
    type: "host",
    id: "h",
    time,
  });
  const hit = (
    time: number,
    path: string,
    parts: Partial<SnapshotHit> = {},
  ): SnapshotHit => ({
    snapshot: at(time),
    archive: "root.pxar",
    path: utf8(path),
    name: utf8(path),
    kind: "file",
    size: 1,
    mtime: 5,
    entry: undefined,
    ...parts,
  });
  const link = (target: string) => ({
    kind: "symlink" as const,
    size: undefined,
    entry: makeEntry("symlink", { target: utf8(target) }),
  });
  for (const time of [9, 8, 6]) versions.add(hit(time, "b"));
  versions.add(hit(6, "b"));
  versions.add(hit(5, "a", { size: 2 }));
  versions.add(hit(5, "b", { mtime: 4 }));
  versions.add(hit(5, "l", link("x")));
  versions.passed(at(4));
  versions.add(hit(3, "b"));
  versions.add(hit(3, "l", link("y")));
  versions.add({ ...hit(3, "b"), snapshot: { ...at(1), id: "g" } });
  assertEquals(
    [...versions.all()].map(({ group, path, mtime, target, runs, of }) =>
      [
        group.id,
        showName(path),
        mtime ?? showName(target!),
        runs.map((run) => run.map(({ time }) => time).join("-")).join(","),
        of,
      ].join(" ")
    ),
    [
      "h a 5 5 6",
      "h b 5 9-8-6,3 6",
      "h b 4 5 6",
      "h l x 5 6",
      "h l y 3 6",
      "g b 5 1 1",
    ],
  );
});

const CATALOGS = new URL("../vectors/store/catalog/", import.meta.url);

/** Looks through all archives of a catalog. */
async function look(
  bytes: Uint8Array<ArrayBuffer>,
  pattern = "*",
): Promise<Hit[]> {
  await using reader = await CatalogReader.open(bytesAccess(bytes));
  const hits: Hit[] = [];
  for await (const page of reader.list(reader.root)) {
    for (const archive of page) {
      if (archive.kind === "directory") {
        hits.push(
          ...await all(findInCatalog(reader, archive, {
            patterns: include(pattern),
          })),
        );
      }
    }
  }
  return hits;
}

for (const { name } of Deno.readDirSync(CATALOGS)) {
  if (!name.endsWith(".pcat1")) continue;
  Deno.test(`findInCatalog() ends in a typed error on damaged ${name}`, async () => {
    const bytes = Deno.readFileSync(new URL(name, CATALOGS));
    const random = xorshift32(7);
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      const bad = i % 3 === 0
        ? bytes.slice(0, random() % bytes.length)
        : bytes.slice();
      if (bad.length > 0) {
        bad[random() % bad.length]! ^= 1 << (random() % 8);
      }
      try {
        await look(bad);
      } catch (error) {
        assert(error instanceof PxarError, String(error));
        refused++;
      }
    }
    assert(refused >= 20);
  });
}

Deno.test("findInCatalog() refuses what is too deep", async () => {
  // Each directory has the one before it.
  const bytes: number[] = [0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5];
  let start = bytes.length, length = 0;
  const table = (body: number[]) => {
    start = bytes.length;
    bytes.push(body.length, ...body);
    length = body.length + 1;
  };
  table([0]);
  for (let level = 0; level <= 10_002; level++) {
    table([1, 0x64, 1, 0x61, length]);
  }
  for (let i = 0; i < 8; i++) bytes.push(Math.floor(start / 256 ** i) % 256);
  const error = await assertRejects(
    () => look(Uint8Array.from(bytes), "/x"),
    FormatError,
  );
  assertEquals(
    error.message,
    "Cannot look through catalog: directories lie more than 10000 deep, expected at most that",
  );
});
