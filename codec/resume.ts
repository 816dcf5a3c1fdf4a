// Where to go on in an archive behind bytes that cannot be read: the goodbye tables are found from the end, so they may know.
import { PxarError } from "@pxar/format/errors";
import { HEADER_SIZE, ITEMS } from "@pxar/format/item";
import { LIKELY, type State } from "./check_grammar.ts";
import { openTable, readRows } from "./directory_table.ts";
import type { ItemCursor } from "./item_cursor.ts";
import type { OpenDirectories } from "./open_directories.ts";

/** How many rows may be read in search of a way on, per archive, so that damage everywhere does not make a check endless. */
export const MOST_ROWS = 4_000_000;

/** A place to go on at. */
export interface Next {
  /** Where a FILENAME or GOODBYE should stand. */
  readonly at: number;
  /** In which of the open directories; the root is level 0. */
  readonly level: number;
  /** How many rows were read. */
  readonly rows: number;
}

/**
 * Passes over an item whose header is wrong, if its size leads to another item: the cursor stands on it as on a sound one, taken for what it most likely is.
 *
 * @param cursor Is moved.
 * @param at Where the item is.
 * @param size Length of the archive, bytes.
 * @param state What comes next.
 * @returns Whether that could be done.
 */
export async function passOver(
  cursor: ItemCursor,
  at: number,
  size: number,
  state: State,
): Promise<boolean> {
  try {
    let wait = cursor.load(at, HEADER_SIZE);
    if (wait !== undefined) await wait;
    const tag = cursor.reader.tag(), length = cursor.reader.u64();
    if (length < HEADER_SIZE) return false;
    wait = cursor.move(at + length, size);
    if (wait !== undefined) await wait;
    const { item: next } = cursor.header;
    const named = next === ITEMS.ENTRY || next === ITEMS.ENTRY_V1 ||
      next === ITEMS.HARDLINK;
    const likely = state === "meta" && named ? ITEMS.FILENAME : LIKELY[state];
    const known = Object.values(ITEMS).find((item) => item.tag === tag);
    cursor.at = at;
    cursor.header.item = known ?? likely;
    cursor.header.size = length - HEADER_SIZE;
    return true;
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    return false;
  }
}

/**
 * Goes from the root inwards, as far as the tables lead to the directories that are open, and takes the first child behind `at` in the innermost.
 *
 * @param cursor Is moved.
 * @param size Length of the archive, bytes.
 * @param open The way to where the reading stopped.
 * @param at Where it stopped.
 * @param most How many rows may be read.
 * @returns The place, `undefined` if not even the root's table knows.
 */
export async function findNext(
  cursor: ItemCursor,
  size: number,
  open: OpenDirectories,
  at: number,
  most: number,
): Promise<Next | undefined> {
  let next: Next | undefined;
  let end: number | undefined = size;
  let rows = 0;
  for (
    let level = 0;
    level < open.depth && end !== undefined && end > at;
    level++
  ) {
    const entry = open.entry(level);
    const inner = level + 1 < open.depth ? open.position(level + 1) : -1;
    try {
      const table = await openTable(cursor, {
        entry,
        start: entry + HEADER_SIZE,
        end,
        isRoot: level === 0,
      });
      rows += table.rows + 1;
      if (rows > most) break;
      end = undefined;
      let first = table.at;
      await readRows(cursor, table, ({ offset, size }) => {
        const child = table.at - offset;
        if (child === inner) end = child + size;
        if (child > at && child < first) first = child;
      });
      // A table that lies behind tells where it starts, one that was passed tells nothing.
      if (first > at) next = { at: first, level, rows };
      if (end !== undefined && end > table.at) break;
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      break;
    }
  }
  return next && { ...next, rows };
}
