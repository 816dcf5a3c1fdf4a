// The chunks of one file: the right ones, and what they prove of two files.
import { openCodecs } from "@pxar/chunk/codecs";
import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { DynamicIndexWriter } from "@pxar/chunk/dynamic_index";
import { MemoryIndexSink } from "@pxar/chunk/index_sink";
import { joinAccess } from "@pxar/chunk/join";
import { openIndex } from "@pxar/chunk/open_index";
import { sha256Of } from "@pxar/chunk/sha256";
import { Accessor } from "@pxar/codec/accessor";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { BytesContent, type Content, makeEntry } from "@pxar/format/entry";
import { FormatError, PxarError, TruncatedError } from "@pxar/format/errors";
import {
  contentDigest,
  type FileChunk,
  fileChunks,
  payloadPlace,
  sameChunks,
  unprovenRanges,
} from "@pxar/transfer/file_chunks";
import fc from "fast-check";
import { nodes } from "../codec/walk.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { split, unified } from "../support/archives.ts";
import {
  arbitraryTree,
  assertSameBytes,
  BytesContent as Told,
  concat,
  inBatches,
  renew,
} from "../support/entries.ts";

const codecs = await openCodecs();

/** The index of bytes that are cut at some places. */
async function indexOf(
  bytes: Bytes,
  cuts: readonly number[],
): Promise<ChunkIndex> {
  const sink = new MemoryIndexSink();
  const writer = new DynamicIndexWriter(sink);
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length]
    .filter((end) => end > 0).sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    await writer.append(end, digestOf(bytes.subarray(start, end)));
    start = end;
  }
  await writer.close();
  return await openIndex(bytesAccess(sink.bytes));
}

async function all(
  chunks: AsyncIterable<FileChunk>,
): Promise<readonly FileChunk[]> {
  return await Array.fromAsync(chunks);
}

const CUTS = fc.array(fc.nat(100_000), { maxLength: 30 });

Deno.test("fileChunks() gives the parts of chunks that are a file's, of both forms of an archive", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree(), CUTS, fc.nat(4000), fc.nat(4000), async (
      entries,
      cuts,
      from,
      length,
    ) => {
      const v1 = await unified(inBatches(renew(entries)));
      const { metadata, payload } = await split(inBatches(renew(entries)));
      const archives = [
        [v1, await Accessor.open(bytesAccess(v1))],
        [
          payload,
          await Accessor.open(bytesAccess(metadata), {
            payload: bytesAccess(payload),
          }),
        ],
      ] as const;
      for (const [stream, accessor] of archives) {
        const index = await indexOf(stream, cuts);
        for (const { node } of await nodes(accessor)) {
          if (node.entry.kind !== "file") continue;
          const whole = new Uint8Array(node.size);
          await accessor.read(node, 0, whole);
          const chunks = await all(fileChunks(index, node));
          assertSameBytes(partsOf(stream, chunks), whole);
          assert(chunks.every(({ from, to }) => to > from));
          const { payload } = node.entry;
          if (payload !== undefined) {
            const place = payloadPlace(payload);
            assertEquals(await all(fileChunks(index, place)), chunks);
          }
          const start = Math.min(from, node.size), end = start + length;
          assertSameBytes(
            partsOf(stream, await all(fileChunks(index, node, { start, end }))),
            whole.subarray(start, end),
          );
        }
      }
    }),
    { numRuns: 25 },
  );
});

function partsOf(stream: Bytes, chunks: readonly FileChunk[]): Bytes {
  let at: number | undefined;
  return concat(chunks.map((chunk) => {
    if (at !== undefined) assertEquals(chunk.at, at);
    at = chunk.at + chunk.to - chunk.from;
    return stream.subarray(
      chunk.ref.start + chunk.from,
      chunk.ref.start + chunk.to,
    );
  }));
}

Deno.test("fileChunks() refuses what is no range, and a file beyond its stream", async () => {
  const index = await indexOf(new Uint8Array(100), [50]);
  const file = { start: 40, size: 20 };
  const ranges = [{ start: -1 }, { start: 3, end: 2 }, { end: 1.5 }];
  for (const range of ranges) {
    await assertRejects(() => all(fileChunks(index, file, range)), RangeError);
  }
  await assertRejects(
    () => all(fileChunks(index, { start: 90, size: 11 })),
    TruncatedError,
    "its stream ends at byte 100, expected byte 101",
  );
  assertEquals(await all(fileChunks(index, { start: 100, size: 0 })), []);
  const part = { start: 90, size: 11 };
  assertEquals((await all(fileChunks(index, part, { end: 10 }))).length, 1);
});

Deno.test("fileChunks() ends in a PxarError where an index is damaged", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { minLength: 1 }),
      async (edits) => {
        const sink = new MemoryIndexSink();
        const writer = new DynamicIndexWriter(sink);
        for (const end of [100, 220, 300]) {
          await writer.append(end, new Uint8Array(32));
        }
        await writer.close();
        const bytes = sink.bytes.slice();
        // The last end stays: it is the size.
        for (const [at, byte] of edits) bytes[4096 + at] = byte;
        const index = await openIndex(bytesAccess(bytes));
        try {
          const chunks = await all(
            fileChunks(index, { start: 20, size: 270 }),
          );
          assertEquals(
            chunks.reduce((sum, { from, to }) => sum + to - from, 0),
            270,
          );
        } catch (error) {
          assert(error instanceof PxarError, String(error));
        }
      },
    ),
  );
  const lying: ChunkIndex = {
    ...await indexOf(new Uint8Array(100), []),
    size: 100,
    count: 3,
    find: () => 1,
    chunk: (): ChunkRef => ({ start: 50, end: 60, digest: new Uint8Array(32) }),
  };
  await assertRejects(
    () => all(fileChunks(lying, { start: 52, size: 30 })),
    FormatError,
    "expected ends that rise",
  );
});

