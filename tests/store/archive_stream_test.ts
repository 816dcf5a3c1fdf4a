import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import { hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
} from "@pxar/format/errors";
import { archivePieces, ArchiveReader } from "@pxar/store/archive_stream";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { memoryStore } from "@pxar/store/memory";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { input, xorshift32 } from "../support/prng.ts";
import { flip } from "./rewrite.ts";
import { bytesOf, chunkOf, chunkPath, withDatastore } from "./stores.ts";

/** An index of these chunks in memory, whatever they are like. */
function indexOf(
  parts: readonly { digest: Bytes; length: number }[],
): ChunkIndex {
  let at = 0;
  const refs: ChunkRef[] = parts.map(({ digest, length }) => ({
    start: at,
    end: at += length,
    digest,
  }));
  return {
    kind: "dynamic",
    size: at,
    count: refs.length,
    chunkSize: undefined,
    uuid: new Uint8Array(16),
    ctime: 0,
    headerCsum: new Uint8Array(32),
    chunk: (number) => refs[number]!,
    find: (offset) => {
      const number = refs.findIndex(({ end }) => offset < end);
      return number < 0 ? undefined : number;
    },
    async *chunks(from = 0) {
      for (let i = from; i < refs.length; i += 3) {
        yield await Promise.resolve(refs.slice(i, i + 3));
      }
    },
    csum: () => Promise.resolve(new Uint8Array(32)),
    close: () => Promise.resolve(),
  };
}

interface Part {
  readonly digest: Bytes;
  readonly length: number;
  readonly data: Bytes;
}

async function put(
  store: Datastore,
  data: Bytes,
  key?: CryptKey,
): Promise<Part> {
  const { digest, sealed } = await chunkOf(data, key);
  store.chunks.put(digest, sealed.header, sealed.body);
  return { digest, length: data.length, data };
}

Deno.test("archivePieces() gives what was kept, piece by piece, however its memory goes round", async () => {
  const MIB = 1 << 20,
    run = async (store: Datastore, threads: number) => {
      const big = await Promise.all(
        [5 * MIB, 3 * MIB + 1, 7 * MIB - 5, 16 * MIB, 4 * MIB, 1, 2 * MIB].map((
          size,
          i,
        ) =>
          put(store, input({ kind: "repeat", pattern: `${i}a${i}b`, size }))
        ),
      );
      const empty = await put(store, new Uint8Array(0));
      const crew = await ChunkCrew.start(store.direct, { threads });
      const next = xorshift32(threads + 5);
      const even = await Promise.all(
        ["11", "22", "33", "44", "55"].map((pattern) =>
          put(store, input({ kind: "repeat", pattern, size: 4 * MIB }))
        ),
      );
      const lists = [
        Array.from({ length: 30 }, () => big[next() % big.length]!),
        // These fill the memory to its last byte again and again.
        Array.from({ length: 30 }, (_, i) => even[i % 5]!),
        Array.from(
          { length: 60 },
          (_, i) => i % 3 === 0 ? even[i / 3 % 5]! : empty,
        ),
        [big[3]!, empty, big[3]!, big[5]!, big[3]!],
      ];
      for (const list of lists) {
        // What no index says (its ends rise) gives nothing, and does no harm.
        const expected = list.filter(({ length }) => length > 0);
        for (const budget of [1, 20 * MIB]) {
          let i = 0;
          for await (
            const piece of archivePieces(
              indexOf(list),
              { get: get(store), direct: store.direct },
              crew,
              { encrypted: false, budget },
            )
          ) {
            const { data } = expected[i++]!;
            // Whoever takes his time finds it unchanged.
            if (next() % 4 === 0) {
              await new Promise((resolve) => setTimeout(resolve, 2));
            }
            assertSameBytes(piece, data, `piece ${i}`);
          }
          assertEquals(i, expected.length);
        }
      }
      crew.close();
    };
  await withDatastore(async (store) => {
    await run(store, 0);
    await run(store, 2);
  });
  await run(await memoryStore(), 2);
});

Deno.test("ArchiveReader passes over what is not wanted, and fetches little of it", async () => {
  const size = 1 << 16, count = 400, next = xorshift32(77);
  await withDatastore(async (store) => {
    const parts = await Promise.all(
      Array.from(
        { length: 7 },
        (_, i) => put(store, input({ kind: "constant", byte: i, size })),
      ),
    );
    const list = Array.from({ length: count }, (_, i) => parts[i % 7]!);
    for (const threads of [0, 2]) {
      const crew = await ChunkCrew.start(undefined, { threads });
      let fetched = 0;
      const source = {
        get: (digest: Bytes) => {
          fetched++;
          return Promise.resolve(store.chunks.get(digest));
        },
      };
      for (let round = 0; round < 10; round++) {
        const reader = await ArchiveReader.open(indexOf(list), source, crew, {
          encrypted: false,
          budget: 1 << 20,
        });
        let at = 0;
        for (;;) {
          const far = next() % 3 === 0 ? next() % (40 * size) : next() % size;
          const passed = await reader.skip(far);
          assertEquals(passed, Math.min(far, count * size - at));
          at += passed;
          const into = new Uint8Array(1 + next() % 5000);
          const got = await reader.read(into);
          if (got === 0) break;
          for (let i = 0; i < got; i++) {
            assertEquals(into[i], Math.floor((at + i) / size) % 7);
          }
          at += got;
        }
        assertEquals(at, count * size);
        await reader.close();
      }
      fetched = 0;
      const reader = await ArchiveReader.open(indexOf(list), source, crew, {
        encrypted: false,
      });
      for (let i = 0; i < 10; i++) {
        await reader.skip(30 * size);
        assertEquals(await reader.read(new Uint8Array(1)), 1);
      }
      await reader.close();
      assert(fetched <= 40, `${fetched} chunks were fetched`);
      crew.close();
    }
  });
});

