// The files of one source that further links may lead to: where each of them went, at which path, and how old it is.
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { hash, siphash } from "@pxar/format/siphash";

/** Says that a file went nowhere. */
const DROPPED = -1;

/** A moment, as entries have it. */
export interface Time {
  readonly secs: number;
  readonly nanos: number;
}

/** Positions in the source, rising, with positions and hashes of paths in what is made: 24 bytes a file, 36 with times. */
export class FirstLinks {
  readonly #withTimes: boolean;
  #sources = new Float64Array(64);
  #made = new Float64Array(64);
  #low = new Uint32Array(64);
  #high = new Uint32Array(64);
  #secs = new Float64Array(0);
  #nanos = new Uint32Array(0);
  #count = 0;

  /** Starts empty; `withTimes` where {@linkcode time} will be asked for. */
  constructor(withTimes: boolean) {
    this.#withTimes = withTimes;
    if (withTimes) {
      this.#secs = new Float64Array(64);
      this.#nanos = new Uint32Array(64);
    }
  }

  /**
   * Remembers a file.
   *
   * @param position Its position in the source.
   * @param made Its position in what is made; `undefined` if it is dropped.
   * @param time When it was changed.
   * @param path Its path in what is made, if it is there.
   * @throws {FormatError} If the source's positions do not rise.
   */
  add(
    position: number,
    made: number | undefined,
    time: Time,
    path: Bytes,
  ): void {
    if (made === undefined && !this.#withTimes) return;
    const at = this.#count;
    if (at > 0 && !(position > this.#sources[at - 1]!)) {
      throw new FormatError(
        `Cannot merge: the position of a file is ${position}, expected more than the ${
          this.#sources[at - 1]
        } of the one before`,
      );
    }
    if (at === this.#sources.length) this.#enlarge();
    this.#sources[at] = position;
    this.#made[at] = made ?? DROPPED;
    siphash(path, 0, path.length);
    this.#low[at] = hash[0]!;
    this.#high[at] = hash[1]!;
    if (this.#withTimes) {
      this.#secs[at] = time.secs;
      this.#nanos[at] = time.nanos;
    }
    this.#count = at + 1;
  }

  /** Where the file with this position in the source went; `undefined` if it was dropped, or not seen. */
  find(position: number): number | undefined {
    const at = this.#search(position);
    const made = at < 0 ? DROPPED : this.#made[at]!;
    return made === DROPPED ? undefined : made;
  }

  /** Whether the file with this position in the source went to a path. */
  isAt(position: number, path: Bytes): boolean {
    const at = this.#search(position);
    siphash(path, 0, path.length);
    return at >= 0 && this.#low[at] === hash[0] && this.#high[at] === hash[1];
  }

  /** How old the file with this position in the source is; `undefined` if it was not seen. */
  time(position: number): Time | undefined {
    const at = this.#search(position);
    if (at < 0) return undefined;
    return { secs: this.#secs[at]!, nanos: this.#nanos[at]! };
  }

  #search(position: number): number {
    let low = 0, high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sources[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.#sources[low] === position ? low : -1;
  }

  #enlarge(): void {
    const length = this.#sources.length * 2;
    this.#sources = enlarged(this.#sources, new Float64Array(length));
    this.#made = enlarged(this.#made, new Float64Array(length));
    this.#low = enlarged(this.#low, new Uint32Array(length));
    this.#high = enlarged(this.#high, new Uint32Array(length));
    if (!this.#withTimes) return;
    this.#secs = enlarged(this.#secs, new Float64Array(length));
    this.#nanos = enlarged(this.#nanos, new Uint32Array(length));
  }
}

function enlarged<Numbers extends Float64Array | Uint32Array>(
  numbers: Numbers,
  larger: Numbers,
): Numbers {
  larger.set(numbers);
  return larger;
}
