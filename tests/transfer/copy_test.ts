import type { Accessor } from "@pxar/codec/accessor";
import { decode } from "@pxar/codec/decode";
import type { Entry } from "@pxar/format/entry";
import { NotFoundError, PxarError } from "@pxar/format/errors";
import { copy, type CopyMapping } from "@pxar/transfer/copy";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { assertSameBytes, comparable, gather } from "../support/entries.ts";
import { loadVector, readVector, TREES } from "../support/vectors.ts";
import { bytesOf, openArchiveOf, openBytes, splitOf } from "./archives.ts";
import { collect, contentOf, entriesOf, lines, type Tree } from "./trees.ts";

const TREE: Tree = {
  a: { first: "1", x: { same: "@a/first" } },
  b: { link: "@a/first", more: "@a/first", own: "2" },
  c: "@b/own",
};

/** The archive's own mappings, `FROM=TO`. */
function mappings(
  archive: Accessor,
  texts: readonly string[],
  without?: readonly string[],
): CopyMapping[] {
  return texts.map((text) => {
    const [from, to] = text.split("=") as [string, string];
    const all = from === "";
    return { archive, from, to, ...(all && without && { without }) };
  });
}

async function copied(
  tree: Tree,
  texts: readonly string[],
  without?: readonly string[],
): Promise<Entry[]> {
  const archive = await openArchiveOf([entriesOf(tree)]);
  const entries = await gather(copy(mappings(archive, texts, without)));
  // It must be an archive, too.
  await bytesOf(copy(mappings(archive, texts, without)));
  return entries;
}

Deno.test("copy() of a whole archive gives its bytes again", async () => {
  for (const name of TREES) {
    const { v1, metadata, payload } = loadVector(name);
    await using one = await openBytes(v1);
    assertSameBytes(await bytesOf(copy(mappings(one, ["="]))), v1, name);
    await using two = await openBytes(metadata, payload);
    const split = await splitOf(copy(mappings(two, ["/=."])));
    assertSameBytes(split.metadata, metadata, name);
    assertSameBytes(split.payload, payload, name);
  }
  for (const name of ["exclude-cli-a", "exclude-cli-all"]) {
    const v1 = readVector(`${name}.pxar`);
    await using one = await openBytes(v1);
    assertSameBytes(await bytesOf(copy(mappings(one, ["="]))), v1, name);
    const metadata = readVector(`${name}.mpxar`);
    const payload = readVector(`${name}.ppxar`);
    await using two = await openBytes(metadata, payload);
    const split = await splitOf(copy(mappings(two, ["="])));
    assertSameBytes(split.metadata, metadata, name);
  }
});

Deno.test("copy() keeps all metadata at another path", async () => {
  for (const name of ["mixed", "xattrs", "kinds", "flags", "quota", "times"]) {
    const { v1 } = loadVector(name);
    await using archive = await openBytes(v1);
    const moved = await bytesOf(copy(mappings(archive, ["=p/q"])));
    await using there = await openBytes(moved);
    const back = await bytesOf(copy(mappings(there, ["p/q="])));
    assertEquals(
      comparable(await gather(decode(new Blob([back]).stream()))),
      comparable(await gather(decode(new Blob([v1]).stream()))),
      name,
    );
  }
});

Deno.test("copy() puts parts at nested paths and joins directories", async () => {
  const tree: Tree = { etc: { a: "1", d: { x: "2" } }, srv: { d: { y: "3" } } };
  assertEquals(
    lines(await copied(tree, ["etc=o/e", "srv/d=o/e/d", "etc/a=z"])),
    [
      "d ",
      "d o",
      "d o/e",
      "f o/e/a",
      "d o/e/d",
      "f o/e/d/x",
      "f o/e/d/y",
      "end o/e/d",
      "end o/e",
      "end o",
      "f z",
      "end ",
    ],
  );
});

