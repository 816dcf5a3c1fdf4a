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
import { COMMANDS, loadCommand } from "./commands.ts";
import { UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";

async function run(args: readonly string[]): Promise<number> {
  // Options may come before the command's name, too, with values of their own.
  const first = args.findIndex((word) => !word.startsWith("-"));
  const known = args.findIndex((word) => COMMANDS.some((one) => one === word));
  const behind = first > 0 && known > 0 && args[first] !== "help";
  const at = Math.max(0, behind ? known : first);
  const [name, rest] = [args[at], args.toSpliced(at, 1)];
  if (name !== undefined && !HELP.includes(name)) {
    return await (await loadCommand(name)).run(rest);
  }
  const help = await lazy("./help.ts");
  if (name === "--version" || name === "-V") return help.printVersion();
  const [about = "help", more] = rest.filter((one) => !HELP.includes(one));
  if (more !== undefined || about.startsWith("-")) {
    throw new UsageError(
      `Cannot show help: "${
        more ?? about
      }" is one word too many, expected pxar help [COMMAND]`,
    );
  }
  return about === "help"
    ? await help.printHelp()
    : help.printCommandHelp(await loadCommand(about));
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
