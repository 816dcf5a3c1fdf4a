// The payload stream of a split archive, into a store: its chunks are those of the official pieces, however the encoder cuts its own.
import { cutPayload } from "@pxar/chunk/cut";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { openIndex } from "@pxar/chunk/open_index";
import { type Injection, PayloadRules } from "@pxar/chunk/payload_rules";
import type { PayloadPart } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { makeManifest } from "@pxar/store/manifest";
import { memoryStore } from "@pxar/store/memory";
import { type KnownChunk, PayloadWriter } from "@pxar/store/payload_writer";
import type { ChunkStore, SnapshotWriter } from "@pxar/store/store";
import { openNative } from "@pxar/sys/native";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { pieceLengths } from "../support/payload_model.ts";
import { input, xorshift32 } from "../support/prng.ts";
import { replacing } from "../transfer/stores.ts";
import { groupOf, putChunk, snapshotOf } from "./contract.ts";
import { withDatastore } from "./stores.ts";

const native = openNative();
const NAME = "root.ppxar.didx", SNAPSHOT = snapshotOf(groupOf("h1"), 0);
const HEADER = 16, MIB = 1 << 20;

/** What the encoder does: a file is written, one is reused, chunks are put in. */
type Step =
  | { readonly file: number }
  | { readonly reused: true }
  | { readonly inject: readonly KnownChunk[] };

/** A stream, and what is to become of it. */
interface Stream {
  readonly raw: Bytes;
  readonly steps: readonly Step[];
}

function streamOf(steps: readonly Step[], seed: number): Stream {
  let size = 2 * HEADER;
  for (const step of steps) if ("file" in step) size += HEADER + step.file;
  // Text and noise: boundaries by content of every kind.
  const raw = input({ kind: "xorshift32", seed, size });
  if (seed % 3 === 0) raw.fill(7, size >> 2, size >> 1);
  return { raw, steps };
}

/** What the encoder says, its bytes in pieces of any lengths. */
function* partsOf(
  { raw, steps }: Stream,
  length: () => number,
): Generator<PayloadPart> {
  let given = 0, filled = HEADER, injected = 0;
  const suggested: PayloadPart[] = [];
  function* flush(to: number): Generator<PayloadPart> {
    yield* suggested.splice(0);
    if (to > given) yield { bytes: raw.slice(given, to) };
    given = to;
  }
  let wanted = length();
  for (const step of steps) {
    if ("inject" in step) {
      yield* flush(filled);
      const size = step.inject.reduce((sum, { size }) => sum + size, 0);
      yield { inject: size, token: step.inject };
      injected += size;
      continue;
    }
    const suggest = filled + injected;
    if ("reused" in step) {
      suggested.push({ suggest });
      continue;
    }
    const { file: size } = step;
    suggested.push({ suggest, size });
    // A header is in one piece; a content need not be.
    filled += HEADER;
    for (let left = size;;) {
      const now = Math.min(left, wanted - (filled - given));
      if (now > 0) filled += now;
      if (now > 0) left -= now;
      if (filled - given < wanted) break;
      yield* flush(filled);
      wanted = length();
    }
  }
  yield* flush(raw.length);
}

type Cut = readonly [end: number, digest: string];

/** The chunks by the rules, asked about the official pieces one after the other; all that is said is known from the start. */
function expectedOf({ raw, steps }: Stream, average: number): Cut[] {
  const rules = new PayloadRules(average);
  const sizes = steps.flatMap((step) => "file" in step ? [step.file] : []);
  let position = HEADER;
  for (const step of steps) {
    if ("inject" in step) {
      const size = step.inject.reduce((sum, { size }) => sum + size, 0);
      rules.inject(position, size, step.inject);
      position += size;
      continue;
    }
    rules.suggest(position);
    if ("file" in step) position += HEADER + step.file;
  }
  const cuts: Cut[] = [];
  let start = 0, end = 0, have = 0;
  const push = (length: number) => {
    end += length;
    cuts.push([end, hexOf(digestOf(raw.subarray(start, start + length)))]);
    start += length;
  };
  for (const length of pieceLengths(sizes)) {
    have += length;
    for (let injection: Injection | undefined;;) {
      const length = rules.next(raw, start, have - start);
      if (length > 0) push(length);
      else if ((injection = rules.injection()) !== undefined) {
        for (const { digest, size } of injection.token as KnownChunk[]) {
          cuts.push([end += size, hexOf(digest)]);
        }
      } else break;
    }
  }
  assertEquals(have, raw.length);
  if (start < raw.length) push(raw.length - start);
  return cuts;
}

