import {
  type ByteInput,
  type ByteSource,
  sourceOf,
  StreamReader,
} from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { TruncatedError } from "@pxar/format/errors";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";

const ALL = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);

/** The same bytes in every form that they may come in. */
function* inputs(all: Bytes, size: number): Generator<ByteInput> {
  const pieces: Uint8Array[] = [new Uint8Array(0)];
  for (let at = 0; at < all.length; at += size) {
    pieces.push(all.slice(at, at + size), new Uint8Array(0));
  }
  yield all;
  yield pieces;
  yield (async function* () {
    yield* pieces;
  })();
  yield ReadableStream.from(pieces);
  yield new Blob(pieces as BlobPart[]).stream();
  yield source(all, false);
  yield source(all, true);
}

Deno.test("StreamReader gives the same bytes from every kind of input, by read(), fill() and skip()", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("read" as const), count: fc.nat(100_000) }),
    fc.record({ do: fc.constant("fill" as const), count: fc.nat(5000) }),
    fc.record({ do: fc.constant("skip" as const), count: fc.nat(90_000) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.integer({ min: 500, max: 100_000 }),
      async (steps, size) => {
        for (const input of inputs(ALL, size)) {
          const reader = new StreamReader(input, 8192);
          let at = 0;
          for (const { do: verb, count } of steps) {
            const left = ALL.length - at;
            if (verb === "read") {
              const into = new Uint8Array(count);
              const got = await reader.read(into);
              assert(got > 0 || count === 0 || left === 0);
              assertSameBytes(
                into.subarray(0, got),
                ALL.subarray(at, at + got),
              );
              at += got;
            } else if (verb === "fill") {
              assertEquals(await reader.fill(count), count <= left);
              const { index } = reader;
              const held = reader.memory.subarray(
                index,
                index + reader.available,
              );
              assertSameBytes(held, ALL.subarray(at, at + held.length));
              assertEquals(reader.base + index, at);
            } else if (count <= left) {
              await reader.skip(count);
              at += count;
            } else {
              const error = await assertRejects(
                async () => await reader.skip(count),
                TruncatedError,
                `${count - left} bytes short`,
              );
              assertEquals(error.offset, ALL.length);
              at = ALL.length;
            }
            assertEquals(reader.offset, at);
          }
          await reader.close();
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("StreamReader reads synchronously what is at hand", () => {
  const reader = new StreamReader(source(ALL, false), 100_000);
  assertEquals(reader.fill(10), true);
  reader.advance(4);
  assertEquals([reader.offset, reader.index], [4, 4]);
  assertEquals(reader.read(new Uint8Array(6)), 6);
  assertEquals(reader.read(new Uint8Array(0)), 0);
  let got = 10;
  const into = new Uint8Array(70_000);
  for (;;) {
    const more = reader.read(into);
    assert(typeof more === "number");
    if (more === 0) break;
    got += more;
  }
  assertEquals([got, reader.offset], [ALL.length, ALL.length]);
  assertEquals(reader.fill(1), false);
});

Deno.test("StreamReader skips far by seeking, and near by reading", async () => {
  const skips: number[] = [], reads: number[] = [];
  const inner = source(ALL, false);
  const reader = new StreamReader({
    read(into) {
      reads.push(into.length);
      return inner.read(into);
    },
    skip(count) {
      skips.push(count);
      return inner.read(new Uint8Array(count));
    },
    close: undefined,
  }, 200_000);
  await reader.skip(10_000);
  assertEquals(skips, []);
  await reader.skip(200_000);
  assertEquals(skips, [200_000 - (65_536 - 10_000)]);
  await reader.fill(1);
  assertEquals(reads, [65_536, 65_536], "little is read behind a skip");
});

Deno.test("StreamReader closes its source once it is closed, and reads no more", async () => {
  let cancelled: unknown = "not";
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: (reason) => void (cancelled = reason),
  });
  const reader = new StreamReader(stream);
  await reader.fill(5);
  await reader.close();
  assertEquals(cancelled, undefined);
  assertEquals(await reader.fill(11), false);
  let returned = 0;
  const pieces = (function* () {
    try {
      for (;;) yield new Uint8Array(10);
    } finally {
      returned++;
    }
  })();
  const other = new StreamReader(pieces);
  await other.fill(5);
  await other.close();
  assertEquals(returned, 1);
});

Deno.test("sourceOf() refuses pieces that are not bytes", async () => {
  const text = sourceOf(["text"] as unknown as Iterable<Uint8Array>);
  await assertRejects(
    async () => await text.read(new Uint8Array(1)),
    TypeError,
    "not a Uint8Array",
  );
});

Deno.test("StreamReader of a Buffer of Node has plain bytes as its memory", () => {
  const reader = new StreamReader(Buffer.from("hello") as unknown as Bytes);
  const copy = reader.memory.slice(0, 2);
  reader.memory[0] = 0;
  assertEquals(copy, new Uint8Array([0x68, 0x65]));
});

function source(all: Bytes, later: boolean): ByteSource {
  let at = 0;
  const pass = (count: number) => {
    const passed = Math.min(count, all.length - at);
    at += passed;
    return later ? Promise.resolve(passed) : passed;
  };
  return {
    read(into) {
      into.set(all.subarray(at, Math.min(all.length, at + into.length)));
      return pass(into.length);
    },
    skip: later ? pass : undefined,
    close: undefined,
  };
}
