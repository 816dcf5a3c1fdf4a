// Runs the program as a user does: in a process of its own.
import type { Bytes } from "@pxar/format/bytes";

/** Where the program is. */
export const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

/** What ends it early, and how it ends then; a SIGHUP only where whoever runs the tests does not ignore it, as under nohup. */
export const SIGNALS: readonly (readonly [Deno.Signal, number])[] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ...(hangsUp() ? [["SIGHUP", 129]] as const : []),
];

function hangsUp(): boolean {
  if (Deno.build.os !== "linux") return false;
  const status = Deno.readTextFileSync("/proc/self/status");
  const ignored = BigInt(`0x${/^SigIgn:\s*(\w+)$/m.exec(status)![1]}`);
  if ((ignored & 1n) === 0n) return true;
  console.error("SKIPPED: SIGHUP ends the program: it is ignored here");
  return false;
}

/** How the program is run. */
export interface RunOptions {
  /** What it reads from standard input; nothing unless given. */
  readonly stdin?: Uint8Array;
  /** Working directory. */
  readonly cwd?: string;
  /** Environment beside the present one. */
  readonly env?: Record<string, string>;
  /** What Deno grants; `-A` unless given. */
  readonly grants?: readonly string[];
}

/** What came of it. */
export interface Ran {
  readonly code: number;
  readonly bytes: Bytes;
  readonly out: string;
  readonly err: string;
}

/** The program, ready to be spawned. */
export function program(
  args: readonly string[],
  options: RunOptions = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...(options.grants ?? ["-A"]), MAIN, ...args],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { TZ: "UTC", NO_COLOR: "1", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs the program to its end. */
export async function pxar(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const child = program(args, options).spawn();
  const written = options.stdin === undefined
    ? undefined
    : feed(child.stdin, options.stdin);
  const { code, stdout, stderr } = await child.output();
  await written;
  const text = new TextDecoder();
  return {
    code,
    bytes: stdout as Bytes,
    out: text.decode(stdout),
    err: text.decode(stderr),
  };
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  bytes: Uint8Array,
): Promise<void> {
  try {
    const writer = stdin.getWriter();
    await writer.write(bytes);
    await writer.close();
  } catch {
    // It has read as much as it wanted.
  }
}

/** An empty folder that is gone afterwards. */
export async function inFolder(
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "pxar-cli-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names in a folder. */
export function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((one) => one.name).sort();
}
