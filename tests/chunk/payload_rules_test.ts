import { type Injection, PayloadRules } from "@pxar/chunk/payload_rules";
import type { ScanMemory } from "@pxar/chunk/scan_memory";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import {
  CHUNKER,
  type Delivery,
  type Emitted,
  KINDS,
  memoryWith,
  pieceEnds,
} from "../support/chunker_cases.ts";
import { input, sha256Hex } from "../support/prng.ts";

/** What a stream consists of. */
interface Stream {
  readonly suggested: readonly number[];
  readonly forced?: readonly {
    readonly boundary: number;
    readonly size: number;
  }[];
  readonly delivery: Delivery;
  /** Ends of the pieces, in raw bytes. */
  readonly ends: readonly number[];
  /** Where a piece is not there as a whole yet, but asked about already. */
  readonly within?: readonly number[];
}

/** What comes out, in order; empty raw pieces do not. */
function sequenceOf(
  rules: PayloadRules,
  { bytes, origin }: ScanMemory,
  stream: Stream,
): Emitted[] {
  const emitted: Emitted[] = [];
  let start = 0;
  const take = (have: number, more = false): void => {
    for (let injection: Injection | undefined;;) {
      const length = rules.next(bytes, origin + start, have - start, more);
      if (length > 0) {
        emitted.push({ raw: length });
        start += length;
      } else if ((injection = rules.injection()) !== undefined) {
        const { start, end } = injection;
        emitted.push({ boundary: start, inject: end - start });
      } else break;
    }
    if (!more) assert(have - start < rules.max);
  };
  for (const { boundary, size } of stream.forced ?? []) {
    rules.inject(boundary, size, undefined);
  }
  const suggested = [...stream.suggested];
  const suggestWhile = (isDue: (position: number) => boolean): void => {
    while (suggested.length > 0 && isDue(suggested[0]!)) {
      rules.suggest(suggested.shift()!);
    }
  };
  if (stream.delivery === "ahead") suggestWhile(() => true);
  let last = 0;
  for (const end of stream.ends) {
    suggestWhile((position) =>
      stream.delivery === "early" ? position <= end : position < end
    );
    for (const within of stream.within ?? []) {
      if (last < within && within < end) take(within, true);
    }
    take(end);
    last = end;
  }
  suggestWhile(() => true);
  take(last);
  if (last > start) emitted.push({ raw: last - start });
  return emitted;
}

const isEmpty = (one: Emitted): boolean => "raw" in one && one.raw === 0;

function pieces(size: number, piece: number | "whole"): number[] {
  return [...pieceEnds(size, () => piece === "whole" ? Infinity : piece)];
}

for (const [i, one] of CHUNKER.payload.entries()) {
  Deno.test(`PayloadRules cut as the official chunker does: ${i} ${one.id} ${one.delivery}`, () => {
    const content = input(one.input);
    const kinds = one.piece === 1 ? [KINDS[i % KINDS.length]!] : KINDS;
    for (const kind of kinds) {
      const found = sequenceOf(
        new PayloadRules(one.avg),
        memoryWith(content, kind),
        { ...one, ends: pieces(content.length, one.piece) },
      );
      assertEquals(found, one.sizes.map((raw) => ({ raw })), kind.name);
    }
    let at = 0;
    const digests = one.sizes.map((size) =>
      sha256Hex(content.subarray(at, at += size))
    );
    assertEquals(at, content.length);
    if (one.digests !== undefined) assertEquals(digests, one.digests);
  });
}

for (const one of CHUNKER.injection) {
  Deno.test(`PayloadRules put chunks in as the official client does: ${one.id}`, () => {
    const content = input(one.input);
    for (const kind of KINDS) {
      const rules = new PayloadRules(one.avg);
      const found = sequenceOf(rules, memoryWith(content, kind), {
        ...one,
        ends: pieces(content.length, one.piece),
      });
      assertEquals(
        found,
        one.sequence.filter((one) => !isEmpty(one)),
        kind.name,
      );
      const reached = found.filter((one) => "inject" in one).length;
      const next = one.forced[reached];
      const rest = content.length - found.reduce(
        (sum, one, i) =>
          sum + ("raw" in one && i < found.length - 1 ? one.raw : 0),
        0,
      );
      if (next === undefined) rules.end(0);
      else {
        const end = one.forced.slice(0, reached).reduce(
          (sum, { size }) => sum + size,
          content.length,
        );
        assertThrows(
          () => rules.end(rest),
          RangeError,
          `Cannot put chunks in at byte ${next.boundary}: the stream ends at byte ${end}`,
        );
      }
    }
  });
}

