// The children of one directory: found by name, by position, or all in order.
import type { Bytes } from "@pxar/format/bytes";
import { NotFoundError } from "@pxar/format/errors";
import type { GoodbyeRow } from "@pxar/format/goodbye";
import { compareNames, showName } from "@pxar/format/name";
import { hash, siphash } from "@pxar/format/siphash";
import {
  childPosition,
  damaged,
  extentOf,
  openTable,
  readRow,
  readRows,
  type Table,
} from "./directory_table.ts";
import type { ItemCursor } from "./item_cursor.ts";
import { type Node, readNode } from "./node.ts";
import { sortRows } from "./sorted_rows.ts";

/** How many nodes are yielded at once, at most. */
const PAGE = 256;

/** Greatest of all hashes. */
const ANY_HASH = 0xffff_ffff_ffff_ffffn;

/**
 * Yields the children in the order of the archive, in pages, never an empty one.
 *
 * @param cursor Is moved; not to be used for anything else meanwhile.
 * @param directory Whose children.
 */
export async function* listChildren(
  cursor: ItemCursor,
  directory: Node,
): AsyncGenerator<readonly Node[], void, void> {
  const table = await openTable(cursor, extentOf(directory));
  const rows = await sortRows(cursor, directory, table);
  let next = directory.start;
  let page: Node[] = [];
  for (let i = 0; i < rows.count; i++) {
    const position = rows.position(i);
    if (position !== next) break;
    const node = await readChild(
      cursor,
      directory,
      table,
      position,
      rows.size(i),
    );
    const { name } = node.entry;
    siphash(name, 0, name.length);
    if (!rows.matches(i, hash[0]!, hash[1]!)) {
      throw damaged(
        table.at,
        `the hash of "${showName(name)}" at byte ${position} is wrong`,
        "that of its name",
      );
    }
    next = node.end;
    page.push(node);
    if (page.length === PAGE) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
  if (next !== table.at) {
    throw damaged(
      table.at,
      `no row leads to byte ${next}`,
      "one for each child and no other",
    );
  }
}

/**
 * Finds a child by its name.
 *
 * @param cursor Is moved.
 * @param directory Where it is.
 * @param name Its name.
 * @returns The child, `undefined` if there is none. Of several, the first in the archive.
 */
export async function findChild(
  cursor: ItemCursor,
  directory: Node,
  name: Bytes,
): Promise<Node | undefined> {
  const table = await openTable(cursor, extentOf(directory));
  siphash(name, 0, name.length);
  const wanted = BigInt(hash[1]!) << 32n | BigInt(hash[0]!);
  const equal: GoodbyeRow[] = [];
  const open: { slot: number; least: bigint; most: bigint }[] = [{
    slot: 0,
    least: 0n,
    most: ANY_HASH,
  }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { slot, least, most } = next;
    if (slot >= table.rows) continue;
    const row = await readRow(cursor, table, slot);
    const there = BigInt(row.high) << 32n | BigInt(row.low);
    if (there < least || there > most) {
      throw damaged(
        table.at,
        `row ${slot} stands where its hash does not belong`,
        "a search tree",
      );
    }
    if (there === wanted) equal.push(row);
    if (wanted >= there) {
      open.push({ slot: 2 * slot + 2, least: there, most });
    }
    if (wanted <= there) {
      open.push({ slot: 2 * slot + 1, least, most: there });
    }
  }
  equal.sort((a, b) => b.offset - a.offset);
  for (const row of equal) {
    const position = childPosition(directory, table, row);
    const node = await readChild(
      cursor,
      directory,
      table,
      position,
      row.size,
    );
    if (compareNames(node.entry.name, name) === 0) return node;
  }
  return undefined;
}

/**
 * Goes down from the root to a directory.
 *
 * @param cursor Is moved.
 * @param root Where to start.
 * @param position Where the directory's FILENAME stands.
 * @throws {NotFoundError} If there is none.
 */
export async function findDirectory(
  cursor: ItemCursor,
  root: Node,
  position: number,
): Promise<Node> {
  let node = root;
  do {
    const directory = node,
      table = await openTable(cursor, extentOf(directory));
    let best: GoodbyeRow | undefined;
    await readRows(cursor, table, (row) => {
      if (childPosition(directory, table, row) > position) return;
      if (best === undefined || row.offset < best.offset) best = row;
    });
    if (best === undefined) break;
    const { offset, size } = best;
    node = await readChild(
      cursor,
      directory,
      table,
      table.at - offset,
      size,
    );
    if (node.position === position) return node;
  } while (node.entry.kind === "directory" && position < node.end);
  throw new NotFoundError(
    `Cannot find directory at byte ${position}: no row leads there`,
  );
}

/** Reads the child that a row leads to. */
async function readChild(
  cursor: ItemCursor,
  directory: Node,
  table: Table,
  position: number,
  size: number,
): Promise<Node> {
  // In a split archive the size of a file counts its content, which lies elsewhere.
  const node = await readNode(
    cursor,
    position,
    Math.min(position + size, table.at),
  );
  if (node.entry.kind === "directory" && position + size > table.at) {
    throw damaged(
      table.at,
      `a row gives "${
        showName(node.entry.name)
      }" at byte ${position} a size of ${size}`,
      `at most ${table.at - position}, within "${
        showName(directory.entry.name)
      }"`,
    );
  }
  return node;
}
