import { BusyError } from "@pxar/format/errors";
import {
  groupLockPath,
  manifestLockPath,
  snapshotLockPath,
} from "@pxar/store/lock_path";
import { openDatastore } from "@pxar/store/open_datastore";
import { DiskFiles } from "../../store/disk_files.ts";
import { FileLocks } from "../../store/file_locks.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { couldLock, holdLock } from "../support/lock_holder.ts";
import type { Seen } from "../support/nobody_child.ts";
import { systemTest } from "../support/skip.ts";
import { openDescriptors, withDirectory } from "../support/walks.ts";
import { groupOf, makeSnapshot, snapshotOf } from "./contract.ts";
import { isThere, kernel, withDatastore } from "./stores.ts";

const GROUP = groupOf("h1"),
  SNAPSHOT = snapshotOf(GROUP, 0),
  OWNER = "root@pam";

/** Locks in a folder, by the kernel. */
function locksIn(folder: string): FileLocks {
  const files = new DiskFiles({ owner: undefined, sync: false });
  return FileLocks.open(kernel!, files, {
    base: folder,
    name: "store",
    folder: `${folder}/locks`,
  }, () => {});
}

for (const kind of ["kernel", "process"]) {
  Deno.test(`FileLocks of the ${kind}: many may read a snapshot, one may change it`, async () => {
    if (kind === "kernel" && kernel === undefined) return;
    await withDirectory((folder) => {
      const locks = kind === "kernel"
        ? locksIn(folder)
        : FileLocks.within(folder);
      const readers = [
        locks.snapshot(SNAPSHOT, false),
        locks.snapshot(SNAPSHOT, false),
      ];
      assertThrows(
        () => locks.snapshot(SNAPSHOT, true),
        BusyError,
        "snapshot host/h1/2023-11-14T22:13:20Z: it is in use",
      );
      readers[0]!.release();
      readers[0]!.release();
      assertThrows(() => locks.snapshot(SNAPSHOT, true), BusyError);
      readers[1]!.release();
      const alone = locks.snapshot(SNAPSHOT, true);
      assertThrows(() => locks.snapshot(SNAPSHOT, false), BusyError);
      assertThrows(() => locks.snapshot(SNAPSHOT, true), BusyError);
      // Other things have locks of their own.
      const others = [
        locks.group(GROUP),
        locks.snapshot(snapshotOf(GROUP, 1), true),
        locks.snapshot({ ...SNAPSHOT, namespace: "a" }, true),
      ];
      assertThrows(() => locks.group(SNAPSHOT), BusyError, "group host/h1");
      for (const one of [alone, ...others]) one.release();
      locks.snapshot(SNAPSHOT, true).release();
      locks.group(GROUP).release();
      assertEquals(openDescriptors(folder), 0);
    });
  });

  Deno.test(`FileLocks of the ${kind}: a manifest's lock is waited for`, async () => {
    if (kind === "kernel" && kernel === undefined) return;
    await withDirectory(async (folder) => {
      const locks = kind === "kernel"
        ? locksIn(folder)
        : FileLocks.within(folder);
      const first = await locks.manifest(SNAPSHOT);
      const order: string[] = [];
      const waiting = locks.manifest(SNAPSHOT).then((lock) => {
        order.push("second");
        return lock;
      });
      await new Promise((resolve) => setTimeout(resolve, 60));
      order.push("first");
      first.release();
      const second = await waiting;
      assertEquals(order, ["first", "second"]);
      const stop = new AbortController();
      const third = locks.manifest(SNAPSHOT, stop.signal);
      stop.abort(new Error("enough"));
      await assertRejects(() => third, Error, "enough");
      // Patience ends after some seconds, which need not pass here.
      const { now } = Date;
      let ahead = 0;
      try {
        Date.now = () => now() + ahead;
        const fourth = locks.manifest(SNAPSHOT);
        ahead = 5001;
        await assertRejects(() => fourth, BusyError, "the manifest of host/h1");
      } finally {
        Date.now = now;
      }
      second.release();
      (await locks.manifest(SNAPSHOT)).release();
    });
  });
}

systemTest(
  "FileLocks lie where PBS looks for them, and are the locks that it takes",
  ["linux", "python3"],
  async () => {
    await withDirectory(async (folder) => {
      const locks = locksIn(folder), inner = { ...SNAPSHOT, namespace: "a/b" };
      const paths: [
        string,
        () => { release(): void } | Promise<{ release(): void }>,
      ][] = [
        [groupLockPath(GROUP), () => locks.group(GROUP)],
        [snapshotLockPath(SNAPSHOT), () => locks.snapshot(SNAPSHOT, true)],
        [snapshotLockPath(inner), () => locks.snapshot(inner, true)],
        [manifestLockPath(inner), () => locks.manifest(inner)],
      ];
      assertEquals(paths.map(([path]) => path), [
        "host-h1",
        "host-h1-2023\\x2d11\\x2d14T22\\x3a13\\x3a20Z",
        "a:b/host-h1-2023\\x2d11\\x2d14T22\\x3a13\\x3a20Z",
        "a:b/host-h1-2023\\x2d11\\x2d14T22\\x3a13\\x3a20Z-.index.json.lck",
      ]);
      for (const [path, take] of paths) {
        const lock = await take();
        assertEquals(
          await couldLock(`${folder}/locks/${path}`, "file shared"),
          false,
          path,
        );
        lock.release();
      }
      const shared = locks.snapshot(SNAPSHOT, false),
        path = `${folder}/locks/${snapshotLockPath(SNAPSHOT)}`;
      assertEquals([
        await couldLock(path, "file shared"),
        await couldLock(path, "file exclusive"),
      ], [true, false]);
      shared.release();
      {
        await using _reader = await holdLock(path, "file shared");
        locks.snapshot(SNAPSHOT, false).release();
        assertThrows(() => locks.snapshot(SNAPSHOT, true), BusyError);
      }
      await using _writer = await holdLock(
        `${folder}/locks/${groupLockPath(GROUP)}`,
        "file exclusive",
      );
      assertThrows(() => locks.group(GROUP), BusyError);
    });
  },
);

