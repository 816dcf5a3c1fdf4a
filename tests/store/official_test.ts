// The datastores that the official server wrote: all of what is in them.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { decodeBlob, parseBlob } from "@pxar/chunk/blob";
import { CATALOG_AVERAGE } from "@pxar/chunk/buzhash";
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { openCodecs } from "@pxar/chunk/codecs";
import { cutRules } from "@pxar/chunk/cut_rules";
import { hexOf, parseDigest } from "@pxar/chunk/digest";
import { DynamicIndexWriter } from "@pxar/chunk/dynamic_index";
import { FixedIndexWriter } from "@pxar/chunk/fixed_index";
import { MemoryIndexSink } from "@pxar/chunk/index_sink";
import { joinAccess, joinPieces } from "@pxar/chunk/join";
import { type CryptKey, parseFingerprint } from "@pxar/chunk/key";
import { Accessor, type Node } from "@pxar/codec/accessor";
import { CatalogReader } from "@pxar/codec/catalog_reader";
import { decode } from "@pxar/codec/decode";

import type { Bytes } from "@pxar/format/bytes";

import { IntegrityError, KeyError, PxarError } from "@pxar/format/errors";
import { joinPath } from "@pxar/format/name";
import { archivePieces } from "@pxar/store/archive_stream";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { pbsComplaints } from "@pxar/store/datastore_layout";
import { checkedBlob, checkedIndex } from "@pxar/store/checked_file";
import { collectGarbage } from "@pxar/store/gc";
import { manifestFile } from "@pxar/store/manifest";
import { verifyManifest } from "@pxar/store/manifest_signature";
import { openDatastore } from "@pxar/store/open_datastore";
import { parseSnapshot, snapshotText } from "@pxar/store/snapshot";
import type { SnapshotReader } from "@pxar/store/store";
import { verify } from "@pxar/store/verify";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { inMemory, withDirectory } from "../support/walks.ts";
import {
  type DamagedStore,
  expectedOf,
  type ExpectedSnapshot,
  openOfficialKey,
  type TreeEntry,
  unpackStore,
} from "./official.ts";
import { base64, described, sorted, treeInOrder } from "./official_tree.ts";
import { age, chunkFiles, isThere, kernel } from "./stores.ts";

const codecs = await openCodecs();

/** Opens an official store for the time of `use`. */
async function withOfficial(
  name: string,
  use: (store: Datastore, path: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (folder) => {
    const path = unpackStore(name, folder);
    await use(
      await openDatastore(path, {
        kernel,
        sync: "none",
        locks: `${folder}/locks`,
      }),
      path,
    );
  }, inMemory());
}

/** Opening a key takes a while. */
const keys = new Map<string, Promise<CryptKey>>();
function officialKey(name: string): Promise<CryptKey> {
  const known = keys.get(name) ?? openOfficialKey(name);
  keys.set(name, known);
  return known;
}

/** Which key the snapshots of a group were made with. */
async function keysOf(
  name: string,
): Promise<(snapshot: ExpectedSnapshot) => CryptKey | undefined> {
  if (name === "plain") return () => undefined;
  const key = await officialKey("enc.json"),
    other = await officialKey("pbkdf2.json");
  return ({ snapshot }) =>
    snapshot.includes("/nokey/")
      ? undefined
      : snapshot.includes("/otherkey/")
      ? other
      : key;
}

/** An archive of a snapshot in both ways: at any place, and in order by threads. */
class Archive implements AsyncDisposable {
  readonly #reader: SnapshotReader;
  readonly #key: CryptKey | undefined;
  readonly #crew: ChunkCrew;
  readonly index: ChunkIndex;
  readonly encrypted: boolean;

  private constructor(
    reader: SnapshotReader,
    key: CryptKey | undefined,
    crew: ChunkCrew,
    index: ChunkIndex,
    encrypted: boolean,
  ) {
    this.#reader = reader;
    this.#key = key;
    this.#crew = crew;
    this.index = index;
    this.encrypted = encrypted;
  }

