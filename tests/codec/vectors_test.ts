// Every golden archive, both ways.
import { decode, type DecodeOptions } from "@pxar/codec/decode";
import { encode, encodeStream, encodeStreams } from "@pxar/codec/encode";
import type { ByteInput } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { each } from "@pxar/transfer/each";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import {
  assertSameBytes,
  CollectPayload,
  CollectSink,
  concat,
  describeEntries,
  describeManifest,
  gather,
} from "../support/entries.ts";
import {
  loadVector,
  TREES,
  VARIANTS,
  type Vector,
} from "../support/vectors.ts";

const ALL = [...TREES, ...VARIANTS];
const SMALL = 64 << 10;

// Spec M: made by another encoder.
const M = Uint8Array.from(
  ("efac88e5746495d53800000000000000ed4100000000000000000000000000000000000000000000d87f4355000000000000000000000000b317390621117016" +
    "12000000000000006100efac88e5746495d53800000000000000a4810000000000000000000000000000e8030000e8030000d87f43550000000040420f000000" +
    "0000251a7c0b1b7a1428120000000000000068691d73d542a64fec2f4000000000000000cf7b2c7c06e9260c5c000000000000005c0000000000000055153e75" +
    "5bed5eef94000000000000004000000000000000").match(/../g)!,
  (hex) => parseInt(hex, 16),
);

Deno.test("decode() gives what the manifest of every v1 archive says", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      const entries = await gather(decode(vector.v1));
      assertEquals(
        describeEntries(entries),
        describeManifest(vector.entries, 1),
      );
      assertOrder(entries);
    });
  }
});

Deno.test("decode() gives what the manifest of every split archive says", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      const entries = await gather(decode(...split(vector)));
      assertEquals(
        describeEntries(entries),
        describeManifest(vector.entries, 2),
      );
      assertOrder(entries);
      const [version, second] = entries;
      assertEquals([version!.kind, version!.content?.size], ["version", 8]);
      assertEquals(
        second!.kind,
        hasPrelude(vector) ? "prelude" : "directory",
      );
    });
  }
});

Deno.test("encode() gives every archive back byte for byte, v1 and v2", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      const v1 = await toV1(decode(vector.v1));
      assertSameBytes(v1, vector.v1, "v1");
      const v2 = await toV2(decode(...split(vector)));
      assertSameBytes(v2.metadata, vector.metadata, "metadata");
      assertSameBytes(v2.payload, vector.payload, "payload");
    });
  }
});

Deno.test("encode() of a decoded archive of the other version gives that version's golden archive", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    const { name, v1, metadata, payload } = vector;
    if (hasPrelude(vector)) continue;
    await t.step(name, async () => {
      const two = await toV2(decode(v1));
      assertSameBytes(two.metadata, metadata, "metadata");
      assertSameBytes(two.payload, payload, "payload");
      assertSameBytes(await toV1(decode(...split(vector))), v1, "v1");
    });
  }
});

Deno.test("encode() of a split archive with a prelude to v1 refuses the prelude, and works without it", async () => {
  const vector = loadVector("exclude-cli-a");
  await assertRejects(
    () => toV1(decode(...split(vector))),
    TypeError,
    "prelude",
  );
  const archive = await toV1(
    each(
      decode(...split(vector)),
      (entry) => entry.kind === "prelude" ? undefined : entry,
    ),
  );
  assertEquals(
    describeEntries(await gather(decode(archive))).map(({ path }) => path),
    describeManifest(vector.entries, 2).map(({ path }) => path),
  );
});

Deno.test("encodeStream() and encodeStreams() give every archive back byte for byte", async (t) => {
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      const v1 = await bytesOf(encodeStream(decode(streamOf(vector.v1))));
      assertSameBytes(v1, vector.v1, "v1");
      const streams = encodeStreams(
        decode(streamOf(vector.metadata), {
          payload: streamOf(vector.payload),
        }),
      );
      const [metadata, payload, encoded] = await Promise.all([
        bytesOf(streams.metadata),
        bytesOf(streams.payload),
        streams.done,
      ]);
      assertSameBytes(metadata, vector.metadata, "metadata");
      assertSameBytes(payload, vector.payload, "payload");
      assertEquals(encoded, {
        metadata: metadata.length,
        payload: payload.length,
        entries: describeManifest(vector.entries, 2).length,
      });
    });
  }
});

