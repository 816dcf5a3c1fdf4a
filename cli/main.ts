/**
 * The program `pxar`: creates, lists, reads, extracts and checks Proxmox backup archives.
 *
 * ```sh
 * deno run -A cli/main.ts help
 * ```
 *
 * Small on purpose: each command's file is loaded when that command is wanted, so that a short command starts in the time of an empty program.
 *
 * @module
 */
import { findCommand, isGroup, loadCommand } from "./commands.ts";
import { UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";

async function run(args: readonly string[]): Promise<number> {
  const called = findCommand(args);
  const [name, rest] = called.name === undefined
    ? [args[0], args.slice(1)]
    : [called.name, called.rest];
  const asked = rest.some((word) => HELP.includes(word));
  if (name !== undefined && !HELP.includes(name)) {
    if (!asked || !isGroup(name)) {
      return await (await loadCommand(name)).run(rest);
    }
    return (await lazy("./help.ts")).printGroupHelp(name);
  }
  const help = await lazy("./help.ts");
  if (name === "--version" || name === "-V") return help.printVersion();
  const words = rest.filter((one) => !HELP.includes(one));
  if (words.length === 0) return await help.printHelp();
  const about = findCommand(words);
  const [more] = about.rest;
  if (about.name === undefined || more !== undefined) {
    throw new UsageError(
      `Cannot show help: "${
        more ?? words[0]
      }" is one word too many, expected pxar help [COMMAND]`,
    );
  }
  return isGroup(about.name)
    ? help.printGroupHelp(about.name)
    : help.printCommandHelp(await loadCommand(about.name));
}

const HELP: readonly string[] = ["help", "--help", "-h", "--version", "-V"];

if (import.meta.main) {
  let exit: number;
  try {
    exit = await run(Deno.args);
  } catch (error) {
    try {
      const { endingOf } = await lazy("./endings.ts");
      const ending = await endingOf(error);
      exit = ending.exit;
      if (ending.sentence !== undefined) {
        console.error(`pxar: ${ending.sentence}`);
      }
    } catch (refusal) {
      // The program's own files may not be read: run from source, it needs that permission too.
      exit = 1;
      console.error(`pxar: Cannot load the program: ${refusal}`);
    }
    const debug = Deno.permissions.querySync({
      name: "env",
      variable: "PXAR_DEBUG",
    });
    if (debug.state === "granted" && Deno.env.has("PXAR_DEBUG")) {
      console.error(error);
    }
  }
  Deno.exit(exit);
}