  static async open(
    reader: SnapshotReader,
    name: string,
    key: CryptKey | undefined,
    crew: ChunkCrew,
  ): Promise<Archive> {
    const file = manifestFile(await reader.manifest(), name);
    assert(file, name);
    const index = await checkedIndex(reader, file);
    return new Archive(reader, key, crew, index, file.cryptMode === "encrypt");
  }

  access() {
    return joinAccess(this.index, this.#reader, {
      codecs,
      key: this.#key,
      encrypted: this.encrypted,
      ahead: 1 << 20,
    });
  }

  pieces() {
    return archivePieces(this.index, this.#reader, this.#crew, {
      encrypted: this.encrypted,
    });
  }

  joined() {
    return joinPieces(this.index, this.#reader, {
      codecs,
      key: this.#key,
      encrypted: this.encrypted,
    });
  }

  async [Symbol.asyncDispose]() {
    await this.index.close();
  }
}

async function sha256Of(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

/** What an `Accessor` gives. */
async function treeAtAnyPlace(accessor: Accessor): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  const visit = async (node: Node, path: Bytes) => {
    if (node.entry.kind === "hardlink") {
      const first = await accessor.follow(node);
      found.push({
        ...await described(first.entry, path, () => accessor.content(first)),
        hardlink_of: base64(node.entry.target!),
      });
      return;
    }
    found.push(await described(node.entry, path, () => accessor.content(node)));
    if (node.entry.kind !== "directory") return;
    for await (const page of accessor.list(node)) {
      for (const child of page) {
        await visit(
          child,
          path.length === 0
            ? child.entry.name
            : joinPath(path, child.entry.name),
        );
      }
    }
  };
  await visit(accessor.root, new Uint8Array());
  return found;
}

const STORES = ["plain", "encrypted", "signonly"];

Deno.test("official stores are listed as the official client lists them", async () => {
  for (const name of STORES) {
    await withOfficial(name, async (store) => {
      const expected = expectedOf(name).snapshots;
      const namespaces = [
        ...new Set(
          expected.flatMap(({ ns }) =>
            ns.split("/").map((_, i, all) => all.slice(0, i + 1).join("/"))
          ),
        ),
      ];
      assertEquals(
        await store.namespaces(),
        [...new Set(["", ...namespaces])].sort(),
      );
      let count = 0;
      for (const namespace of await store.namespaces()) {
        for (const info of await store.snapshots(namespace)) {
          count++;
          const text = snapshotText(info.snapshot);
          const one = expected.find(({ ns, snapshot }) =>
            ns === namespace && snapshot === text
          )!;
          const { manifest } = one, { unprotected } = manifest;
          assertEquals(info.finished, true);
          assertEquals([info.owner, info.protected], [
            one.owner,
            one.protected,
          ]);
          assertEquals(info.notes, unprotected.notes ?? "");
          const fingerprint = unprotected["key-fingerprint"];
          assertEquals(
            info.fingerprint,
            fingerprint === undefined
              ? undefined
              : parseFingerprint(fingerprint),
          );
          assertEquals(
            info.verification?.state,
            unprotected.verify_state?.state,
          );
          const listed = manifest.files.map((
            file,
          ) => [file.filename, file["crypt-mode"], file.size]);
          const others = Object.keys(one.files).filter((file) =>
            file !== ".protected" && file !== "index.json.blob" &&
            !manifest.files.some(({ filename }) => filename === file)
          );
          assertEquals(
            info.files.map((
              { name, cryptMode, size },
            ) => [name, cryptMode, size]),
            [
              ...listed,
              [
                "index.json.blob",
                manifest.signature === null ? "none" : "sign-only",
                one.files["index.json.blob"]!.file_size,
              ],
              ...others.map((file) => [file, undefined, undefined]),
            ],
          );
        }
        for (
          const { group, owner, count, lastBackup } of await store.groups(
            namespace,
          )
        ) {
          const own = expected.filter(({ ns, snapshot }) =>
            ns === namespace &&
            snapshot.startsWith(`${group.type}/${group.id}/`)
          );
          assertEquals([own.length, own.at(-1)!.owner], [count, owner]);
          assertEquals(
            Math.max(
              ...own.map(({ snapshot }) => parseSnapshot(snapshot).time),
            ),
            lastBackup,
          );
        }
      }
      assertEquals(count, expected.length);
    });
  }
  await withOfficial("plain", async (store) => {
    const notes = (await store.groups("")).map(({ group, notes }) =>
      [group.id, notes] as const
    ).filter(([, notes]) => notes !== "");
    assertEquals(notes.map(([id]) => id), ["100"]);
  });
});

