// Indexes of archives: the official ones both ways, searches against a plain one, and indexes that lie.
import {
  DynamicIndexWriter,
  openDynamicIndex,
} from "@pxar/chunk/dynamic_index";
import { hexOf } from "@pxar/chunk/digest";
import { type IndexSink, MemoryIndexSink } from "@pxar/chunk/index_sink";
import { openIndex } from "@pxar/chunk/open_index";
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { LateAccess, numbers } from "../codec/walk.ts";
import {
  assertHostile,
  assertReads,
  edit,
  golden,
  readWhole,
  refsOf,
  told,
} from "./indexes.ts";

/** Ends of chunks beyond 2^53: the official reader takes them, ours does not. */
const HUGE = "huge.didx";
/** An end that does not rise: the same. */
const FLAT = "zero-length chunk";

/** Takes its time, and counts what it is asked. */
class LateSink implements IndexSink {
  readonly memory = new MemoryIndexSink();
  readonly read = undefined;
  writes = 0;
  busy = false;
  async write(offset: number, bytes: Bytes): Promise<void> {
    assert(!this.busy, "a second call before the first is done");
    this.busy = true;
    this.writes++;
    await new Promise((resolve) => setTimeout(resolve));
    this.memory.write(offset, bytes);
    this.busy = false;
  }
}

async function written(
  ends: readonly number[],
  sink: MemoryIndexSink = new MemoryIndexSink(),
): Promise<Bytes> {
  const writer = new DynamicIndexWriter(sink);
  for (const [i, end] of ends.entries()) {
    await writer.append(end, digest(i));
  }
  await writer.close();
  return sink.bytes.slice();
}

function digest(number: number): Bytes {
  const digest = new Uint8Array(32).fill(number);
  new DataView(digest.buffer).setUint32(0, number);
  return digest;
}

for (const file of told.dynamic) {
  Deno.test(`${file.file} is read and written as it is`, async () => {
    const bytes = await golden(file.file);
    if (file.file === HUGE) {
      await assertRejects(
        () => openDynamicIndex(bytesAccess(bytes)),
        FormatError,
        "2^53",
      );
      const sink = new DynamicIndexWriter(new MemoryIndexSink());
      assertThrows(() => sink.append(2 ** 53, digest(0)), RangeError);
      return;
    }
    for (
      const access of [bytesAccess(bytes), new LateAccess(bytes)]
    ) {
      const index = await openIndex(access);
      assertEquals(index.kind, "dynamic");
      assertEquals(index.chunkSize, undefined);
      assertEquals(hexOf(index.uuid), file.uuid);
      assertEquals(index.ctime, file.ctime);
      assertEquals(hexOf(index.headerCsum), file.headerCsum);
      await assertReads(index, file);
    }
    const late = new LateSink();
    for (const sink of [new MemoryIndexSink(), late]) {
      const writer = new DynamicIndexWriter(sink, {
        uuid: Uint8Array.fromHex(file.uuid),
        ctime: file.ctime,
      });
      for (const [, end, digest] of file.entries) {
        await writer.append(Number(end), Uint8Array.fromHex(digest));
      }
      const { csum, size, count } = await writer.close();
      assertEquals(hexOf(csum), file.computeCsum);
      assertEquals([size, count], [Number(file.bytes), file.count]);
    }
    assertSameBytes(late.memory.bytes, bytes);
  });
}

for (const { from, name, edit: steps, result } of told.reader) {
  if (!from.endsWith(".didx")) continue;
  Deno.test(`a .didx that is: ${name}`, async () => {
    const bytes = edit(await golden(from), steps);
    if ("ok" in result && name !== FLAT) {
      await assertReads(
        await openDynamicIndex(bytesAccess(bytes)),
        result.ok,
      );
      return;
    }
    const read = async (): Promise<void> => {
      const index = await openDynamicIndex(bytesAccess(bytes));
      await refsOf(index);
    };
    const error = await assertRejects(read, FormatError);
    if (name !== FLAT) return;
    assertEquals(error.offset, 4136);
    const index = await openDynamicIndex(bytesAccess(bytes));
    for (const offset of [0, 2 ** 20 - 1]) {
      assertThrows(() => index.find(offset), FormatError);
    }
    assertThrows(() => index.chunk(1), FormatError);
    await assertRejects(() => index.csum(), FormatError);
  });
}

