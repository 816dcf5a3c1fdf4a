import { ByteReader } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { decodeHardlink, encodeHardlink } from "@pxar/format/hardlink";
import { ITEMS } from "@pxar/format/item";
import fc from "fast-check";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { contentOf, hex, hurt, noNul, SAFE, utf8, written } from "./record.ts";

Deno.test("decodeHardlink() is the inverse of encodeHardlink()", () => {
  fc.assert(
    fc.property(
      SAFE.filter((offset) => offset > 0),
      noNul(1, 300),
      (offset, target) => {
        const record = written((writer) =>
          encodeHardlink(writer, offset, target)
        );
        assertEquals(decodeHardlink(contentOf(record, ITEMS.HARDLINK)), {
          offset,
          target,
        });
      },
    ),
  );
});

Deno.test("decodeHardlink() refuses offset 0, no path, and NULs in wrong places", () => {
  const bad: [string, string, number][] = [
    ["0000000000000000 6100", "offset is 0", 100],
    ["0100000000000000 00", "path is empty", 108],
    ["0100000000000000 6162", "not NUL", 109],
    ["0100000000000000 61006200", "at the end only", 109],
    ["0000000000002000 6100", "2^53", 100],
  ];
  for (const [content, message, offset] of bad) {
    const error = assertThrows(
      () => decodeHardlink(new ByteReader(hex(content), 100)),
      FormatError,
      message,
    );
    assertEquals(error.offset, offset);
  }
});

Deno.test("encodeHardlink() refuses what decodeHardlink() would", () => {
  for (const offset of [0, -1, 0.5, 2 ** 53]) {
    assertThrows(
      () => written((writer) => encodeHardlink(writer, offset, utf8("a"))),
      FormatError,
    );
  }
  for (const target of ["", "a\0b", "x".repeat(4097)]) {
    assertThrows(
      () => written((writer) => encodeHardlink(writer, 1, utf8(target))),
      FormatError,
    );
  }
});

Deno.test("broken hardlinks end in a PxarError", () => {
  hurt([
    written((writer) => encodeHardlink(writer, 300, utf8("usr/bin/bzip2"))),
  ], decodeHardlink);
});
