/**
 * The texts of a JSON value: the canonical one, which a manifest's signature is made over, and the one that PBS writes into files. Members stand in the order of their names.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import {
  isInteger64,
  type Json,
  JSON_DEPTH,
  JsonFloat,
  type JsonObject,
} from "./json.ts";
import { shown } from "./shown.ts";

/** How JSON is written, where that may differ. */
interface JsonStyle {
  /** Whether every member and item stands on a line of its own; else there are no blanks at all. */
  readonly lines: boolean;
  /** A float. */
  float(float: JsonFloat): string;
  /** A null. */
  nothing(): string;
}

/**
 * Writes JSON in its canonical form: no blanks, members in the order of their names as UTF-8, lists as they are.
 *
 * Source: spec F.2.
 *
 * @param value The value.
 * @returns The text. A float has the shortest digits that mean it; how the official library writes exponents differs between its versions, so floats from 10^16 on and below 10^-5
 * may differ there.
 * @throws {FormatError} If there is a `null` anywhere, or half a surrogate pair in a text.
 * @throws {RangeError} If it has a number that is not whole, integers beyond 64 bits, or more than 127 levels.
 *
 * @example
 * ```ts
 * import { canonicalJson } from "@pxar/store/canonical_json";
 * import { parseJson } from "@pxar/store/json";
 *
 * canonicalJson(parseJson('{ "b": 1e3, "a": [true] }')); // '{"a":[true],"b":1000.0}'
 * ```
 */
export function canonicalJson(value: Json): string {
  return writeJson(value, {
    lines: false,
    float: floatText,
    nothing: refuseNull,
  });
}

/**
 * Writes JSON as PBS does: two spaces a level, members in the order of their names, no line feed at the end.
 *
 * Source: spec F.1.
 *
 * @param value The value.
 * @returns Text that `parseJson` reads as the same value.
 * @throws {FormatError} If a text in it has half a surrogate pair.
 * @throws {RangeError} If it has a number that is not whole, integers beyond 64 bits, or more than 127 levels.
 */
export function jsonText(value: Json): string {
  return writeJson(value, {
    lines: true,
    float: (float) => float.text,
    nothing: () => "null",
  });
}

/** Members in the order of their names as UTF-8. */
function writeJson(value: Json, style: JsonStyle, depth = 0): string {
  if (value === null) return style.nothing();
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number" || typeof value === "bigint") {
    return integerText(value);
  }
  if (value instanceof JsonFloat) return style.float(value);
  if (depth >= JSON_DEPTH) {
    throw new RangeError(
      `Cannot write JSON: it has more than ${JSON_DEPTH} levels, expected ${JSON_DEPTH} at most`,
    );
  }
  const blank = style.lines ? " " : "";
  return isList(value)
    ? enclosed("[", value.map((one) => writeJson(one, style, depth + 1)), "]")
    : enclosed(
      "{",
      [...value].sort(([a], [b]) => compareText(a, b)).map(([name, one]) =>
        `${quoted(name)}:${blank}${writeJson(one, style, depth + 1)}`
      ),
      "}",
    );

  function enclosed(open: string, parts: string[], close: string): string {
    if (!style.lines || parts.length === 0) return open + parts.join() + close;
    const line = `\n${"  ".repeat(depth)}`;
    return `${open}${line}  ${parts.join(`,${line}  `)}${line}${close}`;
  }
}

/** Whether a value is a list: TypeScript does not tell a readonly array by `Array.isArray`. */
function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}

/** Orders as UTF-8 does: JavaScript's own order puts U+E000 to U+FFFF behind all that lies beyond. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i), right = b.charCodeAt(i);
    if (left !== right) return inUtf8(left) - inUtf8(right);
  }
  return a.length - b.length;
}

function inUtf8(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function quoted(text: string): string {
  if (!text.isWellFormed()) {
    throw new FormatError(
      `Cannot write JSON: ${
        shown(text)
      } has half a surrogate pair, expected Unicode text`,
    );
  }
  return JSON.stringify(text);
}

function integerText(value: number | bigint): string {
  const whole = typeof value === "bigint"
    ? isInteger64(value)
    : Number.isSafeInteger(value) && !Object.is(value, -0);
  if (whole) return String(value);
  throw new RangeError(
    `Cannot write JSON: a number is ${value}, expected an integer of 64 bits, or a JsonFloat`,
  );
}

function refuseNull(): never {
  throw new FormatError(
    "Cannot write canonical JSON: it has a null, expected none",
  );
}

/** A float with a point or an exponent, so that it stays one. */
function floatText({ value }: JsonFloat): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [significand, exponent] = Math.abs(value).toExponential().split(
    "e",
  ) as [
    string,
    string,
  ];
  const digits = significand.replace(".", "");
  /** How many digits stand before the point. */
  const before = Number(exponent) + 1;
  if (before > 16 || before <= -5) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${sign}${digits[0]}${fraction}e${exponent}`;
  }
  if (before <= 0) return `${sign}0.${"0".repeat(-before)}${digits}`;
  const whole = digits.slice(0, before).padEnd(before, "0");
  return `${sign}${whole}.${digits.slice(before) || "0"}`;
}
