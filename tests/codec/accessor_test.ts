// Looking things up in archives.
import { Accessor } from "@pxar/codec/accessor";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { type EntryParts, makeEntry } from "@pxar/format/entry";
import {
  FormatError,
  NotFoundError,
  PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import { dirMetadata, fifoMetadata, fileMetadata } from "@pxar/format/metadata";
import fc from "fast-check";
import { split, unified } from "../support/archives.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import {
  arbitraryTree,
  assertSameBytes,
  assertSameEntries,
  BytesContent,
  describeEntries,
  describeManifest,
  inBatches,
  readContent,
  renew,
} from "../support/entries.ts";
import {
  loadDamaged,
  loadVector,
  readVector,
  TREES,
  VARIANTS,
} from "../support/vectors.ts";
import {
  children,
  CountingAccess,
  entriesOf,
  LateAccess,
  mutate,
  nodes,
  numbers,
  openBoth,
  readAll,
  wideArchive,
} from "./walk.ts";

const ALL = [...TREES, ...VARIANTS];
const TEXT = new TextEncoder();

/** Bytes of a path made of one character a byte. */
function raw(path: string): Bytes {
  return Uint8Array.from(path, (letter) => letter.charCodeAt(0));
}

/** Opens an archive, reads all that can be reached; gives how many entries that were, or the error. */
async function attempt(
  archive: Bytes,
  payload?: Bytes,
): Promise<number | PxarError> {
  try {
    const accessor = await Accessor.open(bytesAccess(archive), {
      payload: payload && bytesAccess(payload),
    });
    return await readAll(accessor);
  } catch (error) {
    if (error instanceof PxarError) return error;
    throw error;
  }
}

Deno.test("Accessor gives what the manifest of every archive says, v1 and v2", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      for (const { version, accessor } of await openBoth(vector)) {
        assertEquals(accessor.version, version);
        assertEquals(
          describeEntries(await entriesOf(accessor)),
          describeManifest(vector.entries, version),
        );
      }
    });
  }
});

Deno.test("lookup() and at() find every entry of every archive, and nothing beside them", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      for (const { accessor } of await openBoth(vector)) {
        for (const { path, node } of await nodes(accessor)) {
          assertEquals(
            await accessor.lookup(raw(path === "" ? "/" : path)),
            node,
          );
          assertEquals(await accessor.at(node.position), node);
          if (node.entry.kind === "directory") {
            assertEquals(await accessor.lookup(raw(`.${path}/./`)), node);
            assertEquals(
              await accessor.lookup(raw(`${path}/not there`)),
              undefined,
            );
          } else {assertEquals(
              await accessor.lookup(raw(`${path}/x`)),
              undefined,
            );}
        }
      }
    });
  }
});

Deno.test("lookup() takes strings as UTF-8, gives nothing for an empty path and refuses ..", async () => {
  const { v1 } = loadVector("names");
  const accessor = await Accessor.open(bytesAccess(v1));
  const { entry } =
    (await nodes(accessor)).find(({ path }) => path.includes("\xc3"))!.node;
  assertEquals(
    (await accessor.lookup(new TextDecoder().decode(entry.name)))?.entry,
    entry,
  );
  assertEquals(await accessor.lookup(""), undefined);
  assertEquals(await accessor.lookup("/"), accessor.root);
  assertEquals(await accessor.lookup("."), accessor.root);
  assertEquals(await accessor.lookup("a".repeat(5000)), undefined);
  assertEquals(await accessor.lookup("a\0b"), undefined);
  await assertRejects(() => accessor.lookup("a/../b"), TypeError, `".."`);
});

Deno.test("follow() leads from every hardlink to the file of its path", async () => {
  for (const { accessor } of await openBoth(loadVector("hardlinks"))) {
    let links = 0;
    for (const { node } of await nodes(accessor)) {
      const target = await accessor.follow(node);
      if (node.entry.kind !== "hardlink") assertEquals(target, node);
      else {
        links++;
        assertEquals(target, await accessor.lookup(node.entry.target!));
        assertEquals(target.position, node.entry.linkPosition);
        assertThrows(() => accessor.content(node), TypeError, "hardlink");
      }
    }
    assert(links > 5);
  }
});

