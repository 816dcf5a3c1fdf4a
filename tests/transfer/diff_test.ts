// Differences of two trees: exactly those that a model in memory finds, wherever the trees come from.
import { decode } from "@pxar/codec/decode";
import type { Bytes } from "@pxar/format/bytes";
import {
  type Attributes,
  type Batches,
  type Entry,
  type EntryParts,
  makeEntry,
} from "@pxar/format/entry";
import { FormatError, PxarError, UnsupportedError } from "@pxar/format/errors";
import { joinPath } from "@pxar/format/name";
import { parsePattern } from "@pxar/format/pattern";
import { memoryStore } from "@pxar/store/memory";
import {
  type Change,
  diff,
  DIFF_FIELDS,
  type DiffField,
  type DiffOptions,
} from "@pxar/transfer/diff";
import { type OpenSnapshot, openSnapshot } from "@pxar/transfer/open";
import { sameByChunks, SnapshotContents } from "@pxar/transfer/same_content";
import fc from "fast-check";
import { makeSnapshot, snapshotOf } from "../store/contract.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { split, unified } from "../support/archives.ts";
import {
  arbitraryTree,
  BytesContent,
  inBatches,
  renew,
} from "../support/entries.ts";
import { readVector, TREES } from "../support/vectors.ts";
import { cut, entriesOf, SIZES, type Tree, trees, utf8 } from "./trees.ts";

/** Changes as lines: `+ path`, `- path`, `M path (fields)`. */
async function tell(
  before: Batches,
  after: Batches,
  options?: DiffOptions,
): Promise<string[]> {
  const lines: string[] = [];
  for await (const change of diff(before, after, options)) {
    lines.push(lineOf(change));
  }
  return lines;
}

function lineOf({ type, path, fields, before, after }: Change): string {
  assertEquals(before === undefined, type === "added");
  assertEquals(after === undefined, type === "removed");
  assertEquals(fields.length > 0, type === "changed");
  const text = latin1(path);
  if (type === "added") return `+ ${text}`;
  return type === "removed" ? `- ${text}` : `M ${text} (${fields.join(", ")})`;
}

const LATIN1 = new TextDecoder("latin1");
const latin1 = (bytes: Uint8Array) => LATIN1.decode(bytes);

/** The entries of a tree by their paths. */
function byPath(entries: readonly Entry[]): Map<string, Entry> {
  const open: Bytes[] = [], map = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.kind === "end") {
      open.pop();
      continue;
    }
    const path = joinPath(open.at(-1) ?? new Uint8Array(), entry.name);
    map.set(latin1(path), entry);
    if (entry.kind === "directory") open.push(path);
  }
  return map;
}

/** What a field of an entry says, in a form that can be compared. */
function fieldOf(entry: Entry, field: DiffField): string {
  const { kind, attributes: a } = entry;
  const values: Record<DiffField, unknown> = {
    content: entry.content instanceof BytesContent
      ? latin1(entry.content.bytes)
      : undefined,
    mode: entry.mode,
    owner: [entry.uid, entry.gid],
    mtime: [entry.secs, entry.nanos],
    xattrs: a?.xattrs.map(({ name, value }) => [latin1(name), latin1(value)])
      .sort() ?? [],
    acl: a?.acl,
    fcaps: a?.fcaps && latin1(a.fcaps),
    flags: entry.flags,
    "project-id": a?.projectId,
    target: kind === "symlink" && latin1(entry.target!),
    device: entry.device,
    link: kind === "hardlink" && latin1(entry.target!),
  };
  return JSON.stringify(values[field] ?? null);
}

function kindOf(entry: Entry): string {
  return `${entry.kind} ${entry.kind === "device" ? entry.mode >> 12 : ""}`;
}

/** What the model says, in the order of the lines. */
function model(
  before: readonly Entry[],
  after: readonly Entry[],
): string[] {
  const one = byPath(before), other = byPath(after);
  const lines: string[] = [];
  for (const [path, entry] of one) {
    const then = other.get(path);
    if (then === undefined) lines.push(`- ${path}`);
    else if (kindOf(entry) !== kindOf(then)) lines.push(`M ${path} (kind)`);
    else {
      const fields = DIFF_FIELDS.filter((field) =>
        fieldOf(entry, field) !== fieldOf(then, field)
      );
      if (fields.length > 0) lines.push(`M ${path} (${fields.join(", ")})`);
    }
  }
  for (const path of other.keys()) {
    if (!one.has(path)) lines.push(`+ ${path}`);
  }
  return lines.sort();
}

