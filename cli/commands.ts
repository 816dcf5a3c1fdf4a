/**
 * Every command.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";

/** Their names, in the order in which help shows them; each is in the file of its name. */
export const COMMANDS = [
  "create",
  "extract",
  "list",
  "ls",
  "cat",
  "stat",
  "find",
  "info",
  "check",
] as const;

/**
 * Loads a command.
 *
 * @param name As it was typed.
 * @returns The command.
 * @throws {UsageError} If there is none of that name.
 */
export async function loadCommand(name: string): Promise<Command> {
  const known = COMMANDS.find((one) => one === name);
  if (known !== undefined) return (await lazy(`./${known}.ts`)).COMMAND;
  throw new UsageError(
    `Cannot run "${name}": "pxar help" does not know such a command`,
    { word: name, known: [...COMMANDS, "help"] },
  );
}