Deno.test("unprovenRanges() leaves out nothing that differs, and nothing is left of a file and itself", async () => {
  const piece = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })).map((
    [byte, length],
  ) => new Uint8Array(length).fill(byte));
  const pieces = fc.array(piece, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      pieces,
      pieces,
      CUTS,
      CUTS,
      fc.nat(),
      fc.nat(),
      fc.nat(),
      async (one, other, cuts, others, start, from, length) => {
        const a = concat(one), b = concat(other);
        const at = start % a.length, to = from % b.length;
        const size = length % (1 + Math.min(a.length - at, b.length - to));
        const ours = {
          index: await indexOf(a, cuts),
          file: { start: at, size },
        };
        const theirs = {
          index: await indexOf(b, others),
          file: { start: to, size },
        };
        const ranges = await Array.fromAsync(unprovenRanges(ours, theirs));
        let proven = 0;
        for (const { start, end } of [...ranges, { start: size, end: size }]) {
          assertSameBytes(
            a.subarray(at + proven, at + start),
            b.subarray(to + proven, to + start),
          );
          assert(end > start || start === size);
          proven = end;
        }
        const same = await sameChunks(ours, theirs);
        assertEquals(same, ranges.length === 0);
        assertEquals(await Array.fromAsync(unprovenRanges(ours, ours)), []);
        assert(await sameChunks(theirs, theirs));
        const longer = { ...ours, file: { start: at, size: size + 1 } };
        assert(!await sameChunks(longer, theirs));
        await assertRejects(
          () => Array.fromAsync(unprovenRanges(longer, theirs)),
          RangeError,
          "expected one length",
        );
      },
    ),
  );
});

Deno.test("unprovenRanges() sees through a shift: only the chunks around it are left", async () => {
  // 1000 bytes, cut at 100, 200 … in the one; the other has 30 bytes more before, in its first chunk.
  const file = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
  const cuts = [100, 200, 300, 400, 500];
  const shifted = concat([new Uint8Array(30), file]);
  const ranges = await Array.fromAsync(unprovenRanges(
    { index: await indexOf(file, cuts), file: { start: 0, size: 1000 } },
    {
      index: await indexOf(shifted, cuts.map((cut) => cut + 30)),
      file: { start: 30, size: 1000 },
    },
  ));
  assertEquals(ranges, [{ start: 0, end: 100 }]);
});

Deno.test("contentDigest() is the SHA-256, and fetches the file's chunks only", async () => {
  const big = Uint8Array.from({ length: 700_000 }, (_, i) => i ^ (i >> 8));
  const name = (text: string) => new TextEncoder().encode(text);
  const file = (text: string, bytes: Bytes) =>
    makeEntry("file", {
      name: name(text),
      mode: 0o100644,
      content: new Told(bytes),
    });
  const archive = await unified([[
    makeEntry("directory", { mode: 0o40755 }),
    file("a", new Uint8Array(500_000)),
    file("b", big),
    file("c", new Uint8Array(500_000).fill(1)),
    makeEntry("end"),
  ]]);
  const index = await indexOf(
    archive,
    Array.from({ length: 40 }, (_, i) => (i + 1) * 50_000),
  );
  const blobs = new Map<string, Bytes>();
  for await (const refs of index.chunks()) {
    for (const { start, end, digest } of refs) {
      const blob = await sealBlob(archive.subarray(start, end), { codecs });
      blobs.set(hexOf(digest), joinBlob(blob));
    }
  }
  const asked = new Set<string>();
  const source = {
    get: (digest: Bytes) => {
      asked.add(hexOf(digest));
      return Promise.resolve(blobs.get(hexOf(digest))!);
    },
  };
  await using accessor = await Accessor.open(
    joinAccess(index, source, { codecs, encrypted: false }),
  );
  const node = (await accessor.lookup("b"))!;
  asked.clear();
  const digest = await contentDigest(accessor.content(node));
  assertEquals(hexOf(digest), hexOf(sha256Of(big)));
  const own = new Set(
    (await all(fileChunks(index, node))).map(({ ref }) => hexOf(ref.digest)),
  );
  assert([...asked].every((hex) => own.has(hex)));
  assertEquals(
    hexOf(await contentDigest(new BytesContent(new Uint8Array()))),
    hexOf(sha256Of()),
  );
});

Deno.test("contentDigest() does not take a short content for a whole one, and ends when it is told to", async () => {
  const short: Content = { size: 10, read: () => 0, release: undefined };
  await assertRejects(() => contentDigest(short), TruncatedError);
  await assertRejects(
    () =>
      contentDigest(new BytesContent(new Uint8Array(10)), {
        signal: AbortSignal.abort(new Error("enough")),
      }),
    Error,
    "enough",
  );
});
