/**
 * A question on the terminal that is answered with yes or no.
 *
 * @module
 */
import { UsageError } from "./exits.ts";
import { interruptible } from "./signals.ts";
import { unless } from "./turning.ts";

/** Most bytes of an answer. */
const LIMIT = 256;
const YES = /^\s*y(?:es)?\s*$/i;

/**
 * Asks whether something is to be done.
 *
 * @param question Without a question mark.
 * @param doing What is not done without an answer, such as `forget the group`.
 * @returns Whether the answer was yes; anything else is no.
 * @throws {UsageError} If there is no terminal to ask on.
 * @throws {Interrupted} If a signal or Ctrl-C came.
 */
export async function confirmed(
  question: string,
  doing: string,
): Promise<boolean> {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError(
      `Cannot ${doing}: standard input is no terminal to ask on, expected --yes`,
    );
  }
  Deno.stderr.writeSync(new TextEncoder().encode(`${question}? (y/N) `));
  return await interruptible(async ({ signal }) => {
    const bytes = new Uint8Array(LIMIT);
    // A terminal gives a line at a time.
    const got = await unless(signal, Deno.stdin.read(bytes));
    return YES.test(new TextDecoder().decode(bytes.subarray(0, got ?? 0)));
  });
}
