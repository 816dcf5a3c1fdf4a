import { FormatError } from "@pxar/format/errors";
import { isoWeek, timeZone } from "@pxar/store/local_time";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { storeVector } from "./vectors.ts";

interface Local {
  readonly formatLocal: readonly {
    readonly tz: string;
    readonly cases: readonly [number, string | { error: string }][];
  }[];
}

Deno.test("timeZone() shows the hours that PBS shows", () => {
  for (const { tz, cases } of storeVector<Local>("names.json").formatLocal) {
    const zone = timeZone(tz);
    for (const [secs, text] of cases) {
      const { year, month, day, hour } = zone(secs);
      if (typeof text !== "string") {
        assertEquals(year, 10000);
        continue;
      }
      const parts = text.split(/[-T:]/, 4).map(Number);
      assertEquals([year, month, day, hour], parts, `${tz} ${secs}`);
    }
  }
});

Deno.test("timeZone() without a name is the zone of the system", () => {
  const zone = timeZone();
  for (const secs of [0, 1_600_000_000, 1_774_745_999, 1_793_487_600]) {
    const date = new Date(secs * 1000);
    assertEquals(zone(secs), {
      year: date.getFullYear(),
      month: date.getMonth() + 1,
      day: date.getDate(),
      hour: date.getHours(),
    });
  }
});

Deno.test("timeZone() counts years before the year 1 down from 0", () => {
  const zone = timeZone("UTC");
  assertEquals(zone(-62_167_219_200).year, 0);
  assertEquals(zone(-62_167_219_201).year, -1);
  assertEquals(zone(-62_135_596_800).year, 1);
});

Deno.test("timeZone() refuses a name that is none", () => {
  for (const name of ["", "Nowhere/Land", "Europe/Vienna\n", "../UTC"]) {
    assertThrows(() => timeZone(name), FormatError, "time zone");
  }
});

Deno.test("isoWeek() knows the turns of years", () => {
  const days: [number, number, number, number, number][] = [
    [2020, 12, 31, 2020, 53],
    [2021, 1, 1, 2020, 53],
    [2021, 1, 3, 2020, 53],
    [2021, 1, 4, 2021, 1],
    [2024, 12, 29, 2024, 52],
    [2024, 12, 30, 2025, 1],
    [2025, 1, 1, 2025, 1],
    [2026, 12, 31, 2026, 53],
    [2027, 1, 1, 2026, 53],
    [50, 1, 1, 49, 52],
  ];
  for (const [year, month, day, weekYear, week] of days) {
    assertEquals(isoWeek({ year, month, day }), { year: weekYear, week });
  }
});

Deno.test("a week of isoWeek() has seven days from Monday on", () => {
  fc.assert(fc.property(fc.integer({ min: -700_000, max: 2_900_000 }), (n) => {
    const date = new Date(n * 86_400_000);
    const of = (days: number) => {
      const other = new Date((n + days) * 86_400_000);
      return isoWeek({
        year: other.getUTCFullYear(),
        month: other.getUTCMonth() + 1,
        day: other.getUTCDate(),
      });
    };
    const monday = -((date.getUTCDay() + 6) % 7);
    for (let i = monday; i < monday + 7; i++) assertEquals(of(i), of(0));
    const { week } = of(0), next = of(monday + 7), before = of(monday - 1);
    assert(next.week === 1 ? week >= 52 : next.week === week + 1);
    assert(before.week !== week);
  }));
});