Deno.test("official stores verify, with every key and without one", async () => {
  const enc = await officialKey("enc.json"),
    pbkdf2 = await officialKey("pbkdf2.json");
  for (const name of STORES) {
    for (
      const key of name === "plain" ? [undefined] : [undefined, enc, pbkdf2]
    ) {
      await withOfficial(name, async (store) => {
        const report = await verify(store, { namespace: "" }, {
          key,
          threads: key === enc ? 2 : 0,
        });
        assertEquals(
          report.snapshots.flatMap(({ problems }) => problems),
          [],
          name,
        );
        assertEquals(
          report.snapshots.map(({ state }) => state),
          report.snapshots.map(() => "ok"),
        );
        assertEquals([report.chunks, report.setAside], [
          Object.keys(expectedOf(name).chunks).length,
          0,
        ]);
      });
    }
  }
});

Deno.test("official chunks are of the kind and length that they are said to be", async () => {
  for (const name of STORES) {
    await withOfficial(name, async (store) => {
      const expected = Object.entries(expectedOf(name).chunks);
      assertEquals(chunkFiles(store).length, expected.length);
      const keys = name === "plain" ? [undefined] : [
        undefined,
        await officialKey("enc.json"),
        await officialKey("pbkdf2.json"),
      ];
      for (const [hex, { file_size, plain_size, kind }] of expected) {
        const digest = parseDigest(hex), blob = store.chunks.get(digest);
        assertEquals(blob.length, file_size);
        assertEquals(
          parseBlob(blob).kind,
          kind === "uncompressed" ? "plain" : kind,
          hex,
        );
        let data: Bytes | undefined;
        for (const key of keys) {
          try {
            data ??= await decodeBlob(blob, { codecs, key, digest });
          } catch (error) {
            assert(
              error instanceof IntegrityError || error instanceof KeyError,
            );
          }
        }
        assertEquals(data?.length, plain_size, hex);
      }
    });
  }
});

Deno.test("official manifests carry the right signature", async () => {
  for (const name of STORES) {
    const keyOf = await keysOf(name);
    const wrong = await officialKey(
      name === "plain" ? "enc.json" : "pbkdf2.json",
    );
    await withOfficial(name, async (store) => {
      for (const one of expectedOf(name).snapshots) {
        const manifest = await store.tree.manifest(
          parseSnapshot(one.snapshot, one.ns),
        );
        assertEquals(manifest.signature ?? null, one.manifest.signature);
        const key = keyOf(one);
        verifyManifest(manifest, key);
        if (key === undefined) continue;
        assertThrows(() => verifyManifest(manifest, undefined), KeyError);
        if (hexOf(key.key) !== hexOf(wrong.key)) {
          assertThrows(() => verifyManifest(manifest, wrong), KeyError);
        }
      }
    });
  }
});

