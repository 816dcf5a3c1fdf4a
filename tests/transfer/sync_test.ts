// Snapshots from one store to another.
import fc from "fast-check";
import { CryptKey } from "@pxar/chunk/key";
import {
  BusyError,
  IntegrityError,
  NotFoundError,
  SystemError,
} from "@pxar/format/errors";
import type { Datastore } from "@pxar/store/datastore";
import { collectGarbage } from "@pxar/store/gc";
import { memoryStore } from "@pxar/store/memory";
import { type GroupName, snapshotText } from "@pxar/store/snapshot";
import type { Store } from "@pxar/store/store";
import { parseGroupFilter } from "@pxar/transfer/group_filter";
import { sync, type SyncOptions } from "@pxar/transfer/sync";
import type { SyncReport } from "@pxar/transfer/sync_report";
import { groupOf, makeSnapshot, snapshotOf } from "../store/contract.ts";
import { openOfficialKey } from "../store/official.ts";
import { chunkFiles, kernel } from "../store/stores.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { couldLock, holdLock } from "../support/lock_holder.ts";
import {
  assertSound,
  contentsOf,
  counting,
  replacing,
  withStores,
} from "./stores.ts";

const TEXT = new TextEncoder();

/** `STATE SNAPSHOT`, one each. */
function statesOf({ snapshots }: SyncReport): string[] {
  return snapshots.map(({ snapshot, state }) =>
    `${state} ${snapshot.namespace}:${snapshotText(snapshot)}`
  );
}

function count(report: SyncReport, state: string): number {
  return report.snapshots.filter((one) => one.state === state).length;
}

/** A store in memory with snapshots of a group, by seconds. */
async function inMemoryWith(
  seconds: readonly number[],
  id = "h1",
): Promise<Datastore> {
  const store = await memoryStore();
  for (const second of seconds) {
    await makeSnapshot(store, snapshotOf(groupOf(id), second));
  }
  return store;
}

async function timesOf(store: Store, group: GroupName): Promise<number[]> {
  return (await store.snapshots(group)).map(({ snapshot }) =>
    snapshot.time - 1_700_000_000
  );
}

for (const name of ["plain", "encrypted", "signonly", "vec-rest"]) {
  Deno.test(`sync() brings all of the official store ${name} over, and then nothing`, async () => {
    await withStores(name, async (source, target) => {
      const first = counting(source);
      const report = await sync(first.store, target);
      assertEquals(report.problems, []);
      assertEquals(count(report, "failed"), 0);
      const contents = await contentsOf(source);
      assertEquals(count(report, "copied"), contents.size);
      assertEquals(await contentsOf(target), contents);
      assertEquals(await assertSound(target), contents.size);
      assertEquals(
        await target.namespaces(),
        await source.namespaces(),
      );
      // Each chunk once.
      assertEquals(new Set(first.gets).size, first.gets.length);
      assertEquals(first.gets.length, report.counts.newChunks);
      assertEquals(first.gets.length, chunkFiles(target).length);

      const second = counting(source);
      const again = await sync(second.store, target);
      assertEquals(count(again, "there"), contents.size);
      assertEquals(again.snapshots.length, report.snapshots.length);
      assertEquals(second.gets, []);
      assertEquals(again.counts.chunks, 0);
    });
  });
}

Deno.test("sync() keeps notes, owners and logs, and drops what was verified elsewhere", async () => {
  await withStores("plain", async (source, target) => {
    await sync(source, target);
    for (const namespace of await source.namespaces()) {
      const owners = async (store: Store) =>
        (await store.groups(namespace)).map(({ group, owner, notes }) => ({
          group,
          owner,
          notes,
        }));
      assertEquals(await owners(target), await owners(source));
      const there = await target.snapshots(namespace);
      const told = (await source.snapshots(namespace)).filter(({ finished }) =>
        finished
      );
      assertEquals(
        there.map(({ notes }) => notes),
        told.map(({ notes }) => notes),
      );
      assert(there.every(({ verification }) => verification === undefined));
      assert(there.every((one) => !one.protected));
    }
  });
});