Deno.test("read() and stream() give any part of a file, unified and split", async () => {
  const random = numbers(1);
  for (const { accessor } of await openBoth(loadVector("plain"))) {
    const node = (await accessor.lookup("big-1048577"))!;
    const whole = await readContent(accessor.content(node));
    assertEquals(whole.length, 1048577);
    assertSameBytes(await bytesOf(accessor.stream(node)), whole);
    for (let i = 0; i < 200; i++) {
      const start = random(whole.length + 10), length = random(1 << random(19));
      const into = new Uint8Array(length);
      const got = await accessor.read(node, start, into);
      const expected = whole.subarray(start, start + length);
      assertSameBytes(into.subarray(0, got), expected);
      assertSameBytes(
        await bytesOf(accessor.stream(node, { start, end: start + length })),
        expected,
      );
    }
    assertSameBytes(
      await bytesOf(accessor.stream(node, { start: 1048570 })),
      whole.subarray(1048570),
    );
    const empty = (await accessor.lookup("size-000000"))!;
    assertEquals((await bytesOf(accessor.stream(empty))).length, 0);
    assertEquals(await accessor.read(empty, 0, new Uint8Array(5)), 0);
  }
});

async function bytesOf(stream: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("prelude() gives its bytes, and nothing where there is none", async () => {
  const [v1, v2] = await openBoth(loadVector("exclude-cli-a"));
  assertEquals(v1!.accessor.prelude(), undefined);
  const prelude = JSON.parse(
    new TextDecoder().decode(await readContent(v2!.accessor.prelude()!)),
  );
  assertEquals(prelude, { "exclude-patterns": "readme\n/build/\n" });
});

Deno.test("Accessor refuses a caller's mistakes as such", async () => {
  const accessor = await Accessor.open(bytesAccess(loadVector("kinds").v1));
  const all = await children(accessor, accessor.root);
  const fifo = all.find(({ entry }) => entry.kind === "fifo")!,
    file = all.find(({ entry }) => entry.kind === "file")!;
  await assertRejects(() => accessor.list(fifo).next(), TypeError, "directory");
  await assertRejects(
    () => accessor.child(file, TEXT.encode("a")),
    TypeError,
    "directory",
  );
  await assertRejects(
    () => accessor.read(fifo, 0, new Uint8Array(1)),
    TypeError,
    "file",
  );
  await assertRejects(
    () => accessor.read(file, -1, new Uint8Array(1)),
    RangeError,
  );
  assertThrows(() => accessor.stream(file, { start: 5, end: 4 }), RangeError);
  assertThrows(() => accessor.stream(file, { start: 0.5 }), RangeError);
  await assertRejects(() => accessor.at(-1), RangeError);
  await assertRejects(() => accessor.at(7987), RangeError);
  await assertRejects(() => accessor.at(57), FormatError);
});

Deno.test("Accessor of a split archive without payload stream lacks nothing but contents", async () => {
  const { metadata, entries } = loadVector("mixed");
  const accessor = await Accessor.open(bytesAccess(metadata));
  const all = await nodes(accessor);
  assertEquals(all.length, entries.length);
  const { node } = all.find(({ node }) =>
    node.size > 0 && node.entry.kind === "file"
  )!;
  await assertRejects(
    () => accessor.read(node, 0, new Uint8Array(1)),
    UnsupportedError,
    `option "payload"`,
  );
});

Deno.test("list() yields pages of no more than 256 nodes", async () => {
  const accessor = await Accessor.open(bytesAccess(await wideArchive(1000)));
  const pages: number[] = [];
  for await (const page of accessor.list(accessor.root)) {
    pages.push(page.length);
  }
  assertEquals(pages, [256, 256, 256, 232]);
});

Deno.test("Accessor reads less than 100 blocks for a lookup among 100,000, and keeps no more than its cache", async () => {
  const archive = await wideArchive(100_000);
  const random = numbers(7);
  let most = 0;
  for (let i = 0; i < 20; i++) {
    const access = new CountingAccess(archive);
    const accessor = await Accessor.open(access, { cache: 64 << 10 });
    const name = `entry-${random(100_000)}`;
    const node = await accessor.lookup(name);
    assertEquals(node?.entry.name, TEXT.encode(name));
    assertEquals(access.longest, 4096);
    most = Math.max(most, access.reads);
  }
  assert(most < 30, `${most} blocks were read`);
});

Deno.test("Accessor reads less than 100 blocks for any lookup in the vector with many tables", async () => {
  const { v1 } = loadVector("tables");
  const access = new CountingAccess(v1);
  const accessor = await Accessor.open(access, { cache: 4096 });
  for (const { path } of await nodes(accessor)) {
    access.reads = 0;
    await accessor.lookup(raw(path));
    assert(access.reads < 100, `${path}: ${access.reads}`);
  }
});

Deno.test("Accessor serves many at once from a slow archive, with few reads", async () => {
  const vector = loadVector("mixed");
  const quiet = await nodes((await openBoth(vector))[1]!.accessor);
  const archive = new LateAccess(vector.metadata),
    payload = new LateAccess(vector.payload);
  const accessor = await Accessor.open(archive, { payload });
  await Promise.all(
    [1, 2, 3].map(async () => {
      assertEquals(await nodes(accessor), quiet);
      assertEquals(
        describeEntries(await entriesOf(accessor)),
        describeManifest(vector.entries, 2),
      );
    }).concat(quiet.flatMap(({ path, node }) =>
      path === "" ? [] : [
        accessor.lookup(raw(path)).then((found) => assertEquals(found, node)),
      ]
    )),
  );
  assert(
    archive.reads <= Math.ceil(vector.metadata.length / 4096) + 1,
    `${archive.reads} reads`,
  );
});

Deno.test("Accessor gives back any tree that encode() takes, unified and split", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree(), async (tree) => {
      const one = await Accessor.open(
        bytesAccess(await unified(inBatches(renew(tree)))),
      );
      assertSameEntries(await entriesOf(one), tree);
      const { metadata, payload } = await split(inBatches(renew(tree)));
      const two = await Accessor.open(bytesAccess(metadata), {
        payload: bytesAccess(payload),
      });
      assertSameEntries(await entriesOf(two), tree);
    }),
    { numRuns: 60 },
  );
});

