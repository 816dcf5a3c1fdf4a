// What stands around the entries of an archive: version and prelude before the root, its table behind it.
import { ITEMS } from "@pxar/format/item";
import { decodeVersion } from "@pxar/format/version";
import { extentOf, openTable } from "./directory_table.ts";
import type { ItemCursor } from "./item_cursor.ts";
import { type Node, readRoot } from "./node.ts";

/** What is known of an archive once it is open. */
export interface Start {
  /** Version of the format. */
  readonly version: 1 | 2;
  /** Where the prelude's bytes are. */
  readonly prelude:
    | { readonly start: number; readonly size: number }
    | undefined;
  /** The directory that all others are in. */
  readonly root: Node;
  /** Where the root's table lies, and so where all nodes end. */
  readonly limit: number;
}

/**
 * Opens an archive.
 *
 * @param cursor Is moved.
 * @param size Length of the archive, bytes.
 * @throws {FormatError} If its start or its end is not that of an archive.
 */
export async function readStart(
  cursor: ItemCursor,
  size: number,
): Promise<Start> {
  await cursor.move(0, size);
  let version: 1 | 2 = 1;
  let prelude: Start["prelude"];
  if (cursor.header.item === ITEMS.FORMAT_VERSION) {
    await cursor.content();
    version = decodeVersion(cursor.reader);
    await cursor.move(cursor.end, size);
    if (cursor.header.item === ITEMS.PRELUDE) {
      prelude = { start: cursor.start, size: cursor.header.size };
      await cursor.move(cursor.end, size);
    }
  }
  const root = await readRoot(cursor, size);
  const { at } = await openTable(cursor, extentOf(root));
  return { version, prelude, root, limit: at };
}
