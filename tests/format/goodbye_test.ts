import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import {
  decodeGoodbyeRow,
  encodeGoodbyeRow,
  GOODBYE_TAIL,
  type GoodbyeRow,
  goodbyeSize,
  GoodbyeStack,
  heapOrder,
  isTail,
  searchHeap,
} from "@pxar/format/goodbye";
import { ITEMS } from "@pxar/format/item";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { contentOf, hurt, SAFE, u64s } from "./record.ts";

const U32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** The rows of a table, the tail last. */
function rowsOf(table: Bytes): GoodbyeRow[] {
  const reader = contentOf(table, ITEMS.GOODBYE);
  const rows: GoodbyeRow[] = [];
  while (reader.remaining > 0) rows.push(decodeGoodbyeRow(reader));
  return rows;
}

function tableOf(
  stack: GoodbyeStack,
  from: number,
  here: number,
  tailOffset: number,
): GoodbyeRow[] {
  const writer = new ByteWriter(
    new Uint8Array(goodbyeSize(stack.count - from)),
  );
  stack.encode(writer, from, here, tailOffset);
  assertEquals(writer.room, 0);
  return rowsOf(writer.written);
}

function hashOf(row: GoodbyeRow): bigint {
  return BigInt(row.high) << 32n | BigInt(row.low);
}

Deno.test("heapOrder() lays rows out as the format does", () => {
  const expected: Record<number, number[]> = {
    0: [],
    1: [0],
    2: [1, 0],
    3: [1, 0, 2],
    4: [2, 1, 3, 0],
    5: [3, 1, 4, 0, 2],
    6: [3, 1, 5, 0, 2, 4],
    7: [3, 1, 5, 0, 2, 4, 6],
    8: [4, 2, 6, 1, 3, 5, 7, 0],
    9: [5, 3, 7, 1, 4, 6, 8, 0, 2],
    10: [6, 3, 8, 1, 5, 7, 9, 0, 2, 4],
    16: [8, 4, 12, 2, 6, 10, 14, 1, 3, 5, 7, 9, 11, 13, 15, 0],
    17: [9, 5, 13, 3, 7, 11, 15, 1, 4, 6, 8, 10, 12, 14, 16, 0, 2],
  };
  for (const [n, order] of Object.entries(expected)) {
    assertEquals([...heapOrder(Number(n))], order);
  }
});

Deno.test("heapOrder() agrees with the recursive rule", () => {
  for (let n = 0; n < 600; n++) assertEquals([...heapOrder(n)], recursive(n));

  function recursive(n: number): number[] {
    const table: number[] = [];
    place(n, 0, 31 - Math.clz32(n), 0);
    return table;
    function place(n: number, from: number, depth: number, slot: number): void {
      if (n === 0) return;
      const power = 1 << depth, turn = power + (power >> 1) - 1;
      const left = n > turn ? power - 1 : power - 1 - (turn - n);
      table[slot] = from + left;
      place(left, from, depth - 1, 2 * slot + 1);
      place(n - left - 1, from + left + 1, depth - 1, 2 * slot + 2);
    }
  }
});

Deno.test("decodeGoodbyeRow() is the inverse of encodeGoodbyeRow()", () => {
  fc.assert(fc.property(U32, U32, SAFE, SAFE, (low, high, offset, size) => {
    const writer = new ByteWriter(new Uint8Array(24));
    encodeGoodbyeRow(writer, { low, high, offset, size });
    assertEquals(decodeGoodbyeRow(new ByteReader(writer.written)), {
      low,
      high,
      offset,
      size,
    });
  }));
});

Deno.test("decodeGoodbyeRow() refuses numbers of 2^53 or more and half a row", () => {
  assertThrows(
    () => decodeGoodbyeRow(new ByteReader(u64s(1n, 1n << 53n, 0n))),
    FormatError,
    "2^53",
  );
  assertThrows(
    () => decodeGoodbyeRow(new ByteReader(u64s(1n, 0n, (1n << 64n) - 1n))),
    FormatError,
    "2^53",
  );
  assertThrows(
    () => decodeGoodbyeRow(new ByteReader(u64s(1n, 0n))),
    TruncatedError,
  );
  hurt([u64s(0n, 0n, 1n, 2n, 3n)], decodeGoodbyeRow);
});

