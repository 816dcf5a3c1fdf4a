// The golden data of names, ids, pruning and manifests (tests/vectors/store), and the comparing that is the same for all of it.
import { FormatError } from "@pxar/format/errors";
import { assertEquals, assertThrows } from "../support/assert.ts";

/** What the official function answered. */
export type Result<T> = { readonly ok: T } | { readonly error: string };

/** A text, and what the official parser made of it. */
export interface Case<T> {
  readonly text: string;
  readonly result: Result<T>;
}

/** A file of tests/vectors/store. */
export function storeVector<T>(name: string): T {
  return JSON.parse(storeText(name));
}

/** The same as text. */
export function storeText(name: string): string {
  return Deno.readTextFileSync(storeUrl(name));
}

/** The same as bytes. */
export function storeBytes(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(storeUrl(name));
}

function storeUrl(name: string): URL {
  return new URL(`../vectors/store/${name}`, import.meta.url);
}

/**
 * Compares a parser with the official one in every case.
 *
 * @param cases All cases.
 * @param parse Gives what the official parser gives.
 * @param stricter Texts that the official parser takes and ours refuses, with the reason.
 */
export function compare<T>(
  cases: readonly Case<T>[],
  parse: (text: string) => T,
  stricter: Readonly<Record<string, string>> = {},
): void {
  const reasons = new Map(Object.entries(stricter));
  for (const { text, result } of cases) {
    const label = JSON.stringify(text);
    if ("ok" in result && !reasons.delete(text)) {
      assertEquals(parse(text), result.ok, label);
    } else {
      assertThrows(() => parse(text), FormatError, "expected", label);
    }
  }
  assertEquals(
    [...reasons.keys()],
    [],
    "not in the data, or refused there too",
  );
}

/** Whether a parser takes a text; what it refuses is refused by a FormatError. */
export function takes(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
