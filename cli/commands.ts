/**
 * Every command.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";

/** Their names, in the order in which help shows them; `key create` is in `key_create.ts`. */
export const COMMANDS = [
  "backup",
  "create",
  "extract",
  "restore",
  "list",
  "ls",
  "cat",
  "stat",
  "find",
  "info",
  "check",
  "cp",
  "merge",
  "convert",
  "export",
  "import",
  "diff",
  "groups",
  "change-owner",
  "prune",
  "verify",
  "sync",
  "garbage-collect",
  "status",
  "store init",
  "snapshot list",
  "snapshot files",
  "snapshot forget",
  "snapshot notes show",
  "snapshot notes update",
  "snapshot protected show",
  "snapshot protected update",
  "snapshot upload-log",
  "group forget",
  "group notes show",
  "group notes update",
  "namespace list",
  "namespace create",
  "namespace delete",
  "catalog dump",
  "catalog shell",
  "index show",
  "blob decode",
  "key create",
  "key show",
  "key change-passphrase",
  "key paperkey",
  "key create-master-key",
  "key show-master-pubkey",
  "key import-master-pubkey",
  "key import-with-master-key",
] as const;

/** What the commands that share their first word are about. */
export const GROUPS: Readonly<Record<string, string>> = {
  store: "Making a datastore",
  snapshot: "Snapshots of a datastore",
  group: "Groups of snapshots",
  namespace: "Namespaces of groups",
  catalog: "What is in a snapshot's archives",
  index: "What an archive consists of",
  blob: "Stored files",
  key: "Encryption keys and master keys",
};

/** Other names, most of them the official client's, by what they stand for. One whose command is not there is no name. */
export const ALIASES: Readonly<Record<string, string>> = {
  snapshots: "snapshot list",
  files: "snapshot files",
  forget: "snapshot forget",
  notes: "snapshot notes show",
  protect: "snapshot protected update",
  "upload-log": "snapshot upload-log",
  gc: "garbage-collect",
};

/** Most words that a name has. */
const LONGEST = 3;

/** A command's name. */
type Name = typeof COMMANDS[number];
type Replaced<Text extends string, Letter extends string> = Text extends
  `${infer Before}${Letter}${infer After}`
  ? `${Before}_${Replaced<After, Letter>}`
  : Text;
type Underscored<Text extends string> = Replaced<Replaced<Text, " ">, "-">;

/** What a command line calls. */
export interface Called {
  /** The command's own name; or what stands in its place, such as the first word of several commands; `undefined` where nothing does. */
  readonly name: string | undefined;
  /** All other words. */
  readonly rest: readonly string[];
}

/**
 * Finds a command's name: the longest one that begins where a name may begin. Options may come before it, with values of their own.
 *
 * @param args What was typed behind the program's name.
 * @returns Its name; nothing has been loaded.
 */
export function findCommand(args: readonly string[]): Called {
  const first = args.findIndex((word) => !word.startsWith("-"));
  if (first < 0) return { name: undefined, rest: args };
  const places = first === 0 || args[first] === "help"
    ? [first]
    : args.keys().toArray();
  for (const at of places) {
    for (let to = Math.min(args.length, at + LONGEST); to > at; to--) {
      const name = commandOf(args.slice(at, to).join(" "));
      if (name !== undefined) return without(args, at, to, name);
    }
  }
  // Words that begin a command's name, and the one behind them that does not go on with it.
  let to = first + 1;
  while (to < args.length && isGroup(args.slice(first, to).join(" "))) {
    if (args[to]!.startsWith("-")) break;
    to++;
  }
  return without(args, first, to, args.slice(first, to).join(" "));
}

function without(
  args: readonly string[],
  from: number,
  to: number,
  name: string,
): Called {
  return { name, rest: args.toSpliced(from, to - from) };
}

/** A command's own name; `undefined` if the words are none. */
function commandOf(words: string): Name | undefined {
  const alias = Object.hasOwn(ALIASES, words) ? ALIASES[words] : undefined;
  return COMMANDS.find((one) => one === words || one === alias);
}

/**
 * Whether words begin the names of commands, and are none.
 *
 * @param words Such as `key`.
 */
export function isGroup(words: string): boolean {
  return commandsOf(words).length > 0;
}

/**
 * The commands whose names begin with words.
 *
 * @param words Such as `key`.
 * @returns Their names.
 */
export function commandsOf(words: string): readonly Name[] {
  return COMMANDS.filter((one) => one.startsWith(`${words} `));
}

/**
 * A command's other names.
 *
 * @param name Its own.
 */
export function aliasesOf(name: string): readonly string[] {
  return Object.keys(ALIASES).filter((alias) => ALIASES[alias] === name);
}

/**
 * Loads a command.
 *
 * @param words Its name or another one of its names.
 * @returns The command.
 * @throws {UsageError} If there is none of that name.
 */
export async function loadCommand(words: string): Promise<Command> {
  const name = commandOf(words);
  if (name !== undefined) return (await lazy(fileOf(name))).COMMAND;
  const below = commandsOf(words);
  if (below.length > 0) {
    throw new UsageError(
      `Cannot run "${words}": a word is missing, expected one of ${
        below.map((one) => one.slice(words.length + 1)).join(", ")
      }`,
    );
  }
  const known = [
    ...COMMANDS,
    ...Object.keys(ALIASES).filter((alias) => commandOf(alias)),
    "help",
  ];
  throw new UsageError(
    `Cannot run "${words}": "pxar help" does not know such a command`,
    { word: words, known },
  );
}

function fileOf<One extends Name>(name: One): `./${Underscored<One>}.ts` {
  return `./${name.replaceAll(/[ -]/g, "_") as Underscored<One>}.ts`;
}
