/**
 * Times as text, as key files and snapshot names have them: RFC 3339, whole seconds, years 0 to 9999.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * Writes a time.
 *
 * Where the clock here is off by a fraction of a minute, as before standard time, the offset is cut to whole minutes and the clock follows it, so that
 * the text still names the same second.
 *
 * Source: spec G.1.
 *
 * @param secs Seconds since 1970.
 * @param zone `local`: what the clock here shows, with its offset, such as `2023-11-14T23:13:20+01:00`. `utc`: `2023-11-14T22:13:20Z`.
 * @returns 25 letters, or 20 for `utc`.
 * @throws {RangeError} If the year has not four digits, or `secs` is not whole.
 */
export function formatRfc3339(
  secs: number,
  zone: "local" | "utc" = "local",
): string {
  const offset = zone === "utc"
    ? 0
    : Math.trunc(-new Date(secs * 1000).getTimezoneOffset());
  const shown = new Date((secs + offset * 60) * 1000);
  const year = shown.getUTCFullYear();
  if (!Number.isInteger(secs) || !(year >= 0 && year <= 9999)) {
    throw new RangeError(
      `Cannot write time ${secs}: expected whole seconds of a year from 0 to 9999`,
    );
  }
  const text = shown.toISOString().slice(0, 19);
  if (zone === "utc") return `${text}Z`;
  const minutes = Math.abs(offset);
  return `${text}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${
    two(minutes % 60)
  }`;
}

/**
 * Reads a time: the inverse of {@linkcode formatRfc3339}.
 *
 * A second of 60 is the first one of the next minute. Stricter than the official parser, which also takes month 0, day 0 and February 31.
 *
 * Source: spec G.1.
 *
 * @param text With `Z`, or with an offset `+HH:MM` or `-HH:MM`; no fraction.
 * @returns Seconds since 1970.
 * @throws {FormatError} If it is no such time.
 */
export function parseRfc3339(text: string): number {
  const found = TIME.exec(text);
  if (found === null) throw refused(text);
  const [year, month, day, hours, minutes, seconds] = found.slice(1, 7).map(
    Number,
  ) as [number, number, number, number, number, number];
  const away = Number(found[8] ?? 0), apart = Number(found[9] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const there = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (
    !there || hours > 23 || minutes > 59 || seconds > 60 || away > 23 ||
    apart > 59
  ) throw refused(text);
  const offset = (away * 60 + apart) * (found[7] === "-" ? -60 : 60);
  return date.getTime() / 1000 + hours * 3600 + minutes * 60 + seconds - offset;
}

function refused(text: string): FormatError {
  return new FormatError(
    `Cannot read time ${
      JSON.stringify(text.slice(0, 40))
    }: expected one such as 2023-11-14T22:13:20Z or 2023-11-14T23:13:20+01:00`,
  );
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
