/**
 * What an error means for the one who typed the command. Loaded when there is one.
 *
 * @module
 */
import { showName } from "@pxar/format/name";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";

/** How an error ends the program. */
export interface Ending {
  /** The exit code. */
  readonly exit: number;
  /** The sentence to be said; `undefined` where there is nobody to hear it. */
  readonly sentence: string | undefined;
}

/**
 * What an error means for the one who typed the command.
 *
 * @param error What was thrown.
 * @returns The exit code, and one sentence on one line.
 */
export async function endingOf(error: unknown): Promise<Ending> {
  if (error instanceof Deno.errors.BrokenPipe) {
    return { exit: EXIT.unread, sentence: undefined };
  }
  if (error instanceof UsageError) {
    return {
      exit: EXIT.usage,
      sentence: oneLine(error.message + await hint(error)),
    };
  }
  if (error instanceof ExitError) {
    return { exit: error.exit, sentence: oneLine(error.message) };
  }
  if (!(error instanceof Error)) {
    return { exit: EXIT.failed, sentence: oneLine(`Cannot finish: ${error}`) };
  }
  const exit = EXIT_OF[error.name] ?? exitOfCause(error);
  return { exit, sentence: oneLine(sentenceOf(error)) };
}

const EXIT_OF: Readonly<Record<string, number>> = {
  FormatError: EXIT.damaged,
  TruncatedError: EXIT.damaged,
  UnsupportedError: EXIT.damaged,
  IntegrityError: EXIT.damaged,
  NotFoundError: EXIT.missing,
  BusyError: EXIT.busy,
  KeyError: EXIT.wrongKey,
};

/** With `--strict`, damage comes as the reason why an entry could not be restored. */
function exitOfCause({ cause }: Error): number {
  if (!(cause instanceof Error)) return EXIT.failed;
  const damage = cause.name === "IntegrityError" ||
    EXIT_OF[cause.name] === EXIT.damaged &&
      "offset" in cause && cause.offset !== undefined;
  return damage ? EXIT.damaged : EXIT.failed;
}

const OURS =
  /^(?:Pxar|Format|Truncated|Unsupported|Integrity|NotFound|Busy|Key|System)Error$/;

function sentenceOf(error: Error): string {
  if (OURS.test(error.name)) return error.message;
  const system = /\(os error \d+\): (\w+) (.+)$/s.exec(error.message);
  if (system) return `Cannot ${system[1]} ${system[2]}: ${reasonOf(error)}`;
  if (/^Cannot /.test(error.message)) return error.message;
  const reason = reasonOf(error);
  if (reason !== error.message) return `Cannot go on: ${reason}`;
  return `Cannot go on: ${error.name}, ${error.message} (a fault of pxar; PXAR_DEBUG=1 shows where)`;
}

/** Control characters must neither break the sentence nor steer the terminal. */
function oneLine(text: string): string {
  return showName(new TextEncoder().encode(text));
}

async function hint({ near }: UsageError): Promise<string> {
  if (near === undefined) return "";
  let nearest = "", least = Infinity;
  try {
    const { levenshteinDistance } = await lazy("./std_text.ts");
    for (const one of near.known) {
      const distance = levenshteinDistance(near.word, one);
      if (distance < least) [nearest, least] = [one, distance];
    }
  } catch {
    return ""; // The library has not been fetched yet, and cannot be.
  }
  return least <= 1 + near.word.length / 3
    ? `, perhaps ${nearest} is meant`
    : "";
}
