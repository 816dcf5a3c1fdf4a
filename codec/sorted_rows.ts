/**
 * The rows of a goodbye table in the order in which the children stand in the archive.
 *
 * @module
 */
import type { GoodbyeRow } from "@pxar/format/goodbye";
import {
  childPosition,
  damaged,
  readRows,
  type Table,
} from "./directory_table.ts";
import type { ItemCursor } from "./item_cursor.ts";

/** Rows by position; some 36 bytes each. */
export interface SortedRows {
  /** How many there are. */
  readonly count: number;
  /** Where the child of row `i` stands. */
  position(i: number): number;
  /** Its size as the row has it. */
  size(i: number): number;
  /** Whether that is its hash. */
  matches(i: number, low: number, high: number): boolean;
}

/**
 * Reads the rows of a directory and sorts them.
 *
 * @param cursor Is moved.
 * @param directory Whose rows: where its first child stands.
 * @param table Where they lie.
 * @throws {FormatError} If a row leads out of the directory, or two lead to one place.
 */
export async function sortRows(
  cursor: ItemCursor,
  directory: { readonly start: number },
  table: Table,
): Promise<SortedRows> {
  // Grown row by row, so that a table that is claimed and not there takes no memory.
  let room = Math.min(table.rows, 1024), count = 0;
  let low = new Uint32Array(room), high = new Uint32Array(room);
  let position = new Float64Array(room), size = new Float64Array(room);
  await readRows(cursor, table, (row: GoodbyeRow) => {
    if (count === room) {
      room = Math.min(table.rows, room * 2);
      low = grown(low, new Uint32Array(room));
      high = grown(high, new Uint32Array(room));
      position = grown(position, new Float64Array(room));
      size = grown(size, new Float64Array(room));
    }
    low[count] = row.low;
    high[count] = row.high;
    position[count] = childPosition(directory, table, row);
    size[count] = row.size;
    count++;
  });
  // Sorting numbers and finding each one's place takes less than sorting rows by comparing them.
  const sorted = position.slice().sort();
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    order[rank(sorted, position[row]!)] = row;
  }
  for (let i = 1; i < count; i++) {
    if (sorted[i] === sorted[i - 1]) {
      throw damaged(
        table.at,
        `two rows lead to byte ${sorted[i]}`,
        "one for each child",
      );
    }
  }
  return {
    count,
    position: (i) => sorted[i]!,
    size: (i) => size[order[i]!]!,
    matches: (i, l, h) => low[order[i]!] === l && high[order[i]!] === h,
  };
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function rank(sorted: Float64Array, value: number): number {
  let from = 0, to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
