import { sha256Of } from "@pxar/chunk/sha256";
import { DigestCache } from "../../store/digest_cache.ts";
import { assertEquals } from "../support/assert.ts";
import { bytesOf } from "./stores.ts";

Deno.test("DigestCache remembers digests with what was said of them", () => {
  const cache = new DigestCache();
  const digests = Array.from(
    { length: 1000 },
    (_, i) => sha256Of(bytesOf(`${i}`)),
  );
  for (const [i, digest] of digests.entries()) {
    assertEquals([
      cache.has(digest, i),
      cache.meet(digest, i),
      cache.meet(digest, i),
    ], [false, false, true]);
    // Another mark is something else, and takes its place.
    assertEquals(cache.has(digest, i + 1), false);
  }
  assertEquals(cache.meet(digests[5]!, 7), false);
  assertEquals([cache.has(digests[5]!, 5), cache.has(digests[5]!, 7)], [
    false,
    true,
  ]);
});

Deno.test("DigestCache may forget, and never takes one digest for another", () => {
  const cache = new DigestCache();
  const one = new Uint8Array(32).fill(9),
    other = one.with(31, 8),
    zero = new Uint8Array(32);
  assertEquals([
    cache.has(zero),
    cache.meet(one),
    cache.has(other),
    cache.meet(other),
  ], [false, false, false, false]);
  // Both have the same place.
  assertEquals([cache.has(one), cache.has(other)], [false, true]);
  assertEquals([cache.meet(zero), cache.has(zero)], [false, true]);
});
