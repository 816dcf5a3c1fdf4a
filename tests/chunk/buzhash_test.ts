import { Cutter, Hasher, isBoundary } from "@pxar/chunk/buzhash";
import type { Bytes } from "@pxar/format/bytes";
import fc from "fast-check";
import { BUZHASH_TABLE } from "../../chunk/buzhash_table.ts";
import { SHARED_WASM, UNSHARED_WASM } from "../../chunk/buzhash_wasm.ts";
import { makeModule, SOURCE, TARGET } from "../../tasks/make_buzhash.ts";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "../support/assert.ts";
import { KINDS, memoryWith } from "../support/chunker_cases.ts";
import { input, sha256Hex, xorshift32 } from "../support/prng.ts";

Deno.test("the table is that of the specification", () => {
  const lines = [...BUZHASH_TABLE].map((word) =>
    `0x${(word >>> 0).toString(16).padStart(8, "0")}\n`
  );
  assertEquals(lines.length, 256);
  assertEquals(
    sha256Hex(new TextEncoder().encode(lines.join(""))),
    "6419f0eb5c1c08e157ec168d4b163cbe945c5ec0cfb70f87b6e4452ea17c25bd",
  );
});

Deno.test("buzhash_wasm.ts is buzhash.wat, assembled", async () => {
  const source = Deno.readTextFileSync(SOURCE);
  assertEquals(
    Deno.readTextFileSync(TARGET),
    await makeModule(source),
    "run `deno task buzhash`",
  );
  assertNotEquals(SHARED_WASM, UNSHARED_WASM);
});

Deno.test("Hasher has the hash of the last 64 bytes, whatever came before", () => {
  const bytes = input({ kind: "xorshift32", seed: 7, size: 1000 });
  const rolling = new Hasher();
  assertEquals(rolling.hash, 0);
  for (let i = 0; i < bytes.length; i++) {
    assertEquals(rolling.roll(bytes[i]!), rolling.hash);
    const fresh = new Hasher();
    for (const byte of bytes.subarray(Math.max(0, i - 63), i + 1)) {
      fresh.roll(byte);
    }
    assertEquals(rolling.hash, fresh.hash, `after ${i + 1} bytes`);
    assert(rolling.hash >= 0 && rolling.hash < 2 ** 32);
  }
  assertEquals(rolling.count, 1000);
  rolling.reset();
  assertEquals([rolling.hash, rolling.count], [0, 0]);
  assertEquals(rolling.roll(0), 0x458be752);
  assertEquals(rolling.roll(255), ((0x458be752 << 1) ^ 0xd95ddf11) >>> 0);
});

Deno.test("Hasher gives 0 for 64 equal bytes, which is no boundary", () => {
  for (let byte = 0; byte < 256; byte++) {
    const hasher = new Hasher();
    for (let i = 0; i < 64; i++) hasher.roll(byte);
    assertEquals(hasher.hash, 0);
    assert(!isBoundary(hasher.hash, 4 << 10));
  }
});

/** Where a chunk ends by the book: every byte hashed, nothing skipped. */
function scanSlowly(bytes: Uint8Array, average: number): number {
  const hasher = new Hasher();
  for (let length = 1; length <= bytes.length; length++) {
    const hash = hasher.roll(bytes[length - 1]!);
    if (length === 4 * average) return length;
    if (length >= average / 4 && isBoundary(hash, average)) return length;
  }
  return 0;
}

/** Bytes of a size that boundaries are found in, or are not. */
const content: fc.Arbitrary<Bytes> = fc.record({
  kind: fc.constantFrom("random", "text", "few", "zeros"),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  size: fc.integer({ min: 0, max: 70_000 }),
}).map(({ kind, seed, size }) => {
  if (kind === "text") return input({ kind, seed, size });
  const bytes = input({ kind: "xorshift32", seed, size });
  if (kind === "few") bytes.forEach((byte, i) => bytes[i] = byte & 1);
  return kind === "zeros" ? bytes.fill(0) : bytes;
});