Deno.test("official indexes are read as they are, and would be written byte for byte", async () => {
  let count = 0;
  for (const name of STORES) {
    await withOfficial(name, async (store) => {
      for (const one of expectedOf(name).snapshots) {
        await using reader = await store.open(
          parseSnapshot(one.snapshot, one.ns),
        );
        const manifest = await reader.manifest();
        for (
          const [file, { index: expected, file_sha256 }] of Object.entries(
            one.files,
          )
        ) {
          if (expected === undefined) continue;
          count++;
          const index = await checkedIndex(
            reader,
            manifestFile(manifest, file)!,
          );
          assertEquals(
            [
              hexOf(index.uuid),
              index.ctime,
              hexOf(index.headerCsum),
              hexOf(await index.csum()),
              index.size,
            ],
            [
              expected.uuid,
              expected.ctime,
              expected.csum,
              expected.csum,
              expected.size,
            ],
          );
          const refs = [];
          for await (const batch of index.chunks()) refs.push(...batch);
          assertEquals(
            refs.map(({ start, end, digest }) => [hexOf(digest), end - start]),
            expected.chunks.map((chunk) => [...chunk]),
          );
          const sink = new MemoryIndexSink(),
            head = { uuid: index.uuid, ctime: index.ctime };
          if (index.kind === "dynamic") {
            const writer = new DynamicIndexWriter(sink, head);
            for (const { end, digest } of refs) {
              await writer.append(end, digest);
            }
            await writer.close();
          } else {
            const writer = new FixedIndexWriter(
              sink,
              index.size,
              index.chunkSize!,
              head,
            );
            for (const { start, end, digest } of refs) {
              await writer.put(start, end, digest);
            }
            await writer.close();
          }
          assertEquals(
            createHash("sha256").update(sink.bytes).digest("hex"),
            file_sha256,
          );
          await index.close();
        }
      }
    });
  }
});

Deno.test("official archives decode to their trees, in order by threads and at any place", async () => {
  for (const name of STORES) {
    const keyOf = await keysOf(name);
    await withOfficial(name, async (store) => {
      for (const one of expectedOf(name).snapshots) {
        const key = keyOf(one), threads = name === "signonly" ? 0 : 2;
        await using reader = await store.open(
          parseSnapshot(one.snapshot, one.ns),
        );
        const crew = await ChunkCrew.start(reader.direct, { key, threads });
        for (const [archive, expected] of Object.entries(one.archives)) {
          if (expected.kind !== "pxar") continue;
          const isSplit = one.files[`${archive}.didx`] === undefined;
          const open = (ending: string) =>
            Archive.open(reader, archive.replace(/pxar$/, ending), key, crew);
          await using metadata = await open(
            isSplit ? "mpxar.didx" : "pxar.didx",
          );
          await using payload = isSplit ? await open("ppxar.didx") : undefined;
          const tree = sorted(expected.tree);
          const label = `${name} ${one.ns}:${one.snapshot} ${archive}`;
          assertEquals(
            sorted(
              await treeInOrder(
                decode(metadata.pieces(), {
                  payload: payload?.pieces(),
                  batch: 3,
                }),
              ),
            ),
            tree,
            label,
          );
          await using accessor = await Accessor.open(metadata.access(), {
            payload: payload?.access(),
          });
          assertEquals(sorted(await treeAtAnyPlace(accessor)), tree, label);
          if (one === expectedOf(name).snapshots[1]) {
            assertEquals(
              sorted(
                await treeInOrder(
                  decode(metadata.joined(), {
                    payload: payload?.joined(),
                    batch: 3,
                  }),
                ),
              ),
              tree,
              label,
            );
          }
        }
        crew.close();
      }
    });
  }
});

Deno.test("official images, blobs and logs are what the official client restored", async () => {
  for (const name of STORES) {
    const keyOf = await keysOf(name);
    await withOfficial(name, async (store) => {
      for (const one of expectedOf(name).snapshots) {
        const key = keyOf(one);
        await using reader = await store.open(
          parseSnapshot(one.snapshot, one.ns),
        );
        const manifest = await reader.manifest();
        const crew = await ChunkCrew.start(reader.direct, { key, threads: 1 });
        for (const [archive, expected] of Object.entries(one.archives)) {
          if (expected.kind === "image") {
            await using image = await Archive.open(
              reader,
              `${archive}.fidx`,
              key,
              crew,
            );
            assertEquals(image.index.size, expected.size);
            assertEquals(await sha256Of(image.pieces()), expected.sha256);
            assertEquals(await sha256Of(image.joined()), expected.sha256);
          } else if (expected.kind === "blob") {
            const blob = await checkedBlob(
              reader,
              manifestFile(manifest, `${archive}.blob`)!,
            );
            const data = await decodeBlob(blob, { codecs, key });
            assertEquals([
              data.length,
              createHash("sha256").update(data).digest("hex"),
            ], [expected.size, expected.sha256]);
          }
        }
        if (one.files["client.log.blob"] !== undefined) {
          const log = store.files.read(
            `${store.tree.snapshotFolder(reader.snapshot)}/client.log.blob`,
            1 << 20,
          )!;
          assertEquals(
            parseBlob(log).kind.startsWith("encrypted"),
            key !== undefined,
          );
          assert((await decodeBlob(log, { codecs, key })).length > 0);
        }
        crew.close();
      }
    });
  }
});

