/**
 * Help, made from the tables that the parser follows.
 *
 * @module
 */
import type { Description } from "./command.ts";
import { COMMANDS, loadCommand } from "./commands.ts";
import { EXIT, EXIT_TABLE } from "./exits.ts";
import { type Option, type Options, usageOf } from "./options.ts";
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
    const value = option.kind === "flag" ? "" : ` ${option.value}`;
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    const often = option.kind === "texts" ? " (may be repeated)" : "";
    return [`${short}--${name}${value}`, option.help + often];
  });
  const parts = [
    `${command.summary}\n\nUsage: ${usageOf(command)} [OPTION...]`,
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
 * Prints what `pxar` alone prints: all commands and exit codes.
 *
 * @returns The exit code.
 */
export async function printHelp(): Promise<number> {
  const rows: [string, string][] = [];
  for (const name of COMMANDS) {
    rows.push([name, (await loadCommand(name)).summary]);
  }
  rows.push(["help [COMMAND]", "This text, or all about one command"]);
  print(`pxar ${VERSION}: Proxmox backup archives

Usage: pxar COMMAND [ARGUMENT...]

Commands:
${columns(rows)}

Exit codes:
${columns(EXIT_TABLE.map(([code, meaning]) => [String(code), meaning]))}

"pxar help COMMAND" shows a command's options and examples; "pxar --version" the version.
`);
  return EXIT.done;
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