Deno.test("sync() takes nothing damaged over, and all the rest", async () => {
  await withStores("damaged", async (source, target) => {
    const report = await sync(source, target);
    assertEquals(report.problems, []);
    const ids = (state: string) =>
      report.snapshots.filter((one) => one.state === state).map((
        { snapshot },
      ) => snapshot.id).sort();
    assertEquals(
      ids("failed"),
      [
        "blob-flip",
        "blob-missing",
        "chunk-empty",
        "chunk-flip",
        "chunk-missing",
        "chunk-other",
        "chunk-short",
        "chunk-trunc",
        "bad-present",
        "cryptmode",
        "enc-flip",
        "fidx-digest",
        "fidx-size",
        "index-entry",
        "index-magic",
        "index-missing",
        "index-short",
        "index-trunc",
        "manifest-crc",
        "manifest-id",
        "manifest-json",
        "manifest-tamper",
        "signed-tamper",
      ].sort(),
    );
    assertEquals(ids("unfinished"), ["manifest-missing"]);
    // Only the key can tell that a tag is wrong.
    assert(ids("copied").includes("enc-flip-crcfix"));
    assert(ids("copied").includes("index-csum"));
    assert(ids("copied").includes("extra-file"));
    for (const { state, error } of report.snapshots) {
      assertEquals(state === "failed", error !== undefined);
    }
    // What failed left neither a snapshot nor a group.
    const there = await target.snapshots("");
    assert(there.every(({ finished }) => finished));
    assertEquals(
      (await target.groups("")).map(({ group }) => group.id).sort(),
      ids("copied"),
    );
    assertEquals(await assertSound(target), ids("copied").length);
    // Nor does it come the next time, when many of its chunks are there.
    const again = await sync(source, target);
    assertEquals(count(again, "failed"), ids("failed").length);
    assertEquals((await target.snapshots("")).length, there.length);
  });
});

Deno.test("sync() finds with the key what is wrong within encrypted chunks", async () => {
  await withStores("damaged", async (source, target) => {
    const key = await openOfficialKey("enc.json");
    const filters = [parseGroupFilter("regex:^host/enc-")];
    const report = await sync(source, target, { key, filters });
    assertEquals(
      statesOf(report).map((one) => one.split("/")[0] + one.split("/")[1]!),
      ["failed :hostenc-flip", "failed :hostenc-flip-crcfix"],
    );
    assert(report.snapshots[1]!.error instanceof IntegrityError);
    assert(report.snapshots[1]!.file?.endsWith("idx"));
  });
});

Deno.test("sync() between disk and memory, there and back", async () => {
  await withStores("encrypted", async (source, target) => {
    const between = await memoryStore();
    const key = await openOfficialKey("enc.json");
    await sync(source, between, { key, threads: 0 });
    const report = await sync(between, target, { key, threads: 1 });
    assertEquals(count(report, "failed"), 0);
    assertEquals(await contentsOf(target), await contentsOf(source));
    await assertSound(target);
  });
});

Deno.test("sync() that is ended anywhere leaves nothing unfinished, and goes on from there", async () => {
  await withStores("plain", async (source) => {
    const whole = counting(source);
    await sync(whole.store, await memoryStore());
    const all = whole.gets.length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: all }), async (last) => {
        const target = await memoryStore(), control = new AbortController();
        const first = counting(source);
        const reason = new Error("enough");
        first.onGet = () => {
          if (first.gets.length === last - 1) control.abort(reason);
        };
        const error = await assertRejects(() =>
          sync(first.store, target, { signal: control.signal })
        );
        assertEquals(error, reason);
        for (const namespace of await target.namespaces()) {
          for (const { finished } of await target.snapshots(namespace)) {
            assert(finished);
          }
        }
        const kept = chunkFiles(target).length;
        const second = counting(source);
        const report = await sync(second.store, target);
        assertEquals(count(report, "failed"), 0);
        assertEquals(second.gets.length, all - kept);
        assertEquals(await contentsOf(target), await contentsOf(source));
      }),
      { numRuns: 8 },
    );
  });
});

