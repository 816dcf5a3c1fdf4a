// Archives out of chunks: the right bytes or an error, each chunk fetched once, and never too much at hand.
import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import type { ChunkSource } from "@pxar/chunk/chunk_source";
import { openCodecs } from "@pxar/chunk/codecs";
import { type Digest, digestOf, hexOf } from "@pxar/chunk/digest";
import { DynamicIndexWriter } from "@pxar/chunk/dynamic_index";
import { FixedIndexWriter } from "@pxar/chunk/fixed_index";
import { MemoryIndexSink } from "@pxar/chunk/index_sink";
import {
  joinAccess,
  type JoinOptions,
  joinPieces,
  joinStream,
} from "@pxar/chunk/join";
import { CryptKey } from "@pxar/chunk/key";
import { openIndex } from "@pxar/chunk/open_index";
import { Accessor } from "@pxar/codec/accessor";
import { decode } from "@pxar/codec/decode";
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
} from "@pxar/format/errors";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import {
  assertSameBytes,
  assertSameEntries,
  gather,
} from "../support/entries.ts";
import { loadVector } from "../support/vectors.ts";
import { entriesOf, LateAccess, numbers } from "../codec/walk.ts";

const codecs = await openCodecs();
const KEY = CryptKey.of(new Uint8Array(32).fill(9));
const PLAIN: JoinOptions = { codecs, encrypted: false };

/** Chunks in memory; counts, waits and fails as it is told. */
class Store implements ChunkSource {
  readonly blobs = new Map<string, Bytes>();
  readonly asked: string[] = [];
  /** How many are being fetched, and how many at once there were. */
  under = 0;
  most = 0;
  /** Bytes of blobs that are being fetched, and how many at once there were. */
  bytes = 0;
  mostBytes = 0;
  wait: (hex: string, signal: AbortSignal | undefined) => unknown = () => {};

  async get(
    digest: Digest,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Bytes> {
    const hex = hexOf(digest), blob = this.blobs.get(hex);
    const length = blob?.length ?? 0;
    this.asked.push(hex);
    this.most = Math.max(this.most, ++this.under);
    this.mostBytes = Math.max(this.mostBytes, this.bytes += length);
    try {
      await this.wait(hex, options.signal);
      if (blob === undefined) throw new NotFoundError(`Cannot find ${hex}`);
      return blob.slice();
    } finally {
      this.under--;
      this.bytes -= length;
    }
  }
}

interface Made {
  readonly bytes: Bytes;
  readonly store: Store;
  /** Ends of the chunks. */
  readonly ends: readonly number[];
  /** Digests in hex. */
  readonly names: readonly string[];
  readonly file: Bytes;
  open(late?: boolean): Promise<ChunkIndex>;
}

/** Cuts bytes at the given ends, or all of one length, and stores them. */
async function make(
  bytes: Bytes,
  cuts: readonly number[] | number,
  key?: CryptKey,
): Promise<Made> {
  const store = new Store(), sink = new MemoryIndexSink();
  const ends = typeof cuts === "number"
    ? Array.from(
      { length: Math.ceil(bytes.length / cuts) },
      (_, i) => Math.min(bytes.length, (i + 1) * cuts),
    )
    : cuts;
  const dynamic = new DynamicIndexWriter(sink);
  const fixed = typeof cuts === "number"
    ? new FixedIndexWriter(sink, bytes.length, cuts)
    : undefined;
  const names: string[] = [];
  let start = 0;
  for (const [i, end] of ends.entries()) {
    const data = bytes.slice(start, end), digest = digestOf(data, key);
    const compress = i % 2 === 0;
    const blob = await sealBlob(data, { codecs, key, compress });
    store.blobs.set(hexOf(digest), joinBlob(blob));
    names.push(hexOf(digest));
    await (fixed === undefined
      ? dynamic.append(end, digest)
      : fixed.put(start, end, digest));
    start = end;
  }
  await (fixed ?? dynamic).close();
  const file = sink.bytes.slice();
  const open = (late = false): Promise<ChunkIndex> =>
    openIndex(late ? new LateAccess(file) : bytesAccess(file));
  return { bytes, store, ends, names, file, open };
}

/** Bytes of which some can be compressed and some stretches come again. */
function someBytes(length: number, seed: number): Bytes {
  const random = numbers(seed), bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const size = Math.min(length - at, 500 + random(3000)), kind = random(3);
    if (kind === 0) bytes.fill(random(256), at, at + size);
    else if (kind === 1) bytes.copyWithin(at, random(at + 1), at + size);
    else for (let i = 0; i < size; i++) bytes[at + i] = random(256);
    at += size;
  }
  return bytes;
}

