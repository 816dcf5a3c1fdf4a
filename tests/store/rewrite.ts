// Snapshots changed behind the store's back, for tests of what finds it.
import { joinBlob, parseBlob, sealBlob } from "@pxar/chunk/blob";
import { crc32 } from "@pxar/chunk/crc32";
import { openCodecs } from "@pxar/chunk/codecs";
import type { CryptKey } from "@pxar/chunk/key";
import { openIndex } from "@pxar/chunk/open_index";
import { sha256Of } from "@pxar/chunk/sha256";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import type { Datastore } from "@pxar/store/datastore";
import {
  makeManifest,
  type Manifest,
  type ManifestFile,
} from "@pxar/store/manifest";
import { manifestBlob } from "@pxar/store/manifest_blob";
import { signManifest } from "@pxar/store/manifest_signature";
import type { SnapshotName } from "@pxar/store/snapshot";

/** Where a file of a snapshot lies. */
export function filePath(
  store: Datastore,
  snapshot: SnapshotName,
  name: string,
): string {
  return `${store.tree.snapshotFolder(snapshot)}/${name}`;
}

/** Changes a file on disk. */
export function change(path: string, to: (bytes: Bytes) => Uint8Array): void {
  Deno.writeFileSync(path, to(Deno.readFileSync(path)));
}

/** Changes one bit of bytes. */
export function flip(bytes: Bytes, at: number, bit = 0): Bytes {
  const copy = bytes.slice();
  const index = at < 0 ? copy.length + at : at;
  copy[index] = copy[index]! ^ 1 << bit;
  return copy;
}

/** Makes the CRC of a blob right again. */
export function mendCrc(blob: Bytes): Bytes {
  const copy = blob.slice();
  const kinds = [0x7b, 0xe6];
  const header = kinds.includes(copy[0]!) ? 44 : 12;
  new DataView(copy.buffer).setUint32(8, crc32(copy.subarray(header)), true);
  parseBlob(copy);
  return copy;
}

/** Puts another manifest in the place of a snapshot's. */
export async function rewriteManifest(
  store: Datastore,
  snapshot: SnapshotName,
  to: (manifest: Manifest) => Manifest | Promise<Manifest>,
): Promise<void> {
  const manifest = await to(await store.tree.manifest(snapshot));
  store.writeManifest(
    snapshot,
    await manifestBlob(manifest, await openCodecs()),
  );
}

/** Puts a text in the place of a snapshot's manifest. */
export async function rewriteManifestText(
  store: Datastore,
  snapshot: SnapshotName,
  text: string,
): Promise<void> {
  const codecs = await openCodecs();
  const blob = await sealBlob(new TextEncoder().encode(text), { codecs });
  store.writeManifest(snapshot, joinBlob(blob));
}

/** Changes what a manifest says of its files; signed where a key is given. */
export async function rewriteFiles(
  store: Datastore,
  snapshot: SnapshotName,
  to: (file: ManifestFile) => ManifestFile,
  key?: CryptKey,
): Promise<void> {
  await rewriteManifest(store, snapshot, (manifest) => {
    const other = makeManifest(manifest, manifest.files.map(to));
    return key === undefined ? other : signManifest(other, key);
  });
}

/** Puts another content in the place of a snapshot's file, and has the manifest say so. */
export async function rewriteFile(
  store: Datastore,
  snapshot: SnapshotName,
  name: string,
  bytes: Bytes,
  key?: CryptKey,
): Promise<void> {
  Deno.writeFileSync(filePath(store, snapshot, name), bytes);
  let csum = sha256Of(bytes), size = bytes.length;
  if (/idx$/.test(name)) {
    const index = await openIndex(bytesAccess(bytes));
    csum = await index.csum();
    size = index.size;
  }
  await rewriteFiles(
    store,
    snapshot,
    (file) => file.name === name ? { ...file, csum, size } : file,
    key,
  );
}
