/**
 * Options and operands: tables, and the parser that follows them.
 *
 * Not `@std/cli/parse-args`: it takes a missing value for an empty one, takes the word `true` behind a flag for its value, refuses values that begin
 * with `-`, and loses the order between different options, which `--exclude` and `--exclude-from` need. Not `node:util`: measured, it costs half the time
 * of an empty program.
 *
 * @module
 */
import { UsageError } from "./exits.ts";

/** What every option says of itself. */
export interface Described {
  /** One line for the help text. */
  readonly help: string;
  /** One letter, without the dash. */
  readonly short?: string;
}

/** An option that is there or not. */
export interface Flag extends Described {
  /** Tells it from the others. */
  readonly kind: "flag";
}

/** An option with a value, given at most once. */
export interface Text extends Described {
  /** Tells it from the others. */
  readonly kind: "text";
  /** What the value is, in capitals. */
  readonly value: string;
}

/** An option with a value, given as often as wanted. */
export interface Texts extends Described {
  /** Tells it from the others. */
  readonly kind: "texts";
  /** What the value is, in capitals. */
  readonly value: string;
}

/** An option with a whole number, given at most once. */
export interface Count extends Described {
  /** Tells it from the others. */
  readonly kind: "count";
  /** What the value is, in capitals. */
  readonly value: string;
}

/** An option with one of a few words, given at most once. */
export interface Choice<Word extends string = string> extends Described {
  /** Tells it from the others. */
  readonly kind: "choice";
  /** The words. */
  readonly choices: readonly Word[];
}

/** An option. */
export type Option = Flag | Text | Texts | Count | Choice;

/** Options by their long names, without the dashes. */
export type Options = Readonly<Record<string, Option>>;

/** What was asked for, by name. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends Flag ? boolean
    : O[Name] extends Texts ? readonly string[]
    : O[Name] extends Count ? number | undefined
    : O[Name] extends Choice<infer Word> ? Word | undefined
    : string | undefined;
};

/** Something beside options. */
export interface Operand {
  /** What it is, in capitals. */
  readonly name: string;
  /** One line for the help text. */
  readonly help: string;
  /** Whether it may be left out. */
  readonly optional?: boolean;
  /** Whether there may be several; at most one of a command's may, and then none is optional but the last. */
  readonly many?: boolean;
}

/** What a command line says. */
export interface Parsed<O extends Options> {
  /** Values by name. */
  readonly options: Values<O>;
  /** Options with values, in the order in which they were given. */
  readonly given: readonly {
    readonly name: keyof O & string;
    readonly value: string;
  }[];
  /** What is beside options. */
  readonly operands: readonly string[];
  /** Whether help is wanted instead. */
  readonly help: boolean;
}

/**
 * How a command is typed.
 *
 * @param table The command's table.
 * @returns Such as `pxar list ARCHIVE [PATH]`.
 */
export function usageOf(
  table: { readonly name: string; readonly operands: readonly Operand[] },
): string {
  const operands = table.operands.map(({ name, optional, many }) => {
    const text = many ? `${name}...` : name;
    return optional ? `[${text}]` : text;
  });
  return ["pxar", table.name, ...operands].join(" ");
}

/**
 * What stands behind an option.
 *
 * @param option Any but a flag.
 * @returns In capitals, such as `FILE`, or the words, such as `text|json`.
 */
export function valueOf(option: Exclude<Option, Flag>): string {
  return option.kind === "choice" ? option.choices.join("|") : option.value;
}

/**
 * Understands a command's arguments: options anywhere, `--name value`, `--name=value`, `-l`, several letters behind one dash, `--` before operands
 * that begin with a dash.
 *
 * @param table The command's table.
 * @param args What was typed behind the command's name.
 * @returns What it says.
 * @throws {UsageError} If it says nothing that the table knows.
 */
