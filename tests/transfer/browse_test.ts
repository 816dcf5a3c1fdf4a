// Walking about in archives, and reading parts of them: the golden trees, links that lead anywhere, catalogs that do not agree.
import { Accessor } from "@pxar/codec/accessor";
import { CatalogReader } from "@pxar/codec/catalog_reader";
import { CatalogWriter } from "@pxar/codec/catalog_writer";
import { decode } from "@pxar/codec/decode";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { makeEntry } from "@pxar/format/entry";
import { FormatError, NotFoundError, PxarError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { Browser, findEntries, pick, type Place } from "@pxar/transfer";
import { unified } from "../support/archives.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { assertSameEntries, CollectSink, gather } from "../support/entries.ts";
import { xorshift32 } from "../support/prng.ts";
import { loadVector, readVector, TREES } from "../support/vectors.ts";
import { collect, entriesOf, lines, type Tree, utf8 } from "./trees.ts";

const open = (bytes: Bytes) => Accessor.open(bytesAccess(bytes));

/** The catalog of an archive. */
async function catalogOf(archive: Bytes): Promise<Bytes> {
  const sink = new CollectSink(), writer = new CatalogWriter(sink);
  writer.startArchive("root.pxar.didx");
  for await (const batch of decode(archive)) {
    for (const entry of batch) await writer.entry(entry);
  }
  await writer.finish();
  return sink.bytes();
}

async function withCatalog(archive: Bytes, catalog: Bytes): Promise<Browser> {
  const reader = await CatalogReader.open(bytesAccess(catalog));
  const directory = await reader.lookup("/root.pxar.didx");
  assert(directory !== undefined);
  return new Browser(await open(archive), { reader, directory });
}

/** All paths below a place, with what is there. */
async function all(browser: Browser): Promise<string[]> {
  const found: string[] = [];
  const waiting: Place[] = [browser.root];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    found.push(`${next.kind} ${next.path.toHex()}`);
    if (next.kind !== "directory") continue;
    for await (const page of browser.list(next)) waiting.push(...page);
  }
  return found.sort();
}

for (const name of TREES) {
  Deno.test(`Browser and pick() find all of ${name}, with a catalog and without`, async () => {
    const { v1 } = loadVector(name);
    const expected: string[] = [];
    for await (const page of findEntries(decode(v1))) {
      for (const { kind, path } of page) {
        expected.push(`${kind} ${path.toHex()}`);
      }
    }
    expected.sort();
    const accessor = await open(v1);
    assertEquals(await all(new Browser(accessor)), expected);
    const browser = await withCatalog(v1, await catalogOf(v1));
    assertEquals(await all(browser), expected);
    for (const one of expected.slice(0, 50)) {
      const path = Uint8Array.fromHex(one.split(" ")[1]!);
      const place = await browser.resolve(browser.root, path);
      assertEquals(`${place.kind} ${place.path.toHex()}`, one);
      assertEquals(
        showName((await browser.node(place)).entry.name),
        showName(place.name),
      );
    }
    // Picking everything is reading the archive.
    assertSameEntries(
      await gather(pick(accessor)),
      (await gather(decode(v1))).filter(({ kind }) => kind !== "version"),
    );
  });
}

const TARGETS: Readonly<Record<string, string>> = {
  up: "../c/./d",
  root: "/a//b/",
  loop: "loop",
  out: "../../../../etc/passwd",
  above: "../../../a/b",
};

/** Two directories with links between them. */
async function linked(): Promise<Bytes> {
  const entries = entriesOf({
    a: { b: { file: "x" }, root: "", up: "" },
    c: { above: "", d: { deep: "y" }, loop: "", out: "" },
  });
  return await unified([
    entries.map((entry) => {
      const target = TARGETS[showName(entry.name)];
      return target === undefined ? entry : makeEntry("symlink", {
        name: entry.name,
        mode: 0o120777,
        target: utf8(target),
      });
    }),
  ]);
}

