import { ByteReader, type Bytes } from "@pxar/format/bytes";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import {
  checkName,
  compareNames,
  decodeFilename,
  decodeSymlink,
  encodeFilename,
  encodeSymlink,
  joinPath,
  showName,
} from "@pxar/format/name";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { contentOf, hurt, noNul, utf8, written } from "./record.ts";

const NAME = noNul(1, 300).filter((name) =>
  !name.includes(0x2f) && !/^\.{1,2}$/.test(String.fromCharCode(...name))
);

Deno.test("checkName() takes one legal component", () => {
  for (
    const name of [
      "a",
      "...",
      ".a",
      "..a",
      "a\n",
      "ä",
      "-",
      " ",
      "\\",
      "x".repeat(4096),
    ]
  ) checkName(utf8(name));
  checkName(Uint8Array.of(0xff, 0xfe, 0x01));
});

Deno.test("checkName() refuses what is not one component, and says where it stood", () => {
  for (
    const name of [
      "",
      ".",
      "..",
      "/",
      "a/b",
      "a/",
      "/a",
      "a\0",
      "\0",
      "x".repeat(4097),
    ]
  ) {
    assertThrows(
      () => checkName(utf8(name)),
      FormatError,
      "expected one component",
    );
  }
  const error = assertThrows(
    () => checkName(utf8("../x"), 77),
    FormatError,
    'Cannot take file name "../x" at byte 77',
  );
  assertEquals(error.offset, 77);
});

Deno.test("compareNames() orders bytes as unsigned, the shorter first", () => {
  assert(compareNames(utf8("a"), utf8("b")) < 0);
  assert(compareNames(utf8("b"), utf8("a")) > 0);
  assert(compareNames(utf8("a"), utf8("aa")) < 0);
  assert(compareNames(utf8("Z"), utf8("a")) < 0);
  assert(compareNames(Uint8Array.of(0x7f), Uint8Array.of(0x80)) < 0);
  assertEquals(compareNames(utf8("same"), utf8("same")), 0);
  fc.assert(fc.property(noNul(0, 6), noNul(0, 6), (a, b) => {
    const [one, other] = [String.fromCharCode(...a), String.fromCharCode(...b)];
    assertEquals(
      Math.sign(compareNames(a, b)),
      one < other ? -1 : one > other ? 1 : 0,
    );
  }));
});

Deno.test("showName() never steers a terminal", () => {
  assertEquals(showName(utf8("plain ä 👩‍🚀")), "plain ä 👩‍🚀");
  assertEquals(
    showName(utf8("\x1b]0;x\x07\n\t\r\x7f\u0085")),
    "\\x1b]0;x\\x07\\n\\t\\x0d\\x7f\\x85",
  );
  assertEquals(
    showName(utf8("gpj\u202e.exe\u2028")),
    "gpj\\u{202e}.exe\\u{2028}",
  );
  assertEquals(
    showName(Uint8Array.of(0x61, 0xff, 0xfe, 0x62)),
    "a\ufffd\ufffdb",
  );
  fc.assert(fc.property(fc.uint8Array(), (name) => {
    // deno-lint-ignore no-control-regex
    assert(!/[\0-\x1f\x7f-\x9f\u2028-\u202e]/.test(showName(name)));
  }));
});

Deno.test("joinPath() puts one slash between, none at the root", () => {
  const join = (a: string, b: string) => showName(joinPath(utf8(a), utf8(b)));
  assertEquals(join("", "a"), "a");
  assertEquals(join("a", "b"), "a/b");
  assertEquals(join("a/b", "c"), "a/b/c");
  assertEquals(join("a", ""), "a");
});

Deno.test("decodeFilename() is the inverse of encodeFilename() and copies", () => {
  fc.assert(fc.property(NAME, (name) => {
    const record = written((writer) => encodeFilename(writer, name));
    const back = decodeFilename(contentOf(record, ITEMS.FILENAME));
    record.fill(0x2f);
    assertEquals(back, name);
  }));
});

Deno.test("decodeFilename() refuses what is not a name and one NUL", () => {
  for (
    const content of [
      "a",
      "a\0\0",
      "a\0b\0",
      "\0",
      ".\0",
      "..\0",
      "a/b\0",
      "/\0",
      "x".repeat(4097) + "\0",
    ]
  ) {
    const error = assertThrows(
      () => decodeFilename(new ByteReader(utf8(content), 500)),
      FormatError,
    );
    assert(
      error.offset !== undefined && error.offset >= 500 &&
        error.offset < 500 + content.length,
      content,
    );
  }
  assertThrows(() => decodeFilename(new ByteReader(utf8(""))), TruncatedError);
});

Deno.test("encodeFilename() refuses what decodeFilename() would", () => {
  for (const name of ["", ".", "..", "a/b", "a\0b", "x".repeat(4097)]) {
    assertThrows(
      () => written((writer) => encodeFilename(writer, utf8(name))),
      FormatError,
    );
  }
});

Deno.test("decodeSymlink() is the inverse of encodeSymlink(), an empty target and all", () => {
  fc.assert(fc.property(noNul(0, 300), (target) => {
    const record = written((writer) => encodeSymlink(writer, target));
    assertEquals(decodeSymlink(contentOf(record, ITEMS.SYMLINK)), target);
  }));
  const longest: Bytes = new Uint8Array(4096).fill(0x61);
  const record = written((writer) => encodeSymlink(writer, longest));
  assertEquals(decodeSymlink(contentOf(record, ITEMS.SYMLINK)), longest);
});

Deno.test("symlinks with a NUL inside, without one at the end, or too long are refused", () => {
  const error = assertThrows(
    () => decodeSymlink(new ByteReader(utf8("a\0b\0"), 40)),
    FormatError,
    "expected one at the end",
  );
  assertEquals(error.offset, 41);
  assertThrows(
    () => decodeSymlink(new ByteReader(utf8("\0ab\0"))),
    FormatError,
    "byte 0 of 3 is NUL",
  );
  assertThrows(
    () => decodeSymlink(new ByteReader(utf8("ab"))),
    FormatError,
    "last byte is not NUL",
  );
  assertThrows(
    () => written((writer) => encodeSymlink(writer, utf8("a\0"))),
    FormatError,
    "NUL",
  );
  const long = assertThrows(
    () =>
      written((writer) => encodeSymlink(writer, new Uint8Array(4097).fill(1))),
    FormatError,
  );
  assertStringIncludes(
    long.message,
    "its content has 4098 bytes, expected 1 to 4097",
  );
});

Deno.test("broken names end in a PxarError", () => {
  const names = ["a", "usr", "x".repeat(255)].map((name) =>
    written((writer) => encodeFilename(writer, utf8(name)))
  );
  hurt(names, decodeFilename);
  hurt(names, decodeSymlink);
});
