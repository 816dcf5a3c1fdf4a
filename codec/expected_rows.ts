// What goodbye tables must hold, gathered while an archive is read through, and what they hold instead.
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import {
  decodeGoodbyeRow,
  GOODBYE_ROW_SIZE,
  GOODBYE_TAIL,
  type GoodbyeRow,
  goodbyeSize,
  GoodbyeStack,
} from "@pxar/format/goodbye";
import { HEADER_SIZE } from "@pxar/format/item";
import type { Note } from "./damage_log.ts";
import type { ItemCursor } from "./item_cursor.ts";

/** What is known of the directory whose table is looked at. */
export interface Closing {
  /** Where its ENTRY stands. */
  readonly entry: number;
  /** Whether it is the root. */
  readonly isRoot: boolean;
  /** How many rows there were when it was opened. */
  readonly row: number;
  /** Whether its names were not in order. */
  readonly unsorted: boolean;
  /** Whether children of it may have been passed over. */
  readonly incomplete: boolean;
}

/** The children of all open directories: a directory's lie on top of its parent's. */
export class ExpectedRows {
  /** Its sizes are numbers of children: the order that it gives them is what is wanted. */
  readonly #stack = new GoodbyeStack();
  #size = new Float64Array(256);
  #payload = new Float64Array(256);
  #memory: Bytes = new Uint8Array(4096);

  /** How many there are. */
  get count(): number {
    return this.#stack.count;
  }

  /**
   * Adds a child of the directory opened last.
   *
   * @param size From its FILENAME to its end, bytes.
   * @param payload Length of its content in the payload stream: rows may or may not count it.
   * @param row How many rows there were when the directory was opened.
   */
  push(
    low: number,
    high: number,
    position: number,
    size: number,
    payload: number,
    row: number,
  ): void {
    const at = this.count;
    if (at === this.#size.length) {
      const sizes = new Float64Array(at * 2),
        payloads = new Float64Array(at * 2);
      sizes.set(this.#size);
      payloads.set(this.#payload);
      this.#size = sizes;
      this.#payload = payloads;
    }
    this.#size[at] = size;
    this.#payload[at] = payload;
    this.#stack.push(low, high, position, at - row);
  }

  /** Forgets all but the first. */
  truncate(count: number): void {
    this.#stack.truncate(count);
  }

  /** Compares the table that the cursor stands on with what was met since the directory was opened. */
  async compare(
    cursor: ItemCursor,
    closing: Closing,
    note: Note,
  ): Promise<void> {
    const { at: here, header: { size } } = cursor;
    const rows = size / GOODBYE_ROW_SIZE - 1;
    if (!Number.isInteger(rows)) {
      note(
        here,
        `Cannot read GOODBYE at byte ${here}: its content has ${size} bytes, expected a multiple of 24`,
      );
      return;
    }
    const wanted = this.#wanted(closing.row, here);
    if (closing.unsorted) findTwins(wanted, here, note);
    if (
      closing.incomplete ||
      !await this.#same(cursor, here, rows, wanted, closing.row)
    ) {
      await this.#differences(cursor, here, rows, wanted, closing, note);
    }
    await compareTail(cursor, here, rows, closing, note);
  }

  /** The rows as they must be, with the number of the child in place of the size. */
  #wanted(row: number, here: number): ByteReader {
    const length = goodbyeSize(this.count - row);
    if (this.#memory.length < length) this.#memory = new Uint8Array(length * 2);
    const bytes = this.#memory.subarray(0, length);
    this.#stack.encode(new ByteWriter(bytes), row, here, 0);
    return new ByteReader(
      bytes.subarray(HEADER_SIZE, length - GOODBYE_ROW_SIZE),
    );
  }

  async #same(
    cursor: ItemCursor,
    here: number,
    rows: number,
    wanted: ByteReader,
    first: number,
  ): Promise<boolean> {
    if (wanted.remaining !== rows * GOODBYE_ROW_SIZE) return false;
    for (let slot = 0; slot < rows; slot++) {
      const row = await readRow(cursor, here, slot, () => {}),
        want = decodeGoodbyeRow(wanted);
      if (
        row === undefined || row.low !== want.low || row.high !== want.high ||
        row.offset !== want.offset ||
        !this.#fits(first + want.size, row.size)
      ) return false;
    }
    return true;
  }

  /** Both counts are written in split archives: with the content for files, without it for reused ones. */
  #fits(child: number, size: number): boolean {
    return size === this.#size[child]! ||
      size === this.#size[child]! + this.#payload[child]!;
  }

