// JSON values made at random, and what JSON.parse would make of them.
import { type Json, JsonFloat, type JsonObject } from "@pxar/store/json";
import fc from "fast-check";

const TEXTS = fc.string({ unit: "binary" });
const FLOATS = fc.double({ noNaN: true, noDefaultInfinity: true }).map((
  value,
) => Object.is(value, -0) ? "-0.0" : String(value)).filter((text) =>
  /[.e]/.test(text)
).map((text) => new JsonFloat(text));

const { value } = fc.letrec<{ value: Json; list: Json; object: Json }>((
  tie,
) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, false, 0),
    TEXTS,
    fc.maxSafeInteger().map((n) => n + 0),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    FLOATS,
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("value"), { maxLength: 5 }),
  object: fc.array(fc.tuple(TEXTS, tie("value")), { maxLength: 5 }).map((
    members,
  ) => new Map(members)),
}));

/** Any value. */
export const JSON_VALUES: fc.Arbitrary<Json> = value;

/** What `JSON.parse` gives. */
export function plain(value: Json): unknown {
  if (value instanceof JsonFloat) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Map) {
    const object: Record<string, unknown> = {};
    for (const [name, inner] of value as JsonObject) {
      // As JSON.parse does: a member of its own, also where it is called __proto__.
      Object.defineProperty(object, name, {
        value: plain(inner),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return object;
  }
  return Array.isArray(value) ? value.map(plain) : value;
}
