/**
 * A question on the terminal whose answer is not shown.
 *
 * @module
 */
import { EXIT, ExitError, Interrupted } from "./exits.ts";
import { interruptible } from "./signals.ts";
import { unless } from "./turning.ts";

const ENTER = 0x0d, LINE_FEED = 0x0a;
const INTERRUPT = 0x03, END = 0x04, BACKSPACE = 0x08, DELETE = 0x7f;
const ERASE_LINE = 0x15;
/** Most bytes of an answer. */
const LIMIT = 1 << 12;
const STRICT = new TextDecoder("utf-8", { fatal: true });
const ENCODER = new TextEncoder();
/** What was typed behind the last answer. */
let ahead: Uint8Array = new Uint8Array(0);

/**
 * Asks, and reads a line without showing it. Backspace and Ctrl-U work as usual, Ctrl-C ends the program.
 *
 * @param question Written to standard error.
 * @returns The line, without its end.
 * @throws {ExitError} If the terminal was closed, or the answer is not UTF-8.
 * @throws {Interrupted} If a signal or Ctrl-C came.
 */
export async function ask(question: string): Promise<string> {
  const say = (text: string) => Deno.stderr.writeSync(ENCODER.encode(text));
  return await interruptible(async ({ signal }) => {
    Deno.stdin.setRaw(true);
    try {
      say(question);
      return await readLine(signal);
    } finally {
      Deno.stdin.setRaw(false);
      say("\n");
    }
  }, () => Deno.stdin.setRaw(false));
}

async function readLine(signal: AbortSignal): Promise<string> {
  const answer: number[] = [];
  const bytes = new Uint8Array(256);
  while (true) {
    while (ahead.length > 0) {
      const byte = ahead[0]!;
      ahead = ahead.subarray(1);
      if (byte === ENTER || byte === LINE_FEED) return textOf(answer);
      if (byte === INTERRUPT) throw new Interrupted("SIGINT");
      if (byte === END) {
        if (answer.length === 0) throw closed();
        return textOf(answer);
      }
      if (byte === ERASE_LINE) answer.length = 0;
      else if (byte === BACKSPACE || byte === DELETE) erase(answer);
      else if (answer.push(byte) > LIMIT) throw tooLong();
    }
    const got = await unless(signal, Deno.stdin.read(bytes));
    if (got === null) throw closed();
    ahead = bytes.slice(0, got);
  }
}

/** Takes away the last letter: the bytes that go on with it, and the one that begins it. */
function erase(answer: number[]): void {
  while (answer.length > 0) {
    if ((answer.pop()! & 0xc0) !== 0x80) return;
  }
}

function textOf(answer: readonly number[]): string {
  try {
    return STRICT.decode(Uint8Array.from(answer));
  } catch {
    throw new ExitError(
      EXIT.failed,
      "Cannot use the answer: it is not UTF-8, expected text",
    );
  }
}

function closed(): ExitError {
  return new ExitError(
    EXIT.failed,
    "Cannot go on without an answer: the terminal has no more to read",
  );
}

function tooLong(): ExitError {
  return new ExitError(
    EXIT.failed,
    `Cannot use the answer: it has more than ${LIMIT} bytes, expected fewer`,
  );
}
