import { BusyError } from "@pxar/format/errors";
import { collectGarbage } from "@pxar/store/gc";
import { openDatastore } from "@pxar/store/open_datastore";
import { ProcessLock } from "../../store/process_lock.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { couldLock, holdLock } from "../support/lock_holder.ts";
import { systemTest } from "../support/skip.ts";
import { openDescriptors } from "../support/walks.ts";
import { groupOf, makeSnapshot, snapshotOf } from "./contract.ts";
import { kernel, withDatastore } from "./stores.ts";

const OWNER = "root@pam", SNAPSHOT = snapshotOf(groupOf("h1"), 0);

Deno.test("ProcessLock tells when the oldest writer of this process began", () => {
  const lock = ProcessLock.of("/nowhere/1");
  assertEquals(lock.oldestWriter, undefined);
  const ends = [30, 10, 20].map((start) => lock.share(undefined, start)!);
  assertEquals(lock.oldestWriter, 10);
  ends[1]!();
  ends[1]!();
  assertEquals(lock.oldestWriter, 20);
  ends[2]!();
  assertEquals(lock.oldestWriter, 30);
  // Two that began at the same time are two.
  const twin = lock.share(undefined, 30)!;
  ends[0]!();
  assertEquals(lock.oldestWriter, 30);
  twin();
  assertEquals(lock.oldestWriter, undefined);
});

Deno.test("ProcessLock is the same for a store however often it is opened", async () => {
  assertEquals(ProcessLock.of("/nowhere/2"), ProcessLock.of("/nowhere/2"));
  assert(ProcessLock.of("/nowhere/2") !== ProcessLock.of("/nowhere/3"));
  await withDatastore(async (store, folder) => {
    Deno.symlinkSync(`${folder}/store`, `${folder}/link`);
    const other = await openDatastore(`${folder}/link`, {
      kernel,
      locks: `${folder}/locks`,
    });
    assertEquals(other.lock, store.lock);
  });
});

Deno.test("ProcessLock lets one collect at a time, while writers of this process come and go", () => {
  const lock = ProcessLock.of("/nowhere/4");
  const before = lock.share(undefined, 1)!;
  const end = lock.exclude(undefined)!;
  assertEquals(lock.exclude(undefined), undefined);
  const during = lock.share(undefined, 2)!;
  before();
  end();
  end();
  const again = lock.exclude(undefined)!;
  // The end of the first collection, told once more, is not that of the second.
  end();
  assertEquals(lock.exclude(undefined), undefined);
  again();
  during();
});

systemTest("a writer and a PBS on the same store see each other", [
  "linux",
  "python3",
], async () => {
  await withDatastore(async (store, folder) => {
    const path = `${folder}/store/.lock`;
    const seen = async () => [
      await couldLock(path, "record shared"),
      await couldLock(path, "record exclusive"),
    ];
    {
      await using _writer = await store.create(SNAPSHOT, { owner: OWNER });
      await using _other = await store.create(snapshotOf(groupOf("h2"), 0), {
        owner: OWNER,
      });
      // Another writer may write, nobody may collect.
      assertEquals(await seen(), [true, false]);
    }
    assertEquals(await seen(), [true, true]);
    {
      await using _collecting = await holdLock(path, "record exclusive");
      await assertRejects(
        () => store.create(SNAPSHOT, { owner: OWNER }),
        BusyError,
        "garbage is being collected",
      );
      // The attempt leaves nothing but, at most, an empty group.
      assertEquals(await store.snapshots(""), []);
    }
    await makeSnapshot(store, SNAPSHOT);
    assertEquals(openDescriptors(folder), 0);
  });
});

systemTest("a collection and a PBS on the same store see each other", [
  "linux",
  "python3",
], async () => {
  await withDatastore(async (store, folder) => {
    await makeSnapshot(store, SNAPSHOT);
    const path = `${folder}/store/.lock`, options = { checkAccessTimes: false };
    for (const kind of ["record shared", "record exclusive"] as const) {
      await using _other = await holdLock(path, kind);
      await assertRejects(
        () => collectGarbage(store, options),
        BusyError,
        "in use",
      );
    }
    // A writer of this process holds its share afterwards, as before.
    const end = store.lock.exclude(store.kernel)!;
    assertEquals([
      await couldLock(path, "record shared"),
      await couldLock(path, "record exclusive"),
    ], [false, false]);
    const writer = await store.create(snapshotOf(groupOf("h2"), 0), {
      owner: OWNER,
    });
    end();
    assertEquals([
      await couldLock(path, "record shared"),
      await couldLock(path, "record exclusive"),
    ], [true, false]);
    {
      await using _other = await holdLock(path, "record shared");
      // Ours stays a share where it cannot become more.
      assertEquals(store.lock.exclude(store.kernel), undefined);
      assertEquals(await couldLock(path, "record exclusive"), false);
    }
    await writer[Symbol.asyncDispose]();
    assertEquals(await couldLock(path, "record exclusive"), true);
    await collectGarbage(store, options);
    assertEquals(openDescriptors(folder), 0);
  });
});