const LETTERS: Record<string, string> = {
  directory: "d",
  file: "f",
  symlink: "l",
  hardlink: "h",
  block: "b",
  char: "c",
  fifo: "p",
  socket: "s",
};

/** A path as the official dump quotes it; in the recording, every byte of that is a letter. */
function quoted(path: Bytes): string {
  const text = Buffer.from(path).toString("latin1");
  return text.replace(/[\x80-\xff]+/g, (letters) => {
    const bytes = Buffer.from(letters, "latin1");
    const isUtf8 = Buffer.from(bytes.toString("utf8")).equals(bytes);
    return isUtf8
      ? letters
      : [...bytes].map((byte) => `\\x${byte.toString(16).toUpperCase()}`).join(
        "",
      );
  }).replaceAll("\t", "\\t");
}

Deno.test("official catalogs are dumped line by line as the official client dumps them", async () => {
  let count = 0;
  for (const name of STORES) {
    const keyOf = await keysOf(name);
    await withOfficial(name, async (store) => {
      for (const one of expectedOf(name).snapshots) {
        if (one.catalog_dump === undefined) continue;
        count++;
        const key = keyOf(one);
        await using reader = await store.open(
          parseSnapshot(one.snapshot, one.ns),
        );
        const crew = await ChunkCrew.start(reader.direct, { key, threads: 0 });
        await using archive = await Archive.open(
          reader,
          "catalog.pcat1.didx",
          key,
          crew,
        );
        await using catalog = await CatalogReader.open(archive.access());
        const lines: string[] = [];
        for await (const page of catalog.walk()) {
          for (const { entry: { kind, size, mtime }, path } of page) {
            const more = kind === "file"
              ? ` ${size} ${
                new Date(mtime! * 1000).toISOString().replace(".000Z", "Z")
              }`
              : "";
            lines.push(`${LETTERS[kind]} "./${quoted(path)}"${more}`);
          }
        }
        assertEquals(lines, one.catalog_dump);
        crew.close();
      }
    });
  }
  assertEquals(count, 6);
});

Deno.test("official archives, catalogs and images are cut where the official client cut them", async () => {
  const cut: Record<string, number> = {};
  for (const name of STORES) {
    const keyOf = await keysOf(name);
    await withOfficial(name, async (store) => {
      for (const one of expectedOf(name).snapshots) {
        const key = keyOf(one);
        await using reader = await store.open(
          parseSnapshot(one.snapshot, one.ns),
        );
        const crew = await ChunkCrew.start(reader.direct, { key, threads: 0 });
        for (const file of Object.keys(one.files)) {
          const kind = /\.(pxar|mpxar|pcat1|img)\.[df]idx$/.exec(file)?.[1];
          if (kind === undefined) continue;
          await using archive = await Archive.open(reader, file, key, crew);
          const bytes = Buffer.concat(await Array.fromAsync(archive.joined()));
          const average = kind === "pcat1"
            ? CATALOG_AVERAGE
            : /^host\/(h1|s1)\//.test(one.snapshot)
            ? 64 << 10
            : undefined;
          const rules = kind === "img"
            ? cutRules({ chunkSize: archive.index.chunkSize })
            : cutRules({ average });
          const lengths: number[] = [];
          for (let at = 0; at < bytes.length;) {
            const length = rules.next(bytes, at, bytes.length - at) ||
              bytes.length - at;
            lengths.push(length);
            at += length;
          }
          assertEquals(
            lengths,
            one.files[file]!.index!.chunks.map(([, length]) => length),
            `${name} ${one.snapshot} ${file}`,
          );
          cut[kind] = (cut[kind] ?? 0) + lengths.length;
        }
        crew.close();
      }
    });
  }
  assert(
    cut.pxar! > 20 && cut.img! > 10 && cut.mpxar! > 5,
    JSON.stringify(cut),
  );
});