Deno.test("Accessor ends every damaged archive with a PxarError, or reads it", async () => {
  for (const { archive, payload, name } of loadDamaged()) {
    const result = await attempt(archive, payload);
    if (/^(good(-v2.*)?|entry-v1)$/.test(name)) {
      assertEquals(typeof result, "number", name);
    }
    if (/^(cut|trailing|size|type)-|^goodbye-(?!not-permuted)/.test(name)) {
      assert(result instanceof FormatError, `${name}: ${result}`);
    }
  }
});

Deno.test("Accessor ends every prefix of an archive with a PxarError", async () => {
  for (
    const archive of [
      readVector("damaged/good.pxar"),
      loadVector("hardlinks").metadata,
    ]
  ) {
    for (let length = 0; length < archive.length; length++) {
      const result = await attempt(archive.slice(0, length));
      assert(result instanceof PxarError, `${length} bytes: ${result}`);
    }
  }
});

Deno.test("Accessor ends 10,000 mutated archives with a PxarError, or reads them", async () => {
  const random = numbers(20240615);
  const originals = [
    readVector("damaged/good.pxar"),
    loadVector("quota").v1,
    loadVector("xattrs").v1,
  ];
  const { metadata, payload } = loadVector("hardlinks");
  let refused = 0;
  for (let i = 0; i < 10_000; i++) {
    const result = i % 4 === 3
      ? i % 8 === 3
        ? await attempt(mutate(metadata, random), payload)
        : await attempt(metadata, mutate(payload, random))
      : await attempt(mutate(originals[i % 4]!, random));
    if (result instanceof PxarError) refused++;
  }
  assert(refused > 3000 && refused < 9900, `${refused} refused`);
});

/** An archive of /a, /d, /d/x, /z, in which the table of /d can be changed. */
async function nested(): Promise<
  {
    readonly archive: Bytes;
    readonly view: DataView;
    readonly table: number;
    readonly d: number;
  }
