// The directories that are open while an archive is read through: some 40 bytes each and the bytes of their names, and no recursion.
import type { Bytes } from "@pxar/format/bytes";
import { compareNames } from "@pxar/format/name";
import { hash, siphash } from "@pxar/format/siphash";

/** The way from the root to the directory opened last, and at each level the name of the child met last. */
export class OpenDirectories {
  #depth = 0;
  #position = new Float64Array(64);
  #entry = new Float64Array(64);
  /** Where in `#names` the name of the level's last child starts; it ends where the next level's starts. */
  #nameFrom = new Float64Array(64);
  #row = new Uint32Array(64);
  #pathLow = new Uint32Array(64);
  #pathHigh = new Uint32Array(64);
  #doubt = new Uint8Array(64);
  #names = new Uint8Array(4096);
  #namesEnd = 0;

  /** How many are open. */
  get depth(): number {
    return this.#depth;
  }

  /** Name of the child of the innermost that was met last, empty if none was; valid until the next call. */
  get name(): Bytes {
    return this.#names.subarray(
      this.#nameFrom[this.#depth - 1],
      this.#namesEnd,
    );
  }

  /** Whether names of the innermost were not in order. */
  get unsorted(): boolean {
    return (this.#doubt[this.#depth - 1]! & UNSORTED) !== 0;
  }

  /** Whether children of the innermost may have been passed over. */
  get incomplete(): boolean {
    return (this.#doubt[this.#depth - 1]! & INCOMPLETE) !== 0;
  }

  /** Where the FILENAME of a level stands; the root is level 0. */
  position(level: number): number {
    return this.#position[level]!;
  }

  /** Where the ENTRY of a level stands. */
  entry(level: number): number {
    return this.#entry[level]!;
  }

  /** How many rows there were when a level was opened. */
  row(level: number): number {
    return this.#row[level]!;
  }

  /** Enters the child met last, or the root. */
  open(position: number, entry: number, row: number): void {
    const level = this.#depth;
    if (level === this.#position.length) this.#grow();
    if (level > 0) {
      this.hashPath();
      this.#pathLow[level] = hash[0]!;
      this.#pathHigh[level] = hash[1]!;
    }
    this.#position[level] = position;
    this.#entry[level] = entry;
    this.#nameFrom[level] = this.#namesEnd;
    this.#row[level] = row;
    this.#doubt[level] = 0;
    this.#depth = level + 1;
  }

  /** Leaves the innermost, which is then the child met last. */
  close(): void {
    this.#depth--;
    this.#namesEnd = this.#nameFrom[this.#depth]!;
  }

  /** Leaves all that are further in than `level`, whose children were passed over in part. */
  closeTo(level: number): void {
    while (this.#depth > level + 1) this.close();
    this.#doubt[level]! |= INCOMPLETE;
  }

  /** Notes that the names of the innermost are not in order. */
  mix(): void {
    this.#doubt[this.#depth - 1]! |= UNSORTED;
  }

  /**
   * Meets a child of the innermost.
   *
   * @returns How the name of the one before compares with its own, bytewise; below 0 in a directory that is in order.
   */
  meet(name: Uint8Array): number {
    const from = this.#nameFrom[this.#depth - 1]!;
    const order = compareNames(this.name, name);
    while (from + name.length > this.#names.length) {
      const names = new Uint8Array(this.#names.length * 2);
      names.set(this.#names);
      this.#names = names;
    }
    this.#names.set(name, from);
    this.#namesEnd = from + name.length;
    return order;
  }

  /** Hashes the name of the child met last. */
  hashName(): void {
    siphash(this.#names, this.#nameFrom[this.#depth - 1]!, this.#namesEnd);
  }

  /** Hashes the path of the child met last. */
  hashPath(): void {
    const level = this.#depth - 1;
    hash[0] = this.#pathLow[level]!;
    hash[1] = this.#pathHigh[level]!;
    hashStep(this.name);
  }

  #grow(): void {
    const length = this.#position.length * 2;
    const wider = <T extends Float64Array | Uint32Array | Uint8Array>(
      to: T,
      from: T,
    ): T => {
      to.set(from);
      return to;
    };
    this.#position = wider(new Float64Array(length), this.#position);
    this.#entry = wider(new Float64Array(length), this.#entry);
    this.#nameFrom = wider(new Float64Array(length), this.#nameFrom);
    this.#row = wider(new Uint32Array(length), this.#row);
    this.#pathLow = wider(new Uint32Array(length), this.#pathLow);
    this.#pathHigh = wider(new Uint32Array(length), this.#pathHigh);
    this.#doubt = wider(new Uint8Array(length), this.#doubt);
  }
}

const UNSORTED = 1, INCOMPLETE = 2, SLASH = 0x2f;

let scratch: Bytes = new Uint8Array(8 + 4096);

/** Makes the hash of a directory's path the one of a child's: a path costs as much as its last name, however deep it is. */
function hashStep(name: Uint8Array): void {
  if (scratch.length < 8 + name.length) {
    scratch = new Uint8Array(8 + name.length);
  }
  new DataView(scratch.buffer).setUint32(0, hash[0]!, true);
  new DataView(scratch.buffer).setUint32(4, hash[1]!, true);
  scratch.set(name, 8);
  siphash(scratch, 0, 8 + name.length);
}

/** Where the regular files met so far stand, and the hashes of their paths: 16 bytes each. */
export class FilePaths {
  #count = 0;
  #position = new Float64Array(256);
  #low = new Uint32Array(256);
  #high = new Uint32Array(256);

  /** Adds one behind all others; the hash of its path is in `hash`. */
  add(position: number): void {
    const at = this.#count;
    if (at === this.#position.length) this.#grow();
    this.#position[at] = position;
    this.#low[at] = hash[0]!;
    this.#high[at] = hash[1]!;
    this.#count = at + 1;
  }

  /**
   * Looks for the file that a hardlink names.
   *
   * @returns Whether it has that path; `undefined` if no regular file stands there.
   */
  is(position: number, path: Uint8Array): boolean | undefined {
    let from = 0, to = this.#count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#position[middle]! < position) from = middle + 1;
      else to = middle;
    }
    if (from === this.#count || this.#position[from] !== position) {
      return undefined;
    }
    hash[0] = hash[1] = 0;
    for (let at = 0; at <= path.length;) {
      const slash = path.indexOf(SLASH, at),
        end = slash < 0 ? path.length : slash;
      hashStep(path.subarray(at, end));
      at = end + 1;
    }
    return this.#low[from] === hash[0] && this.#high[from] === hash[1];
  }

  #grow(): void {
    const length = this.#count * 2;
    const position = new Float64Array(length),
      low = new Uint32Array(length),
      high = new Uint32Array(length);
    position.set(this.#position);
    low.set(this.#low);
    high.set(this.#high);
    this.#position = position;
    this.#low = low;
    this.#high = high;
  }
}
