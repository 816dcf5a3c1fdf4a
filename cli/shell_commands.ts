/**
 * The commands of the catalog shell: how they are typed, and what a line goes on with. Names, operands and options are the official client's.
 *
 * Source: protocol spec F.4.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { EXIT, UsageError } from "./exits.ts";
import { unquote } from "./names.ts";
import { type Operand, type Options, parse, type Parsed } from "./options.ts";
import { Lines } from "./output.ts";
import { readPatterns } from "./patterns.ts";
import { completeWord, lineWords, unfinishedWord } from "./shell_line.ts";
import type { ShellSession } from "./shell_session.ts";

/** Most names that are offered. */
const OFFERED = 1000;

/** A command that ends the session. */
const EXITS = "exit";

interface Description<O extends Options> {
  /** What stands behind its name, as official help has it. */
  readonly usage: string;
  readonly help: string;
  readonly operands: readonly Operand[];
  readonly options: O;
  /** What its operand is. */
  readonly takes?: "entry" | "directory" | "command";
  readonly run: (
    session: ShellSession,
    parsed: Parsed<O>,
    signal: AbortSignal,
  ) => Promise<number | void> | number | void;
}

interface ShellCommand extends Omit<Description<Options>, "run"> {
  readonly run: (
    name: string,
    words: readonly string[],
    session: ShellSession,
    signal: AbortSignal,
  ) => Promise<number>;
}

const PATH: Operand = { name: "PATH", help: "in the archive" };
const MAYBE_PATH: Operand = { ...PATH, optional: true };
const TARGET: Operand = {
  name: "TARGET",
  help: "a folder here; nothing in it is replaced",
};

const SHELL_COMMANDS: Readonly<Record<string, ShellCommand>> = {
  cd: shellCommand({
    usage: "[<path>]",
    help: "go to a directory",
    operands: [MAYBE_PATH],
    options: {},
    takes: "directory",
    run: (session, { operands: [path] }) =>
      session.cd(path === undefined ? undefined : unquote(path)),
  }),
  "clear-selected": shellCommand({
    usage: "",
    help: "select nothing",
    operands: [],
    options: {},
    run: (session) => session.clearSelected(),
  }),
  deselect: shellCommand({
    usage: "<path>",
    help: "take back what was selected",
    operands: [PATH],
    options: {},
    takes: "entry",
    run: (session, { operands: [path] }) => session.deselect(unquote(path!)),
  }),
  [EXITS]: shellCommand({
    usage: "",
    help: "leave; as Ctrl-D does",
    operands: [],
    options: {},
    run: () => {},
  }),
  find: shellCommand({
    usage: "<pattern> [OPTIONS]",
    help: "print what matches, anywhere in the archive; --select selects it",
    operands: [{ name: "PATTERN", help: "as for extract" }],
    options: { select: { kind: "flag", help: "also select it" } },
    run: (session, { operands: [text], options }, signal) => {
      const [pattern] = readPatterns([text!], "include", true);
      return session.find(pattern!, options.select, signal);
    },
  }),
  help: shellCommand({
    usage: "[{<command>}] [OPTIONS]",
    help: "explain the commands",
    operands: [{ name: "COMMAND", help: "only this one", optional: true }],
    options: {},
    takes: "command",
    run: (_session, { operands: [name] }) => printHelp(name),
  }),
  "list-selected": shellCommand({
    usage: "[OPTIONS]",
    help: "print what is selected; --patterns as patterns for extract",
    operands: [],
    options: { patterns: { kind: "flag", help: "as patterns" } },
    run: (session, { options }) => session.listSelected(options.patterns),
  }),
  ls: shellCommand({
    usage: "[<path>]",
    help: "list a directory",
    operands: [MAYBE_PATH],
    options: {},
    takes: "entry",
    run: (session, { operands: [path] }, signal) =>
      session.ls(path === undefined ? undefined : unquote(path), signal),
  }),
  pwd: shellCommand({
    usage: "",
    help: "print the directory",
    operands: [],
    options: {},
    run: (session) => session.pwd(),
  }),
  restore: shellCommand({
    usage: "<target> [OPTIONS]",
    help: "restore the directory here; --pattern PATTERN what matches in it",
    operands: [TARGET],
    options: {
      pattern: { kind: "text", value: "PATTERN", help: "only what matches" },
    },
    run: (session, { operands: [target], options: { pattern } }, signal) => {
      const texts = pattern === undefined ? [] : [pattern];
      const patterns = readPatterns(texts, "include", true);
      return session.restore(unquote(target!), patterns, signal);
    },
  }),
  "restore-selected": shellCommand({
    usage: "<target>",
    help: "restore what is selected",
    operands: [TARGET],
    options: {},
    run: (session, { operands: [target] }, signal) =>
      session.restoreSelected(unquote(target!), signal),
  }),
  select: shellCommand({
    usage: "<path>",
    help: "select an entry to be restored, a directory with all in it",
    operands: [PATH],
    options: {},
    takes: "entry",
    run: (session, { operands: [path] }) => session.select(unquote(path!)),
  }),
  stat: shellCommand({
    usage: "<path>",
    help: "show an entry's type, mode, owner, size and time",
    operands: [PATH],
    options: {},
    takes: "entry",
    run: (session, { operands: [path] }) => session.stat(unquote(path!)),
  }),
};

