/**
 * Reading that leaves room for signals and progress.
 *
 * @module
 */
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { RandomAccess } from "@pxar/codec/random_access";
import { Turns } from "@pxar/fs/turns";

/** Synchronous reads starve timers and signals, so from time to time a read waits for one turn of the event loop. */
function takeTurns(
  signal: AbortSignal | undefined,
): (got: number | Promise<number>) => number | Promise<number> {
  const turns = new Turns();
  const later = async (got: number | Promise<number>) => {
    await turns.pass();
    signal?.throwIfAborted();
    return await got;
  };
  return (got) => turns.due ? later(got) : got;
}

/**
 * Bytes in order whose reading lets timers and signals have their turn.
 *
 * @param source Read synchronously.
 * @param signal Ends reading.
 * @returns The same bytes.
 */
export function turningSource(
  source: ByteSource,
  signal: AbortSignal | undefined,
): ByteSource {
  const taking = takeTurns(signal);
  return {
    read: (into) => taking(source.read(into)),
    skip: source.skip,
    close: source.close,
  };
}

/**
 * Bytes from any place whose reading lets timers and signals have their turn.
 *
 * @param access Read synchronously.
 * @param signal Ends reading.
 * @returns The same bytes.
 */
export function turningAccess(
  access: RandomAccess,
  signal: AbortSignal,
): RandomAccess {
  const taking = takeTurns(signal);
  return {
    size: access.size,
    read: (offset, into) => taking(access.read(offset, into)),
    close: access.close,
  };
}

/**
 * Waits, but not beyond a signal.
 *
 * @param signal What ends the wait.
 * @param wait What is waited for.
 * @returns Its value.
 */
export async function unless<T>(
  signal: AbortSignal | undefined,
  wait: Promise<T>,
): Promise<T> {
  if (signal === undefined) return await wait;
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  try {
    return await Promise.race([
      wait,
      new Promise<never>((_, reject) => {
        stop = () => reject(signal.reason);
        signal.addEventListener("abort", stop);
      }),
    ]);
  } finally {
    if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}
