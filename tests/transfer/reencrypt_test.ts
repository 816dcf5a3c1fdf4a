// Snapshots under another key.
import { CryptKey } from "@pxar/chunk/key";
import { createMasterKey, openKey, sealKey } from "@pxar/chunk/master_key";
import { IntegrityError, KeyError, PxarError } from "@pxar/format/errors";
import type { Datastore } from "@pxar/store/datastore";
import { memoryStore } from "@pxar/store/memory";
import { type SnapshotName, snapshotText } from "@pxar/store/snapshot";
import type { SnapshotInfo } from "@pxar/store/store";
import { keyFingerprintOf } from "@pxar/store/unprotected";
import { verify } from "@pxar/store/verify";
import { openSnapshot } from "@pxar/transfer/open";
import { type NewKey, reencrypt } from "@pxar/transfer/reencrypt";
import { sync } from "@pxar/transfer/sync";
import { groupOf, makeSnapshot, snapshotOf } from "../store/contract.ts";
import { openOfficialKey } from "../store/official.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { contentsOf, counting, replacing, withStores } from "./stores.ts";

const TEXT = new TextEncoder();
const NEW = CryptKey.of(new Uint8Array(32).fill(0x5a));
const OTHER = CryptKey.of(new Uint8Array(32).fill(0xa5));

