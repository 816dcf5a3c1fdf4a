import type { CutRulesOptions } from "@pxar/chunk/cut_rules";
import { cutRules } from "@pxar/chunk/cut_rules";
import { openBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { openIndex } from "@pxar/chunk/open_index";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { SystemError } from "@pxar/format/errors";
import { archivePieces } from "@pxar/store/archive_stream";
import { type ArchiveSummary, ArchiveWriter } from "@pxar/store/archive_writer";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { makeManifest } from "@pxar/store/manifest";
import { signManifest } from "@pxar/store/manifest_signature";
import { memoryStore } from "@pxar/store/memory";
import type { SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotWriter } from "@pxar/store/store";
import { collectGarbage } from "@pxar/store/gc";
import { openNative } from "@pxar/sys/native";
import { verify } from "@pxar/store/verify";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { assertSameBytes, concat } from "../support/entries.ts";
import { input, xorshift32 } from "../support/prng.ts";
import { groupOf, snapshotOf } from "./contract.ts";
import { bytesOf, chunkFiles, withDatastore } from "./stores.ts";

const codecs = await openCodecs(), native = openNative();
const KEY = CryptKey.of(new Uint8Array(32).fill(3));
const GROUP = groupOf("h1"), OWNER = "root@pam";

/** Data that repeats parts of itself, at any distance: chunks of one lap through a ring are those of another. */
function repetitive(seed: number, size: number): Bytes {
  const next = xorshift32(seed), bytes = new Uint8Array(size);
  const parts = [
    input({ kind: "xorshift32", seed: 11, size: 40_000 }),
    input({ kind: "text", seed: 12, size: 90_000 }),
    input({ kind: "constant", byte: 0, size: 64_000 }),
    input({ kind: "xorshift32", seed: 13, size: 3_000 }),
    // New with each seed.
    input({ kind: "text", seed, size: 20_000 }),
  ];
  for (let at = 0; at < size;) {
    const part = parts[next() % parts.length]!;
    bytes.set(part.subarray(0, size - at), at);
    at += part.length;
  }
  return bytes;
}

/** Writes one archive in pieces, or from a source. */
async function writeArchive(
  archive: ArchiveWriter,
  data: Bytes,
  seed: number,
): Promise<ArchiveSummary> {
  const next = xorshift32(seed);
  if (next() % 2 === 0) {
    let at = 0;
    const source: ByteSource = {
      skip: undefined,
      close: undefined,
      read(into) {
        const part = data.subarray(
          at,
          at + Math.min(into.length, 1 + next() % 70_000),
        );
        into.set(part);
        at += part.length;
        return next() % 2 === 0 ? part.length : Promise.resolve(part.length);
      },
    };
    await archive.readFrom(source);
  } else {
    for (let at = 0; at < data.length;) {
      const piece = data.slice(at, at + next() % 70_000);
      await archive.write(piece);
      at += piece.length;
      // Copied: what becomes of it does not matter.
      piece.fill(0xee);
    }
  }
  return await archive.finish();
}

interface Setting {
  readonly key: CryptKey | undefined;
  readonly cut: CutRulesOptions;
  readonly threads: number;
}

/** Makes a snapshot of one archive, or an image where it is cut into equal parts. */
async function makeArchive(
  store: Datastore,
  snapshot: SnapshotName,
  crew: ChunkCrew,
  data: Bytes,
  { key, cut }: Setting,
  seed = 1,
): Promise<ArchiveSummary> {
  await using writer = await store.create(snapshot, { owner: OWNER });
  const { summary } = await putArchive(writer, crew, data, cut, seed);
  const cryptMode = key === undefined ? "none" : "encrypt";
  const manifest = makeManifest(snapshot, [{ ...summary.file, cryptMode }]);
  await writer.finish(key ? signManifest(manifest, key) : manifest);
  return summary;
}

async function putArchive(
  writer: SnapshotWriter,
  crew: ChunkCrew,
  data: Bytes,
  cut: CutRulesOptions,
  seed: number,
) {
  const isImage = cut.chunkSize !== undefined;
  const name = isImage ? "disk.img.fidx" : "root.pxar.didx";
  const index = isImage
    ? await writer.fixedIndex(name, data.length, cut.chunkSize)
    : await writer.dynamicIndex(name);
  await using archive = await ArchiveWriter.open(name, writer, index, crew, {
    ...cut,
  });
  return { name, summary: await writeArchive(archive, data, seed) };
}

/** States that an archive is what was written: each chunk that it names, and all of them together in order. */
async function assertWritten(
  store: Datastore,
  snapshot: SnapshotName,
  crew: ChunkCrew,
  data: Bytes,
  { key, cut }: Setting,
): Promise<number> {
  await using reader = await store.open(snapshot);
  const [file] = (await reader.manifest()).files, encrypted = key !== undefined;
  const index = await openIndex(await reader.file(file!.name));
  const rules = cutRules(cut), digests = new Set<string>();
  assertEquals([index.size, hexOf(await index.csum())], [
    data.length,
    hexOf(file!.csum),
  ]);
  let at = 0;
  for await (const batch of index.chunks()) {
    for (const { start, end, digest } of batch) {
      assertEquals(start, at);
      const left = data.length - at;
      assertEquals(end - start, rules.next(data, at, left) || left);
      const part = data.subarray(start, end);
      assertEquals(hexOf(digest), hexOf(digestOf(part, key)));
      const blob = await reader.get(digest);
      assertSameBytes(
        await openBlob(blob, {
          codecs,
          digest,
          size: end - start,
          key,
          encrypted,
        }),
        part,
      );
      digests.add(hexOf(digest));
      at = end;
    }
  }
  const pieces: Bytes[] = [];
  for await (const piece of archivePieces(index, reader, crew, { encrypted })) {
    pieces.push(piece.slice());
  }
  assertSameBytes(concat(pieces), data, "the archive");
  await index.close();
  return digests.size;
}

const STORES: Record<
  string,
  (use: (store: Datastore) => Promise<void>) => Promise<void>
> = {
  "on disk": (use) => withDatastore(use),
  "on disk, without a kernel": (use) =>
    withDatastore(use, { kernel: undefined, native }),
  "in memory": async (use) => await use(await memoryStore()),
};

for (const [where, withStore] of Object.entries(STORES)) {
  for (const threads of [0, 1, 3]) {
    Deno.test(`ArchiveWriter keeps every chunk as it was fed, ${where}, ${threads} threads, round after round`, async () => {
      let rounds = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 1e6 }),
          fc.constantFrom<CutRulesOptions>(
            { average: 4096 },
            { average: 16384 },
            { average: 65536 },
            { chunkSize: 4096 },
            { chunkSize: 32768 },
          ),
          fc.constantFrom(undefined, KEY),
          async (seed, cut, key) => {
            await withStore(async (store) => {
              const setting = { key, cut, threads };
              const crew = await ChunkCrew.start(store.direct, {
                key,
                threads,
                native,
              });
              assertEquals(crew.threads, threads);
              try {
                // As much as goes through the ring of three or four chunks many times.
                const size = 12 * cutRules(cut).max + seed % 100_000;
                let stored = 0;
                for (let round = 0; round < 3; round++) {
                  rounds++;
                  // The third time, it is all there.
                  const data = repetitive(seed + Math.min(round, 1), size);
                  const snapshot = snapshotOf(GROUP, round);
                  const summary = await makeArchive(
                    store,
                    snapshot,
                    crew,
                    data,
                    setting,
                    seed + round,
                  );
                  const distinct = await assertWritten(
                    store,
                    snapshot,
                    crew,
                    data,
                    setting,
                  );
                  assert(
                    summary.newChunks <= distinct && distinct <= summary.chunks,
                  );
                  stored += summary.newChunks;
                  assertEquals(
                    chunkFiles(store).length,
                    stored,
                    "equal chunks are stored once",
                  );
                  if (round === 2) {
                    assertEquals([
                      summary.newChunks,
                      summary.newBytes,
                      summary.storedBytes,
                    ], [0, 0, 0]);
                  }
                }
                const report = await verify(store, { namespace: "" }, {
                  key,
                  threads: 0,
                });
                assertEquals(report.failed, 0);
              } finally {
                crew.close();
              }
            });
          },
        ),
        { numRuns: 4, endOnFailure: true },
      );
      assertEquals(rounds, 12);
    });
  }
}

