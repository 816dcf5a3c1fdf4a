import { digestOf, hexOf, parseDigest, sameBytes } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { hex, shared } from "../support/codecs.ts";

Deno.test("digestOf() gives the values of the specification, plain and keyed", () => {
  const hello = new TextEncoder().encode("hello");
  const key = CryptKey.of(new Uint8Array(32).fill(9));
  const plain =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  const keyed =
    "b851432e039cc5e9bf9e739081632202c2c9d4204289ebf0cca6910b851ae5f1";
  assertEquals(hexOf(digestOf(hello)), plain);
  assertEquals(hexOf(digestOf(hello, key)), keyed);
  assertEquals(hexOf(digestOf(shared(hello), key)), keyed);
});

Deno.test("parseDigest() is the inverse of hexOf()", () => {
  const any = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(fc.property(any, (digest) => {
    assertEquals(parseDigest(hexOf(digest)), Uint8Array.from(digest));
  }));
});

Deno.test("parseDigest() takes 64 lower-case digits and nothing else", () => {
  const good = "0123456789abcdef".repeat(4);
  assertEquals(parseDigest(good), hex(good));
  for (
    const bad of [
      "",
      good.slice(1),
      good + "0",
      good.toUpperCase(),
      good.replace("0", "g"),
      good.replace("0", " "),
      good + "\n",
      good.slice(0, 62) + "0x",
    ]
  ) {
    assertThrows(() => parseDigest(bad), RangeError, "expected 64 lower-case");
  }
});

Deno.test("sameBytes() is equality", () => {
  const small = fc.uint8Array({ maxLength: 3, max: 2 });
  fc.assert(fc.property(small, small, (a, b) => {
    assertEquals(sameBytes(a, b), hexOf(a) === hexOf(b));
  }));
  assert(sameBytes(shared(hex("0102")), hex("0102")));
});