/** What a line came to. */
export interface LineEnd {
  /** The exit code that it deserves. */
  readonly exit: number;
  /** Whether the session is to end. */
  readonly leaves: boolean;
}

/**
 * Does what a line says.
 *
 * @param line As it was typed.
 * @param session Where.
 * @param signal Ends it.
 * @returns What it came to; an empty line and one that begins with `#` do nothing.
 * @throws {UsageError} If it says nothing that can be done.
 */
export async function runLine(
  line: string,
  session: ShellSession,
  signal: AbortSignal,
): Promise<LineEnd> {
  const [name, ...words] = lineWords(line);
  if (name === undefined) return { exit: EXIT.done, leaves: false };
  const exit = await commandOf(name).run(name, words, session, signal);
  return { exit, leaves: name === EXITS && !isHelp(words) };
}

/**
 * What a line may go on with: commands, options, and what is in the archive.
 *
 * @param line What stands before the cursor.
 * @param session Where.
 * @returns What may take the place of the line's last part, and that part.
 * @throws {PxarError} If the archive is damaged where the line leads.
 */
export async function completeLine(
  line: string,
  session: ShellSession,
): Promise<[completions: string[], part: string]> {
  const word = unfinishedWord(line), { before, raw, text } = word;
  const words = (all: readonly string[]): [string[], string] => [
    all.filter((one) => one.startsWith(raw)).map((one) => `${one} `),
    raw,
  ];
  const names = Object.keys(SHELL_COMMANDS), [name] = before;
  if (name === undefined) return words(names);
  if (!Object.hasOwn(SHELL_COMMANDS, name)) return [[], raw];
  const { takes, options } = SHELL_COMMANDS[name]!;
  if (raw.startsWith("-")) {
    return words([...Object.keys(options), "help"].map((one) => `--${one}`));
  }
  if (takes === "command") return words(names);
  if (takes === undefined) return [[], raw];
  const path: Bytes = unquote(text);
  const found = await session.beginningWith(path, OFFERED);
  return [
    found.filter(({ kind }) =>
      takes === "entry" || kind === "directory" || kind === "symlink"
    ).map(({ name, kind }) => completeWord(word, name, kind === "directory")),
    raw,
  ];
}

function shellCommand<O extends Options>(
  description: Description<O>,
): ShellCommand {
  const { operands, options } = description;
  return {
    ...description,
    run: async (name, words, session, signal) => {
      if (isHelp(words)) {
        printHelp(name);
        return EXIT.done;
      }
      const parsed = parseWords({ name, operands, options }, words);
      return await description.run(session, parsed, signal) ?? EXIT.done;
    },
  };
}

/** The program's own parser; what it says of help is put as it is typed here. */
function parseWords<O extends Options>(
  table: { name: string; operands: readonly Operand[]; options: O },
  words: readonly string[],
): Parsed<O> {
  try {
    return parse(table, words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = error.message.replace('"pxar help ', '"help ')
      .replace("expected pxar ", "expected ");
    throw new UsageError(message, error.near);
  }
}

function isHelp(words: readonly string[]): boolean {
  return words.includes("--help") || words.includes("-h");
}

function printHelp(only: string | undefined): void {
  if (only !== undefined) commandOf(only);
  const lines = new Lines();
  for (const [name, { usage, help }] of Object.entries(SHELL_COMMANDS)) {
    if (only !== undefined && name !== only) continue;
    lines.line(`${`${name} ${usage}`.trim().padEnd(30)} ${help}`);
  }
  if (only === undefined) {
    lines.line("");
    lines.line('Names may be typed as they are printed: "sp ace\\ttab\\xFF".');
  }
  lines.end();
}

function commandOf(name: string): ShellCommand {
  if (Object.hasOwn(SHELL_COMMANDS, name)) return SHELL_COMMANDS[name]!;
  throw new UsageError(
    `Cannot run "${name}": there is no such command, "help" shows all`,
    { word: name, known: Object.keys(SHELL_COMMANDS) },
  );
}
