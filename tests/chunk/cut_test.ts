import {
  type Chunk,
  cut,
  type CutOptions,
  cutPayload,
  cutStream,
} from "@pxar/chunk/cut";
import type { Injection } from "@pxar/chunk/payload_rules";
import type { PayloadPart } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import {
  CHUNKER,
  type Emitted,
  KINDS,
  memoryWith,
  pieceEnds,
} from "../support/chunker_cases.ts";
import { assertSameBytes } from "../support/entries.ts";
import { input, xorshift32 } from "../support/prng.ts";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function* piecesOf(
  bytes: Bytes,
  length: () => number,
): Generator<Bytes, void, void> {
  let start = 0;
  for (const end of pieceEnds(bytes.length, length)) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

const endsOf = (chunks: readonly Chunk[]): number[] =>
  chunks.map(({ end }) => end);

/** Checks that chunks are a whole stream, in memory of their own. */
function assertWhole(chunks: readonly Chunk[], content: Uint8Array): void {
  let at = 0;
  for (const { bytes, start, end } of chunks) {
    assertEquals(start, at);
    assert(end > start);
    assertEquals(bytes.buffer.byteLength, end - start);
    assert(bytes.buffer instanceof ArrayBuffer);
    assertSameBytes(bytes, content.subarray(start, end));
    at = end;
  }
  assertEquals(at, content.length);
}

Deno.test("cut() and cutStream() cut as the official chunker does, and give the bytes", async () => {
  for (const one of CHUNKER.plain) {
    const content = input(one.input);
    const next = xorshift32(77);
    const random = () => 1 + next() % 300_000;
    for (const wasm of [true, false]) {
      const options = { average: one.avg, wasm };
      const cuts = await all(cut(content, options));
      assertWhole(cuts, content);
      assertEquals(endsOf(cuts), one.ends, one.id);
      const piped = await all(
        ReadableStream.from(piecesOf(content, random))
          .pipeThrough(cutStream(options)),
      );
      assertWhole(piped, content);
      assertEquals(endsOf(piped), one.ends, one.id);
    }
  }
});

Deno.test("cut() and cutStream() cut into equal parts as the official client does", async () => {
  for (const { chunkSize, ...one } of CHUNKER.fixed) {
    const content = input(one.input);
    const pieces = () => piecesOf(content, () => one.piece);
    const cuts = await all(cut(pieces(), { chunkSize }));
    const piped = await all(
      ReadableStream.from(pieces()).pipeThrough(cutStream({ chunkSize })),
    );
    for (const chunks of [cuts, piped]) {
      assertWhole(chunks, content);
      assertEquals(chunks.map(({ bytes }) => bytes.length), one.sizes);
    }
  }
});

Deno.test("cut() gives a stream back in chunks of allowed lengths, the same for all pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("xorshift32", "text"),
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.constantFrom(4 << 10, 16 << 10, 64 << 10),
      fc.array(fc.nat(70_000), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (kind, seed, size, average, lengths, wasm) => {
        const content = input({ kind, seed, size } as const);
        // What repeats meets a boundary at the same place again.
        content.copyWithin(size >> 1, 0, size >> 2);
        const whole = await all(cut(content, { average, wasm }));
        assertWhole(whole, content);
        for (const [i, { bytes }] of whole.entries()) {
          assert(bytes.length <= average * 4);
          assert(bytes.length >= average / 4 || i === whole.length - 1);
        }
        let turn = 0;
        if (!lengths.some((length) => length > 0)) lengths.push(1);
        const pieces = [
          ...piecesOf(content, () => lengths[turn++ % lengths.length]!),
        ];
        for (
          const source of [
            pieces,
            (async function* () {
              yield* pieces;
            })(),
            ReadableStream.from(pieces),
          ]
        ) {
          const chunks = await all(cut(source, { average, wasm: !wasm }));
          assertEquals(endsOf(chunks), endsOf(whole));
          assertWhole(chunks, content);
        }
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("cut() reads a source into its memory, and closes it", async () => {
  const content = input({ kind: "xorshift32", seed: 5, size: 3_000_000 });
  let at = 0, closed = 0;
  const source = {
    read: (into: Bytes) => {
      const part = content.subarray(at, at + Math.min(into.length, 123_457));
      into.set(part);
      at += part.length;
      return at % 2 === 0 ? part.length : Promise.resolve(part.length);
    },
    skip: undefined,
    close: () => void closed++,
  };
  const chunks = await all(cut(source, { average: 64 << 10 }));
  assertWhole(chunks, content);
  assertEquals(closed, 1);
});

Deno.test("cut() gives no chunk for no bytes", async () => {
  assertEquals(await all(cut(new Uint8Array(0))), []);
  assertEquals(await all(cut([])), []);
  assertEquals(await all(cut([new Uint8Array(0)], { chunkSize: 4096 })), []);
  assertEquals(
    await all(new Blob([]).stream().pipeThrough(cutStream())),
    [],
  );
});

Deno.test("cut() closes its input, whoever ends it", async () => {
  const stream = () => {
    const seen: { cancelled?: unknown } = {};
    const readable = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
      cancel: (reason) => void (seen.cancelled = [reason]),
    });
    return { readable, seen };
  };
  const options = { average: 4 << 10 };
  const left = stream();
  for await (const _ of cut(left.readable, options)) break;
  assertEquals(left.seen.cancelled, [undefined]);

  const aborted = stream(), stop = new AbortController();
  const reason = new Error("enough");
  const error = await assertRejects(
    async () => {
      let count = 0;
      const { signal } = stop;
      for await (const _ of cut(aborted.readable, { ...options, signal })) {
        if (++count === 20) stop.abort(reason);
      }
    },
    Error,
    "enough",
  );
  assert(error === reason);
  assertEquals(aborted.seen.cancelled, [undefined]);
});

Deno.test("an error of the input is the error of the chunks", async () => {
  const broken = async function* () {
    yield new Uint8Array(20_000);
    await Promise.resolve();
    throw new Error("no disk");
  };
  const options = { average: 4 << 10 };
  const chunks: Chunk[] = [];
  await assertRejects(
    async () => {
      for await (const chunk of cut(broken(), options)) chunks.push(chunk);
    },
    Error,
    "no disk",
  );
  // What was complete came out; what was left did not pass for a chunk.
  assertEquals(endsOf(chunks), [16384]);
  await assertRejects(
    () => all(ReadableStream.from(broken()).pipeThrough(cutStream(options))),
    Error,
    "no disk",
  );
});

Deno.test("cutStream() ends by its signal, and refuses what are no bytes", async () => {
  const stop = new AbortController();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
  });
  await assertRejects(
    async () => {
      const { signal } = stop;
      const chunks = endless.pipeThrough(
        cutStream({ average: 4 << 10, signal }),
      );
      for await (const { end } of chunks) {
        if (end > 10_000_000) stop.abort(new Error("enough"));
      }
    },
    Error,
    "enough",
  );
  const bad = ["text"] as unknown as Uint8Array[];
  await assertRejects(
    () => all(ReadableStream.from(bad).pipeThrough(cutStream())),
    TypeError,
    "not a Uint8Array",
  );
  await assertRejects(() => all(cut(bad)), TypeError, "not a Uint8Array");
  await assertRejects(
    () => all(cutPayload([{ bytes: "x" as unknown as Bytes }])),
    TypeError,
    "not a Uint8Array",
  );
});

