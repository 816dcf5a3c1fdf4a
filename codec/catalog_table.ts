// The table of one directory of a catalog, read entry by entry, so that its length does not matter.
import { FormatError } from "@pxar/format/errors";
import { checkName } from "@pxar/format/name";
import {
  CATALOG_MAGIC,
  CATALOG_NAME_LIMIT,
  CATALOG_TYPES,
  type CatalogEntry,
  type CatalogKind,
} from "./catalog.ts";
import type { ItemCursor } from "./item_cursor.ts";
import {
  decodeVarint,
  decodeVaruint,
  VARINT_SIZE,
  VARUINT_SIZE,
} from "./varint.ts";

/** Least bytes of an entry: type, length of the name, name. */
const LEAST_ENTRY = 3;
/** Most bytes of an entry before its name, and behind it. */
const BEFORE = 1 + VARUINT_SIZE, BEHIND = VARUINT_SIZE + VARINT_SIZE;

const KINDS: ReadonlyMap<number, CatalogKind> = new Map(
  Object.entries(CATALOG_TYPES).map((
    [kind, type],
  ) => [type, kind as CatalogKind]),
);

/** A table that is being read. */
export interface CatalogTable {
  /** Where it starts. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  /** Where the next entry starts. */
  at: number;
  /** How many entries are to come. */
  left: number;
}

/**
 * Reads the start of a table.
 *
 * @param cursor Is moved.
 * @param start Where it starts.
 * @param limit Where it must have ended.
 */
export async function openTable(
  cursor: ItemCursor,
  start: number,
  limit: number,
): Promise<CatalogTable> {
  if (
    !(Number.isSafeInteger(start) && start >= CATALOG_MAGIC.length &&
      start < limit)
  ) {
    throw new FormatError(
      `Cannot read catalog: a table starts at byte ${start}, expected ${CATALOG_MAGIC.length} to ${
        limit - 1
      }`,
      { offset: start },
    );
  }
  const wait = cursor.load(start, Math.min(2 * VARUINT_SIZE, limit - start));
  if (wait !== undefined) await wait;
  const length = decodeVaruint(cursor.reader), from = cursor.reader.offset;
  const end = from + length;
  if (length === 0 || end > limit) {
    throw new FormatError(
      `Cannot read catalog at byte ${start}: table has ${length} bytes, expected 1 to ${
        limit - from
      }`,
      { offset: start },
    );
  }
  const left = decodeVaruint(cursor.reader), at = cursor.reader.offset;
  const table = { start, end, at, left };
  if (at > end || left * LEAST_ENTRY > end - at || left === 0 && at < end) {
    throw new FormatError(
      `Cannot read catalog at byte ${start}: table has ${left} entries in ${
        end - at
      } bytes, expected ${LEAST_ENTRY} bytes or more for each and none beside`,
      { offset: start },
    );
  }
  return table;
}

/**
 * Reads the next entry.
 *
 * @param cursor Is moved.
 * @param table Has entries left; is moved on.
 * @returns The entry; a promise where it is not at hand.
 */
export function readEntry(
  cursor: ItemCursor,
  table: CatalogTable,
): CatalogEntry | Promise<CatalogEntry> {
  const { at, end } = table;
  const wait = cursor.load(at, Math.min(BEFORE, end - at));
  return wait === undefined
    ? readName(cursor, table)
    : wait.then(() => readName(cursor, table));
}

function readName(
  cursor: ItemCursor,
  table: CatalogTable,
): CatalogEntry | Promise<CatalogEntry> {
  const { at, end } = table, { reader } = cursor;
  const type = reader.u8(), kind = KINDS.get(type);
  if (kind === undefined) {
    throw damaged(at, `entry has type ${type}`, "a letter of dflhbcps");
  }
  const length = decodeVaruint(reader), head = reader.offset - at;
  if (length > CATALOG_NAME_LIMIT || length > end - at - head) {
    throw damaged(
      at,
      `name has ${length} bytes`,
      `1 to ${Math.min(CATALOG_NAME_LIMIT, end - at - head)}`,
    );
  }
  const wait = cursor.load(at, Math.min(head + length + BEHIND, end - at));
  return wait === undefined
    ? readRest(cursor, table, kind, head, length)
    : wait.then(() => readRest(cursor, table, kind, head, length));
}

function readRest(
  cursor: ItemCursor,
  table: CatalogTable,
  kind: CatalogKind,
  head: number,
  length: number,
): CatalogEntry {
  const { reader } = cursor, { at } = table;
  reader.skip(head);
  const name = reader.copy(length);
  checkName(name, at + head);
  let size: number | undefined,
    mtime: number | undefined,
    start: number | undefined;
  if (kind === "file") {
    size = decodeVaruint(reader);
    mtime = decodeVarint(reader);
  } else if (kind === "directory") {
    const distance = decodeVaruint(reader);
    start = table.start - distance;
    if (distance === 0 || start < CATALOG_MAGIC.length) {
      throw damaged(
        at,
        `directory is ${distance} bytes before its parent's table at byte ${table.start}`,
        `1 to ${table.start - CATALOG_MAGIC.length}`,
      );
    }
  }
  table.at = reader.offset;
  table.left--;
  if (table.left === 0 && table.at !== table.end) {
    throw damaged(
      table.at,
      `${table.end - table.at} bytes are left over in table`,
      "none",
    );
  }
  return { kind, name, size, mtime, start };
}

function damaged(offset: number, what: string, expected: string): FormatError {
  return new FormatError(
    `Cannot read catalog at byte ${offset}: ${what}, expected ${expected}`,
    { offset },
  );
}