Deno.test("openIndex() and openDynamicIndex() tell what they refuse", async () => {
  const fixed = await golden("one-byte.fidx");
  await assertRejects(
    () => openDynamicIndex(bytesAccess(fixed)),
    FormatError,
    "fixed",
  );
  const other = fixed.slice();
  other[0] = 1;
  await assertRejects(() => openIndex(bytesAccess(other)), UnsupportedError);
  await assertRejects(
    () => openDynamicIndex(bytesAccess(other)),
    UnsupportedError,
  );
  await assertRejects(
    () => openIndex(bytesAccess(other.subarray(0, 4095))),
    TruncatedError,
  );
});

Deno.test("the file is closed with the index, also if opening fails", async () => {
  const didx = await golden("three.didx");
  for (
    const bytes of [
      didx,
      didx.subarray(0, -1),
      didx.subarray(0, 10),
      new Uint8Array(5000),
    ]
  ) {
    let closed = 0;
    const access = { ...bytesAccess(bytes), close: () => void closed++ };
    await openIndex(access).then(
      (index) => index.close(),
      (error) => assertInstanceOf(error, FormatError),
    );
    assertEquals(closed, 1);
  }
});

Deno.test("an index that shrinks while it is read is truncated", async () => {
  const bytes = await golden("n300.didx");
  let length = bytes.length;
  const access: RandomAccess = {
    size: bytes.length,
    read: (offset, into) => {
      const part = bytes.subarray(
        offset,
        Math.min(length, offset + into.length),
      );
      into.set(part);
      return part.length;
    },
    close: undefined,
  };
  const index = await openDynamicIndex(access);
  length = 8192;
  await assertRejects(() => refsOf(index), TruncatedError);
  await assertRejects(() => index.csum(), TruncatedError);
});

Deno.test("find() finds what a linear search finds, with several asking at once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 1 << 20 }), {
        minLength: 1,
        maxLength: 3000,
        size: "max",
      }),
      fc.array(fc.nat(), { minLength: 5, maxLength: 20 }),
      fc.boolean(),
      async (lengths, places, late) => {
        let end = 0;
        const ends = lengths.map((length) => end += length);
        const bytes = await written(ends);
        const index = await openDynamicIndex(
          late ? new LateAccess(bytes) : bytesAccess(bytes),
        );
        assertEquals(index.size, end);
        assertEquals(index.count, ends.length);
        const offsets = places.flatMap((place) => {
          const near = ends[place % ends.length]!;
          return [place % end, near - 1, near, near + 1];
        });
        const found = await Promise.all(
          offsets.map((offset) => index.find(offset)),
        );
        for (const [i, offset] of offsets.entries()) {
          const number = ends.findIndex((end) => end > offset);
          assertEquals(found[i], number < 0 ? undefined : number);
          if (number < 0) continue;
          assertEquals(await index.chunk(number), {
            start: ends[number - 1] ?? 0,
            end: ends[number]!,
            digest: digest(number),
          });
        }
        const from = places[0]! % (ends.length + 1);
        const to = from + places[1]! % (ends.length + 1 - from);
        let number = from;
        for await (const batch of index.chunks(from, to)) {
          for (const ref of batch) {
            assertEquals(ref.start, ends[number - 1] ?? 0);
            assertEquals(ref.end, ends[number]);
            assertEquals(ref.digest, digest(number++));
          }
        }
        assertEquals(number, to);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("find() finds its way where chunks are most unequal", async () => {
  const random = numbers(31);
  // One in a hundred has a thousand times the length, all of them in stretches.
  const lengths = Array.from(
    { length: 60_000 },
    (_, i) => 1 + random(i % 7000 < 70 ? 1 << 22 : 1 << 12),
  );
  let end = 0;
  const ends = lengths.map((length) => end += length);
  const bytes = await written(ends);
  for (const access of [bytesAccess(bytes), new LateAccess(bytes)]) {
    const index = await openDynamicIndex(access);
    for (let i = 0; i < 4000; i++) {
      const number = random(ends.length);
      const start = ends[number - 1] ?? 0;
      const offset = start +
        [0, lengths[number]! - 1, random(lengths[number]!)][
          i % 3
        ]!;
      assertEquals(await index.find(offset), number);
    }
  }
  // The same with ends that do not rise: an error, or a chunk that has it.
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 600; i++) {
    const at = 4096 + 40 * random(ends.length - 1);
    view.setBigUint64(at, BigInt(random(2 ** 31)), true);
  }
  const index = await openDynamicIndex(bytesAccess(bytes));
  let refused = 0;
  for (let i = 0; i < 4000; i++) {
    const offset = Math.floor(random(2 ** 30) / 2 ** 30 * end);
    try {
      const number = await index.find(offset);
      const { start, end } = await index.chunk(number!);
      assert(start <= offset && offset < end);
    } catch (error) {
      assertInstanceOf(error, FormatError);
      refused++;
    }
  }
  assert(refused > 10 && refused < 4000, `${refused}`);
});

