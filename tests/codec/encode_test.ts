// Grammar, sinks and streams of encode(); golden archives are in vectors_test.ts.
import { decode } from "@pxar/codec/decode";
import {
  encode,
  type EncodeOptions,
  encodeStream,
  encodeStreams,
} from "@pxar/codec/encode";
import type { PayloadPart } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import { type Entry, type EntryParts, makeEntry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { goodbyeSize } from "@pxar/format/goodbye";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import {
  arbitraryTree,
  assertSameBytes,
  assertSameEntries,
  BytesContent,
  CollectPayload,
  CollectSink,
  concat,
  gather,
  inBatches,
  renew,
} from "../support/entries.ts";

const ROOT = makeEntry("directory", { mode: 0o40755 }), END = makeEntry("end");

Deno.test("encode() and decode() keep arbitrary trees, v1 and v2, whatever batches, pieces and chunks", async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryTree(),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(64, 1000, 70_000, 1 << 20),
      fc.integer({ min: 1, max: 5000 }),
      async (tree, batch, piece, chunk) => {
        const one = new CollectSink();
        await encode(inBatches(renew(tree), batch), { metadata: one }, {
          piece,
        });
        const back = await gather(decode(cut(one.bytes(), chunk), { batch }));
        assertSameEntries(back, tree);

        const metadata = new CollectSink(), payload = new CollectPayload();
        await encode(inBatches(renew(tree), batch), { metadata, payload }, {
          piece,
        });
        const [version, ...split] = await gather(
          decode(cut(metadata.bytes(), chunk), {
            payload: cut(payload.bytes(), chunk),
            batch,
          }),
        );
        assertEquals(version!.kind, "version");
        assertSameEntries(split, tree);

        const again = new CollectSink();
        await encode([back], { metadata: again });
        assertSameBytes(again.bytes(), one.bytes());
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("encode() counts bytes and entries, and hands out pieces of the length asked for", async () => {
  const entries = [ROOT, file("a", "x".repeat(5000)), file("b", ""), END];
  const metadata = new CollectSink(), payload = new CollectPayload();
  const v1 = await encode([renew(entries)], { metadata }, { piece: 1000 });
  const size = 56 + 2 * (18 + 56 + 16) + 5000 + goodbyeSize(2);
  assertEquals(v1, { metadata: size, payload: undefined, entries: 3 });
  assertEquals(metadata.bytes().length, size);
  assert(metadata.pieces.every(({ length }) => length <= 1000));
  assert(metadata.pieces.length <= 8, `${metadata.pieces.length} pieces`);
  const v2 = await encode([renew(entries)], {
    metadata: new CollectSink(),
    payload,
  });
  assertEquals(v2, {
    metadata: 24 + size - 5000 + 2 * 16,
    payload: 16 + 16 + 5000 + 16 + 16,
    entries: 3,
  });
});

Deno.test("encode() gives tables and attributes larger than a piece one of their own", async () => {
  const value = new Uint8Array(65_000).fill(7);
  const attributes = {
    xattrs: Array.from(
      { length: 40 },
      (_, i) => ({ name: bytes(`user.${i}`), value }),
    ),
    acl: undefined,
    fcaps: undefined,
    projectId: undefined,
  };
  const tree = [
    ROOT,
    ...Array.from(
      { length: 2000 },
      (_, i) => file(`${i}`.padStart(4, "0"), ""),
    ),
    makeEntry("fifo", { name: bytes("z"), mode: 0o10600, attributes }),
    END,
  ];
  const sink = new CollectSink();
  await encode([renew(tree)], { metadata: sink }, { piece: 1024 });
  const lengths = sink.pieces.map(({ length }) => length);
  assert(lengths.some((length) => length > 40 * 65_000));
  assert(lengths.includes(goodbyeSize(2001)));
  assertSameEntries(await gather(decode(sink.bytes())), tree);
});

Deno.test("encode() refuses entries that are no tree", async () => {
  const dir = node("directory", "d", 0o40755),
    fifo = node("fifo", "p", 0o10600);
  const link = (parts: EntryParts) =>
    makeEntry("hardlink", { name: bytes("l"), target: bytes("a"), ...parts });
  const cases: [string, Entry[], string][] = [
    ["nothing", [], "no entries"],
    ["no end", [ROOT, dir, END], "1 directories are open"],
    ["end first", [END], "no directory is open"],
    ["end twice", [ROOT, END, END], "no directory is open"],
    ["file as root", [file("", "x")], "expected the root first"],
    ["child without root", [fifo], "expected the root first"],
    ["hardlink as root", [link({ linkPosition: 1 })], "no directory is open"],
    ["second root", [ROOT, END, ROOT, END], "has been closed"],
    ["root with a name", [dir, END], "expected none"],
    [
      "another kind's mode",
      [ROOT, node("fifo", "p", 0o100600), END],
      "0o100600",
    ],
    ["mode without type", [ROOT, node("fifo", "p", 0o600), END], "0o600"],
    [
      "no content",
      [ROOT, node("file", "f", 0o100644), END],
      'file "f": it has no content',
    ],
    ["no target", [ROOT, node("symlink", "s", 0o120777), END], "no target"],
    ["no device", [ROOT, node("device", "n", 0o20600), END], "no numbers"],
    [
      "hardlink to nothing",
      [ROOT, link({ linkPosition: 5 }), END],
      '"a", has not been seen',
    ],
    ["hardlink without position", [ROOT, link({}), END], "has not been seen"],
    ["hardlink to a later file", [
      ROOT,
      link({ linkPosition: 5 }),
      file("z", "", { position: 5 }),
      END,
    ], "not been seen"],
    ["hardlink to a directory", [
      ROOT,
      { ...dir, position: 5 },
      END,
      link({ linkPosition: 5 }),
      END,
    ], "not been seen"],
    ["positions fall", [
      ROOT,
      file("a", "", { position: 5 }),
      file("b", "", { position: 5 }),
      END,
    ], "expected more than the 5"],
    [
      "short content",
      [ROOT, { ...file("f", ""), content: short(10) }, END],
      "10 left of 20",
    ],
    [
      "negative content",
      [ROOT, { ...file("f", ""), content: short(-1) }, END],
      "-1 bytes",
    ],
    ["prelude in v1", [
      makeEntry("prelude", { content: new BytesContent(bytes("x")) }),
      ROOT,
      END,
    ], "not split"],
    ["late version", [ROOT, makeEntry("version"), END], "come first"],
    ["inject in v1", [
      ROOT,
      makeEntry("inject", { payload: { offset: 0, size: 1 } }),
      END,
    ], "no payload sink"],
    ["reused in v1", [ROOT, reused("r", 0, 1), END], "no content"],
  ];
  for (const [what, entries, message] of cases) {
    await assertRejects(
      () => encode([renew(entries)], { metadata: new CollectSink() }),
      TypeError,
      message,
      what,
    );
  }
});

Deno.test("encode() refuses a prelude that is late, twice or empty-handed", async () => {
  const prelude = () =>
    makeEntry("prelude", { content: new BytesContent(bytes("x")) });
  for (
    const [entries, message] of [
      [[ROOT, prelude(), END], "late"],
      [[prelude(), prelude(), ROOT, END], "late"],
      [[ROOT, END, prelude()], "late"],
      [[makeEntry("prelude"), ROOT, END], "no content"],
    ] as const
  ) {
    const sinks = {
      metadata: new CollectSink(),
      payload: new CollectPayload(),
    };
    await assertRejects(() => encode([entries], sinks), TypeError, message);
  }
});

Deno.test("encode() refuses names, numbers and attributes that have no place, and names them", async () => {
  const attribute = (parts: object) =>
    node("fifo", "p", 0o10600, {
      attributes: {
        xattrs: [],
        acl: undefined,
        fcaps: undefined,
        projectId: undefined,
        ...parts,
      },
    });
  const huge = { name: bytes("user.huge"), value: new Uint8Array(65_791 - 9) };
  for (
    const [entry, message] of [
      [node("fifo", "a/b", 0o10600), "slash"],
      [node("fifo", "..", 0o10600), ".."],
      [node("fifo", "", 0o10600), "empty"],
      [node("fifo", "p", 0o10600, { nanos: 1e9 }), "nanos"],
      [node("fifo", "p", 0o10600, { uid: -1 }), "uid"],
      [node("symlink", "s", 0o120777, { target: bytes("a\0") }), "NUL"],
      [
        attribute({ xattrs: [huge] }),
        "p: its attribute user.huge has 65792 bytes",
      ],
      [
        attribute({
          xattrs: Array(513).fill({ ...huge, value: huge.value.subarray(300) }),
        }),
        "its attributes are",
      ],
      [
        attribute({
          xattrs: Array(70_000).fill({ name: bytes("a"), value: bytes("") }),
        }),
        "its attributes are",
      ],
      [attribute({ projectId: -1 }), "QUOTA_PROJID"],
    ] as const
  ) {
    await assertRejects(
      () => encode([[ROOT, entry, END]], { metadata: new CollectSink() }),
      FormatError,
      message,
    );
  }
});

Deno.test("encode() finds the first of several links by its position", async () => {
  const link = (name: string, linkPosition: number) =>
    makeEntry("hardlink", {
      name: bytes(name),
      target: bytes("x"),
      linkPosition,
    });
  const files = Array.from(
    { length: 300 },
    (_, i) => file(`f${i}`, "abc", i % 3 ? {} : { position: 1000 + 7 * i }),
  );
  const sink = new CollectSink();
  const picked = [0, 3, 150, 297];
  await encode([[
    ROOT,
    ...files,
    ...picked.map((i) => link(`l${i}`, 1000 + 7 * i)),
    END,
  ]], { metadata: sink });
  const entries = await gather(decode(sink.bytes()));
  const links = entries.filter(({ kind }) => kind === "hardlink");
  assertEquals(
    links.map(({ linkPosition }) =>
      entries.findIndex(({ position }) => position === linkPosition) - 1
    ),
    picked,
  );
});

Deno.test("encode() suggests every file before its bytes, references reused ones, and injects in place", async () => {
  const token = { chunks: [1, 2, 3] };
  const metadata = new CollectSink(), payload = new CollectPayload();
  const entries = [
    ROOT,
    file("a", "hello"), // header at 16, ends at 37
    reused("b", 100, 50), // 137 to 203
    reused("c", 166, 30), // 203 to 249
    makeEntry("inject", { payload: { offset: 0, size: 300 }, token }), // 37 to 337
    file("d", "x".repeat(2000)), // 337 to 2353
    reused("e", 0, 10),
    makeEntry("inject", { payload: { offset: 0, size: 26 }, token: "last" }),
    END,
  ];
  const encoded = await encode([entries], { metadata, payload });
  assertEquals(encoded.payload, 2353 + 26 + 16);
  assertEquals(flat(payload.parts), [
    { suggest: 16, size: 5 },
    { suggest: 37 },
    { suggest: 37 },
    { bytes: 37 },
    { inject: 300, token },
    { suggest: 337, size: 2000 },
    { suggest: 2353 },
    { bytes: 2016 },
    { inject: 26, token: "last" },
    { bytes: 16 },
  ]);
  assertSuggestedFirst(payload.parts);
  const files = (await gather(decode(metadata.bytes()))).filter(({ kind }) =>
    kind === "file"
  );
  assertEquals(files.map(({ payload }) => payload), [
    { offset: 16, size: 5 },
    { offset: 137, size: 50 },
    { offset: 203, size: 30 },
    { offset: 337, size: 2000 },
    { offset: 2353, size: 10 },
  ]);
  assertEquals(rowSizes(metadata.bytes(), 5), [
    18 + 56 + 32,
    18 + 56 + 32,
    18 + 56 + 32,
    106 + 5,
    106 + 2000,
  ]);
});

Deno.test("encode() refuses reused files whose chunks never come, or that lie backwards", async () => {
  const inject = (size: number) =>
    makeEntry("inject", { payload: { offset: 0, size } });
  for (
    const [entries, message] of [
      [[reused("a", 0, 10)], "reaches to byte 42"],
      [[reused("a", 0, 10), file("b", "x")], "reaches to byte 42"],
      [[reused("a", 0, 10), inject(25)], "reaches to byte 42"],
      [
        [reused("a", 100, 10), reused("b", 50, 1), inject(500)],
        "expected 116 or more",
      ],
      [[reused("a", -1, 10)], "expected 16 or more"],
      [[inject(-1)], "-1 bytes"],
      [[makeEntry("inject")], "no payload"],
      [
        [makeEntry("file", { name: bytes("r"), mode: 0o100644, reused: 0 })],
        "has no payload",
      ],
    ] as const
  ) {
    const sinks = {
      metadata: new CollectSink(),
      payload: new CollectPayload(),
    };
    await assertRejects(
      () => encode([[ROOT, ...entries, END]], sinks),
      TypeError,
      message,
    );
  }
});

Deno.test("encode() calls a slow sink one at a time, and fills the next piece meanwhile", async () => {
  let busy = 0, reads = 0, readsWhileBusy = 0, total = 0;
  const slow = async (length: number) => {
    assertEquals(busy++, 0, "called while busy");
    const before = reads;
    await new Promise((resolve) => setTimeout(resolve, 1));
    readsWhileBusy += reads - before;
    total += length;
    busy--;
  };
  const content = () => ({
    size: 100_000,
    read: (
      into: Bytes,
    ) => (reads++, Promise.resolve(Math.min(into.length, 1000))),
    release: undefined,
  });
  const tree = [
    ROOT,
    ...["a", "b"].map((name) => ({ ...file(name, ""), content: content() })),
    END,
  ];
  const { metadata } = await encode([tree], {
    metadata: { write: (piece) => slow(piece.length) },
  }, { piece: 8192 });
  assertEquals(total, metadata);
  assert(readsWhileBusy > 50, `${readsWhileBusy}`);

  const parts = new CollectPayload();
  const payload = {
    async write(part: PayloadPart) {
      await slow(0);
      parts.write(part);
    },
  };
  const files = Array.from(
    { length: 20 },
    (_, i) => file(`${i}`, "x".repeat(i * 100)),
  );
  await encode([[ROOT, ...files, END]], {
    metadata: new CollectSink(),
    payload,
  }, { piece: 2048 });
  assertSuggestedFirst(parts.parts);
});

Deno.test("encode() fails with its sink's error, its source's, or its signal's, and ends the source", async () => {
  let ended = 0;
  const endless = async function* (): AsyncGenerator<Entry[]> {
    try {
      yield [ROOT];
      for (let i = 0;; i++) yield [file(`${i}`, "x".repeat(10_000))];
    } finally {
      await Promise.resolve();
      ended++;
    }
  };
  const run = (
    write: (piece: Bytes) => void | Promise<void>,
    options: EncodeOptions = {},
  ) => encode(endless(), { metadata: { write } }, { piece: 5000, ...options });
  const fail = () => {
    throw new RangeError("disk full");
  };
  await assertRejects(() => run(fail), RangeError, "disk full");
  await assertRejects(
    () => run(() => Promise.resolve().then(fail)),
    RangeError,
    "disk full",
  );
  const stop = new AbortController();
  let pieces = 0;
  await assertRejects(
    () =>
      run(() => void (++pieces === 10 && stop.abort(new Error("enough"))), {
        signal: stop.signal,
      }),
    Error,
    "enough",
  );
  assertEquals(pieces, 10);
  assertEquals(ended, 3);
  const broken = async function* () {
    yield [ROOT];
    await Promise.reject(new RangeError("gone"));
  };
  await assertRejects(
    () => encode(broken(), { metadata: new CollectSink() }),
    RangeError,
    "gone",
  );
  await assertRejects(
    () => encode([[ROOT, END]], { metadata: new CollectSink() }, { piece: 1 }),
    RangeError,
  );
});

Deno.test("encodeStream() goes on only as far as it is read", async () => {
  let batches = 0;
  const stream = encodeStream(many(() => batches++), { piece: 10_000 });
  await tick();
  assertEquals(batches, 0);
  const reader = stream.getReader();
  const { value: first } = await reader.read();
  await tick();
  const ahead = batches;
  assert(ahead < 6, `${ahead} batches`);
  const kept = first!.slice();
  await reader.read();
  await tick();
  assert(batches > ahead && batches < ahead + 4, `${batches} after ${ahead}`);
  assertSameBytes(first!, kept, "a piece that was given away");
  await reader.cancel();
});

Deno.test("encodeStream() ends its source when it is cancelled, and passes errors on", async () => {
  let batches = 0, ended = false;
  const source = async function* () {
    try {
      yield* many(() => batches++);
    } finally {
      await tick();
      ended = true;
    }
  };
  const stream = encodeStream(source(), { piece: 10_000 });
  for await (const _ of stream) break;
  assert(ended);
  const broken = encodeStream([[ROOT]]);
  await assertRejects(
    () => Array.fromAsync(broken),
    TypeError,
    "directories are open",
  );
  const stop = new AbortController();
  const stopped = encodeStream(many(() => {}), {
    signal: stop.signal,
    piece: 10_000,
  });
  await assertRejects(
    async () => {
      for await (const _ of stopped) stop.abort(new Error("enough"));
    },
    Error,
    "enough",
  );
});

Deno.test("encodeStreams() lets both be read at once, at different paces", async () => {
  const tree = [ROOT];
  for (let i = 0; i < 500; i++) {
    tree.push(file(`${i}`.padStart(4, "0"), "x".repeat(i)));
  }
  tree.push(END);
  for (
    const [slow, fast] of [["metadata", "payload"], [
      "payload",
      "metadata",
    ]] as const
  ) {
    const streams = encodeStreams(inBatches(renew(tree)), { piece: 3000 });
    const read = { metadata: [] as Uint8Array[], payload: [] as Uint8Array[] };
    await Promise.all([
      (async () => {
        for await (const piece of streams[slow]) {
          await tick();
          read[slow].push(piece);
        }
      })(),
      (async () => {
        for await (const piece of streams[fast]) read[fast].push(piece);
      })(),
    ]);
    const metadata = concat(read.metadata), payload = concat(read.payload);
    const done = await streams.done;
    assertEquals(done, {
      metadata: metadata.length,
      payload: payload.length,
      entries: 501,
    });
    const [, ...entries] = await gather(decode(metadata, { payload }));
    assertSameEntries(entries, tree);
  }
});

Deno.test("encodeStreams() fails the other stream when one is cancelled", async () => {
  const { metadata, payload, done } = encodeStreams(many(() => {}), {
    piece: 10_000,
  });
  const other = assertRejects(
    () => Array.fromAsync(metadata),
    Error,
    "no more",
  );
  await payload.cancel(new Error("no more"));
  await other;
  await assertRejects(() => done, Error, "no more");
  const inject = makeEntry("inject", { payload: { offset: 0, size: 1 } });
  const streams = encodeStreams([[ROOT, inject, END]]);
  await Promise.all([
    assertRejects(
      () => Array.fromAsync(streams.metadata),
      TypeError,
      "takes bytes only",
    ),
    assertRejects(
      () => Array.fromAsync(streams.payload),
      TypeError,
      "takes bytes only",
    ),
  ]);
});

/** Many batches of one file of 8,000 bytes. */
function* many(onBatch: () => void): Generator<Entry[]> {
  yield [ROOT];
  for (let i = 0; i < 200; i++) {
    onBatch();
    yield [file(`${i}`, "x".repeat(8000))];
  }
  yield [END];
}

function node(
  kind: Entry["kind"],
  name: string,
  mode: number,
  parts: EntryParts = {},
): Entry {
  return makeEntry(kind, { name: bytes(name), mode, ...parts });
}

function file(name: string, content: string, parts: EntryParts = {}): Entry {
  return node("file", name, 0o100644, {
    content: new BytesContent(bytes(content)),
    ...parts,
  });
}

function reused(name: string, behind: number, size: number): Entry {
  return node("file", name, 0o100644, {
    reused: behind,
    payload: { offset: 0, size },
  });
}

/** A content that gives half of what it says. */
function short(size: number): Entry["content"] {
  const half = new BytesContent(new Uint8Array(Math.max(0, size)));
  return {
    size: size < 0 ? size : 2 * size,
    read: (into) => half.read(into),
    release: undefined,
  };
}

/** Parts with bytes by their number; neighbours joined. */
function flat(parts: readonly PayloadPart[]): unknown[] {
  const out: { bytes?: number }[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (!("bytes" in part)) out.push(part as object);
    else if (last?.bytes !== undefined) last.bytes += part.bytes.length;
    else out.push({ bytes: part.bytes.length });
  }
  return out;
}

/** No byte at or behind a suggested position comes before the suggestion. */
function assertSuggestedFirst(parts: readonly PayloadPart[]): void {
  let position = 0, suggestions = 0;
  for (const part of parts) {
    if ("bytes" in part) position += part.bytes.length;
    else if ("inject" in part) position += part.inject;
    else {
      suggestions++;
      assert(
        part.suggest >= position,
        `${part.suggest} is suggested at ${position}`,
      );
    }
  }
  assert(suggestions > 0);
}

/** Sizes in the rows of the last table, sorted. */
function rowSizes(archive: Bytes, rows: number): number[] {
  const view = new DataView(archive.buffer, archive.length - 24 * (rows + 1));
  return Array.from(
    { length: rows },
    (_, i) => Number(view.getBigUint64(24 * i + 16, true)),
  ).sort((a, b) => a - b);
}

function* cut(all: Bytes, size: number): Generator<Uint8Array> {
  for (let at = 0; at < all.length; at += size) {
    yield all.subarray(at, at + size);
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

function bytes(text: string): Bytes {
  return concat([new TextEncoder().encode(text)]);
}