Deno.test("sync() goes on where a run was killed", async () => {
  await withStores("plain", async (source, target, folder) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        new URL("./sync_child.ts", import.meta.url).pathname,
        folder,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    // It says so when some chunks have come, and waits.
    const reader = child.stdout.getReader();
    assert((await reader.read()).value !== undefined);
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
    const infos = (await Promise.all(
      (await target.namespaces()).map((one) => target.snapshots(one)),
    )).flat();
    assertEquals(infos.filter(({ finished }) => !finished).length, 1);
    const kept = chunkFiles(target).length;
    assert(kept > 0);
    const counted = counting(source);
    const report = await sync(counted.store, target);
    assertEquals([count(report, "failed"), report.problems], [0, []]);
    assertEquals(counted.gets.length, chunkFiles(target).length - kept);
    assertEquals(await contentsOf(target), await contentsOf(source));
    await assertSound(target);
  });
});

/** A store whose chunks are read only after something else was done. */
function before(store: Store, act: () => Promise<void>): Store {
  return replacing(store, {
    open: async (...args: Parameters<Store["open"]>) => {
      const reader = await store.open(...args);
      return replacing(reader, {
        direct: undefined,
        get: async (digest, options) => {
          await act();
          return await reader.get(digest, options);
        },
      });
    },
  });
}

Deno.test({
  name:
    "sync() is refused while another process collects garbage in the target",
  ignore: kernel === undefined,
  fn: async () => {
    await withStores(undefined, async (source, target) => {
      await makeSnapshot(source, snapshotOf(groupOf("h1"), 0));
      await makeSnapshot(source, snapshotOf(groupOf("h1"), 1));
      const lock = `${target.location}/.lock`;
      {
        await using holder = await holdLock(lock, "record exclusive");
        assert(holder.held);
        const report = await sync(source, target);
        assertEquals(statesOf(report), [
          "failed :host/h1/2023-11-14T22:13:20Z",
          "waiting :host/h1/2023-11-14T22:13:21Z",
        ]);
        assert(report.snapshots[0]!.error instanceof BusyError);
        assertEquals(await target.groups(""), []);
      }
      let couldCollect = 0, asked = 0;
      const asking = before(source, async () => {
        asked++;
        if (await couldLock(lock, "record exclusive")) couldCollect++;
      });
      assertEquals(count(await sync(asking, target), "copied"), 2);
      assert(asked > 0);
      assertEquals(couldCollect, 0);
      await assertSound(target);
    });
  },
});

Deno.test("sync() loses nothing to a collection in the same process", async () => {
  await withStores("plain", async (source, target) => {
    let runs = 0;
    const collecting = before(source, async () => {
      if (runs++ % 7 !== 0) return;
      await collectGarbage(target, { cutoff: 0 }).catch((error) => {
        if (!(error instanceof BusyError)) throw error;
      });
    });
    const report = await sync(collecting, target);
    assertEquals(count(report, "failed"), 0);
    assert(runs > 7);
    await assertSound(target);
  });
});

Deno.test("sync() goes on behind damage, and waits behind what may pass", async () => {
  const source = await inMemoryWith([0, 1, 2]);
  const failing = (error: Error) =>
    replacing<Store>(source, {
      open: async (snapshot) => {
        const reader = await source.open(snapshot);
        if (snapshot.time !== 1_700_000_001) return reader;
        return replacing(reader, {
          direct: undefined,
          get: () => Promise.reject(error),
        });
      },
    });
  const run = async (error: Error) => {
    const target = await memoryStore();
    const { snapshots } = await sync(failing(error), target);
    return snapshots.map(({ state }) => state);
  };
  const system = (code: string) =>
    new SystemError("Cannot read", { code, errno: 5, call: "read" });
  assertEquals(await run(new NotFoundError("gone")), [
    "copied",
    "failed",
    "copied",
  ]);
  assertEquals(await run(system("EIO")), ["copied", "failed", "copied"]);
  assertEquals(await run(system("ETIMEDOUT")), [
    "copied",
    "failed",
    "waiting",
  ]);
  // What is no error of ours is a fault, and ends it all.
  await assertRejects(() => run(new Error("a fault")), Error, "a fault");
});

