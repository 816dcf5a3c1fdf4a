/**
 * What happened on the way between a directory and entries, beside what went well.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, IntegrityError } from "@pxar/format/errors";

/** What a platform or a missing permission can make impossible to keep. */
export type Loss =
  | "names"
  | "nanoseconds"
  | "xattrs"
  | "owners"
  | "modes"
  | "times"
  | "flags"
  | "devices"
  | "fifos"
  | "sockets"
  | "symlinks"
  | "hardlinks"
  | "holes";

/** Something that was left out or changed while reading (a warning), or that could not be done for one entry (an error). */
export interface Problem {
  /** Whether the result lacks what was asked for. */
  readonly severity: "warning" | "error";
  /** Which entry, from the root of the tree, raw bytes without leading slash; empty for the root. */
  readonly path: Bytes;
  /** One sentence: Cannot verb object: what is. Shows the path lossily. */
  readonly message: string;
  /** What was met, where there was an error behind it. */
  readonly cause: unknown;
}

/** How many problems are kept; the rest is counted. */
const KEPT = 1000;

/** Counts entries, bytes, losses and problems of one journey; may be read while it goes on. */
export class Report {
  /** Entries handed on or restored, directories' ends not counted. */
  entries = 0;
  /** Bytes of content read or restored. */
  bytes = 0;
  /** How many warnings there were. */
  warnings = 0;
  /** How many errors there were. */
  errors = 0;
  /** How many of the errors were damage met in an archive. */
  damaged = 0;
  /** The first problems, at most 1,000. */
  readonly problems: Problem[] = [];
  /** How many entries lost what. */
  readonly losses: Map<Loss, number> = new Map();
  readonly #onProblem: ((problem: Problem) => void) | undefined;

  /**
   * Starts with nothing.
   *
   * @param onProblem Told of each problem at once.
   */
  constructor(onProblem?: (problem: Problem) => void) {
    this.#onProblem = onProblem;
  }

  /** Notes that something was left out or changed, and that this is no failure. */
  warn(path: Bytes, message: string, cause?: unknown): void {
    this.warnings++;
    this.#note({ severity: "warning", path, message, cause });
  }

  /** Notes that an entry, or a part of it, could not be kept as asked. */
  fail(path: Bytes, message: string, cause?: unknown): void {
    this.errors++;
    if (
      cause instanceof IntegrityError ||
      cause instanceof FormatError && cause.offset !== undefined
    ) this.damaged++;
    this.#note({ severity: "error", path, message, cause });
  }

  /** Counts one entry more that lost something because platform or permission allow no better. */
  lose(loss: Loss): void {
    this.losses.set(loss, (this.losses.get(loss) ?? 0) + 1);
  }

  #note(problem: Problem): void {
    if (this.problems.length < KEPT) this.problems.push(problem);
    this.#onProblem?.(problem);
  }
}
