/**
 * The time that names a snapshot: whole seconds in UTC, `2023-11-14T22:13:20Z`.
 *
 * @module
 */
import { formatRfc3339 } from "@pxar/chunk/rfc3339";
import { FormatError } from "@pxar/format/errors";
import { shown } from "./shown.ts";

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;
/** 0000-01-01T00:00:00Z */
const FIRST = -62_167_219_200;
/** 9999-12-31T23:59:59Z */
const LAST = 253_402_300_799;
/** A second before 1970: the one time whose text PBS cannot read, because the C library answers it with its error value. */
const UNREADABLE = -1;

/**
 * Whether a snapshot can be named by a time.
 *
 * @param secs Seconds since 1970.
 * @returns Whether it is whole, within the years 0 to 9999, and not -1, which PBS cannot read.
 */
export function isBackupTime(secs: number): boolean {
  return Number.isInteger(secs) && secs >= FIRST && secs <= LAST &&
    secs !== UNREADABLE;
}

/**
 * Reads the time of a snapshot that is to be made.
 *
 * Source: spec E.1.
 *
 * @param secs Seconds since 1970.
 * @returns The same number.
 * @throws {FormatError} If it is not whole, before 1970-01-01T00:00:01Z, or behind the year 9999.
 */
export function checkBackupTime(secs: number): number {
  if (isBackupTime(secs) && secs >= 1) return secs;
  throw new FormatError(
    `Cannot take backup time: it is ${secs}, expected whole seconds since 1970, 1 to ${LAST}`,
  );
}

/**
 * The text of a time.
 *
 * @param secs Seconds since 1970, whole; within the years 0 to 9999.
 * @returns Such as `2023-11-14T22:13:20Z`.
 * @throws {RangeError} If it is not.
 */
export function backupTimeText(secs: number): string {
  return formatRfc3339(secs, "utc");
}

/**
 * Reads the text of a time. What does not come out as it went in is refused: there is no February 31, month 00 or second 60.
 *
 * Source: spec E.1.
 *
 * @param text Such as `2023-11-14T22:13:20Z`.
 * @returns Seconds since 1970; below 0 before.
 * @throws {FormatError} If it is no time that exists, has another form, or is 1969-12-31T23:59:59Z, which PBS cannot read.
 */
export function parseBackupTime(text: string): number {
  const secs = TIME.test(text) ? Date.parse(text) / 1000 : NaN;
  if (isBackupTime(secs) && backupTimeText(secs) === text) return secs;
  throw new FormatError(
    `Cannot take time: it is ${
      shown(text)
    }, expected one that exists, such as 2023-11-14T22:13:20Z`,
  );
}