  async #differences(
    cursor: ItemCursor,
    here: number,
    rows: number,
    wanted: ByteReader,
    { row: first, incomplete }: Closing,
    note: Note,
  ): Promise<void> {
    const end = wanted.index + wanted.remaining;
    wanted.window(0, end, 0);
    const order: GoodbyeRow[] = [];
    while (wanted.remaining > 0) order.push(decodeGoodbyeRow(wanted));
    const missing = new Map(order.map((want) => [want.offset, want]));
    const met = new Set<number>();
    let misplaced = incomplete;
    for (let slot = 0; slot < rows; slot++) {
      const row = await readRow(cursor, here, slot, note);
      if (row === undefined) continue;
      const at = here + HEADER_SIZE + GOODBYE_ROW_SIZE * slot,
        child = here - row.offset;
      const say = (is: string): void =>
        note(at, `Cannot read row ${slot} of GOODBYE at byte ${here}: ${is}`);
      const want = missing.get(row.offset);
      if (want === undefined) {
        if (met.has(row.offset)) {
          say(`it leads to byte ${child}, as an earlier row does`);
        } else if (!incomplete) {
          say(
            `it leads to byte ${child}, where no child of this directory starts`,
          );
        }
        continue;
      }
      missing.delete(row.offset);
      met.add(row.offset);
      if (row.low !== want.low || row.high !== want.high) {
        say(`its hash is not that of the name at byte ${child}`);
      } else if (
        !misplaced &&
        (order[slot]?.low !== row.low || order[slot]?.high !== row.high)
      ) {
        misplaced = true;
        say("its place is not the one that its hash has in a search tree");
      }
      if (!this.#fits(first + want.size, row.size)) {
        say(
          `its size is ${row.size}, expected ${
            this.#size[first + want.size]
          } for the child at byte ${child}`,
        );
      }
    }
    for (const { offset } of missing.values()) {
      note(
        here,
        `Cannot read GOODBYE at byte ${here}: no row leads to the child at byte ${
          here - offset
        }`,
      );
    }
  }
}

async function readRow(
  cursor: ItemCursor,
  here: number,
  slot: number,
  note: Note,
): Promise<GoodbyeRow | undefined> {
  const at = here + HEADER_SIZE + GOODBYE_ROW_SIZE * slot;
  try {
    const wait = cursor.load(at, GOODBYE_ROW_SIZE);
    if (wait !== undefined) await wait;
    return decodeGoodbyeRow(cursor.reader);
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    note(
      at,
      `Cannot read row ${slot} of GOODBYE at byte ${here}: ${error.message}`,
    );
    return undefined;
  }
}

async function compareTail(
  cursor: ItemCursor,
  here: number,
  rows: number,
  { entry, isRoot }: Closing,
  note: Note,
): Promise<void> {
  const at = here + HEADER_SIZE + GOODBYE_ROW_SIZE * rows;
  const say = (is: string, expected: string): void =>
    note(
      at,
      `Cannot read tail of GOODBYE at byte ${here}: ${is}, expected ${expected}`,
    );
  const tail = await readRow(cursor, here, rows, note);
  if (tail === undefined) return;
  const { low, high, offset, size } = tail;
  if ((BigInt(high) << 32n | BigInt(low)) !== GOODBYE_TAIL) {
    say("its hash is another one", "that of a tail");
  }
  if (offset !== here - entry && !(isRoot && offset === here)) {
    say(
      `it leads ${offset} bytes back`,
      `${isRoot ? here : here - entry}, to the directory`,
    );
  }
  if (size !== goodbyeSize(rows)) {
    say(`it says ${size} bytes`, `${goodbyeSize(rows)}`);
  }
}

/** Reports children of one name in a directory whose names are not in order; else their neighbour shows them. */
function findTwins(wanted: ByteReader, here: number, note: Note): void {
  const hashes = new Set<bigint>();
  const end = wanted.remaining;
  while (wanted.remaining > 0) {
    const name = wanted.tag(), offset = wanted.u64();
    wanted.skip(8);
    if (hashes.has(name)) {
      note(
        here - offset,
        `Cannot take child at byte ${here - offset}: another one has its name`,
      );
    }
    hashes.add(name);
  }
  wanted.window(0, end, 0);
}