const ALWAYS: DiffOptions = { content: "always" };

/** A tree with its names in the order of their bytes. */
function sorted(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).sort(([a], [b]) => a < b ? -1 : 1).map((
      [name, value],
    ) => [name, typeof value === "string" ? value : sorted(value)]),
  );
}

Deno.test("diff() finds what a model finds, of trees that have names in common", async () => {
  await fc.assert(
    fc.asyncProperty(
      trees(),
      trees(),
      SIZES,
      SIZES,
      async (a, b, one, other) => {
        const before = contained(entriesOf(sorted(a)));
        const after = contained(entriesOf(sorted(b)));
        const lines = await tell(
          cut(renew(before), one),
          cut(renew(after), other),
          ALWAYS,
        );
        assertEquals(lines.toSorted(), model(before, after));
      },
    ),
    { numRuns: 300 },
  );
});

/** The same entries with contents that can be renewed. */
function contained(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => {
    if (entry.content === undefined) return entry;
    const bytes = new Uint8Array(entry.content.size);
    entry.content.read(bytes);
    return { ...entry, content: new BytesContent(bytes) };
  });
}

/** Edits of one entry each. */
const EDITS: readonly ((entry: Entry, n: number) => EntryParts | undefined)[] =
  [
    ({ mode }, n) => ({ mode: mode ^ (1 << n % 12) }),
    ({ uid }) => ({ uid: uid ^ 1 }),
    ({ gid }) => ({ gid: gid ^ 4 }),
    ({ secs }) => ({ secs: secs === 0 ? 1 : -secs }),
    ({ nanos }) => ({ nanos: nanos ^ 1 }),
    ({ flags }) => ({ flags: flags === 0 ? 0x10_0000 : 0 }),
    (entry, n) => withAttributes(entry, { projectId: n }),
    (entry, n) =>
      withAttributes(entry, {
        xattrs: [
          ...entry.attributes?.xattrs ?? [],
          { name: utf8(`user.${n}`), value: utf8("new") },
        ].reverse(),
      }),
    (entry) =>
      withAttributes(entry, {
        fcaps: entry.attributes?.fcaps === undefined ? utf8("x") : undefined,
      }),
    (entry) =>
      withAttributes(entry, {
        acl: entry.attributes?.acl === undefined
          ? {
            users: [{ id: 5, perm: 7 }],
            groups: [],
            groupObj: 5,
            default: undefined,
            defaultUsers: [],
            defaultGroups: [],
          }
          : undefined,
      }),
    ({ content }, n) => {
      if (!(content instanceof BytesContent)) return undefined;
      const bytes = content.bytes.slice();
      if (bytes.length === 0) return { content: new BytesContent(utf8("x")) };
      bytes[n % bytes.length]! ^= 1;
      return { content: new BytesContent(bytes, content.most) };
    },
    ({ kind, target }) =>
      kind === "symlink" || kind === "hardlink"
        ? { target: joinPath(target!, utf8("x")) }
        : undefined,
    ({ device }) =>
      device && { device: { ...device, minor: device.minor ^ 1 } },
    ({ kind }) =>
      kind === "directory" ? undefined : {
        kind: kind === "fifo" ? "socket" : "fifo",
        content: undefined,
        target: undefined,
        device: undefined,
      },
  ];

function withAttributes(
  { attributes }: Entry,
  more: Partial<Attributes>,
): EntryParts {
  return {
    attributes: {
      xattrs: [],
      acl: undefined,
      fcaps: undefined,
      projectId: undefined,
      ...attributes,
      ...more,
    },
  };
}

interface Edit {
  readonly at: number;
  readonly edit: number;
  readonly n: number;
}

