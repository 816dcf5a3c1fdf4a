/**
 * From the text of a glob to the steps that matching takes.
 *
 * @module
 */
import { FormatError } from "./errors.ts";
import { showName } from "./name.ts";

/** Step `?`: one byte but `/`. */
export const ANY = 256;
/** Step `*`: any bytes but `/`, or none. */
export const STAR = 257;
/** Step `**` at the end: any bytes, or none. */
export const RUN = 258;
/** Step `**` with the slash behind it: any bytes that end with a slash, or none. */
export const DIRECTORIES = 259;
/** First of the steps `[…]`: how far a step lies behind it is where the eight words of the set start. */
export const SET = 260;
/** `/`, which parts the components. */
export const SLASH = 0x2f;

const BACKSLASH = 0x5c,
  BANG = 0x21,
  CARET = 0x5e,
  CLOSE = 0x5d,
  COLON = 0x3a,
  DASH = 0x2d;
const OPEN = 0x5b, QUESTION = 0x3f, ASTERISK = 0x2a;

const WORDS = 8;

/** First and last byte of each range of a named class. */
const CLASSES: ReadonlyMap<string, readonly (readonly [string, string])[]> =
  new Map([
    ["alnum", [["0", "9"], ["A", "Z"], ["a", "z"]]],
    ["alpha", [["A", "Z"], ["a", "z"]]],
    ["blank", [["\t", "\t"], [" ", " "]]],
    ["cntrl", [["\x00", "\x1f"], ["\x7f", "\x7f"]]],
    ["digit", [["0", "9"]]],
    ["graph", [["!", "~"]]],
    ["lower", [["a", "z"]]],
    ["print", [[" ", "~"]]],
    ["punct", [["!", "/"], [":", "@"], ["[", "`"], ["{", "~"]]],
    ["space", [["\t", "\r"], [" ", " "]]],
    ["upper", [["A", "Z"]]],
    ["xdigit", [["0", "9"], ["A", "F"], ["a", "f"]]],
  ]);

/** A glob as numbers. */
export interface GlobSteps {
  /** Below 256 a byte that stands for itself, else one of {@linkcode ANY} to {@linkcode SET}. */
  readonly steps: number[];
  /** A bit for each byte of a set, eight words of 32 bits a set. */
  readonly sets: number[];
}

/**
 * Reads a glob.
 *
 * @param text The glob, as the module `glob` explains it.
 * @throws {FormatError} If it is none.
 */
export function compileGlob(text: Uint8Array): GlobSteps {
  const steps: number[] = [], sets: number[] = [];
  let index = 0;
  while (index < text.length) {
    const byte = text[index]!;
    if (byte === 0) refuse(text, index, "it has a NUL, expected none");
    if (byte === ASTERISK) {
      index = readStars(text, index, steps);
    } else if (byte === OPEN) {
      steps.push(SET + sets.length);
      index = readSet(text, index, sets);
    } else if (byte === QUESTION) {
      steps.push(ANY);
      index++;
    } else if (byte === BACKSLASH) {
      steps.push(escaped(text, index));
      index += 2;
    } else {
      steps.push(byte);
      index++;
    }
  }
  return { steps, sets };
}

/**
 * Whether a set has a byte.
 *
 * @param sets The words of all sets.
 * @param set Where its words start.
 * @param byte 0 to 255.
 */
export function inSet(sets: Uint32Array, set: number, byte: number): boolean {
  return (sets[set + (byte >> 5)]! >>> (byte & 31) & 1) === 1;
}

/** The byte behind a backslash. */
function escaped(text: Uint8Array, backslash: number): number {
  const byte = text[backslash + 1];
  if (byte === undefined) {
    refuse(
      text,
      backslash,
      "it ends with a backslash, expected a byte behind it",
    );
  }
  if (byte === 0) refuse(text, backslash + 1, "it has a NUL, expected none");
  return byte;
}

function readStars(text: Uint8Array, first: number, steps: number[]): number {
  let index = first;
  while (text[index] === ASTERISK) index++;
  const alone = (first === 0 || text[first - 1] === SLASH) &&
    (index === text.length || text[index] === SLASH);
  if (index - first === 1 || !alone) {
    steps.push(STAR);
    return index;
  }
  // What may be left out or repeated need not stand twice.
  if (steps.at(-1) === DIRECTORIES) steps.pop();
  steps.push(index === text.length ? RUN : DIRECTORIES);
  return index === text.length ? index : index + 1;
}

function readSet(text: Uint8Array, open: number, sets: number[]): number {
  const words = new Uint32Array(WORDS);
  let index = open + 1;
  const negated = text[index] === CARET ||
    (text[index] === BANG && text[index + 1] !== CLOSE);
  if (negated) index++;
  for (;;) {
    if (text[index] === CLOSE) break;
    if (text[index] === OPEN && text[index + 1] === COLON) {
      index = readClass(text, open, index, words);
      continue;
    }
    const first = readMember(text, open, index);
    index = first.next;
    if (text[index] !== DASH || text[index + 1] === CLOSE) {
      add(words, first.byte, first.byte);
      continue;
    }
    if (text[index + 1] === OPEN && text[index + 2] === COLON) {
      refuse(text, index, "a range ends with a class, expected a byte");
    }
    const last = readMember(text, open, index + 1);
    index = last.next;
    add(
      words,
      Math.min(first.byte, last.byte),
      Math.max(first.byte, last.byte),
    );
  }
  for (const word of words) sets.push(negated ? ~word >>> 0 : word);
  return index + 1;
}

function readMember(
  text: Uint8Array,
  open: number,
  index: number,
): { byte: number; next: number } {
  const byte = text[index];
  if (byte === undefined) {
    refuse(text, open, "its [ is not closed, expected a ]");
  }
  if (byte === 0) refuse(text, index, "it has a NUL, expected none");
  if (byte === BACKSLASH) {
    return { byte: escaped(text, index), next: index + 2 };
  }
  return { byte, next: index + 1 };
}

function readClass(
  text: Uint8Array,
  open: number,
  index: number,
  words: Uint32Array,
): number {
  const end = text.indexOf(COLON, index + 2);
  if (end < 0 || text[end + 1] !== CLOSE) {
    refuse(text, index, "its [: is not closed, expected a :]");
  }
  const ranges = CLASSES.get(showName(text.subarray(index + 2, end)));
  if (ranges === undefined) {
    refuse(
      text,
      index,
      `it names an unknown class, expected one of ${[...CLASSES.keys()]}`,
    );
  }
  for (const [first, last] of ranges) {
    add(words, first.charCodeAt(0), last.charCodeAt(0));
  }
  const next = end + 2;
  if (next >= text.length) {
    refuse(text, open, "its [ is not closed, expected a ]");
  }
  return next;
}

function add(words: Uint32Array, first: number, last: number): void {
  for (let byte = first; byte <= last; byte++) {
    words[byte >> 5]! |= 1 << (byte & 31);
  }
}

function refuse(text: Uint8Array, offset: number, what: string): never {
  throw new FormatError(
    `Cannot read pattern "${showName(text)}" at byte ${offset}: ${what}`,
    {
      offset,
    },
  );
}