function get(store: Datastore): (digest: Bytes) => Promise<Bytes> {
  // deno-lint-ignore require-await
  return async (digest) => store.chunks.get(digest);
}

Deno.test("archivePieces() gives right pieces up to the error, and never a wrong one", async () => {
  for (const threads of [0, 2]) {
    await withDatastore(async (store) => {
      const key = CryptKey.of(new Uint8Array(32).fill(1));
      const parts = await Promise.all(
        Array.from(
          { length: 6 },
          (_, i) => put(store, bytesOf(`part ${i} `.repeat(100))),
        ),
      );
      const secret = await put(store, bytesOf("secret"), key);
      const missing = { ...parts[0]!, digest: new Uint8Array(32) };
      const crew = await ChunkCrew.start(store.direct, { threads });
      const attempt = async (
        list: readonly { digest: Bytes; length: number }[],
        encrypted = false,
      ) => {
        const got: string[] = [];
        let error: unknown;
        try {
          for await (
            const piece of archivePieces(
              indexOf(list),
              { get: get(store), direct: store.direct },
              crew,
              { encrypted },
            )
          ) {
            got.push(new TextDecoder().decode(piece.slice()));
          }
        } catch (thrown) {
          error = thrown;
        }
        return { got, error };
      };
      const texts = parts.map(({ data }) => new TextDecoder().decode(data));
      const cases: [
        { digest: Bytes; length: number },
        new (...args: never[]) => Error,
      ][] = [
        [missing, NotFoundError],
        [{ ...parts[3]!, length: 5 }, FormatError],
        [{ ...parts[3]!, length: parts[3]!.length + 1 }, IntegrityError],
        [secret, IntegrityError],
        [{ ...parts[3]!, length: (16 << 20) + 1 }, FormatError],
      ];
      for (const [bad, kind] of cases) {
        const { got, error } = await attempt([
          parts[0]!,
          parts[1]!,
          bad,
          parts[4]!,
        ]);
        assert(error instanceof kind, `${error}`);
        assertEquals(
          got,
          texts.slice(
            0,
            kind === FormatError && bad.length > 1e6 ? got.length : 2,
          ),
        );
      }
      const damaged = chunkPath(store, parts[2]!.digest);
      Deno.writeFileSync(damaged, flip(Deno.readFileSync(damaged), -1));
      const { got, error } = await attempt(parts);
      assert(error instanceof IntegrityError);
      assertEquals(got, texts.slice(0, 2));
      // The threads go on; a key is missing, or the wrong kind is there.
      assert((await attempt([secret], true)).error instanceof KeyError);
      assert(
        (await attempt([parts[0]!], true)).error instanceof IntegrityError,
      );
      assertEquals((await attempt([parts[0]!])).got, texts.slice(0, 1));
      crew.close();
      assert(/ended/.test(String((await attempt([parts[0]!])).error)));
    });
  }
});

Deno.test("archivePieces() ends with its signal, and when nobody wants more", async () => {
  const store = await memoryStore();
  const parts = await Promise.all(
    Array.from({ length: 20 }, (_, i) => put(store, bytesOf(`part ${i}`))),
  );
  const crew = await ChunkCrew.start(undefined, { threads: 1 });
  const stop = new AbortController();
  let asked: string[] = [];
  const source = {
    get: (digest: Bytes) => {
      asked.push(hexOf(digest));
      return get(store)(digest);
    },
  };
  await assertRejects(
    async () => {
      let i = 0;
      for await (
        const _ of archivePieces(indexOf(parts), source, crew, {
          encrypted: false,
          signal: stop.signal,
        })
      ) {
        if (++i === 4) stop.abort(new Error("enough"));
      }
    },
    Error,
    "enough",
  );
  for await (
    const piece of archivePieces(indexOf(parts), source, crew, {
      encrypted: false,
    })
  ) {
    assertEquals(new TextDecoder().decode(piece.slice()), "part 0");
    break;
  }
  asked = [];
  for await (
    const _ of archivePieces(indexOf([]), source, crew, { encrypted: false })
  );
  assertEquals(asked, []);
  crew.close();
});