/** Writes a stream; gives what the index then says, and what the summary. */
async function written(
  writer: SnapshotWriter,
  crew: ChunkCrew,
  parts: Iterable<PayloadPart>,
  average: number,
  name = NAME,
) {
  await using payload = await PayloadWriter.open(
    name,
    writer,
    await writer.dynamicIndex(name),
    crew,
    { average },
  );
  for (const part of parts) {
    const wait = payload.write(part);
    if (wait !== undefined) await wait;
    // Copied: what becomes of it does not matter.
    if ("bytes" in part) part.bytes.fill(0xee);
  }
  return await payload.finish();
}

async function chunksOf(store: Datastore): Promise<Cut[]> {
  await using reader = await store.open(SNAPSHOT);
  const index = await openIndex(await reader.file(NAME)), cuts: Cut[] = [];
  for await (const batch of index.chunks()) {
    for (const { end, digest } of batch) cuts.push([end, hexOf(digest)]);
  }
  await index.close();
  return cuts;
}

const STORES: Record<
  string,
  (use: (store: Datastore) => Promise<void>) => Promise<void>
> = {
  "on disk": (use) => withDatastore(use),
  "in memory": async (use) => await use(await memoryStore()),
};

/** Chunks to be put in, as short as they may be. */
const KNOWN = [700, 1, 4096, 9000].map((size, i) =>
  input({ kind: "xorshift32", seed: 900 + i, size })
);

/** Sizes of files, many of them where a piece ends. */
const SIZE = fc.oneof(
  { weight: 6, arbitrary: fc.nat(3000) },
  { weight: 3, arbitrary: fc.nat(100_000) },
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 262_060, max: 262_180 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 4 * MIB - 50, max: 4 * MIB + 300_000 }),
  },
);