/** Bytes without any order, so that no two chunks are equal. */
function randomBytes(length: number): Bytes {
  const random = numbers(8);
  return Uint8Array.from({ length }, () => random(256));
}

function someCuts(length: number, seed: number, most = 4000): number[] {
  const random = numbers(seed), cuts: number[] = [];
  for (let at = 0; at < length;) {
    at = Math.min(length, at + 1 + random(most));
    cuts.push(at);
  }
  return cuts;
}

async function read(
  access: RandomAccess,
  offset: number,
  length: number,
): Promise<Bytes> {
  const into = new Uint8Array(length);
  return into.subarray(0, await access.read(offset, into));
}

async function readPieces(
  pieces: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
): Promise<Bytes> {
  return new Uint8Array(
    await new Blob(
      await Array.fromAsync(pieces, (piece) => {
        assert(piece.length > 0);
        return new Uint8Array(piece);
      }),
    ).arrayBuffer(),
  );
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}

for (const encrypted of [false, true]) {
  for (const kind of ["dynamic", "fixed"] as const) {
    const name = `${kind} ${encrypted ? "encrypted" : "plain"}`;
    Deno.test(`any part of ${name} archives is what was cut`, async () => {
      const key = encrypted ? KEY : undefined;
      const bytes = someBytes(150_000, 3);
      const made = await make(
        bytes,
        kind === "fixed" ? 4096 : someCuts(bytes.length, 8),
        key,
      );
      const random = numbers(21);
      for (const late of [false, true]) {
        if (late) {
          made.store.wait = async () => {
            for (let i = random(9); i > 0; i--) await undefined;
            if (random(9) === 0) {
              await new Promise((resolve) => setTimeout(resolve));
            }
          };
        }
        for (const [budget, ahead] of [[0, 0], [10_000, 0], [40_000, 15_000]]) {
          const options = { codecs, key, encrypted, budget, ahead };
          const access = joinAccess(
            await made.open(late),
            made.store,
            options,
          );
          assertEquals(access.size, bytes.length);
          const readers = Array.from({ length: late ? 5 : 1 }, async () => {
            let at = 0;
            for (let i = 0; i < 60; i++) {
              // Half of the reads follow the one before.
              if (i % 2 === 0) at = random(bytes.length + 100);
              const length = random(i % 9 === 0 ? 20_000 : 300);
              const got = await read(access, at, length);
              assertSameBytes(got, bytes.subarray(at, at + length));
              at += got.length;
            }
          });
          await Promise.all(readers);
          assertEquals(await access.read(bytes.length, new Uint8Array(4)), 0);
          assertEquals(await access.read(2 ** 50, new Uint8Array(4)), 0);
          await access.close?.();
          const from = random(bytes.length),
            to = from + random(bytes.length - from);
          for (
            const range of [{}, { from }, { to }, { from, to }, {
              from: to,
              to,
            }]
          ) {
            const index = await made.open(late);
            const part = {
              codecs,
              key,
              encrypted,
              ahead: budget!,
              ...range,
            };
            const expected = bytes.subarray(range.from ?? 0, range.to);
            assertSameBytes(
              await readPieces(joinPieces(index, made.store, part)),
              expected,
            );
            assertSameBytes(
              await readPieces(joinStream(index, made.store, part)),
              expected,
            );
          }
        }
      }
    });
  }
}

Deno.test("an official archive can be looked into and decoded through its chunks", async () => {
  const { v1 } = loadVector("mixed");
  const { store, open } = await make(v1, someCuts(v1.length, 2, 900));
  const entries = await gather(decode(v1));
  await using accessor = await Accessor.open(
    joinAccess(await open(), store, { ...PLAIN, budget: 3000, ahead: 1000 }),
  );
  assertSameEntries(await entriesOf(accessor), entries);
  const stream = joinStream(await open(), store, { ...PLAIN, ahead: 3000 });
  assertSameEntries(await gather(decode(stream)), entries);
});

Deno.test("pieces belong to whoever gets them, also those of equal chunks", async () => {
  const bytes = new Uint8Array(64 * 200);
  const { store, open } = await make(bytes, 64);
  store.wait = () => new Promise((resolve) => setTimeout(resolve));
  let count = 0;
  for await (const piece of joinPieces(await open(), store, PLAIN)) {
    assert(piece.every((byte) => byte === 0));
    piece.fill(1);
    structuredClone(piece, { transfer: [piece.buffer as ArrayBuffer] });
    count++;
  }
  assertEquals(count, 200);
  // Sixteen at once, of which one is fetched.
  assert(store.asked.length < 30, `${store.asked.length}`);
  assertEquals(store.most, 1);
});

