// Bytes from any place: in memory, a Blob, a file, behind a cache, over HTTP.
import { Accessor } from "@pxar/codec/accessor";
import { blockCache } from "@pxar/codec/block_cache";
import { httpAccess } from "@pxar/codec/http_access";
import {
  blobAccess,
  bytesAccess,
  fileAccess,
  type RandomAccess,
} from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  NotFoundError,
  PxarError,
  SystemError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { loadVector, VECTORS } from "../support/vectors.ts";
import { CountingAccess, LateAccess, nodes, numbers } from "./walk.ts";

const BYTES: Bytes = Uint8Array.from(
  { length: 100_000 },
  (_, i) => i * 31 + (i >> 8),
);

/** States that an access gives the bytes of {@linkcode BYTES}, at the end and behind it as well. */
async function assertReads(access: RandomAccess, times: number): Promise<void> {
  assertEquals(access.size, BYTES.length);
  const random = numbers(3);
  for (let i = 0; i < times; i++) {
    const offset = random(BYTES.length + 100),
      into = new Uint8Array(random(i % 5 === 0 ? 70_000 : 300));
    const got = await access.read(offset, into);
    assertSameBytes(
      into.subarray(0, got),
      BYTES.subarray(offset, offset + into.length),
    );
  }
  assertEquals(await access.read(BYTES.length, new Uint8Array(5)), 0);
  assertEquals(await access.read(BYTES.length - 3, new Uint8Array(5)), 3);
}

Deno.test("bytesAccess() and blobAccess() give their bytes", async () => {
  await assertReads(bytesAccess(BYTES), 100);
  await assertReads(blobAccess(new Blob([BYTES])), 100);
});

Deno.test("fileAccess() gives the bytes of a file, without waiting", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, BYTES);
    const access = await fileAccess(path);
    try {
      await assertReads(access, 100);
      assertEquals(access.read(1, new Uint8Array(2)), 2);
    } finally {
      await access.close?.();
    }
    await access.close?.();
    assertInstanceOf(
      assertThrows(() => access.read(0, new Uint8Array(2))),
      SystemError,
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("fileAccess() says what cannot be opened", async () => {
  const error = await assertRejects(
    () => fileAccess("/not/there"),
    SystemError,
    "Cannot open /not/there",
  );
  assertEquals([error.code, error.errno, error.call, error.path], [
    "ENOENT",
    2,
    "open",
    "/not/there",
  ]);
  await assertRejects(
    () => fileAccess("."),
    UnsupportedError,
    "no regular file",
  );
});

Deno.test("Accessor reads a file", async () => {
  await using accessor = await Accessor.open(
    await fileAccess(new URL("tables.pxar", VECTORS)),
  );
  assertEquals((await nodes(accessor)).length, 713);
});

Deno.test("blockCache() gives the same bytes, whatever its sizes are", async () => {
  for (const block of [1, 7, 512, 4096, 200_000]) {
    for (const budget of [1, 1000, 1 << 20]) {
      await assertReads(blockCache(bytesAccess(BYTES), { block, budget }), 30);
      await assertReads(
        blockCache(new LateAccess(BYTES), { block, budget }),
        block < 100 ? 5 : 30,
      );
    }
  }
  assertThrows(() => blockCache(bytesAccess(BYTES), { block: 0 }), RangeError);
});

Deno.test("blockCache() reads a block once for several at the same time, and keeps as many as it may", async () => {
  const late = new LateAccess(BYTES),
    cache = blockCache(late, { block: 1000, budget: 10_000 });
  await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const into = new Uint8Array(10);
    assertEquals(await cache.read(5000 + i, into), 10);
    assertSameBytes(into, BYTES.subarray(5000 + i, 5010 + i));
  }));
  assertEquals(late.reads, 1);

  const counting = new CountingAccess(BYTES),
    small = blockCache(counting, { block: 1000, budget: 3000 });
  const touch = (...blocks: number[]): number => {
    counting.reads = 0;
    for (const block of blocks) small.read(block * 1000 + 1, new Uint8Array(3));
    return counting.reads;
  };
  assertEquals(touch(0, 1, 2, 0, 1, 2), 3);
  // 0 is used once more, so that 1 is the one to go.
  assertEquals(touch(0, 3, 0), 1);
  assertEquals(touch(1), 1);
});

