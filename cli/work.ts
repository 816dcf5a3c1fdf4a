/**
 * Long work: what a signal does to it, and what it says on standard error meanwhile.
 *
 * @module
 */
import { showName } from "@pxar/format/name";
import type { Report } from "@pxar/fs/report";
import { EXIT, Interrupted } from "./exits.ts";
import { sizeText } from "./show.ts";
import { lazy } from "./lazy.ts";

const ENCODER = new TextEncoder();
/** Time between two drawings of the progress, milliseconds. */
const REDRAW = 100;

/** How far the work is. */
export interface Progress {
  /** Entries done. */
  readonly entries: number;
  /** Bytes of content done. */
  readonly bytes: number;
}

/** Speaks on standard error: sentences, and on a terminal a line of progress below them. */
export class Voice {
  readonly #quiet: boolean;
  #drawn = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Starts silent.
   *
   * @param quiet Whether progress and notes are not wanted; problems are always said.
   */
  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  /** Says something that may be of interest. */
  note(sentence: string): void {
    if (!this.#quiet) this.problem(sentence);
  }

  /** Says something that must not be missed. */
  problem(sentence: string): void {
    this.#clear();
    write(`pxar: ${showName(ENCODER.encode(sentence))}\n`);
  }

  /** Draws how far the work is, ten times a second, where standard error is a terminal. */
  follow(progress: () => Progress): void {
    if (this.#quiet || !Deno.stderr.isTerminal()) return;
    const start = performance.now();
    this.#timer = setInterval(() => {
      const { entries, bytes } = progress();
      const rate = bytes / Math.max(0.001, (performance.now() - start) / 1000);
      this.#draw(
        `${entries.toLocaleString("en")} entries, ${sizeText(bytes)}, ${
          sizeText(Math.round(rate))
        }/s`,
      );
    }, REDRAW);
  }

  /** Ends the drawing. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(text: string): void {
    // A terminal without a size says 0.
    const columns = Deno.consoleSize().columns || 80;
    write(`\r${text.slice(0, columns - 1)}\x1b[K`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) write("\r\x1b[K");
    this.#drawn = false;
  }
}

/**
 * Does work that Ctrl-C, SIGTERM and SIGHUP end in order: the first one aborts `signal`, a second one ends the program at once.
 *
 * @param work What is done.
 * @param lastly What a second signal leaves to be done: synchronous.
 * @returns What the work returns.
 */
export async function interruptible<T>(
  work: (control: AbortController) => Promise<T>,
  lastly: () => void = () => {},
): Promise<T> {
  const control = new AbortController();
  const removers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => {
    const listener = () => {
      const reason = new Interrupted(name);
      if (!control.signal.aborted) return control.abort(reason);
      lastly();
      Deno.exit(reason.exit);
    };
    if (name === "SIGHUP" && !hangsUp()) return () => {};
    try {
      Deno.addSignalListener(name, listener);
    } catch {
      return () => {}; // Windows has not all of them.
    }
    return () => Deno.removeSignalListener(name, listener);
  });
  try {
    return await work(control);
  } catch (error) {
    // Whatever the abort broke on its way out, the reason for it is what counts.
    throw control.signal.aborted ? control.signal.reason : error;
  } finally {
    for (const remove of removers) remove();
  }
}

/** Whether a closed terminal ends the program: not under `nohup`, and not where that cannot be told. */
function hangsUp(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(
      Deno.readTextFileSync("/proc/self/status"),
    )?.[1];
    return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 0n;
  } catch {
    return false;
  }
}

/**
 * Says once what could not be kept, and gives the exit code for it.
 *
 * @param report What happened.
 * @param voice Says it.
 * @param verb What was not possible, such as `restored`.
 * @returns 0, or 3 where something is missing, or 4 where that is because the archive is damaged.
 */
export async function closing(
  report: Report,
  voice: Voice,
  verb: string,
): Promise<number> {
  if (report.losses.size > 0) {
    const { lossSentences } = await lazy("./losses.ts");
    for (const sentence of lossSentences(report.losses, verb)) {
      voice.problem(sentence);
    }
  }
  if (report.errors > 0) {
    voice.problem(
      `${report.errors.toLocaleString("en")} ${
        report.errors === 1 ? "error" : "errors"
      }: the result is incomplete`,
    );
  }
  if (report.damaged > 0) return EXIT.damaged;
  return report.errors > 0 || report.losses.size > 0
    ? EXIT.incomplete
    : EXIT.done;
}

/**
 * What happened, for JSON.
 *
 * @param report What happened.
 * @returns Counts, problems and losses.
 */
export async function jsonReport(
  report: Report,
): Promise<Record<string, unknown>> {
  const { jsonPath } = await lazy("./names.ts");
  return {
    entries: report.entries,
    bytes: report.bytes,
    warnings: report.warnings,
    errors: report.errors,
    problems: report.problems.map(({ severity, path, message }) => ({
      severity,
      ...jsonPath(path),
      message,
    })),
    losses: Object.fromEntries(report.losses),
  };
}

function write(text: string): void {
  const bytes = ENCODER.encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += Deno.stderr.writeSync(bytes.subarray(at));
    }
  } catch {
    // Nobody hears it; the exit code still tells.
  }
}
