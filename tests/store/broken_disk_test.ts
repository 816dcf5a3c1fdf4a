// Disks that fail: every call of the file system in turn, and one that is full.
import { joinBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { PxarError, SystemError } from "@pxar/format/errors";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import { Datastore } from "@pxar/store/datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import { collectGarbage } from "@pxar/store/gc";
import { openDatastore } from "@pxar/store/open_datastore";
import { verify } from "@pxar/store/verify";
import { ChunkFolder } from "../../store/chunk_folder.ts";
import { DiskFiles } from "../../store/disk_files.ts";
import { FileLocks } from "../../store/file_locks.ts";
import { ProcessLock } from "../../store/process_lock.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { mounted } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { inMemory, openDescriptors, withDirectory } from "../support/walks.ts";
import { groupOf, makeSnapshot, snapshotOf } from "./contract.ts";
import { contentsOf, makeFull } from "./full.ts";
import { bytesOf, chunkOf, kernel, namesIn, strayChunk } from "./stores.ts";

type FileSystem = DiskFiles["fs"];

/** Calls that can fail; everything that a store does with a disk. */
const CALLS = [
  "openSync",
  "readSync",
  "writeSync",
  "closeSync",
  "fchmodSync",
  "fsyncSync",
  "renameSync",
  "linkSync",
  "unlinkSync",
  "mkdirSync",
  "chmodSync",
  "rmdirSync",
  "rmSync",
  "lstatSync",
  "fstatSync",
  "readdirSync",
  "lutimesSync",
] as const satisfies readonly (keyof FileSystem)[];

/** A disk on which one call fails. */
class Disk {
  /** How many calls there have been. */
  calls = 0;
  /** Which one fails. */
  fails = Infinity;
  readonly fs: FileSystem;

  constructor(real: FileSystem) {
    const fs: Record<string, unknown> = { ...real, constants: real.constants };
    for (const name of CALLS) {
      const call = real[name] as (...args: unknown[]) => unknown;
      fs[name] = (...args: unknown[]) => {
        if (this.calls++ !== this.fails) return call(...args);
        // Whatever it says, a file that was closed is closed.
        if (name === "closeSync") call(...args);
        throw Object.assign(new Error("Input/output error (os error 5)"), {
          code: "EIO",
        });
      };
    }
    this.fs = fs as unknown as FileSystem;
  }
}

/** A store on such a disk. */
async function storeOn(
  path: string,
  disk: Disk | undefined,
): Promise<Datastore> {
  const files = new DiskFiles({ owner: undefined, sync: true });
  if (disk !== undefined) {
    Object.defineProperty(files, "fs", { value: disk.fs });
  }
  return new Datastore({
    location: path,
    name: "store",
    files,
    chunks: new ChunkFolder(path, files, undefined),
    lock: ProcessLock.of(path),
    locks: FileLocks.within(path),
    kernel: undefined,
    direct: undefined,
    sync: () => {},
    codecs: await openCodecs(),
    now: Date.now,
    timeZone: "UTC",
  });
}

const GROUP = groupOf("h1"),
  OLD = [0, 1, 2].map((after) => snapshotOf(GROUP, after)),
  NEW = snapshotOf(GROUP, 3);
const CHUNKS = ["new", "old 1"].map(bytesOf),
  FAST = { checkAccessTimes: false, cutoff: 0 };

interface Scenario {
  readonly what: string;
  readonly run: (store: Datastore) => Promise<unknown>;
  /** Snapshots, by their times, that may be gone afterwards. */
  readonly mayGo?: readonly number[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    what: "a snapshot is made",
    run: (store) => makeSnapshot(store, NEW, CHUNKS),
  },
  {
    what: "a snapshot is made in a new group",
    run: (store) => makeSnapshot(store, snapshotOf(groupOf("h2"), 0), CHUNKS),
  },
  { what: "notes are set", run: (store) => store.setNotes(OLD[2]!, "notes") },
  {
    what: "notes on a group are set",
    run: (store) => store.setGroupNotes(GROUP, "notes"),
  },
  {
    what: "a snapshot is protected",
    run: (store) => store.setProtected(OLD[2]!, true),
  },
  {
    what: "a log is added",
    run: async (store) =>
      await store.uploadLog(OLD[2]!, joinBlob((await chunkOf("log")).sealed)),
  },
  {
    what: "an owner is changed",
    run: (store) => store.changeOwner(GROUP, "root@pam!t"),
  },
  { what: "a namespace is made", run: (store) => store.createNamespace("a") },
  {
    what: "a snapshot is forgotten",
    run: (store) => store.forget(OLD[0]!),
    mayGo: [0],
  },
  {
    what: "a group is pruned",
    run: (store) => store.prune(GROUP, { last: 1 }),
    mayGo: [0, 1],
  },
  {
    what: "garbage is collected",
    run: (store) => collectGarbage(store, { ...FAST, assumeExclusive: true }),
  },
  {
    what: "a store is verified",
    run: (store) => verify(store, { namespace: "" }),
  },
  {
    what: "a store is listed",
    run: async (
      store,
    ) => [
      await store.snapshots(""),
      await store.groups(""),
      await store.namespaces(),
    ],
  },
];

async function withOld(use: (path: string) => Promise<void>): Promise<void> {
  await withDirectory(async (folder) => {
    const path = `${folder}/store`;
    await initDatastore(path, {
      allFolders: false,
      owner: { uid: Deno.uid()!, gid: Deno.gid()! },
    });
    const store = await storeOn(path, undefined);
    for (const [i, snapshot] of OLD.entries()) {
      await makeSnapshot(store, snapshot, [
        bytesOf(`old ${i}`),
        bytesOf("old"),
      ]);
    }
    await strayChunk(store, "stray", 50);
    await use(path);
    if (Deno.build.os === "linux") assertEquals(openDescriptors(folder), 0);
  }, inMemory());
}

/** Nothing of what is finished is damaged, and what was there before is still there. */
async function assertSound(
  store: Datastore,
  mayGo: readonly number[],
): Promise<void> {
  const { snapshots } = await verify(store, { namespace: "" });
  assertEquals(snapshots.flatMap(({ problems }) => problems), []);
  const states = new Map(
    snapshots.map((
      { snapshot, state },
    ) => [`${snapshot.id} ${snapshot.time}`, state]),
  );
  for (const [i, { id, time }] of OLD.entries()) {
    const state = states.get(`${id} ${time}`);
    assert(state === "ok" || mayGo.includes(i), `snapshot ${i} is ${state}`);
  }
}

for (const { what, run, mayGo = [] } of SCENARIOS) {
  Deno.test(`while ${what}, any call of the file system may fail once: the error is one of ours, and nothing is lost`, async () => {
    let calls = 0, errors = 0;
    await withOld(async (path) => {
      const disk = new Disk(
        new DiskFiles({ owner: undefined, sync: false }).fs,
      );
      await run(await storeOn(path, disk));
      calls = disk.calls;
    });
    assert(calls > 3, `${calls} calls`);
    // Each of the first ones, then some of the many that are alike.
    for (let fails = 0; fails < calls; fails += fails < 60 ? 1 : 7) {
      await withOld(async (path) => {
        const disk = new Disk(
          new DiskFiles({ owner: undefined, sync: false }).fs,
        );
        const broken = await storeOn(path, disk);
        disk.fails = fails;
        try {
          await run(broken);
        } catch (error) {
          errors++;
          const sound = error instanceof SuppressedError
            ? [error.error, error.suppressed]
            : [error];
          for (const one of sound) {
            assert(one instanceof PxarError, `call ${fails}: ${one}`);
          }
        }
        const healthy = await storeOn(path, undefined);
        await assertSound(healthy, mayGo);
        // Now that the disk is well again, it works, unless it was done already.
        try {
          await run(healthy);
        } catch (error) {
          assert(
            error instanceof PxarError || error instanceof RangeError,
            `${error}`,
          );
        }
        await assertSound(healthy, mayGo);
        await collectGarbage(healthy, { ...FAST, assumeExclusive: true });
        await assertSound(healthy, mayGo);
        const left = namesIn(path).filter((name) => /\.tmp_/.test(name));
        // What could not be removed then is removed by a collection later.
        await new Promise((resolve) =>
          setTimeout(resolve, left.length > 0 ? 15 : 0)
        );
        if (left.length > 0) {
          await collectGarbage(healthy, { ...FAST, assumeExclusive: true });
        }
        assertEquals(namesIn(path).filter((name) => /\.tmp_/.test(name)), []);
      });
    }
    assert(errors > 0);
  });
}

systemTest(
  "a disk that is full is a clean error at any moment, and leaves nothing behind",
  ["linux", "root", "mount"],
  async () => {
    await withDirectory(async (folder) => {
      await mounted(
        ["-t", "tmpfs", "-o", "size=4m,mode=755", "none"],
        folder,
        async (folder) => {
          const path = `${folder}/store`;
          await initDatastore(path, { allFolders: false });
          const store = await openDatastore(path, {
            kernel,
            locks: `${folder}/locks`,
          });
          const crew = await ChunkCrew.start(store.direct, { threads: 2 });
          const first = snapshotOf(GROUP, 0),
            contents = await Promise.all([contentsOf(1), contentsOf(2)]);
          await makeFull(store, first, crew, contents[0]!);
          const filler = `${folder}/filler`, full = new Uint8Array(4096);
          /** Fills the disk but for some bytes. */
          const fill = (free: number) => {
            const file = Deno.openSync(filler, {
              write: true,
              create: true,
              truncate: true,
            });
            try {
              for (;;) file.writeSync(full);
            } catch (error) {
              if (!/No space/.test(String(error))) throw error;
            }
            file.truncateSync(Math.max(0, file.statSync().size - free));
            file.close();
          };
          const before = namesIn(path).filter((name) =>
            !name.startsWith("/.chunks")
          );
          let failed = 0;
          for (let free = 0; free < 400_000; free += 20_000) {
            fill(free);
            const { available } = await store.status();
            assert(available <= free + 4096);
            let error: unknown;
            try {
              await makeFull(store, snapshotOf(GROUP, 1), crew, contents[1]!);
            } catch (thrown) {
              error = thrown;
            }
            if (error === undefined) break;
            failed++;
            assert(error instanceof SystemError, `${error}`);
            assertEquals(
              [error.code, error.errno],
              ["ENOSPC", 28],
              `with ${free} bytes free`,
            );
            assertEquals(
              namesIn(path).filter((name) => !name.startsWith("/.chunks")),
              before,
            );
            assertEquals(
              namesIn(path).filter((name) => /\.tmp_/.test(name)),
              [],
            );
            const { snapshots } = await verify(store, { namespace: "" }, {
              threads: 0,
            });
            assertEquals(snapshots.flatMap(({ problems }) => problems), []);
          }
          assert(failed > 3, `failed ${failed} times`);
          // What is there can be read, and a collection makes room, though nothing can be written.
          fill(0);
          await assertRejects(
            () => store.setNotes(first, "x".repeat(9000)),
            SystemError,
            "no space left",
          );
          assertEquals(await store.notes(first), "");
          await store.forgetGroup(GROUP);
          await new Promise((resolve) => setTimeout(resolve, 20));
          const warnings: string[] = [];
          const { removedChunks } = await collectGarbage(store, {
            cutoff: 0,
            onWarning: (one) => warnings.push(one),
          });
          assert(removedChunks > 10 && warnings.length <= 1);
          Deno.removeSync(filler);
          await makeFull(store, snapshotOf(GROUP, 2), crew, contents[1]!);
          crew.close();
        },
      );
    });
  },
);
