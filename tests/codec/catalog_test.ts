// Catalogs: the official ones both ways, made-up trees, the tap, and catalogs that lie.
import { CATALOG_MAGIC, type CatalogEntry } from "@pxar/codec/catalog";
import { CatalogReader, type CatalogStep } from "@pxar/codec/catalog_reader";
import { catalogTap } from "@pxar/codec/catalog_tap";
import { CatalogWriter } from "@pxar/codec/catalog_writer";
import { decode } from "@pxar/codec/decode";
import { bytesAccess } from "@pxar/codec/random_access";
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import { type Batch, type Entry, makeEntry } from "@pxar/format/entry";
import {
  FormatError,
  PxarError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import fc from "fast-check";
import {
  decodeVarint,
  decodeVaruint,
  encodeVarint,
  encodeVaruint,
  varuintSize,
} from "../../codec/varint.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import {
  arbitraryTree,
  assertSameBytes,
  BytesContent,
  CollectSink,
  comparable,
  gather,
  inBatches,
  renew,
} from "../support/entries.ts";
import { loadVector, TREES, VARIANTS } from "../support/vectors.ts";
import { CountingAccess, LateAccess, mutate, numbers } from "./walk.ts";

const FOLDER = new URL("../vectors/store/catalog/", import.meta.url);

/** A node as the vectors describe it: type, name in hex, children, numbers as decimal texts. */
interface Told {
  readonly t: string;
  readonly n: string;
  readonly size?: string;
  readonly mtime?: string;
  readonly start?: number;
  readonly c?: readonly Told[];
}

type Result<T> = { readonly ok: T } | { readonly error: string };

const told: {
  readonly catalogs: readonly {
    readonly file: string;
    readonly tree: readonly Told[];
    readonly dump?: readonly string[];
    readonly rootStart: number;
  }[];
  readonly damaged: readonly {
    readonly name: string;
    readonly file: string;
    readonly dump: Result<readonly string[]>;
  }[];
  readonly lookup: {
    readonly file: string;
    readonly cases: readonly {
      readonly path: string;
      readonly result: Result<{ readonly name: string; readonly type: string }>;
    }[];
  };
  readonly varint: {
    readonly decode: readonly {
      readonly bytes: string;
      readonly signed: Result<string>;
      readonly unsigned: Result<string>;
    }[];
    readonly signed: readonly (readonly [string, string])[];
    readonly unsigned: readonly (readonly [string, string])[];
  };
} = JSON.parse(await Deno.readTextFile(new URL("catalog.json", FOLDER)));

const LETTERS = {
  directory: "d",
  file: "f",
  symlink: "l",
  hardlink: "h",
  block: "b",
  char: "c",
  fifo: "p",
  socket: "s",
} as const;

const text = new TextEncoder();

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

function tell(entry: CatalogEntry, children?: Told[]): Told {
  const { kind, name, size, mtime, start } = entry;
  return {
    t: LETTERS[kind],
    n: hex(name),
    ...(size === undefined ? {} : { size: `${size}` }),
    ...(mtime === undefined ? {} : { mtime: `${mtime}` }),
    ...(start === undefined ? {} : { start }),
    ...(children === undefined ? {} : { c: children }),
  };
}

/** Reads a tree through `list`. */
async function treeOf(
  reader: CatalogReader,
  directory = reader.root,
): Promise<Told[]> {
  const nodes: Told[] = [];
  for await (const page of reader.list(directory)) {
    assert(page.length > 0 && page.length <= 256);
    for (const entry of page) {
      nodes.push(tell(
        entry,
        entry.kind === "directory" ? await treeOf(reader, entry) : undefined,
      ));
    }
  }
  return nodes;
}