/** Edits entries; the last choice drops one, with all that is in it. */
function edited(entries: readonly Entry[], edits: readonly Edit[]): Entry[] {
  let out = [...entries];
  for (const { at, edit, n } of edits) {
    const index = at % out.length, entry = out[index]!;
    if (entry.kind === "end") continue;
    if (edit < EDITS.length) {
      // A hardlink has nothing of its own but its target.
      if (entry.kind === "hardlink" && edit < EDITS.length - 3) continue;
      out[index] = { ...entry, ...EDITS[edit]!(entry, n) };
    } else if (index > 0) {
      let to = index + 1;
      for (let open = entry.kind === "directory" ? 1 : 0; open > 0; to++) {
        if (out[to]!.kind === "directory") open++;
        else if (out[to]!.kind === "end") open--;
      }
      out = out.toSpliced(index, to - index);
    }
  }
  return out;
}

const EDIT: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(),
  edit: fc.nat(EDITS.length),
  n: fc.nat(1000),
});

Deno.test("diff() tells exactly what was changed, in both directions", async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryTree({ size: 300 }),
      fc.array(EDIT, { maxLength: 6 }),
      async (entries, edits) => {
        const after = edited(entries, edits);
        const lines = await tell(
          inBatches(renew(entries)),
          inBatches(renew(after), 5),
          ALWAYS,
        );
        assertEquals(lines.toSorted(), model(entries, after));
        const back = await tell(
          inBatches(renew(after)),
          inBatches(renew(entries)),
          ALWAYS,
        );
        assertEquals(back.toSorted(), model(after, entries));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("diff() of a tree and itself is empty, whatever form of archive it has", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree(), async (entries) => {
      const v1 = await unified(inBatches(renew(entries)));
      const { metadata, payload } = await split(inBatches(renew(entries)));
      const forms = [
        () => inBatches(renew(entries)),
        () => decode(streamOf(v1), { batch: 7 }),
        () => decode(streamOf(metadata), { payload: streamOf(payload) }),
      ];
      for (const one of forms) {
        for (const other of forms) {
          assertEquals(await tell(one(), other(), ALWAYS), []);
        }
      }
      const bare = await tell(
        decode(streamOf(metadata)),
        decode(streamOf(v1)),
        { content: "never" },
      );
      assertEquals(bare, []);
    }),
    { numRuns: 20 },
  );
});

function streamOf(bytes: Bytes): ReadableStream<Bytes> {
  return new Blob([bytes]).stream() as ReadableStream<Bytes>;
}

Deno.test("diff() of official archives: both forms are equal, and a prelude or .pxarexclude-cli counts for nothing", async () => {
  for (const name of TREES) {
    const v1 = () => decode(streamOf(readVector(`${name}.pxar`)));
    const v2 = () =>
      decode(streamOf(readVector(`${name}.mpxar`)), {
        payload: streamOf(readVector(`${name}.ppxar`)),
      });
    assertEquals(await tell(v1(), v2(), ALWAYS), [], name);
    assertEquals(await tell(v2(), v1(), ALWAYS), [], name);
  }
});

const dir = (name: string, ...inside: Entry[]) => [
  makeEntry("directory", { name: utf8(name), mode: 0o40755 }),
  ...inside,
  makeEntry("end"),
];
const file = (name: string, text: string, parts: EntryParts = {}) =>
  makeEntry("file", {
    name: utf8(name),
    mode: 0o100644,
    content: new BytesContent(utf8(text)),
    ...parts,
  });

Deno.test("diff() goes in the order of the paths, and tells every entry of a directory", async () => {
  const before = dir(
    "",
    ...dir("a", file("x", ""), ...dir("y", file("z", ""))),
    file("b", "old"),
    ...dir("c", file("in", "")),
    file("d", ""),
  );
  const after = dir(
    "",
    file("a", ""),
    file("b", "new!"),
    ...dir("c.d", file("in", "")),
    ...dir("d", file("in", "")),
    file("e", ""),
  );
  assertEquals(await tell([before], [after]), [
    "M a (kind)",
    "- a/x",
    "- a/y",
    "- a/y/z",
    "M b (content)",
    "- c",
    "- c/in",
    "+ c.d",
    "+ c.d/in",
    "M d (kind)",
    "+ d/in",
    "+ e",
  ]);
});

