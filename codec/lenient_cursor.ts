// An archive's items for a reader that goes on with damaged ones: what is wrong with one is noted.
import type { ByteReader } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import type { State } from "./check_grammar.ts";
import type { DamageLog } from "./damage_log.ts";
import { ItemCursor } from "./item_cursor.ts";
import type { RandomAccess } from "./random_access.ts";
import { passOver } from "./resume.ts";

/** How much of the archive is read at once, bytes. */
export const AHEAD = 1 << 18;

/** Stands on one item after the other, sound or not. */
export class LenientCursor {
  /** Where it stands. */
  readonly cursor: ItemCursor;
  /** Whether the item's header is wrong, so that its content is not looked at. */
  isBroken = false;
  readonly #size: number;
  readonly #log: DamageLog;

  /** Stands nowhere yet; what is wrong in `archive` goes to `log`. */
  constructor(archive: RandomAccess, log: DamageLog) {
    this.cursor = new ItemCursor(archive, AHEAD);
    this.#size = archive.size;
    this.#log = log;
  }

  /** Goes to the item at `at`; `false` where there is none that could be passed over. */
  move(at: number, state: State): boolean | Promise<boolean> {
    this.isBroken = false;
    try {
      const wait = this.cursor.move(at, this.#size);
      return wait === undefined || wait.then(
        () => true,
        (error) => this.#passOver(at, state, error),
      );
    } catch (error) {
      return this.#passOver(at, state, error);
    }
  }

  /** Decodes the content of the item; `undefined` where it cannot be. */
  async content<T>(decode: (reader: ByteReader) => T): Promise<T | undefined> {
    if (this.isBroken) return undefined;
    const { start } = this.cursor;
    try {
      const wait = this.cursor.content();
      if (wait !== undefined) await wait;
      return decode(this.cursor.reader);
    } catch (error) {
      this.#log.catch(start, error);
      return undefined;
    }
  }

  /** Reads the start of the item's content, whatever else is wrong with it; notes nothing. */
  async peek<T>(
    length: number,
    read: (reader: ByteReader) => T,
    otherwise: T,
  ): Promise<T> {
    try {
      const wait = this.cursor.load(this.cursor.start, length);
      if (wait !== undefined) await wait;
      return read(this.cursor.reader);
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      return otherwise;
    }
  }

  async #passOver(at: number, state: State, error: unknown): Promise<boolean> {
    this.#log.catch(at, error);
    return this.isBroken = await passOver(this.cursor, at, this.#size, state);
  }
}
