// `pxar sync`, as a user types it.
import type { Datastore } from "@pxar/store/datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import { openDatastore } from "@pxar/store/open_datastore";
import { chunkFiles, kernel } from "../store/stores.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { contentsOf } from "../transfer/stores.ts";
import { program, SIGNALS } from "./run.ts";
import { inStore, isRoot, makeDays, type StorePlace, TIME } from "./stores.ts";

const KEYS = new URL("../vectors/pbs/keys/", import.meta.url).pathname;
const PASSPHRASE = { PBS_ENCRYPTION_PASSWORD: "vector-pass-1" };

/** A store, and an empty one beside it with a name of its own. */
async function inStores(
  work: (place: StorePlace, path: string, store: Datastore) => Promise<void>,
  official?: string,
): Promise<void> {
  await inStore(async (place) => {
    const name = `copy-of-${place.name}`, path = `${place.folder}/${name}`;
    await initDatastore(path, { allFolders: false });
    if (!isRoot()) await Deno.mkdir(`${path}/.locks`);
    const store = await openDatastore(path, { kernel, sync: "none" });
    try {
      await work(place, path, store);
    } finally {
      await Deno.remove(`/run/proxmox-backup/locks/${name}`, {
        recursive: true,
      }).catch(() => {});
    }
  }, official);
}

Deno.test("sync copies an official store that verifies, and then nothing", async () => {
  await inStores(async (place, path, store) => {
    const first = await place.run(`sync ${place.path} ${path}`);
    assertEquals([first.code, first.err], [0, ""]);
    const lines = first.out.trimEnd().split("\n");
    assertMatch(
      lines[0]!,
      /^ct\/101\/2023-11-14T22:16:40Z: copied, \d+ new of \d+ chunks, /,
    );
    assertMatch(
      lines.at(-1)!,
      /^copied 7 snapshots: \d+ chunks, .* stored in .* were there$/,
    );
    assertEquals(lines.length, 8);
    assertEquals(await contentsOf(store), await contentsOf(place.store));
    assertEquals((await place.run(`verify --repository ${path}`)).code, 0);
    const again = await place.run(`sync ${place.path} ${path}`);
    assertEquals(
      [again.code, again.out],
      [
        0,
        "copied 0 snapshots: 0 chunks, 0 bytes, stored in 0 bytes; 0 chunks, 0 bytes were there; 7 there before\n",
      ],
    );
    const quiet = await place.run(`sync ${place.path} ${path} -q`);
    assertEquals([quiet.code, quiet.out, quiet.err], [0, "", ""]);
  }, "plain");
});

Deno.test("sync names what is damaged, copies the rest, and ends with 3", async () => {
  await inStores(async (place, path) => {
    const { code, out, err } = await place.run(
      `sync ${place.path} ${path} --json --group-filter regex:chunk-|good`,
    );
    assertEquals(code, 3);
    const { copied, failed, snapshots } = JSON.parse(out);
    assertEquals([copied, failed], [2, 6]);
    assertEquals(err.trimEnd().split("\n").length, 6);
    assertMatch(
      err,
      /^pxar: host\/chunk-flip\/2023-11-14T22:13:20Z, root\.ppxar\.didx is not copied: Cannot copy chunk [0-9a-f]{64}: its CRC is /m,
    );
    for (const { state, error } of snapshots) {
      assertEquals(state === "failed", typeof error === "string");
    }
    const verified = await place.run(`verify --repository ${path}`);
    assertEquals(verified.code, 0);
  }, "damaged");
});

Deno.test("sync takes the target of the environment, namespaces and what is asked for", async () => {
  await inStores(async (place, path, store) => {
    await place.store.createNamespace("office");
    await makeDays(place.store, 3, "office");
    const ran = await place.run(
      `sync ${place.path} --ns office --target-ns a/b --transfer-last 2 --owner sync@pbs`,
      { env: { PBS_REPOSITORY: path } },
    );
    assertEquals([ran.code, ran.err], [0, ""]);
    assertStringIncludes(ran.out, "copied 2 snapshots");
    assertStringIncludes(ran.out, "1 not asked for");
    const snapshots = await store.snapshots("a/b");
    assertEquals(
      snapshots.map(({ snapshot, owner }) => [snapshot.time, owner]),
      [[TIME + 86_400, "sync@pbs"], [TIME + 2 * 86_400, "sync@pbs"]],
    );
  });
});

Deno.test("sync --remove-vanished: a dry run shows it, a real one does it, protected ones stay", async () => {
  await inStores(async (place, path, store) => {
    const days = await makeDays(place.store, 4);
    await place.run(`sync ${place.path} ${path}`);
    const [first, second] = await place.store.snapshots("");
    await store.setProtected(first!.snapshot, true);
    await place.store.forget(first!.snapshot);
    await place.store.forget(second!.snapshot);
    const line = `sync ${place.path} ${path} --remove-vanished`;
    const dry = await place.run(`${line} --dry-run`);
    assertEquals(
      [dry.code, dry.out],
      [
        0,
        `${days[0]}: kept\n${
          days[1]
        }: would be removed\nwould copy 0 snapshots; 2 there before, 1 to be removed, 1 kept\n`,
      ],
    );
    assertEquals((await store.snapshots("")).length, 4);
    const { code, out } = await place.run(line);
    assertEquals(code, 0);
    assertStringIncludes(out, `${days[1]}: removed\n`);
    assertEquals((await store.snapshots("")).length, 3);
  });
});

