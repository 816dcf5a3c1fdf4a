import { ByteReader, ByteWriter } from "@pxar/format/bytes";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { anyBytes, SAFE, u64s, utf8, written } from "./record.ts";

const U64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

Deno.test("ByteReader.u64() is exact below 2^53 and refuses the rest", () => {
  fc.assert(fc.property(fc.oneof(U64, SAFE.map(BigInt)), (value) => {
    const bytes = u64s(value);
    if (value < 1n << 53n) {
      assertEquals(new ByteReader(bytes).u64(), Number(value));
    } else assertThrows(() => new ByteReader(bytes).u64(), FormatError, "2^53");
    assertEquals(new ByteReader(bytes).tag(), value);
  }));
});

Deno.test("ByteReader.u64OrNone() gives undefined for all bits set only", () => {
  const all = (1n << 64n) - 1n;
  assertEquals(new ByteReader(u64s(all)).u64OrNone(), undefined);
  assertEquals(new ByteReader(u64s(0xffff_ffffn)).u64OrNone(), 0xffff_ffff);
  assertThrows(
    () => new ByteReader(u64s(all - 1n)).u64OrNone(),
    FormatError,
    "2^53",
  );
  assertThrows(
    () => new ByteReader(u64s(all).slice(0, 7)).u64OrNone(),
    TruncatedError,
  );
  const reader = new ByteReader(u64s(all, 5n));
  assertEquals([reader.u64OrNone(), reader.u64OrNone(), reader.remaining], [
    undefined,
    5,
    0,
  ]);
});

Deno.test("ByteReader.i64() is exact within 2^53 and refuses the rest", () => {
  const i64 = fc.oneof(
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
    fc.maxSafeInteger().map(BigInt),
  );
  fc.assert(fc.property(i64, (value) => {
    const bytes = u64s(BigInt.asUintN(64, value));
    if (Number.isSafeInteger(Number(value))) {
      assertEquals(new ByteReader(bytes).i64(), Number(value));
    } else assertThrows(() => new ByteReader(bytes).i64(), FormatError, "2^53");
  }));
});

Deno.test("ByteReader gives what ByteWriter wrote", () => {
  const u = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
  const fields = fc.tuple(
    u(8),
    u(16),
    u(32),
    SAFE,
    fc.maxSafeInteger(),
    u(32),
    u(32),
    anyBytes(90),
  );
  fc.assert(fc.property(fields, ([a, b, c, d, e, low, high, bytes]) => {
    const record = written((writer) => {
      writer.u8(a);
      writer.u16(b);
      writer.u32(c);
      writer.u64(d);
      writer.i64(e);
      writer.halves(low, high);
      writer.u64OrNone(undefined);
      writer.u64OrNone(d);
      writer.bytes(bytes);
    });
    const reader = new ByteReader(record, 1000);
    assertEquals([
      reader.u8(),
      reader.u16(),
      reader.u32(),
      reader.u64(),
      reader.i64() + 0,
    ], [a, b, c, d, e + 0]);
    assertEquals(reader.tag(), BigInt(high) << 32n | BigInt(low));
    assertEquals([reader.u64OrNone(), reader.u64OrNone()], [undefined, d]);
    assertEquals(reader.offset, 1000 + record.length - bytes.length);
    assertEquals(reader.bytes(bytes.length), bytes);
    reader.end();
  }));
});

Deno.test("ByteReader.copy() shares no memory, bytes() does", () => {
  const source = utf8("abcdef");
  const reader = new ByteReader(source);
  const copy = reader.copy(3), view = reader.bytes(3);
  source.fill(0);
  assertEquals([copy, view], [utf8("abc"), new Uint8Array(3)]);
});

Deno.test("ByteReader.window() moves to another record and keeps to it", () => {
  const reader = new ByteReader(utf8("0123456789"));
  reader.window(4, 6, 100);
  assertEquals([reader.offset, reader.index, reader.remaining], [104, 4, 2]);
  const error = assertThrows(
    () => reader.u32(),
    TruncatedError,
    "Cannot read 4 bytes at byte 104: record has 2 left",
  );
  assertEquals(error.offset, 104);
  assertEquals(reader.u8(), 0x34);
  assertThrows(
    () => reader.end(),
    FormatError,
    "1 bytes are left over at byte 105",
  );
  reader.skip(1);
  reader.end();
});

Deno.test("ByteWriter counts what it wrote and starts again on rewind()", () => {
  const writer = new ByteWriter(new Uint8Array(8).subarray(2));
  writer.u16(0x0102);
  assertEquals([writer.length, writer.room], [2, 4]);
  writer.space(3).set([7, 8, 9]);
  writer.advance(3);
  assertEquals(writer.written, Uint8Array.of(2, 1, 7, 8, 9));
  writer.rewind();
  assertEquals([writer.length, writer.room], [0, 6]);
});

Deno.test("ByteWriter.bytes() copies short and long alike", () => {
  for (const length of [0, 1, 31, 32, 33, 5000]) {
    const bytes = new Uint8Array(length).map((_, i) => i);
    const record = written((writer) => writer.bytes(bytes));
    assert(
      record.every((byte, i) => byte === i % 256) && record.length === length,
    );
  }
});
