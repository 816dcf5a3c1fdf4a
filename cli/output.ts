/**
 * Standard output: text and raw bytes, gathered into large writes.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";

const ENCODER = new TextEncoder();
/** Further control characters, line separators, and what turns the direction of writing. */
const STEERING = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** Text is gathered up to this many letters. */
const GATHERED = 1 << 16;

/**
 * Writes bytes to standard output, all of them.
 *
 * @param bytes What is written.
 * @throws {Deno.errors.BrokenPipe} If nobody reads any more.
 */
export function printBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(at === 0 ? bytes : bytes.subarray(at));
  }
}

/**
 * Writes text to standard output.
 *
 * @param text With its line ends.
 */
export function print(text: string): void {
  printBytes(ENCODER.encode(text));
}

/**
 * Writes a value as JSON.
 *
 * @param value Anything that JSON can say.
 */
export function printJson(value: unknown): void {
  print(jsonText(value, 2) + "\n");
}

/**
 * A value as JSON, with escapes for all that could steer a terminal: JSON itself asks for those below U+0020 only.
 *
 * @param value Anything that JSON can say.
 * @param indent How far members are indented; 0 for all on one line.
 */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(
    STEERING,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Many lines, written many at a time. */
export class Lines {
  #text: string[] = [];
  #length = 0;

  /** Takes a line, without its end. */
  line(text: string): void {
    this.#text.push(text);
    this.#length += text.length + 1;
    if (this.#length >= GATHERED) this.end();
  }

  /** Takes raw bytes between two texts, as one line. */
  raw(before: string, bytes: Bytes, after: string): void {
    this.end();
    print(before);
    printBytes(bytes);
    print(`${after}\n`);
  }

  /** Writes what has been gathered. */
  end(): void {
    if (this.#text.length > 0) print(this.#text.join("\n") + "\n");
    this.#text = [];
    this.#length = 0;
  }
}

/** Many values as one JSON array, each on its line. */
export class JsonArray {
  readonly #lines: Lines = new Lines();
  #held: string | undefined;

  /** Takes the next value. */
  add(value: unknown): void {
    this.#lines.line(this.#held === undefined ? "[" : `${this.#held},`);
    this.#held = jsonText(value);
  }

  /** Closes the array and writes it out. */
  end(): void {
    this.#lines.line(this.#held === undefined ? "[" : this.#held);
    this.#lines.line("]");
    this.#lines.end();
  }
}
