import { ByteReader } from "@pxar/format/bytes";
import { UnsupportedError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import { decodeVersion, encodeVersion } from "@pxar/format/version";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { contentOf, hex, hurt, u64s, written } from "./record.ts";

Deno.test("decodeVersion() is the inverse of encodeVersion()", () => {
  for (const version of [1, 2] as const) {
    const record = written((writer) => encodeVersion(writer, version));
    assertEquals(
      decodeVersion(contentOf(record, ITEMS.FORMAT_VERSION)),
      version,
    );
  }
  assertEquals(
    written((writer) => encodeVersion(writer, 2)),
    hex("0da416df756c0f73 1800000000000000 0200000000000000"),
  );
});

Deno.test("decodeVersion() refuses all other versions, however large", () => {
  for (const version of [0n, 3n, 1n << 32n, 1n << 53n, (1n << 64n) - 1n]) {
    assertThrows(
      () => decodeVersion(new ByteReader(u64s(version))),
      UnsupportedError,
      `is ${version}, expected 1 or 2`,
    );
  }
});

Deno.test("broken versions end in a PxarError", () => {
  hurt([written((writer) => encodeVersion(writer, 2))], decodeVersion);
});
