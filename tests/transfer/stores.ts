// Stores for tests of what goes from one to another: official ones beside empty ones, and one that counts what is read from it.
import { hexOf } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import type { Datastore } from "@pxar/store/datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import { manifestText } from "@pxar/store/manifest";
import { openDatastore } from "@pxar/store/open_datastore";
import { snapshotPath } from "@pxar/store/snapshot";
import type { SnapshotReader, Store } from "@pxar/store/store";
import { withUploadStats, withVerifyState } from "@pxar/store/unprotected";
import { verify } from "@pxar/store/verify";
import { kernel } from "../store/stores.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { unpackStore } from "../support/official_store.ts";
import { inMemory, withDirectory } from "../support/walks.ts";

/** Two stores on disk, for the time of `use`. */
export async function withStores(
  official: string | undefined,
  use: (source: Datastore, target: Datastore, folder: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (folder) => {
    const path = official === undefined
      ? `${folder}/source`
      : await unpackStore(official, folder);
    if (official === undefined) {
      await initDatastore(path, { allFolders: false });
    }
    await initDatastore(`${folder}/target`, { allFolders: false });
    const [source, target] = await Promise.all([
      openOnDisk(path, folder),
      openOnDisk(`${folder}/target`, folder),
    ]);
    await use(source!, target!, folder);
  }, inMemory());
}

/** Opens a store whose locks lie beside it. */
export async function openOnDisk(
  path: string,
  folder: string,
): Promise<Datastore> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return await openDatastore(path, {
    kernel,
    sync: "none",
    locks: `${folder}/locks-${name}`,
  });
}

/** What was read from a store. */
export interface Counted {
  /** The store; its chunks can only be had through it. */
  readonly store: Store;
  /** Digests of the chunks that were read, one after the other. */
  readonly gets: string[];
  /** Called before each is read. */
  onGet: () => void;
}

/** A store that counts the chunks that are read from it. */
export function counting(store: Store): Counted {
  const counted: Counted = {
    gets: [],
    onGet: () => {},
    store: replacing(store, {
      open: async (...args: Parameters<Store["open"]>) => {
        const reader = await store.open(...args);
        return replacing<SnapshotReader>(reader, {
          direct: undefined,
          get: async (digest, options) => {
            counted.onGet();
            counted.gets.push(hexOf(digest));
            return await reader.get(digest, options);
          },
        });
      },
    }),
  };
  return counted;
}

/** An object with some other members. */
export function replacing<T extends object>(from: T, other: Partial<T>): T {
  return new Proxy(from, {
    get(_, name) {
      if (Object.hasOwn(other, name)) return other[name as keyof T];
      const value = Reflect.get(from, name, from);
      return typeof value === "function" ? value.bind(from) : value;
    },
  });
}

/** Every snapshot of a store as text: manifest, and each file without what tells when an index was made. */
export async function contentsOf(
  store: Store,
): Promise<Map<string, ReadonlyMap<string, string>>> {
  const all = new Map<string, ReadonlyMap<string, string>>();
  for (const namespace of await store.namespaces()) {
    for (const info of await store.snapshots(namespace)) {
      if (!info.finished) continue;
      await using reader = await store.open(info.snapshot);
      // What differs: how much was received, and that a verification was elsewhere.
      const manifest = withVerifyState(
        withUploadStats(await reader.manifest(), {
          count: 0,
          size: 0,
          compressedSize: 0,
          duplicates: 0,
        }),
        undefined,
      );
      const files = new Map([["manifest", manifestText(manifest)]]);
      for (const { name } of info.files) {
        if (name === "index.json.blob") continue;
        const bytes = await fileOf(reader, name);
        // uuid and ctime.
        if (name.endsWith("idx")) bytes.fill(0, 8, 32);
        files.set(name, bytes.toHex());
      }
      all.set(snapshotPath(info.snapshot), files);
    }
  }
  return all;
}

async function fileOf(reader: SnapshotReader, name: string): Promise<Bytes> {
  const access = await reader.file(name);
  const bytes = new Uint8Array(access.size);
  assertEquals(await access.read(0, bytes), bytes.length);
  await access.close?.();
  return bytes;
}

/** Everything in a store is sound, also to who looks at each byte; gives how many snapshots it has. */
export async function assertSound(store: Datastore): Promise<number> {
  const { snapshots } = await verify(store, { namespace: "" });
  for (const { state, problems } of snapshots) {
    assert(state === "ok", JSON.stringify(problems));
  }
  return snapshots.length;
}