/** Reads a tree through `walk`; states that what it tells of places is right. */
async function walkedTree(reader: CatalogReader): Promise<Told[]> {
  const root: Told[] = [];
  const lists = new Map<CatalogStep | undefined, Told[]>([[undefined, root]]);
  for await (const page of reader.walk()) {
    assert(page.length > 0 && page.length <= 256);
    for (const step of page) {
      const { entry, above, depth, path } = step;
      const children = entry.kind === "directory" ? [] : undefined;
      lists.get(above)!.push(tell(entry, children));
      if (children !== undefined) lists.set(step, children);
      assertEquals(depth, above === undefined ? 0 : above.depth + 1);
      assertEquals(
        hex(path),
        above === undefined
          ? hex(entry.name)
          : `${hex(above.path)}2f${hex(entry.name)}`,
      );
    }
  }
  return root;
}

async function write(
  sink: CollectSink,
  nodes: readonly Told[],
  options: { piece?: number } = {},
): Promise<Bytes> {
  const writer = new CatalogWriter(sink, options);
  const put = async (nodes: readonly Told[]): Promise<void> => {
    for (const node of nodes) {
      const name = Uint8Array.fromHex(node.n);
      const kind = (Object.keys(LETTERS) as (keyof typeof LETTERS)[]).find((
        one,
      ) => LETTERS[one] === node.t)!;
      if (kind === "directory") {
        writer.startDirectory(name);
        await put(node.c!);
        await writer.endDirectory();
      } else if (kind === "file") {
        writer.file(name, {
          size: Number(node.size),
          mtime: Number(node.mtime),
        });
      } else writer.other(kind, name);
    }
  };
  await put(nodes);
  const length = await writer.finish();
  const bytes = sink.bytes();
  assertEquals(bytes.length, length);
  return bytes;
}

/** The official listing of a catalog, in UTC, of names that need no quoting. */
async function dump(reader: CatalogReader): Promise<string[]> {
  const lines: string[] = [];
  for await (const page of reader.walk()) {
    for (const { entry, path } of page) {
      const { kind, size, mtime } = entry;
      const line = `${LETTERS[kind]} "./${new TextDecoder().decode(path)}"`;
      lines.push(
        kind === "file"
          ? `${line} ${size} ${
            new Date(mtime! * 1000).toISOString().replace(".000", "")
          }`
          : line,
      );
    }
  }
  return lines;
}

async function openBytes(bytes: Bytes): Promise<CatalogReader> {
  return await CatalogReader.open(bytesAccess(bytes));
}

/** Reads all there is in three ways. */
async function readWhole(bytes: Bytes): Promise<void> {
  const reader = await openBytes(bytes);
  for await (const page of reader.list(reader.root)) assert(page.length > 0);
  for await (const page of reader.walk()) {
    for (const step of page) if (step.depth < 100) step.path;
  }
  await reader.lookup("root.pxar.didx/dir/deep/deeper/leaf");
}

/** A table by hand. */
function table(...entries: readonly (readonly number[])[]): number[] {
  const content = entries.flat();
  return [content.length + 1, entries.length, ...content];
}

function catalog(tables: readonly number[][], root: number): Bytes {
  const bytes = new Uint8Array([
    ...CATALOG_MAGIC,
    ...tables.flat(),
    ...new Array<number>(8).fill(0),
  ]);
  new DataView(bytes.buffer).setBigUint64(
    bytes.length - 8,
    BigInt(root),
    true,
  );
  return bytes;
}

/** Whether ours takes it, too: no number beyond 2^53, no empty name (docs/compatibility.md). */
function taken({ n, size = "0", mtime = "0" }: Told): boolean {
  return n !== "" && Number.isSafeInteger(Number(size)) &&
    Number.isSafeInteger(Number(mtime));
}

function allTaken(nodes: readonly Told[]): boolean {
  return nodes.every((node) => taken(node) && allTaken(node.c ?? []));
}

/** Where the first table below a directory starts, or its own. */
function firstTable(nodes: readonly Told[], start: number): number {
  const child = nodes.find(({ t }) => t === "d");
  return child === undefined ? start : firstTable(child.c!, child.start!);
}