Deno.test("wrong numbers and offsets are the caller's mistake", async () => {
  const index = await openDynamicIndex(bytesAccess(await golden("three.didx")));
  for (const number of [-1, 3, 0.5, NaN]) {
    assertThrows(() => index.chunk(number), RangeError);
  }
  for (const offset of [-1, 0.5, NaN, 2 ** 53]) {
    assertThrows(() => index.find(offset), RangeError);
  }
  for (const [from, to] of [[-1, 2], [2, 1], [0, 4], [0.5, 1]]) {
    await assertRejects(async () => {
      for await (const batch of index.chunks(from, to)) assert(batch);
    }, RangeError);
  }
  for await (const batch of index.chunks(3)) assert(!batch);
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await assertRejects(
    () => index.csum({ signal: stop.signal }),
    Error,
    "enough",
  );
});

Deno.test("the writer refuses what would be no index", async () => {
  const sink = new MemoryIndexSink();
  const writer = new DynamicIndexWriter(sink);
  await assertRejects(() => writer.close(), RangeError);
  assertEquals(sink.bytes.length, 0);
  for (const end of [0, -1, 1.5, NaN, 2 ** 53]) {
    assertThrows(() => writer.append(end, digest(0)), RangeError);
  }
  assertThrows(() => writer.append(1, new Uint8Array(31)), RangeError);
  await writer.append(5, digest(0));
  assertThrows(() => writer.append(5, digest(0)), RangeError);
  assertThrows(() => writer.append(4, digest(0)), RangeError);
  assertEquals([writer.size, writer.count], [5, 1]);
  assertThrows(
    () => new DynamicIndexWriter(sink, { uuid: new Uint8Array(15) }),
    RangeError,
  );
  assertThrows(() => new DynamicIndexWriter(sink, { ctime: 0.5 }), RangeError);
});

Deno.test("a header has a random uuid and the time of now, or those that are told", async () => {
  const now = Math.floor(Date.now() / 1000);
  const uuids = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const index = await openDynamicIndex(bytesAccess(await written([1])));
    assertEquals(index.uuid[6]! >> 4, 4);
    assertEquals(index.uuid[8]! >> 6, 2);
    assert(index.ctime >= now && index.ctime <= now + 60);
    uuids.add(hexOf(index.uuid));
  }
  assertEquals(uuids.size, 20);
  const sink = new MemoryIndexSink();
  const writer = new DynamicIndexWriter(sink, { ctime: -5 });
  await writer.append(1, digest(0));
  await writer.close();
  assertEquals((await openDynamicIndex(bytesAccess(sink.bytes))).ctime, -5);
});

Deno.test("100,000 entries go to the sink in batches, and the header's checksum last", async () => {
  const sink = new LateSink();
  const writer = new DynamicIndexWriter(sink);
  let waits = 0;
  for (let i = 1; i <= 100_000; i++) {
    const wait = writer.append(i * 3, digest(i));
    if (wait !== undefined) {
      waits++;
      await wait;
    }
    if (i === 50_000) {
      assertEquals(hexOf(sink.memory.bytes.subarray(32, 64)), "00".repeat(32));
    }
  }
  const { csum } = await writer.close();
  assertEquals(waits, Math.floor(100_000 / 1024));
  assertEquals(sink.writes, waits + 3);
  const index = await openDynamicIndex(bytesAccess(sink.memory.bytes));
  assertEquals(index.headerCsum, csum);
  assertEquals(await index.csum(), csum);
  assertEquals(await index.find(299_999), 99_999);
});

