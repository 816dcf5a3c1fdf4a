// Indexes of images: the official ones both ways, chunks in any order, and indexes that lie.
import { hexOf } from "@pxar/chunk/digest";
import { FixedIndexWriter, openFixedIndex } from "@pxar/chunk/fixed_index";
import { MemoryIndexSink } from "@pxar/chunk/index_sink";
import { openIndex } from "@pxar/chunk/open_index";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import fc from "fast-check";
import {
  assert,
  assertEquals,
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
  refsOf,
  told,
} from "./indexes.ts";

/** The official reader takes it, and then finds wrong chunks. */
const ODD = "chunk size not a power of two";

function digest(number: number): Bytes {
  const digest = new Uint8Array(32).fill(number);
  new DataView(digest.buffer).setUint32(0, number);
  return digest;
}

function shuffle<T>(all: readonly T[], random: (below: number) => number): T[] {
  const mixed = [...all];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}

for (const file of told.fixed) {
  Deno.test(`${file.file} is read and written as it is, in any order`, async () => {
    const bytes = await golden(file.file);
    for (const access of [bytesAccess(bytes), new LateAccess(bytes)]) {
      const index = await openIndex(access);
      assertEquals(index.kind, "fixed");
      assertEquals(index.chunkSize, file.chunkSize);
      assertEquals(hexOf(index.uuid), file.uuid);
      assertEquals(index.ctime, file.ctime);
      assertEquals(hexOf(index.headerCsum), file.headerCsum);
      await assertReads(index, file);
    }
    const chunks = file.entries.filter(([, , digest]) => !/^0+$/.test(digest));
    const random = numbers(file.count);
    const orders = [chunks, chunks.toReversed(), shuffle(chunks, random)];
    for (const order of orders) {
      const sink = new MemoryIndexSink();
      const writer = new FixedIndexWriter(
        sink,
        Number(file.bytes),
        file.chunkSize!,
        { uuid: Uint8Array.fromHex(file.uuid), ctime: file.ctime },
      );
      for (const [start, end, digest] of order) {
        await writer.put(
          Number(start),
          Number(end),
          Uint8Array.fromHex(digest),
        );
      }
      const { csum, size, count } = await writer.close();
      assertSameBytes(sink.bytes, bytes);
      assertEquals(hexOf(csum), file.computeCsum);
      assertEquals([size, count], [Number(file.bytes), file.count]);
    }
  });
}

for (const { from, name, edit: steps, result } of told.reader) {
  if (!from.endsWith(".fidx")) continue;
  Deno.test(`a .fidx that is: ${name}`, async () => {
    const bytes = edit(await golden(from), steps);
    if ("ok" in result && name !== ODD) {
      await assertReads(await openFixedIndex(bytesAccess(bytes)), result.ok);
    } else {
      await assertRejects(
        () => openFixedIndex(bytesAccess(bytes)),
        FormatError,
      );
    }
  });
}

Deno.test("the writer takes the chunks that the official one takes", async () => {
  const { size, chunkSize, cases } = told.fixedWriterAlignment;
  for (const { length, offsetAfter, result } of cases) {
    const sink = new MemoryIndexSink();
    const writer = new FixedIndexWriter(sink, size, chunkSize);
    const put = () => writer.put(offsetAfter - length, offsetAfter, digest(1));
    if ("error" in result) {
      assertThrows(put, RangeError);
      continue;
    }
    await put();
    await writer.close();
    const index = await openFixedIndex(bytesAccess(sink.bytes));
    const refs = await refsOf(index);
    assertEquals(
      refs.findIndex((ref) => hexOf(ref.digest) === hexOf(digest(1))),
      result.ok.slot,
    );
  }
  assertEquals(told.fixedWriterSizeZero, "invalid index size");
  for (const size of [0, -1, 1.5, NaN, 2 ** 53]) {
    assertThrows(
      () => new FixedIndexWriter(new MemoryIndexSink(), size, 4096),
      RangeError,
    );
  }
});

Deno.test("chunk sizes are powers of two", async () => {
  const sink = new MemoryIndexSink();
  for (const size of [0, -4, 3, 4097, 0.5, NaN, Infinity, 2 ** 52 + 1]) {
    assertThrows(() => new FixedIndexWriter(sink, 10, size), RangeError);
  }
  for (const chunkSize of [1, 2, 4096, 1 << 22, 2 ** 52]) {
    const sink = new MemoryIndexSink();
    const writer = new FixedIndexWriter(sink, 5, chunkSize);
    assertEquals(writer.count, Math.ceil(5 / chunkSize));
    await writer.close();
    const index = await openFixedIndex(bytesAccess(sink.bytes));
    assertEquals(index.chunkSize, chunkSize);
    assertEquals(await index.find(4), Math.floor(4 / chunkSize));
    assertEquals(await index.find(5), undefined);
  }
  const bytes = (await golden("one-byte.fidx")).slice();
  const view = new DataView(bytes.buffer);
  for (const size of [2n ** 52n + 1n, 2n ** 53n, 2n ** 63n, 6n]) {
    view.setBigUint64(72, size, true);
    await assertRejects(() => openFixedIndex(bytesAccess(bytes)), FormatError);
  }
});