Deno.test("sync() never brings what is older than the newest of the target's group", async () => {
  const source = await inMemoryWith([0, 1, 2, 3]);
  const target = await inMemoryWith([1, 2]);
  assertEquals(statesOf(await sync(source, target)), [
    "older :host/h1/2023-11-14T22:13:20Z",
    "there :host/h1/2023-11-14T22:13:21Z",
    "there :host/h1/2023-11-14T22:13:22Z",
    "copied :host/h1/2023-11-14T22:13:23Z",
  ]);
  assertEquals(await timesOf(target, groupOf("h1")), [1, 2, 3]);
});

Deno.test("sync() maps namespaces, as deep as is asked for", async () => {
  const source = await memoryStore();
  for (const namespace of ["a", "a/b", "a/b/c", "x"]) {
    await source.createNamespace(namespace);
    await makeSnapshot(source, snapshotOf(groupOf("h1", namespace), 0));
  }
  const run = async (options: SyncOptions) => {
    const target = await memoryStore();
    const report = await sync(source, target, options);
    assertEquals(count(report, "failed"), 0);
    await assertSound(target);
    return [
      report.snapshots.map(({ snapshot }) => snapshot.namespace),
      await target.namespaces(),
    ];
  };
  assertEquals(await run({}), [
    ["a", "a/b", "a/b/c", "x"],
    ["", "a", "a/b", "a/b/c", "x"],
  ]);
  assertEquals(await run({ namespace: "a", targetNamespace: "" }), [
    ["", "b", "b/c"],
    ["", "b", "b/c"],
  ]);
  assertEquals(
    await run({ namespace: "a/b", targetNamespace: "p/q", maxDepth: 0 }),
    [["p/q"], ["", "p", "p/q"]],
  );
  await assertRejects(
    () => sync(source, source, { namespace: "nowhere", targetNamespace: "y" }),
    NotFoundError,
  );
});

Deno.test("sync() says of a namespace that it would be too deep", async () => {
  const source = await memoryStore(), target = await memoryStore();
  await source.createNamespace("a");
  await makeSnapshot(source, snapshotOf(groupOf("h1"), 0));
  await makeSnapshot(source, snapshotOf(groupOf("h1", "a"), 0));
  const targetNamespace = "1/2/3/4/5/6/7";
  const { problems, snapshots } = await sync(source, target, {
    targetNamespace,
  });
  assertEquals(problems.map(({ what }) => what), [`${targetNamespace}/a`]);
  assertEquals(snapshots.map(({ state }) => state), ["copied"]);
});

Deno.test("sync() within one store: namespaces apart only", async () => {
  const store = await inMemoryWith([0, 1]);
  await store.createNamespace("a");
  for (const targetNamespace of ["", "a"]) {
    await assertRejects(
      () => sync(store, store, { targetNamespace }),
      RangeError,
      "with itself",
    );
  }
  await makeSnapshot(store, snapshotOf(groupOf("h2", "a"), 0));
  const report = await sync(store, store, {
    namespace: "a",
    targetNamespace: "b",
  });
  assertEquals(statesOf(report), ["copied b:host/h2/2023-11-14T22:13:20Z"]);
  // All chunks are there.
  assertEquals(report.counts.newChunks, 0);
});