/** Few different hashes, so that many are equal, in whole or in the upper half. */
const HASHES = fc.array(
  fc.oneof(
    fc.tuple(U32, U32),
    fc.tuple(fc.nat(2), fc.nat(1)),
    fc.tuple(U32, fc.constant(0xffff_fff0)),
  ),
  { maxLength: 120, size: "max" },
);

Deno.test("GoodbyeStack writes rows sorted by hash, stable, laid out as a heap, and a tail", () => {
  fc.assert(fc.property(HASHES, (hashes) => {
    const stack = new GoodbyeStack();
    hashes.forEach(([low, high], i) => stack.push(low, high, 100 + i, 7 * i));
    const rows = tableOf(stack, 0, 2 ** 40, 2 ** 40);
    assertEquals(rows.pop(), {
      low: Number(GOODBYE_TAIL & 0xffff_ffffn),
      high: Number(GOODBYE_TAIL >> 32n),
      offset: 2 ** 40,
      size: 16 + 24 * (hashes.length + 1),
    });
    const sorted = hashes.map(([low, high], i) => ({
      low,
      high,
      offset: 2 ** 40 - 100 - i,
      size: 7 * i,
    }))
      .sort((a, b) => a.high - b.high || a.low - b.low);
    assertEquals(
      rows,
      [...heapOrder(hashes.length)].map((index) => sorted[index]!),
    );
  }));
});

Deno.test("GoodbyeStack sorts very many rows, thousands of them with one upper half", () => {
  const stack = new GoodbyeStack();
  const count = 50_000;
  let seed = 1;
  const next = () => seed = Math.imul(seed, 1664525) + 1013904223 >>> 0;
  for (let i = 0; i < count; i++) {
    stack.push(next() % 1000, i % 5 === 0 ? 7 : next(), i, i);
  }
  const rows = tableOf(stack, 0, count, count);
  const order = heapOrder(count), sorted: GoodbyeRow[] = [];
  order.forEach((index, slot) => sorted[index] = rows[slot]!);
  for (let i = 1; i < count; i++) {
    const a = sorted[i - 1]!, b = sorted[i]!;
    assert(
      hashOf(a) < hashOf(b) || (hashOf(a) === hashOf(b) && a.size < b.size),
      `row ${i}`,
    );
  }
  assertEquals(new Set(sorted.map((row) => row.size)).size, count);
});

Deno.test("GoodbyeStack keeps a parent's rows below its child's", () => {
  const stack = new GoodbyeStack();
  stack.push(1, 1, 10, 5);
  const from = stack.count;
  for (let i = 0; i < 1000; i++) stack.push(i, 0, 20 + i, 1);
  assertEquals(tableOf(stack, from, 5000, 4000).length, 1001);
  stack.truncate(from);
  stack.push(0, 1, 15, 5100);
  assertEquals(tableOf(stack, 0, 6000, 6000).slice(0, 2), [
    { low: 1, high: 1, offset: 5990, size: 5 },
    { low: 0, high: 1, offset: 5985, size: 5100 },
  ]);
  stack.truncate(0);
  assertEquals(tableOf(stack, 0, 56, 56).map(isTail), [true]);
});

Deno.test("searchHeap() finds every row of a hash and looks at few others", () => {
  fc.assert(fc.property(HASHES, fc.nat(120), (hashes, at) => {
    const stack = new GoodbyeStack();
    hashes.forEach(([low, high], i) => stack.push(low, high, i, i));
    const rows = tableOf(stack, 0, 1000, 1000).slice(0, -1);
    const wanted = hashOf(
      rows[at % Math.max(1, rows.length)] ??
        { low: 5, high: 5, offset: 0, size: 0 },
    );
    let looks = 0;
    const found = searchHeap(rows.length, (slot) => {
      looks++;
      const hash = hashOf(rows[slot]!);
      return wanted < hash ? -1 : wanted > hash ? 1 : 0;
    });
    const expected = rows.flatMap((row, slot) =>
      hashOf(row) === wanted ? [slot] : []
    );
    assertEquals(found, expected);
    assert(looks <= (expected.length + 1) * 8, `${looks} looks`);
  }));
});

Deno.test("searchHeap() ends whatever the comparison says", () => {
  assertEquals(searchHeap(10, () => 0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(searchHeap(10, () => NaN), []);
  assertEquals(searchHeap(0, () => 0), []);
});
