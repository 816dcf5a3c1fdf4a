// Archives cut off, changed at random and made to do harm: always a PxarError or an answer, soon and in little memory.
import { decode, type DecodeOptions } from "@pxar/codec/decode";
import { encode } from "@pxar/codec/encode";
import type { ByteInput } from "@pxar/codec/stream_reader";
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { FormatError, PxarError, TruncatedError } from "@pxar/format/errors";
import { goodbyeSize } from "@pxar/format/goodbye";
import { decodeHeader, encodeHeader, ITEMS } from "@pxar/format/item";
import { encodeFilename } from "@pxar/format/name";
import { encodeStat, kindOfMode } from "@pxar/format/stat";
import { encodeXattr } from "@pxar/format/xattr";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { loadVector, TREES, VARIANTS } from "../support/vectors.ts";

const ALL = [...TREES, ...VARIANTS];
const SMALL = 64 << 10;
const SPARE = 64 << 20;

Deno.test("decode() never takes a truncated archive for a whole one", async (t) => {
  const random = randomNumbers(0x5eed);
  for (const { name, v1, metadata, payload } of ALL.map(loadVector)) {
    await t.step(name, async () => {
      for (
        const [archive, options] of [[v1, {}], [metadata, { payload }]] as const
      ) {
        for (const length of cuts(archive, random)) {
          const cut = archive.subarray(0, length);
          const error = await ending(decode(cut, { ...options, batch: 1000 }));
          if (!(error instanceof TruncatedError)) {
            throw new Error(
              `cut to ${length} of ${archive.length} bytes: ${error}`,
            );
          }
        }
      }
    });
  }
});

Deno.test("decode() fails on a payload stream cut before the end of the last content", async () => {
  const { metadata, payload } = loadVector("hardlinks");
  const end = payload.length - 16;
  for (let length = 0; length <= payload.length; length++) {
    const error = await failure(metadata, {
      payload: payload.subarray(0, length),
    }, true);
    if (length >= end) assertEquals(error, undefined);
    else assertInstanceOf(error, TruncatedError);
  }
});

Deno.test("decode() answers 10,000 changed archives with a PxarError or with entries", async () => {
  const random = randomNumbers(0xbadbee);
  const archives = ALL.map(loadVector).flatMap(({ v1, metadata, payload }) => [
    { archive: v1, payload: undefined },
    { archive: metadata, payload },
  ]);
  let accepted = 0;
  for (let round = 0; round < 10_000; round++) {
    const { archive, payload } = archives[round % archives.length]!;
    // Where a change of the large ones would mostly hit contents, their first part is enough.
    const changed = change(archive.slice(0, 2 * SMALL), random);
    const options = { payload, batch: 1 + random() % 64 };
    const error = await failure(changed, options, round % 4 === 0);
    if (error === undefined) accepted++;
    else if (!(error instanceof PxarError)) throw error;
  }
  assert(accepted > 100, `${accepted} accepted: the changes are too coarse`);
  assert(accepted < 9000, `${accepted} accepted: the changes do nothing`);
});

Deno.test("decode() answers changed payload streams with a PxarError", async () => {
  const random = randomNumbers(0xfade);
  const { metadata, payload } = loadVector("hardlinks");
  for (let round = 0; round < 500; round++) {
    const error = await failure(metadata, {
      payload: change(payload.slice(), random),
    }, true);
    if (error !== undefined && !(error instanceof PxarError)) throw error;
  }
});

Deno.test("decode() gives an item of 2^52 bytes no memory", async () => {
  for (const item of [ITEMS.PAYLOAD, ITEMS.GOODBYE, ITEMS.PRELUDE] as const) {
    const size = 2 ** 52 - 2 ** 52 % 24;
    const archive = write((writer) => {
      if (item === ITEMS.PRELUDE) {
        encodeHeader(writer, ITEMS.FORMAT_VERSION, 8);
        writer.u64(2);
      } else {
        stat(writer, 0o40755);
      }
      if (item === ITEMS.PAYLOAD) {
        encodeFilename(writer, new Uint8Array([0x61]));
        stat(writer, 0o100644);
      }
      encodeHeader(writer, item, size);
      writer.u64(0);
    });
    const bound = memoryBound();
    assertInstanceOf(await failure(archive, {}), TruncatedError);
    assertInstanceOf(await failure(archive, {}, true), TruncatedError);
    assertInstanceOf(await failure([archive], {}, true), TruncatedError);
    bound();
  }
});

