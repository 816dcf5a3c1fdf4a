import { type ByteRange, ChunkRing } from "@pxar/chunk/chunk_ring";
import { type CutRules, cutRules } from "@pxar/chunk/cut_rules";
import { scanMemory, type ScanMemoryOptions } from "@pxar/chunk/scan_memory";
import type { Bytes } from "@pxar/format/bytes";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { input, xorshift32 } from "../support/prng.ts";
import { assertSameBytes } from "../support/entries.ts";

/** Data in which the same parts come again and again, so that chunks of one lap are those of another. */
function repetitive(seed: number, size: number): Bytes {
  const next = xorshift32(seed);
  const parts = [
    input({ kind: "xorshift32", seed: seed + 1, size: 50_000 }),
    input({ kind: "text", seed: seed + 2, size: 30_000 }),
    input({ kind: "constant", byte: 0, size: 70_000 }),
    input({ kind: "xorshift32", seed: seed + 3, size: 1_000 }),
  ];
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const part = parts[next() % parts.length]!;
    bytes.set(part.subarray(0, size - at), at);
    at += part.length;
  }
  return bytes;
}

/** How the chunks of a stream end where all of it lies in one piece. */
function lengthsOf(bytes: Bytes, rules: CutRules): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; at += lengths.at(-1)!) {
    const left = bytes.length - at;
    lengths.push(rules.next(bytes, at, left) || left);
  }
  return lengths;
}

/**
 * Feeds a ring as a reader does, while chunks are released in any order, and looks at each chunk right before: it must still be what was fed.
 *
 * @param most Most chunks that are kept unreleased.
 */
function feed(
  data: Bytes,
  rules: CutRules,
  memory: { bytes: Bytes; origin: number },
  seed: number,
  most: number,
): number[] {
  const ring = new ChunkRing(memory.bytes, memory.origin, rules);
  const next = xorshift32(seed), lengths: number[] = [];
  const live: { range: ByteRange; from: number }[] = [];
  let cutAt = 0;
  const take = (range: ByteRange | undefined) => {
    if (range === undefined) return false;
    live.push({ range, from: cutAt });
    lengths.push(range.length);
    cutAt += range.length;
    return true;
  };
  const release = () => {
    const [one] = live.splice(next() % live.length, 1);
    const { range: { start, length }, from } = one!;
    assertSameBytes(
      memory.bytes.subarray(start, start + length),
      data.subarray(from, from + length),
      `chunk at ${from}`,
    );
    ring.release(one!.range);
  };
  for (let at = 0; at < data.length;) {
    while (live.length > most) release();
    const want = 1 + next() % 40_000;
    const room = ring.reserve(Math.min(want, data.length - at));
    if (room === undefined) {
      // It never asks for what nobody can give.
      assert(live.length > 0, "the ring is full, and nothing is in it");
      release();
      continue;
    }
    // Not all that was reserved is always filled.
    const got = Math.max(1, room.length - next() % 3);
    room.set(data.subarray(at, at + got));
    ring.commit(got);
    at += got;
    while (take(ring.cut()));
    assertEquals(ring.pending, at - cutAt);
  }
  take(ring.rest());
  while (live.length > 0) release();
  assertEquals(ring.rest(), undefined);
  return lengths;
}

