/**
 * Help, made from the tables that the parser follows.
 *
 * @module
 */
import type { Description } from "./command.ts";
import {
  aliasesOf,
  COMMANDS,
  commandsOf,
  GROUPS,
  loadCommand,
} from "./commands.ts";
import { EXIT, EXIT_TABLE } from "./exits.ts";
import { type Option, type Options, usageOf, valueOf } from "./options.ts";
import { print } from "./output.ts";
import { VERSION } from "./version.ts";

/** What help needs of a command. */
export type DescribedCommand = Omit<Description<Options>, "run">;

/**
 * The help text of one command.
 *
 * @param command Its table.
 * @returns Usage, operands, options, examples.
 */
export function commandHelp(command: DescribedCommand): string {
  const options = Object.entries<Option>(command.options).map((
    [name, option],
  ): readonly [string, string] => {
    const value = option.kind === "flag" ? "" : ` ${valueOf(option)}`;
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    const often = option.kind === "texts" ? " (may be repeated)" : "";
    return [`${short}--${name}${value}`, option.help + often];
  });
  const aliases = aliasesOf(command.name);
  const parts = [
    `${command.summary}\n\nUsage: ${usageOf(command)} [OPTION...]`,
    aliases.length === 0
      ? undefined
      : `Short: ${aliases.map((alias) => `pxar ${alias}`).join(", ")}`,
    columns(command.operands.map(({ name, help }) => [name, help])),
    `Options:\n${columns([...options, ["-h, --help", "show this text"]])}`,
    command.notes,
    `Examples:\n${
      command.examples.map(({ run, does }) => `  # ${does}\n  ${run}`).join(
        "\n",
      )
    }`,
  ];
  return parts.filter((part) => part !== undefined && part !== "").join(
    "\n\n",
  ) + "\n";
}

/**
 * Prints the help of one command.
 *
 * @param command Its table.
 * @returns The exit code.
 */
export function printCommandHelp(command: DescribedCommand): number {
  print(commandHelp(command));
  return EXIT.done;
}

/**
 * Prints which commands share their first words.
 *
 * @param words Such as `key`.
 * @returns The exit code.
 */
export async function printGroupHelp(words: string): Promise<number> {
  const about = GROUPS[words];
  print(
    `${about === undefined ? "" : `${about}\n\n`}Usage: pxar ${words} ${
      commandsOf(words).some((one) => one.slice(words.length + 1).includes(" "))
        ? "COMMAND..."
        : "COMMAND"
    } [ARGUMENT...]

Commands:
${columns(await rowsOf(commandsOf(words)))}

"pxar help ${words} COMMAND" shows a command's options and examples.
`,
  );
  return EXIT.done;
}

/**
 * Prints what `pxar` alone prints: all commands and exit codes.
 *
 * @returns The exit code.
 */
export async function printHelp(): Promise<number> {
  // A command that is alone in its group needs no heading of its own.
  const alone = COMMANDS.filter((one) => {
    const [group] = one.split(" ");
    return group === one || commandsOf(group!).length === 1;
  });
  const rows = await rowsOf(alone);
  rows.push(["help [COMMAND]", "This text, or all about one command"]);
  let groups = "";
  for (const [group, about] of Object.entries(GROUPS)) {
    const below = commandsOf(group);
    if (below.length < 2) continue;
    groups += `${about}:\n${columns(await rowsOf(below))}\n\n`;
  }
  print(`pxar ${VERSION}: Proxmox backup archives

Usage: pxar COMMAND [ARGUMENT...]

Commands:
${columns(rows)}

${groups}Exit codes:
${columns(EXIT_TABLE.map(([code, meaning]) => [String(code), meaning]))}

"pxar help COMMAND" shows a command's options and examples; "pxar --version" the version.
`);
  return EXIT.done;
}

async function rowsOf(
  names: readonly string[],
): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  for (const name of names) {
    rows.push([name, (await loadCommand(name)).summary]);
  }
  return rows;
}

/**
 * Prints the version.
 *
 * @returns The exit code.
 */
export function printVersion(): number {
  print(`pxar ${VERSION}\n`);
  return EXIT.done;
}

/** Two columns; where the left one is too wide, the right one goes to the next line. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(28, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length <= width
      ? `  ${left.padEnd(width)}  ${right}`
      : `  ${left}\n  ${" ".repeat(width)}  ${right}`
  ).join("\n");
}
