// Archives of small trees, open to be looked things up in.
import { Accessor } from "@pxar/codec/accessor";
import { encode } from "@pxar/codec/encode";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import { CollectPayload, CollectSink } from "../support/entries.ts";

/** The bytes of an archive in one file. */
export async function bytesOf(batches: Batches): Promise<Bytes> {
  const metadata = new CollectSink();
  await encode(batches, { metadata }, { piece: 4096 });
  return metadata.bytes();
}

/** The bytes of a split archive. */
export async function splitOf(
  batches: Batches,
): Promise<{ readonly metadata: Bytes; readonly payload: Bytes }> {
  const metadata = new CollectSink(), payload = new CollectPayload();
  await encode(batches, { metadata, payload }, { piece: 4096 });
  return { metadata: metadata.bytes(), payload: payload.bytes() };
}

/** An archive that is open. */
export async function openBytes(
  archive: Bytes,
  payload?: Bytes,
): Promise<Accessor> {
  return await Accessor.open(bytesAccess(archive), {
    payload: payload && bytesAccess(payload),
  });
}

/** An archive of these entries, open. */
export async function openArchiveOf(batches: Batches): Promise<Accessor> {
  return await openBytes(await bytesOf(batches));
}