Deno.test("ChunkRing keeps every chunk as it was fed, and cuts as if all lay in one piece", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.constantFrom(4096, 8192, 16384),
      fc.constantFrom<ScanMemoryOptions>({ shared: true }, { shared: false }, {
        wasm: false,
        shared: false,
      }),
      fc.constantFrom(0, 1, 2, 3, 1000),
      fc.boolean(),
      (seed, average, kind, most, fixed) => {
        const options = fixed ? { chunkSize: average } : { average };
        const data = repetitive(seed, 300_000 + seed % 200_000);
        const { max } = cutRules(options);
        const made = scanMemory(3 * max, kind);
        // Just what is needed, not what memory comes in.
        const memory = {
          bytes: made.bytes.subarray(0, made.origin + 3 * max),
          origin: made.origin,
        };
        assertEquals(
          feed(data, cutRules(options), memory, seed, most),
          lengthsOf(data, cutRules(options)),
        );
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("ChunkRing keeps its chunks lap after lap where each is like the one a lap before", () => {
  // Chunks of such lengths that the next one ends again and again right where the oldest begins.
  for (
    const [chunkSize, count] of [[4096, 12], [4096, 3], [8192, 5], [
      1,
      3,
    ]] as const
  ) {
    const rules = cutRules({ chunkSize });
    for (let spare = 0; spare < 3; spare++) {
      const size = Math.max(3, count) * chunkSize + spare;
      const bytes = new Uint8Array(size);
      const data = input({ kind: "text", seed: 3, size: 40 * size });
      for (const most of [0, 1, count - 1, count, 1000]) {
        const lengths = feed(
          data,
          cutRules({ chunkSize }),
          { bytes, origin: 0 },
          7,
          most,
        );
        assertEquals(lengths, lengthsOf(data, rules));
      }
    }
  }
});

/** Rules that do as they are told. */
function told(max: number, ...lengths: number[]): CutRules {
  return { max, next: () => lengths.shift() ?? 0 };
}

Deno.test("ChunkRing never writes over a chunk that is not released, whatever the rules say", () => {
  // A chunk that is longer than what was fed: the ring would go on before its end.
  const ring = new ChunkRing(new Uint8Array(30), 0, told(10, 5, 8));
  ring.reserve(6);
  ring.commit(6);
  assertEquals(ring.cut(), { start: 0, length: 5 });
  assertEquals(ring.cut(), { start: 5, length: 8 });
  assertThrows(() => ring.reserve(4), Error, "over a chunk");
});

Deno.test("ChunkRing refuses less memory than three chunks, and wrong releases and commits", () => {
  assertThrows(
    () => new ChunkRing(new Uint8Array(29), 0, told(10)),
    RangeError,
    "three chunks of 10",
  );
  assertThrows(
    () => new ChunkRing(new Uint8Array(35), 6, told(10)),
    RangeError,
  );
  const ring = new ChunkRing(new Uint8Array(30), 0, told(10, 5, 5));
  const other = new ChunkRing(new Uint8Array(30), 0, told(10, 5));
  for (const one of [ring, other]) {
    one.reserve(10);
    one.commit(10);
  }
  const first = ring.cut()!, second = ring.cut()!, foreign = other.cut()!;
  assertThrows(() => ring.release(foreign), RangeError, "not in the ring");
  assertThrows(() => ring.release({ ...first }), RangeError);
  ring.release(second);
  assertThrows(() => ring.release(second), RangeError);
  ring.release(first);
  assertThrows(() => ring.release(first), RangeError);
  for (const count of [-1, 11, NaN]) {
    ring.reserve(10);
    assertThrows(() => ring.commit(count), RangeError, "10 at most");
  }
  ring.commit(4);
  ring.commit(6);
  assertThrows(() => ring.commit(1), RangeError, "0 at most");
});

Deno.test("ChunkRing gives a chunk's memory back in order, whoever is done first", () => {
  const ring = new ChunkRing(new Uint8Array(30), 0, told(10, 10, 10));
  const fill = (count: number) => {
    const room = ring.reserve(count);
    if (room) ring.commit(room.length);
    return room?.byteOffset;
  };
  assertEquals(fill(10), 0);
  const first = ring.cut()!;
  assertEquals(fill(10), 10);
  const second = ring.cut()!;
  assertEquals(fill(5), 20);
  ring.release(second);
  // What is left may grow to ten bytes, and the first chunk is still there.
  assertEquals(fill(5), 25);
  assertEquals(ring.rest(), { start: 20, length: 10 });
  assertEquals(fill(1), undefined);
  ring.release(first);
  assertEquals(fill(1), 0);
});
