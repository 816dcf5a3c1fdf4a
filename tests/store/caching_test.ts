// The contract of stores, for one with memory in front, and what that memory does.
import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import type { ChunkSource } from "@pxar/chunk/chunk_source";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import { NotFoundError } from "@pxar/format/errors";
import { cachingSource, cachingStore } from "@pxar/store/caching";
import { memoryStore } from "@pxar/store/memory";
import {
  assert,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import {
  groupOf,
  makeSnapshot,
  snapshotOf,
  storeContract,
} from "./contract.ts";

storeContract("cachingStore()", async (use) => {
  await use(cachingStore(await memoryStore(), { budget: 100 }));
});

const TEXT = new TextEncoder();

/** Chunks of a few bytes that are not compressed, and how often each was fetched. */
async function counted(texts: readonly string[]) {
  const codecs = await openCodecs();
  const blobs = new Map<string, Bytes>(), fetched: string[] = [];
  const digests = [];
  for (const text of texts) {
    const data = TEXT.encode(text), digest = digestOf(data);
    const blob = await sealBlob(data, { codecs, compress: false });
    blobs.set(hexOf(digest), joinBlob(blob));
    digests.push(digest);
  }
  const source: ChunkSource = {
    get: async (digest, { signal } = {}) => {
      fetched.push(hexOf(digest));
      await Promise.resolve();
      signal?.throwIfAborted();
      const blob = blobs.get(hexOf(digest));
      if (blob === undefined) throw new NotFoundError("Cannot read: missing");
      return blob.slice();
    },
  };
  return { source, digests, fetched, blobs };
}

Deno.test("cachingSource() fetches what is wanted again once, and gives everybody memory of his own", async () => {
  const { source, digests: [one], fetched } = await counted(["one"]);
  const cached = cachingSource(source);
  const [a, b] = await Promise.all([cached.get(one!), cached.get(one!)]);
  a.fill(0);
  const c = await cached.get(one!);
  assertEquals(b, c);
  assert(c.some((byte) => byte !== 0));
  assertEquals(fetched.length, 1);
});

Deno.test("cachingSource() forgets what was used least lately", async () => {
  const { source, digests, fetched } = await counted(["one", "two", "six"]);
  // Each blob has 15 bytes.
  const cached = cachingSource(source, { budget: 30 });
  const [one, two, six] = digests;
  await cached.get(one!);
  await cached.get(two!);
  await cached.get(one!);
  await cached.get(six!);
  assertEquals(fetched.length, 3);
  await cached.get(one!);
  assertEquals(fetched.length, 3);
  await cached.get(two!);
  assertEquals(fetched.length, 4);
});

Deno.test("cachingSource() remembers nothing where it has no room", async () => {
  const { source, digests: [one], fetched } = await counted(["one"]);
  const cached = cachingSource(source, { budget: 14 });
  await cached.get(one!);
  await cached.get(one!);
  assertEquals(fetched.length, 2);
  assertThrows(() => cachingSource(source, { budget: -1 }), RangeError);
});

Deno.test("cachingSource() remembers neither errors nor damage", async () => {
  const { source, digests: [one], fetched, blobs } = await counted(["one"]);
  const cached = cachingSource(source), name = hexOf(one!);
  const good = blobs.get(name)!;
  blobs.delete(name);
  await assertRejects(() => cached.get(one!), NotFoundError);
  const bad = good.slice();
  bad[13] = bad[13]! ^ 1;
  blobs.set(name, bad);
  assertEquals(await cached.get(one!), bad);
  blobs.set(name, good);
  assertEquals(await cached.get(one!), good);
  assertEquals(fetched.length, 3);
});

Deno.test("cachingSource(): one that gives up does not take the others along", async () => {
  const { source, digests: [one] } = await counted(["one"]);
  const cached = cachingSource(source), stop = new AbortController();
  const first = cached.get(one!, { signal: stop.signal });
  const second = cached.get(one!);
  stop.abort(new Error("enough"));
  await assertRejects(() => first, Error, "enough");
  assertEquals((await second).length, 15);
});

Deno.test("cachingStore() reads a snapshot's chunk from the store once", async () => {
  const store = await memoryStore();
  const snapshot = snapshotOf(groupOf("h1"), 0), data = TEXT.encode("data");
  await makeSnapshot(store, snapshot, [data]);
  const cached = cachingStore(store);
  {
    await using reader = await cached.open(snapshot);
    await reader.get(digestOf(data));
  }
  // Gone from the store itself, but not from memory.
  store.chunks.setAside(digestOf(data));
  await using reader = await cached.open(snapshot);
  assertEquals((await reader.get(digestOf(data))).length, 16);
  assertEquals(reader.direct, undefined);
});
