/**
 * The goodbye table of a directory, read where it lies.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import {
  decodeGoodbyeRow,
  GOODBYE_ROW_SIZE,
  GOODBYE_TAIL,
  type GoodbyeRow,
  goodbyeSize,
} from "@pxar/format/goodbye";
import { HEADER_SIZE, ITEMS } from "@pxar/format/item";
import { type ItemCursor, unexpected } from "./item_cursor.ts";
import type { Node } from "./node.ts";

/** Between which bytes of the archive a directory lies. */
export interface Extent {
  /** Where its ENTRY stands. */
  readonly entry: number;
  /** Where its first child stands, or its GOODBYE. */
  readonly start: number;
  /** Where its GOODBYE ends. */
  readonly end: number;
  /** Whether it is the root. */
  readonly isRoot: boolean;
}

/** Where a goodbye table lies. */
export interface Table {
  /** Where its GOODBYE stands, bytes from the start of the archive: the children end there. */
  readonly at: number;
  /** How many rows it has, without the tail. */
  readonly rows: number;
}

/** How many rows are read at once. */
const ROWS_AT_ONCE = 2048;

/** Where a directory lies. */
export function extentOf(
  { position, start, end, entry: { name } }: Node,
): Extent {
  // Only the root has no name, and no FILENAME.
  const isRoot = name.length === 0;
  const entry = isRoot ? position : position + HEADER_SIZE + name.length + 1;
  return { entry, start, end, isRoot };
}

/**
 * Finds a directory's table from its end, and checks header and tail.
 *
 * @param cursor Is moved.
 * @param directory Whose table.
 * @returns Where it lies.
 * @throws {FormatError} If what stands there is no such table.
 */
export async function openTable(
  cursor: ItemCursor,
  directory: Extent,
): Promise<Table> {
  const { entry, start, end, isRoot } = directory;
  const tailAt = end - GOODBYE_ROW_SIZE;
  if (tailAt < start + HEADER_SIZE) {
    throw damaged(end, `there are ${end - start} bytes for it`, "40 or more");
  }
  let wait = cursor.load(tailAt, GOODBYE_ROW_SIZE);
  if (wait !== undefined) await wait;
  if (cursor.reader.tag() !== GOODBYE_TAIL) {
    throw damaged(
      tailAt,
      "its last row is no tail",
      "one, and nothing cut off or added behind it",
    );
  }
  const offset = cursor.reader.u64(), size = cursor.reader.u64();
  const at = end - size, rows = (size - goodbyeSize(0)) / GOODBYE_ROW_SIZE;
  if (!Number.isInteger(rows) || rows < 0 || at < start) {
    throw damaged(
      tailAt,
      `its tail gives it ${size} bytes`,
      `40 to ${end - start}, in steps of 24`,
    );
  }
  // The root's leads to the start of the archive, before FORMAT_VERSION.
  if (at - offset !== entry && !(isRoot && at === offset)) {
    throw damaged(
      tailAt,
      `its tail leads ${offset} bytes back`,
      `${at - entry}, to the directory's ENTRY`,
    );
  }
  wait = cursor.move(at, end);
  if (wait !== undefined) await wait;
  if (cursor.header.item !== ITEMS.GOODBYE) throw unexpected(cursor, "GOODBYE");
  if (cursor.end !== end) {
    throw damaged(
      at,
      `its header gives it ${cursor.end - at} bytes`,
      `${size} as in its tail`,
    );
  }
  return { at, rows };
}

/**
 * Reads one row.
 *
 * @param cursor Is moved.
 * @param table Where they lie.
 * @param slot Which one, from 0 on.
 * @returns The row.
 */
export async function readRow(
  cursor: ItemCursor,
  table: Table,
  slot: number,
): Promise<GoodbyeRow> {
  const wait = cursor.load(
    table.at + HEADER_SIZE + GOODBYE_ROW_SIZE * slot,
    GOODBYE_ROW_SIZE,
  );
  if (wait !== undefined) await wait;
  return decodeGoodbyeRow(cursor.reader);
}

/**
 * Reads all rows, in the order in which they stand.
 *
 * @param cursor Is moved.
 * @param table Where they lie.
 * @param take Gets one after the other.
 */
export async function readRows(
  cursor: ItemCursor,
  table: Table,
  take: (row: GoodbyeRow) => void,
): Promise<void> {
  for (let slot = 0; slot < table.rows; slot += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, table.rows - slot);
    const at = table.at + HEADER_SIZE + GOODBYE_ROW_SIZE * slot;
    const wait = cursor.load(at, GOODBYE_ROW_SIZE * count);
    if (wait !== undefined) await wait;
    for (let i = 0; i < count; i++) take(decodeGoodbyeRow(cursor.reader));
  }
}

/** Where a row's child starts; it must lie between the directory's first child and its table. */
export function childPosition(
  directory: { readonly start: number },
  table: Table,
  row: GoodbyeRow,
): number {
  const position = table.at - row.offset;
  if (position < directory.start || position + HEADER_SIZE > table.at) {
    throw damaged(
      table.at,
      `a row leads ${row.offset} bytes back`,
      `17 to ${table.at - directory.start}`,
    );
  }
  return position;
}

/** Reports a table that cannot be right. */
export function damaged(
  offset: number,
  is: string,
  expected: string,
): FormatError {
  return new FormatError(
    `Cannot read goodbye table at byte ${offset}: ${is}, expected ${expected}`,
    { offset },
  );
}
