/**
 * Limits of speed, which official command lines have and a folder has no use for.
 *
 * @module
 */
import { UsageError } from "./exits.ts";
import type { Text } from "./options.ts";
import type { Voice } from "./voice.ts";

/** Values of the options. */
export interface RateChoice {
  /** Bytes a second, if it was typed. */
  readonly rate: string | undefined;
  /** Bytes that may go at once, if it was typed. */
  readonly burst: string | undefined;
}

/** The options. */
export const RATE_OPTIONS: { readonly rate: Text; readonly burst: Text } = {
  rate: {
    kind: "text",
    value: "RATE",
    help: "for servers: how fast, such as 10MB; a folder has no limit",
  },
  burst: { kind: "text", value: "SIZE", help: "for servers: the same" },
};

/** A number with a unit, as the official client takes it. */
const SIZE = /^\d+(?:\.\d+)? ?(?:[kmgt]i?)?b?$/i;

/**
 * Says that limits change nothing.
 *
 * @param choice What was typed.
 * @param voice Says it.
 * @throws {UsageError} If one is no size.
 */
export function checkRates(choice: RateChoice, voice: Voice): void {
  for (const name of ["rate", "burst"] as const) {
    const value = choice[name];
    if (value === undefined || SIZE.test(value)) continue;
    throw new UsageError(
      `Cannot use --${name} ${value}: expected a size, such as 10MB or 512KiB`,
    );
  }
  if (choice.rate !== undefined || choice.burst !== undefined) {
    voice.note("--rate and --burst change nothing: the store is a folder");
  }
}