Deno.test("cut(), cutStream() and cutPayload() refuse bad options at once", () => {
  const bad: readonly CutOptions[] = [
    { average: 5000 },
    { average: NaN },
    { chunkSize: 0 },
    { chunkSize: 64 << 20 },
  ];
  for (const options of bad) {
    assertThrows(() => cut([], options), RangeError);
    assertThrows(() => cutStream(options), RangeError);
  }
  assertThrows(() => cutPayload([], { average: 5000 }), RangeError);
  const both = { average: 4096, chunkSize: 4096 };
  assertThrows(() => cut([], both), TypeError);
  assertThrows(() => cutStream(both), TypeError);
});

Deno.test("thousands of streams, one after the other, do not use memory up", async () => {
  for (let i = 0; i < 1000; i++) {
    const [chunk] = await all(cut(Uint8Array.of(i & 255)));
    assertEquals(chunk?.bytes[0], i & 255);
  }
});

/** What came out, as the vectors tell it. */
const emittedOf = (one: Chunk | Injection): Emitted =>
  "bytes" in one
    ? { raw: one.bytes.length }
    : { boundary: one.start, inject: one.end - one.start };

Deno.test("cutPayload() cuts as the official chunker does, wherever suggestions stand", async () => {
  for (const one of CHUNKER.payload) {
    if (one.delivery !== "early") continue;
    const content = input(one.input);
    // As soon as their piece is known, or only before bytes from their place on come.
    for (const isLate of [false, true]) {
      const parts: PayloadPart[] = [];
      const suggested = [...one.suggested];
      let end = 0;
      const piece = one.piece === "whole" ? Infinity : one.piece;
      for (const bytes of piecesOf(content, () => piece)) {
        end += bytes.length;
        while (
          suggested.length > 0 &&
          (isLate ? suggested[0]! < end : suggested[0]! <= end)
        ) parts.push({ suggest: suggested.shift()! });
        parts.push({ bytes });
      }
      for (const suggest of suggested) parts.push({ suggest });
      for (const wasm of [true, false]) {
        const found = await all(cutPayload(parts, { average: one.avg, wasm }));
        assertEquals(
          found.map(emittedOf),
          one.sizes.map((raw) => ({ raw })),
          one.id,
        );
        assertWhole(found.filter((one) => "bytes" in one), content);
      }
    }
  }
});