Deno.test("a sink's error is the writer's", async () => {
  const writer = new DynamicIndexWriter({
    write: () => Promise.reject(new Error("full")),
    read: undefined,
  });
  await writer.append(1, digest(0));
  await assertRejects(() => writer.close(), Error, "full");
});

Deno.test("ends in any order are found out wherever they are met", async () => {
  const random = numbers(77);
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const count = 1 + random(60);
    const bytes = await written(
      Array.from({ length: count }, (_, i) => (i + 1) * 10),
    );
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 1 + random(3); i++) {
      const at = 4096 + 40 * random(count);
      view.setBigUint64(at, BigInt(random(count * 12)), true);
    }
    try {
      const index = await openDynamicIndex(bytesAccess(bytes));
      for (let offset = 0; offset < index.size; offset += 3) {
        try {
          const number = await index.find(offset);
          const { start, end } = await index.chunk(number!);
          assert(start < end && end <= index.size);
        } catch (error) {
          assertInstanceOf(error, FormatError);
        }
      }
      await readWhole(bytesAccess(bytes));
    } catch (error) {
      assertInstanceOf(error, FormatError);
      assert(error.offset !== undefined);
      refused++;
    }
  }
  assert(refused > 200, `${refused}`);
});

Deno.test("a .didx that is cut, changed or noise is refused or read, and ends", async () => {
  await assertHostile(await golden("three.didx"), 40, true);
});

/** An index whose entries are made up as they are read. */
class MadeUp implements RandomAccess {
  readonly close = undefined;
  readonly size: number;
  reads = 0;
  constructor(
    readonly head: Bytes,
    readonly count: number,
    readonly endOf: (number: number) => number,
  ) {
    this.size = 4096 + 40 * count;
  }
  read(offset: number, into: Bytes): number {
    this.reads++;
    if (offset < 4096) {
      into.set(this.head.subarray(offset, offset + into.length));
    }
    const entry = new Uint8Array(40), view = new DataView(entry.buffer);
    const to = Math.min(offset + into.length, this.size);
    let at = Math.max(offset, 4096);
    while (at < to) {
      const number = Math.floor((at - 4096) / 40), skip = (at - 4096) % 40;
      view.setBigUint64(0, BigInt(this.endOf(number)), true);
      const part = entry.subarray(skip, skip + to - at);
      into.set(part, at - offset);
      at += part.length;
    }
    return to - offset;
  }
}

Deno.test("an index of 2^40 entries is not read to be opened", async () => {
  const head = (await golden("one.didx")).slice(0, 4096);
  const access = new MadeUp(head, 2 ** 40, (number) => 4 * number + 4);
  const index = await openDynamicIndex(access);
  assertEquals(index.size, 4 * 2 ** 40);
  for (const offset of [0, 3, 4, 2 ** 41 + 5, 2 ** 42 - 1]) {
    assertEquals(await index.find(offset), Math.floor(offset / 4));
  }
  assertEquals(await index.find(2 ** 42), undefined);
  assert(access.reads < 5 * 45, `${access.reads}`);
});

Deno.test("find() finds its way between a few large chunks and many small ones, reading little", async () => {
  // Ten of a million bytes, then 990 of four, and again.
  const endOf = (number: number): number => {
    const within = number % 1000;
    return Math.floor(number / 1000) * 10_003_960 +
      (within < 10 ? (within + 1) * 1_000_000 : 10_000_000 + (within - 9) * 4);
  };
  const head = (await golden("one.didx")).slice(0, 4096);
  const access = new MadeUp(head, 2 ** 28, endOf), random = numbers(41);
  const index = await openDynamicIndex(access);
  for (let i = 0; i < 1000; i++) {
    const number = random(2 ** 28);
    const start = number === 0 ? 0 : endOf(number - 1);
    const offset = i % 2 === 0 ? start : endOf(number) - 1;
    assertEquals(await index.find(offset), number);
  }
  assert(access.reads < 1000 * 25, `${access.reads}`);
});
