// Times as text: every official case, and back again.
import fc from "fast-check";
import { formatRfc3339, parseRfc3339 } from "@pxar/chunk/rfc3339";
import { FormatError } from "@pxar/format/errors";
import { assertEquals, assertThrows } from "../support/assert.ts";

interface Result {
  readonly ok?: number | string;
  readonly error?: string;
}
interface Names {
  readonly parseRfc3339: readonly { text: string; result: Result }[];
  readonly formatUtc: readonly { epoch: string; result: Result }[];
  readonly formatLocal: readonly {
    readonly tz: string;
    readonly cases: readonly (readonly [number, string | Result])[];
  }[];
}

const NAMES: Names = JSON.parse(
  Deno.readTextFileSync(
    new URL("../vectors/store/names.json", import.meta.url),
  ),
);
/** Days that are in no calendar: the official parser goes on counting, ours refuses. */
const NO_DAY = /^2023-(?:02-29|02-31|04-31|00-10|01-00)T/;
/** The official parser takes the answer -1 for an error. */
const LAST_OF_1969 = "1969-12-31T23:59:59Z";

Deno.test("parseRfc3339() reads what the official parser reads", () => {
  for (const { text, result } of NAMES.parseRfc3339) {
    if (text === LAST_OF_1969) assertEquals(parseRfc3339(text), -1);
    else if (result.ok === undefined || NO_DAY.test(text)) {
      assertThrows(() => parseRfc3339(text), FormatError, "Cannot read time");
    } else assertEquals(parseRfc3339(text), result.ok, text);
  }
});

Deno.test("formatRfc3339() writes UTC as the official client does", () => {
  for (const { epoch, result } of NAMES.formatUtc) {
    const secs = Number(epoch);
    if (result.ok !== undefined) {
      assertEquals(formatRfc3339(secs, "utc"), result.ok);
    } else assertThrows(() => formatRfc3339(secs, "utc"), RangeError);
  }
});

for (const { tz, cases } of NAMES.formatLocal) {
  Deno.test(`formatRfc3339() writes local time as the official client does in ${tz}`, async () => {
    const module = new URL("../../chunk/rfc3339.ts", import.meta.url);
    const code = `import { formatRfc3339 } from ${JSON.stringify(module.href)};
      const tried = (secs) => {
        try { return formatRfc3339(secs); } catch (error) { return error.name; }
      };
      console.log(JSON.stringify(${
      JSON.stringify(cases.map(([secs]) => secs))
    }.map(tried)));`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      cwd: new URL("../..", import.meta.url).pathname,
      env: { TZ: tz },
    }).output();
    const written: string[] = JSON.parse(new TextDecoder().decode(stdout));
    for (const [at, [secs, expected]] of cases.entries()) {
      const text = written[at]!;
      if (typeof expected !== "string") assertEquals(text, "RangeError");
      // The clock there was 52 seconds off then; the official text, with its offset, names another second.
      else if (tz === "America/St_Johns" && secs === -2208988800) {
        assertEquals(text, "1899-12-31T20:30:00-03:30");
      } else assertEquals(text, expected);
      if (text !== "RangeError") assertEquals(parseRfc3339(text), secs);
    }
  });
}

Deno.test("parseRfc3339() is the inverse of formatRfc3339()", () => {
  fc.assert(fc.property(
    fc.integer({ min: -62135500000, max: 253402200000 }),
    fc.constantFrom("utc", "local"),
    (secs, zone) => {
      assertEquals(parseRfc3339(formatRfc3339(secs, zone)), secs);
    },
  ));
});

Deno.test("formatRfc3339() refuses what is no whole second of a year of four digits", () => {
  for (const secs of [0.5, NaN, Infinity, 2 ** 53, -(2 ** 53)]) {
    assertThrows(() => formatRfc3339(secs), RangeError);
    assertThrows(() => formatRfc3339(secs, "utc"), RangeError);
  }
});

Deno.test("parseRfc3339() refuses any other text", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    fc.pre(!/^\d{4}-/.test(text));
    assertThrows(() => parseRfc3339(text), FormatError);
  }));
});
