/**
 * Lines that were typed before, kept in the user's folder of states.
 *
 * @module
 */
import { userFolder } from "./user_folder.ts";

/** Most lines that are kept. */
const MOST = 1000;
/** Most bytes of a file that is read. */
const LIMIT = 1 << 20;

/** Keeps lines; where that cannot be done, there is no history, and nothing else is wrong. */
export class LineHistory {
  readonly #path: string | undefined;
  #last: string | undefined;

  /**
   * Looks up where the lines are.
   *
   * @param name The file's name in `$XDG_STATE_HOME/pxar`, or `.local/state/pxar` in the home folder.
   */
  constructor(name: string) {
    this.#path = pathOf(name);
  }

  /** The last lines, the oldest first; more than are kept go from the file. */
  load(): string[] {
    if (this.#path === undefined) return [];
    try {
      if (Deno.statSync(this.#path).size > LIMIT) return [];
      const all = Deno.readTextFileSync(this.#path).split("\n")
        .filter((line) => line !== "");
      const kept = all.slice(-MOST);
      if (all.length > 2 * MOST) {
        const text = kept.map((line) => `${line}\n`).join("");
        Deno.writeTextFileSync(this.#path, text, { mode: 0o600 });
      }
      this.#last = kept.at(-1);
      return kept;
    } catch {
      return [];
    }
  }

  /** Keeps a line that says something, but not twice behind itself. */
  add(line: string): void {
    if (
      this.#path === undefined || line.trim() === "" || line === this.#last
    ) return;
    this.#last = line;
    try {
      const folder = this.#path.slice(0, this.#path.lastIndexOf("/"));
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
      Deno.writeTextFileSync(this.#path, `${line}\n`, {
        append: true,
        mode: 0o600,
      });
    } catch {
      // It is only for convenience.
    }
  }
}

function pathOf(name: string): string | undefined {
  try {
    const folder = userFolder("XDG_STATE_HOME", ".local/state");
    return folder && `${folder}/pxar/${name}`;
  } catch {
    return undefined; // The environment may not be looked at.
  }
}