Deno.test("several readers that want the same chunk at once cause one fetch", async () => {
  const bytes = someBytes(30_000, 5);
  const { store, open, names } = await make(bytes, [10_000, 20_000, 30_000]);
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  store.wait = () => gate;
  const access = joinAccess(await open(), store, PLAIN);
  const reads = Array.from(
    { length: 20 },
    (_, i) => read(access, i * 1000, 900),
  );
  await settle();
  assertEquals(store.asked.toSorted(), names.slice(0, 2).toSorted());
  go();
  for (const [i, got] of (await Promise.all(reads)).entries()) {
    assertSameBytes(got, bytes.subarray(i * 1000, i * 1000 + 900));
  }
  await read(access, 500, 19_000);
  assertEquals(store.asked.length, 2);
  // Now at hand, so that nobody has to wait.
  assertEquals(access.read(12_000, new Uint8Array(100)), 100);
});

Deno.test("what is kept and on its way stays within the budget", async () => {
  const bytes = someBytes(100_000, 6);
  const { store, open } = await make(bytes, someCuts(bytes.length, 9, 2000));
  const largest = Math.max(...[...store.blobs.values()].map((b) => b.length));
  const budget = 8000;
  store.wait = () => new Promise((resolve) => setTimeout(resolve));
  const access = joinAccess(await open(), store, { ...PLAIN, budget });
  const reads = Array.from(
    { length: 50 },
    (_, i) => read(access, i * 2000, 10),
  );
  for (const [i, got] of (await Promise.all(reads)).entries()) {
    assertSameBytes(got, bytes.subarray(i * 2000, i * 2000 + 10));
  }
  // A blob has at most 12 bytes more than its data.
  assert(store.mostBytes <= budget + 12 * store.most, `${store.mostBytes}`);
  assert(store.most > 2, `${store.most} at once`);
  const tight = new Store();
  tight.wait = store.wait;
  for (const [name, blob] of store.blobs) tight.blobs.set(name, blob);
  const alone = joinAccess(await open(), tight, { ...PLAIN, budget: 1 });
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => read(alone, i * 5000, 10)),
  );
  assertEquals(tight.most, 1);
  const stream = joinPieces(await open(), tight, { ...PLAIN, ahead: 6000 });
  tight.mostBytes = 0;
  assertSameBytes(await readPieces(stream), bytes);
  assert(tight.mostBytes <= 6000 + 12 * 16, `${tight.mostBytes}`);
  assert(tight.mostBytes > largest);
});

Deno.test("the chunks used last are kept, and no others", async () => {
  const bytes = someBytes(60_000, 7);
  const { store, open, names } = await make(
    bytes,
    [10_000, 20_000, 30_000, 40_000, 50_000, 60_000],
  );
  const access = joinAccess(await open(), store, { ...PLAIN, budget: 30_000 });
  const chunks = async (...order: number[]): Promise<number[]> => {
    const before = store.asked.length;
    for (const i of order) {
      const at = i * 10_000 + 5;
      assertSameBytes(await read(access, at, 9), bytes.subarray(at, at + 9));
    }
    return store.asked.slice(before).map((name) => names.indexOf(name));
  };
  assertEquals(await chunks(0, 1, 2, 0, 1, 2), [0, 1, 2]);
  assertEquals(await chunks(0, 3), [3]);
  assertEquals(await chunks(0, 2, 3), []);
  assertEquals(await chunks(1), [1]);
  assertEquals(await chunks(0), [0]);
});

Deno.test("chunks that follow are sent for where reads follow one another, and nowhere else", async () => {
  const bytes = randomBytes(100_000);
  const wide = await make(
    bytes,
    Array.from({ length: 50 }, (_, i) => (i + 1) * 2000),
  );
  const options = { ...PLAIN, ahead: 6000, budget: 20_000 };
  const access = joinAccess(await wide.open(), wide.store, options);
  const seen = () => wide.store.asked.map((name) => wide.names.indexOf(name));
  await read(access, 0, 1000);
  await settle();
  assertEquals(seen(), [0]);
  await read(access, 1000, 1500);
  await settle();
  assertEquals(seen(), [0, 1, 2, 3, 4]);
  await read(access, 60_000, 10);
  await settle();
  assertEquals(seen(), [0, 1, 2, 3, 4, 30]);
  // Reads of several chunks fetch these at once.
  const far = await read(access, 80_000, 8000);
  assertSameBytes(far, bytes.subarray(80_000, 88_000));
  assertEquals(seen().slice(6), [40, 41, 42, 43]);
  const never = joinAccess(await wide.open(), wide.store, PLAIN);
  await read(never, 0, 1);
  await read(never, 1, 1);
  await settle();
  assertEquals(seen().slice(10), [0]);
});

