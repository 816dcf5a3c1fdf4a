import { FormatError } from "@pxar/format/errors";
import { canonicalJson } from "@pxar/store/canonical_json";
import { type Json, JsonFloat, parseJson } from "@pxar/store/json";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertMatch,
  assertThrows,
} from "../support/assert.ts";
import { JSON_VALUES } from "./json_values.ts";
import { MANIFESTS } from "./manifests.ts";

const UTF8 = new TextEncoder();

Deno.test("canonicalJson() writes what PBS writes, but exponents, which differ between its versions", () => {
  let compared = 0;
  for (const { text, result, versionDependent } of MANIFESTS.canonical) {
    if ("error" in result) {
      assertThrows(() => canonicalJson(parseJson(text)), FormatError);
    } else {
      const canonical = canonicalJson(parseJson(text));
      if (versionDependent) {
        const [, ours] = /^\{"a":(.*)\}$/.exec(canonical)!;
        assertMatch(ours!, /^-?[1-9](\.[0-9]*[1-9])?e[+-][1-9][0-9]*$/);
        assertEquals(JSON.parse(canonical), JSON.parse(text));
      } else {
        assertEquals(canonical, result.ok, text);
        compared++;
      }
    }
  }
  assert(compared > 20);
});

/** Sorts by bytes, and writes one piece after the other. */
function slowly(value: Json): string {
  if (value === null) throw new FormatError("null, expected none");
  if (value instanceof JsonFloat) return canonicalJson(value);
  if (typeof value === "string") {
    let text = '"';
    for (const letter of value) {
      const short = '"\\\b\f\n\r\t'.indexOf(letter);
      if (short >= 0) text += "\\" + '"\\bfnrt'[short];
      else if (letter < " ") {
        text += `\\u00${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
      } else text += letter;
    }
    return text + '"';
  }
  if (typeof value !== "object") return `${value}`;
  if (!(value instanceof Map)) {
    return `[${[...value.values()].map(slowly).join(",")}]`;
  }
  const names = [...value.keys()].map((name) => ({
    name,
    key: Array.from(
      UTF8.encode(name),
      (byte) => String.fromCharCode(byte),
    ).join(""),
  }));
  names.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return `{${
    names.map(({ name }) => `${slowly(name)}:${slowly(value.get(name)!)}`)
      .join(",")
  }}`;
}

Deno.test("canonicalJson() writes what a slow writer writes", () => {
  fc.assert(fc.property(JSON_VALUES, (value) => {
    let wanted: string;
    try {
      wanted = slowly(value);
    } catch {
      return void assertThrows(() => canonicalJson(value), FormatError, "null");
    }
    assertEquals(canonicalJson(value), wanted);
    assertEquals(canonicalJson(parseJson(wanted)), wanted);
  }));
});

Deno.test("canonicalJson() does not depend on the order of members", () => {
  const names = fc.uniqueArray(fc.string({ unit: "binary" }));
  fc.assert(fc.property(names, (all) => {
    const members = all.map((name, i): [string, Json] => [name, i]);
    assertEquals(
      canonicalJson(new Map(members)),
      canonicalJson(new Map([...members].reverse())),
    );
  }));
});

Deno.test("canonicalJson() writes floats with the shortest digits that mean them", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (value) => {
        // Text of -0 would be 0.
        const written = (Object.is(value, -0) ? "-" : "") +
          value.toExponential();
        const text = canonicalJson(new JsonFloat(written));
        assert(Object.is(Number(text), value), text);
        assertMatch(text, /[.e]/);
        const digits = (all: string) =>
          all.replace(/e.*|[-.]/g, "").replace(/^0+|0+$/g, "");
        assertEquals(digits(text), digits(value.toExponential()));
      },
    ),
  );
});
