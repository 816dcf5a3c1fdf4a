/**
 * JSON without loss: integers of 64 bits, floats as they are written, members whatever they are called. What `JSON.parse` would lose is part of what a manifest's signature covers.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { shown } from "./shown.ts";

/** A number that is no integer of 64 bits. */
export class JsonFloat {
  /** As it is written: a JSON number. */
  readonly text: string;
  /** Its value; finite. */
  readonly value: number;

  /**
   * Takes a number as it is written.
   *
   * @param text A JSON number.
   * @throws {FormatError} If it is none, or greater than a double can be.
   */
  constructor(text: string) {
    if (!FLOAT.test(text) || !Number.isFinite(Number(text))) {
      throw new FormatError(
        `Cannot take JSON number: it is ${
          shown(text)
        }, expected one that a double can hold`,
      );
    }
    this.text = text;
    this.value = Number(text);
  }
}

/** A value: a `number` is a whole one below 2^53, a `bigint` one of 64 bits beyond that. */
export type Json =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonFloat
  | readonly Json[]
  | JsonObject;

/** An object: members by name. */
export type JsonObject = ReadonlyMap<string, Json>;

/** How deep lists and objects may lie in one another. */
export const JSON_DEPTH = 127;

/** How many values a text may hold, so that a small text cannot fill the memory. */
const VALUE_LIMIT = 1 << 18;

const FLOAT = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const BLANKS = /[ \t\n\r]*/y;
const MAX_I64 = 0x7fff_ffff_ffff_ffffn, MAX_U64 = 0xffff_ffff_ffff_ffffn;
const QUOTE = 0x22, BACKSLASH = 0x5c;

/**
 * Reads JSON. Of members of one name the last counts.
 *
 * Source: spec F.2.
 *
 * @param text One JSON value, with nothing but blanks around it.
 * @returns The value.
 * @throws {FormatError} If it is not JSON, has half a surrogate pair or a number greater than a double can be, more than 127 levels, or more than 2^18 values.
 *
 * @example
 * ```ts
 * import { parseJson } from "@pxar/store/json";
 *
 * parseJson("[9007199254740993, 18446744073709551615]"); // [9007199254740993n, 18446744073709551615n]
 * ```
 */
export function parseJson(text: string): Json {
  return new JsonReader(text).read();
}

/**
 * Whether an integer has 64 bits, with or without sign.
 *
 * @param value Any integer.
 * @returns Whether it is -2^63 to 2^64 - 1.
 */
export function isInteger64(value: bigint): boolean {
  return value >= -MAX_I64 - 1n && value <= MAX_U64;
}

/** Reads one text. */
class JsonReader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Json {
    if (!this.#text.isWellFormed()) {
      this.#refuse("has half a surrogate pair", "Unicode text");
    }
    const value = this.#value(0);
    if (this.#at < this.#text.length) this.#unexpected("the end");
    return value;
  }

  /** One value and the blanks around it. */
  #value(depth: number): Json {
    this.#skipBlanks();
    if (++this.#values > VALUE_LIMIT) {
      this.#refuse(`has more than ${VALUE_LIMIT} values`, "fewer");
    }
    const value = this.#bareValue(depth);
    this.#skipBlanks();
    return value;
  }

  #bareValue(depth: number): Json {
    const start = this.#text[this.#at];
    if (start === '"') return this.#string();
    if (start === "{" || start === "[") {
      if (depth >= JSON_DEPTH) {
        this.#refuse(`has more than ${JSON_DEPTH} levels`, "fewer");
      }
      this.#at++;
      return start === "{" ? this.#object(depth + 1) : this.#list(depth + 1);
    }
    if (this.#takes("true")) return true;
    if (this.#takes("false")) return false;
    if (this.#takes("null")) return null;
    return this.#number();
  }

  #list(depth: number): Json[] {
    const list: Json[] = [];
    this.#skipBlanks();
    if (this.#takes("]")) return list;
    do list.push(this.#value(depth)); while (this.#takes(","));
    if (!this.#takes("]")) this.#unexpected("',' or ']'");
    return list;
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    this.#skipBlanks();
    if (this.#takes("}")) return members;
    do {
      this.#skipBlanks();
      const name = this.#string();
      this.#skipBlanks();
      if (!this.#takes(":")) this.#unexpected("':'");
      members.set(name, this.#value(depth));
    } while (this.#takes(","));
    if (!this.#takes("}")) this.#unexpected("',' or '}'");
    return members;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#unexpected("a text in '\"'");
    let escaped = false;
    for (let i = start + 1; i < this.#text.length; i++) {
      const unit = this.#text.charCodeAt(i);
      if (unit === QUOTE) {
        this.#at = i + 1;
        return escaped
          ? this.#unescaped(start, i + 1)
          : this.#text.slice(start + 1, i);
      }
      if (unit === BACKSLASH) {
        escaped = true;
        i++;
      } else if (unit < 0x20) {
        this.#at = i;
        this.#unexpected("no control character in a text");
      }
    }
    this.#at = this.#text.length;
    this.#unexpected("the rest of a text");
  }

  /** A text with escapes, between its quotes. */
  #unescaped(start: number, end: number): string {
    let text: string;
    try {
      text = JSON.parse(this.#text.slice(start, end));
    } catch {
      this.#at = start;
      this.#refuse("has a text with an escape that is none", "one of JSON's");
    }
    if (text.isWellFormed()) return text;
    this.#at = start;
    this.#refuse("has a text with half a surrogate pair", "Unicode text");
  }

  #number(): number | bigint | JsonFloat {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) this.#unexpected("a value");
    const [text, fraction, exponent] = match;
    const start = this.#at;
    this.#at += text.length;
    if (fraction === undefined && exponent === undefined && text !== "-0") {
      const near = Number(text);
      if (Number.isSafeInteger(near)) return near;
      // No integer of 64 bits is longer.
      if (text.length <= 20) {
        const value = BigInt(text);
        if (isInteger64(value)) return value;
      }
    }
    if (!Number.isFinite(Number(text))) {
      this.#at = start;
      this.#refuse(
        `has the number ${shown(text)}`,
        "one that a double can hold",
      );
    }
    return new JsonFloat(text);
  }

  #skipBlanks(): void {
    BLANKS.lastIndex = this.#at;
    BLANKS.test(this.#text);
    this.#at = BLANKS.lastIndex;
  }

  /** Goes behind a text if it stands here. */
  #takes(text: string): boolean {
    const found = this.#text.startsWith(text, this.#at);
    if (found) this.#at += text.length;
    return found;
  }

  #unexpected(expected: string): never {
    const found = this.#text.codePointAt(this.#at);
    this.#refuse(
      found === undefined
        ? "ends"
        : `has ${shown(String.fromCodePoint(found))}`,
      expected,
    );
  }

  #refuse(what: string, expected: string): never {
    const offset = new TextEncoder()
      .encode(this.#text.slice(0, this.#at)).length;
    throw new FormatError(
      `Cannot read JSON at byte ${offset}: it ${what}, expected ${expected}`,
      { offset },
    );
  }
}