Deno.test("cutPayload() puts chunks in as the official client does", async () => {
  for (const one of CHUNKER.injection) {
    // Suggestions that are known ahead of a piece that an injection parts count for the whole of it; here, each part is a piece.
    if (one.suggested.length > 0) continue;
    // What is put in behind the end has no place in a stream of parts.
    const forced = one.forced.slice(
      0,
      one.sequence.filter((one) => "inject" in one).length,
    );
    const content = input(one.input), parts: PayloadPart[] = [];
    let raw = 0, injected = 0;
    const upTo = (to: number): void => {
      const length = one.piece === "whole" ? Infinity : one.piece;
      for (const bytes of piecesOf(content.subarray(raw, to), () => length)) {
        parts.push({ bytes });
      }
      raw = to;
    };
    for (const [token, { boundary, size }] of forced.entries()) {
      upTo(boundary - injected);
      parts.push({ inject: size, token });
      injected += size;
    }
    upTo(content.length);
    const found = await all(cutPayload(parts, { average: one.avg }));
    assertEquals(
      found.map(emittedOf),
      one.sequence.filter((one) => !("raw" in one) || one.raw > 0),
      one.id,
    );
    assertEquals(
      found.flatMap((one) => "bytes" in one ? [] : [one.token]),
      forced.map((_, token) => token),
    );
    let at = 0;
    for (const { start, end } of found) {
      assertEquals(start, at);
      at = end;
    }
    assertEquals(at, content.length + injected);
  }
});

/** What happens on a payload stream, as the encoder says it, but for the lengths. */
const happenings = fc.array(
  fc.oneof(
    fc.record({ bytes: fc.nat(60_000) }),
    fc.record({ suggest: fc.constant(true) }),
    fc.record({
      inject: fc.oneof(fc.nat(20_000), fc.constantFrom(0, 2 ** 40)),
    }),
  ),
  { maxLength: 25 },
);

