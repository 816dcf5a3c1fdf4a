/**
 * Where chunks come from.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Digest } from "./digest.ts";

/** Gives blobs by digest. */
export interface ChunkSource {
  /**
   * The blob of a chunk, as it is stored; not yet verified.
   *
   * @param digest The chunk's.
   * @param options What ends waiting.
   * @returns Header and body, in memory of their own.
   * @throws {NotFoundError} If there is no such chunk.
   * @throws {SystemError} If it cannot be read.
   */
  get(
    digest: Digest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Bytes>;
}