Deno.test("blockCache() forgets a read that failed", async () => {
  let fails = 1;
  const cache = blockCache({
    size: BYTES.length,
    close: undefined,
    async read(offset: number, into: Bytes): Promise<number> {
      await undefined;
      if (fails-- > 0) throw new PxarError("not now");
      return await bytesAccess(BYTES).read(offset, into);
    },
  });
  const reads = [
    cache.read(0, new Uint8Array(4)),
    cache.read(2, new Uint8Array(4)),
  ];
  for (const read of reads) {
    await assertRejects(async () => await read, PxarError, "not now");
  }
  assertEquals(await cache.read(0, new Uint8Array(4)), 4);
});

Deno.test("blockCache() gives the same bytes to any readers at once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(99_999), fc.nat(3000)), { maxLength: 30 }),
      async (asks) => {
        const cache = blockCache(new LateAccess(BYTES), {
          block: 512,
          budget: 2048,
        });
        await Promise.all(asks.map(async ([offset, length]) => {
          const into = new Uint8Array(length),
            got = await cache.read(offset, into);
          assertSameBytes(
            into.subarray(0, got),
            BYTES.subarray(offset, offset + length),
          );
        }));
      },
    ),
    { numRuns: 30 },
  );
});

/** Serves requests on this machine while `run` asks. */
async function serving(
  handler: (request: Request) => Response,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  try {
    await run(`http://127.0.0.1:${server.addr.port}/archive.pxar`);
  } finally {
    await server.shutdown();
  }
}

/** What a good server answers, as parts that a bad one changes. */
function ranged(
  request: Request,
  bytes: Bytes,
  change: { status?: number; headers?: HeadersInit; body?: BodyInit } = {},
): Response {
  const [, from, to] =
    /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
  const start = Number(from), end = Math.min(bytes.length, Number(to) + 1);
  const tag = request.headers.get("if-range");
  if (start >= bytes.length) {
    return new Response(null, {
      status: 416,
      headers: { "content-range": `bytes */${bytes.length}` },
    });
  }
  if (tag !== null && tag !== '"one"') return new Response(bytes);
  return new Response(change.body ?? bytes.subarray(start, end), {
    status: change.status ?? 206,
    headers: {
      "content-range": `bytes ${start}-${end - 1}/${bytes.length}`,
      etag: '"one"',
      ...change.headers,
    },
  });
}

Deno.test("httpAccess() gives the bytes of a URL by ranges, with the headers that it was given", async () => {
  let allowed = true;
  await serving(
    (request) => {
      allowed &&= request.headers.get("authorization") === "token";
      return ranged(request, BYTES);
    },
    async (url) =>
      await assertReads(
        await httpAccess(url, { headers: { authorization: "token" } }),
        30,
      ),
  );
  assert(allowed);
});

Deno.test("httpAccess() takes nothing for a file of no bytes", async () => {
  await serving(
    (request) => ranged(request, new Uint8Array(0)),
    async (url) => {
      const access = await httpAccess(url);
      assertEquals([access.size, await access.read(0, new Uint8Array(4))], [
        0,
        0,
      ]);
      await assertRejects(() => Accessor.open(access), TruncatedError);
    },
  );
});

Deno.test("Accessor reads over HTTP, with few requests", async () => {
  const { metadata, payload } = loadVector("tables");
  let requests = 0;
  await serving((request) => {
    requests++;
    return ranged(request, metadata);
  }, async (url) => {
    await using accessor = await Accessor.open(await httpAccess(url), {
      payload: bytesAccess(payload),
      block: 65536,
    });
    assertEquals((await nodes(accessor)).length, 713);
  });
  assert(requests <= 3, `${requests} requests`);
});

