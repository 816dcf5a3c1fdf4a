import { ByteReader } from "@pxar/format/bytes";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import {
  decodeStat,
  decodeStatV1,
  encodeStat,
  kindOfMode,
  MODE,
  type StatFields,
} from "@pxar/format/stat";
import fc from "fast-check";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { contentOf, hex, hurt, SAFE, written } from "./record.ts";

const U32 = fc.integer({ min: 0, max: 0xffff_ffff });
const STAT: fc.Arbitrary<StatFields> = fc.record({
  mode: fc.integer({ min: 0, max: 0xffff }),
  flags: SAFE,
  uid: U32,
  gid: U32,
  secs: fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constant(Number.MIN_SAFE_INTEGER),
  ),
  nanos: fc.integer({ min: 0, max: 999_999_999 }),
}, { noNullPrototype: true });

function empty(): StatFields {
  return { mode: 0, flags: 0, uid: 0, gid: 0, secs: 0, nanos: 0 };
}

Deno.test("decodeStat() is the inverse of encodeStat()", () => {
  const into = empty();
  fc.assert(fc.property(STAT, (stat) => {
    decodeStat(
      contentOf(written((writer) => encodeStat(writer, stat)), ITEMS.ENTRY),
      into,
    );
    assertEquals(into, stat);
  }));
});

Deno.test("encodeStat() writes the bytes of the format, before 1970 too", () => {
  const stat = {
    mode: 0o100644,
    flags: 0x10_0000,
    uid: 1000,
    gid: 0xffff_fffe,
    secs: -2,
    nanos: 999_000_000,
  };
  assertEquals(
    written((writer) => encodeStat(writer, stat)),
    hex(`efac88e5746495d5 3800000000000000 a481000000000000 0000100000000000
      e8030000 feffffff feffffffffffffff c0878b3b 00000000`),
  );
});

Deno.test("decodeStat() does not look at the padding", () => {
  const record = written((writer) => encodeStat(writer, empty()));
  record.fill(0xff, 52);
  const into = empty();
  decodeStat(contentOf(record, ITEMS.ENTRY), into);
  assertEquals(into, empty());
});

Deno.test("decodeStat() refuses numbers out of their range and says where they stand", () => {
  const bad: [number, number[], number][] = [
    [2, [1], 300], // mode, bit 16
    [5, [1], 300], // mode, bit 40
    [7, [1], 300], // mode, bit 56
    [15, [1], 308], // flags, bit 56
    [31, [0x80], 324], // seconds, far below -2^53
    [30, [0x20], 324], // seconds, 2^53
    [32, [0x00, 0xca, 0x9a, 0x3b], 332], // 10^9 nanoseconds
  ];
  for (const [at, bytes, offset] of bad) {
    const content = new Uint8Array(40);
    content.set(bytes, at);
    const error = assertThrows(
      () => decodeStat(new ByteReader(content, 300), empty()),
      FormatError,
    );
    assertEquals(error.offset, offset);
  }
  assertThrows(
    () => decodeStat(new ByteReader(new Uint8Array(41)), empty()),
    FormatError,
    "left over",
  );
  const short = assertThrows(
    () => decodeStat(new ByteReader(new Uint8Array(39), 56), empty()),
    TruncatedError,
  );
  assertEquals(short.offset, 92);
});

Deno.test("encodeStat() refuses what decodeStat() would", () => {
  const bad: Partial<StatFields>[] = [
    { mode: 0x1_0000 },
    { mode: -1 },
    { mode: NaN },
    { flags: 2 ** 53 },
    { flags: -1 },
    { uid: 2 ** 32 },
    { gid: -1 },
    { secs: 2 ** 53 },
    { secs: 0.5 },
    { nanos: 1e9 },
    { nanos: -1 },
  ];
  for (const part of bad) {
    assertThrows(
      () => written((writer) => encodeStat(writer, { ...empty(), ...part })),
      FormatError,
      "Cannot write ENTRY",
    );
  }
});

Deno.test("decodeStatV1() splits nanoseconds exactly", () => {
  const nanos = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(fc.property(nanos, STAT, (nanos, stat) => {
    // The old record: the same 24 bytes, then a u64.
    const content = written((writer) => encodeStat(writer, stat)).slice(16, 48);
    new DataView(content.buffer).setBigUint64(24, nanos, true);
    const into = empty();
    decodeStatV1(new ByteReader(content), into);
    const time = {
      secs: Number(nanos / 1_000_000_000n),
      nanos: Number(nanos % 1_000_000_000n),
    };
    assertEquals(into, { ...stat, ...time });
    assertEquals(
      BigInt(into.secs) * 1_000_000_000n + BigInt(into.nanos),
      nanos,
    );
  }));
});

Deno.test("decodeStatV1() refuses a mode of more than 16 bits and other lengths", () => {
  const content = new Uint8Array(32);
  content[2] = 1;
  assertThrows(
    () => decodeStatV1(new ByteReader(content), empty()),
    FormatError,
    "mode",
  );
  assertThrows(
    () => decodeStatV1(new ByteReader(new Uint8Array(40)), empty()),
    FormatError,
    "left over",
  );
  assertThrows(
    () => decodeStatV1(new ByteReader(new Uint8Array(31)), empty()),
    TruncatedError,
  );
});

Deno.test("kindOfMode() knows the seven types and nothing else", () => {
  const kinds = new Map([
    [MODE.IFSOCK, "socket"],
    [MODE.IFLNK, "symlink"],
    [MODE.IFREG, "file"],
    [MODE.IFBLK, "device"],
    [MODE.IFDIR, "directory"],
    [MODE.IFCHR, "device"],
    [MODE.IFIFO, "fifo"],
  ] as [number, string][]);
  for (let type = 0; type < 16; type++) {
    assertEquals(
      kindOfMode(type << 12 | 0o7777),
      kinds.get(type << 12) as ReturnType<typeof kindOfMode>,
    );
  }
});

Deno.test("broken stats end in a PxarError", () => {
  const good = [
    written((writer) =>
      encodeStat(writer, { ...empty(), mode: 0o40755, secs: 1_430_487_000 })
    ),
  ];
  hurt(good, (reader) => decodeStat(reader, empty()));
  hurt(good, (reader) => decodeStatV1(reader, empty()));
});
