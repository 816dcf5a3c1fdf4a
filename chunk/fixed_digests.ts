// What readers and writers of fixed indexes share.
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { entryBytes, HASH_SIZE } from "./index_file.ts";
import { sha256 } from "./sha256.ts";

/** The checksum of a fixed index: that of its digests, one behind the other. */
export async function csumOf(
  access: RandomAccess,
  count: number,
  signal?: AbortSignal,
): Promise<Bytes> {
  const hash = sha256();
  const digests = entryBytes(access, HASH_SIZE, 0, count, signal);
  for await (const bytes of digests) hash.update(bytes);
  return hash.digest();
}

/** Whether a chunk may have that length. */
export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 &&
    2 ** Math.round(Math.log2(value)) === value;
}