/** States that a directory and all below it is read and written as it is, except where something in it is refused; counts what is and what is not. */
async function assertSame(
  bytes: Bytes,
  reader: CatalogReader,
  nodes: readonly Told[],
  start: number,
  counts: { same: number; refused: number },
): Promise<void> {
  const directory = { ...reader.root, start };
  if (allTaken(nodes)) {
    assertEquals(await treeOf(reader, directory), nodes as Told[]);
    const own = (await write(new CollectSink(), nodes)).subarray(8, -8);
    const from = firstTable(nodes, start);
    assertSameBytes(own, bytes.subarray(from, from + own.length));
    counts.same++;
    return;
  }
  if (!nodes.every(taken)) {
    await assertRejects(async () => {
      for await (const page of reader.list(directory)) assert(page.length > 0);
    }, FormatError);
    await assertRejects(() => write(new CollectSink(), nodes));
    counts.refused++;
  }
  for (const { c, start } of nodes) {
    if (c !== undefined) await assertSame(bytes, reader, c, start!, counts);
  }
}

for (const { file, tree, dump: lines, rootStart } of told.catalogs) {
  Deno.test(`${file} is read and written as it is`, async () => {
    const bytes = await Deno.readFile(new URL(file, FOLDER));
    const reader = await openBytes(bytes);
    assertEquals(reader.root.start, rootStart);
    const counts = { same: 0, refused: 0 };
    await assertSame(bytes, reader, tree, rootStart, counts);
    assertEquals(
      counts.refused > 0,
      ["numbers.pcat1", "random.pcat1", "unsorted-and-double.pcat1"]
        .includes(file),
    );
    if (counts.refused > 0) return;
    assertEquals(await walkedTree(reader), tree as Told[]);
    const late = await CatalogReader.open(new LateAccess(bytes), {
      block: 64,
      cache: 256,
    });
    assertEquals(await treeOf(late), tree as Told[]);
    assertEquals(await walkedTree(late), tree as Told[]);
    if (lines !== undefined) {
      assertEquals(await dump(reader), lines as string[]);
    }
    assertSameBytes(await write(new CollectSink(), tree), bytes);
    assertSameBytes(await write(new CollectSink(), tree, { piece: 64 }), bytes);
  });
}

/** Writes a catalog another way: by recursion, with numbers of any size. */
function model(nodes: readonly Told[]): Bytes {
  const bytes: number[] = [...CATALOG_MAGIC];
  const varint = (value: bigint): number[] => {
    const all: number[] = [];
    let left = value < 0n ? -value : value;
    do all.push(Number(left & 0x7fn) | 0x80); while ((left >>= 7n) > 0n);
    if (value < 0n) all.push(0);
    else all[all.length - 1]! &= 0x7f;
    return all;
  };
  const put = (nodes: readonly Told[]): number => {
    const starts = nodes.map(({ c }) => c && put(c));
    const start = bytes.length;
    const content = nodes.flatMap(({ t, n, size, mtime }, i) => [
      t.charCodeAt(0),
      ...varint(BigInt(n.length / 2)),
      ...Uint8Array.fromHex(n),
      ...(t === "f"
        ? [...varint(BigInt(size!)), ...varint(BigInt(mtime!))]
        : []),
      ...(t === "d" ? varint(BigInt(start - starts[i]!)) : []),
    ]);
    const count = varint(BigInt(nodes.length));
    bytes.push(...varint(BigInt(count.length + content.length)));
    bytes.push(...count);
    for (const byte of content) bytes.push(byte);
    return start;
  };
  const root = put(nodes);
  for (let i = 0n; i < 64n; i += 8n) {
    bytes.push(Number(BigInt(root) >> i & 0xffn));
  }
  return new Uint8Array(bytes);
}

