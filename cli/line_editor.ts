/**
 * Lines that are typed on a terminal, with history and completion.
 *
 * @module
 */
import process from "node:process";
import { createInterface, type Interface } from "node:readline";

/** How lines are typed. */
export interface LineEditorOptions {
  /** Earlier lines, the oldest first. */
  readonly history: readonly string[];
  /** Gives what may take the place of the last part of a line, and that part. */
  readonly complete: (
    line: string,
  ) => Promise<[completions: string[], part: string]>;
}

/** Most lines that the arrow keys go back. */
const MOST = 1000;

/**
 * Reads lines from the terminal. Only while it waits for one does it rule the terminal: in between, Ctrl-C is a signal as usual. Lines that are typed ahead
 * wait.
 */
export class LineEditor implements Disposable {
  readonly #readline: Interface;
  readonly #lines: string[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  /** Takes hold of standard input and output, which must be a terminal. */
  constructor({ history, complete }: LineEditorOptions) {
    const { stdin, stdout } = process;
    this.#readline = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      history: history.slice(-MOST).reverse(),
      historySize: MOST,
      removeHistoryDuplicates: true,
      completer: (
        line: string,
        done: (error: null, found: [string[], string]) => void,
      ) => {
        // Where nothing can be looked up, there is nothing to go on with.
        complete(line).catch((): [string[], string] => [[], line])
          .then((found) => done(null, found));
      },
    });
    this.#readline.on("line", (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    this.#readline.on("SIGINT", () => {
      stdout.write("^C\n");
      this.#readline.write(null, { ctrl: true, name: "e" });
      this.#readline.write(null, { ctrl: true, name: "u" });
    });
    this.#readline.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
    this.#rest();
  }

  /**
   * Asks for a line.
   *
   * @param prompt Stands before it.
   * @returns The line; `undefined` when there will be none: Ctrl-D, or the terminal was closed.
   */
  async line(prompt: string): Promise<string | undefined> {
    if (this.#lines.length === 0 && !this.#closed) {
      process.stdin.setRawMode(true);
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
      this.#rest();
    }
    return this.#lines.shift();
  }

  /** Leaves the terminal as it was. */
  [Symbol.dispose](): void {
    this.#readline.close();
  }

  #rest(): void {
    if (this.#closed) return;
    this.#readline.pause();
    process.stdin.setRawMode(false);
  }
}