Deno.test("diff() reads contents as it is told", async () => {
  const read: string[] = [];
  const watched = (name: string, text: string, secs = 0): Entry => {
    const content = new BytesContent(utf8(text));
    return file(name, "", {
      secs,
      content: {
        size: text.length,
        read: (into) => {
          read.push(name);
          return content.read(into);
        },
        release: undefined,
      },
    });
  };
  const before = () => [
    dir(
      "",
      watched("a", "same"),
      watched("b", "one"),
      watched("c", "12"),
      watched("d", "12"),
      watched("e", "123"),
    ),
  ];
  const after = () => [
    dir(
      "",
      watched("a", "same"),
      watched("b", "two"),
      watched("c", "12", 5),
      watched("d", "34", 5),
      watched("e", "1"),
    ),
  ];
  const asked = async (options: DiffOptions) => {
    read.length = 0;
    const lines = await tell(before(), after(), options);
    return [lines, [...new Set(read)]];
  };
  assertEquals(await asked({ content: "never" }), [
    ["M c (mtime)", "M d (mtime)", "M e (content)"],
    [],
  ]);
  assertEquals(await asked({}), [
    ["M c (mtime)", "M d (content, mtime)", "M e (content)"],
    ["c", "d"],
  ]);
  assertEquals(await asked(ALWAYS), [
    ["M b (content)", "M c (mtime)", "M d (content, mtime)", "M e (content)"],
    ["a", "b", "c", "d"],
  ]);
  assertEquals(await asked({ ...ALWAYS, ignore: new Set(["content"]) }), [
    ["M c (mtime)", "M d (mtime)"],
    [],
  ]);
  assertEquals(await asked({ ignore: new Set(["mtime"]) }), [
    ["M d (content)", "M e (content)"],
    ["c", "d"],
  ]);
  const told = { a: true, b: false } as Record<string, boolean>;
  assertEquals(
    await asked({
      ...ALWAYS,
      sameContent: ({ name }) => told[latin1(name)],
    }),
    [
      ["M b (content)", "M c (mtime)", "M d (content, mtime)", "M e (content)"],
      ["c", "d"],
    ],
  );
});

