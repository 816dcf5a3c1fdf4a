import { FormatError } from "@pxar/format/errors";
import {
  backupTimeText,
  checkBackupTime,
  isBackupTime,
  parseBackupTime,
} from "@pxar/store/backup_time";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { NAMES, TIMES } from "./names.ts";
import { compare, takes } from "./vectors.ts";

Deno.test("backupTimeText() writes what PBS writes", () => {
  for (const { epoch, result } of NAMES.formatUtc) {
    if ("ok" in result) {
      assertEquals(backupTimeText(Number(epoch)), result.ok);
    } else assertThrows(() => backupTimeText(Number(epoch)), RangeError);
  }
  for (const secs of [0.5, NaN, Infinity]) {
    assertThrows(() => backupTimeText(secs), RangeError);
    assert(!isBackupTime(secs));
  }
});

Deno.test("parseBackupTime() reads what PBS reads of Z, but no time that does not exist, and no offset", () => {
  const other =
    "is normalised by PBS: the folder has another name than PBS tells";
  const offset = "no folder is named so: the pattern of PBS demands Z";
  compare(NAMES.parseRfc3339, parseBackupTime, {
    "2023-02-29T00:00:00Z": other,
    "2023-02-31T00:00:00Z": other,
    "2023-04-31T12:00:00Z": other,
    "2023-00-10T00:00:00Z": other,
    "2023-01-00T00:00:00Z": other,
    "2023-12-31T23:59:60Z": other,
    "2016-12-31T23:59:60Z": other,
    "2023-12-31T23:59:59+00:00": offset,
    "2023-12-31T23:59:59+02:00": offset,
    "2023-12-31T23:59:59-03:30": offset,
    "2023-12-31T23:59:59+23:59": offset,
  });
});

Deno.test("parseBackupTime() takes of the pattern of PBS what exists", () => {
  for (const [text, pattern] of NAMES.accepted.backupDate!) {
    const wanted = pattern && text !== "2020-99-99T99:99:99Z";
    assertEquals(takes(parseBackupTime, text), wanted, text);
  }
});

Deno.test("checkBackupTime() takes what the schema of PBS takes", () => {
  for (const [secs, wanted] of NAMES.accepted.backupTimeSchema) {
    if (wanted) assertEquals(checkBackupTime(secs), secs);
    else assertThrows(() => checkBackupTime(secs), FormatError, String(secs));
  }
  for (const secs of [1.5, NaN, 253_402_300_800, 2 ** 60]) {
    assertThrows(() => checkBackupTime(secs), FormatError, "expected");
  }
});

Deno.test("times come back from their texts", () => {
  fc.assert(fc.property(TIMES, (secs) => {
    assertEquals(parseBackupTime(backupTimeText(secs)), secs);
  }));
  assertEquals(backupTimeText(-1), "1969-12-31T23:59:59Z");
  assertThrows(() => parseBackupTime("1969-12-31T23:59:59Z"), FormatError);
});

Deno.test("a text that parseBackupTime() takes comes out as it went in", () => {
  const two = fc.integer({ min: 0, max: 99 }).map((n) =>
    String(n).padStart(2, "0")
  );
  fc.assert(
    fc.property(fc.tuple(two, two, two, two, two, two, two), (parts) => {
      const [a, b, month, day, hour, minute, second] = parts;
      const text = `${a}${b}-${month}-${day}T${hour}:${minute}:${second}Z`;
      if (takes(parseBackupTime, text)) {
        assertEquals(backupTimeText(parseBackupTime(text)), text);
      }
    }),
    { numRuns: 2000 },
  );
});
