import {
  builtinSha256,
  hmacSha256,
  portableHmacSha256,
  portableSha256,
  sha256,
  sha256Of,
} from "@pxar/chunk/sha256";
import { hexOf } from "@pxar/chunk/digest";
import fc from "fast-check";
import { assert, assertEquals } from "../support/assert.ts";
import { hex, joined, shared } from "../support/codecs.ts";

const text = (value: string) => new TextEncoder().encode(value);
const WAYS = {
  "built-in": () => builtinSha256()!,
  portable: portableSha256,
} as const;

for (const [name, start] of Object.entries(WAYS)) {
  Deno.test(`the ${name} SHA-256 gives the values of FIPS 180-4`, () => {
    const of = (...parts: Uint8Array[]) => {
      const hash = start();
      for (const part of parts) hash.update(part);
      return hexOf(hash.digest());
    };
    assertEquals(
      of(),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    assertEquals(
      of(text("a"), text(""), text("bc")),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    assertEquals(
      of(text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    assertEquals(
      of(...new Array(10).fill(new Uint8Array(100_000).fill(0x61))),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    );
  });

  Deno.test(`the ${name} SHA-256 takes shared memory and gives memory of its own`, () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    const digest = start().update(shared(bytes).subarray(3, 800)).digest();
    assertEquals(digest, sha256Of(bytes.subarray(3, 800)));
    assertEquals(digest.buffer.byteLength, 32);
    assert(Object.getPrototypeOf(digest) === Uint8Array.prototype);
  });
}

Deno.test("both SHA-256 agree, however the bytes come", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  fc.assert(fc.property(pieces, (parts) => {
    const whole = joined(...parts);
    const builtin = builtinSha256()!, portable = portableSha256();
    for (const part of parts) {
      builtin.update(part);
      portable.update(part);
    }
    const digest = builtin.digest();
    assertEquals(digest, portable.digest());
    assertEquals(digest, sha256Of(whole));
    assertEquals(digest, sha256Of(...parts));
    assertEquals(digest, sha256().update(whole).digest());
  }));
});

Deno.test("hmacSha256() gives the values of RFC 4231, and so without node:crypto", () => {
  const cases = [
    [
      new Uint8Array(20).fill(0x0b),
      text("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      text("Jefe"),
      text("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      new Uint8Array(131).fill(0xaa),
      text("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ] as const;
  for (const [key, data, tag] of cases) {
    const parts = [data.subarray(0, 3), shared(data.subarray(3))];
    assertEquals(hmacSha256(key, data), hex(tag));
    assertEquals(hmacSha256(key, ...parts), hex(tag));
    assertEquals(portableHmacSha256(key, ...parts), hex(tag));
  }
});
