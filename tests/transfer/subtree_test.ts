import { FormatError, NotFoundError } from "@pxar/format/errors";
import { makeEntry } from "@pxar/format/entry";
import { subtree } from "@pxar/transfer/subtree";
import { treePath } from "@pxar/transfer/tree_path";
import fc from "fast-check";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { loadVector, TREES } from "../support/vectors.ts";
import { bytesOf, openArchiveOf, openBytes, splitOf } from "./archives.ts";
import {
  entriesOf as entriesOfNode,
  linesOf,
  linesOfStream,
  type Node,
  nodes,
} from "./merge_model.ts";
import {
  collect,
  contentOf,
  entriesOf,
  lines,
  type Tree,
  utf8,
} from "./trees.ts";

const TREE: Tree = {
  a: { first: "1", inner: { same: "@a/first" } },
  b: { x: "@a/first", y: { own: "2", z: "@a/first" } },
  c: "@b/y/own",
};

Deno.test("subtree() gives a directory as a tree of its own", async () => {
  await using archive = await openArchiveOf([entriesOf(TREE)]);
  const entries = await collect(subtree(archive, "/a"));
  assertEquals(lines(entries), [
    "d ",
    "f first",
    "d inner",
    "h inner/same first",
    "end inner",
    "end ",
  ]);
  assertEquals(await contentOf(entries[1]), "1");
  assertEquals(entries[3]?.linkPosition, entries[1]?.position);
});

Deno.test("subtree() makes a link a file whose first lies outside", async () => {
  await using archive = await openArchiveOf([entriesOf(TREE)]);
  const entries = await collect(subtree(archive, "b"));
  assertEquals(lines(entries), [
    "d ",
    "f x a/first",
    "d y",
    "f y/own",
    "h y/z x",
    "end y",
    "end ",
  ]);
  assertEquals(await contentOf(entries[1]), "1");
  assertEquals(entries[1]?.mode, 0o100644);
  assertEquals(entries[4]?.linkPosition, entries[1]?.position);
});

Deno.test("subtree() gives one file in a root with the metadata of its directory", async () => {
  const entries = entriesOf(TREE).map((entry) =>
    entry.kind === "directory" && entry.name[0] === 0x62
      ? { ...entry, uid: 7 }
      : entry
  );
  await using archive = await openArchiveOf([entries]);
  const found = await collect(subtree(archive, "./b//x/"));
  assertEquals(lines(found), ["d ", "f x a/first", "end "]);
  assertEquals(found[0]?.uid, 7);
  assertEquals(await contentOf(found[1]), "1");
  assertEquals(lines(await collect(subtree(archive, "c"))).length, 3);
});

Deno.test("subtree() of the root is the whole tree", async () => {
  for (const name of TREES) {
    const { v1, metadata, payload } = loadVector(name);
    await using one = await openBytes(v1);
    assertSameBytes(await bytesOf(subtree(one, "/")), v1, name);
    await using two = await openBytes(metadata, payload);
    const split = await splitOf(subtree(two, ""));
    assertSameBytes(split.metadata, metadata, name);
    assertSameBytes(split.payload, payload, name);
  }
});

Deno.test("subtree() gives what a model gives, for any directory", async () => {
  await fc.assert(
    fc.asyncProperty(nodes("A"), async (root) => {
      await using archive = await openArchiveOf([entriesOfNode(root)]);
      const visit = async (node: Node, path: string): Promise<void> => {
        if (node.kind !== "directory") return;
        assertEquals(
          await linesOfStream(subtree(archive, path)),
          linesOf(node),
        );
        // And so does an archive of it.
        await bytesOf(subtree(archive, path));
        for (const [name, child] of node.children) {
          await visit(child, `${path}/${name}`);
        }
      };
      await visit(root, "");
    }),
    { numRuns: 60 },
  );
});

Deno.test("subtree() leaves out what it is told to", async () => {
  await using archive = await openArchiveOf([entriesOf(TREE)]);
  const without = [await archive.lookup("a"), await archive.lookup("b/y")];
  const entries = await collect(
    subtree(archive, "", { without: without.map((one) => one!) }),
  );
  assertEquals(lines(entries), [
    "d ",
    "d b",
    "f b/x a/first",
    "end b",
    "f c b/y/own",
    "end ",
  ]);
  assertEquals(await contentOf(entries[4]), "2");
});

Deno.test("subtree() refuses what is not there, and paths with ..", async () => {
  await using archive = await openArchiveOf([entriesOf(TREE)]);
  await assertRejects(
    () => collect(subtree(archive, "/a/none")),
    NotFoundError,
    'Cannot find "/a/none"',
  );
  await assertRejects(
    () => collect(subtree(archive, "a/../b")),
    TypeError,
    "..",
  );
});

Deno.test("subtree() refuses a link within whose target is not the path of its first", async () => {
  const entries = entriesOf(TREE).map((entry) =>
    entry.name.length === 4 && entry.kind === "hardlink"
      ? { ...entry, target: utf8("elsewhere") }
      : entry
  );
  await using archive = await openArchiveOf([entries]);
  await assertRejects(
    () => collect(subtree(archive, "a")),
    FormatError,
    'its target is "elsewhere"',
  );
});

Deno.test("subtree() follows trees of any depth", async () => {
  const depth = 3000, name = utf8("d");
  await using archive = await openArchiveOf([[
    makeEntry("directory", { mode: 0o40755 }),
    ...Array.from(
      { length: depth },
      () => makeEntry("directory", { name, mode: 0o40755 }),
    ),
    ...Array.from({ length: depth + 1 }, () => makeEntry("end")),
  ]]);
  const entries = await collect(subtree(archive, "d/d"));
  assertEquals(entries.length, 2 * (depth - 1));
});

Deno.test("treePath() passes over what counts for nothing", () => {
  for (
    const [path, plain] of [
      ["", ""],
      ["/", ""],
      [".", ""],
      ["//a/./b//", "a/b"],
      ["..a/b..", "..a/b.."],
    ] as const
  ) assertEquals(treePath(path), utf8(plain));
});
