/**
 * The lengths of the pieces in which the payload stream of a split archive is looked at. A suggested boundary goes before one by content within a piece, so the chunks
 * depend on them; these are those of the official client, so that its chunks and ours are the same.
 *
 * @module
 */

/** What is written in less is collected up to this, bytes. */
const COLLECTED = 256 << 10;
/** A file's content is read by this, bytes. */
const READ = 4 << 20;
/** Length of a header or marker, bytes. */
const HEADER = 16;

/**
 * Tells where pieces end. Positions count the bytes that are written, without known chunks that are put in.
 *
 * A header and each 4 MiB of a content are one write. Writes of less than 256 KiB are collected into pieces of at most that; a longer one is a piece of its own.
 *
 * Source: spec B.4.
 */
export class PayloadPieces {
  #ends: number[] = [];
  #taken = 0;
  #written = 0;
  #collected = 0;

  /** Starts with the marker at the start. */
  constructor() {
    this.#write(HEADER);
  }

  /** Where the next piece ends; `undefined` where that is not known before more is told. */
  get end(): number | undefined {
    return this.#ends[this.#taken];
  }

  /** Goes on to the piece behind that. */
  next(): void {
    this.#taken++;
    if (this.#taken * 2 > this.#ends.length) {
      this.#ends.splice(0, this.#taken);
      this.#taken = 0;
    }
  }

  /**
   * Tells of the next file that is written.
   *
   * @param size Length of its content, bytes.
   */
  file(size: number): void {
    this.#write(HEADER);
    for (let left = size; left > 0; left -= READ) {
      this.#write(Math.min(left, READ));
    }
  }

  #write(length: number): void {
    if (
      this.#collected > 0 &&
      (length >= COLLECTED || this.#collected + length > COLLECTED)
    ) {
      this.#ends.push(this.#written);
      this.#collected = 0;
    }
    this.#written += length;
    if (length >= COLLECTED) this.#ends.push(this.#written);
    else this.#collected += length;
  }
}