/** The same tree with numbers and names that ours takes, too. */
function tame(nodes: readonly Told[]): Told[] {
  const below = (value: string): string => `${BigInt(value) % BigInt(2 ** 53)}`;
  return nodes.map(({ t, n, size, mtime, c }) => ({
    t,
    n: n || "2d",
    ...(size === undefined ? {} : { size: below(size) }),
    ...(mtime === undefined ? {} : { mtime: below(mtime) }),
    ...(c === undefined ? {} : { c: tame(c) }),
  }));
}

function withoutStarts(nodes: readonly Told[]): Told[] {
  return nodes.map(({ start: _, ...node }) =>
    node.c === undefined ? node : { ...node, c: withoutStarts(node.c) }
  );
}

for (const { file, tree } of told.catalogs) {
  Deno.test(`${file} with tame numbers is what another writer makes of it`, async () => {
    // The other writer is right: it makes the official bytes of the official tree.
    assertSameBytes(model(tree), await Deno.readFile(new URL(file, FOLDER)));
    const tamed = tame(tree), bytes = await write(new CollectSink(), tamed);
    assertSameBytes(bytes, model(tamed));
    const reader = await openBytes(bytes);
    assertEquals(withoutStarts(await treeOf(reader)), tamed);
    assertEquals(withoutStarts(await walkedTree(reader)), tamed);
  });
}

Deno.test("the numbers of numbers.pcat1 that are safe are written as there", async () => {
  const { tree } = told.catalogs.find(({ file }) => file === "numbers.pcat1")!;
  const files = tree[0]!.c!.filter(taken);
  assert(files.length >= 7);
  const golden = hex(await Deno.readFile(new URL("numbers.pcat1", FOLDER)));
  for (const file of files) {
    const bytes = await write(new CollectSink(), [file]);
    assert(golden.includes(hex(bytes.subarray(10, -8))), file.n);
  }
});

for (const { name, file, dump: lines } of told.damaged) {
  Deno.test(`a catalog with ${name}`, async () => {
    const bytes = Uint8Array.fromHex(file);
    // The official reader takes any name; ours none that is no path component.
    const strict = /^(empty name|name with slash|name \.\.)$/.test(name);
    if ("ok" in lines && !strict) {
      assertEquals(await dump(await openBytes(bytes)), lines.ok as string[]);
    } else {
      await assertRejects(() => readWhole(bytes), FormatError);
    }
  });
}

Deno.test("lookup() finds what the official one finds", async () => {
  const bytes = await Deno.readFile(new URL(told.lookup.file, FOLDER));
  const reader = await openBytes(bytes);
  for (const { path, result } of told.lookup.cases) {
    for (const given of [path, text.encode(path)]) {
      const found = await reader.lookup(given);
      assertEquals(
        found && {
          name: new TextDecoder().decode(found.name),
          type: LETTERS[found.kind],
        },
        "ok" in result ? result.ok : undefined,
        path,
      );
    }
  }
});

Deno.test("lookup() and child() give the first of two names", async () => {
  const bytes = await write(new CollectSink(), [{
    t: "d",
    n: hex(text.encode("x.pxar.didx")),
    c: [
      { t: "f", n: "61", size: "1", mtime: "0" },
      { t: "f", n: "61", size: "2", mtime: "0" },
    ],
  }]);
  const reader = await openBytes(bytes);
  const found = await reader.lookup("x.pxar.didx/a");
  assertEquals(found?.size, 1);
  assertInstanceOf(
    await assertRejects(() => reader.child(found!, text.encode("b"))),
    TypeError,
  );
});