/** What verifying a damaged snapshot gives where that is not what the official server says: stricter, and why. */
const STRICTER: Readonly<Record<string, string>> = {
  "index-csum": "the checksum in an index's header is compared, too",
  "manifest-id": "a manifest must be that of its folder",
  cryptmode:
    "a chunk that was verified for a plain file is not one for an encrypted file",
};
/** What only the key can tell: without it the verdict is the official one. */
const WITH_KEY: Readonly<Record<string, string>> = {
  "enc-flip-crcfix": "only the tag can tell, which takes the key",
};
/** Snapshots without a readable manifest, on which the official server says nothing but that. */
const UNREADABLE: Readonly<Record<string, "failed" | "unfinished">> = {
  "manifest-crc": "failed",
  "manifest-missing": "unfinished",
  "manifest-json": "failed",
};

Deno.test("every damage of the damaged official store is found as the official server finds it, or more strictly", async () => {
  const damaged = expectedOf<DamagedStore>("damaged");
  const cases = Object.entries(damaged.cases);
  assertEquals(cases.length, 29);
  for (const key of [undefined, await officialKey("enc.json")]) {
    await withOfficial("damaged", async (store) => {
      const report = await verify(store, { namespace: "" }, {
        key,
        threads: 2,
      });
      assertEquals(report.snapshots.length, 29);
      for (const [name, { snapshot, verify_state_after: official }] of cases) {
        const { state, problems } = report.snapshots.find((one) =>
          snapshotText(one.snapshot) === snapshot
        )!;
        const label = `${name}: ${
          problems.map(({ message }) => message).join("; ")
        }`;
        const isStricter = STRICTER[name] !== undefined ||
          key !== undefined && WITH_KEY[name] !== undefined;
        if (isStricter) {
          assertEquals([official, state], ["ok", "failed"], label);
        } else assertEquals(state, official ?? UNREADABLE[name]!, label);
        assertEquals(problems.length > 0, state === "failed", label);
      }
      // Only what the tag tells is put out of the way in addition.
      const more = key === undefined
        ? []
        : ["enc-flip-crcfix"].map((name) =>
          `${damaged.cases[name]!.touched[0]}.0.bad`
        );
      const before = ["bad-present", "bad-and-good"].map((name) =>
        damaged.cases[name]!.touched.at(-1)!
      );
      assertEquals(
        chunkFiles(store).filter(({ kind }) => kind === "bad").map(({ path }) =>
          path.slice(store.location.length + 1)
        ).sort(),
        [
          ...damaged.files_new_after_gc_and_verify.filter((path) =>
            path.endsWith(".bad")
          ),
          ...before,
          ...more,
        ].sort(),
      );
      assertEquals(report.setAside, 6 + more.length);
    });
  }
});