systemTest(
  "FileLocks with long names lie in a folder of their own, and go with what they lock",
  ["linux"],
  async () => {
    await withDatastore(async (store, folder) => {
      const long = snapshotOf(groupOf("x".repeat(240)), 0);
      await makeSnapshot(store, long);
      await makeSnapshot(store, SNAPSHOT);
      const locks = (below: string) =>
        [...Deno.readDirSync(`${folder}/locks${below}`)].map(({ name }) => name)
          .sort();
      assert(locks("").includes("hashed") && locks("/hashed").length >= 1);
      await store.setNotes(SNAPSHOT, "noted");
      assertEquals(
        locks("").filter((name) => name.startsWith("host-h1-")).length,
        2,
      );
      await store.forget(SNAPSHOT);
      await store.forget(long);
      assertEquals(locks("").filter((name) => name.startsWith("host-h1")), []);
      assertEquals(locks("/hashed"), []);
    });
  },
);

Deno.test("FileLocks where no kernel can be asked are one for the whole process, and keep no files", async () => {
  await withDatastore(async (store, folder) => {
    const other = await openDatastore(`${folder}/store`, {});
    await using _writer = await store.create(SNAPSHOT, { owner: OWNER });
    await assertRejects(
      () => other.create(SNAPSHOT, { owner: OWNER }),
      BusyError,
    );
    assertEquals(isThere(`${folder}/locks`), false);
    assertEquals(isThere(`${folder}/store/.locks`), false);
  }, { kernel: undefined });
});

systemTest(
  "locks of an ordinary user lie in the store, and this is said once; a store of his is his",
  ["linux", "root"],
  async () => {
    await withDirectory(async (folder) => {
      Deno.chmodSync(folder, 0o777);
      const cache = JSON.parse(
        new TextDecoder().decode(
          (await new Deno.Command(Deno.execPath(), {
            args: ["info", "--json"],
          }).output()).stdout,
        ),
      ).denoDir;
      const { stdout, stderr, success } = await new Deno.Command(
        Deno.execPath(),
        {
          args: [
            "run",
            "-A",
            new URL("../support/nobody_child.ts", import.meta.url).pathname,
            `${folder}/store`,
          ],
          env: { DENO_DIR: cache },
        },
      ).output();
      assert(success, new TextDecoder().decode(stderr));
      const { notes, states, complaints }: Seen = JSON.parse(
        new TextDecoder().decode(stdout),
      );
      assertEquals(states, [true, true]);
      if (!isThere("/run/proxmox-backup/locks/pxar-test-of-nobody")) {
        assertEquals(notes.length, 1);
        assertStringIncludes(
          notes[0]!,
          `${folder}/store/.locks, where a PBS on this machine does not see them`,
        );
        assertEquals([...Deno.readDirSync(`${folder}/store/.locks`)].length, 3);
      }
      assertEquals(Deno.statSync(`${folder}/store/.chunks`).uid, 65534);
      assert(
        complaints.some((one) =>
          one.includes("belongs to 65534:65534, expected 34:34")
        ),
        complaints.join("\n"),
      );
    }, "/tmp");
  },
);

systemTest(
  "locks of root lie where PBS looks for them, and belong to the store's owner",
  ["linux", "root"],
  async () => {
    await withDatastore(async (_store, folder) => {
      const name = `pxar-test-${crypto.randomUUID().slice(0, 8)}`,
        place = `/run/proxmox-backup/locks/${name}`;
      // What was not there before goes again.
      const above = ["/run/proxmox-backup/locks", "/run/proxmox-backup"].filter(
        (path) => !isThere(path),
      );
      try {
        const notes: string[] = [];
        const store = await openDatastore(`${folder}/store`, {
          kernel,
          name,
          sync: "none",
          onNote: (sentence) => notes.push(sentence),
        });
        await makeSnapshot(store, SNAPSHOT);
        assertEquals(notes, []);
        const lock = Deno.statSync(`${place}/host-h1`);
        assertEquals([lock.uid, lock.gid, lock.mode! & 0o777, lock.size], [
          34,
          34,
          0o644,
          0,
        ]);
        assertEquals(isThere(`${folder}/store/.locks`), false);
      } finally {
        Deno.removeSync(place, { recursive: true });
        for (const path of above) Deno.removeSync(path);
      }
    });
  },
);