Deno.test("sync encrypts anew: the new key opens what comes out, the old one does not", async () => {
  await inStores(async (place, path) => {
    await place.run("key create new.json --kdf none");
    const line = `sync ${place.path} ${path} --keyfile ${KEYS}enc.json`;
    const ran = await place.run(
      `${line} --target-keyfile new.json --group-filter group:host/h1`,
      { env: PASSPHRASE },
    );
    assertEquals([ran.code, ran.err], [0, ""]);
    const snapshot = "host/h1/2023-11-15T22:13:20Z";
    const dump = (keyfile: string, repository: string) =>
      place.run(
        `catalog dump ${snapshot} --repository ${repository} --keyfile ${keyfile}`,
        { env: PASSPHRASE },
      );
    const before = await dump(`${KEYS}enc.json`, place.path);
    const after = await dump("new.json", path);
    assertEquals([before.code, after.code], [0, 0]);
    assert(after.out.length > 100);
    assertEquals(after.out, before.out);
    assertEquals((await dump(`${KEYS}enc.json`, path)).code, 7);
    const verified = await place.run(
      `verify --repository ${path} --keyfile new.json`,
    );
    assertEquals([verified.code, verified.err], [0, ""]);
    // Without encryption, and with the wrong key for one of them.
    const plain = await place.run(
      `${line} --crypt-mode none --target-ns plain --max-depth 0`,
      { env: PASSPHRASE },
    );
    assertEquals(plain.code, 3);
    assertMatch(
      plain.err,
      /^pxar: ns\/plain\/host\/otherkey\/.* made with key/,
    );
    const files = await place.run(
      `snapshot files ${snapshot} --ns plain --repository ${path} --json`,
    );
    for (const { "crypt-mode": mode } of JSON.parse(files.out)) {
      assertEquals(mode, "none");
    }
  }, "encrypted");
});

for (const [signal, exit] of SIGNALS) {
  Deno.test(`sync goes on where ${signal} ended it`, async () => {
    await inStores(async (place, path, store) => {
      const child = program(["sync", place.path, path], {
        cwd: place.folder,
      }).spawn();
      // The first snapshot has come.
      const reader = child.stdout.getReader();
      await reader.read();
      child.kill(signal);
      while (!(await reader.read()).done);
      reader.releaseLock();
      const err = await new Response(child.stderr).text();
      const { code } = await child.status;
      // It may have been done by then.
      assert(code === exit || code === 0, err);
      for (const namespace of await store.namespaces()) {
        const all = await store.snapshots(namespace);
        assert(all.every(({ finished }) => finished));
      }
      assert(chunkFiles(store).length > 0);
      assertEquals((await place.run(`sync ${place.path} ${path}`)).code, 0);
      assertEquals(await contentsOf(store), await contentsOf(place.store));
    }, "plain");
  });
}

Deno.test("sync of two stores of one name says that the source is not locked", async () => {
  await inStore(async (place) => {
    await makeDays(place.store, 1);
    await Deno.mkdir(`${place.folder}/other`);
    const path = `${place.folder}/other/${place.name}`;
    await initDatastore(path, { allFolders: false });
    if (!isRoot()) await Deno.mkdir(`${path}/.locks`);
    const ran = await place.run(`sync ${place.path} ${path}`);
    assertEquals(ran.code, 0);
    assertStringIncludes(ran.err, `both stores are called ${place.name}`);
    const named = await place.run(
      `sync ${place.path} ${path} --source-name source-${place.name}`,
    );
    assertEquals([named.code, named.err], [0, ""]);
    await Deno.remove(`/run/proxmox-backup/locks/source-${place.name}`, {
      recursive: true,
    }).catch(() => {});
  });
});

Deno.test("sync refuses what cannot be meant", async () => {
  await inStores(async (place, path) => {
    await makeDays(place.store, 1);
    const cases: [string, number, string][] = [
      ["sync", 2, "SOURCE is missing"],
      [`sync ${place.path}`, 2, "with itself"],
      [`sync ${place.path} ${path} --repository ${path}`, 2, "one of them"],
      [`sync ${place.path} ${path} --group-filter host/h1`, 2, "group filter"],
      [`sync ${place.path} ${path} --group-filter regex:[`, 2, "regular"],
      [`sync ${place.path} ${path} --group-filter type:x`, 2, "backup type"],
      [`sync ${place.path} ${path} --transfer-last 0`, 2, "1 or more"],
      [`sync ${place.path} ${path} --max-depth 8`, 2, "0 to 7"],
      [`sync ${place.path} ${path} --owner root`, 2, "realm"],
      [`sync ${place.path} ${path} --crypt-mode encrypt`, 2, "target-keyfile"],
      [`sync ${place.path} ${path} --ns nowhere`, 5, "nowhere"],
      [`sync ${place.path} ./nowhere`, 1, "nowhere"],
      [`sync ./nowhere ${path}`, 1, "nowhere"],
      [
        `sync ${place.path} ${path} --target-keyfile k --crypt-mode none`,
        2,
        "one of them",
      ],
      [
        `sync ${place.path} ${path} --master-pubkey-file m`,
        2,
        "target-keyfile",
      ],
    ];
    for (const [line, code, words] of cases) {
      const ran = await place.run(line);
      assertEquals([ran.code, ran.out], [code, ""], line);
      assertStringIncludes(ran.err, words);
      assertEquals(ran.err.trimEnd().split("\n").length, 1, ran.err);
    }
  });
});