Deno.test("reading the damaged official store gives what was backed up, or an error of ours", async () => {
  const damaged = expectedOf<DamagedStore>("damaged");
  const enc = await officialKey("enc.json");
  await withOfficial("damaged", async (store) => {
    for (const [name, one] of Object.entries(damaged.cases)) {
      const key = /^(signed|enc)-/.test(name) ? enc : undefined;
      /** Reads a file as every reader does: manifest, then index or blob, then chunks. */
      const read = async (what: string): Promise<number> => {
        await using reader = await store.open(parseSnapshot(one.snapshot));
        const manifest = await reader.manifest();
        verifyManifest(manifest, key);
        if (what.endsWith(".conf")) {
          const blob = await checkedBlob(
            reader,
            manifestFile(manifest, `${what}.blob`)!,
          );
          return (await decodeBlob(blob, { codecs, key })).length;
        }
        const crew = await ChunkCrew.start(reader.direct, { key, threads: 0 });
        try {
          if (what.endsWith(".img")) {
            await using image = await Archive.open(
              reader,
              `${what}.fidx`,
              key,
              crew,
            );
            let length = 0;
            for await (const piece of image.pieces()) length += piece.length;
            return length;
          }
          await using metadata = await Archive.open(
            reader,
            "root.mpxar.didx",
            key,
            crew,
          );
          await using payload = await Archive.open(
            reader,
            "root.ppxar.didx",
            key,
            crew,
          );
          const inOrder = await treeInOrder(
            decode(metadata.pieces(), { payload: payload.pieces(), batch: 3 }),
          );
          await using accessor = await Accessor.open(metadata.access(), {
            payload: payload.access(),
          });
          const anyPlace = await treeAtAnyPlace(accessor);
          assertEquals(sorted(anyPlace), sorted(inOrder));
          return anyPlace.length;
        } finally {
          crew.close();
        }
      };
      for (const [command, { exit, ...client }] of Object.entries(one.client)) {
        const what = /^restore (.*)$/.exec(command)?.[1];
        if (what === undefined) continue;
        const label = `${name}: ${command}`;
        // The official client takes a manifest that is another snapshot's.
        if (exit === 0 && name !== "manifest-id") {
          const made = what.endsWith(".conf")
            ? "bytes_on_disk_after"
            : "entries_on_disk_after";
          assertEquals(
            await read(what),
            (client as Record<string, unknown>)[made],
            label,
          );
        } else {await assertRejects(
            () => read(what),
            PxarError,
            undefined,
            label,
          );}
      }
    }
  });
});

Deno.test("garbage collection of the damaged official store stops at the index that cannot be read, and runs without it", async () => {
  const damaged = expectedOf<DamagedStore>("damaged");
  await withOfficial("damaged", async (store) => {
    for (const { path } of chunkFiles(store)) age(path, 50 * 3600);
    const before = chunkFiles(store).map(({ path }) => path);
    const error = await assertRejects(
      () => collectGarbage(store, { checkAccessTimes: false }),
      PxarError,
    );
    assert(/index-(magic|trunc)/.test(error.message), error.message);
    assertEquals(chunkFiles(store).map(({ path }) => path), before);
    await verify(store, { namespace: "" }, { threads: 0 });
    for (const id of ["index-magic", "index-trunc"]) {
      await store.forgetGroup({ namespace: "", type: "host", id });
    }
    const warnings: string[] = [];
    const status = await collectGarbage(store, {
      checkAccessTimes: false,
      onWarning: (sentence) => warnings.push(sentence),
    });
    const missing = (lines: readonly string[]) =>
      lines.flatMap((line) => /chunk ([0-9a-f]{64})/.exec(line)?.[1] ?? [])
        .sort();
    const { log } = damaged["gc_after_forgetting_index-magic_and_index-trunc"];
    assertEquals(missing(warnings), missing(log));
    // All but the chunk of zeros that the server makes.
    const [, disk] = /On-Disk chunks: (\d+)/.exec(log.join("\n"))!;
    assertEquals(status.diskChunks, Number(disk) - 1);
    // Stray ones of what was damaged, and what is bad beside a good one.
    assert(
      status.removedBad > 0 &&
        !isThere(
          `${store.location}/${damaged.cases["bad-and-good"]!.touched[0]}`,
        ),
    );
    assert(
      isThere(`${store.location}/${damaged.cases["bad-present"]!.touched[1]}`),
    );
  });
});

Deno.test("an official store lacks nothing that PBS would miss but the empty chunk folders", async () => {
  await withOfficial("plain", (_store, path) => {
    const complaints = pbsComplaints(path);
    if (Deno.uid() === 0) {
      assertEquals(
        complaints.filter((one) => !/ of the 65536 folders/.test(one)),
        [],
      );
    }
    assertStringIncludes(complaints.at(-1)!, "of the 65536 folders");
    return Promise.resolve();
  });
});
