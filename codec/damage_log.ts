// What a check has found so far.
import { FormatError, PxarError } from "@pxar/format/errors";
import type { Damage } from "./check.ts";

/** How many damages are kept. */
const KEPT = 10_000;

/** Told of something wrong at a place, bytes from the start of a stream. */
export type Note = (offset: number, message: string) => void;

/** Keeps the first damages and counts all. */
export class DamageLog {
  /** The first ones. */
  readonly damage: Damage[] = [];
  /** How many there were. */
  count = 0;
  /** What is unusual and does no harm; the first ones. */
  readonly remarks: Damage[] = [];

  /** Notes what is wrong in the archive. */
  readonly archive: Note = (offset, message) =>
    this.#add("archive", offset, message);

  /** Notes what is wrong in the payload stream. */
  readonly payload: Note = (offset, message) =>
    this.#add("payload", offset, message);

  /** Notes what is unusual in the archive and does no harm. */
  remark(offset: number, message: string): void {
    if (this.remarks.length < KEPT) {
      this.remarks.push({ stream: "archive", offset, message });
    }
  }

  /** Notes an error met in the archive, where it says or else at `offset`; passes on what the archive is not to blame for. */
  catch(offset: number, error: unknown): void {
    if (!(error instanceof PxarError)) throw error;
    const at = error instanceof FormatError ? error.offset ?? offset : offset;
    this.archive(at, error.message);
  }

  #add(stream: Damage["stream"], offset: number, message: string): void {
    if (this.count++ < KEPT) this.damage.push({ stream, offset, message });
  }
}