Deno.test("what goes wrong with chunks sent for early is met when they are wanted, and only then", async () => {
  const bytes = someBytes(50_000, 8);
  const made = await make(
    bytes,
    Array.from({ length: 25 }, (_, i) => (i + 1) * 2000),
  );
  const blob = made.store.blobs.get(made.names[1]!)!;
  made.store.blobs.delete(made.names[1]!);
  const options = { ...PLAIN, ahead: 6000, budget: 20_000 };
  const access = joinAccess(await made.open(), made.store, options);
  await read(access, 0, 1000);
  await read(access, 1000, 500);
  assertSameBytes(await read(access, 1500, 500), bytes.subarray(1500, 2000));
  await settle();
  await assertRejects(() => read(access, 2000, 1), NotFoundError);
  await assertRejects(() => read(access, 1990, 20), NotFoundError);
  made.store.blobs.set(made.names[1]!, blob);
  assertSameBytes(await read(access, 1990, 20), bytes.subarray(1990, 2010));
});

Deno.test("a damaged, missing, swapped or wrongly kept chunk gives its error, and never its bytes", async () => {
  const bytes = someBytes(12_000, 12);
  const ends = [3000, 6000, 9000, 12_000];
  const cases = [
    { key: undefined, encrypted: false },
    { key: KEY, encrypted: true },
  ];
  for (const { key, encrypted } of cases) {
    const made = await make(bytes, ends, key);
    const options = { codecs, key, encrypted };
    const other = await make(bytes, ends, encrypted ? undefined : KEY);
    const third = made.store.blobs.get(made.names[2]!)!;
    const damages: [string, Bytes | undefined, readonly unknown[]][] = [
      ["missing", undefined, [NotFoundError]],
      ["another one", made.store.blobs.get(made.names[1]!)!, [IntegrityError]],
      ["of the other kind", other.store.blobs.get(other.names[2]!)!, [
        IntegrityError,
      ]],
      ["cut", third.slice(0, -1), [IntegrityError, FormatError]],
      ["no blob", new Uint8Array(3), [FormatError]],
      ["longer", new Uint8Array([...third, 0]), [IntegrityError, FormatError]],
    ];
    const random = numbers(4);
    for (let i = 0; i < 60; i++) {
      const flipped = third.slice(), at = random(flipped.length);
      flipped[at] = flipped[at]! ^ (1 << random(8));
      damages.push([`bit ${at}`, flipped, [IntegrityError, FormatError]]);
    }
    for (const [what, blob, errors] of damages) {
      if (blob === undefined) made.store.blobs.delete(made.names[2]!);
      else made.store.blobs.set(made.names[2]!, blob);
      const check = (error: unknown): void =>
        assert(
          errors.some((kind) => error instanceof (kind as typeof PxarError)),
          `${what}: ${error}`,
        );
      const access = joinAccess(await made.open(), made.store, options);
      const into = new Uint8Array(5000);
      check(await assertRejects(async () => await access.read(5000, into)));
      // What is in front of it was right, and nothing of it came out.
      assertSameBytes(into.subarray(0, 1000), bytes.subarray(5000, 6000));
      assert(into.subarray(1000).every((byte) => byte === 0), what);
      assertSameBytes(await read(access, 9000, 3000), bytes.subarray(9000));
      const got: Uint8Array[] = [];
      check(
        await assertRejects(async () => {
          const pieces = joinPieces(await made.open(), made.store, options);
          for await (const piece of pieces) got.push(piece);
        }),
      );
      assertEquals(got.length, 2);
      check(
        await assertRejects(async () =>
          await readPieces(joinStream(await made.open(), made.store, options))
        ),
      );
      if (what.startsWith("bit")) continue;
      assertSameBytes(
        await readPieces(
          joinPieces(await made.open(), made.store, { ...options, to: 6000 }),
        ),
        bytes.subarray(0, 6000),
      );
    }
  }
});