Deno.test("chunks in any order, some more than once, some never, give the same file", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 64 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      fc.constantFrom("none", "all", "gaps"),
      async (count, tail, jumps, first) => {
        const size = (count - 1) * 64 + tail;
        const sink = new MemoryIndexSink();
        const writer = new FixedIndexWriter(sink, size, 64);
        const expected = new Array<Bytes>(count).fill(new Uint8Array(32));
        const put = async (number: number, value: number): Promise<void> => {
          const start = number * 64;
          await writer.put(start, Math.min(size, start + 64), digest(value));
          expected[number] = digest(value);
        };
        for (let i = 0; i < count && first !== "none"; i++) {
          if (first === "all" || i % 7 !== 3) await put(i, i);
        }
        for (const [i, jump] of jumps.entries()) {
          await put(jump % count, 100_000 + i);
        }
        const { csum } = await writer.close();
        const index = await openFixedIndex(bytesAccess(sink.bytes));
        assertEquals(await index.csum(), csum);
        assertEquals(index.headerCsum, csum);
        assertEquals(index.size, size);
        const refs = await refsOf(index);
        assertEquals(refs.map(({ digest }) => digest), expected);
        assertEquals(refs.at(-1)?.end, size);
        for (const jump of jumps) {
          const offset = jump % size;
          const number = await index.find(offset);
          assertEquals(number, refs.findIndex(({ end }) => end > offset));
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("chunks in order need no reading, others do", async () => {
  const memory = new MemoryIndexSink();
  let writes = 0;
  const sink = {
    write: (offset: number, bytes: Bytes) => {
      writes++;
      memory.write(offset, bytes);
    },
    read: undefined,
  };
  const writer = new FixedIndexWriter(sink, 64 * 5000, 64);
  for (let i = 0; i < 5000; i++) {
    await writer.put(i * 64, i * 64 + 64, digest(i));
  }
  assertThrows(() => writer.put(0, 64, digest(0)), TypeError);
  const { csum } = await writer.close();
  assertEquals(writes, 1 + Math.ceil(5000 / 1024) + 1);
  const index = await openFixedIndex(bytesAccess(memory.bytes));
  assertEquals(await index.csum(), csum);
  const gaps = new FixedIndexWriter(sink, 64 * 50, 64);
  await gaps.put(0, 64, digest(0));
  assertThrows(() => gaps.put(128, 192, digest(0)), TypeError);
  await assertRejects(() => gaps.close(), TypeError);
  assertThrows(() => gaps.put(64, 128, new Uint8Array(33)), RangeError);
});

Deno.test("a sink whose read() is a method works, and one that loses bytes is found out", async () => {
  class Sink {
    readonly memory = new MemoryIndexSink();
    lost = 0;
    write(offset: number, bytes: Bytes): void {
      this.memory.write(offset, bytes);
    }
    read(offset: number, into: Bytes): Promise<number> {
      return Promise.resolve(this.memory.read(offset, into) - this.lost);
    }
  }
  const sink = new Sink();
  const writer = new FixedIndexWriter(sink, 640, 64);
  await writer.put(64, 128, digest(1));
  await writer.close();
  sink.lost = 1;
  const other = new FixedIndexWriter(sink, 640, 64);
  await other.put(64, 128, digest(1));
  await assertRejects(() => other.close(), TruncatedError);
});

Deno.test("a .fidx that is cut, changed or noise is refused or read, and ends", async () => {
  await assertHostile(await golden("exact.fidx"), 32, false);
});

Deno.test("an image of 2^46 bytes in chunks of one is not read to be opened", async () => {
  const head = (await golden("one-byte.fidx")).slice(0, 4096);
  const view = new DataView(head.buffer);
  view.setBigUint64(64, 2n ** 46n, true);
  view.setBigUint64(72, 1n, true);
  let read = 0;
  const index = await openFixedIndex({
    size: 4096 + 32 * 2 ** 46,
    read: (offset, into) => {
      read += into.length;
      if (offset < 4096) into.set(head.subarray(offset, offset + into.length));
      return into.length;
    },
    close: undefined,
  });
  assertEquals(await index.find(2 ** 45), 2 ** 45);
  assertEquals((await index.chunk(2 ** 45)).end, 2 ** 45 + 1);
  assert(read < 20_000, `${read}`);
});