const COUNTER = { kind: "counter32", size: 1 << 20 } as const;

Deno.test("PayloadRules give the sizes that the official tests expect", () => {
  const content = input(COUNTER);
  for (const kind of KINDS) {
    // Those tests count some bytes twice from the second chunk on: as if chunks had been put in there.
    const found = sequenceOf(
      new PayloadRules(64 << 10),
      memoryWith(content, kind),
      {
        suggested: [32768, 32768, 0, 405521],
        forced: [{ boundary: 143377, size: 32768 }],
        delivery: "ahead",
        ends: pieces(content.length, 1),
      },
    );
    assertEquals(
      found.flatMap((one) => "raw" in one ? [one.raw] : []),
      [32768, 110609, 229376, 32768, 262144, 262144, 118767],
    );
  }
});

Deno.test("PayloadRules put chunks in as the official tests expect", () => {
  const counter = input(COUNTER), content = new Uint8Array(counter.length);
  content.set(counter.subarray(10));
  content.set(counter.subarray(0, 10), counter.length - 10);
  for (const kind of KINDS) {
    const rules = new PayloadRules(64 << 10);
    const found = sequenceOf(rules, memoryWith(content, kind), {
      suggested: [32768, 65536],
      forced: [
        { boundary: 32768, size: 1024 },
        { boundary: 131072, size: 2048 },
        { boundary: 657408, size: 512 },
        { boundary: 658432, size: 0 },
      ],
      delivery: "ahead",
      ends: [content.length - 10, content.length],
    });
    rules.end(0);
    assertEquals(
      found.flatMap((one) => "raw" in one ? [one.raw] : []),
      [32768, 31744, 65536, 262144, 262144, 512, 262144, 131584],
    );
  }
});

/** Streams as nobody would make them. */
const stream = fc.record({
  size: fc.integer({ min: 0, max: 60_000 }),
  seed: fc.integer({ min: 1, max: 1000 }),
  lengths: fc.array(fc.integer({ min: 1, max: 50_000 }), {
    minLength: 1,
    maxLength: 4,
  }),
  suggested: fc.array(
    fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
      fc.constantFrom(0, 0, 1, 2 ** 53 - 1, 2 ** 32, 2 ** 31),
    ),
    { maxLength: 40 },
  ),
  sorted: fc.boolean(),
  forced: fc.array(
    fc.record({
      behind: fc.nat(15_000),
      size: fc.oneof(fc.nat(40_000), fc.constantFrom(0, 0, 1, 2 ** 40)),
    }),
    { maxLength: 8 },
  ),
  delivery: fc.constantFrom<Delivery>("ahead", "late", "early"),
  within: fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 8 }),
}).map(({ size, seed, lengths, sorted, suggested, forced, ...rest }) => {
  let turn = 0, position = 0;
  return {
    ...rest,
    content: input({ kind: "xorshift32", seed, size }),
    ends: [...pieceEnds(size, () => lengths[turn++ % lengths.length]!)],
    suggested: sorted ? suggested.sort((a, b) => a - b) : suggested,
    forced: forced.map(({ behind, size }) => {
      const boundary = position + behind;
      position = boundary + size;
      return { boundary, size };
    }),
    within: rest.within.sort((a, b) => a - b),
  };
});

Deno.test("PayloadRules lose no byte, keep the order and the greatest length, whatever is suggested and put in", () => {
  fc.assert(
    fc.property(stream, ({ content, ...stream }) => {
      const memory = memoryWith(content, KINDS[0]!);
      const rules = new PayloadRules(4 << 10);
      const found = sequenceOf(rules, memory, stream);
      let raw = 0, position = 0;
      const injected: Emitted[] = [];
      for (const one of found) {
        if ("raw" in one) {
          assert(one.raw > 0 && one.raw <= rules.max);
          raw += one.raw;
          position += one.raw;
        } else {
          injected.push(one);
          assertEquals(one.boundary, position);
          position += one.inject;
        }
      }
      assertEquals(raw, content.length);
      assertEquals(
        injected,
        stream.forced.slice(0, injected.length).map(({ boundary, size }) => ({
          boundary,
          inject: size,
        })),
      );
      if (injected.length < stream.forced.length) {
        assert(stream.forced[injected.length]!.boundary > position);
        assertThrows(() => rules.end(0), RangeError);
      } else rules.end(0);
    }),
    { numRuns: 300 },
  );
});