Deno.test("a missing or wrong key, and the wrong crypt mode, are told apart", async () => {
  const bytes = someBytes(9000, 13);
  const sealed = await make(bytes, [4000, 9000], KEY);
  const plain = await make(bytes, [4000, 9000]);
  const attempt = async (made: Made, options: JoinOptions): Promise<Bytes> =>
    await readPieces(joinPieces(await made.open(), made.store, options));
  assertSameBytes(
    await attempt(sealed, { codecs, key: KEY, encrypted: true }),
    bytes,
  );
  await assertRejects(
    () => attempt(sealed, { codecs, encrypted: true }),
    KeyError,
  );
  const wrong = CryptKey.of(new Uint8Array(32).fill(8));
  await assertRejects(
    () => attempt(sealed, { codecs, key: wrong, encrypted: true }),
    IntegrityError,
  );
  await assertRejects(
    () => attempt(sealed, { codecs, key: KEY, encrypted: false }),
    IntegrityError,
  );
  await assertRejects(
    () => attempt(plain, { codecs, key: KEY, encrypted: true }),
    IntegrityError,
  );
  assertSameBytes(
    await attempt(plain, { codecs, key: KEY, encrypted: false }),
    bytes,
  );
});

Deno.test("an index that lies gives errors, and never wrong bytes", async () => {
  const bytes = someBytes(20_000, 14);
  const { file, store } = await make(bytes, someCuts(20_000, 15, 900));
  const count = (file.length - 4096) / 40, random = numbers(16);
  let refused = 0, read = 0;
  for (let round = 0; round < 150; round++) {
    const changed = file.slice(), view = new DataView(changed.buffer);
    const at = 4096 + 40 * random(count);
    if (round % 3 === 0) {
      changed.copyWithin(at, 4096 + 40 * random(count), changed.length);
    } else {
      const end = Number(view.getBigUint64(at, true));
      const other = round % 3 === 1 ? random(25_000) : end + random(3) - 1;
      view.setBigUint64(at, BigInt(other), true);
    }
    let index: ChunkIndex;
    try {
      index = await openIndex(bytesAccess(changed));
    } catch (error) {
      assertInstanceOf(error, PxarError);
      continue;
    }
    const access = joinAccess(index, store, { ...PLAIN, ahead: 3000 });
    for (let i = 0; i < 40; i++) {
      const offset = random(20_000), into = new Uint8Array(random(600));
      try {
        const got = await access.read(offset, into);
        // Whole chunks may be elsewhere: then the index is another one, which its checksum tells.
        if (round % 3 === 0) continue;
        assertSameBytes(
          into.subarray(0, got),
          bytes.subarray(offset, offset + got),
        );
        read++;
      } catch (error) {
        assertInstanceOf(error, PxarError);
        refused++;
      }
    }
    try {
      const got = await readPieces(joinPieces(index, store, PLAIN));
      if (round % 3 !== 0) assertSameBytes(got, bytes);
    } catch (error) {
      assertInstanceOf(error, PxarError);
    }
  }
  assert(refused > 50 && read > 500, `${refused} refused, ${read} read`);
});

Deno.test("an index that finds the wrong chunk is found out", async () => {
  const { store, open } = await make(randomBytes(9000), [3000, 6000, 9000]);
  const index = await open();
  for (const number of [0, 2, undefined]) {
    const access = joinAccess(
      {
        ...index,
        size: index.size,
        count: index.count,
        find: () => number,
        chunk: (number) => index.chunk(number),
        chunks: (from, to) => index.chunks(from, to),
        csum: () => index.csum(),
        close: () => index.close(),
      },
      store,
      PLAIN,
    );
    await assertRejects(() => read(access, 4000, 10), FormatError);
  }
});

Deno.test("a chunk beyond 128 MiB is refused before it is fetched", async () => {
  const sink = new MemoryIndexSink();
  const writer = new DynamicIndexWriter(sink);
  await writer.append(2 ** 27 + 1, new Uint8Array(32));
  await writer.append(2 ** 27 + 2, new Uint8Array(32));
  await writer.close();
  const store = new Store();
  const index = await openIndex(bytesAccess(sink.bytes));
  const access = joinAccess(index, store, PLAIN);
  await assertRejects(() => read(access, 0, 1), FormatError, "134217728");
  await assertRejects(
    () => readPieces(joinPieces(index, store, PLAIN)),
    FormatError,
  );
  assert(store.asked.every((name) => /^0+$/.test(name)));
  assert(store.asked.length <= 1);
});

