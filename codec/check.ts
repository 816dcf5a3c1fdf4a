/**
 * Whether an archive is sound, read from its first byte to its last.
 *
 * @module
 */
import type { RandomAccess } from "./random_access.ts";
import { Checker } from "./checker.ts";

/** Something that is wrong. */
export interface Damage {
  /** Which stream it is in; all of a unified archive is "archive". */
  readonly stream: "archive" | "payload";
  /** Where it is, bytes from the start of the stream. */
  readonly offset: number;
  /** One sentence: Cannot verb object: what is, expected what should be. */
  readonly message: string;
}

/** How far a check has come. */
export interface CheckProgress {
  /** Where in the archive it is, bytes. */
  readonly position: number;
  /** How many entries it has met. */
  readonly entries: number;
  /** How many bytes of content it has read. */
  readonly bytes: number;
}

/** What a check takes. */
export interface CheckOptions {
  /** The payload stream of a split archive. Without it, contents are counted as `unread`. */
  readonly payload?: RandomAccess | undefined;
  /** Ends the check with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told from time to time how far it is. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

/** What a check found. */
export interface CheckResult {
  /** What is wrong, in the order in which it was met; the first 10,000. Empty for a sound archive. */
  readonly damage: readonly Damage[];
  /** How much is wrong altogether. */
  readonly damages: number;
  /** What is unusual and does no harm, such as names out of order; the first 10,000. */
  readonly remarks: readonly Damage[];
  /** Whether the end was reached: if not, what lies behind the last damage was not looked at. */
  readonly complete: boolean;
  /** Version of the format; `undefined` if even that could not be read. */
  readonly version: 1 | 2 | undefined;
  /** Entries met, the root among them. */
  readonly entries: number;
  /** Directories among them. */
  readonly directories: number;
  /** Regular files among them, hardlinks not counted. */
  readonly files: number;
  /** Hardlinks among them. */
  readonly hardlinks: number;
  /** Bytes of content read. */
  readonly bytes: number;
  /** Files whose content was not read, because no payload stream was given or what leads there is damaged. */
  readonly unread: number;
}

/**
 * Reads an archive whole, contents too, and reports all that is wrong with it: headers, grammar, names and their order, modes, hardlinks, goodbye tables, references into the
 * payload stream and what they lead to, markers, trailing bytes. It goes on behind damage wherever the next position is known; of a content that cannot be read it tells the
 * first byte that cannot.
 *
 * Memory: some 40 bytes and a name for each directory that is open, 40 bytes for each child of these, 16 for each regular file.
 *
 * @param archive The archive, or the metadata stream of a split one; not closed.
 * @param options Payload stream, signal, progress.
 * @returns What was found. Damage is no exception.
 *
 * @example
 * ```ts
 * import { check } from "@pxar/codec/check";
 * import { bytesAccess } from "@pxar/codec/random_access";
 *
 * const { damage } = await check(bytesAccess(new TextEncoder().encode("no archive, but long enough for a header")));
 * for (const { stream, offset, message } of damage) console.log(stream, offset, message);
 * ```
 */
export async function check(
  archive: RandomAccess,
  options: CheckOptions = {},
): Promise<CheckResult> {
  return await new Checker(archive, options).run();
}