Deno.test("Browser.resolve() follows links as far as the root, and 40 of them", async () => {
  const archive = await linked();
  for (
    const browser of [
      new Browser(await open(archive)),
      await withCatalog(archive, await catalogOf(archive)),
    ]
  ) {
    const from = await browser.resolve(browser.root, utf8("a"));
    const find = async (path: string, follow = false) =>
      showName((await browser.resolve(from, utf8(path), { follow })).path);
    assertEquals(await find("b/file"), "a/b/file");
    assertEquals(await find("up"), "a/up");
    assertEquals(await find("up", true), "c/d");
    assertEquals(await find("up/deep"), "c/d/deep");
    assertEquals(await find("root/file"), "a/b/file");
    assertEquals(await find("/c/above/file"), "a/b/file");
    assertEquals(await find("up/.."), "c");
    assertEquals(await find("../../../.."), "");
    assertEquals(await find("/"), "");
    assertEquals(await find(""), "a");
    const lost = async (path: string, sentence: string) => {
      const error = await assertRejects(() => find(path, true), NotFoundError);
      assertStringIncludes(error.message, sentence);
    };
    await lost("/c/loop", "more than 40 symlinks");
    await lost("/c/out", 'Cannot find "/etc": it is not in the archive');
    await lost("b/file/x", '"/a/b/file" is a file, expected a directory');
    await lost("nope", 'Cannot find "/a/nope"');
  }
});

Deno.test("Browser.node() refuses a catalog that does not agree with the archive", async () => {
  const tree = (file: string): Tree => ({ d: { [file]: "1", f: "2" }, e: "3" });
  const archive = await unified([entriesOf(tree("g"))]);
  const other = await unified([
    entriesOf({ d: { f: { x: "" } }, e: "3", h: "4" }),
  ]);
  const browser = await withCatalog(archive, await catalogOf(other));
  for (
    const [path, sentence] of [
      ["d/f", "the catalog has a directory there, the archive a file"],
      ["d/f/x", "the catalog has a directory there, the archive a file"],
      ["h", "the catalog has a file there, the archive nothing"],
    ] as const
  ) {
    const place = await browser.resolve(browser.root, utf8(path));
    const error = await assertRejects(() => browser.node(place), FormatError);
    assertStringIncludes(error.message, sentence);
  }
  await browser.node(await browser.resolve(browser.root, utf8("e")));
  const { kind, name, path } = browser.root;
  const strange: Place = { kind, name, path, above: undefined };
  await assertRejects(() => browser.list(strange).next(), TypeError);
});

Deno.test("pick() takes parts, with the directories that lead there, and makes links of what is picked", async () => {
  const archive = await unified([
    entriesOf({
      a: { f: "one", g: "two" },
      b: { h: "@a/f", i: "@a/f", j: "three" },
      c: "four",
    }),
  ]);
  const accessor = await open(archive);
  const told = async (options: { below?: string; paths?: string[] }) =>
    lines(
      await collect(pick(accessor, {
        below: options.below === undefined ? undefined : utf8(options.below),
        paths: options.paths?.map(utf8),
      })),
    );
  assertEquals(await told({ paths: ["c", "a/g"] }), [
    "d ",
    "d a",
    "f a/g",
    "end a",
    "f c",
    "end ",
  ]);
  assertEquals(await told({ below: "b" }), [
    "d ",
    "f h",
    "h i h",
    "f j",
    "end ",
  ]);
  assertEquals(await told({ paths: ["b/i", "a", "a/f"] }), [
    "d ",
    "d a",
    "f a/f",
    "f a/g",
    "end a",
    "d b",
    "h b/i a/f",
    "end b",
    "end ",
  ]);
  assertEquals(await told({ below: "a", paths: [] }), ["d ", "end "]);
  for (
    const options of [{ paths: ["a/nope"] }, { below: "c" }, {
      paths: ["c/x"],
    }, { below: "nope" }]
  ) {
    await assertRejects(() => told(options), NotFoundError);
  }
  await assertRejects(
    () => collect(pick(accessor, { signal: AbortSignal.abort() })),
    DOMException,
  );
});

Deno.test("Browser and pick() end in typed errors on damaged archives", async () => {
  const bytes = readVector("hardlinks.pxar"), random = xorshift32(3);
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const bad = bytes.slice();
    bad[random() % bad.length]! ^= 1 << (random() % 8);
    try {
      const accessor = await open(bad);
      await all(new Browser(accessor));
      await gather(pick(accessor));
    } catch (error) {
      assert(error instanceof PxarError, String(error));
      refused++;
    }
  }
  assert(refused > 50, String(refused));
});