export function parse<O extends Options>(
  table: {
    readonly name: string;
    readonly operands: readonly Operand[];
    readonly options: O;
  },
  args: readonly string[],
): Parsed<O> {
  const values: Record<
    string,
    boolean | string | string[] | number | undefined
  > = {};
  const given: { name: string; value: string }[] = [];
  const operands: string[] = [];
  for (const [name, { kind }] of Object.entries(table.options)) {
    values[name] = kind === "flag" ? false : kind === "texts" ? [] : undefined;
  }
  let at = 0;
  let help = false;

  const take = (name: string, shown: string, attached: string | undefined) => {
    const option = table.options[name]!;
    if (option.kind === "flag") {
      if (
        attached !== undefined && attached !== "true" && attached !== "false"
      ) {
        throw new UsageError(
          `Cannot use ${shown}=${attached}: expected nothing behind it, or true or false`,
        );
      }
      values[name] = attached !== "false";
      return;
    }
    const value = attached ?? args[at++];
    if (value === undefined) {
      throw new UsageError(
        `Cannot use ${shown}: its value is missing, expected ${shown} ${
          valueOf(option)
        }`,
      );
    }
    const before = values[name];
    if (Array.isArray(before)) before.push(value);
    else if (before !== undefined) {
      throw new UsageError(
        `Cannot use ${shown} twice: it has the value ${before} already`,
      );
    } else {
      if (option.kind === "choice") checkChoice(shown, value, option.choices);
      values[name] = option.kind === "count"
        ? wholeNumber(shown, value)
        : value;
    }
    given.push({ name, value });
  };

  while (at < args.length) {
    const word = args[at++]!;
    if (word === "--") {
      operands.push(...args.slice(at));
      break;
    }
    if (word === "--help" || word === "-h") help = true;
    else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const shown = equals < 0 ? word : word.slice(0, equals);
      const name = shown.slice(2);
      if (!Object.hasOwn(table.options, name)) throw unknown(table, shown);
      take(name, shown, equals < 0 ? undefined : word.slice(equals + 1));
    } else if (word.startsWith("-") && word.length > 1) {
      for (let i = 1; i < word.length; i++) {
        const letter = word[i]!;
        const found = Object.entries(table.options).find(([, { short }]) =>
          short === letter
        );
        if (!found) throw unknown(table, `-${letter}`);
        const [name, option] = found;
        const rest = word.slice(i + 1);
        if (option.kind === "flag") take(name, `-${letter}`, undefined);
        else {
          take(name, `-${letter}`, rest === "" ? undefined : rest);
          break;
        }
      }
    } else operands.push(word);
  }
  if (!help) checkOperands(table, operands);
  return { options: values as Values<O>, given, operands, help };
}

function unknown(
  table: { readonly name: string; readonly options: Options },
  shown: string,
): UsageError {
  const known = [
    ...Object.keys(table.options).map((name) => `--${name}`),
    "--help",
  ];
  return new UsageError(
    `Cannot use option ${shown}: "pxar help ${table.name}" does not know it`,
    { word: shown, known },
  );
}

function checkOperands(
  table: { readonly name: string; readonly operands: readonly Operand[] },
  operands: readonly string[],
): void {
  const missing = table.operands.findIndex(({ optional }, index) =>
    !optional && index >= operands.length
  );
  if (missing >= 0) {
    throw new UsageError(
      `Cannot ${doing(table.name)}: ${
        table.operands[missing]!.name
      } is missing, expected ${usageOf(table)}`,
    );
  }
  const many = table.operands.some(({ many }) => many);
  if (operands.length > table.operands.length && !many) {
    throw new UsageError(
      `Cannot ${doing(table.name)}: "${
        operands[table.operands.length]
      }" is one operand too many, expected ${usageOf(table)}`,
    );
  }
}

/** A command's name as what one cannot do. */
function doing(name: string): string {
  return name.includes(" ") ? `run ${name}` : name;
}

function checkChoice(
  shown: string,
  value: string,
  choices: readonly string[],
): void {
  if (choices.includes(value)) return;
  throw new UsageError(
    `Cannot use ${shown} ${value}: expected one of ${choices.join(", ")}`,
    { word: value, known: choices },
  );
}

function wholeNumber(shown: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (!Number.isSafeInteger(number)) {
    throw new UsageError(
      `Cannot use ${shown} ${value}: expected a whole number`,
    );
  }
  return number;
}
