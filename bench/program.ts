/**
 * The programs that are measured.
 *
 * @module
 */
import { measure, type Surroundings, type Usage } from "./measure.ts";

/** The project's root. */
export const ROOT: string = new URL("..", import.meta.url).pathname;

/** How this project's program is started, as the README says. */
export const PXAR: readonly string[] = [
  Deno.execPath(),
  "run",
  "-A",
  `${ROOT}cli/main.ts`,
];

/** Runs this project's program once. */
export function pxar(
  args: readonly string[],
  around?: Surroundings,
): Promise<Usage> {
  return measure([...PXAR, ...args], around);
}

/** Runs GNU tar once. */
export function tar(args: readonly string[]): Promise<Usage> {
  return measure(["tar", "--xattrs", "--acls", ...args]);
}

/** The first line a program says about itself. */
export async function version(
  command: string,
  arg = "--version",
): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args: [arg] }).output();
  return new TextDecoder().decode(stdout).split("\n")[0]!;
}
