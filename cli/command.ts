/**
 * What a command is: one table that both the parser and the help text are made from.
 *
 * @module
 */
import { type Operand, type Options, parse, type Parsed } from "./options.ts";
import { lazy } from "./lazy.ts";

/** A line that can be typed, and what it does. */
export interface Example {
  /** The whole line, beginning with `pxar`. */
  readonly run: string;
  /** What it does, in a few words. */
  readonly does: string;
}

/** A command as its file describes it. */
export interface Description<O extends Options> {
  /** Its name. */
  readonly name: string;
  /** What it does, one line. */
  readonly summary: string;
  /** What is to be known beside the options, lines of at most 79 columns. */
  readonly notes?: string;
  /** What it takes beside options, in order. */
  readonly operands: readonly Operand[];
  /** What can be asked for. */
  readonly options: O;
  /** Two real ones. */
  readonly examples: readonly [Example, Example];
  /** Does it; returns the exit code. */
  readonly run: (parsed: Parsed<O>) => Promise<number>;
}

/** A command as the program runs it. */
export interface Command extends Omit<Description<Options>, "run"> {
  /** Understands its arguments, or throws a UsageError. */
  readonly parse: (args: readonly string[]) => Parsed<Options>;
  /** Understands its arguments, and does it. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/**
 * Makes a command from its description.
 *
 * @param description Its table and what it does.
 * @returns What the program runs.
 */
export function command<O extends Options>(
  description: Description<O>,
): Command {
  return {
    ...description,
    parse: (args) => parse(description, args),
    run: async (args) => {
      const parsed = parse(description, args);
      if (!parsed.help) return await description.run(parsed);
      const { printCommandHelp } = await lazy("./help.ts");
      return printCommandHelp(description);
    },
  };
}