Deno.test("varuints and varints are the official ones", () => {
  const encoded = (
    write: (writer: ByteWriter, value: number) => void,
    value: number,
  ): string => {
    const writer = new ByteWriter(new Uint8Array(16));
    write(writer, value);
    return hex(writer.written);
  };
  let counted = 0;
  for (const [value, bytes] of told.varint.unsigned) {
    if (!Number.isSafeInteger(Number(value))) continue;
    counted++;
    assertEquals(encoded(encodeVaruint, Number(value)), bytes);
    assertEquals(varuintSize(Number(value)), bytes.length / 2);
  }
  for (const [value, bytes] of told.varint.signed) {
    if (!Number.isSafeInteger(Number(value))) continue;
    counted++;
    assertEquals(encoded(encodeVarint, Number(value)), bytes);
  }
  assert(counted > 20);
  const cases = [
    ...told.varint.unsigned.map(([value, bytes]) => ({
      bytes,
      unsigned: { ok: value },
      signed: undefined,
    })),
    ...told.varint.signed.map(([value, bytes]) => ({
      bytes,
      unsigned: undefined,
      signed: { ok: value },
    })),
    ...told.varint.decode,
  ];
  for (const { bytes, unsigned, signed } of cases) {
    for (
      const [decode, result] of [
        [decodeVaruint, unsigned],
        [decodeVarint, signed],
      ] as const
    ) {
      if (result === undefined) continue;
      const run = () => decode(new ByteReader(Uint8Array.fromHex(bytes)));
      // Bits beyond the 64th are dropped by the official reader, and the sign taken of what is left; ours refuses.
      const beyond = bytes.length === 20 && decode === decodeVarint &&
        bytes.startsWith("ff");
      if (
        "ok" in result && Number.isSafeInteger(Number(result.ok)) && !beyond
      ) {
        assertEquals(run(), Number(result.ok), bytes);
      } else assertThrows(run, FormatError);
    }
  }
});

Deno.test("varints of any size come back", () => {
  const writer = new ByteWriter(new Uint8Array(16));
  const back = (
    write: (writer: ByteWriter, value: number) => void,
    read: (reader: ByteReader) => number,
    value: number,
  ): void => {
    writer.rewind();
    write(writer, value);
    const reader = new ByteReader(writer.written);
    assertEquals(read(reader), value);
    reader.end();
  };
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
    back(encodeVarint, decodeVarint, value);
    back(encodeVaruint, decodeVaruint, Math.abs(value));
    assertEquals(varuintSize(Math.abs(value)), writer.length);
  }));
});

/** What a catalog has of an entry of an archive. */
function catalogLine(entry: Entry): string {
  const { kind, name, mode, content, secs } = entry;
  if (kind === "end") return "end";
  const letter = kind === "device"
    ? (mode & 0o170000) === 0o060000 ? "b" : "c"
    : LETTERS[kind as keyof typeof LETTERS];
  return `${letter} ${hex(name)}${
    kind === "file" ? ` ${content!.size} ${secs}` : ""
  }`;
}

/** The lines of an archive's directory, its end included, as {@linkcode catalogLine} would give them; an end for each directory. */
async function linesOf(
  reader: CatalogReader,
  directory: CatalogEntry,
): Promise<string[]> {
  const lines: string[] = [];
  for await (const page of reader.list(directory)) {
    for (const entry of page) {
      const { kind, name, size, mtime } = entry;
      lines.push(
        `${LETTERS[kind]} ${hex(name)}${
          kind === "file" ? ` ${size} ${mtime}` : ""
        }`,
      );
      if (kind === "directory") lines.push(...await linesOf(reader, entry));
    }
  }
  return [...lines, "end"];
}

for (const name of [...TREES, ...VARIANTS]) {
  Deno.test(`the catalog of ${name}.pxar has what the archive has`, async () => {
    const { v1: archive } = await loadVector(name);
    const sink = new CollectSink(), writer = new CatalogWriter(sink);
    const entries = await gather(
      catalogTap(decode(archive), writer, "root.pxar.didx"),
    );
    await writer.finish();
    const reader = await openBytes(sink.bytes());
    const root = await reader.lookup("root.pxar.didx");
    assertEquals(
      await linesOf(reader, root!),
      entries.slice(1).map(catalogLine),
    );
    const list = await reader.lookup("root.pxar.didx/.pxarexclude-cli");
    if (name.startsWith("exclude-cli")) assertEquals(list?.mtime, 0);
  });
}

