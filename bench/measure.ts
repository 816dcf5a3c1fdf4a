/**
 * Runs a program and tells how long it took and what it needed.
 *
 * The time runs from the call that starts the process to its end, taken by a small Python program that waits for it, so that neither this
 * process nor a shell lies between. The peak memory is the kernel's `ru_maxrss`; it is never below that of the waiting Python itself (some 10 MiB).
 *
 * @module
 */

/** What one run needed. */
export interface Usage {
  /** From start to end, seconds. */
  readonly seconds: number;
  /** Processor time in the program itself, all threads, seconds. */
  readonly user: number;
  /** Processor time in the kernel, seconds. */
  readonly system: number;
  /** Most memory held at once, MiB. */
  readonly peak: number;
}

/** What a run finds around it. */
export interface Surroundings {
  /** A file or fifo; nothing if absent. */
  readonly stdin?: string;
  /** A file or fifo; thrown away if absent. */
  readonly stdout?: string;
  /** Working directory; this process's own if absent. */
  readonly cwd?: string;
  /** Environment, beside the present one. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are no failure. */
  readonly good?: readonly number[];
}

const WAITER = `
import json, os, sys, time
source, target, *command = sys.argv[1:]
opened = [(os.POSIX_SPAWN_OPEN, 0, source, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
start = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=opened)
_, status, use = os.wait4(child, 0)
seconds = time.perf_counter() - start
code = os.waitstatus_to_exitcode(status)
print(json.dumps(dict(code=code, seconds=seconds, user=use.ru_utime, system=use.ru_stime, peak=use.ru_maxrss / 1024)))
`;

let python: Promise<string> | undefined;

/** The interpreter itself: a version manager's starter script in front of it would cost a tenth of a second each time. */
async function findPython(): Promise<string> {
  try {
    const { stdout, success } = await new Deno.Command("python3", {
      args: ["-c", "import sys; print(sys.executable)"],
    }).output();
    if (success) return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw new Error("Cannot measure: python3 is missing, run `deno task setup`");
}

/**
 * Runs a program once.
 *
 * @throws {Error} If it ends with an exit code that is not good; the message has the end of what it said.
 */
export async function measure(
  command: readonly string[],
  around: Surroundings = {},
): Promise<Usage> {
  python ??= findPython();
  const { stdin = "/dev/null", stdout = "/dev/null", good = [0] } = around;
  const output = await new Deno.Command(await python, {
    args: ["-S", "-c", WAITER, stdin, stdout, ...command],
    ...(around.cwd !== undefined && { cwd: around.cwd }),
    env: { LC_ALL: "C", ...around.env },
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(output.stderr).trim();
  if (!output.success) {
    throw new Error(`Cannot run ${command.join(" ")}: ${said}`);
  }
  const { code, ...usage } = JSON.parse(
    new TextDecoder().decode(output.stdout),
  );
  if (!good.includes(code)) {
    throw new Error(
      `Cannot go on: ${command.join(" ")} ended with ${code}: ${
        said.slice(-2000)
      }`,
    );
  }
  return usage;
}

/** The lowest of each figure but the memory, of which the highest counts. */
export function best(runs: readonly Usage[]): Usage {
  const fastest = runs.reduce((a, b) => b.seconds < a.seconds ? b : a);
  return { ...fastest, peak: Math.max(...runs.map((run) => run.peak)) };
}

/** The run in the middle, by time; the highest memory of all. */
export function median(runs: readonly Usage[]): Usage {
  const sorted = runs.toSorted((a, b) => a.seconds - b.seconds);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new RangeError("No runs");
  return { ...middle, peak: Math.max(...runs.map((run) => run.peak)) };
}
