/**
 * How the program ends: one number for each way, and the errors that name theirs.
 *
 * @module
 */

/** Exit codes by name. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  damaged: 4,
  missing: 5,
  busy: 6,
  wrongKey: 7,
  differs: 8,
  hungUp: 129,
  interrupted: 130,
  unread: 141,
  terminated: 143,
} as const;

/** What each exit code means, for `pxar help` and `docs/commands.md`. */
export const EXIT_TABLE: readonly (readonly [code: number, meaning: string])[] =
  [
    [EXIT.done, "done"],
    [EXIT.failed, "failed; nothing half-written is left under a final name"],
    [EXIT.usage, "wrong usage: unknown command, option or value"],
    [
      EXIT.incomplete,
      "done, but incomplete: some entries failed, or something could not be kept here",
    ],
    [EXIT.damaged, "an archive, store or key is damaged, or is not one"],
    [EXIT.missing, "what was asked for is not in the archive or store"],
    [
      EXIT.busy,
      "not now: in use by another process, protected, or not empty",
    ],
    [EXIT.wrongKey, "a key or passphrase is missing or wrong"],
    [EXIT.differs, "what was compared differs (diff)"],
    [EXIT.hungUp, "the terminal was closed (SIGHUP)"],
    [EXIT.interrupted, "interrupted (Ctrl-C, SIGINT)"],
    [EXIT.unread, "whoever read the output stopped reading"],
    [EXIT.terminated, "terminated (SIGTERM)"],
  ];

/** An error that says how the program ends. */
export class ExitError extends Error {
  /** The exit code. */
  readonly exit: number;

  /**
   * Makes an error; nothing is printed.
   *
   * @param exit The exit code.
   * @param message One sentence: Cannot verb object: what is, expected what should be.
   */
  constructor(exit: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
  }
}

/** The command line cannot be understood. */
export class UsageError extends ExitError {
  /** The unknown word, and those that are known in its place. */
  readonly near:
    | { readonly word: string; readonly known: readonly string[] }
    | undefined;

  /**
   * Makes an error; nothing is printed.
   *
   * @param message One sentence.
   * @param near For an unknown word: the word, and the known ones.
   */
  constructor(
    message: string,
    near?: { word: string; known: readonly string[] },
  ) {
    super(EXIT.usage, message);
    this.near = near;
  }
}

const SIGNALS = {
  SIGHUP: [EXIT.hungUp, "the terminal was closed"],
  SIGINT: [EXIT.interrupted, "interrupted"],
  SIGTERM: [EXIT.terminated, "terminated"],
} as const;

/** A signal ended the work. */
export class Interrupted extends ExitError {
  /**
   * Makes an error; nothing is printed.
   *
   * @param signal Which one.
   */
  constructor(signal: keyof typeof SIGNALS) {
    const [exit, why] = SIGNALS[signal];
    super(exit, `Cannot finish: ${why}`);
  }
}

/**
 * The reason within an error, as the end of a sentence.
 *
 * @param error What was thrown.
 * @returns Without a capital at its beginning or a full stop at its end.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.NotCapable) {
    const asked = /^Requires (.+?),? run again with the (--[\w-]+)/.exec(
      error.message,
    );
    if (asked) {
      return `permission for ${asked[1]} is not granted, expected ${asked[2]}`;
    }
  }
  const system = /^(.+?) \(os error \d+\)/.exec(error.message);
  if (!system) return error.message;
  return system[1]!.charAt(0).toLowerCase() + system[1]!.slice(1);
}