Deno.test("httpAccess() refuses servers that do not do as they should", async (t) => {
  const cases: readonly {
    readonly name: string;
    /** Gets the number of the request: the first one, 0, asks for one byte. */
    readonly answer: (request: Request, count: number) => Response;
    readonly type: new (message: string) => PxarError;
    readonly says: string;
  }[] = [
    {
      name: "sends it whole",
      answer: () => new Response(BYTES),
      type: UnsupportedError,
      says: "knows ranges",
    },
    {
      name: "has nothing",
      answer: () => new Response("no", { status: 404 }),
      type: NotFoundError,
      says: "nothing is there",
    },
    {
      name: "fails",
      answer: () => new Response("no", { status: 500 }),
      type: PxarError,
      says: "HTTP status is 500",
    },
    {
      name: "sends another range",
      answer: (request) =>
        ranged(request, BYTES, {
          headers: { "content-range": "bytes 5-8/100000" },
        }),
      type: FormatError,
      says: "bytes 5-8/100000",
    },
    {
      name: "keeps the length to itself",
      answer: (request, count) =>
        ranged(
          request,
          BYTES,
          count === 0 ? { headers: { "content-range": "bytes 0-0/*" } } : {},
        ),
      type: FormatError,
      says: "of a known length",
    },
    {
      name: "says no range",
      answer: () => new Response("x", { status: 206 }),
      type: FormatError,
      says: "sends nothing",
    },
    {
      name: "packs",
      answer: (request) =>
        ranged(request, BYTES, { headers: { "content-encoding": "zstd" } }),
      type: UnsupportedError,
      says: "zstd",
    },
    {
      name: "changes the tag",
      answer: (request, count) =>
        ranged(
          request,
          BYTES,
          count === 0 ? {} : { headers: { etag: '"two"' } },
        ),
      type: FormatError,
      says: "it has changed",
    },
    {
      name: "changes and sends it whole",
      answer: (request, count) =>
        count === 0 ? ranged(request, BYTES) : new Response(BYTES),
      type: FormatError,
      says: "it has changed",
    },
    {
      name: "changes the length",
      answer: (request, count) =>
        ranged(request, count === 0 ? BYTES : BYTES.slice(0, 99_999)),
      type: FormatError,
      says: "it has 99999 bytes",
    },
    {
      name: "sends too little",
      answer: (request, count) =>
        ranged(request, BYTES, count === 0 ? {} : { body: "short" }),
      type: TruncatedError,
      says: "the answer has 5 bytes, expected 10",
    },
    {
      name: "sends too much, without end",
      answer: (request, count) =>
        ranged(
          request,
          BYTES,
          count === 0 ? {} : {
            body: new ReadableStream({
              pull: (controller) => controller.enqueue(new Uint8Array(64)),
            }),
          },
        ),
      type: FormatError,
      says: "goes on behind its 10 bytes",
    },
  ];
  for (const { name, answer, type, says } of cases) {
    await t.step(name, async () => {
      let count = 0;
      await serving((request) => answer(request, count++), async (url) => {
        const error = await assertRejects(
          async () => {
            const access = await httpAccess(url);
            await access.read(20, new Uint8Array(10));
          },
          type,
          says,
        );
        assertEquals(error.constructor, type);
      });
    });
  }
});

Deno.test("httpAccess() says when nobody is there, and ends with the reason of its signal", async () => {
  const refuse = (): Promise<Response> =>
    Promise.reject(new TypeError("connection refused"));
  await assertRejects(
    () => httpAccess("http://nowhere/", { fetch: refuse }),
    PxarError,
    "connection refused",
  );
  const cut = (_url: string, init: RequestInit): Promise<Response> => {
    const request = new Request("http://here/", {
      headers: init.headers ?? [],
    });
    if (request.headers.get("range") === "bytes=0-0") {
      return Promise.resolve(ranged(request, BYTES));
    }
    const body = new ReadableStream({
      pull: (controller) => controller.error(new TypeError("connection lost")),
    });
    return Promise.resolve(ranged(request, BYTES, { body }));
  };
  const access = await httpAccess("http://here/", { fetch: cut });
  await assertRejects(
    async () => await access.read(0, new Uint8Array(9)),
    TruncatedError,
    "0 bytes",
  );
  const signal = AbortSignal.abort(new Error("enough"));
  const aborted = (): Promise<Response> => Promise.reject(signal.reason);
  await assertRejects(
    () => httpAccess("http://here/", { fetch: aborted, signal }),
    Error,
    "enough",
  );
});