for (const kind of KINDS) {
  Deno.test(`Cutter agrees with Hasher wherever a chunk lies: ${kind.name}`, () => {
    fc.assert(
      fc.property(
        content,
        fc.integer({ min: 0, max: 70 }),
        fc.constantFrom(4 << 10, 8 << 10, 16 << 10),
        fc.array(fc.integer({ min: 1, max: 20_000 }), {
          minLength: 1,
          maxLength: 5,
        }),
        (content, before, average, steps) => {
          const whole = new Uint8Array(before + content.length + 100);
          whole.set(content, before);
          // What lies around a chunk must not matter.
          const next = xorshift32(before + 1);
          for (let i = 0; i < before; i++) whole[i] = next();
          for (let i = 1; i <= 100; i++) whole[whole.length - i] = next();
          const { bytes, origin } = memoryWith(whole, kind);
          const cutter = new Cutter(average);
          const expected = scanSlowly(content, average);
          let tested = 0, found = 0;
          for (let i = 0; found === 0 && tested < content.length; i++) {
            const have = Math.min(
              content.length,
              tested + steps[i % steps.length]!,
            );
            found = cutter.scan(bytes, origin + before, tested, have);
            tested = have;
          }
          assertEquals(found, expected);
        },
      ),
      { numRuns: 60 },
    );
  });
}

Deno.test("Cutter finds a lone match wherever it stands", () => {
  const average = 1 << 20, cutter = new Cutter(average);
  const random = input({ kind: "xorshift32", seed: 8, size: cutter.max });
  const end = cutter.scan(random, 0, 0, random.length);
  assert(end > 0 && end < cutter.max);
  const match = random.subarray(end - 64, end);
  // Around every place where the fast search parts its work, and at the very ends.
  const distances = new Set<number>();
  for (let edge = 0; edge <= 66_000; edge += 512) {
    for (let i = -2; i <= 2; i++) distances.add(Math.max(0, edge + i));
  }
  for (const kind of KINDS) {
    const { bytes, origin } = memoryWith(
      new Uint8Array(cutter.min + 70_000),
      kind,
    );
    for (const distance of distances) {
      const length = cutter.min + distance, to = origin + length;
      bytes.set(match, to - 64);
      for (const have of [length, length + 1, length + 3000]) {
        assertEquals(cutter.scan(bytes, origin, 0, have), length, kind.name);
      }
      assertEquals(cutter.scan(bytes, origin, 0, length - 1), 0);
      assertEquals(cutter.scan(bytes, origin, length - 1, length), length);
      assertEquals(cutter.scan(bytes, origin, length, length + 3000), 0);
      bytes.fill(0, to - 64, to);
    }
  }
});

Deno.test("Cutter works in any memory, at any offset of its buffer", () => {
  const cutter = new Cutter(4 << 10);
  const content = input({ kind: "xorshift32", seed: 99, size: 30_000 });
  const expected = scanSlowly(content, 4 << 10);
  assert(expected > 1024 && expected < 16 << 10);
  for (let offset = 0; offset < 9; offset++) {
    for (let length = 30_000; length > 29_990; length--) {
      const buffer = new ArrayBuffer(offset + length + 3);
      const view = new Uint8Array(buffer, offset, length);
      view.set(content.subarray(0, length));
      assertEquals(cutter.scan(view, 0, 0, length), expected);
      assertEquals(cutter.scan(view, 0, 0, expected), expected);
      assertEquals(cutter.scan(view, 0, 0, expected - 1), 0);
      assertEquals(cutter.scan(view, 0, expected - 1, expected), expected);
      assert(cutter.scan(view, 0, expected, length) !== expected);
    }
  }
});

Deno.test("Cutter refuses an average that is no power of two from 4 KiB to 4 MiB", () => {
  for (
    const average of [
      0,
      -4096,
      1,
      2048,
      4095,
      4097,
      6144,
      8 << 20,
      2 ** 32,
      2 ** 1023,
      4096.5,
      NaN,
      Infinity,
      -Infinity,
    ]
  ) assertThrows(() => new Cutter(average), RangeError, "power of two");
  for (let average = 4 << 10; average <= 4 << 20; average *= 2) {
    const { min, max } = new Cutter(average);
    assertEquals([min, max], [average / 4, average * 4]);
  }
});

Deno.test("Cutter refuses bytes that are not there", () => {
  const cutter = new Cutter(4 << 10), bytes = new Uint8Array(5000);
  assertEquals(cutter.scan(bytes, 0, 0, 5000), 0);
  assertThrows(() => cutter.scan(bytes, 0, 0, 5001), RangeError);
  assertThrows(() => cutter.scan(bytes, 1, 0, 5000), RangeError);
  assertThrows(() => cutter.scan(bytes, -1, 0, 5000), RangeError);
  assertThrows(() => cutter.scan(bytes, NaN, 0, 5000), RangeError);
});
