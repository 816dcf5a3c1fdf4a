import {
  type CutRules,
  cutRules,
  DynamicRules,
  FixedRules,
} from "@pxar/chunk/cut_rules";
import type { ScanMemory } from "@pxar/chunk/scan_memory";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import {
  CHUNKER,
  KINDS,
  memoryWith,
  pieceEnds,
} from "../support/chunker_cases.ts";
import { input, sha256Hex, xorshift32 } from "../support/prng.ts";

/** Ends of the chunks of what lies in memory, as it comes in piece by piece. */
function endsOf(
  rules: CutRules,
  { bytes, origin }: ScanMemory,
  size: number,
  piece: () => number,
): number[] {
  const ends: number[] = [];
  let start = 0;
  for (const end of pieceEnds(size, piece)) {
    for (;;) {
      const length = rules.next(bytes, origin + start, end - start);
      if (length === 0) break;
      ends.push(start += length);
    }
    assert(end - start < rules.max);
  }
  if (start < size) ends.push(size);
  return ends;
}

/** Lengths of pieces as the vectors name them. */
function feed(name: string): () => number {
  const next = xorshift32(77);
  if (name === "random") return () => 1 + next() % 100_000;
  return () => Number(name);
}

function digestsOf(bytes: Uint8Array, ends: readonly number[]): string[] {
  return ends.map((end, i) => sha256Hex(bytes.subarray(ends[i - 1] ?? 0, end)));
}

for (const [turn, one] of CHUNKER.plain.entries()) {
  Deno.test(`DynamicRules cut as the official chunker does: ${one.id}`, () => {
    const content = input(one.input, one.inputSha256);
    const size = content.length;
    for (const kind of KINDS) {
      const memory = memoryWith(content, kind);
      const cut = (piece: () => number) =>
        endsOf(new DynamicRules(one.avg), memory, size, piece);
      const ends = cut(() => Infinity);
      assertEquals(ends, one.ends, kind.name);
      for (const [i, name] of one.fed.entries()) {
        // In turn: each takes its time.
        if ((turn + i) % KINDS.length !== KINDS.indexOf(kind)) continue;
        assertEquals(cut(feed(name)), one.ends, `${kind.name}, fed ${name}`);
      }
    }
    const digests = digestsOf(content, one.ends);
    if (one.digests !== undefined) assertEquals(digests, one.digests);
    assertEquals(
      sha256Hex(
        ...digests.map((hex) => Uint8Array.fromHex(hex)),
      ),
      one.digestsSha256,
    );
  });
}

Deno.test("DynamicRules cut random bytes as the specification says", () => {
  const lengths = (average: number, size: number) => {
    const content = input({ kind: "xorshift32", seed: 123456789, size });
    if (size > 8) {
      assertEquals(content.subarray(0, 8).toHex(), "49d401f04650ae4c");
    }
    return KINDS.map((kind) => {
      const memory = memoryWith(content, kind);
      const rules = new DynamicRules(average);
      const ends = endsOf(rules, memory, size, () => 1 << 20);
      return ends.map((end, i) => end - (ends[i - 1] ?? 0));
    });
  };
  // deno-fmt-ignore
  const large = [2155535, 1796465, 3030033, 2466166, 2866724, 3165256, 1903751, 5586810, 2487113, 4648134, 2219429, 15255470, 2750762];
  for (const found of lengths(4 << 20, 48 << 20)) assertEquals(found, large);
  // deno-fmt-ignore
  const small = [404059, 166978, 345000, 409834, 829664, 665083, 1130320, 650565, 174903, 985243, 579753, 640631, 725676, 186985, 493914];
  for (const found of lengths(512 << 10, 8 << 20)) assertEquals(found, small);
});

for (const [i, one] of CHUNKER.fixed.entries()) {
  Deno.test(`FixedRules cut as the official chunker does: case ${i}`, () => {
    const content = input(one.input);
    for (const kind of KINDS) {
      const memory = memoryWith(content, kind);
      const ends = endsOf(
        new FixedRules(one.chunkSize),
        memory,
        content.length,
        () => one.piece,
      );
      assertEquals(ends.map((end, i) => end - (ends[i - 1] ?? 0)), one.sizes);
      assertEquals(digestsOf(content, ends), one.digests);
    }
  });
}

Deno.test("cutRules() makes the rules that are asked for", () => {
  const archive = cutRules();
  assert(archive instanceof DynamicRules);
  assertEquals(archive.max, 16 << 20);
  const small = cutRules({ average: 4096 });
  assert(small instanceof DynamicRules);
  assertEquals(small.max, 16384);
  const image = cutRules({ chunkSize: 4096 });
  assert(image instanceof FixedRules);
  assertEquals(image.max, 4096);
  assertThrows(() => cutRules({ average: 4096, chunkSize: 4096 }), TypeError);
  assertThrows(() => cutRules({ average: 5000 }), RangeError);
});

Deno.test("FixedRules refuse a length that is no power of two up to 16 MiB", () => {
  for (const size of [0, -1, -4, 3, 5000, 0.5, NaN, Infinity, 32 << 20]) {
    assertThrows(() => new FixedRules(size), RangeError, "power of two");
  }
  for (const size of [1, 2, 16 << 20]) {
    assertEquals(new FixedRules(size).max, size);
  }
});
