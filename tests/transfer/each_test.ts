import { type Entry, makeEntry } from "@pxar/format/entry";
import { each } from "@pxar/transfer/each";
import fc from "fast-check";
import { assertEquals, assertRejects } from "../support/assert.ts";
import {
  collect,
  cut,
  entriesOf,
  lines,
  SIZES,
  text,
  type Tree,
  trees,
} from "./trees.ts";

const TREE: Tree = { a: "1", d: { a: "2", e: { f: "3" }, empty: {} }, z: "4" };

Deno.test("each() passes on what the function gives", async () => {
  const moved = each(
    cut(entriesOf(TREE), [3]),
    (entry) => entry.kind === "file" ? { ...entry, uid: 7 } : entry,
  );
  const entries = await collect(moved);
  assertEquals(lines(entries), lines(entriesOf(TREE)));
  for (const entry of entries) {
    assertEquals(entry.uid, entry.kind === "file" ? 7 : 0);
  }
});

Deno.test("each() drops a directory with all that is in it and its end", async () => {
  const asked: string[] = [];
  const entries = await collect(each(cut(entriesOf(TREE), [2]), (entry) => {
    asked.push(text(entry.name));
    return text(entry.name) === "d" ? undefined : entry;
  }));
  assertEquals(lines(entries), ["d ", "f a", "f z", "end "]);
  assertEquals(asked, ["", "a", "d", "z", ""]);
});

Deno.test("each() keeps the end of a directory that is kept", async () => {
  const named = (entry: Entry) => entry.kind === "end" ? undefined : entry;
  assertEquals(
    lines(await collect(each([entriesOf(TREE)], named))),
    lines(entriesOf(TREE)),
  );
});

Deno.test("each() yields no batch where nothing is left", async () => {
  assertEquals(
    await collect(each(cut(entriesOf(TREE), [1]), () => undefined)),
    [],
  );
});

Deno.test("each() refuses to break the tree", async () => {
  const fifo = (from: string) => (entry: Entry) =>
    entry.kind === from ? makeEntry("fifo", { name: entry.name }) : entry;
  const run = (from: string) => collect(each([entriesOf(TREE)], fifo(from)));
  await assertRejects(
    () => run("directory"),
    TypeError,
    "in the place of directory",
  );
  await assertRejects(() => run("end"), TypeError, "in the place of end");
  assertEquals(lines(await run("file"))[1], "f a");
  const opened = each(
    [entriesOf(TREE)],
    (entry) => entry.kind === "file" ? makeEntry("directory") : entry,
  );
  await assertRejects(() => collect(opened), TypeError, "Cannot put directory");
});

Deno.test("each() releases the contents it drops, and those only", async () => {
  const released: string[] = [];
  const held = entriesOf(TREE).map((entry, i) => {
    if (entry.content === undefined) return entry;
    const content = {
      size: 1,
      read: () => 0,
      release: () => {
        released.push(lines(entriesOf(TREE))[i]!);
      },
    };
    return { ...entry, content };
  });
  await collect(
    each(
      [held],
      (entry) => ["a", "e"].includes(text(entry.name)) ? undefined : entry,
    ),
  );
  assertEquals(released, ["f a", "f d/a", "f d/e/f"]);
});

Deno.test("each() ends its source when it is ended", async () => {
  let ended = false;
  async function* source() {
    try {
      yield* cut(entriesOf(TREE), [1]);
    } finally {
      ended = true;
    }
  }
  for await (const batch of each(source(), (entry) => entry)) {
    assertEquals(batch.length, 1);
    break;
  }
  assertEquals(ended, true);
});

Deno.test("each() gives the same however the entries are cut, with ends that match", async () => {
  await fc.assert(
    fc.asyncProperty(
      trees(),
      SIZES,
      fc.constantFrom("a", "b", "c"),
      async (tree, sizes, gone) => {
        const without = (from: Tree): Tree =>
          Object.fromEntries(
            Object.entries(from).filter(([name]) => name !== gone).map((
              [name, value],
            ) => [
              name,
              typeof value === "string" ? value : without(value),
            ]),
          );
        const entries = each(
          cut(entriesOf(tree), sizes),
          (entry) => text(entry.name) === gone ? undefined : entry,
        );
        assertEquals(
          lines(await collect(entries)),
          lines(entriesOf(without(tree))),
        );
      },
    ),
  );
});
