// Archives in memory, for tests.
import { encode } from "@pxar/codec/encode";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import { CollectPayload, CollectSink } from "./entries.ts";

/** The unified archive of a tree. */
export async function unified(batches: Batches): Promise<Bytes> {
  const archive = new CollectSink();
  await encode(batches, { metadata: archive });
  return archive.bytes();
}

/** The split archive of a tree. */
export async function split(
  batches: Batches,
): Promise<{ metadata: Bytes; payload: Bytes }> {
  const metadata = new CollectSink(), payload = new CollectPayload();
  await encode(batches, { metadata, payload });
  return { metadata: metadata.bytes(), payload: payload.bytes() };
}
