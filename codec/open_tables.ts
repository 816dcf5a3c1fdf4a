// The directories of a catalog in the making that are still open: their entries as bytes, one behind the other.
import type { Bytes } from "@pxar/format/bytes";
import { type ByteTaker, varuintSize } from "./varint.ts";

/** The table of a directory that closes. */
export interface ClosingTable {
  /** How many entries it has. */
  readonly count: number;
  /** Length of the count and the entries, bytes. */
  readonly length: number;
  /** The entries' bytes, and between them how far before this table those of directories are. */
  readonly parts: Iterable<Bytes | number>;
  /** Forgets its entries, and tells the directory around it where it is; to be called when it has been written, before anything else. */
  done(): void;
}

/** A stack of tables in one piece of memory. The root's is there from the start. */
export class OpenTables implements ByteTaker {
  /** Entries of all open directories, those of inner ones behind those of outer ones. */
  #bytes: Bytes = new Uint8Array(1024);
  #length = 0;
  /** Of each open directory: where its entries start, how many it has, how many of `#ends` are not its own. */
  readonly #starts: number[] = [0];
  readonly #counts: number[] = [0];
  readonly #firsts: number[] = [0];
  /** Of each closed directory in an open one: where its entry ends, and where its table was written. */
  readonly #ends: number[] = [];
  readonly #tables: number[] = [];

  /** How many directories are open, the root included; 0 once that is closed. */
  get depth(): number {
    return this.#starts.length;
  }

  /** Begins an entry of the innermost directory: at least `room` bytes can be put. */
  begin(room: number): void {
    this.#counts[this.#counts.length - 1]!++;
    const least = this.#length + room;
    if (least <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** Puts a byte to the entry that was begun last. */
  u8(value: number): void {
    this.#bytes[this.#length++] = value;
  }

  /** Puts bytes to the entry that was begun last. */
  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Opens the directory whose entry was put last. */
  open(): void {
    this.#starts.push(this.#length);
    this.#counts.push(0);
    this.#firsts.push(this.#ends.length);
  }

  /**
   * Closes the innermost directory.
   *
   * @param table Where its table is going to be written.
   */
  close(table: number): ClosingTable {
    const from = this.#starts.pop()!, count = this.#counts.pop()!;
    const first = this.#firsts.pop()!;
    let length = varuintSize(count) + this.#length - from;
    for (let i = first; i < this.#tables.length; i++) {
      length += varuintSize(table - this.#tables[i]!);
    }
    return {
      count,
      length,
      parts: this.#parts(from, first, table),
      done: () => {
        this.#length = from;
        this.#ends.length = this.#tables.length = first;
        if (this.#starts.length === 0) return;
        this.#ends.push(from);
        this.#tables.push(table);
      },
    };
  }

  *#parts(
    from: number,
    first: number,
    table: number,
  ): Generator<Bytes | number, void, void> {
    let at = from;
    for (let i = first; i < this.#tables.length; i++) {
      const end = this.#ends[i]!;
      yield this.#bytes.subarray(at, end);
      yield table - this.#tables[i]!;
      at = end;
    }
    yield this.#bytes.subarray(at, this.#length);
  }
}
