import {
  type Batch,
  BytesContent,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { FormatError, NotFoundError } from "@pxar/format/errors";
import {
  matchPatterns,
  parsePattern,
  type Pattern,
} from "@pxar/format/pattern";
import { select, type SelectOptions } from "@pxar/transfer/select";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import {
  collect,
  contentOf,
  cut,
  entriesOf,
  lines,
  SIZES,
  text,
  type Tree,
  trees,
  utf8,
} from "./trees.ts";

const TREE: Tree = {
  a: "1",
  empty: {},
  etc: { conf: { x: "2", y: "3" }, hosts: "4", none: {} },
  z: "5",
};

const including = (...globs: string[]): Pattern[] =>
  globs.map((glob) => parsePattern(glob, "include"));

/** Finds entries of a tree by position, with contents of their own. */
const resolverOf = (tree: Tree) => (position: number): Promise<Entry> =>
  Promise.resolve(
    entriesOf(tree).find((entry) => entry.position === position) ??
      Promise.reject(new NotFoundError("Cannot find entry")),
  );

async function selected(
  tree: Tree,
  globs: string[],
  rest: Partial<SelectOptions> = {},
) {
  const patterns = including(...globs);
  return lines(
    await collect(select(cut(entriesOf(tree), [3]), { patterns, ...rest })),
  );
}

Deno.test("select() without patterns passes everything on", async () => {
  assertEquals(await selected(TREE, []), lines(entriesOf(TREE)));
});

Deno.test("select() passes on the root alone where nothing matches", async () => {
  assertEquals(await selected(TREE, ["nothing"]), ["d ", "end "]);
  assertEquals(await selected(TREE, [], { matchAll: false }), ["d ", "end "]);
});

Deno.test("select() passes on the directories that lead to what matches, and no others", async () => {
  assertEquals(await selected(TREE, ["y"]), [
    "d ",
    "d etc",
    "d etc/conf",
    "f etc/conf/y",
    "end etc/conf",
    "end etc",
    "end ",
  ]);
  assertEquals(await selected(TREE, ["/hosts"]), ["d ", "end "]);
});

Deno.test("select() passes on all below a directory that matches", async () => {
  assertEquals(await selected(TREE, ["/etc/conf"]), [
    "d ",
    "d etc",
    "d etc/conf",
    "f etc/conf/x",
    "f etc/conf/y",
    "end etc/conf",
    "end etc",
    "end ",
  ]);
});

Deno.test("select() passes on an empty directory that matches by itself", async () => {
  assertEquals(await selected(TREE, ["/empty/"]), [
    "d ",
    "d empty",
    "end empty",
    "end ",
  ]);
  assertEquals(await selected(TREE, ["none"]), [
    "d ",
    "d etc",
    "d etc/none",
    "end etc/none",
    "end etc",
    "end ",
  ]);
});

Deno.test("select() leaves out what is excluded again, and takes what is included again below", async () => {
  assertEquals(await selected(TREE, ["etc", "!conf", "y"]), [
    "d ",
    "d etc",
    "d etc/conf",
    "f etc/conf/y",
    "end etc/conf",
    "f etc/hosts",
    "d etc/none",
    "end etc/none",
    "end etc",
    "end ",
  ]);
  assertEquals(await selected(TREE, ["!etc", "!z"], { matchAll: true }), [
    "d ",
    "f a",
    "d empty",
    "end empty",
    "end ",
  ]);
});

Deno.test("select() does what patterns that exclude say, as a walk would", async () => {
  const patterns = ["conf", "a"].map((glob) => parsePattern(glob));
  const options = { patterns, matchAll: true };
  assertEquals(lines(await collect(select([entriesOf(TREE)], options))), [
    "d ",
    "d empty",
    "end empty",
    "d etc",
    "f etc/hosts",
    "d etc/none",
    "end etc/none",
    "end etc",
    "f z",
    "end ",
  ]);
});

Deno.test("select() passes on versions, preludes and known chunks", async () => {
  const entries = [
    makeEntry("version"),
    makeEntry("prelude", { content: new BytesContent(utf8("{}")) }),
    makeEntry("directory"),
    makeEntry("inject"),
    makeEntry("file", { name: utf8("a") }),
    makeEntry("end"),
  ];
  const kept = await collect(select([entries], { patterns: including("b") }));
  assertEquals(kept.map((entry) => entry.kind), [
    "version",
    "prelude",
    "directory",
    "inject",
    "end",
  ]);
});

Deno.test("select() releases the contents it drops, and those only", async () => {
  const released: string[] = [];
  const held = entriesOf(TREE).map((entry) =>
    entry.content === undefined ? entry : {
      ...entry,
      content: {
        size: 1,
        read: () => 0,
        release: () => {
          released.push(text(entry.name));
        },
      },
    }
  );
  await collect(select([held], { patterns: including("etc") }));
  assertEquals(released, ["a", "z"]);
});

const LINKS: Tree = {
  a: { f: "data" },
  b: { g: "@a/f", h: "@a/f" },
  c: { i: "@a/f" },
};

Deno.test("select() leaves links alone whose first one is selected", async () => {
  assertEquals(await selected(LINKS, ["f", "h"]), [
    "d ",
    "d a",
    "f a/f",
    "end a",
    "d b",
    "h b/h a/f",
    "end b",
    "end ",
  ]);
});

Deno.test("select() makes the next link the file where the first one is left out", async () => {
  const asked: number[] = [];
  const resolve = (position: number) => {
    asked.push(position);
    return resolverOf(LINKS)(position);
  };
  const options = { patterns: including("h", "c"), resolve };
  const entries = await collect(select(cut(entriesOf(LINKS), [2]), options));
  assertEquals(lines(entries), [
    "d ",
    "d b",
    "f b/h",
    "end b",
    "d c",
    "h c/i b/h",
    "end c",
    "end ",
  ]);
  assertEquals(asked, [102]);
  const [, , file, , , second] = entries;
  assertEquals([file!.mode, file!.linkPosition, text(file!.name)], [
    0o100644,
    undefined,
    "h",
  ]);
  assertEquals(file!.position, 106);
  assertEquals(second!.linkPosition, 106);
  assertEquals(await contentOf(file), "data");
  assertEquals(Object.keys(file!), Object.keys(second!));
});

Deno.test("select() makes a link a symlink where the first one is one", async () => {
  const entries = [
    makeEntry("directory"),
    makeEntry("symlink", { name: utf8("a"), target: utf8("to"), position: 5 }),
    makeEntry("hardlink", {
      name: utf8("b"),
      target: utf8("a"),
      position: 6,
      linkPosition: 5,
    }),
    makeEntry("end"),
  ];
  const resolve = () => Promise.resolve(entries[1]!);
  const kept = await collect(
    select([entries], { patterns: including("b"), resolve }),
  );
  assertEquals(lines(kept), ["d ", "s b to", "end "]);
});

Deno.test("select() says which link it cannot read, and goes on if somebody is told", async () => {
  const told: string[] = [];
  const onError = (path: Uint8Array, error: Error) => {
    told.push(text(path));
    assert(error instanceof NotFoundError, error.message);
  };
  assertEquals(await selected(LINKS, ["b", "c/"], { onError }), [
    "d ",
    "d b",
    "end b",
    "d c",
    "end c",
    "end ",
  ]);
  assertEquals(told, ["b/g", "b/h", "c/i"]);
  await assertRejects(
    () => selected(LINKS, ["h"]),
    NotFoundError,
    'Cannot select hardlink "b/h": its first link "a/f" is not selected',
  );
});

Deno.test("select() makes no directories for a link that it cannot read", async () => {
  assertEquals(await selected(LINKS, ["h"], { onError: () => {} }), [
    "d ",
    "end ",
  ]);
});

Deno.test("select() refuses a link to a directory, and hands on what is no error of the archive", async () => {
  const directory = { resolve: () => Promise.resolve(makeEntry("directory")) };
  await assertRejects(
    () => selected(LINKS, ["h"], directory),
    FormatError,
    "is a directory",
  );
  const broken = {
    resolve: () => Promise.reject(new TypeError("bug")),
    onError: () => {},
  };
  await assertRejects(() => selected(LINKS, ["h"], broken), TypeError, "bug");
});

Deno.test("select() takes a link whose first one was tried in vain before", async () => {
  let tries = 0;
  const resolve = (position: number) =>
    tries++ === 0
      ? Promise.reject(new FormatError("Cannot read file: is damaged"))
      : resolverOf(LINKS)(position);
  assertEquals(await selected(LINKS, ["b"], { resolve, onError: () => {} }), [
    "d ",
    "d b",
    "f b/h",
    "end b",
    "end ",
  ]);
});

Deno.test("select() takes trees of any depth", async () => {
  const depth = 200_000, name = utf8("d");
  function* deep(): Generator<Batch> {
    yield [makeEntry("directory")];
    for (let i = 1; i < depth; i++) yield [makeEntry("directory", { name })];
    yield [makeEntry("file", { name: utf8("f") })];
    for (let i = 0; i < depth; i++) yield [makeEntry("end")];
  }
  const count = async (glob: string) => {
    let entries = 0;
    for await (const batch of select(deep(), { patterns: including(glob) })) {
      entries += batch.length;
    }
    return entries;
  };
  assertEquals(await count("f"), 2 * depth + 1);
  assertEquals(await count("g"), 2);
});

/** What select is to do, told from the paths alone. */
function model(tree: Tree, patterns: readonly Pattern[]): string[] {
  const kept: string[] = [];
  const links = new Map<string, string>();
  const visit = (directory: Tree, path: string, around: boolean): boolean => {
    const start = kept.length;
    let wanted = around;
    if (path !== "") {
      const says = matchPatterns(patterns, utf8(path), true);
      if (says !== undefined) wanted = says === "include";
    }
    kept.push(`d ${path}`);
    let used = wanted || path === "";
    for (const [name, value] of Object.entries(directory)) {
      const own = path === "" ? name : `${path}/${name}`;
      if (typeof value !== "string") {
        if (visit(value, own, wanted)) used = true;
        continue;
      }
      const says = matchPatterns(patterns, utf8(own), false);
      if (says === undefined ? !wanted : says === "exclude") continue;
      used = true;
      const first = value.startsWith("@") ? value.slice(1) : own;
      const link = links.get(first);
      kept.push(link === undefined ? `f ${own}` : `h ${own} ${link}`);
      if (link === undefined) links.set(first, own);
    }
    if (used) kept.push(`end ${path}`);
    else kept.length = start;
    return used;
  };
  visit(tree, "", patterns.length === 0);
  return kept;
}

Deno.test("select() gives what is wanted, the directories that lead there and the first of the links left, for all trees", async () => {
  const glob = fc.tuple(
    fc.constantFrom("", "!"),
    fc.constantFrom("", "/"),
    fc.array(fc.constantFrom("a", "b", "c", "*", "[ab]", "**"), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.constantFrom("", "", "/"),
  ).map(([bang, root, parts, end]) => bang + root + parts.join("/") + end);
  await fc.assert(
    fc.asyncProperty(
      trees(),
      fc.array(glob, { maxLength: 3 }),
      SIZES,
      async (tree, globs, sizes) => {
        const patterns = including(...globs);
        const options = { patterns, resolve: resolverOf(tree) };
        const entries = await collect(
          select(cut(entriesOf(tree), sizes), options),
        );
        assertEquals(lines(entries), model(tree, patterns));
        const positions = new Map(
          entries.map((entry) => [entry.position, entry]),
        );
        for (const entry of entries) {
          if (entry.kind !== "hardlink") continue;
          assertEquals(positions.get(entry.linkPosition)?.kind, "file");
        }
      },
    ),
    { numRuns: 1000 },
  );
});