Deno.test("ArchiveWriter: several archives at once share a crew, each with a ring of its own", async () => {
  await withDatastore(async (store) => {
    const crew = await ChunkCrew.start(store.direct, { threads: 2 });
    await using writer = await store.create(snapshotOf(GROUP, 0), {
      owner: OWNER,
    });
    const names = ["a.pxar.didx", "b.pxar.didx", "c.pxar.didx"];
    const files = await Promise.all(names.map(async (name, i) => {
      const index = await writer.dynamicIndex(name);
      await using archive = await ArchiveWriter.open(
        name,
        writer,
        index,
        crew,
        { average: 4096 },
      );
      return (await writeArchive(archive, repetitive(i + 1, 500_000), i)).file;
    }));
    const { stats } = writer;
    assertEquals(stats.size, 1_500_000);
    assertEquals(stats.count - stats.duplicates, chunkFiles(store).length);
    await writer.finish(
      makeManifest(
        writer.snapshot,
        files.map((file) => ({ ...file, cryptMode: "none" })),
      ),
    );
    crew.close();
    assertEquals(
      (await verify(store, { namespace: "" }, { threads: 0 })).failed,
      0,
    );
  });
});

Deno.test("ArchiveWriter: a chunk that cannot be kept ends the archive with that error, and nothing is left of the snapshot", async () => {
  for (const threads of [0, 2]) {
    await withDatastore(async (store) => {
      const data = repetitive(5, 400_000), snapshot = snapshotOf(GROUP, 0);
      const crew = await ChunkCrew.start(store.direct, { threads });
      // Somewhere in the middle: a file where the folder of a chunk must be.
      const rules = cutRules({ average: 4096 });
      let at = 0;
      const lengths: number[] = [];
      while (at < data.length) {
        lengths.push(
          rules.next(data, at, data.length - at) || data.length - at,
        );
        at += lengths.at(-1)!;
      }
      const from = lengths.slice(0, lengths.length >> 1).reduce(
        (sum, length) => sum + length,
        0,
      );
      const digest = digestOf(
        data.subarray(from, from + lengths[lengths.length >> 1]!),
      );
      Deno.writeFileSync(
        `${store.location}/.chunks/${hexOf(digest).slice(0, 4)}`,
        bytesOf(""),
      );
      const error = await assertRejects(
        () =>
          makeArchive(store, snapshot, crew, data, {
            key: undefined,
            cut: { average: 4096 },
            threads,
          }),
        SystemError,
      );
      assertEquals(error.code, "ENOTDIR");
      assertEquals(await store.snapshots(""), []);
      assertEquals(
        chunkFiles(store).filter(({ kind }) => kind !== "chunk"),
        [],
      );
      // The crew goes on with other work.
      Deno.removeSync(`${store.location}/.chunks/${hexOf(digest).slice(0, 4)}`);
      await makeArchive(store, snapshot, crew, data, {
        key: undefined,
        cut: { average: 4096 },
        threads,
      });
      crew.close();
      assertEquals(
        (await verify(store, { namespace: "" }, { threads: 0 })).failed,
        0,
      );
    });
  }
});

