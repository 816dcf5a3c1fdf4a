import { crc32, portableCrc32 } from "@pxar/chunk/crc32";
import fc from "fast-check";
import { assertEquals } from "../support/assert.ts";
import { shared } from "../support/codecs.ts";

for (const [name, of] of Object.entries({ crc32, portableCrc32 })) {
  Deno.test(`${name}() gives the values of ISO 3309`, () => {
    const digits = new TextEncoder().encode("123456789");
    assertEquals(of(new Uint8Array(0)), 0);
    assertEquals(of(digits), 0xcbf43926);
    assertEquals(of(digits.subarray(4), of(digits.subarray(0, 4))), 0xcbf43926);
    assertEquals(of(shared(digits)), 0xcbf43926);
    assertEquals(of(new Uint8Array(32).fill(0xff)), 0xff6cab0b);
  });
}

Deno.test("both CRC-32 agree, and go on where they were", () => {
  const any = fc.uint8Array({ maxLength: 500 });
  fc.assert(fc.property(any, fc.nat(500), (bytes, at) => {
    const head = bytes.subarray(0, at), tail = bytes.subarray(at);
    assertEquals(portableCrc32(bytes), crc32(bytes));
    assertEquals(portableCrc32(tail, crc32(head)), crc32(bytes));
    assertEquals(crc32(tail, portableCrc32(head)), crc32(bytes));
  }));
});
