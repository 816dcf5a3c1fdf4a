// A tree on the disk at hand, both ways of reading it.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { type Entry, makeEntry } from "@pxar/format/entry";
import { PxarError, SystemError } from "@pxar/format/errors";
import { parsePattern } from "@pxar/format/pattern";
import { readTree, type ReadTreeOptions } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { openLibc } from "@pxar/sys/libc";
import { type BytesContent, readContent } from "../support/entries.ts";
import { systemTest } from "../support/skip.ts";
import {
  entryNamed,
  openDescriptors,
  pathsOf,
  walk,
  withDirectory,
} from "../support/walks.ts";

const decoder = new TextDecoder();
const WAYS: readonly (ReadTreeOptions & { readonly way: string })[] = [
  ...(openLibc() === undefined ? [] : [{ way: "by the C library" }]),
  { way: "by Deno's own API", native: false },
];

async function small(path: string): Promise<void> {
  await Deno.mkdir(`${path}/b`);
  await Deno.mkdir(`${path}/b/empty`);
  await Deno.writeTextFile(`${path}/b/inner`, "inside");
  await Deno.writeTextFile(`${path}/b.txt`, "behind b, because . is before /");
  await Deno.writeTextFile(`${path}/a`, "first");
  await Deno.writeTextFile(`${path}/\uff5e`, "U+FF5E");
  await Deno.writeTextFile(
    `${path}/\u{1f600}`,
    "U+1F600, behind it in bytes, before it in UTF-16",
  );
  await Deno.symlink("a", `${path}/link`);
}

