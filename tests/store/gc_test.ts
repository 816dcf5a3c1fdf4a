import { digestOf, parseDigest } from "@pxar/chunk/digest";
import {
  BusyError,
  FormatError,
  PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import { collectGarbage, GC_CUTOFF, type GcProgress } from "@pxar/store/gc";
import { readGcStatus } from "@pxar/store/gc_status";
import { memoryStore } from "@pxar/store/memory";
import { authIdText } from "@pxar/store/auth_id";
import { parseUpid } from "@pxar/store/upid";
import type { Datastore } from "@pxar/store/datastore";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import {
  groupOf,
  makeSnapshot,
  putArchive,
  putChunk,
  snapshotOf,
} from "./contract.ts";
import {
  age,
  bytesOf,
  chunkFiles,
  chunkPath,
  isThere,
  namesIn,
  strayChunk,
  withDatastore,
} from "./stores.ts";

const HOUR = 3600, GROUP = groupOf("h1");
const QUICK = { checkAccessTimes: false };

/** Digests of the chunks of the snapshots that `makeSnapshot` makes with these texts. */
async function withSnapshot(
  use: (store: Datastore, folder: string, chunks: string[]) => Promise<void>,
  options: Parameters<typeof withDatastore>[1] = {},
): Promise<void> {
  await withDatastore(async (store, folder) => {
    await makeSnapshot(
      store,
      snapshotOf(GROUP, 0),
      ["one", "two", "one"].map(bytesOf),
    );
    await use(store, folder, chunkFiles(store).map(({ path }) => path));
  }, options);
}

Deno.test("collectGarbage() removes what no index names and nobody used for the cutoff, and nothing else", async () => {
  await withSnapshot(async (store, _, used) => {
    assertEquals(used.length, 2);
    for (const path of used) age(path, 100 * HOUR);
    const old = await strayChunk(store, "old", 3 * HOUR);
    const young = await strayChunk(store, "young", HOUR);
    const status = await collectGarbage(store, {
      ...QUICK,
      cutoff: 2 * HOUR,
      user: "admin@pbs!gc",
    });
    assertEquals(isThere(chunkPath(store, old)), false);
    assertEquals(isThere(chunkPath(store, young)), true);
    for (const path of used) {
      assert(isThere(path));
      // Marked as used now, and by nothing but the time of access.
      const { atime, mtime } = Deno.statSync(path);
      assert(Date.now() - atime!.getTime() < HOUR * 1000);
      assert(Date.now() - mtime!.getTime() > 99 * HOUR * 1000);
    }
    const blob = (text: string) => 12 + text.length;
    assertEquals(status, {
      indexFiles: 1,
      indexBytes: 9,
      diskChunks: 2,
      diskBytes: 2 * blob("one"),
      removedChunks: 1,
      removedBytes: blob("old"),
      pendingChunks: 1,
      pendingBytes: blob("young"),
      removedBad: 0,
      stillBad: 0,
      removedSnapshots: 0,
      removedTemporaries: 0,
      cacheHits: 1,
      cacheMisses: 2,
      startTime: status.startTime,
      user: "admin@pbs!gc",
    });
  });
});

Deno.test("collectGarbage() has a cutoff of 24 hours and 5 minutes unless told", async () => {
  assertEquals(GC_CUTOFF, (24 * 60 + 5) * 60);
  await withDatastore(async (store) => {
    const stays = await strayChunk(store, "stays", GC_CUTOFF - 30);
    const goes = await strayChunk(store, "goes", GC_CUTOFF + 30);
    await collectGarbage(store, QUICK);
    assertEquals([stays, goes].map((one) => isThere(chunkPath(store, one))), [
      true,
      false,
    ]);
  });
});

Deno.test("collectGarbage() keeps what is in use with a cutoff of 0, whatever the clocks say", async () => {
  const day = 24 * HOUR * 1000;
  for (const shift of [-2 * day, 0, 2 * day]) {
    await withSnapshot(async (store, _, used) => {
      const stray = await strayChunk(store, "stray", 1);
      for (let round = 0; round < 20; round++) {
        await collectGarbage(store, { ...QUICK, cutoff: 0 });
        for (const path of used) {
          assert(isThere(path), `shift ${shift}, round ${round}`);
        }
      }
      // The clock of the store only ever makes what is old older.
      assertEquals(isThere(chunkPath(store, stray)), shift < 0);
    }, { now: () => Date.now() + shift });
  }
});

Deno.test("collectGarbage() takes time from the clock that it is given", async () => {
  let now = Date.now();
  await withSnapshot(async (store, _, used) => {
    const stray = await strayChunk(store, "stray");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await collectGarbage(store, QUICK);
    assert(isThere(chunkPath(store, stray)));
    now += 25 * HOUR * 1000;
    await collectGarbage(store, QUICK);
    assertEquals(isThere(chunkPath(store, stray)), false);
    for (const path of used) assert(isThere(path));
  }, { now: () => now });
});

Deno.test("collectGarbage() stops where the clock is set back while it marks", async () => {
  let now = 5e11;
  const store = await memoryStore({ now: () => now });
  await makeSnapshot(store, snapshotOf(GROUP, 0));
  await assertRejects(
    () =>
      collectGarbage(store, {
        cutoff: 0,
        onProgress: () => void (now -= 1000),
      }),
    PxarError,
    "clock",
  );
  assertEquals(chunkFiles(store).length, 1);
});

Deno.test("collectGarbage() keeps what the oldest writer of this process may count on", async () => {
  const start = Date.now();
  let now = start;
  await withDatastore(async (store) => {
    now = start - 3 * HOUR * 1000;
    await using writer = await store.create(snapshotOf(GROUP, 0), {
      owner: "root@pam",
    });
    now = start;
    const of = (seconds: number) => strayChunk(store, `${seconds}`, seconds);
    const inUse = await of(2 * HOUR);
    const pending = await of(3 * HOUR + 120);
    const gone = await of(3 * HOUR + 360);
    const status = await collectGarbage(store, { ...QUICK, cutoff: HOUR });
    assertEquals(
      [inUse, pending, gone].map((one) => isThere(chunkPath(store, one))),
      [true, true, false],
    );
    assertEquals([
      status.diskChunks,
      status.pendingChunks,
      status.removedChunks,
    ], [1, 1, 1]);
    // What the writer holds is not taken away either.
    assert(store.files.isFolder(store.tree.snapshotFolder(writer.snapshot)));
    await writer[Symbol.asyncDispose]();
    const after = await collectGarbage(store, { ...QUICK, cutoff: HOUR });
    assertEquals(after.removedChunks, 2);
  }, { now: () => now });
});

Deno.test("collectGarbage() keeps what a writer of this process has put, however far ahead the store's clock is", async () => {
  await withDatastore(async (store) => {
    await using writer = await store.create(snapshotOf(GROUP, 0), {
      owner: "root@pam",
    });
    await putChunk(writer, 0, bytesOf("no index names it yet"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await collectGarbage(store, { ...QUICK, cutoff: 0 });
    assertEquals(chunkFiles(store).length, 1);
  }, { now: () => Date.now() + 50 * HOUR * 1000 });
});

Deno.test("collectGarbage() lets a writer of this process finish at the same time", async () => {
  await withDatastore(async (store) => {
    await makeSnapshot(store, snapshotOf(GROUP, 0), [bytesOf("base")]);
    await using writer = await store.create(snapshotOf(GROUP, 1), {
      owner: "root@pam",
    });
    const collecting = collectGarbage(store, { ...QUICK, cutoff: 0 });
    await putArchive(writer, "root.pxar.didx", [
      bytesOf("new"),
      bytesOf("base"),
    ]);
    await collecting;
    await collectGarbage(store, { ...QUICK, cutoff: 0 });
    assertEquals(chunkFiles(store).length, 2);
  });
});

Deno.test("collectGarbage() keeps a bad chunk while the good one is needed and missing", async () => {
  await withSnapshot(async (store) => {
    const [one, two] = ["one", "two"].map((text) =>
      chunkPath(store, digestOf(bytesOf(text)))
    );
    const stray = chunkPath(store, await strayChunk(store, "stray"));
    const bad = [
      `${one}.0.bad`,
      `${one}.9.bad`,
      `${two}.3.bad`,
      `${stray}.1.bad`,
    ];
    for (const path of bad) Deno.writeFileSync(path, bytesOf("bad"));
    Deno.removeSync(one!);
    const collect = async () => {
      for (const path of bad) if (isThere(path)) age(path, 50 * HOUR);
      const warnings: string[] = [];
      const { removedBad, stillBad } = await collectGarbage(store, {
        ...QUICK,
        onWarning: (sentence) => warnings.push(sentence),
      });
      return { removedBad, stillBad, warnings, there: bad.map(isThere) };
    };
    const first = await collect();
    assertEquals(first.there, [true, true, false, false]);
    assertEquals(
      [first.removedBad, first.stillBad, first.warnings.length],
      [2, 2, 1],
    );
    assertStringIncludes(first.warnings[0]!, one!.slice(-64));
    assertStringIncludes(first.warnings[0]!, "2 bad");
    assertStringIncludes(first.warnings[0]!, "root.pxar.didx");
    // Uploaded once more: what was bad is of no use any more.
    await strayChunk(store, "one");
    const second = await collect();
    assertEquals(second.there, [false, false, false, false]);
    assertEquals([second.removedBad, second.stillBad, second.warnings], [
      2,
      0,
      [],
    ]);
  });
});

Deno.test("collectGarbage() takes an empty chunk for a missing one", async () => {
  await withSnapshot(async (store, _, [path]) => {
    Deno.truncateSync(path!);
    age(path!, 50 * HOUR);
    const warnings: string[] = [];
    await collectGarbage(store, {
      ...QUICK,
      onWarning: (sentence) => warnings.push(sentence),
    });
    assertEquals(warnings.length, 1);
    assertEquals(isThere(path!), false);
  });
});

Deno.test("collectGarbage() removes markers, and temporaries that are old, and no name it does not know", async () => {
  await withSnapshot(async (store, folder, [path]) => {
    const base = `${folder}/store`,
      snapshot = `${base}/host/h1/2023-11-14T22:13:20Z`;
    const old = [
      `${path}.tmp_aB3xY9`,
      `${path}.using`,
      `${base}/.gc-status.tmp_abcdef`,
      `${base}/host/h1/owner.tmp_abcdef`,
      `${base}/host/h1/notes.tmp_ABCDEF`,
      `${snapshot}/index.json.blob.tmp_123456`,
      `${snapshot}/root.tmp_didx`,
      `${snapshot}/drive.img.tmp_fidx`,
    ];
    const stays = [
      `${path}.tmp`,
      `${path}.bad`,
      `${path!.slice(0, -1)}`,
      `${path!.slice(0, -64)}readme`,
      `${base}/notes.tmp_toolong`,
      `${snapshot}/root.pxar.tmp_`,
      `${snapshot}/stray.blob`,
    ];
    for (const one of [...old, ...stays]) {
      Deno.writeFileSync(one, bytesOf("x"));
      age(one, 50 * HOUR);
    }
    const young = [`${path}.tmp_000000`, `${snapshot}/new.tmp_didx`];
    for (const one of young) Deno.writeFileSync(one, bytesOf("x"));
    const { removedTemporaries } = await collectGarbage(store, QUICK);
    assertEquals(old.filter(isThere), []);
    assertEquals([...stays, ...young].filter(isThere), [...stays, ...young]);
    assertEquals(removedTemporaries, old.length);
    // A marker is no writer's: it goes at once.
    Deno.writeFileSync(`${path}.using`, bytesOf(""));
    assertEquals((await collectGarbage(store, QUICK)).removedTemporaries, 1);
  });
});

Deno.test("collectGarbage() removes snapshots that nobody finished, with their chunks, once they are old", async () => {
  await withDatastore(async (store) => {
    const unfinished = async (group: string, old: boolean) => {
      const snapshot = snapshotOf(groupOf(group), 0);
      const writer = await store.create(snapshot, { owner: "root@pam" });
      await putArchive(writer, "root.pxar.didx", [bytesOf(`of ${group}`)]);
      const folder = store.tree.snapshotFolder(snapshot);
      // As if the writer had been killed: nothing of it is removed, nobody holds its locks.
      const copy = `${folder}.copy`;
      await new Deno.Command("cp", { args: ["-a", folder, copy] }).output();
      await writer[Symbol.asyncDispose]();
      Deno.renameSync(copy, folder);
      if (old) age(folder, 50 * HOUR);
      return { snapshot, folder };
    };
    const old = await unfinished("old", true);
    const young = await unfinished("young", false);
    const shielded = await unfinished("protected", true);
    Deno.writeFileSync(`${shielded.folder}/.protected`, bytesOf(""));
    age(shielded.folder, 50 * HOUR);
    const read = await unfinished("read", true);
    for (const { path } of chunkFiles(store)) age(path, 50 * HOUR);
    {
      await using _reader = await store.open(read.snapshot);
      const status = await collectGarbage(store, QUICK);
      assertEquals([
        status.removedSnapshots,
        status.removedChunks,
        status.indexFiles,
      ], [1, 1, 3]);
    }
    assertEquals(
      [old, young, shielded, read].map(({ folder }) => isThere(folder)),
      [false, true, true, true],
    );
    // The group stays, with its owner.
    assertEquals(store.tree.owner(old.snapshot), "root@pam");
    for (const { path } of chunkFiles(store)) age(path, 50 * HOUR);
    assertEquals((await collectGarbage(store, QUICK)).removedSnapshots, 1);
    assertEquals(isThere(read.folder), false);
  });
});

Deno.test("collectGarbage() heeds indexes wherever they lie, but not hidden ones nor links", async () => {
  await withSnapshot(async (store, folder) => {
    const base = `${folder}/store`,
      snapshot = `${base}/host/h1/2023-11-14T22:13:20Z`;
    const index = Deno.readFileSync(`${snapshot}/root.pxar.didx`);
    const put = (path: string) => {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      Deno.writeFileSync(path, index);
    };
    put(`${base}/somewhere/deep/x.didx`);
    put(`${base}/top.fidx`);
    put(`${base}/.hidden/y.didx`);
    put(`${base}/somewhere/.z.didx`);
    put(`${base}/somewhere/x.didx.bak`);
    put(`${base}/host/h1/2023-11-14T22:13:20Z/root.pxar.tmp_didx`);
    put(`${folder}/outside/v.didx`);
    Deno.symlinkSync(`${folder}/outside`, `${base}/link`);
    Deno.symlinkSync(`${folder}/outside/v.didx`, `${base}/link.didx`);
    assertEquals((await collectGarbage(store, QUICK)).indexFiles, 3);
  });
});

Deno.test("collectGarbage() refuses a store with another one in it", async () => {
  await withSnapshot(async (store) => {
    const inner = `${store.location}/host/inner`;
    Deno.mkdirSync(`${inner}/.chunks`, { recursive: true });
    const chunk = await strayChunk(store, "old", 50 * HOUR);
    await assertRejects(() => collectGarbage(store, QUICK), PxarError, inner);
    assert(isThere(chunkPath(store, chunk)));
  });
});

Deno.test("collectGarbage() removes nothing at all where an index cannot be read", async () => {
  await withSnapshot(async (store, folder, used) => {
    const base = `${folder}/store`;
    const snapshot = `${base}/host/h1/2023-11-14T22:13:20Z`;
    const good = Deno.readFileSync(`${snapshot}/root.pxar.didx`);
    const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
      "another magic": (bytes) => bytes.with(0, bytes[0]! ^ 1),
      "cut within an entry": (bytes) => bytes.subarray(0, -1),
      "cut within the header": (bytes) => bytes.subarray(0, 100),
      "no entry": (bytes) => bytes.subarray(0, 4096),
      "ends that fall": (bytes) => bytes.with(4096 + 40, 1),
      "empty": (bytes) => bytes.subarray(0, 0),
    };
    const old = await strayChunk(store, "old", 50 * HOUR);
    const temporary = `${chunkPath(store, old)}.tmp_abcdef`;
    const unfinished = `${base}/host/h1/2023-11-14T22:13:19Z`;
    Deno.writeFileSync(temporary, bytesOf("x"));
    Deno.mkdirSync(unfinished);
    age(temporary, 50 * HOUR);
    age(unfinished, 50 * HOUR);
    Deno.mkdirSync(`${base}/later`);
    const before = namesIn(base);
    for (const [what, damage] of Object.entries(damages)) {
      const path = `${base}/later/x.didx`;
      Deno.writeFileSync(path, damage(good));
      const error = await assertRejects(
        () => collectGarbage(store, QUICK),
        PxarError,
        path,
        what,
      );
      assertStringIncludes(error.message, "not known", what);
      Deno.removeSync(path);
      assertEquals(namesIn(base), before, what);
    }
    assert(isThere(unfinished));
    const status = await collectGarbage(store, QUICK);
    assertEquals(
      [
        status.removedChunks,
        status.removedTemporaries,
        status.removedSnapshots,
      ],
      [1, 1, 1],
    );
    assertEquals(used.filter(isThere), used);
  });
});

Deno.test("collectGarbage() looks again where a snapshot vanishes while it marks", async () => {
  await withSnapshot(async (store, folder, used) => {
    const group = `${folder}/store/host/h1`;
    for (const path of used) age(path, 50 * HOUR);
    const names = [
      "2023-11-14T22:13:20Z",
      "2023-11-14T22:13:21Z",
      "2023-11-14T22:13:22Z",
    ];
    let moves = 0;
    const status = await collectGarbage(store, {
      ...QUICK,
      onProgress: ({ phase }) => {
        if (phase !== "marking" || moves === 2) return;
        // A newer one has all its chunks by now.
        Deno.renameSync(
          `${group}/${names[moves]}`,
          `${group}/${names[++moves]}`,
        );
      },
    });
    assertEquals([moves, status.indexFiles, status.removedChunks], [2, 1, 0]);
    assertEquals(used.filter(isThere), used);
  });
});

Deno.test("collectGarbage() gives up where snapshots never stop vanishing", async () => {
  await withSnapshot(async (store, folder, used) => {
    for (const path of used) age(path, 50 * HOUR);
    const group = `${folder}/store/host/h1`;
    let name = "2023-11-14T22:13:20Z";
    await assertRejects(
      () =>
        collectGarbage(store, {
          ...QUICK,
          onProgress: ({ done, of }) => {
            if (done === of) return;
            const next = name.endsWith("20Z")
              ? name.replace("20Z", "21Z")
              : name.replace("21Z", "20Z");
            // Under another name each time: the one before counts as done.
            Deno.renameSync(`${group}/${name}`, `${group}/${next}`);
            Deno.renameSync(
              `${group}/${next}/${fileIn(`${group}/${next}`)}`,
              `${group}/${next}/f${done}.didx`,
            );
            name = next;
          },
        }),
      BusyError,
      "vanish",
    );
    assertEquals(used.filter(isThere), used);
  });
});

function fileIn(folder: string): string {
  return [...Deno.readDirSync(folder)].find(({ name }) =>
    name.endsWith(".didx")
  )!.name;
}

Deno.test("collectGarbage() can be ended at any time and begun again", async () => {
  await withSnapshot(async (store, _, used) => {
    const old = [];
    for (let i = 0; i < 20; i++) {
      old.push(await strayChunk(store, `old ${i}`, 50 * HOUR));
    }
    await assertRejects(
      () =>
        collectGarbage(store, {
          ...QUICK,
          signal: AbortSignal.abort(new Error("enough")),
        }),
      Error,
      "enough",
    );
    const stop = new AbortController();
    await assertRejects(
      () =>
        collectGarbage(store, {
          ...QUICK,
          signal: stop.signal,
          onProgress: ({ phase, done }) => {
            if (phase !== "sweeping") return;
            if (done === 5) stop.abort(new Error("enough"));
            // Longer than anybody may go on without looking up.
            for (const end = performance.now() + 15; performance.now() < end;);
          },
        }),
      Error,
      "enough",
    );
    const left = old.filter((one) => isThere(chunkPath(store, one))).length;
    assert(left > 0 && left < 20, `${left} left`);
    assertEquals(readGcStatus(store), undefined);
    assertEquals((await collectGarbage(store, QUICK)).removedChunks, left);
    assertEquals(used.filter(isThere), used);
  });
});

Deno.test("collectGarbage() tells how far it is", async () => {
  await withSnapshot(async (store) => {
    const told: GcProgress[] = [];
    await collectGarbage(store, {
      ...QUICK,
      onProgress: (progress) => told.push(progress),
    });
    const of = (phase: string) =>
      told.filter((one) => one.phase === phase).map((
        { done, of },
      ) => [done, of]);
    assertEquals(of("marking"), [[0, 1], [1, 1]]);
    assertEquals(of("sweeping"), [[0, 2], [1, 2], [2, 2]]);
    assertEquals(
      told.map(({ phase }) => phase).sort(),
      told.map(({ phase }) => phase),
    );
  });
});

Deno.test("collectGarbage() leaves its outcome in .gc-status, as PBS does", async () => {
  await withSnapshot(async (store, folder) => {
    assertEquals(readGcStatus(store), undefined);
    await strayChunk(store, "old", 50 * HOUR);
    const { startTime } = await collectGarbage(store, {
      ...QUICK,
      user: "admin@pbs",
    });
    const { upid, ...counts } = readGcStatus(store)!;
    assertEquals(counts, {
      "index-file-count": 1,
      "index-data-bytes": 9,
      "disk-bytes": 30,
      "disk-chunks": 2,
      "removed-bytes": 15,
      "removed-chunks": 1,
      "pending-bytes": 0,
      "pending-chunks": 0,
      "removed-bad": 0,
      "still-bad": 0,
      "cache-stats": { hits: 1, misses: 2 },
    });
    const task = parseUpid(upid as string);
    assertEquals(
      [
        task.workerType,
        task.workerId,
        task.startTime,
        authIdText(task.authId),
        task.pid,
      ],
      ["garbage_collection", "store", startTime, "admin@pbs", Deno.pid],
    );
    const path = `${folder}/store/.gc-status`;
    assertEquals(Deno.statSync(path).mode! & 0o7777, 0o644);
    for (const text of ["", "[]", "3", "null", "{", "\xff"]) {
      Deno.writeTextFileSync(path, text);
      assertThrows(() => readGcStatus(store), FormatError, ".gc-status");
    }
    Deno.truncateSync(path, 1 << 20);
    assertThrows(() => readGcStatus(store), FormatError);
  });
});

Deno.test("collectGarbage() is refused while somebody else collects, or may write without being seen", async () => {
  await withSnapshot(async (store) => {
    const first = collectGarbage(store, QUICK);
    await assertRejects(
      () => collectGarbage(store, QUICK),
      BusyError,
      "in use",
    );
    await first;
    await collectGarbage(store, QUICK);
  });
  await withDatastore(async (store) => {
    const chunk = await strayChunk(store, "old", 50 * HOUR);
    await assertRejects(
      () => collectGarbage(store, QUICK),
      UnsupportedError,
      "--assume-exclusive",
    );
    assert(isThere(chunkPath(store, chunk)));
    const { removedChunks } = await collectGarbage(store, {
      ...QUICK,
      assumeExclusive: true,
    });
    assertEquals(removedChunks, 1);
  }, { kernel: undefined });
});

Deno.test("collectGarbage() refuses a wrong cutoff or user before it does anything", async () => {
  await withSnapshot(async (store) => {
    const chunk = await strayChunk(store, "old", 50 * HOUR);
    for (const cutoff of [-1, NaN, Infinity]) {
      await assertRejects(
        () => collectGarbage(store, { ...QUICK, cutoff }),
        RangeError,
      );
    }
    await assertRejects(
      () => collectGarbage(store, { ...QUICK, user: "nobody" }),
      FormatError,
    );
    assert(isThere(chunkPath(store, chunk)));
    await collectGarbage(store, QUICK);
  });
});

Deno.test("collectGarbage() tries out whether times of access are kept", async () => {
  await withSnapshot(async (store) => {
    await collectGarbage(store);
    const zeros = parseDigest(
      "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8",
    );
    assert(isThere(chunkPath(store, zeros)));
  });
  // Here time stands still.
  const store = await memoryStore({ now: () => 5e11 });
  await makeSnapshot(store, snapshotOf(GROUP, 0));
  await assertRejects(
    () => collectGarbage(store, { checkAccessTimes: true }),
    UnsupportedError,
    "times of access",
  );
});

Deno.test("collectGarbage() works on a store in memory", async () => {
  let now = 1.7e12;
  const store = await memoryStore({ now: () => now });
  await makeSnapshot(store, snapshotOf(GROUP, 0), [bytesOf("kept")]);
  await makeSnapshot(store, snapshotOf(GROUP, 1), [bytesOf("gone")]);
  now += 1000;
  await store.forget(snapshotOf(GROUP, 1));
  assertEquals((await collectGarbage(store)).pendingChunks, 1);
  now += 25 * HOUR * 1000;
  const { removedChunks, diskChunks } = await collectGarbage(store);
  assertEquals([removedChunks, diskChunks], [1, 1]);
  assertEquals(readGcStatus(store)?.["removed-chunks"], 1);
});
