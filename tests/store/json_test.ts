import { FormatError } from "@pxar/format/errors";
import { jsonText } from "@pxar/store/canonical_json";
import { type Json, JSON_DEPTH, JsonFloat, parseJson } from "@pxar/store/json";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { JSON_VALUES, plain } from "./json_values.ts";
import { takes } from "./vectors.ts";

Deno.test("parseJson() keeps what JSON.parse would lose", () => {
  assertEquals(parseJson("9007199254740991"), 9007199254740991);
  assertEquals(parseJson("9007199254740992"), 9007199254740992n);
  assertEquals(parseJson("9007199254740993"), 9007199254740993n);
  assertEquals(parseJson("-9007199254740992"), -9007199254740992n);
  assertEquals(parseJson("18446744073709551615"), 18446744073709551615n);
  assertEquals(parseJson("-9223372036854775808"), -9223372036854775808n);
  for (
    const text of [
      "18446744073709551616",
      "-9223372036854775809",
      "1.0",
      "-0",
      "1e3",
      "1E-3",
      "0.10",
      "1e-999",
    ]
  ) {
    const value = parseJson(text);
    assert(value instanceof JsonFloat);
    assertEquals(value.text, text);
    assertEquals(value.value, Number(text));
  }
  const members = parseJson('{"10":1,"9":2,"__proto__":3,"a":4,"a":5}');
  assert(members instanceof Map);
  assertEquals(Object.fromEntries(members), {
    10: 1,
    9: 2,
    ["__proto__"]: 3,
    a: 5,
  });
});

Deno.test("parseJson() takes and gives what JSON.parse does, but for floats and big integers", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 5 }), (text) => {
    assertEquals(plain(parseJson(text)), JSON.parse(text));
  }));
});

Deno.test("parseJson() takes no text that JSON.parse does not take", () => {
  const pieces = fc.constantFrom(
    ...'{}[],:"\\ \t\n-+.eE019tfnu/'.split(""),
    "true",
    "false",
    "null",
    '"a"',
    '"\\u0061"',
    '"\\ud83d"',
    "1.5",
    "\u00a0",
    "\ufeff",
    "\x0b",
    "//",
  );
  const texts = fc.array(pieces, { maxLength: 8 }).map((all) => all.join(""));
  fc.assert(
    fc.property(texts, (text) => {
      let wanted: unknown;
      try {
        wanted = JSON.parse(text);
      } catch {
        return assert(!takes(parseJson, text), text);
      }
      const half = !JSON.stringify(wanted).isWellFormed() ||
        /\\ud83d/.test(text);
      if (half) return assert(!takes(parseJson, text), text);
      assertEquals(plain(parseJson(text)), wanted, text);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("parseJson() says where a text is wrong", () => {
  const cases: [string, number, string][] = [
    ["", 0, "it ends"],
    ["[1,", 3, "it ends"],
    ['{"ä":tru}', 6, 'it has "t"'],
    ["[1 2]", 3, "',' or ']'"],
    ['{"a" 1}', 5, "':'"],
    ["{a:1}", 1, "a text"],
    ['{"a":1,}', 7, "a text"],
    ["[1,]", 3, "a value"],
    ["01", 1, "the end"],
    ["1.", 1, "the end"],
    ["-", 0, "a value"],
    ["+1", 0, "a value"],
    ["NaN", 0, "a value"],
    ['"a\nb"', 2, "no control character"],
    ['"\x1f"', 1, "no control character"],
    ['"a', 2, "it ends"],
    ['"\\x"', 0, "an escape that is none"],
    ['"\\', 2, "it ends"],
    ['"\\u12"', 0, "an escape that is none"],
    ['["😀","\\udc00\\ud800"]', 8, "half a surrogate pair"],
    ["1e999", 0, "1e999"],
    ["null x", 5, "the end"],
    ["\ufeff1", 0, "a value"],
  ];
  for (const [text, offset, says] of cases) {
    const error = assertThrows(() => parseJson(text), FormatError, says, text);
    assertEquals(error.offset, offset, text);
  }
  assertThrows(() => parseJson('"\ud83d"'), FormatError, "surrogate");
});

Deno.test("parseJson() ends quickly with what is hostile", () => {
  for (
    const text of [
      "[".repeat(1_000_000),
      '{"a":'.repeat(1_000_000),
      "[".repeat(1_000_000) + "]".repeat(1_000_000),
      `[${"{},".repeat(1_000_000)}{}]`,
      `[${"0,".repeat(1_000_000)}0]`,
      "9".repeat(4_000_000),
      `-${"9".repeat(400)}`,
      `"${"a".repeat(4_000_000)}`,
      `"${"\\".repeat(4_000_001)}"`,
      `"${"\\ud800".repeat(500_000)}"`,
      " ".repeat(4_000_000),
    ]
  ) assertThrows(() => parseJson(text), FormatError, "Cannot read JSON");
  assertEquals(
    parseJson(`0.${"0".repeat(1_000_000)}`),
    parseJson(`0.${"0".repeat(1_000_000)}`),
  );
});

Deno.test("parseJson() takes large texts and as many levels as it says", () => {
  const letters = 'a\\"'.repeat(300_000);
  assertEquals(parseJson(JSON.stringify(letters)), letters);
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  assertEquals(
    jsonText(parseJson(deep(JSON_DEPTH))).replace(/\s/g, ""),
    deep(JSON_DEPTH),
  );
  assert(!takes(parseJson, deep(JSON_DEPTH + 1)));
});

Deno.test("jsonText() has two spaces a level and members in order", () => {
  const value = parseJson('{"b":[1,{}],"a":{"c":[],"d":1.50},"B":null}');
  assertEquals(
    jsonText(value),
    `{
  "B": null,
  "a": {
    "c": [],
    "d": 1.50
  },
  "b": [
    1,
    {}
  ]
}`,
  );
});

Deno.test("values come back from their text", () => {
  fc.assert(fc.property(JSON_VALUES, (value) => {
    assertEquals(parseJson(jsonText(value)), value);
  }));
});

Deno.test("jsonText() refuses what JSON cannot hold", () => {
  for (
    const value of [
      1.5,
      NaN,
      Infinity,
      -0,
      2 ** 53,
      2n ** 64n,
      -(2n ** 63n) - 1n,
    ]
  ) assertThrows(() => jsonText(value), RangeError, String(value));
  assertThrows(() => jsonText(["\udc00"]), FormatError, "surrogate");
  let deep: Json = [];
  for (let i = 0; i < 1_000_000; i++) deep = [deep];
  assertThrows(() => jsonText(deep), RangeError, "levels");
  const circle = new Map<string, Json>();
  circle.set("self", circle);
  assertThrows(() => jsonText(circle), RangeError, "levels");
});

Deno.test("JsonFloat is a JSON number", () => {
  for (
    const text of ["", "1.", ".5", "1e", "0x1", "1e999", "NaN", " 1", "1\n"]
  ) {
    assertThrows(() => new JsonFloat(text), FormatError, "JSON number");
  }
  assertEquals(new JsonFloat("-1.5e2").value, -150);
});