Deno.test("diff() ignores what it is told to, one field at a time", async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryTree({ size: 50 }),
      fc.array(EDIT, { maxLength: 6 }),
      fc.subarray([...DIFF_FIELDS]),
      async (entries, edits, ignored) => {
        const after = edited(entries, edits);
        const ignore = new Set(ignored);
        const lines = await tell(
          inBatches(renew(entries)),
          inBatches(renew(after)),
          { ...ALWAYS, ignore },
        );
        const expected = model(entries, after).flatMap((line) => {
          const found = /^(M .*) \(([^()]*)\)$/s.exec(line);
          if (found === null) return [line];
          const left = found[2]!.split(", ").filter((field) =>
            !ignore.has(field as DiffField)
          );
          return left.length === 0 ? [] : [`${found[1]} (${left.join(", ")})`];
        });
        assertEquals(lines.toSorted(), expected.sort());
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("diff() looks only where patterns say, and still finds its way", async () => {
  const before = dir(
    "",
    ...dir("a", ...dir("b", file("x", "1"))),
    file("x", ""),
  );
  const after = dir(
    "",
    ...dir("a", file("b", ""), file("x", "")),
    file("y", ""),
  );
  const only = (...patterns: string[]) =>
    tell([before], [after], {
      patterns: patterns.map((one) => parsePattern(one, "include")),
    });
  assertEquals(await only("x"), ["- a/b/x", "+ a/x", "- x"]);
  assertEquals(await only("a"), ["M a/b (kind)", "- a/b/x", "+ a/x"]);
  assertEquals(await only("a", "!b"), ["+ a/x"]);
  assertEquals(await only("/y"), ["+ y"]);
  assertEquals(await only("nothing"), []);
});

Deno.test("diff() lets contents of both sides be read with each change", async () => {
  const before = dir("", file("a", "gone"), file("b", "old"), file("c", "12"));
  const after = dir(
    "",
    file("b", "newer"),
    file("c", "123"),
    file("d", "come"),
  );
  const texts: string[] = [];
  const one = decode(streamOf(await unified([before])), { batch: 1 });
  const other = decode(streamOf(await unified([after])), { batch: 1 });
  for await (const change of diff(one, other)) {
    const read = async (entry: Entry | undefined) => {
      if (entry?.content === undefined) return "";
      const bytes = new Uint8Array(entry.content.size);
      await entry.content.read(bytes);
      return latin1(bytes);
    };
    texts.push(`${await read(change.before)}:${await read(change.after)}`);
  }
  assertEquals(texts, ["gone:", "old:newer", "12:123", ":come"]);
});

Deno.test("diff() refuses names that are not in order, and two of one name", async () => {
  const good = () => [dir("", file("a", ""), file("b", ""))];
  const mixed = () => [dir("", file("b", ""), file("a", "", { position: 77 }))];
  const twice = () => [dir("", file("a", ""), file("a", ""))];
  for (const [one, other] of [[good, mixed], [mixed, good]] as const) {
    const error = await assertRejects(
      () => tell(one(), other()),
      UnsupportedError,
      'Cannot compare "a" at byte 77: it stands behind "b", expected names in the order of their bytes',
    );
    assertEquals(error.offset, 77);
  }
  await assertRejects(
    () => tell(twice(), good()),
    FormatError,
    "the entry before has that name",
  );
  // What create adds is behind all others, and is no tree's.
  const added = () => [
    dir("", file("a", ""), file("b", ""), file(".pxarexclude-cli", "*.o")),
  ];
  assertEquals(await tell(good(), added()), []);
  assertEquals(await tell(added(), good()), []);
  const below = (name: string) => [dir("", ...dir("a", file(name, "")))];
  assertEquals(await tell(below("x"), below(".pxarexclude-cli")), [
    "+ a/.pxarexclude-cli",
    "- a/x",
  ]);
});

Deno.test("diff() refuses entries that are no tree", async () => {
  const good = () => [dir("", file("a", ""))];
  const bad: Record<string, () => Batches> = {
    "entries stop before the root is closed": () => [dir("").slice(0, 1)],
    "there is a file before the root": () => [[file("a", "")]],
    "there is a file behind the root's end": () => [
      [...dir("", file("a", "")), file("b", "")],
    ],
    "there is a directory behind the root's end": () => [
      dir("", file("a", "")),
      dir(""),
    ],
  };
  for (const [message, batches] of Object.entries(bad)) {
    await assertRejects(() => tell(batches(), good()), TypeError, message);
    await assertRejects(() => tell(good(), batches()), TypeError, message);
  }
  await assertRejects(
    () => tell([], good()),
    TypeError,
    "entries stop before the root is closed",
  );
});

Deno.test("diff() needs contents that it has to read", async () => {
  const payload = { offset: 16, size: 4 };
  const without = () => [
    dir("", file("a", "", { content: undefined, payload, secs: 1 })),
  ];
  const whole = (text: string) => [dir("", file("a", text))];
  assertEquals(await tell(without(), whole("longer")), [
    "M a (content, mtime)",
  ]);
  assertEquals(
    await tell(without(), whole("1234"), { content: "never" }),
    ["M a (mtime)"],
  );
  await assertRejects(
    () => tell(without(), whole("1234")),
    UnsupportedError,
    'Cannot compare content of "a": it is not at hand, expected the payload of its archive',
  );
  const reused = [dir("", file("a", "", { content: undefined, reused: 0 }))];
  await assertRejects(
    () => tell(reused, whole("1234"), { content: "never" }),
    UnsupportedError,
  );
});

Deno.test("diff() closes both sources, however it ends", async () => {
  const closed: string[] = [];
  async function* source(name: string, entries: Entry[], fails = false) {
    try {
      for (const entry of entries) yield await Promise.resolve([entry]);
      if (fails) throw new FormatError("Cannot go on");
    } finally {
      closed.push(name);
    }
  }
  const tree = () => dir("", file("a", "1"), file("b", "1"));
  const other = () => dir("", file("a", "2x"), file("b", "2x"));
  await tell(source("one", tree()), source("two", tree()));
  assertEquals(closed.splice(0), ["one", "two"]);
  for await (
    const _change of diff(source("one", tree()), source("two", other()))
  ) {
    break;
  }
  assertEquals(closed.splice(0), ["one", "two"]);
  await assertRejects(
    () => tell(source("one", tree()), source("two", tree().slice(0, 2), true)),
    FormatError,
  );
  assertEquals(closed.splice(0).sort(), ["one", "two"]);
  const control = new AbortController();
  await assertRejects(
    async () => {
      const changes = diff(source("one", tree()), source("two", other()), {
        signal: control.signal,
      });
      for await (const _change of changes) control.abort(new Error("enough"));
    },
    Error,
    "enough",
  );
  assertEquals(closed.splice(0).sort(), ["one", "two"]);
});

Deno.test("diff() of damaged archives ends in a PxarError, or finds a whole tree", async () => {
  const whole = await unified([
    dir("", ...dir("a", file("x", "1234")), file("b", "12345")),
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.option(fc.nat(whole.length)),
      async (edits, end) => {
        const bytes = whole.slice(0, end ?? whole.length);
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        try {
          await tell(decode(streamOf(bytes)), decode(streamOf(whole)), ALWAYS);
        } catch (error) {
          assert(error instanceof PxarError, String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** A snapshot of an archive that is cut as told. */
async function snapshotsOf(
  ...archives: readonly (readonly [stream: Bytes, cuts: readonly number[]])[]
): Promise<OpenSnapshot[]> {
  const store = await memoryStore();
  const snapshots: OpenSnapshot[] = [];
  for (const [stream, cuts] of archives) {
    const group = { namespace: "", type: "host", id: "h" } as const;
    const name = snapshotOf(group, snapshots.length);
    const ends = [0, ...cuts, stream.length];
    const chunks = ends.slice(1).map((end, i) => stream.subarray(ends[i], end));
    await makeSnapshot(store, name, chunks);
    snapshots.push(await openSnapshot(store, name, { threads: 0 }));
  }
  return snapshots;
}

Deno.test("sameByChunks() reads only what chunks leave open", async () => {
  // The first file makes the second one, of 3 MB in chunks of 100 kB, begin at another place.
  const big = Uint8Array.from({ length: 3_000_000 }, (_, i) => i ^ (i >> 9));
  const late = big.slice();
  late[2_950_000]! ^= 1;
  const archive = (first: number, content: Bytes) =>
    unified([[
      makeEntry("directory", { mode: 0o40755 }),
      file("a", "", { content: new BytesContent(new Uint8Array(first)) }),
      file("b", "", { content: new BytesContent(content) }),
      makeEntry("end"),
    ]]);
  const [one, two, three] = await Promise.all([
    archive(10, big),
    archive(5000, big),
    archive(5000, late),
  ]);
  const cuts = Array.from({ length: 29 }, (_, i) => (i + 1) * 100_000);
  const snapshots = await snapshotsOf(
    [one!, cuts],
    [two!, cuts.map((cut) => cut + 4990)],
    [three!, cuts.map((cut) => cut + 4990)],
    [two!, cuts],
  );
  const asked = async (a: number, b: number) => {
    const before = snapshots[a]!, after = snapshots[b]!;
    await using ours = await SnapshotContents.open(before, "root.pxar");
    await using theirs = await SnapshotContents.open(after, "root.pxar");
    const sameContent = sameByChunks(ours, theirs);
    const answers: (boolean | undefined)[] = [];
    const lines = await tell(
      before.entries("root.pxar"),
      after.entries("root.pxar"),
      {
        content: "always",
        sameContent: async (x, y) => {
          const answer = await sameContent(x, y);
          answers.push(answer);
          return answer;
        },
      },
    );
    return [lines, answers];
  };
  assertEquals(await asked(0, 0), [[], [undefined, true]]);
  assertEquals(await asked(0, 1), [["M a (content)"], [true]]);
  assertEquals(await asked(0, 2), [["M a (content)", "M b (content)"], [
    false,
  ]]);
  assertEquals(await asked(1, 2), [["M b (content)"], [undefined, false]]);
  // Other chunks altogether: read in order.
  assertEquals(await asked(1, 3), [[], [undefined, undefined]]);
  for (const snapshot of snapshots) await snapshot[Symbol.asyncDispose]();
});