> {
  const node = (kind: "fifo" | "directory", name: string): EntryParts => ({
    ...(kind === "fifo" ? fifoMetadata(0o600) : dirMetadata(0o755)).build(),
    name: TEXT.encode(name),
  });
  const archive = await unified([[
    makeEntry("directory", node("directory", "")),
    makeEntry("fifo", node("fifo", "a")),
    makeEntry("directory", node("directory", "d")),
    makeEntry("fifo", node("fifo", "x")),
    makeEntry("end"),
    makeEntry("fifo", node("fifo", "z")),
    makeEntry("end"),
  ]]);
  const accessor = await Accessor.open(bytesAccess(archive));
  const d = (await accessor.lookup("d"))!;
  return {
    archive,
    view: new DataView(archive.buffer),
    table: d.end - 64,
    d: d.position,
  };
}

Deno.test("Accessor refuses a row that leads to its own directory, to a parent's child, or far away", async () => {
  const { archive, view, table, d } = await nested();
  for (const target of [d, 56, 0, table - 1, table, table + 100]) {
    view.setBigInt64(table + 24, BigInt(table - target), true);
    const error = await attempt(archive);
    assert(error instanceof FormatError, `${target}: ${error}`);
    const accessor = await Accessor.open(bytesAccess(archive));
    await assertRejects(() => accessor.lookup("d/x"), FormatError);
  }
});

Deno.test("Accessor refuses a directory that ends behind its parent's table", async () => {
  const { archive, view, d } = await nested();
  // The root's table has three rows; the one that leads to /d gets the size that would make it the root's twin.
  const table = archive.length - 16 - 4 * 24;
  for (let row = table + 16; row < archive.length - 24; row += 24) {
    if (table - Number(view.getBigUint64(row + 8, true)) === d) {
      view.setBigUint64(row + 16, BigInt(archive.length - d), true);
    }
  }
  const accessor = await Accessor.open(bytesAccess(archive));
  await assertRejects(
    () => accessor.lookup("d"),
    FormatError,
    "expected at most",
  );
  await assertRejects(() => accessor.at(d), FormatError, "expected at most");
  await assertRejects(() => readAll(accessor), FormatError, "expected at most");
});

Deno.test("Accessor notices a search tree out of order where a lookup meets it, rather than finding nothing", async () => {
  const { archive } = loadDamaged().find(({ name }) =>
    name === "goodbye-not-permuted"
  )!;
  const accessor = await Accessor.open(bytesAccess(archive));
  const results = await Promise.all(
    ["a", "d", "h", "l", "p"].map(async (name) => {
      try {
        return await accessor.lookup(name);
      } catch (error) {
        return error;
      }
    }),
  );
  assert(
    results.some((result) =>
      result instanceof FormatError && /search tree/.test(result.message)
    ),
  );
});

Deno.test("at() says where no directory is, although it looks like one", async () => {
  const inner = readVector("damaged/good.pxar");
  const archive = await unified([[
    makeEntry("directory", dirMetadata(0o755).build()),
    makeEntry("file", {
      ...fileMetadata(0o644).build(),
      name: TEXT.encode("inner"),
      content: new BytesContent(inner),
    }),
    makeEntry("end"),
  ]]);
  const accessor = await Accessor.open(bytesAccess(archive));
  const file = (await accessor.lookup("inner"))!;
  const other = await Accessor.open(bytesAccess(inner));
  const d = (await other.lookup("d"))!;
  await assertRejects(
    () => accessor.at(file.start + d.position),
    NotFoundError,
  );
});

Deno.test("Accessor closes what it was given, also when it cannot open it", async () => {
  const closed: string[] = [];
  const closing = (bytes: Bytes, name: string) => ({
    ...bytesAccess(bytes),
    close: () => void closed.push(name),
  });
  const { metadata, payload } = loadVector("kinds");
  const accessor = await Accessor.open(closing(metadata, "archive"), {
    payload: closing(payload, "payload"),
  });
  assertEquals(closed, []);
  await accessor[Symbol.asyncDispose]();
  assertEquals(closed, ["archive", "payload"]);
  await assertRejects(
    () =>
      Accessor.open(closing(payload, "wrong"), {
        payload: closing(metadata, "way"),
      }),
    FormatError,
  );
  assertEquals(closed, ["archive", "payload", "wrong", "way"]);
});
