// Datastores in temporary folders, for tests.
import { joinBlob, sealBlob, type SealedBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { type Digest, digestOf } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import type { Bytes } from "@pxar/format/bytes";
import type { Datastore } from "@pxar/store/datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import type { Kernel } from "@pxar/store/kernel";
import {
  type DatastoreOptions,
  openDatastore,
} from "@pxar/store/open_datastore";
import { openKernel } from "@pxar/sys/kernel";
import type { ChunkFile } from "../../store/chunk_place.ts";
import { inMemory, withDirectory } from "../support/walks.ts";

const TEXT = new TextEncoder();

/** The kernel, where there is one. */
export const kernel: Kernel | undefined = openKernel();

/** An empty store in a temporary folder, with its locks beside it; in memory where that can be had. */
export async function withDatastore(
  use: (store: Datastore, folder: string) => Promise<void>,
  options: DatastoreOptions = {},
): Promise<void> {
  await withDirectory(async (folder) => {
    const path = `${folder}/store`;
    await initDatastore(path, { allFolders: false });
    await use(
      await openDatastore(path, {
        kernel,
        sync: "none",
        locks: `${folder}/locks`,
        ...options,
      }),
      folder,
    );
  }, inMemory());
}

/** A text as bytes. */
export function bytesOf(text: string): Bytes {
  return TEXT.encode(text);
}

/** A chunk and its blob. */
export async function chunkOf(
  data: string | Bytes,
  key?: CryptKey,
): Promise<{ digest: Digest; sealed: SealedBlob; blob: Bytes }> {
  const bytes = typeof data === "string" ? bytesOf(data) : data;
  const sealed = await sealBlob(bytes, { codecs: await openCodecs(), key });
  return { digest: digestOf(bytes, key), sealed, blob: joinBlob(sealed) };
}

/** Puts a chunk into a store that no index names; gives its digest. */
export async function strayChunk(
  store: Datastore,
  data: string | Bytes,
  seconds = 0,
): Promise<Digest> {
  const { digest, sealed } = await chunkOf(data);
  store.chunks.put(digest, sealed.header, sealed.body);
  if (seconds > 0) age(chunkPath(store, digest), seconds);
  return digest;
}

/** Where a chunk of a store on disk lies. */
export function chunkPath(store: Datastore, digest: Digest): string {
  const hex = digest.toHex();
  return `${store.location}/.chunks/${hex.slice(0, 4)}/${hex}`;
}

/** Makes a file look as if it was written and used some time ago, seconds. */
export function age(path: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  Deno.utimeSync(path, then, then);
}

/** Whether something is there. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Every file in the chunk folders of a store. */
export function chunkFiles({ chunks }: Datastore): ChunkFile[] {
  return chunks.folders().flatMap((folder) => chunks.filesIn(folder));
}

/** Paths of all files and folders below a folder, in order. */
export function namesIn(folder: string): string[] {
  const found: string[] = [];
  const walk = (below: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${folder}${below}`)) {
      found.push(`${below}/${name}`);
      if (isDirectory) walk(`${below}/${name}`);
    }
  };
  walk("");
  return found.sort();
}