Deno.test("catalogTap() of official entries makes the official catalog", async () => {
  const file = (name: string, size: number, secs: number): Entry =>
    makeEntry("file", {
      name: text.encode(name),
      mode: 0o100644,
      secs,
      content: new BytesContent(new Uint8Array(size)),
    });
  const node = (kind: Entry["kind"], name: string, mode = 0): Entry =>
    makeEntry(kind, { name: text.encode(name), mode });
  const entries = [
    makeEntry("version", { content: new BytesContent(new Uint8Array(8)) }),
    node("directory", ""),
    file(".pxarexclude-cli", 12, 0),
    node("device", "block", 0o060600),
    node("device", "char", 0o020600),
    node("directory", "dir"),
    node("directory", "deep"),
    node("directory", "deeper"),
    file("leaf", 1, 1),
    node("end", ""),
    node("end", ""),
    node("directory", "empty"),
    node("end", ""),
    node("end", ""),
    node("fifo", "fifo"),
    file("file", 5, 1430487000),
    node("hardlink", "hard"),
    node("socket", "socket"),
    node("symlink", "symlink"),
    node("end", ""),
  ];
  const sink = new CollectSink(), writer = new CatalogWriter(sink);
  const passed: Batch[] = [];
  for await (
    const batch of catalogTap(inBatches(entries), writer, "root.pxar.didx")
  ) passed.push(batch);
  assertEquals(passed.flat(), entries);
  assert(passed.flat().every((entry, i) => entry === entries[i]));
  await writer.finish();
  assertSameBytes(
    sink.bytes(),
    await Deno.readFile(new URL("all-types.pcat1", FOLDER)),
  );
});