Deno.test("sync() takes the groups and snapshots that are asked for", async () => {
  const source = await memoryStore();
  const key = CryptKey.of(new Uint8Array(32).fill(7));
  for (const id of ["h1", "h2", "h3"]) {
    for (const second of [0, 1, 2]) {
      await makeSnapshot(
        source,
        snapshotOf(groupOf(id), second),
        [TEXT.encode(`${id} ${second}`)],
        id === "h3" && second === 1 ? key : undefined,
      );
    }
  }
  const run = async (options: SyncOptions) => {
    const target = await memoryStore();
    return (await sync(source, target, options)).snapshots
      .filter(({ state }) => state === "copied")
      .map(({ snapshot: { id, time } }) => `${id}:${time % 10}`).join(" ");
  };
  const filters = (...texts: string[]) => ({
    filters: texts.map(parseGroupFilter),
  });
  assertEquals(
    await run(filters("group:host/h1", "group:host/h3", "exclude:regex:3$")),
    "h1:0 h1:1 h1:2",
  );
  assertEquals(await run(filters("type:vm")), "");
  assertEquals(
    await run({ latest: 1, ...filters("type:host") }),
    "h1:2 h2:2 h3:2",
  );
  // Its configuration is a plain blob: not all of it is encrypted.
  assertEquals(await run({ encryptedOnly: true }), "");
  assertEquals(await run({ verifiedOnly: true }), "");
  await assertSound(source);
  assertEquals(
    await run({ verifiedOnly: true, latest: 2, ...filters("group:host/h2") }),
    "h2:1 h2:2",
  );
  await assertRejects(() => run({ latest: 0 }), RangeError);
});

Deno.test("sync({ encryptedOnly }) takes what is encrypted", async () => {
  await withStores("encrypted", async (source, target) => {
    const report = await sync(source, target, { encryptedOnly: true });
    assert(count(report, "copied") > 0);
    assert(count(report, "unwanted") > 0);
    for (const namespace of await target.namespaces()) {
      for (const { fingerprint } of await target.snapshots(namespace)) {
        assert(fingerprint);
      }
    }
  });
});

Deno.test("sync({ removeVanished }) removes what is in the target only, but for what is protected", async () => {
  const source = await inMemoryWith([2, 3]);
  const target = await inMemoryWith([0, 1, 2]);
  await target.setProtected(snapshotOf(groupOf("h1"), 0), true);
  for (const namespace of ["old", "old/er"]) {
    await target.createNamespace(namespace);
    await makeSnapshot(target, snapshotOf(groupOf("h8", namespace), 0));
  }
  await makeSnapshot(target, snapshotOf(groupOf("h9"), 0));
  await makeSnapshot(target, snapshotOf(groupOf("h9"), 1));
  const dry = await sync(source, target, {
    removeVanished: true,
    dryRun: true,
  });
  const before = await contentsOf(target);
  const report = await sync(source, target, { removeVanished: true });
  assertEquals(statesOf(dry), statesOf(report));
  assertEquals(statesOf(report), [
    "there :host/h1/2023-11-14T22:13:22Z",
    "copied :host/h1/2023-11-14T22:13:23Z",
    "kept :host/h1/2023-11-14T22:13:20Z",
    "removed :host/h1/2023-11-14T22:13:21Z",
    "removed :host/h9/2023-11-14T22:13:20Z",
    "removed :host/h9/2023-11-14T22:13:21Z",
    "removed old/er:host/h8/2023-11-14T22:13:20Z",
    "removed old:host/h8/2023-11-14T22:13:20Z",
  ]);
  assertEquals(before.size, 7);
  assertEquals(await target.namespaces(), [""]);
  assertEquals(await timesOf(target, groupOf("h1")), [0, 2, 3]);
  assertEquals((await target.groups("")).length, 1);
});

