// What the members of a manifest must be, and how one that is not is refused.
import { FormatError } from "@pxar/format/errors";
import { type Json, JsonFloat, type JsonObject } from "./json.ts";
import { shown } from "./shown.ts";

/** Whether a value is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Whether a value is a number of bytes or of things: whole, 0 to 2^53 - 1. */
export function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/**
 * States that a value is not what it must be.
 *
 * @param what Which value.
 * @param value The value; `undefined` where it is missing.
 * @param expected What it must be.
 * @throws {FormatError} Always.
 */
export function refuse(
  what: string,
  value: Json | undefined,
  expected: string,
): never {
  throw new FormatError(
    `Cannot read manifest: ${what} is ${inWords(value)}, expected ${expected}`,
  );
}

function inWords(value: Json | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return shown(value);
  if (value instanceof JsonFloat) return shown(value.text);
  if (typeof value !== "object" || value === null) return String(value);
  return isObject(value) ? "an object" : "a list";
}
