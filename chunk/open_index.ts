/**
 * Indexes of either kind.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ChunkIndex } from "./chunk_index.ts";
import { openDynamicIndex } from "./dynamic_index.ts";
import { openFixedIndex } from "./fixed_index.ts";
import { readKind } from "./index_file.ts";

/**
 * Opens an index of the kind that its first eight bytes tell.
 *
 * @param access The file; closed with the index, also if opening fails.
 * @throws {UnsupportedError} If they tell of none: it is no index, or one of a newer version.
 * @throws {FormatError} If it is not a whole index.
 */
export async function openIndex(access: RandomAccess): Promise<ChunkIndex> {
  let kind;
  try {
    kind = await readKind(access);
  } catch (error) {
    await access.close?.();
    throw error;
  }
  return kind === "dynamic"
    ? await openDynamicIndex(access)
    : await openFixedIndex(access);
}