Deno.test("sync({ removeVanished }) spares other owners' groups, groups that are not asked for, and groups in which something failed", async () => {
  const source = await inMemoryWith([1]), target = await memoryStore();
  for (const id of ["h1", "h2", "h3"]) {
    await makeSnapshot(target, snapshotOf(groupOf(id), 0));
  }
  await target.changeOwner(groupOf("h2"), "elsa@pbs");
  const broken = replacing<Store>(source, {
    open: () => Promise.reject(new IntegrityError("damaged", {})),
  });
  const report = await sync(broken, target, {
    removeVanished: true,
    owner: "root@pam",
    filters: ["exclude:group:host/h3"].map(parseGroupFilter),
  });
  assertEquals(statesOf(report), ["failed :host/h1/2023-11-14T22:13:21Z"]);
  assertEquals((await target.snapshots("")).length, 3);
});

Deno.test("sync() writes as the source's owner, or as who is named, and to nobody else's group", async () => {
  const source = await inMemoryWith([0, 1]);
  await source.changeOwner(groupOf("h1"), "elsa@pbs!laptop");
  await source.setGroupNotes(groupOf("h1"), "the laptop");
  const target = await memoryStore();
  await sync(source, target, { latest: 1 });
  const [info] = await target.groups("");
  assertEquals([info?.owner, info?.notes], ["elsa@pbs!laptop", "the laptop"]);
  const named = await memoryStore();
  await sync(source, named, { owner: "sync@pbs" });
  assertEquals((await named.groups(""))[0]?.owner, "sync@pbs");
  await makeSnapshot(
    source,
    snapshotOf(groupOf("h2"), 0),
  );
  await source.changeOwner(groupOf("h1"), "olaf@pbs");
  await source.changeOwner(groupOf("h2"), "olaf@pbs");
  await named.forget(snapshotOf(groupOf("h1"), 1));
  const report = await sync(source, named);
  assertEquals(statesOf(report), [
    "there :host/h1/2023-11-14T22:13:20Z",
    "failed :host/h1/2023-11-14T22:13:21Z",
    "copied :host/h2/2023-11-14T22:13:20Z",
  ]);
});

Deno.test("sync() brings a log that came to the source later", async () => {
  const source = await inMemoryWith([0]), target = await memoryStore();
  const snapshot = snapshotOf(groupOf("h1"), 0);
  await sync(source, target);
  await using reader = await source.open(snapshot);
  const access = await reader.file("fw.conf.blob");
  const log = new Uint8Array(access.size);
  await access.read(0, log);
  await source.uploadLog(snapshot, log);
  await sync(source, target);
  assertEquals(await contentsOf(target), await contentsOf(source));
});

Deno.test("sync() says that a log is damaged, and copies the snapshot without it", async () => {
  const source = await inMemoryWith([0]), target = await memoryStore();
  await source.uploadLog(snapshotOf(groupOf("h1"), 0), TEXT.encode("no blob"));
  const { snapshots: [one] } = await sync(source, target);
  assertEquals([one?.state, one?.file], ["copied", "client.log.blob"]);
  assert(one?.error !== undefined);
  await assertSound(target);
});

Deno.test("sync({ dryRun }) changes nothing", async () => {
  await withStores("plain", async (source, target) => {
    const report = await sync(source, target, {
      dryRun: true,
      targetNamespace: "copy",
    });
    assert(count(report, "copied") > 0);
    assertEquals(await target.namespaces(), [""]);
    assertEquals(chunkFiles(target), []);
  });
});

Deno.test("sync() takes each chunk of an image once, however often it is there", async () => {
  const source = await memoryStore(), target = await memoryStore();
  const zeros = new Uint8Array(4096), ones = new Uint8Array(4096).fill(1);
  const chunks = Array.from(
    { length: 500 },
    (_, i) => i % 100 === 99 ? ones : zeros,
  );
  await makeSnapshot(source, snapshotOf(groupOf("h1"), 0), chunks);
  const { store, gets } = counting(source);
  const { counts } = await sync(store, target);
  assertEquals(gets.length, 2);
  assertEquals(counts, {
    chunks: 500,
    bytes: 500 * 4096,
    newChunks: 2,
    newBytes: 2 * 4096,
    storedBytes: counts.storedBytes,
  });
  await assertSound(target);
});
