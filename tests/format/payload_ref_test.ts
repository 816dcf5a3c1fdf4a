import { ByteReader } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import { decodePayloadRef, encodePayloadRef } from "@pxar/format/payload_ref";
import fc from "fast-check";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { contentOf, hurt, SAFE, u64s, written } from "./record.ts";

Deno.test("decodePayloadRef() is the inverse of encodePayloadRef()", () => {
  fc.assert(fc.property(SAFE, SAFE, (offset, size) => {
    const record = written((writer) =>
      encodePayloadRef(writer, { offset, size })
    );
    assertEquals(decodePayloadRef(contentOf(record, ITEMS.PAYLOAD_REF)), {
      offset,
      size,
    });
  }));
});

Deno.test("payload references of 2^53 or more are refused both ways", () => {
  assertThrows(
    () => decodePayloadRef(new ByteReader(u64s(1n << 53n, 0n))),
    FormatError,
  );
  assertThrows(
    () => decodePayloadRef(new ByteReader(u64s(16n, (1n << 64n) - 16n))),
    FormatError,
  );
  assertThrows(
    () =>
      written((writer) => encodePayloadRef(writer, { offset: 16, size: -1 })),
    FormatError,
  );
  assertThrows(
    () =>
      written((writer) =>
        encodePayloadRef(writer, { offset: 2 ** 53, size: 0 })
      ),
    FormatError,
  );
});

Deno.test("broken payload references end in a PxarError", () => {
  hurt(
    [written((writer) => encodePayloadRef(writer, { offset: 16, size: 5 }))],
    decodePayloadRef,
  );
});
