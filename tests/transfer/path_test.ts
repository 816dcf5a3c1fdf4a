import { makeEntry } from "@pxar/format/entry";
import { PathTracker } from "@pxar/transfer";
import { assertEquals } from "../support/assert.ts";
import { entriesOf, lines, text, utf8 } from "./trees.ts";

Deno.test("PathTracker knows the path of every entry and of every end", () => {
  assertEquals(lines(entriesOf({ a: "", d: { e: { f: "" }, g: "" }, z: "" })), [
    "d ",
    "f a",
    "d d",
    "d d/e",
    "f d/e/f",
    "end d/e",
    "f d/g",
    "end d",
    "f z",
    "end ",
  ]);
});

Deno.test("PathTracker gives paths that stay valid, and views that do not", () => {
  const paths = new PathTracker();
  paths.enter(makeEntry("directory"));
  paths.enter(makeEntry("file", { name: utf8("first") }));
  const path = paths.path, view = paths.view;
  paths.enter(makeEntry("file", { name: utf8("other") }));
  assertEquals(text(paths.path), "other");
  assertEquals(text(path), "first");
  assertEquals(text(view), "other");
});

Deno.test("PathTracker takes what has no name, long names and deep trees", () => {
  const paths = new PathTracker();
  const name = utf8("n".repeat(4096));
  paths.enter(makeEntry("version"));
  assertEquals(text(paths.path), "");
  paths.enter(makeEntry("directory"));
  paths.enter(makeEntry("directory", { name }));
  paths.enter(makeEntry("inject"));
  assertEquals(paths.path, name);
  paths.enter(makeEntry("file", { name }));
  assertEquals(paths.path.length, 8193);
  for (let i = 0; i < 100_000; i++) {
    paths.enter(makeEntry("directory", { name: utf8("d") }));
  }
  assertEquals(paths.depth, 100_002);
  assertEquals(paths.path.length, 4096 + 200_000);
  for (let i = 0; i < 100_002; i++) paths.leave();
  assertEquals([paths.depth, text(paths.path)], [0, ""]);
});