Deno.test("cutPayload() gives everything in order, with pieces of any length", async () => {
  await fc.assert(
    fc.asyncProperty(happenings, fc.integer({ min: 1 }), async (all_, seed) => {
      const parts: PayloadPart[] = [], next = xorshift32(seed);
      const stream: Uint8Array[] = [];
      let position = 0;
      for (const one of all_) {
        if ("suggest" in one) parts.push({ suggest: position });
        else if ("inject" in one) {
          parts.push({ inject: one.inject, token: parts.length });
          position += one.inject;
        } else {
          const bytes = new Uint8Array(one.bytes).map(() => next());
          stream.push(bytes);
          parts.push({ bytes });
          position += bytes.length;
        }
      }
      // Bytes are used up when the next part is asked for.
      const lent = (async function* () {
        const piece = new Uint8Array(60_000);
        for (const part of parts) {
          await Promise.resolve();
          if ("bytes" in part) {
            piece.set(part.bytes);
            yield { bytes: piece.subarray(0, part.bytes.length) };
            piece.fill(0xee);
          } else yield part;
        }
      })();
      const found = await all(cutPayload(lent, { average: 4 << 10 }));
      let at = 0;
      for (const { start, end } of found) {
        assertEquals(start, at);
        at = end;
      }
      assertEquals(at, position);
      const raw = await new Blob(
        found.flatMap((one) => "bytes" in one ? [one.bytes] : []),
      ).bytes();
      assertSameBytes(raw, await new Blob(stream as BlobPart[]).bytes());
      assertEquals(
        found.flatMap((one) => "bytes" in one ? [] : [one.token]),
        parts.flatMap((part) => "inject" in part ? [part.token] : []),
      );
    }),
    { numRuns: 100 },
  );
});

Deno.test("cutPayload() cuts a piece longer than its memory as one piece", async () => {
  const average = 4 << 10;
  const content = input({ kind: "xorshift32", seed: 3, size: 5_000_000 });
  for (
    const suggested of [
      [],
      [4_999_000],
      [4_995_000, 5_000_000],
      Array.from({ length: 1000 }, (_, i) => 7 * i + 5000 * (i + 1)),
    ]
  ) {
    const found = await all(
      cutPayload([
        ...suggested.filter((at) => at < content.length)
          .map((suggest) => ({ suggest })),
        { bytes: content },
        ...suggested.filter((at) => at === content.length)
          .map((suggest) => ({ suggest })),
      ], { average }),
    );
    assertWhole(found.filter((one) => "bytes" in one), content);
    // The rules, asked once about the whole.
    const { PayloadRules } = await import("@pxar/chunk/payload_rules");
    const rules = new PayloadRules(average), ends: number[] = [];
    const { bytes, origin } = memoryWith(content, KINDS[0]!);
    for (const at of suggested) rules.suggest(at);
    for (let at = 0;;) {
      const length = rules.next(bytes, origin + at, content.length - at);
      if (length === 0) break;
      ends.push(at += length);
    }
    if (ends.at(-1) !== content.length) ends.push(content.length);
    assertEquals(found.map(({ end }) => end), ends);
  }
});

Deno.test("cutPayload() takes no notice of empty pieces", async () => {
  const bytes = new Uint8Array(30_000), none = { bytes: new Uint8Array(0) };
  const parts = [none, { bytes }, none, { suggest: 30_000 }, none, { bytes }];
  const found = await all(cutPayload(parts, { average: 64 << 10 }));
  assertEquals(found.map(({ end }) => end), [30_000, 60_000]);
  assertEquals(await all(cutPayload([none, none])), []);
});

Deno.test("cutPayload() refuses what is no position or size, and ends by its signal", async () => {
  for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    await assertRejects(() => all(cutPayload([{ suggest: bad }])), RangeError);
    await assertRejects(
      () => all(cutPayload([{ inject: bad, token: 0 }])),
      RangeError,
    );
  }
  const twice = { inject: 2 ** 52, token: 0 };
  await assertRejects(() => all(cutPayload([twice, twice])), RangeError);
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(
    () => all(cutPayload([], { signal })),
    Error,
    "enough",
  );
});
