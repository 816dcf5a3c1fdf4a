/**
 * What clock and calendar show in a time zone, as far as pruning asks.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { shown } from "./shown.ts";

/** What clock and calendar show, in the Gregorian calendar. */
export interface LocalTime {
  /** The year; 0 and below before the year 1. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** 0 to 23. */
  readonly hour: number;
}

/** A week of the ISO calendar: from Monday on; the first of a year is the one with its first Thursday. */
export interface IsoWeek {
  /** The year that the week counts to. */
  readonly year: number;
  /** 1 to 53. */
  readonly week: number;
}

const DAY = 86_400_000;

/**
 * A time zone.
 *
 * @param name Such as `Europe/Vienna`; unless told, the one that the system, or the variable TZ, names.
 * @returns What its clocks show at a second since 1970.
 * @throws {FormatError} If there is no zone of that name.
 *
 * @example
 * ```ts
 * import { timeZone } from "@pxar/store/local_time";
 *
 * timeZone("America/St_Johns")(1_700_000_000).hour; // 18
 * ```
 */
export function timeZone(name?: string): (secs: number) => LocalTime {
  const format = openFormat(name);
  return (secs: number): LocalTime => {
    const found = { era: "", year: 0, month: 0, day: 0, hour: 0 };
    for (const { type, value } of format.formatToParts(secs * 1000)) {
      if (type === "era") found.era = value;
      else if (isField(type)) found[type] = Number(value);
    }
    const { era, month, day, hour } = found;
    return {
      year: era.startsWith("B") ? 1 - found.year : found.year,
      month,
      day,
      hour,
    };
  };
}

/**
 * The week that a day is in.
 *
 * @param day The day.
 * @returns Its week.
 */
export function isoWeek(
  day: Pick<LocalTime, "year" | "month" | "day">,
): IsoWeek {
  const date = new Date(0);
  date.setUTCFullYear(day.year, day.month - 1, day.day);
  // A week belongs to the year that its Thursday is in.
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const year = date.getUTCFullYear();
  const first = new Date(0);
  first.setUTCFullYear(year, 0, 1);
  const days = (date.getTime() - first.getTime()) / DAY;
  return { year, week: Math.floor(days / 7) + 1 };
}

function openFormat(name: string | undefined): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US-u-ca-iso8601-nu-latn", {
      timeZone: name,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
    });
  } catch (cause) {
    throw new FormatError(
      `Cannot take time zone: it is ${
        shown(name ?? "")
      }, expected one such as Europe/Vienna`,
      { cause },
    );
  }
}

function isField(type: string): type is "year" | "month" | "day" | "hour" {
  return type === "year" || type === "month" || type === "day" ||
    type === "hour";
}
