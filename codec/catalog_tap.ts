/**
 * A catalog of what flows by.
 *
 * @module
 */
import type { Batch, Batches } from "@pxar/format/entry";
import type { CatalogWriter } from "./catalog_writer.ts";

/**
 * A tap: passes the entries of an archive on as they are, and writes them to a catalog as one of its archives.
 *
 * @param batches The entries.
 * @param catalog Where no archive is open; to be finished by the caller, behind the last archive.
 * @param name The archive's file, such as `root.pxar.didx`.
 * @throws {TypeError} If the entries do not make a tree, or an archive is open in the catalog.
 *
 * @example
 * ```ts
 * import { catalogTap } from "@pxar/codec/catalog_tap";
 * import type { CatalogWriter } from "@pxar/codec/catalog_writer";
 * import { decode } from "@pxar/codec/decode";
 * import { encodeStream } from "@pxar/codec/encode";
 *
 * // An archive as it comes, while its catalog is written.
 * function tapped(archive: ReadableStream<Uint8Array>, catalog: CatalogWriter) {
 *   return encodeStream(catalogTap(decode(archive), catalog, "root.pxar.didx"));
 * }
 * ```
 */
export async function* catalogTap(
  batches: Batches,
  catalog: CatalogWriter,
  name: string,
): AsyncGenerator<Batch, void, void> {
  catalog.startArchive(name);
  for await (const batch of batches) {
    for (const entry of batch) {
      const wait = catalog.entry(entry);
      if (wait !== undefined) await wait;
    }
    yield batch;
  }
  if (catalog.depth > 0) {
    throw new TypeError(
      `Cannot write catalog: entries end with ${catalog.depth} directories open, expected none`,
    );
  }
}