const STEPS = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ file: SIZE }) },
    { weight: 1, arbitrary: fc.constant({ reused: true } as const) },
    {
      weight: 2,
      arbitrary: fc.record({
        inject: fc.array(fc.nat(KNOWN.length - 1), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
    },
  ),
  { minLength: 1, maxLength: 60 },
);

for (const [where, withStore] of Object.entries(STORES)) {
  for (const threads of [0, 2]) {
    Deno.test(`PayloadWriter cuts as the official pieces are cut, however its bytes come, ${where}, ${threads} threads`, async () => {
      await fc.assert(
        fc.asyncProperty(
          STEPS,
          fc.integer({ min: 1, max: 1e6 }),
          fc.constantFrom(4096, 16384, 65536),
          fc.constantFrom(1, 100, 5000, 300_000, 5 * MIB),
          async (made, seed, average, most) => {
            await withStore(async (store) => {
              const crew = await ChunkCrew.start(store.direct, {
                threads,
                native,
              });
              try {
                await using writer = await store.create(SNAPSHOT, {
                  owner: "root@pam",
                });
                const known: KnownChunk[] = [];
                for (const bytes of KNOWN) {
                  const { ref } = await putChunk(writer, 0, bytes);
                  known.push({ digest: ref.digest, size: bytes.length });
                }
                const steps = made.map((step): Step =>
                  "inject" in step
                    ? { inject: step.inject.map((i) => known[i]!) }
                    : step
                );
                const stream = streamOf(steps, seed), next = xorshift32(seed);
                const { file, ...counts } = await written(
                  writer,
                  crew,
                  partsOf(
                    stream,
                    // Byte by byte is slow where there are many.
                    () => 1 + next() % Math.max(most, stream.raw.length >> 12),
                  ),
                  average,
                );
                await writer.finish(
                  makeManifest(SNAPSHOT, [{ ...file, cryptMode: "none" }]),
                );
                const expected = expectedOf(stream, average);
                assertEquals(await chunksOf(store), expected);
                const put = steps.flatMap((step) =>
                  "inject" in step ? step.inject : []
                );
                assertEquals([
                  file.size,
                  counts.chunks,
                  counts.knownChunks,
                  counts.knownBytes,
                ], [
                  expected.at(-1)![0],
                  expected.length,
                  put.length,
                  put.reduce((sum, { size }) => sum + size, 0),
                ]);
                assert(counts.newChunks <= counts.chunks - put.length);
              } finally {
                crew.close();
              }
            });
          },
        ),
        { numRuns: 8, endOnFailure: true },
      );
    });
  }
}

Deno.test("PayloadWriter cuts as cutPayload() does of the official pieces, where nothing is put in", async () => {
  const sizes = [
    ...Array.from({ length: 90 }, (_, i) => (i * 7919) % 40_000),
    262_144 - 32,
    0,
    5 * MIB,
    17,
    0,
    262_144,
    9 * MIB + 5,
    70_000,
  ];
  const stream = streamOf(sizes.map((file) => ({ file })), 5), { raw } = stream;
  const pieces = pieceLengths(sizes), ends: number[] = [];
  const suggested: number[] = [];
  let at = HEADER;
  for (const size of sizes) {
    suggested.push(at);
    at += HEADER + size;
  }
  function* parts(): Generator<PayloadPart> {
    let end = 0;
    for (const length of pieces) {
      const start = end;
      end += length;
      // Known to the piece that ends there, not only to the one that begins there.
      while (suggested[0]! <= end) yield { suggest: suggested.shift()! };
      yield { bytes: raw.subarray(start, end) };
    }
  }
  for await (const { end } of cutPayload(parts(), { average: 65536 })) {
    ends.push(end);
  }
  for (const most of [777, 1 << 20, 20 * MIB]) {
    const store = await memoryStore();
    const crew = await ChunkCrew.start(store.direct, { threads: 0 });
    await using writer = await store.create(SNAPSHOT, { owner: "root@pam" });
    const { file } = await written(
      writer,
      crew,
      partsOf(stream, () => most),
      65536,
    );
    await writer.finish(
      makeManifest(SNAPSHOT, [{ ...file, cryptMode: "none" }]),
    );
    assertEquals((await chunksOf(store)).map(([end]) => end), ends);
  }
});

Deno.test("PayloadWriter puts chunks in within a collected piece, at its end, and at both ends of the stream", async () => {
  const store = await memoryStore();
  const crew = await ChunkCrew.start(store.direct, { threads: 0 });
  await using writer = await store.create(SNAPSHOT, { owner: "root@pam" });
  const { ref } = await putChunk(writer, 0, KNOWN[0]!);
  const inject = [{ digest: ref.digest, size: KNOWN[0]!.length }];
  const steps: Step[] = [
    { inject },
    { file: 100 },
    { inject },
    { file: 50 },
    // The collected piece is full here.
    { file: 262_144 - 4 * HEADER - 150 },
    { inject },
    { reused: true },
    { file: 0 },
    { inject },
  ];
  const stream = streamOf(steps, 4);
  const { file } = await written(
    writer,
    crew,
    partsOf(stream, () => 10_000),
    1 << 20,
  );
  await writer.finish(makeManifest(SNAPSHOT, [{ ...file, cryptMode: "none" }]));
  const known = KNOWN[0]!.length;
  let end = 0;
  const lengths = (await chunksOf(store)).map(([to]) => {
    const length = to - end;
    end = to;
    return length;
  });
  assertEquals(lengths, [
    HEADER,
    known,
    HEADER + 100,
    known,
    262_144 - 2 * HEADER - 100,
    known,
    HEADER,
    known,
    HEADER,
  ]);
});

/** A crew that counts its memories. */
function countingMemories(crew: ChunkCrew): { crew: ChunkCrew; live: number } {
  const counted = {
    live: 0,
    crew: replacing(crew, {
      addMemory: async (buffer: ArrayBufferLike) => {
        counted.live++;
        return await crew.addMemory(buffer);
      },
      dropMemory: async (id: number) => {
        counted.live--;
        await crew.dropMemory(id);
      },
    }),
  };
  return counted;
}

for (const threads of [0, 2]) {
  Deno.test(`PayloadWriter: a chunk that cannot be kept ends it, and its memory is released, ${threads} threads`, async () => {
    const store = await memoryStore();
    const counted = countingMemories(
      await ChunkCrew.start(store.direct, { threads }),
    );
    await using writer = await store.create(SNAPSHOT, { owner: "root@pam" });
    let puts = 0;
    const failing = replacing<SnapshotWriter>(writer, {
      chunks: replacing<ChunkStore>(writer.chunks, {
        put: async (...args) => {
          if (++puts === 20) throw new Error("the disk is on fire");
          return await writer.chunks.put(...args);
        },
      }),
    });
    const stream = streamOf(
      Array.from({ length: 100 }, () => ({ file: 20_000 })),
      8,
    );
    let parts = 0;
    const counting = function* () {
      for (const part of partsOf(stream, () => 30_000)) {
        parts++;
        yield part;
      }
    };
    await assertRejects(
      () => written(failing, counted.crew, counting(), 4096),
      Error,
      "the disk is on fire",
    );
    // It did not wait for the end to say so.
    assert(parts < 100, `${parts} parts`);
    assertEquals(counted.live, 0);
    // The crew goes on with other work, and the snapshot too.
    const other = "other.ppxar.didx";
    const { file } = await written(
      writer,
      counted.crew,
      partsOf(stream, () => 30_000),
      4096,
      other,
    );
    assertEquals([file.name, file.size, counted.live], [
      other,
      stream.raw.length,
      0,
    ]);
    counted.crew.close();
  });
}

Deno.test("PayloadWriter refuses two writes at once, any after its end, and chunks whose length is not what was said", async () => {
  const store = await memoryStore();
  const counted = countingMemories(
    await ChunkCrew.start(store.direct, { threads: 0 }),
  );
  await using writer = await store.create(SNAPSHOT, { owner: "root@pam" });
  await using payload = await PayloadWriter.open(
    NAME,
    writer,
    await writer.dynamicIndex(NAME),
    counted.crew,
    { average: 4096 },
  );
  const first = payload.write({ bytes: new Uint8Array(300_000) });
  const second = payload.write({ bytes: new Uint8Array(1) });
  await assertRejects(async () => await second, TypeError, "under way");
  await first;
  const { ref } = await putChunk(writer, 0, KNOWN[0]!);
  const token = [{ digest: ref.digest, size: 700 }];
  for (const inject of [0, 699, 701]) {
    await assertRejects(
      async () => await payload.write({ inject, token }),
      RangeError,
      `they have 700 bytes, expected the ${inject} that were said`,
    );
  }
  await payload.write({ inject: 0, token: [] });
  await payload.write({ inject: 700, token });
  assertEquals((await payload.finish()).file.size, 300_700);
  await assertRejects(
    async () => await payload.write({ bytes: new Uint8Array(1) }),
    TypeError,
    "ended",
  );
  await assertRejects(() => payload.finish(), TypeError, "ended");
  assertEquals(counted.live, 0);
});

Deno.test("PayloadWriter: an aborted signal ends it, also where only known chunks come", async () => {
  const store = await memoryStore(), stop = new AbortController();
  const counted = countingMemories(
    await ChunkCrew.start(store.direct, { threads: 0 }),
  );
  const attempt = async () => {
    await using writer = await store.create(SNAPSHOT, { owner: "root@pam" });
    const { ref } = await putChunk(writer, 0, KNOWN[0]!);
    const token = [{ digest: ref.digest, size: KNOWN[0]!.length }];
    await using payload = await PayloadWriter.open(
      NAME,
      writer,
      await writer.dynamicIndex(NAME),
      counted.crew,
      { average: 4096, signal: stop.signal },
    );
    for (let i = 0; i < 1000; i++) {
      if (i === 500) stop.abort(new Error("enough"));
      await payload.write({ inject: KNOWN[0]!.length, token });
    }
    await payload.finish();
  };
  await assertRejects(attempt, Error, "enough");
  assertEquals([counted.live, await store.snapshots("")], [0, []]);
});

Deno.test("PayloadWriter lists known chunks while nothing else comes: they do not wait for the end", async () => {
  const store = await memoryStore();
  const crew = await ChunkCrew.start(store.direct, { threads: 0 });
  await using writer = await store.create(SNAPSHOT, { owner: "root@pam" });
  const { ref } = await putChunk(writer, 0, KNOWN[0]!);
  const token = [{ digest: ref.digest, size: KNOWN[0]!.length }];
  const index = await writer.dynamicIndex(NAME);
  let listed = 0;
  await using payload = await PayloadWriter.open(NAME, writer, {
    append: async (chunks) => {
      listed += chunks.length;
      await index.append(chunks);
    },
    close: () => index.close(),
  }, crew);
  await payload.write({ bytes: new Uint8Array(HEADER) });
  let furthest = 0;
  for (let i = 1; i <= 5000; i++) {
    await payload.write({ inject: KNOWN[0]!.length, token });
    furthest = Math.max(furthest, i - listed);
  }
  assert(furthest < 500, `${furthest} chunks waited`);
  const { chunks, knownChunks } = await payload.finish();
  assertEquals([chunks, knownChunks], [5001, 5000]);
});