Deno.test("catalogTap() of made-up trees, several in one catalog, with a sink that is late", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryTree(), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 64, max: 300 }),
      async (trees, piece) => {
        const sink = new CollectSink();
        const late = {
          write: async (piece: Bytes) => {
            await undefined;
            sink.write(piece);
            await undefined;
          },
        };
        const writer = new CatalogWriter(late, { piece });
        for (const [i, tree] of trees.entries()) {
          const passed = await gather(
            catalogTap(inBatches(renew(tree)), writer, `${i}.pxar.didx`),
          );
          assertEquals(comparable(passed), comparable(tree));
        }
        assertEquals(await writer.finish(), sink.bytes().length);
        const reader = await CatalogReader.open(new LateAccess(sink.bytes()));
        for (const [i, tree] of trees.entries()) {
          const root = await reader.lookup(`/${i}.pxar.didx`);
          assertEquals(
            await linesOf(reader, root!),
            tree.slice(1).map(catalogLine),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the writer refuses what is no tree", async () => {
  const make = () => new CatalogWriter(new CollectSink());
  const name = text.encode("a");
  assertThrows(() => make().endDirectory(), TypeError);
  assertThrows(() => make().entry(makeEntry("fifo", { name })), TypeError);
  const open = make();
  open.startArchive("a.pxar.didx");
  assertThrows(() => open.startArchive("b.pxar.didx"), TypeError);
  await assertRejects(() => open.finish(), TypeError);
  assertThrows(() => open.entry(makeEntry("file", { name })), TypeError);
  for (const bad of ["", ".", "..", "a/b", "a\0b"]) {
    assertThrows(() => open.other("fifo", text.encode(bad)), FormatError);
    assertThrows(() => open.startDirectory(text.encode(bad)), FormatError);
  }
  open.other("fifo", new Uint8Array(4095).fill(0x61));
  assertThrows(
    () => open.other("fifo", new Uint8Array(4096).fill(0x61)),
    FormatError,
  );
  for (const size of [-1, 0.5, 2 ** 53, NaN]) {
    assertThrows(() => open.file(name, { size, mtime: 0 }), RangeError);
  }
  assertThrows(
    () => open.file(name, { size: 0, mtime: -(2 ** 53) }),
    RangeError,
  );
  await open.endDirectory();
  await open.finish();
  assertThrows(() => open.startArchive("c.pxar.didx"), TypeError);
  assertThrows(
    () => new CatalogWriter(new CollectSink(), { piece: 8 }),
    RangeError,
  );
  await assertRejects(async () => {
    const tap = catalogTap(
      [[makeEntry("directory"), makeEntry("directory", { name })]],
      make(),
      "a.pxar.didx",
    );
    for await (const batch of tap) assert(batch.length > 0);
  }, TypeError);
});

Deno.test("an error of the sink ends the tap", async () => {
  const writer = new CatalogWriter({
    write: () => Promise.reject(new Error("full")),
  }, { piece: 64 });
  const entries = [makeEntry("directory")];
  for (let i = 0; i < 100; i++) {
    const name = text.encode(`directory ${i}`);
    entries.push(makeEntry("directory", { name }), makeEntry("end"));
  }
  entries.push(makeEntry("end"));
  const error = await assertRejects(async () => {
    for await (
      const batch of catalogTap(inBatches(entries), writer, "a.pxar.didx")
    ) assert(batch.length > 0);
    await writer.finish();
  });
  assertEquals(error instanceof Error && error.message, "full");
});

Deno.test("a directory of 100,000 entries is read page by page", async () => {
  const sink = new CollectSink(), writer = new CatalogWriter(sink);
  writer.startArchive("a.pxar.didx");
  writer.startDirectory(text.encode("wide"));
  for (let i = 0; i < 100_000; i++) {
    writer.file(text.encode(`file ${i}`), { size: i, mtime: -i });
  }
  await writer.endDirectory();
  await writer.endDirectory();
  await writer.finish();
  const access = new CountingAccess(sink.bytes());
  const reader = await CatalogReader.open(access);
  const wide = await reader.lookup("a.pxar.didx/wide");
  let count = 0;
  for await (const page of reader.list(wide!)) {
    for (const { size, mtime } of page) {
      assert(size === count && mtime === (count === 0 ? 0 : -count));
      count++;
    }
  }
  assertEquals(count, 100_000);
  assert(access.longest <= 4096, `${access.longest}`);
  assertEquals(
    (await reader.lookup("a.pxar.didx/wide/file 99999"))?.size,
    99999,
  );
});

Deno.test("a chain of 20,000 directories is written and walked through", async () => {
  const levels = 20_000;
  const sink = new CollectSink(), writer = new CatalogWriter(sink);
  for (let i = 0; i < levels; i++) writer.startDirectory(text.encode("d"));
  for (let i = 0; i < levels; i++) await writer.endDirectory();
  await writer.finish();
  const reader = await openBytes(sink.bytes());
  let last: CatalogStep | undefined;
  for await (const page of reader.walk()) last = page.at(-1);
  assertEquals(last?.depth, levels - 1);
  assertEquals(last?.path.length, 2 * levels - 1);
});

Deno.test("walk() passes over what is not to be entered, and ends with its signal", async () => {
  const bytes = await Deno.readFile(new URL("all-types.pcat1", FOLDER));
  const reader = await openBytes(bytes);
  const seen: string[] = [];
  const enter = ({ entry: { name } }: CatalogStep): boolean =>
    new TextDecoder().decode(name) !== "deep";
  for await (const page of reader.walk(undefined, { enter })) {
    for (const { path } of page) seen.push(new TextDecoder().decode(path));
  }
  assert(seen.includes("root.pxar.didx/dir/deep"));
  assert(!seen.some((path) => path.includes("deep/")));
  const many = await openBytes(
    await Deno.readFile(new URL("many.pcat1", FOLDER)),
  );
  const stop = new AbortController();
  await assertRejects(
    async () => {
      for await (
        const page of many.walk(undefined, { signal: stop.signal })
      ) {
        assertEquals(page.length, 256);
        stop.abort(new Error("enough"));
      }
    },
    Error,
    "enough",
  );
});

Deno.test("the reader closes what it reads from, also if opening fails", async () => {
  for (const bytes of [new Uint8Array(3), catalog([table()], 8)]) {
    let closed = 0;
    const access = { ...bytesAccess(bytes), close: () => void closed++ };
    await CatalogReader.open(access).then(
      (reader) => reader[Symbol.asyncDispose](),
      (error) => assertInstanceOf(error, TruncatedError),
    );
    assertEquals(closed, 1);
  }
});

Deno.test("a catalog of another version is unsupported", async () => {
  const bytes = catalog([table()], 8);
  bytes[0] = 1;
  await assertRejects(() => openBytes(bytes), UnsupportedError);
});

Deno.test("a table that is led to from everywhere does not make a walk endless", async () => {
  // Each table has three directories, all of them the table before: 3^60 paths in 800 bytes.
  const tables: number[][] = [table()];
  let at = 8, before = 8;
  for (let level = 0; level < 60; level++) {
    at += tables.at(-1)!.length;
    const entry = [0x64, 1, 0x61 + level % 26, at - before];
    tables.push(table(entry, entry, entry));
    before = at;
  }
  const reader = await openBytes(catalog(tables, at));
  await assertRejects(
    async () => {
      for await (const page of reader.walk()) assert(page.length > 0);
    },
    FormatError,
    "more entries than bytes",
  );
});

Deno.test("directories cannot lead to themselves, to what comes later, or out of the catalog", async () => {
  const child = (distance: readonly number[]): Bytes => {
    const entries = [0x64, 1, 0x61, ...distance];
    return catalog([table(), table(entries)], 10);
  };
  await readWhole(child([2]));
  for (
    const distance of [
      [0],
      [3],
      [10],
      [11],
      [0x7f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ]
  ) {
    await assertRejects(
      () => readWhole(child(distance)),
      FormatError,
      distance.length > 8 ? "2^53" : "before its parent's table",
    );
  }
});

Deno.test("counts and lengths beyond the bytes there are refused at once", async () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  for (
    const bytes of [
      catalog([[8, ...huge]], 8),
      catalog([[...huge, 0]], 8),
      catalog([table([0x66, ...huge, 0x61])], 8),
      catalog([table([0x66, 1, 0x61, ...huge, ...huge, ...huge, 0])], 8),
      catalog([[2, 0, 0]], 8),
      catalog([table(), table()], 8),
      catalog([table()], 7),
      catalog([table()], 2 ** 40),
    ]
  ) {
    await assertRejects(() => readWhole(bytes), FormatError);
  }
});

for (const file of ["all-types.pcat1", "three-archives.pcat1"]) {
  Deno.test(`${file} cut anywhere is refused`, async () => {
    const bytes = await Deno.readFile(new URL(file, FOLDER));
    for (let length = 0; length < bytes.length; length++) {
      await assertRejects(() => readWhole(bytes.slice(0, length)), FormatError);
    }
  });
}

Deno.test("changed catalogs are read or refused, and end", async () => {
  const random = numbers(11);
  let refused = 0;
  for (const { file } of told.catalogs) {
    const bytes = await Deno.readFile(new URL(file, FOLDER));
    for (let i = 0; i < 300; i++) {
      try {
        await readWhole(mutate(bytes, random));
      } catch (error) {
        assertInstanceOf(error, PxarError);
        refused++;
      }
    }
  }
  assert(refused > 500, `${refused}`);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (noise) => {
      const length = BigInt(8);
      const bytes = new Uint8Array([
        ...CATALOG_MAGIC,
        ...noise,
        ...new Array<number>(8).fill(0),
      ]);
      new DataView(bytes.buffer).setBigUint64(bytes.length - 8, length, true);
      await readWhole(bytes).catch((error) =>
        assertInstanceOf(error, PxarError)
      );
    }),
  );
});
