// What every store must do, whatever it is made of: each kind runs these.
import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { openIndex } from "@pxar/chunk/open_index";
import { sha256Of } from "@pxar/chunk/sha256";
import {
  BusyError,
  IntegrityError,
  NotFoundError,
  PxarError,
} from "@pxar/format/errors";
import { makeManifest, type ManifestFile } from "@pxar/store/manifest";
import { signManifest } from "@pxar/store/manifest_signature";
import type { GroupName, SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotWriter, Store } from "@pxar/store/store";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

const TEXT = new TextEncoder();
const OWNER = "root@pam";

/** A group in the root, unless told otherwise. */
export function groupOf(id: string, namespace = ""): GroupName {
  return { namespace, type: "host", id };
}

/** A snapshot of a group, some seconds after a certain time. */
export function snapshotOf(group: GroupName, after: number): SnapshotName {
  return { ...group, time: 1_700_000_000 + after };
}

/** Puts a chunk; gives what an index says of it. */
export async function putChunk(
  writer: SnapshotWriter,
  start: number,
  data: Uint8Array,
  key?: CryptKey,
) {
  const codecs = await openCodecs();
  const digest = digestOf(data, key);
  const blob = await sealBlob(data, { codecs, key });
  const put = await writer.chunks.put(digest, blob);
  writer.countPut(put, data.length);
  return { ref: { start, end: start + data.length, digest }, put };
}

/** Writes an archive of some chunks; gives what the manifest must say of it. */
export async function putArchive(
  writer: SnapshotWriter,
  name: string,
  chunks: readonly Uint8Array[],
  key?: CryptKey,
): Promise<ManifestFile> {
  const index = await writer.dynamicIndex(name);
  let start = 0;
  for (const data of chunks) {
    const { ref } = await putChunk(writer, start, data, key);
    await index.append([ref]);
    start = ref.end;
  }
  const { csum, size } = await index.close();
  return { name, csum, size, cryptMode: key ? "encrypt" : "none" };
}

/** Writes a blob file; gives what the manifest must say of it. */
export async function putBlob(
  writer: SnapshotWriter,
  name: string,
  text: string,
): Promise<ManifestFile> {
  const codecs = await openCodecs();
  const blob = joinBlob(await sealBlob(TEXT.encode(text), { codecs }));
  await writer.blob(name, blob);
  return { name, csum: sha256Of(blob), size: blob.length, cryptMode: "none" };
}

/** Makes a whole small snapshot. */
export async function makeSnapshot(
  store: Store,
  snapshot: SnapshotName,
  chunks: readonly Uint8Array[] = [TEXT.encode(`of ${snapshot.time}`)],
  key?: CryptKey,
): Promise<void> {
  await using writer = await store.create(snapshot, { owner: OWNER });
  const files = [
    await putArchive(writer, "root.pxar.didx", chunks, key),
    await putBlob(writer, "fw.conf.blob", "allow all"),
  ];
  const manifest = makeManifest(snapshot, files);
  await writer.finish(key ? signManifest(manifest, key) : manifest);
}