Deno.test("ArchiveWriter: an aborted signal ends it, whatever is under way", async () => {
  for (
    const [threads, store] of [[2, undefined], [0, undefined], [
      1,
      await memoryStore(),
    ]] as const
  ) {
    const run = async (store: Datastore) => {
      const crew = await ChunkCrew.start(store.direct, { threads });
      const stop = new AbortController(), data = repetitive(6, 2_000_000);
      const attempt = async () => {
        await using writer = await store.create(snapshotOf(GROUP, 0), {
          owner: OWNER,
        });
        const index = await writer.dynamicIndex("root.pxar.didx");
        await using archive = await ArchiveWriter.open(
          "root.pxar.didx",
          writer,
          index,
          crew,
          {
            average: 4096,
            signal: stop.signal,
          },
        );
        for (let at = 0; at < data.length; at += 100_000) {
          if (at === 1_000_000) stop.abort(new Error("enough"));
          await archive.write(data.slice(at, at + 100_000));
        }
        await archive.finish();
      };
      await assertRejects(attempt, Error, "enough");
      assertEquals(await store.snapshots(""), []);
      crew.close();
      // What it kept is garbage, and nothing is in use any more.
      await new Promise((resolve) => setTimeout(resolve, 20));
      await collectGarbage(store, { cutoff: 0, checkAccessTimes: false });
      assertEquals(chunkFiles(store), []);
    };
    if (store === undefined) await withDatastore(run);
    else await run(store);
  }
});

Deno.test("ArchiveWriter: threads that are ended in the middle end the archive", async () => {
  await withDatastore(async (store) => {
    const crew = await ChunkCrew.start(store.direct, { threads: 2 });
    const attempt = async () => {
      await using writer = await store.create(snapshotOf(GROUP, 0), {
        owner: OWNER,
      });
      const index = await writer.dynamicIndex("root.pxar.didx");
      await using archive = await ArchiveWriter.open(
        "root.pxar.didx",
        writer,
        index,
        crew,
        { average: 4096 },
      );
      await archive.write(repetitive(7, 300_000));
      crew.close();
      await archive.write(repetitive(8, 300_000));
      await archive.finish();
    };
    await assertRejects(attempt, Error, "threads were ended");
    assertEquals(await store.snapshots(""), []);
  });
});

Deno.test("ArchiveWriter refuses two writes at once, and any after its end", async () => {
  await withDatastore(async (store) => {
    const crew = await ChunkCrew.start(store.direct, { threads: 1 });
    await using writer = await store.create(snapshotOf(GROUP, 0), {
      owner: OWNER,
    });
    const index = await writer.dynamicIndex("root.pxar.didx");
    await using archive = await ArchiveWriter.open(
      "root.pxar.didx",
      writer,
      index,
      crew,
      { average: 4096 },
    );
    const first = archive.write(repetitive(9, 300_000));
    await assertRejects(
      () => archive.write(bytesOf("mixed in")),
      TypeError,
      "under way",
    );
    await assertRejects(() => archive.finish(), TypeError, "under way");
    await first;
    const { file } = await archive.finish();
    assertEquals(file.size, 300_000);
    for (
      const more of [
        () => archive.write(bytesOf("x")),
        () => archive.finish(),
        () =>
          archive.readFrom({
            read: () => 0,
            skip: undefined,
            close: undefined,
          }),
      ]
    ) {
      await assertRejects(more, TypeError, "ended");
    }
    // An archive without a byte is none.
    const empty = await writer.dynamicIndex("empty.pxar.didx");
    await using none = await ArchiveWriter.open(
      "empty.pxar.didx",
      writer,
      empty,
      crew,
      {},
    );
    await assertRejects(() => none.finish(), RangeError, "no chunks");
    crew.close();
  });
});
