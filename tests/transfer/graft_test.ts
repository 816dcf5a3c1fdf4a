import { BytesContent, makeEntry } from "@pxar/format/entry";
import { graft } from "@pxar/transfer/graft";
import fc from "fast-check";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { bytesOf } from "./archives.ts";
import {
  batchesOf,
  entriesOf as entriesOfNode,
  linesOf,
  linesOfStream,
  type Node,
  nodes,
} from "./merge_model.ts";
import {
  collect,
  entriesOf,
  lines,
  SIZES,
  text,
  type Tree,
  utf8,
} from "./trees.ts";

const TREE: Tree = { a: "1", d: { b: "@a" } };

Deno.test("graft() puts a tree at a nested path, and targets of links follow", async () => {
  const entries = await collect(graft([entriesOf(TREE)], "/srv//www/"));
  assertEquals(lines(entries), [
    "d ",
    "d srv",
    "d srv/www",
    "f srv/www/a",
    "d srv/www/d",
    "h srv/www/d/b srv/www/a",
    "end srv/www/d",
    "end srv/www",
    "end srv",
    "end ",
  ]);
  assertEquals(entries[5]?.linkPosition, entries[3]?.position);
});

Deno.test("graft() at the root changes nothing", async () => {
  const entries = entriesOf(TREE);
  assertEquals(await collect(graft([entries], "/")), entries);
});

Deno.test("graft() puts one entry alone at a path", async () => {
  const file = makeEntry("file", {
    name: utf8("old"),
    mode: 0o100600,
    content: new BytesContent(utf8("x")),
  });
  assertEquals(
    lines(await collect(graft([[file]], "d/new"))),
    ["d ", "d d", "f d/new", "end d", "end "],
  );
  await assertRejects(
    () => collect(graft([[file]], ".")),
    TypeError,
    "Cannot make a file the root",
  );
});

Deno.test("graft() makes directories with owner and time of what is put there, or as it is told", async () => {
  const [root, ...rest] = entriesOf(TREE);
  const tree = [
    { ...root!, uid: 1, gid: 2, secs: 3, nanos: 4, mode: 0o40700, flags: 16 },
    ...rest,
  ];
  const asked: string[] = [];
  const entries = await collect(graft([tree], "a/b/c", {
    metadata: (path) => {
      asked.push(text(path));
      return text(path) === "a"
        ? { ...makeEntry("directory"), mode: 0o41777, uid: 9 }
        : undefined;
    },
  }));
  assertEquals(asked, ["", "a", "a/b"]);
  const stats = entries.slice(0, 4).map((
    { mode, uid, gid, secs, nanos, flags },
  ) => [mode, uid, gid, secs, nanos, flags]);
  assertEquals(stats, [
    [0o40755, 1, 2, 3, 4, 0],
    [0o41777, 9, 0, 0, 0, 0],
    [0o40755, 1, 2, 3, 4, 0],
    [0o40700, 1, 2, 3, 4, 16],
  ]);
});

Deno.test("graft() passes version and prelude on before the new root", async () => {
  const head = [makeEntry("version"), makeEntry("prelude")];
  const entries = await collect(graft([head, entriesOf({})], "a"));
  assertEquals(
    entries.map(({ kind }) => kind),
    ["version", "prelude", "directory", "directory", "end", "end"],
  );
});

Deno.test("graft() gives what a model gives, for any tree", async () => {
  await fc.assert(
    fc.asyncProperty(
      nodes("A"),
      fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }),
      SIZES,
      async (root, path, sizes) => {
        const expected = path.reduceRight<Node>(
          (child, name) => ({
            kind: "directory",
            time: root.time,
            children: new Map([[name, child]]),
          }),
          root,
        );
        const entries = entriesOfNode(root);
        const grafted = () => graft(batchesOf(entries, sizes), path.join("/"));
        assertEquals(await linesOfStream(grafted()), linesOf(expected));
        await bytesOf(graft([entriesOfNode(root)], path.join("/")));
      },
    ),
    { numRuns: 60 },
  );
});
