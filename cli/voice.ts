/**
 * What is said on standard error: sentences, and how far long work is.
 *
 * @module
 */
import { showName } from "@pxar/format/name";
import { countText, sizeText } from "./show.ts";

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
    const start = performance.now();
    this.watch(() => {
      const { entries, bytes } = progress();
      const rate = bytes / Math.max(0.001, (performance.now() - start) / 1000);
      return `${countText(entries)} entries, ${sizeText(bytes)}, ${
        sizeText(Math.round(rate))
      }/s`;
    });
  }

  /** Draws a line that says how far the work is, ten times a second, where standard error is a terminal; nothing while it is empty. */
  watch(line: () => string): void {
    if (this.#quiet || !Deno.stderr.isTerminal()) return;
    this.#timer = setInterval(() => {
      const text = line();
      if (text !== "") this.#draw(text);
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
