import { BytesContent, makeEntry } from "@pxar/format/entry";
import { Progress, progress } from "@pxar/transfer/progress";
import { assertEquals, assertRejects } from "../support/assert.ts";
import {
  collect,
  contentOf,
  cut,
  entriesOf,
  lines,
  text,
  type Tree,
  utf8,
} from "./trees.ts";

const TREE: Tree = { a: "one", d: { e: "four!", f: "" }, z: "@a" };

Deno.test("progress() counts nodes, and bytes as they are read", async () => {
  const state = new Progress();
  const entries = await collect(progress(cut(entriesOf(TREE), [2]), state));
  assertEquals(lines(entries), lines(entriesOf(TREE)));
  assertEquals([state.entries, state.bytes], [6, 0]);
  const [, a, , e, f] = entries;
  assertEquals(await a!.content!.read(new Uint8Array(2)), 2);
  assertEquals(state.bytes, 2);
  assertEquals(await contentOf(e), "four!");
  assertEquals(await contentOf(f), "");
  assertEquals(state.bytes, 7);
});

Deno.test("progress() counts no version, prelude or known chunks, and not their bytes", async () => {
  const state = new Progress();
  const content = new BytesContent(utf8("{}"));
  const [first] = await collect(progress(
    [[
      makeEntry("prelude", { content }),
      makeEntry("version"),
      makeEntry("directory"),
      makeEntry("inject"),
      makeEntry("end"),
    ]],
    state,
  ));
  assertEquals(await contentOf(first), "{}");
  assertEquals([state.entries, state.bytes], [1, 0]);
});

Deno.test("progress() knows the path of what is being read", async () => {
  const state = new Progress();
  assertEquals(text(state.path), "");
  const seen: string[] = [];
  for await (const batch of progress(cut(entriesOf(TREE), [4]), state)) {
    seen.push(text(state.path));
    for (const entry of batch) {
      if (entry.content === undefined) continue;
      await contentOf(entry);
      seen.push(text(state.path));
    }
  }
  assertEquals(seen, ["", "a", "d/e", "d/f", "d/f"]);
  assertEquals(text(state.path), "d/f");
});

Deno.test("progress() knows the path also where nobody asked before", async () => {
  const entries = entriesOf({ d: { e: { f: "x" } }, g: { h: "y" } });
  for (let size = 1; size <= entries.length; size++) {
    const state = new Progress();
    for await (const batch of progress(cut(entries, [size]), state)) {
      const last = batch.find((entry) => text(entry.name) === "h");
      if (last === undefined) continue;
      await last.content!.read(new Uint8Array(1));
      assertEquals(text(state.path), "g/h");
    }
  }
});

Deno.test("progress() keeps what contents promise", async () => {
  let released = 0;
  const promised = {
    size: 5,
    read: (into: Uint8Array) => Promise.resolve(Math.min(into.length, 5)),
    release() {
      if (this === promised) released++;
    },
  };
  const failing = {
    size: 1,
    read: () => Promise.reject(new Error("gone")),
    release: undefined,
  };
  const state = new Progress();
  const [first, second] = await collect(progress([[
    makeEntry("file", { content: promised }),
    makeEntry("file", { content: failing }),
  ]], state));
  const read = first!.content!.read(new Uint8Array(4));
  assertEquals(state.bytes, 0);
  assertEquals(await read, 4);
  assertEquals([first!.content!.size, state.bytes], [5, 4]);
  first!.content!.release?.();
  assertEquals([released, second!.content!.release], [1, undefined]);
  await assertRejects(
    async () => await second!.content!.read(new Uint8Array(1)),
    Error,
    "gone",
  );
  assertEquals(state.bytes, 4);
});

Deno.test("progress() keeps the shape of entries", async () => {
  const [before] = entriesOf({ a: "x" }).slice(1);
  const [after] = await collect(progress([[before!]], new Progress()));
  assertEquals(Object.keys(after!), Object.keys(before!));
});