Deno.test("PayloadRules give the same chunks of a piece that is asked about before it is there as a whole", () => {
  fc.assert(
    fc.property(stream, ({ content, ...stream }) => {
      const cut = (within: readonly number[], kind: typeof KINDS[number]) =>
        sequenceOf(
          new PayloadRules(4 << 10),
          memoryWith(content, kind),
          { ...stream, within },
        );
      const expected = cut([], KINDS[0]!);
      for (const kind of KINDS) {
        assertEquals(cut(stream.within, kind), expected);
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("PayloadRules without suggestions cut as if there were none to make", () => {
  for (const one of CHUNKER.plain.filter(({ avg }) => avg <= 262144)) {
    const content = input(one.input);
    const found = sequenceOf(
      new PayloadRules(one.avg),
      memoryWith(content, KINDS[0]!),
      {
        suggested: [],
        delivery: "ahead",
        ends: pieces(content.length, 40_000),
      },
    );
    let end = 0;
    assertEquals(
      found.map((chunk) => end += "raw" in chunk ? chunk.raw : 0),
      one.ends,
    );
  }
});

Deno.test("PayloadRules lose a suggestion that is made too late, and look no further in that piece", () => {
  const bytes = new Uint8Array(60_000);
  const rules = new PayloadRules(64 << 10);
  assertEquals(rules.next(bytes, 0, 30_000), 0);
  rules.suggest(30_000);
  rules.suggest(35_000);
  rules.suggest(45_000);
  assertEquals(rules.next(bytes, 0, 40_000), 0);
  assertEquals(rules.next(bytes, 0, 60_000), 45_000);
});

Deno.test("PayloadRules take as many suggestions as come", () => {
  const rules = new PayloadRules(4 << 10), bytes = new Uint8Array(16 << 10);
  // One that is far away holds the others up.
  rules.suggest(2 ** 52);
  for (let i = 0; i < 300_000; i++) rules.suggest(i);
  assertEquals(rules.next(bytes, 0, bytes.length), bytes.length);
  rules.inject(2 ** 52 - 2000, 0, undefined);
  const near = new PayloadRules(4 << 10);
  for (let i = 0; i < 300_000; i++) near.suggest(i % 1024);
  near.suggest(5000);
  assertEquals(near.next(bytes, 0, bytes.length), 5000);
});

Deno.test("PayloadRules refuse what is no position", () => {
  const rules = new PayloadRules();
  assertEquals(rules.max, 16 << 20);
  for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => rules.suggest(bad), RangeError, "Cannot suggest");
    assertThrows(() => rules.inject(bad, 1, 0), RangeError, "Cannot put");
    assertThrows(() => rules.inject(1, bad, 0), RangeError, "Cannot put");
  }
  assertThrows(() => rules.inject(2 ** 52, 2 ** 52, 0), RangeError);
  assertThrows(() => new PayloadRules(12345), RangeError);
});

Deno.test("PayloadRules refuse to put chunks in before what was cut or put in", () => {
  const rules = new PayloadRules(4 << 10), bytes = new Uint8Array(40_000);
  assertEquals(rules.next(bytes, 0, 40_000), 16384);
  assertEquals(rules.position, 16384);
  assertThrows(
    () => rules.inject(16383, 10, 0),
    RangeError,
    "Cannot put chunks in at byte 16383: the stream is at byte 16384 already",
  );
  rules.inject(20_000, 1000, "a");
  assertThrows(() => rules.inject(20_999, 0, 0), RangeError, "20999");
  rules.inject(21_000, 0, "b");
  assertEquals(rules.next(bytes, 16384, 40_000 - 16384), 20_000 - 16384);
  // Until it is taken, nothing goes on.
  assertEquals(rules.next(bytes, 20_000, 20_000), 0);
  assertEquals(rules.injection(), { start: 20_000, end: 21_000, token: "a" });
  assertEquals(rules.injection(), undefined);
  assertThrows(() => rules.end(20_000), RangeError, "at byte 21000");
  assertEquals(rules.next(bytes, 20_000, 20_000), 0);
  assertEquals(rules.injection(), { start: 21_000, end: 21_000, token: "b" });
  assertEquals(rules.next(bytes, 20_000, 20_000), 16384);
  rules.end(20_000 - 16384);
});