Deno.test("decode() gives the same entries whatever pieces an archive comes in", async (t) => {
  const random = randomNumbers(0xc0ffee);
  for (const vector of ALL.map(loadVector)) {
    await t.step(vector.name, async () => {
      for (
        const [archive, options] of [[vector.v1, {}], split(vector)] as const
      ) {
        const expected = await summary(archive, options);
        const cut = (way: (bytes: Bytes) => Iterable<Uint8Array>) =>
          summary(way(archive), {
            ...options,
            payload: options.payload && way(options.payload as Bytes),
            batch: 1 + random() % 100,
            buffer: 128 << 10,
          });
        assertEquals(await cut((bytes) => [bytes]), expected, "in one piece");
        for (const most of [50, 5000, 300_000]) {
          const way = (bytes: Bytes) => cutRandomly(bytes, most, random);
          assertEquals(await cut(way), expected, `up to ${most} at a time`);
        }
        if (archive.length <= SMALL && vector.payload.length <= SMALL) {
          const bytewise = (bytes: Bytes) =>
            (function* () {
              for (let i = 0; i < bytes.length; i++) {
                yield bytes.subarray(i, i + 1);
              }
            })();
          assertEquals(await cut(bytewise), expected, "byte by byte");
        }
      }
    });
  }
});

Deno.test("decode() and encode() agree with the archive of another encoder", async () => {
  const entries = await gather(decode(M));
  assertEquals(
    entries.map(({ kind, name, mode, uid, secs, nanos, position }) => [
      kind,
      new TextDecoder().decode(name),
      mode,
      uid,
      secs,
      nanos,
      position,
    ]),
    [
      ["directory", "", 0o40755, 0, 1430487000, 0, 0],
      ["file", "a", 0o100644, 1000, 1430487000, 1_000_000, 56],
      ["end", "", 0, 0, 0, 0, 148],
    ],
  );
  assertSameBytes(await toV1(decode(M)), M);
});

/** What the command line excludes is a file in v1 and a prelude in v2. */
function hasPrelude({ entries }: Vector): boolean {
  return entries.some(({ only }) => only === "v1");
}

function split(vector: Vector): [Bytes, DecodeOptions] {
  return [vector.metadata, { payload: vector.payload }];
}

async function toV1(batches: Batches): Promise<Bytes> {
  const metadata = new CollectSink();
  await encode(batches, { metadata });
  return metadata.bytes();
}

async function toV2(
  batches: Batches,
): Promise<{ metadata: Bytes; payload: Bytes }> {
  const metadata = new CollectSink(), payload = new CollectPayload();
  await encode(batches, { metadata, payload });
  return { metadata: metadata.bytes(), payload: payload.bytes() };
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Bytes> {
  return concat(await Array.fromAsync(stream));
}

/** A stream of 10,000 bytes at a time. */
function streamOf(bytes: Bytes): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += 10_000));
      at = Math.min(at, bytes.length);
    },
  });
}

/** Entries as text, contents up to 64 KiB with it. */
async function summary(
  archive: ByteInput,
  options: DecodeOptions,
): Promise<string[]> {
  const lines: string[] = [];
  const into = new Uint8Array(SMALL);
  for await (const batch of decode(archive, options)) {
    for (const entry of batch) {
      let content = "";
      if (entry.content !== undefined && entry.content.size <= SMALL) {
        for (let got = 1; got > 0;) {
          got = await entry.content.read(into);
          for (let i = 0; i < got; i++) content += into[i];
        }
      }
      lines.push(JSON.stringify(entry) + content);
    }
  }
  return lines;
}

function* cutRandomly(
  bytes: Bytes,
  most: number,
  random: () => number,
): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = at + random() % (most + 1);
    yield bytes.subarray(at, end);
    at = Math.min(end, bytes.length);
  }
}

/** xorshift: 32-bit numbers, the same each time. */
function randomNumbers(seed: number): () => number {
  return () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
}

/** Positions rise, and hardlinks point back to files. */
function assertOrder(entries: readonly Entry[]): void {
  let last = -1;
  const files = new Set<number>();
  for (const { kind, position, linkPosition } of entries) {
    if (kind === "version" || kind === "prelude") continue;
    assert(position! > last, "position rises");
    last = position!;
    if (kind === "file") files.add(position!);
    if (kind === "hardlink") assert(files.has(linkPosition!));
  }
}
