import { ByteReader } from "@pxar/format/bytes";
import {
  decodeDevice,
  deviceToDev,
  devToDevice,
  encodeDevice,
} from "@pxar/format/device";
import { FormatError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import fc from "fast-check";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { contentOf, hurt, SAFE, u64s, written } from "./record.ts";

const U32 = fc.integer({ min: 0, max: 0xffff_ffff });

Deno.test("decodeDevice() is the inverse of encodeDevice()", () => {
  fc.assert(fc.property(SAFE, SAFE, (major, minor) => {
    const record = written((writer) => encodeDevice(writer, { major, minor }));
    assertEquals(decodeDevice(contentOf(record, ITEMS.DEVICE)), {
      major,
      minor,
    });
  }));
});

Deno.test("device numbers of 2^53 or more are refused both ways", () => {
  assertThrows(
    () => decodeDevice(new ByteReader(u64s(1n << 53n, 0n))),
    FormatError,
  );
  assertThrows(
    () => decodeDevice(new ByteReader(u64s(0n, (1n << 64n) - 1n))),
    FormatError,
  );
  assertThrows(
    () => written((writer) => encodeDevice(writer, { major: -1, minor: 0 })),
    FormatError,
  );
  assertThrows(
    () =>
      written((writer) => encodeDevice(writer, { major: 0, minor: 2 ** 53 })),
    FormatError,
  );
});

Deno.test("deviceToDev() lays numbers out as Linux does", () => {
  assertEquals(deviceToDev({ major: 1, minor: 3 }), 0x103n);
  assertEquals(deviceToDev({ major: 8, minor: 255 }), 0x8ffn);
  assertEquals(deviceToDev({ major: 259, minor: 0x12345 }), 0x123_1034_5n);
  assertEquals(
    deviceToDev({ major: 0xffff_ffff, minor: 0xffff_ffff }),
    0xffff_ffff_ffff_ffffn,
  );
  assertEquals(
    deviceToDev({ major: 0xabcd_e123, minor: 0 }),
    0xabcd_e000_0001_2300n,
  );
});

Deno.test("devToDevice() is the inverse of deviceToDev()", () => {
  fc.assert(fc.property(U32, U32, (major, minor) => {
    assertEquals(devToDevice(deviceToDev({ major, minor })), { major, minor });
  }));
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (dev) => {
      assertEquals(deviceToDev(devToDevice(dev)), dev);
    }),
  );
});

Deno.test("deviceToDev() refuses numbers that Linux has no room for", () => {
  assertThrows(() => deviceToDev({ major: 2 ** 32, minor: 0 }), FormatError);
  assertThrows(() => deviceToDev({ major: 0, minor: 2 ** 40 }), FormatError);
});

Deno.test("broken devices end in a PxarError", () => {
  hurt(
    [written((writer) => encodeDevice(writer, { major: 8, minor: 1 }))],
    decodeDevice,
  );
});