Deno.test("decode() refuses sizes from 2^53 on, and those above an item's limit, before it reads on", async () => {
  for (
    const [item, size] of [
      [ITEMS.PAYLOAD, 2n ** 60n],
      [ITEMS.PAYLOAD, 2n ** 64n - 1n],
      [ITEMS.GOODBYE, 2n ** 60n],
      [ITEMS.FILENAME, 2n ** 40n],
      [ITEMS.XATTR, 65_791n + 17n],
      [ITEMS.ENTRY, 15n],
      [ITEMS.ENTRY, 0n],
    ] as const
  ) {
    const archive = write((writer) => {
      stat(writer, 0o40755);
      writer.halves(item.low, item.high);
      writer.halves(Number(size & 0xffff_ffffn), Number(size >> 32n));
    });
    const error = await failure(endless([archive]), {});
    assertInstanceOf(error, FormatError);
    assert(error.offset === 56 || error.offset === 64, error.message);
  }
});

Deno.test("decode() refuses an entry with more attributes than a file system could have", async () => {
  for (const value of [0, 60_000]) {
    const xattr = write((writer) =>
      encodeXattr(writer, {
        name: new Uint8Array([0x61]),
        value: new Uint8Array(value),
      })
    );
    const bound = memoryBound();
    const archive = endless([write((writer) => stat(writer, 0o40755))], xattr);
    const error = await assertRejects(
      () => drain(decode(archive)),
      FormatError,
      "its attributes are",
    );
    assert(!(error instanceof TruncatedError));
    bound();
  }
});

Deno.test("decode() and encode() take a nesting of 1,000,000 levels in little memory", async () => {
  const levels = 1_000_000;
  const bound = memoryBound();
  let deepest = 0, depth = 0, batches = 0;
  for await (const batch of decode(nested(levels))) {
    if (++batches % 1000 === 0) bound();
    for (const { kind } of batch) {
      depth += kind === "end" ? -1 : 1;
      deepest = Math.max(deepest, depth);
    }
  }
  assertEquals([deepest, depth], [levels + 1, 0]);
  let written = 0;
  const encoded = await encode(decode(nested(levels)), {
    metadata: {
      write({ length }) {
        written += length;
        bound(levels * 200);
      },
    },
  });
  assertEquals(encoded.entries, levels + 1);
  assertEquals(
    written,
    56 + goodbyeSize(1) + levels * (74 + goodbyeSize(1)) - 24,
  );
});

