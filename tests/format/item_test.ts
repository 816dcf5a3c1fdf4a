import { ByteReader, ByteWriter } from "@pxar/format/bytes";
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import {
  decodeHeader,
  encodeHeader,
  type Header,
  ITEMS,
} from "@pxar/format/item";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { hurt, u64s, written } from "./record.ts";

function header(): Header {
  return { item: ITEMS.ENTRY, size: 0 };
}

Deno.test("decodeHeader() is the inverse of encodeHeader() at every limit, and neither goes beyond", () => {
  for (const item of Object.values(ITEMS)) {
    const most = Math.min(item.limit, Number.MAX_SAFE_INTEGER - 16);
    for (const size of [item.least, most]) {
      const record = written((writer) => encodeHeader(writer, item, size));
      assertEquals(record.length, 16);
      assertEquals(decodeHeader(new ByteReader(record), header()), {
        item,
        size,
      });
    }
    for (const size of [item.least - 1, item.limit + 1]) {
      if (size < 0 || size > Number.MAX_SAFE_INTEGER - 16) continue;
      assertThrows(
        () => written((writer) => encodeHeader(writer, item, size)),
        FormatError,
        item.name,
      );
      const record = u64s(item.tag, BigInt(size) + 16n);
      assertThrows(
        () => decodeHeader(new ByteReader(record), header()),
        FormatError,
        item.name,
      );
    }
    const small = u64s(item.tag, 15n);
    assertThrows(
      () => decodeHeader(new ByteReader(small), header()),
      FormatError,
      "has -1 bytes",
    );
  }
});

Deno.test("decodeHeader() refuses unknown tags, one wrong half too, and says where", () => {
  const { tag } = ITEMS.PAYLOAD;
  for (const wrong of [0n, tag ^ 1n, tag ^ 1n << 40n, tag & 0xffff_ffffn]) {
    const read = () =>
      decodeHeader(new ByteReader(u64s(wrong, 16n), 90), header());
    const error = assertThrows(
      read,
      UnsupportedError,
      `0x${wrong.toString(16).padStart(16, "0")} is unknown`,
    );
    assertEquals(error.offset, 90);
  }
});

Deno.test("decodeHeader() refuses a size of 2^53 or more and half a header", () => {
  assertThrows(
    () =>
      decodeHeader(
        new ByteReader(u64s(ITEMS.PAYLOAD.tag, 1n << 60n)),
        header(),
      ),
    FormatError,
    "2^53",
  );
  assertThrows(
    () => decodeHeader(new ByteReader(u64s(ITEMS.PAYLOAD.tag)), header()),
    TruncatedError,
  );
});

Deno.test("encodeHeader() writes sizes beyond 4 GiB", () => {
  const writer = new ByteWriter(new Uint8Array(16));
  encodeHeader(writer, ITEMS.PAYLOAD, 2 ** 40);
  assertEquals(writer.written, u64s(ITEMS.PAYLOAD.tag, 2n ** 40n + 16n));
});

Deno.test("broken headers end in a PxarError", () => {
  const good = Object.values(ITEMS).map((item) =>
    u64s(0n, 0n, item.tag, BigInt(item.least) + 16n)
  );
  hurt(good, (reader) => decodeHeader(reader, header()));
});
