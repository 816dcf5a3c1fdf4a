import { ByteReader } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import { decodeXattr, encodeXattr, isStoredXattr } from "@pxar/format/xattr";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { anyBytes, contentOf, hurt, noNul, utf8, written } from "./record.ts";

Deno.test("decodeXattr() is the inverse of encodeXattr() and copies", () => {
  fc.assert(fc.property(noNul(0, 255), anyBytes(200), (name, value) => {
    const record = written((writer) => encodeXattr(writer, { name, value }));
    const back = decodeXattr(contentOf(record, ITEMS.XATTR));
    record.fill(0xee);
    assertEquals(back, { name, value });
  }));
});

Deno.test("decodeXattr() splits at the first NUL", () => {
  assertEquals(decodeXattr(new ByteReader(utf8("user.a\0b\0c\0"))), {
    name: utf8("user.a"),
    value: utf8("b\0c\0"),
  });
  assertEquals(decodeXattr(new ByteReader(utf8("user.a\0"))), {
    name: utf8("user.a"),
    value: utf8(""),
  });
  const error = assertThrows(
    () => decodeXattr(new ByteReader(utf8("user.a"), 9)),
    FormatError,
    "no NUL",
  );
  assertEquals(error.offset, 9);
});

Deno.test("encodeXattr() takes 65791 bytes and not one more", () => {
  const value = new Uint8Array(65536).fill(0);
  const name = new Uint8Array(254).fill(0x61);
  const record = written((writer) => encodeXattr(writer, { name, value }));
  assertEquals(record.length, 16 + 65791);
  assertEquals(decodeXattr(contentOf(record, ITEMS.XATTR)), { name, value });
  const long = new Uint8Array(255).fill(0x61);
  assertThrows(
    () => written((writer) => encodeXattr(writer, { name: long, value })),
    FormatError,
    "65792 bytes, expected 1 to 65791",
  );
  assertThrows(
    () =>
      written((writer) => encodeXattr(writer, { name: utf8("a\0b"), value })),
    FormatError,
    "NUL",
  );
});

Deno.test("isStoredXattr() keeps what the official program keeps", () => {
  for (
    const name of [
      "user.a",
      "user.",
      "trusted.overlay.opaque",
      "security.NTACL",
      "user." + "x".repeat(250),
    ]
  ) {
    assert(isStoredXattr(utf8(name)), name);
  }
  const dropped = [
    "",
    "user",
    "USER.a",
    "security.selinux",
    "security.capability",
    "security.ima",
    "security.NTACL2",
  ];
  dropped.push(
    "system.posix_acl_access",
    "btrfs.compression",
    "security.NTAC",
    "user." + "x".repeat(251),
  );
  for (const name of dropped) assert(!isStoredXattr(utf8(name)), name);
});

Deno.test("broken xattrs end in a PxarError", () => {
  hurt([
    written((writer) =>
      encodeXattr(writer, { name: utf8("user.a"), value: utf8("value") })
    ),
  ], decodeXattr);
});