for (const { way, ...options } of WAYS) {
  Deno.test(`readTree() gives a tree depth first, names in the order of their bytes, ${way}`, () =>
    withDirectory(async (path) => {
      await small(path);
      const { entries, report, messages } = await walk(path, options);
      assertEquals(pathsOf(entries, true), [
        "a",
        "b",
        "b/empty",
        "b/empty/",
        "b/inner",
        "b/",
        "b.txt",
        "link",
        "\uff5e",
        "\u{1f600}",
        "/",
      ]);
      assertEquals(messages, []);
      assertEquals(report.entries, 9);
      assertEquals(entries[0]!.kind, "directory");
      assertEquals(entries[0]!.name.length, 0);
      const content = entryNamed(entries, "inner").content as BytesContent;
      assertEquals(decoder.decode(content.bytes), "inside");
      assertEquals(
        report.bytes,
        entries.reduce((sum, entry) => sum + (entry.content?.size ?? 0), 0),
      );
      assertEquals(decoder.decode(entryNamed(entries, "link").target), "a");
    }));

  Deno.test(`readTree() gives every entry the one shape, ${way}`, () =>
    withDirectory(async (path) => {
      await small(path);
      const shapes = new Set([Object.keys(makeEntry("end")).join()]);
      for await (const batch of readTree(path, options)) {
        for (const entry of batch) shapes.add(Object.keys(entry).join());
      }
      assertEquals(shapes.size, 1);
    }));

  Deno.test(`readTree() gives batches of the length asked for, ${way}`, () =>
    withDirectory(async (path) => {
      for (let i = 0; i < 10; i++) await Deno.writeTextFile(`${path}/${i}`, "");
      for (const batch of [1, 3, 12, 1000]) {
        const lengths: number[] = [];
        for await (const entries of readTree(path, { ...options, batch })) {
          lengths.push(entries.length);
        }
        assertEquals(lengths.reduce((sum, length) => sum + length), 12);
        assert(
          lengths.slice(0, -1).every((length) => length === batch),
          `${lengths}`,
        );
      }
    }));

  Deno.test(`readTree() gives a content until the next batch is asked for, ${way}`, () =>
    withDirectory(async (path) => {
      for (let i = 0; i < 4; i++) {
        await Deno.writeTextFile(`${path}/${i}`, "text");
      }
      const batches = readTree(path, { ...options, batch: 2 });
      const [, first] = (await batches.next()).value!;
      const content = first!.content!;
      assertEquals(content.release, undefined);
      assertEquals(content.read(new Uint8Array(2)), 2);
      await batches.next();
      assertThrows(
        () => content.read(new Uint8Array(2)),
        RangeError,
        "before the next batch",
      );
      await batches.return();
    }));

  Deno.test(`readTree() joins hardlinks by a rising position, ${way}`, () =>
    withDirectory(async (path) => {
      await Deno.mkdir(`${path}/d`);
      await Deno.writeTextFile(`${path}/d/one`, "linked");
      await Deno.link(`${path}/d/one`, `${path}/e`);
      await Deno.link(`${path}/d/one`, `${path}/f`);
      await Deno.writeTextFile(`${path}/g`, "linked too");
      await Deno.link(`${path}/g`, `${path}/h`);
      await Deno.writeTextFile(`${path}/single`, "alone");
      const { entries, paths } = await walk(path, options);
      assertEquals(paths, ["d", "d/one", "e", "f", "g", "h", "single"]);
      const [one, e, f, g, h] = ["one", "e", "f", "g", "h"].map((name) =>
        entryNamed(entries, name)
      );
      assertEquals([one, e, f, g, h].map((entry) => entry!.kind), [
        "file",
        "hardlink",
        "hardlink",
        "file",
        "hardlink",
      ]);
      assertEquals([e, f, h].map((entry) => decoder.decode(entry!.target)), [
        "d/one",
        "d/one",
        "g",
      ]);
      assertEquals([e, f, h].map((entry) => entry!.linkPosition), [
        one!.position,
        one!.position,
        g!.position,
      ]);
      assert(g!.position! > one!.position!);
      assertEquals(e!.mode, 0);
      assertEquals(entryNamed(entries, "single").position, undefined);
    }));

  Deno.test(`readTree() makes the first stored link the file, ${way}`, () =>
    withDirectory(async (path) => {
      await Deno.writeTextFile(`${path}/a`, "linked");
      await Deno.link(`${path}/a`, `${path}/b`);
      await Deno.link(`${path}/a`, `${path}/c`);
      const { entries } = await walk(path, {
        ...options,
        patterns: [parsePattern("a")],
      });
      assertEquals(entryNamed(entries, "b").kind, "file");
      assertEquals(decoder.decode(entryNamed(entries, "c").target), "b");
    }));

  Deno.test(`readTree() tells its patterns behind the last child, or in a prelude, ${way}`, () =>
    withDirectory(async (path) => {
      await Deno.writeTextFile(`${path}/.pxarexclude-cli`, "never stored");
      await Deno.mkdir(`${path}/z`);
      await Deno.writeTextFile(`${path}/z/.pxarexclude-cli`, "stored");
      await Deno.writeTextFile(`${path}/x`, "");
      const patterns = ["x", "!/y/"].map((text) => parsePattern(text));
      const unified = await walk(path, { ...options, patterns });
      assertEquals(unified.paths, [
        "z",
        "z/.pxarexclude-cli",
        ".pxarexclude-cli",
      ]);
      const told = unified.entries.at(-2)!;
      assertEquals(
        decoder.decode((told.content as BytesContent).bytes),
        "x\n!/y/\n",
      );
      assertEquals([told.mode, told.secs, told.nanos, told.flags], [
        0o100600,
        0,
        0,
        0,
      ]);
      const split = await walk(path, { ...options, patterns, prelude: true });
      assertEquals(split.paths, ["z", "z/.pxarexclude-cli"]);
      assertEquals(split.entries[0]!.kind, "prelude");
      assertEquals(
        decoder.decode((split.entries[0]!.content as BytesContent).bytes),
        '{"exclude-patterns":"x\\n!/y/\\n"}',
      );
      const bare = await walk(path, options);
      assertEquals(bare.paths, ["x", "z", "z/.pxarexclude-cli"]);
      assertEquals(
        (await walk(path, { ...options, prelude: true })).entries[0]!.kind,
        "directory",
      );
    }));

  Deno.test(`readTree() counts the entries of all directories around the current one, ${way}`, () =>
    withDirectory(async (path) => {
      for (const [directory, files] of [["a", 3], ["b", 4]] as const) {
        await Deno.mkdir(`${path}/${directory}`);
        for (let i = 0; i < files; i++) {
          await Deno.writeTextFile(`${path}/${directory}/${i}`, "");
        }
      }
      await walk(path, { ...options, entriesMax: 6 });
      const error = await assertRejects(
        () => walk(path, { ...options, entriesMax: 5 }),
        PxarError,
        "Cannot read directory b:",
      );
      assertStringIncludes(error.message, "have 6 entries, expected at most 5");
      const patterns = [parsePattern("b/3")];
      await walk(path, { ...options, entriesMax: 5, patterns });
    }));

  Deno.test(`readTree() uses patterns of a file behind a symlink, and says what is wrong with the others, ${way}`, () =>
    withDirectory(async (path) => {
      for (const directory of ["bad", "good", "huge", "odd"]) {
        await Deno.mkdir(`${path}/${directory}`);
        await Deno.writeTextFile(`${path}/${directory}/x`, "");
      }
      await Deno.writeTextFile(`${path}/patterns`, "/x\n");
      await Deno.symlink("../patterns", `${path}/good/.pxarexclude`);
      await Deno.symlink("nowhere", `${path}/.pxarexclude`);
      await Deno.writeTextFile(`${path}/bad/.pxarexclude`, "[x\ny\n");
      await Deno.mkdir(`${path}/odd/.pxarexclude`);
      const huge = await Deno.open(`${path}/huge/.pxarexclude`, {
        create: true,
        write: true,
      });
      await huge.truncate(2 ** 24 + 1);
      huge.close();
      const { paths, messages, report } = await walk(path, options);
      assertEquals(paths.filter((one) => one.endsWith("/x")), [
        "bad/x",
        "huge/x",
        "odd/x",
      ]);
      assertEquals(messages.length, 3);
      assertStringIncludes(messages[0]!, "line [x of bad/.pxarexclude");
      assertStringIncludes(
        messages[1]!,
        "huge/.pxarexclude: it has 16777217 bytes, expected at most 16777216",
      );
      assertStringIncludes(
        messages[2]!,
        "odd/.pxarexclude: it is no regular file",
      );
      assertEquals([report.warnings, report.errors], [3, 0]);
    }));

  Deno.test(`readTree() holds files until they are released, ${way}`, () =>
    withDirectory(async (path) => {
      for (let i = 0; i < 10; i++) {
        await Deno.writeTextFile(`${path}/${i}`, `text ${i}`);
      }
      const batches = readTree(path, { ...options, batch: 4, hold: 3 });
      const held: Entry[] = [];
      const next = async () => {
        const { value } = await batches.next();
        for (const entry of value ?? []) {
          if (entry.kind === "file") held.push(entry);
        }
        return value;
      };
      await next();
      assertEquals(held.length, 3);
      await assertRejects(() => next(), RangeError, "3 files are held");
      // That ends the walk, and with it what it holds.
      assertThrows(
        () => held[0]!.content!.read(new Uint8Array(1)),
        RangeError,
        "it is closed",
      );
      held[0]!.content!.release!();
    }));

  Deno.test(`readTree() with hold gives at most as many files as may be held, and leaves the last ones open, ${way}`, () =>
    withDirectory(async (path) => {
      for (let i = 0; i < 10; i++) {
        await Deno.writeTextFile(`${path}/${i}`, `text ${i}`);
      }
      const held: Entry[] = [], texts: string[] = [];
      for await (
        const batch of readTree(path, { ...options, batch: 4, hold: 3 })
      ) {
        held.push(...batch.filter((entry) => entry.kind === "file"));
        assert(held.length <= 3, `${held.length} files are held`);
        const first = held.length === 3 ? held.shift() : undefined;
        if (first === undefined) continue;
        texts.push(decoder.decode(await readContent(first.content!)));
        first.content!.release!();
      }
      for (const entry of held) {
        texts.push(decoder.decode(await readContent(entry.content!)));
        entry.content!.release!();
      }
      assertEquals(texts, Array.from({ length: 10 }, (_, i) => `text ${i}`));
    }));

  Deno.test(`readTree() stops when it is told to, ${way}`, () =>
    withDirectory(async (path) => {
      for (let i = 0; i < 10; i++) await Deno.writeTextFile(`${path}/${i}`, "");
      const abort = new AbortController();
      let batches = 0;
      await assertRejects(
        async () => {
          for await (
            const _ of readTree(path, {
              ...options,
              batch: 2,
              signal: abort.signal,
            })
          ) {
            if (++batches === 2) abort.abort(new PxarError("enough"));
          }
        },
        PxarError,
        "enough",
      );
      assertEquals(batches, 2);
    }));

  Deno.test(`readTree() refuses what is no directory, ${way}`, () =>
    withDirectory(async (path) => {
      await Deno.writeTextFile(`${path}/file`, "");
      await Deno.mkdir(`${path}/directory`);
      await Deno.symlink("directory", `${path}/link`);
      const missing = await assertRejects(
        () => walk(`${path}/missing`, options),
        SystemError,
        `Cannot open directory ${path}/missing: `,
      );
      assertEquals(missing.code, "ENOENT");
      await assertRejects(() => walk(`${path}/file`, options), PxarError);
      await assertRejects(
        () => walk(`${path}/link`, options),
        PxarError,
        "symlink",
      );
      await walk(`${path}/link/`, options);
    }));

  systemTest(`readTree() closes what it opened when it is left early, ${way}`, [
    "linux",
  ], () =>
    withDirectory(async (path) => {
      await small(path);
      await walk(path, options);
      const before = openDescriptors(path);
      for (const hold of [undefined, 20]) {
        const how = {
          ...options,
          batch: 3,
          ...(hold === undefined ? {} : { hold }),
        };
        for await (const _ of readTree(path, how)) break;
        const batches = readTree(path, how);
        await batches.next();
        await batches.next();
        assert(openDescriptors(path) > before);
        await batches.return();
        await assertRejects(async () => {
          for await (const _ of readTree(path, { ...how, entriesMax: 7 }));
        }, PxarError);
      }
      assertEquals(openDescriptors(path), before);
    }));
}

Deno.test("readTree() takes raw bytes as path", () =>
  withDirectory(async (path) => {
    await Deno.writeTextFile(`${path}/a`, "");
    const bytes = new TextEncoder().encode(path);
    assertEquals((await walk(bytes)).paths, ["a"]);
    assertEquals((await walk(bytes, { native: false })).paths, ["a"]);
    await assertRejects(() => walk(`${path}\0`), TypeError);
  }));

Deno.test("readTree() refuses options out of range at once", () => {
  for (
    const options of [{ batch: 0 }, { hold: 0 }, { entriesMax: 1.5 }, {
      batch: -1,
    }]
  ) {
    assertThrows(
      () => readTree(".", options),
      RangeError,
      "expected a whole number from 1 on",
    );
  }
});

systemTest("readTree() refuses to hold more than the process may have open", [
  "linux",
], async () => {
  if (openLibc() === undefined) return;
  const report = new Report();
  await assertRejects(
    () => readTree(".", { hold: 2 ** 40, report }).next(),
    RangeError,
    "this process may have",
  );
});