/** Registers the tests of one kind of store. */
export function storeContract(
  kind: string,
  withStore: (use: (store: Store) => Promise<void>) => Promise<void>,
): void {
  const test = (name: string, use: (store: Store) => Promise<void>) =>
    Deno.test(`${kind}: ${name}`, () => withStore(use));

  test("a snapshot is there once it is finished, and reads back", async (store) => {
    const group = groupOf("h1"), snapshot = snapshotOf(group, 0);
    await makeSnapshot(store, snapshot, [
      TEXT.encode("one"),
      TEXT.encode("two"),
      TEXT.encode("one"),
    ]);
    const [info] = await store.snapshots("");
    assert(info?.finished);
    assertEquals(info.snapshot, snapshot);
    assertEquals(info.owner, OWNER);
    assertEquals(
      info.files.map(({ name, cryptMode }) => [name, cryptMode]),
      [
        ["root.pxar.didx", "none"],
        ["fw.conf.blob", "none"],
        ["index.json.blob", "none"],
      ],
    );
    assertEquals(info.files[0]!.size, 9);
    await using reader = await store.open(snapshot);
    const manifest = await reader.manifest();
    assertEquals(
      [manifest.type, manifest.id, manifest.time],
      ["host", "h1", snapshot.time],
    );
    const index = await openIndex(await reader.file("root.pxar.didx"));
    assertEquals(index.size, 9);
    assertEquals(hexOf(await index.csum()), hexOf(manifest.files[0]!.csum));
    const refs = [];
    for await (const batch of index.chunks()) refs.push(...batch);
    assertEquals(refs.map(({ end }) => end), [3, 6, 9]);
    assertEquals(hexOf(refs[0]!.digest), hexOf(refs[2]!.digest));
    const blob = await reader.get(refs[1]!.digest);
    assertEquals(new TextDecoder().decode(blob.subarray(12)), "two");
    await index.close();
  });

  test("a snapshot that was given up never happened, its group stays", async (store) => {
    const group = groupOf("h1"), snapshot = snapshotOf(group, 0);
    {
      await using writer = await store.create(snapshot, { owner: OWNER });
      await putArchive(writer, "root.pxar.didx", [TEXT.encode("lost")]);
    }
    assertEquals(await store.snapshots(""), []);
    assertEquals((await store.groups("")).map(({ group }) => group.id), ["h1"]);
    await assertRejects(() => store.open(snapshot), NotFoundError);
    await makeSnapshot(store, snapshot);
    assertEquals((await store.snapshots("")).length, 1);
  });

  test("chunks: what is put comes back, equal ones are kept once, what is missing is said", async (store) => {
    await using writer = await store.create(snapshotOf(groupOf("h1"), 0), {
      owner: OWNER,
    });
    const data = TEXT.encode("some chunk, long enough to be one"),
      digest = digestOf(data);
    assertEquals(await writer.chunks.touch(digest), undefined);
    await assertRejects(() => writer.chunks.get(digest), NotFoundError);
    const first = await putChunk(writer, 0, data);
    assertEquals(first.put.existed, false);
    const second = await putChunk(writer, 0, data);
    assertEquals(second.put, { existed: true, stored: first.put.stored });
    assertEquals(await writer.chunks.touch(digest), first.put.stored);
    assertEquals(writer.stats, {
      count: 2,
      size: 2 * data.length,
      compressedSize: 2 * first.put.stored,
      duplicates: 1,
    });
    assertEquals((await writer.chunks.get(digest)).length, first.put.stored);
  });

  test("chunks: a plain one never takes the place of an encrypted one, nor the reverse", async (store) => {
    await using writer = await store.create(snapshotOf(groupOf("h1"), 0), {
      owner: OWNER,
    });
    const codecs = await openCodecs(),
      key = CryptKey.of(new Uint8Array(32).fill(9));
    const data = TEXT.encode("content"), digest = digestOf(data);
    await writer.chunks.put(digest, await sealBlob(data, { codecs, key }));
    await assertRejects(
      async () =>
        await writer.chunks.put(digest, await sealBlob(data, { codecs })),
      IntegrityError,
    );
    const other = TEXT.encode("other content");
    await writer.chunks.put(
      digestOf(other),
      await sealBlob(other, { codecs }),
    );
    await assertRejects(
      async () =>
        await writer.chunks.put(
          digestOf(other),
          await sealBlob(other, { codecs, key }),
        ),
      IntegrityError,
    );
  });

  test("chunks: of plain ones the smaller stays", async (store) => {
    await using writer = await store.create(snapshotOf(groupOf("h1"), 0), {
      owner: OWNER,
    });
    const codecs = await openCodecs();
    const data = new Uint8Array(10_000), digest = digestOf(data);
    const large = await sealBlob(data, { codecs, compress: false });
    const small = await sealBlob(data, { codecs });
    assert(small.size < large.size);
    assertEquals(await writer.chunks.put(digest, large), {
      existed: false,
      stored: large.size,
    });
    assertEquals(await writer.chunks.put(digest, small), {
      existed: false,
      stored: small.size,
    });
    assertEquals(await writer.chunks.put(digest, large), {
      existed: true,
      stored: small.size,
    });
  });

  test("a manifest must be that of the snapshot and list just what was written", async (store) => {
    const group = groupOf("h1"), snapshot = snapshotOf(group, 0);
    await using writer = await store.create(snapshot, { owner: OWNER });
    const archive = await putArchive(writer, "root.pxar.didx", [
      TEXT.encode("x"),
    ]);
    const blob = await putBlob(writer, "fw.conf.blob", "y");
    const refused = async (files: ManifestFile[], of = snapshot) =>
      await assertRejects(
        () => writer.finish(makeManifest(of, files)),
        RangeError,
      );
    await refused([archive]);
    await refused([]);
    await refused([archive, blob], snapshotOf(group, 1));
    await refused([{ ...archive, size: 2 }, blob]);
    await refused([archive, { ...blob, csum: archive.csum }]);
    await refused([archive, blob, { ...blob, name: "other.conf.blob" }]);
    await writer.finish(makeManifest(snapshot, [archive, blob]));
    assert((await store.snapshots(""))[0]!.finished);
  });

  test("a writer refuses wrong names, chunks with gaps, and work after its end", async (store) => {
    const snapshot = snapshotOf(groupOf("h1"), 0);
    await using writer = await store.create(snapshot, { owner: OWNER });
    const refuse = async (work: () => Promise<unknown>) =>
      await assertRejects(work, PxarError, undefined).catch(async () =>
        await assertRejects(work, RangeError)
      );
    await refuse(() => writer.dynamicIndex("root.pxar"));
    await refuse(() => writer.dynamicIndex("../evil.didx"));
    await refuse(() => writer.dynamicIndex("disk.img.fidx"));
    await refuse(() => writer.fixedIndex("root.pxar.didx", 10, 4096));
    await refuse(() => writer.fixedIndex("disk.img.fidx", 0, 4096));
    await refuse(() => writer.fixedIndex("disk.img.fidx", 10, 4095));
    await refuse(() => writer.blob("index.json.blob", new Uint8Array(12)));
    const index = await writer.dynamicIndex("root.pxar.didx");
    await refuse(() => writer.dynamicIndex("root.pxar.didx"));
    await assertRejects(() => index.close(), RangeError);
    const { ref } = await putChunk(writer, 5, TEXT.encode("abc"));
    await assertRejects(() => index.append([ref]), RangeError);
    const { ref: right } = await putChunk(writer, 0, TEXT.encode("abc"));
    await index.append([right]);
    const { csum, size } = await index.close();
    await assertRejects(() => index.append([right]), TypeError);
    await writer.finish(
      makeManifest(snapshot, [
        { name: "root.pxar.didx", csum, size, cryptMode: "none" },
      ]),
    );
    await assertRejects(() => writer.dynamicIndex("b.pxar.didx"), TypeError);
  });

  test("images: a fixed index has all its chunks, the last one may be shorter", async (store) => {
    const snapshot = snapshotOf(groupOf("h1"), 0);
    await using writer = await store.create(snapshot, { owner: OWNER });
    const index = await writer.fixedIndex("disk.img.fidx", 10_000, 4096);
    const data = new Uint8Array(10_000).map((_, i) => i);
    for (let at = 0; at < data.length; at += 4096) {
      if (at > 0) await assertRejects(() => index.close(), RangeError);
      const { ref } = await putChunk(
        writer,
        at,
        data.subarray(at, Math.min(at + 4096, data.length)),
      );
      await index.append([ref]);
    }
    const { csum, size, count } = await index.close();
    assertEquals([size, count], [10_000, 3]);
    await writer.finish(
      makeManifest(snapshot, [
        { name: "disk.img.fidx", csum, size, cryptMode: "none" },
      ]),
    );
    await using reader = await store.open(snapshot);
    const opened = await openIndex(await reader.file("disk.img.fidx"));
    assertEquals([opened.kind, opened.chunkSize], ["fixed", 4096]);
    assertEquals(await opened.find(8192), 2);
    await opened.close();
  });

  test("times rise within a group, and one writer at a time", async (store) => {
    const group = groupOf("h1");
    await makeSnapshot(store, snapshotOf(group, 10));
    for (const after of [9, 10]) {
      await assertRejects(
        () => store.create(snapshotOf(group, after), { owner: OWNER }),
        RangeError,
      );
    }
    {
      await using _one = await store.create(snapshotOf(group, 11), {
        owner: OWNER,
      });
      await assertRejects(
        () => store.create(snapshotOf(group, 12), { owner: OWNER }),
        BusyError,
      );
      await using _elsewhere = await store.create(
        snapshotOf(groupOf("h2"), 0),
        {
          owner: OWNER,
        },
      );
      // The one it builds on stays meanwhile.
      await assertRejects(() => store.forget(snapshotOf(group, 10)), BusyError);
      await assertRejects(() => store.forgetGroup(group), BusyError);
    }
    await makeSnapshot(store, snapshotOf(group, 12));
  });

  test("a writer has the snapshot before it at hand", async (store) => {
    const group = groupOf("h1");
    {
      await using writer = await store.create(snapshotOf(group, 0), {
        owner: OWNER,
      });
      assertEquals(writer.base, undefined);
    }
    await makeSnapshot(store, snapshotOf(group, 1));
    await makeSnapshot(store, snapshotOf(group, 2));
    await using writer = await store.create(snapshotOf(group, 3), {
      owner: OWNER,
    });
    assertEquals(writer.base?.snapshot, snapshotOf(group, 2));
    assertEquals((await writer.base?.manifest())?.files.length, 2);
  });

  test("owners: only the owner of a group, or a token's user, may write to it", async (store) => {
    const group = groupOf("h1");
    await using first = await store.create(snapshotOf(group, 0), {
      owner: "alice@pbs!laptop",
    });
    await first[Symbol.asyncDispose]();
    const attempt = async (owner: string) => {
      await using _ = await store.create(snapshotOf(group, 1), { owner });
    };
    await attempt("alice@pbs!laptop");
    await attempt("alice@pbs");
    await assertRejects(
      () => attempt("bob@pbs"),
      PxarError,
      "alice@pbs!laptop",
    );
    await assertRejects(() => attempt("alice@pbs!other"), PxarError);
    await store.changeOwner(group, "bob@pbs");
    await attempt("bob@pbs");
    await assertRejects(() => attempt("nonsense"), PxarError);
  });

  test("a reader keeps its snapshot from being removed", async (store) => {
    const group = groupOf("h1"), snapshot = snapshotOf(group, 0);
    await makeSnapshot(store, snapshot);
    {
      await using _a = await store.open(snapshot);
      await using _b = await store.open(snapshot);
      await assertRejects(() => store.forget(snapshot), BusyError);
    }
    await store.forget(snapshot);
    await assertRejects(() => store.forget(snapshot), NotFoundError);
    assertEquals(await store.groups(""), []);
  });

  test("protected snapshots stay", async (store) => {
    const group = groupOf("h1");
    for (const after of [0, 1, 2]) {
      await makeSnapshot(store, snapshotOf(group, after));
    }
    assertEquals(await store.isProtected(snapshotOf(group, 1)), false);
    await store.setProtected(snapshotOf(group, 1), true);
    await store.setProtected(snapshotOf(group, 1), true);
    assertEquals(await store.isProtected(snapshotOf(group, 1)), true);
    await assertRejects(() => store.forget(snapshotOf(group, 1)), BusyError);
    assertEquals(await store.forgetGroup(group), {
      groups: 0,
      snapshots: 2,
      protectedSnapshots: 1,
    });
    await store.setProtected(snapshotOf(group, 1), false);
    assertEquals((await store.forgetGroup(group)).groups, 1);
    await assertRejects(() => store.forgetGroup(group), NotFoundError);
  });

  test("a group goes whole, or not at all", async (store) => {
    const group = groupOf("h1");
    for (const after of [0, 1, 2]) {
      await makeSnapshot(store, snapshotOf(group, after));
    }
    {
      await using _held = await store.open(snapshotOf(group, 1));
      await assertRejects(() => store.forgetGroup(group), BusyError);
    }
    assertEquals((await store.snapshots(group)).length, 3);
    assertEquals((await store.forgetGroup(group)).snapshots, 3);
  });

  test("a reader that was closed reads no more", async (store) => {
    const snapshot = snapshotOf(groupOf("h1"), 0);
    await makeSnapshot(store, snapshot);
    const reader = await store.open(snapshot);
    await reader[Symbol.asyncDispose]();
    await assertRejects(() => reader.file("root.pxar.didx"), TypeError);
    await assertRejects(() => reader.manifest(), TypeError);
  });

  test("notes on snapshots and groups, of several lines", async (store) => {
    const group = groupOf("h1"), snapshot = snapshotOf(group, 0);
    await makeSnapshot(store, snapshot);
    assertEquals(await store.notes(snapshot), "");
    await store.setNotes(snapshot, "first\nsecond ünïcode ✓");
    assertEquals(await store.notes(snapshot), "first\nsecond ünïcode ✓");
    await store.setNotes(snapshot, "");
    assertEquals(await store.notes(snapshot), "");
    assertEquals(await store.groupNotes(group), "");
    await store.setGroupNotes(group, "of the group");
    assertEquals(await store.groupNotes(group), "of the group");
    assertEquals((await store.groups(""))[0]!.notes, "of the group");
    await store.setGroupNotes(group, "");
    assertEquals(await store.groupNotes(group), "");
    await assertRejects(() => store.notes(snapshotOf(group, 5)), NotFoundError);
    await assertRejects(() => store.groupNotes(groupOf("no")), NotFoundError);
  });

  test("notes leave the signed part as it was", async (store) => {
    const group = groupOf("h1"), snapshot = snapshotOf(group, 0);
    const key = CryptKey.of(new Uint8Array(32).fill(1));
    await makeSnapshot(store, snapshot, [TEXT.encode("secret")], key);
    await using before = await store.open(snapshot);
    const { signature } = await before.manifest();
    assert(signature);
    await store.setNotes(snapshot, "noted");
    const { verifyManifest } = await import("@pxar/store/manifest_signature");
    const manifest = await before.manifest();
    assertEquals(manifest.signature, signature);
    verifyManifest(manifest, key);
  });

  test("the client's log is added once", async (store) => {
    const snapshot = snapshotOf(groupOf("h1"), 0), codecs = await openCodecs();
    const log = joinBlob(await sealBlob(TEXT.encode("log"), { codecs }));
    await assertRejects(() => store.uploadLog(snapshot, log), NotFoundError);
    await makeSnapshot(store, snapshot);
    await store.uploadLog(snapshot, log);
    await assertRejects(() => store.uploadLog(snapshot, log), BusyError);
    const [info] = await store.snapshots("");
    assertEquals(info!.files.at(-1), {
      name: "client.log.blob",
      cryptMode: undefined,
      size: undefined,
    });
  });

  test("namespaces: made below one another, listed depth first, removed with care", async (store) => {
    assertEquals(await store.namespaces(), [""]);
    await assertRejects(() => store.createNamespace("a/b"), NotFoundError);
    for (const one of ["a", "a/b", "a/b/c", "b"]) {
      await store.createNamespace(one);
    }
    await store.createNamespace("a");
    assertEquals(await store.namespaces(), ["", "a", "a/b", "a/b/c", "b"]);
    assertEquals(await store.namespaces("a", 1), ["a", "a/b"]);
    assertEquals(await store.namespaces("", 0), [""]);
    await assertRejects(() => store.namespaces("no"), NotFoundError);
    const group = groupOf("h1", "a/b");
    await makeSnapshot(store, snapshotOf(group, 0));
    assertEquals(await store.groups(""), []);
    assertEquals((await store.groups("a/b")).length, 1);
    assertEquals(
      (await store.snapshots(group))[0]!.snapshot,
      snapshotOf(group, 0),
    );
    await assertRejects(
      () => store.create(snapshotOf(groupOf("h", "no"), 0), { owner: OWNER }),
      NotFoundError,
    );
    await assertRejects(() => store.deleteNamespace("a", false), BusyError);
    assertEquals(await store.deleteNamespace("a", true), {
      groups: 1,
      snapshots: 1,
      protectedSnapshots: 0,
    });
    assertEquals(await store.namespaces(), ["", "b"]);
    await assertRejects(() => store.deleteNamespace("", true), RangeError);
    await assertRejects(() => store.createNamespace("a/../b"), PxarError);
  });

  test("groups are listed in order, with their last snapshot", async (store) => {
    const groups: GroupName[] = [
      { namespace: "", type: "vm", id: "100" },
      { namespace: "", type: "ct", id: "101" },
      { namespace: "", type: "host", id: "b" },
      { namespace: "", type: "host", id: "10" },
      { namespace: "", type: "host", id: "9" },
    ];
    for (const group of groups) {
      await makeSnapshot(store, snapshotOf(group, 1));
      await makeSnapshot(store, snapshotOf(group, 2));
    }
    assertEquals(
      (await store.groups("")).map(({ group, count, lastBackup, files }) => [
        `${group.type}/${group.id}`,
        count,
        lastBackup,
        [...files].sort(),
      ]),
      ["ct/101", "host/9", "host/10", "host/b", "vm/100"].map((name) => [
        name,
        2,
        1_700_000_002,
        ["fw.conf.blob", "index.json.blob", "root.pxar.didx"],
      ]),
    );
    assertEquals((await store.snapshots("")).length, 10);
  });

  test("prune removes what is not kept, oldest first; a dry run nothing", async (store) => {
    const group = groupOf("h1");
    for (const after of [0, 1, 2, 3]) {
      await makeSnapshot(store, snapshotOf(group, after));
    }
    await store.setProtected(snapshotOf(group, 0), true);
    const marks = async (dryRun: boolean) =>
      (await store.prune(group, { last: 1 }, { dryRun }))
        .map(({ snapshot, mark }) => [snapshot.time - 1_700_000_000, mark]);
    const expected = [[0, "protected"], [1, "remove"], [2, "remove"], [
      3,
      "keep",
    ]];
    assertEquals(await marks(true), expected);
    assertEquals((await store.snapshots(group)).length, 4);
    const told: string[] = [];
    await store.prune(group, { last: 1 }, {
      dryRun: true,
      onResult: ({ mark }, of) => told.push(`${mark} of ${of}`),
    });
    assertEquals(told, expected.map(([, mark]) => `${mark} of 4`));
    // Ended after the first, and begun again.
    const stop = new AbortController();
    await assertRejects(
      () =>
        store.prune(group, { last: 1 }, {
          signal: stop.signal,
          onResult: ({ mark }) => {
            if (mark === "remove") stop.abort(new Error("enough"));
          },
        }),
      Error,
      "enough",
    );
    assertEquals((await store.snapshots(group)).length, 3);
    expected.splice(1, 1);
    assertEquals(await marks(false), expected);
    assertEquals(
      (await store.snapshots(group)).map(({ snapshot }) =>
        snapshot.time - 1_700_000_000
      ),
      [0, 3],
    );
    assertEquals(
      (await store.prune(group, {})).every(({ keep }) => keep),
      true,
    );
    await assertRejects(
      () => store.prune(groupOf("no"), { last: 1 }),
      NotFoundError,
    );
  });

  test("prune says what it could not remove, and goes on", async (store) => {
    const group = groupOf("h1");
    for (const after of [0, 1, 2]) {
      await makeSnapshot(store, snapshotOf(group, after));
    }
    await using _reader = await store.open(snapshotOf(group, 0));
    const results = await store.prune(group, { last: 1 });
    assert(results[0]!.error instanceof BusyError);
    assertEquals(results.map(({ keep }) => keep), [false, false, true]);
    assertEquals((await store.snapshots(group)).length, 2);
  });

  test("an aborted signal ends what it was given to", async (store) => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(
      () =>
        store.create(snapshotOf(groupOf("h1"), 0), { owner: OWNER, signal }),
      Error,
      "enough",
    );
  });

  test("files are found by their names only", async (store) => {
    const snapshot = snapshotOf(groupOf("h1"), 0);
    await makeSnapshot(store, snapshot);
    await using reader = await store.open(snapshot);
    for (const name of ["no.pxar.didx", "../../../owner", ".protected", ""]) {
      await assertRejects(() => reader.file(name), NotFoundError);
    }
  });
}
