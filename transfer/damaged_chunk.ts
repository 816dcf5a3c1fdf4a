/**
 * Bytes out of chunks whose failures say where the damage is.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import {
  FormatError,
  IntegrityError,
  NotFoundError,
} from "@pxar/format/errors";

/**
 * Reads, and says of what is met on the way where it is: a chunk that is damaged or missing is damage of the archive.
 *
 * @param what What is read, such as `root.pxar.didx of host/elsa/2023-11-14T22:13:20Z`.
 * @param at Gives the first byte that is wanted.
 * @param read Reads.
 * @returns What it gives.
 * @throws {IntegrityError} In the place of errors that say that a chunk is not what it must be, or is not there.
 */
export function locating<T>(
  what: string,
  at: () => number,
  read: () => T | Promise<T>,
): T | Promise<T> {
  const fail = (cause: unknown): never => {
    throw located(what, at(), cause);
  };
  try {
    const got = read();
    return got instanceof Promise ? got.catch(fail) : got;
  } catch (error) {
    return fail(error);
  }
}

/**
 * Bytes from any place whose failures say where the damage is.
 *
 * @param what What they are, such as `root.pxar.didx of host/elsa/2023-11-14T22:13:20Z`.
 * @param access Their chunks, joined.
 * @returns The same bytes; reads throw as {@linkcode locating} does.
 */
export function locatingAccess(
  what: string,
  access: RandomAccess,
): RandomAccess {
  return {
    size: access.size,
    read: (offset, into) =>
      locating(what, () => offset, () => access.read(offset, into)),
    close: access.close && (() => access.close!()),
  };
}

function located(what: string, at: number, cause: unknown): unknown {
  const isDamage = cause instanceof FormatError ||
    cause instanceof IntegrityError || cause instanceof NotFoundError;
  if (!isDamage) return cause;
  return new IntegrityError(
    `Cannot read ${what} at byte ${at}: a chunk is damaged or missing (${cause.message})`,
    {
      cause,
      ...cause instanceof IntegrityError &&
        { expected: cause.expected, actual: cause.actual },
    },
  );
}
