// Finds the chunk of a dynamic index that holds an offset: by halving, the last steps by looking where it should be.
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ByteReader } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { BLOCK, HASH_SIZE, HEADER_SIZE, Slots } from "./index_file.ts";

/** Length of an entry, and of the end in it. */
export const ENTRY = 40, END = 8;
/** Of how many entries the ends are remembered that a search asks first. */
const UPPER = 1 << 14;

/** Where a search stands. */
interface Place {
  /** The chunk is one of those with numbers from here … */
  from: number;
  /** … to here. */
  to: number;
  /** Where the chunk before `from` ends. */
  after: number;
  /** Where the chunk `to` ends. */
  before: number;
  /** How many blocks were looked into. */
  looks: number;
}

/** Searches one index; remembers the ends that every search asks for, so that most searches read one block. */
export class EndSearch {
  readonly #access: RandomAccess;
  readonly #count: number;
  readonly #size: number;
  readonly #slots = new Slots(BLOCK);
  /** Ends, by the number of the question that asks for them: the children of n are 2 n and 2 n + 1. 0 where not yet read. */
  #upper: Float64Array | undefined;

  /** Of an index of `count` chunks, whose last one ends at `size`. */
  constructor(access: RandomAccess, count: number, size: number) {
    this.#access = access;
    this.#count = count;
    this.#size = size;
  }

  /**
   * The number of the first chunk that ends behind an offset.
   *
   * @param offset Below the archive's size.
   */
  find(offset: number): number | Promise<number> {
    this.#upper ??= new Float64Array(Math.min(UPPER, 2 * this.#count));
    return this.#halve(offset, 1, {
      from: 0,
      to: this.#count - 1,
      after: 0,
      before: this.#size,
      looks: 0,
    });
  }

  #halve(
    offset: number,
    node: number,
    place: Place,
  ): number | Promise<number> {
    const upper = this.#upper!;
    while (place.from < place.to && node < upper.length) {
      const middle = Math.floor((place.from + place.to) / 2);
      const end = upper[node]! || this.#read(middle, node);
      if (typeof end !== "number") {
        return end.then(() => this.#halve(offset, node, place));
      }
      turn(offset, place, middle, end);
      node = 2 * node + (end > offset ? 0 : 1);
    }
    return this.#look(offset, place);
  }

  /** Reads an end that a search asks for first. */
  #read(number: number, node: number): number | Promise<number> {
    const at = HEADER_SIZE + number * ENTRY;
    return this.#slots.read(this.#access, at, END, (reader) => {
      const end = reader.u64();
      if (end === 0) refuseEnd(number, end, 0, this.#size);
      return this.#upper![node] = end;
    });
  }

  /** Looks for the chunk in the block where it is if chunks are equally long; every other time in the middle, so that odd lengths do not matter. */
  #look(offset: number, place: Place): number | Promise<number> {
    while (place.from < place.to) {
      const { from, to, after, before } = place;
      const part = place.looks++ % 2 === 0
        ? (offset - after) / (before - after)
        : 0.5;
      const guess = from + Math.min(to - from, Math.floor((to - from) * part));
      // Of the last entry only the end is read: nothing of the next block.
      const block = BLOCK * Math.floor((HEADER_SIZE + guess * ENTRY) / BLOCK);
      const first = Math.ceil((block - HEADER_SIZE) / ENTRY);
      const last = Math.floor((block + BLOCK - HEADER_SIZE - END) / ENTRY);
      const begin = Math.max(from, Math.min(first, guess));
      const end = Math.min(to, Math.max(last, guess));
      const found = this.#slots.read(
        this.#access,
        HEADER_SIZE + begin * ENTRY,
        (end - begin) * ENTRY + END,
        (reader) => scan(reader, offset, place, begin, end),
      );
      if (found instanceof Promise) {
        return found.then((found) => found ?? this.#look(offset, place));
      }
      if (found !== undefined) return found;
    }
    return place.from;
  }
}

/** Reads the ends of some chunks; gives the number of the one that is looked for, or `undefined` when only the place could be narrowed. */
function scan(
  reader: ByteReader,
  offset: number,
  place: Place,
  begin: number,
  last: number,
): number | undefined {
  let before = place.after;
  for (let number = begin; number <= last; number++) {
    const end = reader.u64();
    const most = number === place.to ? place.before : place.before - 1;
    if (end <= before || end > most || number === place.to && end < most) {
      refuseEnd(number, end, before, most);
    }
    if (number < last) reader.skip(HASH_SIZE);
    if (end > offset) {
      if (number > begin || number === place.from) return number;
      place.to = number;
      place.before = end;
      return undefined;
    }
    before = end;
  }
  place.from = last + 1;
  place.after = before;
  return undefined;
}

function turn(offset: number, place: Place, middle: number, end: number): void {
  if (end <= place.after || end >= place.before) {
    refuseEnd(middle, end, place.after, place.before - 1);
  }
  if (end > offset) {
    place.to = middle;
    place.before = end;
  } else {
    place.from = middle + 1;
    place.after = end;
  }
}

/** Reports an end that is not above the one before it and at most what those behind it leave. */
export function refuseEnd(
  number: number,
  end: number,
  after: number,
  most: number,
): never {
  const offset = HEADER_SIZE + number * ENTRY;
  throw new FormatError(
    `Cannot read index at byte ${offset}: chunk ${number} ends at byte ${end}, expected more than ${after} and at most ${most}`,
    { offset },
  );
}
