// The official datastores, backed up once more: what the official client made of the same trees, disks and files.
import { hexOf } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import { openIndex } from "@pxar/chunk/open_index";
import type { Bytes } from "@pxar/format/bytes";
import { readTree } from "@pxar/fs/read_tree";
import { writeTree } from "@pxar/fs/write_tree";
import {
  CATALOG_NAME,
  parseArchiveName,
  RSA_KEY_NAME,
} from "@pxar/store/archive_name";
import type { Manifest } from "@pxar/store/manifest";
import { verifyManifest } from "@pxar/store/manifest_signature";
import { memoryStore } from "@pxar/store/memory";
import { parseSnapshot, type SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotReader, Store } from "@pxar/store/store";
import { openNative } from "@pxar/sys/native";
import {
  backup,
  type BackupOptions,
  type BackupSource,
  type ChangeDetection,
} from "@pxar/transfer/backup";
import { parseGroupFilter } from "@pxar/transfer/group_filter";
import { type OpenSnapshot, openSnapshot } from "@pxar/transfer/open";
import { sync } from "@pxar/transfer/sync";
import {
  expectedOf,
  type ExpectedSnapshot,
  openOfficialKey,
} from "../store/official.ts";
import { sorted, treeInOrder } from "../store/official_tree.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { withDirectory } from "../support/walks.ts";
import { withStores } from "./stores.ts";

const native = openNative();
const [OWN, OTHER] = await Promise.all([
  openOfficialKey("enc.json"),
  openOfficialKey("pbkdf2.json"),
]);

/** Snapshots that were made with `--chunk-size 64`; see the README there. */
const SMALL = /^host\/[hs]1\//;

function keyOf(
  store: string,
  { snapshot }: ExpectedSnapshot,
): CryptKey | undefined {
  if (store === "plain" || snapshot.includes("/nokey/")) return undefined;
  return snapshot.includes("/otherkey/") ? OTHER : OWN;
}

/** How a snapshot was made, told from what is in it. */
function modeOf({ manifest, snapshot }: ExpectedSnapshot): ChangeDetection {
  if (!manifest.files.some(({ filename }) => filename.includes(".mpxar"))) {
    return "legacy";
  }
  return snapshot.includes("/2023-11-16T") ? "metadata" : "data";
}

/** What a snapshot was made of, in the order of its manifest. `onDisk` restores a tree and gives its path. */
async function sourcesOf(
  snapshot: OpenSnapshot,
  onDisk: ((archive: string) => Promise<string>) | undefined,
): Promise<BackupSource[]> {
  const sources: BackupSource[] = [];
  for (const { name } of snapshot.manifest.files) {
    if (name === CATALOG_NAME || name === RSA_KEY_NAME) continue;
    const { client, kind, content } = parseArchiveName(name);
    if (kind === "blob") {
      const bytes = await snapshot.blob(name);
      sources.push({ archive: client, bytes });
    } else if (kind === "fixed") {
      const image = await snapshot.source(name);
      sources.push({ archive: client, image, size: image.size });
    } else if (content !== "payload") {
      const archive = client.replace(".mpxar", ".pxar");
      const path = await onDisk?.(archive);
      sources.push({
        archive,
        entries: path === undefined
          ? snapshot.entries(archive)
          : (how) => readTree(path, how),
      });
    }
  }
  return sources;
}

async function rsaKeyOf(snapshot: OpenSnapshot): Promise<Bytes | undefined> {
  const isThere = snapshot.manifest.files.some(({ name }) =>
    name === RSA_KEY_NAME
  );
  return isThere ? await snapshot.blob(RSA_KEY_NAME) : undefined;
}

/** Backs a snapshot up into another store, under its own name. */
async function again(
  store: Store,
  snapshot: OpenSnapshot,
  sources: readonly BackupSource[],
  options: Partial<BackupOptions>,
) {
  const { namespace, type, id, time } = snapshot.snapshot;
  const [{ cryptMode } = { cryptMode: undefined }] = snapshot.manifest.files;
  if (namespace !== "") {
    for (const [i] of namespace.split("/").entries()) {
      await store.createNamespace(
        namespace.split("/").slice(0, i + 1).join("/"),
      );
    }
  }
  return await backup(store, sources, {
    namespace,
    type,
    id,
    time,
    cryptMode,
    key: snapshot.key,
    rsaKey: await rsaKeyOf(snapshot),
    native,
    ...options,
  });
}

type Cut = readonly [end: number, digest: string];

async function cutsOf(reader: SnapshotReader, name: string): Promise<Cut[]> {
  const index = await openIndex(await reader.file(name)), cuts: Cut[] = [];
  for await (const batch of index.chunks()) {
    for (const { end, digest } of batch) cuts.push([end, hexOf(digest)]);
  }
  await index.close();
  return cuts;
}

/** What is stated of a snapshot and its files, but for how blobs were compressed and encrypted. */
function stated({ type, id, time, files, unprotected }: Manifest): unknown {
  return {
    type,
    id,
    time,
    fingerprint: unprotected.get("key-fingerprint"),
    files: files.map(({ name, cryptMode, size, csum }) =>
      name.endsWith(".blob") && name !== RSA_KEY_NAME
        ? { name, cryptMode }
        : { name, cryptMode, size, csum: hexOf(csum) }
    ),
  };
}

