// Where files that may have further links were written.

/** Positions in the source and positions written, both rising: 16 bytes a file. */
export class LinkTable {
  #sources = new Float64Array(64);
  #written = new Float64Array(64);
  #count = 0;

  /**
   * Remembers a file.
   *
   * @param source Its position in the source, greater than that of the one before.
   * @param written Where its FILENAME was written.
   */
  add(source: number, written: number): void {
    const at = this.#count;
    if (at > 0 && !(source > this.#sources[at - 1]!)) {
      throw new TypeError(
        `Cannot encode file: its position is ${source}, expected more than the ${
          this.#sources[at - 1]
        } of the file before`,
      );
    }
    if (at === this.#sources.length) {
      this.#sources = enlarge(this.#sources);
      this.#written = enlarge(this.#written);
    }
    this.#sources[at] = source;
    this.#written[at] = written;
    this.#count = at + 1;
  }

  /**
   * Looks a file up.
   *
   * @param source Its position in the source.
   * @returns Where its FILENAME was written, or `undefined` if it was not.
   */
  find(source: number): number | undefined {
    let low = 0, high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sources[middle]! < source) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.#sources[low] === source
      ? this.#written[low]
      : undefined;
  }
}

function enlarge(
  numbers: Float64Array<ArrayBuffer>,
): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}