/** What decoding fails with; `undefined` where it does not. */
async function failure(
  archive: ByteInput,
  options: DecodeOptions,
  read = false,
): Promise<unknown> {
  try {
    await drain(decode(archive, options), read);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** As {@linkcode failure}, without looking at what comes. */
async function ending(batches: AsyncGenerator<unknown>): Promise<unknown> {
  try {
    while (!(await batches.next()).done);
    return undefined;
  } catch (error) {
    return error;
  }
}

const into = new Uint8Array(SMALL);

/** Looks at all entries, and at the contents if asked. */
async function drain(batches: Batches, read = false): Promise<void> {
  let depth = 0, ended = false;
  for await (const batch of batches) {
    for (const entry of batch) {
      assert(!ended, "an entry behind the root's end");
      checkEntry(entry, depth);
      if (entry.kind === "directory") depth++;
      if (entry.kind === "end") ended = --depth === 0;
      if (!read || entry.content === undefined) continue;
      let got: number, size = 0;
      do {
        const more = entry.content.read(into);
        got = typeof more === "number" ? more : await more;
        size += got;
      } while (got > 0);
      assertEquals(size, entry.content.size);
    }
  }
  assert(ended, "a clean end before the root's");
}

function checkEntry(entry: Entry, depth: number): void {
  const { kind, name, mode, nanos } = entry;
  if (kind === "end") return assert(depth > 0);
  if (kind === "version" || kind === "prelude") return assertEquals(depth, 0);
  if (depth > 0) assert(name.length > 0 && !name.includes(0x2f));
  if (kind === "hardlink") {
    return assert(entry.linkPosition! < entry.position!);
  }
  assertEquals(kindOfMode(mode), kind);
  assert(nanos < 1e9);
}

/** Lengths to cut an archive to: all below 64 KiB; above, those about the borders of items, in headers, and some at random. */
function cuts(archive: Bytes, random: () => number): number[] {
  const lengths = new Set<number>();
  const reader = new ByteReader(archive);
  const header = { item: ITEMS.ENTRY, size: 0 };
  let items = 0;
  for (; reader.remaining > 0; items++) {
    const at = reader.offset;
    for (const by of [-1, 0, 1, 8]) lengths.add(at + by);
    reader.skip(decodeHeader(reader, header).size);
  }
  for (let i = 0; i < 1000; i++) lengths.add(random() % archive.length);
  // An archive of thousands of items takes too long for every point: it has these and every eighth.
  const step = items > 1000 ? 8 : 1;
  for (let i = 0; i < Math.min(archive.length, SMALL); i += step) {
    lengths.add(i);
  }
  return [...lengths].filter((length) =>
    length >= 0 && length < archive.length
  );
}

/** Changes bytes in place, or their number. */
function change(bytes: Bytes, random: () => number): Bytes {
  const { length } = bytes;
  const at = random() % length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const place = Math.min(at - at % 8, length - 8);
  switch (random() % 8) {
    case 0:
    case 1:
      bytes[at]! ^= 1 << random() % 8;
      return bytes;
    case 2:
      bytes[at] = random();
      return bytes;
    case 3: {
      const odd = [
        0n,
        1n,
        15n,
        16n,
        17n,
        2n ** 31n,
        2n ** 32n,
        2n ** 53n,
        2n ** 60n,
      ];
      view.setBigUint64(place, odd[random() % odd.length]!, true);
      return bytes;
    }
    case 4:
      view.setBigUint64(place, -BigInt(random() % 100), true);
      return bytes;
    case 5: {
      const items = Object.values(ITEMS);
      view.setBigUint64(place, items[random() % items.length]!.tag, true);
      return bytes;
    }
    case 6:
      bytes.copyWithin(at, random() % length, random() % length);
      return bytes;
    default: {
      const cut = Math.min(length, at + 1 + random() % 40);
      const shorter = bytes.slice(0, length - (cut - at));
      shorter.set(bytes.subarray(cut), at);
      return shorter;
    }
  }
}

/** Directories in one another, made while they are read. */
function* nested(levels: number): Generator<Uint8Array> {
  const open = write((writer) => {
    encodeFilename(writer, new Uint8Array([0x64]));
    stat(writer, 0o40755);
  });
  const close = write((writer) => {
    encodeHeader(writer, ITEMS.GOODBYE, 48);
    for (let i = 0; i < 6; i++) writer.u64(0);
  });
  yield write((writer) => stat(writer, 0o40755));
  yield* repeat(open, levels);
  yield* repeat(close, levels + 1);
}

function* repeat(bytes: Bytes, times: number): Generator<Uint8Array> {
  const many = new Uint8Array(bytes.length * 1000);
  for (let i = 0; i < 1000; i++) many.set(bytes, i * bytes.length);
  for (; times >= 1000; times -= 1000) yield many;
  for (; times > 0; times--) yield bytes;
}

/** Some pieces, then the same one for ever; fails where more than 1 GiB is taken. */
function* endless(
  pieces: readonly Uint8Array[],
  more: Uint8Array = new Uint8Array(SMALL),
): Generator<Uint8Array> {
  yield* pieces;
  for (let size = 0; size < 2 ** 30; size += more.length) yield more;
  throw new Error("a GiB was read");
}

function write(fill: (writer: ByteWriter) => void): Bytes {
  const writer = new ByteWriter(new Uint8Array(70_000));
  fill(writer);
  return writer.written.slice();
}

function stat(writer: ByteWriter, mode: number): void {
  encodeStat(writer, { mode, flags: 0, uid: 0, gid: 0, secs: 0, nanos: 0 });
}

/** Remembers how much memory there is now; what comes back fails where there is 64 MiB more. */
function memoryBound(): (allowed?: number) => void {
  const before = used();
  return (allowed = 0) => {
    const more = used() - before;
    assert(
      more < SPARE + allowed,
      `${Math.round(more / 2 ** 20)} MiB more than before`,
    );
  };
}

/** What is held by JavaScript; other tests share the process, so its pages say little. */
function used(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function randomNumbers(seed: number): () => number {
  return () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
}
