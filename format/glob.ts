/**
 * Globs over raw bytes, as git's wildmatch reads them: compiled once, matched in time pattern × path at most, whatever the pattern.
 *
 * | in a glob     | stands for                                                                                                  |
 * | :------------ | :---------------------------------------------------------------------------------------------------------- |
 * | `\c`          | the byte c                                                                                                  |
 * | `?`           | one byte but `/`                                                                                            |
 * | `*`           | any bytes but `/`, or none                                                                                  |
 * | `**`          | as a whole component: any bytes, or none, and before a slash also nothing together with it; elsewhere a `*` |
 * | `[…]`         | one of these bytes, also `/`: single ones, ranges `a-z`, classes `[:alpha:]`, `\c`                          |
 * | `[^…]` `[!…]` | one byte, also `/`, that is none of these                                                                   |
 *
 * The first `]` closes. A `-` stands for itself where it cannot make a range: first, last, behind a range. So does the `!` of `[!]`.
 *
 * Source: spec J.2.
 *
 * @module
 */
import {
  ANY,
  compileGlob,
  DIRECTORIES,
  inSet,
  RUN,
  SET,
  SLASH,
  STAR,
} from "./glob_steps.ts";

/** A compiled glob. */
export class Glob {
  readonly #steps: Int32Array;
  readonly #sets: Uint32Array;
  /** How many bytes a match has at least. */
  readonly #least: number;
  /** How many steps at the end are plain bytes. */
  readonly #tail: number;
  /** How many slashes a match has; `undefined` where that varies. */
  readonly #slashes: number | undefined;

  /**
   * Compiles.
   *
   * @param text The glob.
   * @throws {FormatError} If it is none: a NUL, a backslash with nothing behind it, a `[` that is not closed, an unknown class.
   */
  constructor(text: Uint8Array) {
    const { steps, sets } = compileGlob(text);
    // A match may start behind any slash as it is.
    if (steps[0] === DIRECTORIES) steps.shift();
    this.#steps = Int32Array.from(steps);
    this.#sets = Uint32Array.from(sets);
    let least = 0, tail = 0, slashes: number | undefined = 0;
    for (const step of steps) {
      const gap = step === STAR || step === RUN || step === DIRECTORIES;
      if (!gap) least++;
      tail = step < ANY ? tail + 1 : 0;
      if (slashes !== undefined && step === SLASH) slashes++;
      if (
        (gap && step !== STAR) ||
        (step >= SET && inSet(this.#sets, step - SET, SLASH))
      ) {
        slashes = undefined;
      }
    }
    this.#least = least;
    this.#tail = tail;
    this.#slashes = slashes;
  }

  /**
   * Whether the glob is `/` and the path as a whole, or the end of the path that follows any of its slashes.
   *
   * @param path From the root of the tree, without leading slash.
   */
  matches(path: Uint8Array): boolean {
    const length = path.length + 1;
    if (length < this.#least || !this.#endsLike(path)) return false;
    if (this.#tail === this.#steps.length) {
      const start = length - this.#tail;
      return start === 0 || at(path, start - 1) === SLASH;
    }
    if (this.#slashes === undefined) {
      return this.#run(path, 0, this.#steps[0] !== SLASH);
    }
    const start = startOf(path, this.#slashes);
    return start >= 0 && this.#run(path, start, false);
  }

  #endsLike(path: Uint8Array): boolean {
    const steps = this.#steps;
    let step = steps.length - 1, index = path.length;
    for (let left = this.#tail; left > 0; left--) {
      if (at(path, index--) !== steps[step--]) return false;
    }
    return true;
  }

  /** Follows all ways through the steps at once, from `start` on and, if wanted, anew behind every slash. */
  #run(path: Uint8Array, start: number, anew: boolean): boolean {
    const steps = this.#steps, count = steps.length;
    const live = scratch(count + 1);
    let high = this.#enter(live, 0);
    for (let index = start; index <= path.length; index++) {
      const byte = at(path, index);
      let top = -1;
      // From the last step down, so that what a step reaches is not taken further by the same byte.
      for (let i = high; i >= 0; i--) {
        if (live[i] === 0) continue;
        live[i] = 0;
        if (i === count) continue;
        const step = steps[i]!;
        let reached = -1;
        if (step < ANY) {
          if (step === byte) reached = this.#enter(live, i + 1);
        } else if (step >= SET) {
          if (inSet(this.#sets, step - SET, byte)) {
            reached = this.#enter(live, i + 1);
          }
        } else if (step === DIRECTORIES) {
          // Once begun, they end behind a slash only.
          live[i] = 1;
          reached = byte === SLASH ? this.#enter(live, i + 1) : i;
        } else if (step === RUN) {
          reached = this.#enter(live, i);
        } else if (byte !== SLASH) {
          reached = this.#enter(live, step === STAR ? i : i + 1);
        }
        if (reached > top) top = reached;
      }
      if (anew && byte === SLASH) top = Math.max(top, this.#enter(live, 0));
      if (top < 0 && !anew) return false;
      high = top;
    }
    return live[count] === 1;
  }

  /** Makes a step live, and those behind it as far as they may be left out; gives the last of them. */
  #enter(live: Uint8Array, step: number): number {
    let i = step;
    live[i] = 1;
    while (i < this.#steps.length) {
      const what = this.#steps[i];
      if (what !== STAR && what !== RUN && what !== DIRECTORIES) break;
      live[++i] = 1;
    }
    return i;
  }
}

let memory = new Uint8Array(64);

function scratch(size: number): Uint8Array {
  if (memory.length < size) memory = new Uint8Array(size * 2);
  return memory.fill(0, 0, size);
}

/** The byte of `/` and the path. */
function at(path: Uint8Array, index: number): number {
  return index === 0 ? SLASH : path[index - 1]!;
}

/** Where in `/` and the path the part starts that has so many slashes and follows one or is the whole; below 0 where there is none. */
function startOf(path: Uint8Array, slashes: number): number {
  let left = slashes;
  for (let index = path.length; index >= 0; index--) {
    if (at(path, index) === SLASH && left-- === 0) return index + 1;
  }
  return left === 0 ? 0 : -1;
}
