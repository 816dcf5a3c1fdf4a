import { decode } from "@pxar/codec/decode";
import type { Bytes } from "@pxar/format/bytes";
import { BytesContent, type Entry, makeEntry } from "@pxar/format/entry";
import { convert, readExcludeList } from "@pxar/transfer/convert";
import { assert, assertEquals } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { readVector, TREES, VARIANTS } from "../support/vectors.ts";
import { bytesOf, openArchiveOf, openBytes, splitOf } from "./archives.ts";
import { collect, contentOf, entriesOf, lines, utf8 } from "./trees.ts";

async function toSplit(archive: Bytes) {
  await using accessor = await openBytes(archive);
  const list = await readExcludeList(accessor);
  return await splitOf(
    convert(decode(new Blob([archive]).stream()), { split: true, list }),
  );
}

async function toOne(metadata: Bytes, payload: Bytes) {
  const batches = decode(new Blob([metadata]).stream(), {
    payload: new Blob([payload]).stream(),
  });
  return await bytesOf(convert(batches, { split: false }));
}

Deno.test("convert() there and back again gives the same bytes", async () => {
  for (const name of [...TREES, ...VARIANTS]) {
    const v1 = readVector(`${name}.pxar`);
    const { metadata, payload } = await toSplit(v1);
    assertSameBytes(await toOne(metadata, payload), v1, name);
  }
});

Deno.test("convert() makes of one form what create makes of the same tree in the other", async () => {
  let compared = 0;
  for (const name of [...TREES, ...VARIANTS]) {
    const v1 = readVector(`${name}.pxar`);
    let metadata: Bytes, payload: Bytes;
    try {
      metadata = readVector(`${name}.mpxar`);
      payload = readVector(`${name}.ppxar`);
    } catch {
      continue; // A variant that there is no split archive of.
    }
    compared++;
    const split = await toSplit(v1);
    assertSameBytes(split.metadata, metadata, name);
    assertSameBytes(split.payload, payload, name);
    assertSameBytes(await toOne(metadata, payload), v1, name);
  }
  assert(compared >= TREES.length);
});

const prelude = (text: string): Entry =>
  makeEntry("prelude", { content: new BytesContent(utf8(text)) });
const LIST = '{"exclude-patterns":"*.o\\n"}';
const FILED = { a: "1", ".pxarexclude-cli": "*.o\n" };

Deno.test("convert() makes a prelude the root's last file, once", async () => {
  const owner = { uid: 5, gid: 6 };
  const batches = [[makeEntry("version"), prelude(LIST)], entriesOf({ z: {} })];
  const entries = await collect(convert(batches, { split: false, owner }));
  const file = entries.at(-2);
  assertEquals(lines(entries.slice(1)), [
    "d ",
    "d z",
    "end z",
    "f .pxarexclude-cli",
    "end ",
  ]);
  assertEquals(await contentOf(file), "*.o\n");
  assertEquals([file?.mode, file?.uid, file?.gid, file?.secs], [
    0o100600,
    5,
    6,
    0,
  ]);
  const both = [[prelude(LIST)], entriesOf(FILED)];
  assertEquals(
    lines(await collect(convert(both, { split: false }))),
    lines(entriesOf(FILED)),
  );
});

Deno.test("convert() says that a prelude which is no list is left out", async () => {
  for (const text of ["{}", "null", "text", '{"exclude-patterns":"","x":1}']) {
    const notes: string[] = [];
    const batches = [[prelude(text)], entriesOf({})];
    assertEquals(
      lines(
        await collect(
          convert(batches, { split: false, onNote: (one) => notes.push(one) }),
        ),
      ),
      ["d ", "end "],
    );
    assertEquals(notes.length, 1);
  }
});

Deno.test("convert() for a split archive keeps what is no list of create's", async () => {
  const list = utf8("*.o\n");
  // A prelude that is there already.
  const both = [[prelude(LIST)], entriesOf(FILED)];
  assertEquals(
    (await collect(convert(both, { split: true, list }))).map(({ kind }) =>
      kind
    ),
    ["prelude", "directory", "file", "file", "end"],
  );
  // Patterns that JSON cannot say.
  const bytes = Uint8Array.of(0xff, 0x0a);
  assertEquals(
    lines(
      await collect(
        convert([entriesOf(FILED)], { split: true, list: bytes }),
      ),
    ),
    lines(entriesOf(FILED)),
  );
  // In a subdirectory it is a file like any other.
  const below = entriesOf({ d: { ".pxarexclude-cli": "" } });
  assertEquals(
    lines(
      (await collect(convert([below], { split: true, list }))).slice(1),
    ),
    lines(below),
  );
});

Deno.test("readExcludeList() finds a list that create made, and no other", async () => {
  const made = entriesOf(FILED).map((entry) =>
    entry.kind === "file" ? { ...entry, mode: 0o100600 } : entry
  );
  await using archive = await openArchiveOf([made]);
  assertEquals(await readExcludeList(archive), utf8("*.o\n"));
  await using other = await openArchiveOf([entriesOf(FILED)]);
  assertEquals(await readExcludeList(other), undefined);
  await using none = await openArchiveOf([entriesOf({})]);
  assertEquals(await readExcludeList(none), undefined);
});