Deno.test("a signal ends reads that wait, also where the source does not heed it", async () => {
  const bytes = someBytes(9000, 17);
  const { store, open } = await make(bytes, [3000, 6000, 9000]);
  store.wait = () => new Promise(() => {});
  const stop = new AbortController();
  const access = joinAccess(await open(), store, {
    ...PLAIN,
    budget: 3000,
    signal: stop.signal,
  });
  const reads = [0, 100, 3000, 6000].map((at) => read(access, at, 10));
  await settle();
  assertEquals(store.asked.length, 1);
  stop.abort(new Error("enough"));
  for (const waiting of reads) {
    await assertRejects(() => waiting, Error, "enough");
  }
  assertThrows(() => access.read(0, new Uint8Array(1)), Error, "enough");
});

Deno.test("closing ends reads that wait, and closes the index", async () => {
  const bytes = someBytes(9000, 18);
  const { store, file } = await make(bytes, [3000, 6000, 9000]);
  let closed = 0;
  const index = await openIndex({
    ...bytesAccess(file),
    close: () => void closed++,
  });
  const aborted: unknown[] = [];
  const access = joinAccess(index, store, PLAIN);
  await read(access, 0, 10);
  store.wait = (_, signal) =>
    new Promise((_, reject) =>
      signal!.addEventListener("abort", () => {
        aborted.push(signal!.reason);
        reject(signal!.reason);
      })
    );
  const waiting = read(access, 4000, 10);
  await settle();
  await access.close?.();
  await assertRejects(() => waiting, TypeError, "closed");
  assertEquals(aborted.length, 1);
  assertEquals(closed, 1);
  assertThrows(() => access.read(0, new Uint8Array(10)), TypeError, "closed");
});

Deno.test("a stream does nothing before it is read, and stops when it is cancelled", async () => {
  const bytes = randomBytes(100_000);
  const { store, open } = await make(
    bytes,
    Array.from({ length: 100 }, (_, i) => (i + 1) * 1000),
  );
  const aborted: string[] = [];
  store.wait = (hex, signal) =>
    store.asked.length === 1
      ? undefined
      : new Promise((_, reject) =>
        signal!.addEventListener("abort", () => {
          aborted.push(hex);
          reject(signal!.reason);
        })
      );
  const stream = joinStream(await open(), store, { ...PLAIN, ahead: 5000 });
  await settle();
  assertEquals(store.asked.length, 0);
  const reader = stream.getReader();
  const first = await reader.read();
  assertSameBytes(first.value!, bytes.subarray(0, 1000));
  await settle();
  assertEquals(store.asked.length, 5);
  const second = reader.read();
  await settle();
  assertEquals(store.asked.length, 6);
  await reader.cancel(new Error("no more"));
  assertEquals((await second).done, true);
  assertEquals(aborted.length, 5);
  assertEquals(store.under, 0);
  const stop = new AbortController();
  const pieces = joinPieces(await open(), store, {
    ...PLAIN,
    signal: stop.signal,
  });
  const piece = pieces.next();
  await settle();
  stop.abort(new Error("enough"));
  await assertRejects(() => piece, Error, "enough");
  assertEquals(store.under, 0);
});

Deno.test("a caller that leaves the pieces early leaves nothing behind", async () => {
  const bytes = someBytes(50_000, 20);
  const { store, open } = await make(bytes, someCuts(50_000, 3, 2000));
  for await (const piece of joinPieces(await open(), store, PLAIN)) {
    assert(piece.length > 0);
    break;
  }
  assertEquals(store.under, 0);
  const asked = store.asked.length;
  await settle();
  assertEquals(store.asked.length, asked);
});

Deno.test("parts that are not there are the caller's mistake", async () => {
  const { store, open } = await make(someBytes(100, 1), [100]);
  const index = await open();
  for (
    const range of [
      { from: -1 },
      { to: 101 },
      { from: 5, to: 4 },
      { from: 0.5 },
      { to: NaN },
      { ahead: -1 },
    ]
  ) {
    await assertRejects(
      () => readPieces(joinPieces(index, store, { ...PLAIN, ...range })),
      RangeError,
    );
  }
  assertThrows(
    () => joinAccess(index, store, { ...PLAIN, budget: -1 }),
    RangeError,
  );
  assertThrows(
    () => joinAccess(index, store, { ...PLAIN, ahead: NaN }),
    RangeError,
  );
  const access = joinAccess(index, store, PLAIN);
  for (const offset of [-1, 0.5, NaN]) {
    assertThrows(() => access.read(offset, new Uint8Array(1)), RangeError);
  }
});