for (const name of ["plain", "encrypted", "signonly"]) {
  for (const onDisk of [false, true]) {
    systemTest(
      `backup() makes what the official client made of the same${
        onDisk ? " tree on disk" : " entries"
      }: ${name}`,
      onDisk ? ["root"] : [],
      () =>
        withStores(name, async (store) => {
          let payloads = 0;
          for (const one of expectedOf(name).snapshots) {
            const key = keyOf(name, one), mode = modeOf(one);
            if (mode === "metadata") continue;
            const label = `${one.snapshot} ${mode}`;
            const fresh = await memoryStore();
            const official = await openSnapshot(
              store,
              parseSnapshot(one.snapshot, one.ns),
              { key, native },
            );
            await using snapshot = official;
            await withDirectory(async (folder) => {
              const restore = async (archive: string) => {
                const path = `${folder}/${archive}`;
                const report = await writeTree(path, snapshot.entries(archive));
                assertEquals(report.problems, []);
                return path;
              };
              const summary = await again(
                fresh,
                snapshot,
                await sourcesOf(snapshot, onDisk ? restore : undefined),
                { mode, ...SMALL.test(one.snapshot) && { chunkSize: 1 << 16 } },
              );
              assertEquals(summary.chunksReused, 0);
            });
            await using made = await openSnapshot(fresh, snapshot.snapshot, {
              key,
              native,
            });
            verifyManifest(made.manifest, key);
            for (const { name } of made.manifest.files) {
              if (name.endsWith(".blob")) {
                const [ours, theirs] = await Promise.all([
                  made.blob(name),
                  snapshot.blob(name),
                ]);
                assertEquals(ours, theirs, `${label} ${name}`);
                continue;
              }
              if (name.endsWith(".ppxar.didx")) payloads++;
              assertEquals(
                await cutsOf(made.reader, name),
                await cutsOf(snapshot.reader, name),
                `${label} ${name}`,
              );
            }
            assertEquals(stated(made.manifest), stated(snapshot.manifest));
            assertEquals(
              made.manifest.signature === undefined,
              snapshot.manifest.signature === undefined,
              label,
            );
          }
          // Each is cut just as the official client cut it.
          assertEquals(payloads, { plain: 3, encrypted: 2, signonly: 1 }[name]);
        }),
    );
  }
}

/** How much of a snapshot lies in chunks that the one before had, too: whole files, and all of the stream. */
async function sharedOf(snapshot: OpenSnapshot, before: readonly Cut[]) {
  const known = new Set(before.map(([, digest]) => digest));
  const cuts = await cutsOf(snapshot.reader, "root.ppxar.didx");
  const isShared = (from: number, to: number) =>
    cuts.every(([end, digest], i) => {
      const start = i === 0 ? 0 : cuts[i - 1]![0];
      return end <= from || start >= to || known.has(digest);
    });
  let files = 0, fileBytes = 0;
  const entries = snapshot.entries("root.pxar", { contents: false });
  for await (const batch of entries) {
    for (const { payload } of batch) {
      if (payload === undefined) continue;
      const { offset, size } = payload;
      if (!isShared(offset, offset + 16 + size)) continue;
      files++;
      fileBytes += size;
    }
  }
  return { files, fileBytes, size: cuts.at(-1)![0] };
}

for (const name of ["plain", "encrypted", "signonly"]) {
  systemTest(
    `backup() on top of an official snapshot reads as little as the official client, or less: ${name}`,
    ["root"],
    () =>
      withStores(name, async (store, target) => {
        const { snapshots } = expectedOf(name);
        const at = snapshots.findIndex((one) => modeOf(one) === "metadata");
        const one = snapshots[at]!, previous = snapshots[at - 1]!;
        const key = keyOf(name, one);
        const base = parseSnapshot(previous.snapshot);
        const label = `${name} ${one.snapshot}`;
        await withDirectory(async (folder) => {
          const path = `${folder}/root`;
          let official: SnapshotName, before: Cut[];
          let theirs: { files: number; fileBytes: number; size: number };
          let sources: BackupSource[];
          {
            await using last = await openSnapshot(store, base, { key, native });
            before = await cutsOf(last.reader, "root.ppxar.didx");
            await using snapshot = await openSnapshot(
              store,
              parseSnapshot(one.snapshot),
              { key, native },
            );
            official = snapshot.snapshot;
            theirs = await sharedOf(snapshot, before);
            sources = await sourcesOf(snapshot, async (archive) => {
              await writeTree(path, snapshot.entries(archive));
              return path;
            });
          }
          // As if that had never been made: what it alone had is not there to be found.
          await store.forget(official);
          await sync(store, target, {
            filters: [
              parseGroupFilter(`group:host/${official.id}`),
            ],
          });
          const expected = one.archives["root.pxar"]!;
          assert(expected.kind === "pxar");
          const summary = await backup(target, sources, {
            id: official.id,
            time: official.time,
            owner: one.owner,
            key,
            cryptMode: one.manifest.files[0]!["crypt-mode"] as "none",
            mode: "metadata",
            chunkSize: 1 << 16,
            native,
          });
          assertEquals(summary.previous, base);
          await using made = await openSnapshot(target, official, {
            key,
            native,
          });
          assertEquals(
            sorted(await treeInOrder(made.entries("root.pxar"))),
            sorted(expected.tree),
            label,
          );
          const ours = await sharedOf(made, before);
          const root = summary.archives.find(({ archive }) =>
            archive === "root.pxar"
          )!;
          const all = expected.tree.reduce(
            (sum, { size, hardlink_of }) =>
              sum + (hardlink_of === undefined ? size ?? 0 : 0),
            0,
          );
          assertEquals(root.bytesRead + root.bytesReused, all);
          assert(root.bytesReused <= ours.fileBytes);
          assert(
            ours.files > theirs.files && ours.fileBytes > theirs.fileBytes &&
              ours.size < theirs.size,
            JSON.stringify({ ours, theirs }),
          );
          // The official client says so of itself.
          if (name === "plain") assert(root.chunksReused > 58);
          assert(ours.size - 32 - 16 * root.regularFiles <= all / 0.9);
        });
      }),
  );
}
