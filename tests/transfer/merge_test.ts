import { decode } from "@pxar/codec/decode";
import {
  type Batch,
  BytesContent,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import {
  FormatError,
  NotFoundError,
  PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import {
  type Conflict,
  CONFLICT_POLICIES,
  merge,
  type MergeOptions,
} from "@pxar/transfer/merge";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { loadVector, readVector, TREES } from "../support/vectors.ts";
import { bytesOf, splitOf } from "./archives.ts";
import {
  batchesOf,
  entriesOf as entriesOfNode,
  haveConflict,
  linesOf,
  linesOfStream,
  model,
  nodes,
  resolverOf,
} from "./merge_model.ts";
import {
  collect,
  contentOf,
  entriesOf,
  lines,
  SIZES,
  text,
  type Tree,
  utf8,
} from "./trees.ts";

async function merged(trees: readonly Tree[], options: MergeOptions = {}) {
  return lines(
    await collect(
      merge(trees.map((tree) => ({ entries: [entriesOf(tree)] })), options),
    ),
  );
}

Deno.test("merge() joins directories and keeps the order of names", async () => {
  assertEquals(
    await merged([
      { a: "1", d: { x: "2" }, m: {} },
      { b: "3", d: { w: "4", y: {} }, z: "5" },
    ]),
    [
      "d ",
      "f a",
      "f b",
      "d d",
      "f d/w",
      "f d/x",
      "d d/y",
      "end d/y",
      "end d",
      "d m",
      "end m",
      "f z",
      "end ",
    ],
  );
});

for (const policy of CONFLICT_POLICIES) {
  Deno.test(`merge() with ${policy} gives what an in-memory model gives`, async () => {
    await fc.assert(
      fc.asyncProperty(
        nodes("A"),
        nodes("B"),
        nodes("C"),
        fc.integer({ min: 1, max: 3 }),
        SIZES,
        SIZES,
        async (a, b, c, count, some, others) => {
          const roots = [a, b, c].slice(0, count);
          const sources = roots.map((root, i) => {
            const entries = entriesOfNode(root);
            return {
              entries: batchesOf(entries, i === 1 ? others : some),
              resolve: resolverOf(entries),
            };
          });
          const batches = merge(sources, { policy });
          let expected = roots[0]!;
          for (const other of roots.slice(1)) {
            if (policy === "error" && haveConflict(expected, other)) {
              await assertRejects(() => linesOfStream(batches), PxarError);
              return;
            }
            expected = model(expected, other, policy);
          }
          assertEquals(await linesOfStream(batches), linesOf(expected));
          // What encode asks of links and order holds, too.
          const again = roots.map((root) => {
            const entries = entriesOfNode(root);
            return { entries: [entries], resolve: resolverOf(entries) };
          });
          const archive = await bytesOf(merge(again, { policy }));
          const decoded = decode(new Blob([archive]).stream(), {
            buffer: 128 << 10,
          });
          assertEquals(await linesOfStream(decoded), linesOf(expected));
        },
      ),
      { numRuns: 100 },
    );
  });
}

Deno.test("merge() of an archive with itself gives its bytes again", async () => {
  for (const name of TREES) {
    const { v1, metadata, payload } = loadVector(name);
    const once = () => ({ entries: decode(new Blob([v1]).stream()) });
    const one = await bytesOf(
      merge([once(), once()], { policy: "keep-first" }),
    );
    assertSameBytes(one, v1, name);

    const split = () => ({
      entries: decode(new Blob([metadata]).stream(), {
        payload: new Blob([payload]).stream(),
      }),
    });
    const two = await splitOf(merge([split(), split()], { policy: "replace" }));
    assertSameBytes(two.metadata, metadata, name);
    assertSameBytes(two.payload, payload, name);
  }
});

Deno.test("merge() joins the lists of what was left out", async () => {
  const archive = readVector("exclude-cli-a.pxar");
  const once = () => ({ entries: decode(new Blob([archive]).stream()) });
  assertSameBytes(
    await bytesOf(merge([once(), once()], { policy: "keep-first" })),
    archive,
  );
  const listing = (list: string) => [
    ...entriesOf({ a: {}, z: {} }).slice(0, -1),
    ...entriesOf({ ".pxarexclude-cli": list }).slice(1),
  ];
  const entries = await collect(merge([
    { entries: [listing("*.o\n!b\n")] },
    { entries: [entriesOf({ ".pxarexclude-cli": "*.o\nc\n", y: {} })] },
  ]));
  assertEquals(lines(entries).slice(-2), ["f .pxarexclude-cli", "end "]);
  assertEquals(await contentOf(entries.at(-2)), "*.o\n!b\nc\n");

  const prelude = (list: string) =>
    makeEntry("prelude", {
      content: new BytesContent(utf8(JSON.stringify({
        "exclude-patterns": list,
      }))),
    });
  const [first] = await collect(merge([
    { entries: [[prelude("*.o\n"), ...entriesOf({})]] },
    { entries: [[prelude("c\n"), ...entriesOf({})]] },
  ]));
  assertEquals(await contentOf(first), '{"exclude-patterns":"*.o\\nc\\n"}');
});

Deno.test("merge() tells of conflicts and whose entry stays", async () => {
  const conflicts: Conflict[] = [];
  const trees: Tree[] = [{ d: { a: "1", b: "2" } }, { d: { a: {}, b: "3" } }];
  assertEquals(
    await merged(trees, {
      policy: "replace",
      onConflict: (one) => conflicts.push(one),
    }),
    ["d ", "d d", "d d/a", "end d/a", "f d/b", "end d", "end "],
  );
  assertEquals(
    conflicts.map(({ path, kept, dropped }) => [text(path), kept, dropped]),
    [["d/a", "source 2", "source 1"], ["d/b", "source 2", "source 1"]],
  );
  await assertRejects(
    () => merged(trees),
    PxarError,
    'Cannot merge "d/a": it is a file in source 1 and a directory in source 2',
  );
});

Deno.test("merge() passes over all of a directory that is dropped, and reads none of it", async () => {
  const entries = entriesOf({ a: { b: { c: "1" }, d: "2" }, e: "3" });
  let released = 0;
  const held = entries.map((entry) =>
    entry.content === undefined ? entry : {
      ...entry,
      content: {
        size: entry.content.size,
        read: () => {
          throw new Error("it is read");
        },
        release: () => void released++,
      } satisfies Content,
    }
  );
  const found = await collect(
    merge([
      { entries: [entriesOf({ a: "x", e: "y" })] },
      { entries: held.map((entry) => [entry]) },
    ], { policy: "keep-first" }),
  );
  assertEquals(lines(found), ["d ", "f a", "f e", "end "]);
  assertEquals(released, 3);
});

Deno.test("merge() makes a link the file whose first was dropped", async () => {
  const first: Tree = { a: "theirs" };
  const entries = entriesOf({ a: "ours", b: "@a", c: "@a" });
  const resolve = (position: number): Promise<Entry> => {
    const entry = entries.find((one) => one.position === position)!;
    return Promise.resolve({
      ...entry,
      content: new BytesContent(utf8("ours")),
    });
  };
  const sources = () => [
    { entries: [entriesOf(first)] },
    { entries: [entries], resolve },
  ];
  const found = await collect(merge(sources(), { policy: "keep-first" }));
  assertEquals(lines(found), ["d ", "f a", "f b", "h c b", "end "]);
  assertEquals(await contentOf(found[1]), "theirs");
  assertEquals(await contentOf(found[2]), "ours");
  assertEquals(found[3]?.linkPosition, found[2]?.position);

  const [one, { entries: more }] = sources() as [
    { entries: Entry[][] },
    { entries: Entry[][] },
  ];
  await assertRejects(
    () => collect(merge([one, { entries: more }], { policy: "keep-first" })),
    NotFoundError,
    "random access",
  );
});

Deno.test("merge() refuses names out of order, and names that come twice", async () => {
  const sorted = entriesOf({ d: { a: "", z: "" } });
  for (
    const [tree, why] of [
      [{ d: { b: "", a: "" } }, 'source 2: "d/a" comes behind "b"'],
      [{ d: { z: "" }, c: "" }, 'source 2: "c" comes behind "d"'],
    ] as const
  ) {
    await assertRejects(
      () =>
        collect(
          merge([{ entries: [sorted] }, { entries: [entriesOf(tree)] }], {
            policy: "keep-first",
          }),
        ),
      UnsupportedError,
      why,
    );
  }
  const twice = [
    ...entriesOf({ a: "" }).slice(0, 2),
    ...entriesOf({ a: "" }).slice(1),
  ];
  await assertRejects(
    () =>
      collect(
        merge([{ entries: [twice] }, { entries: [entriesOf({ b: "" })] }]),
      ),
    UnsupportedError,
    '"a" comes twice',
  );
  // A directory that nobody else has is passed on as it is.
  assertEquals(
    await merged([{ d: { b: "", a: "" } }, { e: "" }]),
    ["d ", "d d", "f d/b", "f d/a", "end d", "f e", "end "],
  );
});

Deno.test("merge() refuses what is no tree", async () => {
  const tree = entriesOf({ a: { b: "" } });
  const other = entriesOf({ a: { b: "" }, c: "" });
  for (
    const broken of [
      [],
      tree.slice(0, -1),
      tree.slice(0, 1),
      tree.slice(1),
      [...tree, tree[0]!],
      [...tree.slice(0, 1), makeEntry("inject"), ...tree.slice(1)],
      [...tree.slice(0, 1), makeEntry("version"), ...tree.slice(1)],
      [
        ...tree.slice(0, 1),
        makeEntry("hardlink", { name: utf8("A") }),
        ...tree.slice(1),
      ],
    ]
  ) {
    for (
      const sources of [
        [{ entries: [broken] }, { entries: [other] }],
        [{ entries: [other] }, { entries: [broken] }],
        [{ entries: [broken] }],
      ]
    ) {
      await assertRejects(
        () => collect(merge(sources, { policy: "keep-first" })),
        TypeError,
        "Cannot merge",
      );
    }
  }
  await assertRejects(() => collect(merge([])), TypeError, "no sources");
});

Deno.test("merge() refuses links that lead nowhere", async () => {
  const link = makeEntry("hardlink", {
    name: utf8("b"),
    target: utf8("a"),
    linkPosition: 5,
    position: 900,
  });
  const entries = [
    ...entriesOf({}).slice(0, 1),
    link,
    ...entriesOf({}).slice(1),
  ];
  const resolve = () => Promise.resolve(makeEntry("directory"));
  await assertRejects(
    () => collect(merge([{ entries: [entries], resolve }])),
    FormatError,
    "expected a file",
  );
  const sources = [{ entries: [entries] }, { entries: [entriesOf({ b: "" })] }];
  await assertRejects(
    () => collect(merge(sources, { policy: "newest" })),
    FormatError,
    "expected a file before it",
  );
});

Deno.test("merge() refuses a link whose target is another file than its position says", async () => {
  const entries = entriesOf({ a: "1", b: "2", c: "@b" }).map((entry) =>
    entry.kind === "hardlink" ? { ...entry, target: utf8("a") } : entry
  );
  await assertRejects(
    () => collect(merge([{ entries: [entries] }])),
    FormatError,
    'the target of hardlink "c" is "a", expected the path of its first link',
  );
});

Deno.test("merge() ends all sources when it ends early", async () => {
  let ended = 0;
  async function* source(): AsyncGenerator<Batch> {
    try {
      for (const entry of entriesOf({ a: "", b: "" })) {
        yield await Promise.resolve([entry]);
      }
    } finally {
      ended++;
    }
  }
  for await (
    const _ of merge([{ entries: source() }, { entries: source() }], {
      policy: "keep-first",
    })
  ) break;
  assertEquals(ended, 2);
  const control = new AbortController();
  control.abort(new Error("enough"));
  await assertRejects(
    () =>
      collect(
        merge([{ entries: source() }, { entries: source() }], {
          signal: control.signal,
        }),
      ),
    Error,
    "enough",
  );
  assertEquals(ended, 4);
});

Deno.test("merge() follows trees of any depth", async () => {
  const depth = 20_000;
  const deep = (name: string): Entry[] => [
    makeEntry("directory"),
    ...Array.from(
      { length: depth },
      () => makeEntry("directory", { name: utf8("d") }),
    ),
    makeEntry("fifo", { name: utf8(name) }),
    ...Array.from({ length: depth + 1 }, () => makeEntry("end")),
  ];
  const found = await collect(
    merge([{ entries: [deep("a")] }, { entries: [deep("b")] }]),
  );
  assertEquals(found.length, 2 * depth + 4);
});

Deno.test("merge() holds a batch of each source, however wide a directory is", async () => {
  let given = 0, most = 0, taken = 0;
  async function* wide(letter: string): AsyncGenerator<Batch> {
    yield await Promise.resolve([makeEntry("directory")]);
    for (let i = 0; i < 1000; i++) {
      const names = Array.from(
        { length: 64 },
        (_, k) => utf8(`${String(i * 64 + k).padStart(6, "0")}${letter}`),
      );
      given += 64;
      most = Math.max(most, given - taken);
      yield names.map((name) => makeEntry("fifo", { name }));
    }
    yield [makeEntry("end")];
  }
  for await (
    const batch of merge([{ entries: wide("a") }, { entries: wide("b") }])
  ) {
    taken += batch.filter(({ kind }) => kind === "fifo").length;
  }
  assertEquals(taken, 128_000);
  assert(most <= 3 * 64, `${most} entries were held`);
});
