/**
 * What a proof hands back.
 *
 * @module
 */

import type { Usage } from "../bench/measure.ts";

/** One measured thing. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  /** The value, with its unit. */
  readonly value: string;
  /** What was hoped for; `undefined` where nothing was. */
  readonly goal: string | undefined;
  /** Whether it is as hoped for; `undefined` without a goal. */
  readonly reached: boolean | undefined;
}

/** A figure that is to be at most `limit`. */
export function atMost(
  what: string,
  value: number,
  limit: number,
  unit: string,
  digits = 0,
): Figure {
  return {
    what,
    value: `${value.toFixed(digits)} ${unit}`.trim(),
    goal: `≤ ${limit} ${unit}`.trim(),
    reached: value <= limit,
  };
}

/** None of so many was wrong, or there would have been an error. */
export function none(what: string, of: number): Figure {
  return { what, value: `0 of ${of}`, goal: "0", reached: true };
}

/** A figure that is only told. */
export function told(what: string, value: string): Figure {
  return { what, value, goal: undefined, reached: undefined };
}

/** The most memory that a run held at once, MB (10^6 bytes). */
export function megabytes(usage: Usage): number {
  return usage.peak * 1.048576;
}

/** Says on stderr what is going on. */
export function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}