Deno.test("copy() keeps links between mappings of one archive", async () => {
  const entries = await copied(TREE, ["b=y", "a=z", "c=w/c"]);
  assertEquals(lines(entries), [
    "d ",
    "d w",
    "f w/c",
    "end w",
    "d y",
    "f y/link",
    "h y/more y/link",
    "h y/own w/c",
    "end y",
    "d z",
    "h z/first y/link",
    "d z/x",
    "h z/x/same y/link",
    "end z/x",
    "end z",
    "end ",
  ]);
  assertEquals(await contentOf(entries[2]), "2");
  assertEquals(await contentOf(entries[5]), "1");

  assertEquals(lines(await copied(TREE, ["a=a", "b/link=e"])), [
    "d ",
    "d a",
    "f a/first",
    "d a/x",
    "h a/x/same a/first",
    "end a/x",
    "end a",
    "h e a/first",
    "end ",
  ]);
});

Deno.test("copy() of one directory to two places makes two files", async () => {
  const entries = await copied(TREE, ["a=p", "a=q"]);
  assertEquals(lines(entries).filter((line) => /^[fh]/.test(line)), [
    "f p/first",
    "h p/x/same p/first",
    "f q/first",
    "h q/x/same q/first",
  ]);
});

Deno.test("copy() renames: everything but one part, and this elsewhere", async () => {
  assertEquals(lines(await copied(TREE, ["=", "a=n/a"], ["a"])), [
    "d ",
    "d b",
    "f b/link",
    "h b/more b/link",
    "f b/own",
    "end b",
    "h c b/own",
    "d n",
    "d n/a",
    "h n/a/first b/link",
    "d n/a/x",
    "h n/a/x/same b/link",
    "end n/a/x",
    "end n/a",
    "end n",
    "end ",
  ]);
});

Deno.test("copy() swaps two files", async () => {
  const entries = await copied(
    { a: "1", b: "2", c: "3" },
    ["=", "a=b", "b=a"],
    ["a", "b"],
  );
  assertEquals(lines(entries), ["d ", "f a", "f b", "f c", "end "]);
  assertEquals(await contentOf(entries[1]), "2");
  assertEquals(await contentOf(entries[2]), "1");
});

Deno.test("copy() takes metadata of directories that lead there from the archive", async () => {
  const tree = entriesOf({ a: { b: { c: {} } }, n: {} }).map((entry, i) =>
    entry.kind === "directory" ? { ...entry, uid: 10 + i } : entry
  );
  const archive = await openArchiveOf([tree]);
  const uids = async (texts: readonly string[]) =>
    (await collect(copy(mappings(archive, texts))))
      .filter(({ kind }) => kind === "directory").map(({ uid }) => uid);
  assertEquals(await uids(["a/b/c=a/b/c"]), [10, 11, 12, 13]);
  assertEquals(await uids(["a/b/c=n/q"]), [10, 17, 13]);
  assertEquals(await uids(["a/b/c=new/q"]), [10, 13, 13]);
  // The directory that another mapping has there.
  assertEquals(await uids(["a/b/c=m/q", "n=m"]), [10, 17, 13]);
});

Deno.test("copy() refuses conflicts, what is not there, and a file as the root", async () => {
  await assertRejects(
    () => copied({ a: "1", b: "2" }, ["a=x", "b=x"]),
    PxarError,
    'Cannot merge "x"',
  );
  await assertRejects(() => copied(TREE, ["none=x"]), NotFoundError, '"/none"');
  await assertRejects(() => copied(TREE, ["c="]), TypeError, "the root");
  await assertRejects(() => copied(TREE, ["c=a/../b"]), TypeError, '".."');
});

Deno.test("copy() leaves a list of excludes behind where the root becomes another directory", async () => {
  const tree: Tree = { a: "1", ".pxarexclude-cli": "*.o\n" };
  assertEquals(lines(await copied(tree, ["=old"])), [
    "d ",
    "d old",
    "f old/a",
    "end old",
    "end ",
  ]);
  assertEquals(lines(await copied(tree, ["=", "a=b"], ["a"])), [
    "d ",
    "f b",
    "f .pxarexclude-cli",
    "end ",
  ]);
});