/** SHA-256 of all that a snapshot's files stand for, and where their chunks end. */
async function bytesOf(
  store: Datastore,
  snapshot: SnapshotName,
  key: CryptKey | undefined,
): Promise<Record<string, unknown>> {
  await using open = await openSnapshot(store, snapshot, { key, threads: 0 });
  const all: Record<string, unknown> = {};
  for (const { name } of open.manifest.files) {
    if (name === "rsa-encrypted.key.blob") continue;
    if (name.endsWith(".blob")) {
      all[name] = await sha256(await open.blob(name));
      continue;
    }
    const index = await open.index(name), ends: number[] = [];
    for await (const refs of index.chunks()) {
      ends.push(...refs.map(({ end }) => end));
    }
    await index.close();
    const bytes = await new Response(await open.stream(name)).bytes();
    all[name] = [ends, await sha256(bytes)];
  }
  return all;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Finished snapshots that were made with a key, or with none where that is wanted. */
async function madeWith(
  store: Datastore,
  key: CryptKey | undefined,
): Promise<SnapshotInfo[]> {
  const fingerprint = key?.fingerprint.toHex();
  return (await store.snapshots("")).filter((info) =>
    info.finished && info.fingerprint?.toHex() === fingerprint
  );
}

const WAYS: readonly (readonly [string, string, NewKey])[] = [
  ["from one key to another", "encrypted", { key: NEW }],
  ["from a key to none", "encrypted", { key: undefined }],
  ["from a key to signatures only", "encrypted", {
    key: NEW,
    mode: "sign-only",
  }],
  ["from none to encrypted", "plain", { key: NEW }],
  ["from none to signed", "plain", { key: NEW, mode: "sign-only" }],
  ["from signed to encrypted", "signonly", { key: NEW }],
];

for (const [what, name, to] of WAYS) {
  for (const threads of [0, 2]) {
    Deno.test(`sync({ reencrypt }) ${what}, ${threads} threads`, async () => {
      await withStores(name, async (source, target) => {
        const key = name === "plain"
          ? undefined
          : await openOfficialKey("enc.json");
        const report = await sync(source, target, {
          key,
          reencrypt: to,
          threads,
          maxDepth: 0,
        });
        const mode = to.mode ?? (to.key ? "encrypt" : "none");
        const made = await madeWith(source, key);
        assert(made.length > 0);
        for (const { snapshot } of made) {
          assertEquals(
            await bytesOf(target, snapshot, to.key),
            await bytesOf(source, snapshot, key),
          );
          await using reader = await target.open(snapshot);
          const manifest = await reader.manifest();
          assert(manifest.files.every(({ cryptMode }) => cryptMode === mode));
          assertEquals(manifest.signature !== undefined, mode !== "none");
          assertEquals(
            keyFingerprintOf(manifest)?.toHex(),
            to.key?.fingerprint.toHex(),
          );
          if (mode === "none") continue;
          for (const wrong of [key, OTHER, undefined]) {
            await assertRejects(
              () => openSnapshot(target, snapshot, { key: wrong }),
              KeyError,
            );
          }
        }
        // What was made with a key that is not at hand is told, and nothing else failed.
        for (const { state, error } of report.snapshots) {
          assert(state !== "failed" || error instanceof KeyError);
        }
        const { failed } = await verify(target, { namespace: "" }, {
          key: to.key,
        });
        assertEquals(failed, 0);
      });
    });
  }
}

Deno.test("reencrypt() within one store, to another namespace and back, and in memory", async () => {
  await withStores("encrypted", async (source) => {
    const key = await openOfficialKey("enc.json");
    const [info] = await madeWith(source, key);
    const snapshot = info!.snapshot, owner = info!.owner!;
    const expected = await bytesOf(source, snapshot, key);
    await source.createNamespace("new");
    const there = await reencrypt(source, snapshot, source, { key: NEW }, {
      key,
      owner,
      namespace: "new",
    });
    assertEquals(there.snapshot, { ...snapshot, namespace: "new" });
    assertEquals(await bytesOf(source, there.snapshot, NEW), expected);
    const memory = await memoryStore();
    await reencrypt(source, there.snapshot, memory, { key }, {
      key: NEW,
      owner,
      namespace: "",
    });
    assertEquals(await bytesOf(memory, snapshot, key), expected);
    // Back under the old key, every index and the signature are what they were.
    const files = async (store: Datastore) => {
      await using reader = await store.open(snapshot);
      return (await reader.manifest()).files.filter(({ name }) =>
        name.endsWith("idx")
      );
    };
    assertEquals(await files(memory), await files(source));
  });
});

Deno.test("reencrypt() leaves the locked key of the old one out, and puts that of the new one in", async () => {
  const source = await memoryStore();
  const snapshot = snapshotOf(groupOf("h1"), 0), owner = "root@pam";
  await makeSnapshot(source, snapshot);
  const { publicPem, privatePem } = await createMasterKey("master-pass");
  const first = await memoryStore(), second = await memoryStore();
  const rsaKey = await sealKey(NEW, publicPem);
  await reencrypt(source, snapshot, first, { key: NEW, rsaKey }, { owner });
  {
    await using open = await openSnapshot(first, snapshot, { key: NEW });
    const locked = await open.blob("rsa-encrypted.key");
    const { key } = await openKey(locked, privatePem, "master-pass");
    assertEquals(key.fingerprint, NEW.fingerprint);
  }
  await reencrypt(first, snapshot, second, { key: OTHER }, { key: NEW, owner });
  await using open = await openSnapshot(second, snapshot, { key: OTHER });
  assertEquals(open.manifest.files.map(({ name }) => name), [
    "root.pxar.didx",
    "fw.conf.blob",
  ]);
});

Deno.test("sync({ reencrypt }) opens what several snapshots have in common once, and keeps notes and logs", async () => {
  const source = await memoryStore(), target = await memoryStore();
  const common = ["one", "two", "three", "one"].map((one) => TEXT.encode(one));
  for (const second of [0, 1, 2]) {
    await makeSnapshot(source, snapshotOf(groupOf("h1"), second), common);
  }
  const last = snapshotOf(groupOf("h1"), 2);
  await source.setNotes(last, "the last one");
  {
    await using reader = await source.open(last);
    const access = await reader.file("fw.conf.blob");
    const log = new Uint8Array(access.size);
    await access.read(0, log);
    await source.uploadLog(last, log);
  }
  const { store, gets } = counting(source);
  const report = await sync(store, target, { reencrypt: { key: NEW } });
  assertEquals(gets.length, 3);
  assertEquals([report.counts.chunks, report.counts.newChunks], [12, 3]);
  assertEquals(await target.notes(last), "the last one");
  const [, , info] = await target.snapshots("");
  assert(info!.files.some(({ name }) => name === "client.log.blob"));
  const { failed, snapshots } = await verify(target, { namespace: "" }, {
    key: NEW,
  });
  assertEquals([failed, snapshots.length], [0, 3]);
  // Again: they are there.
  const again = counting(source);
  await sync(again.store, target, { reencrypt: { key: NEW } });
  assertEquals(again.gets, []);
});

Deno.test("reencrypt() to the same key copies what is encrypted as it is", async () => {
  const source = await memoryStore(), target = await memoryStore();
  const snapshot = snapshotOf(groupOf("h1"), 0);
  await makeSnapshot(source, snapshot);
  const first = await memoryStore();
  const owner = "root@pam";
  await reencrypt(source, snapshot, first, { key: NEW }, { owner });
  await reencrypt(first, snapshot, target, { key: NEW }, { key: NEW, owner });
  assertEquals(await contentsOf(target), await contentsOf(first));
});

Deno.test("reencrypt() refuses damage, wrong keys and modes that do not fit, and leaves nothing", async () => {
  await withStores("damaged", async (source, target) => {
    const key = await openOfficialKey("enc.json");
    const snapshots = (await source.snapshots("")).filter(({ snapshot }) =>
      ["enc-flip", "enc-flip-crcfix", "chunk-other", "cryptmode", "index-entry"]
        .includes(snapshot.id)
    );
    assertEquals(snapshots.length, 5);
    for (const { snapshot } of snapshots) {
      const error = await assertRejects(
        () =>
          reencrypt(source, snapshot, target, { key: NEW }, {
            key,
            owner: "root@pam",
          }),
        PxarError,
      );
      assert(
        error instanceof IntegrityError,
        `${snapshotText(snapshot)}: ${error.message}`,
      );
    }
    assertEquals(await target.snapshots(""), []);
  });
  const store = await memoryStore(), to = await memoryStore();
  const snapshot = snapshotOf(groupOf("h1"), 0), owner = "root@pam";
  await makeSnapshot(store, snapshot, [TEXT.encode("x")]);
  for (
    const wrong of [
      { key: undefined, mode: "encrypt" },
      { key: NEW, mode: "none" },
      { key: undefined, rsaKey: new Uint8Array(512) },
    ] as const
  ) {
    const error = await assertRejects(
      () => reencrypt(store, snapshot, to, wrong, { owner }),
      TypeError,
    );
    assertStringIncludes(error.message, "Cannot encrypt anew");
  }
  assertEquals(await to.groups(""), []);
});

Deno.test("reencrypt() that is ended leaves nothing", async () => {
  const source = await memoryStore(), target = await memoryStore();
  const snapshot = snapshotOf(groupOf("h1"), 0);
  const chunks = Array.from(
    { length: 40 },
    (_, i) => new Uint8Array(5000).fill(i),
  );
  await makeSnapshot(source, snapshot, chunks);
  const control = new AbortController(), reason = new Error("enough");
  const { signal } = control;
  const counted = counting(source);
  counted.onGet = () => {
    if (counted.gets.length === 20) control.abort(reason);
  };
  const owner = "root@pam";
  const error = await assertRejects(() =>
    reencrypt(counted.store, snapshot, target, { key: NEW }, { owner, signal })
  );
  assertEquals(error, reason);
  assertEquals(await target.snapshots(""), []);
  // A target that may only be reached through its own object.
  const far = replacing(target, {
    create: async (...args: Parameters<Datastore["create"]>) =>
      replacing(await target.create(...args), { direct: undefined }),
  });
  await reencrypt(source, snapshot, far, { key: NEW }, { owner });
  assertEquals(
    await bytesOf(target, snapshot, NEW),
    await bytesOf(source, snapshot, undefined),
  );
});
