/**
 * Archives that are read: a file, from any place and in order, or standard input, in order.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { openArchiveFile } from "@pxar/fs/archive_file";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";

/** An archive, or the payload of one, that is open. */
export interface Input {
  /** In order. */
  readonly source: ByteSource;
  /** From any place; `undefined` where it comes in order only. */
  readonly access: RandomAccess | undefined;
  /** Length in bytes, where it is known. */
  readonly size: number | undefined;
}

/** Work may go on for so long until the rest of the program (signals, progress) has its turn, milliseconds. */
const TURN = 50;

/**
 * Opens an archive.
 *
 * @param path Where it lies; `-` is standard input.
 * @param signal Ends reading.
 * @returns The open archive.
 * @throws {ExitError} If it cannot be opened.
 */
export function openInput(path: string, signal?: AbortSignal): Input {
  if (path === "-") {
    if (Deno.stdin.isTerminal()) {
      throw new UsageError(
        "Cannot read an archive from the terminal: expected a file, or a pipe behind -",
      );
    }
    return {
      source: standardInput(signal),
      access: undefined,
      size: undefined,
    };
  }
  const { source, access } = openFile(path);
  return access === undefined
    ? { source: waiting(source, signal), access, size: undefined }
    : { source: takingTurns(source, signal), access, size: access.size };
}

/**
 * Opens an archive for reading from any place.
 *
 * @param path Where it lies.
 * @returns Its bytes.
 * @throws {ExitError} If it cannot be opened.
 */
export function openAccess(path: string): RandomAccess {
  if (path === "-") {
    throw new UsageError(
      "Cannot read - from any place: expected the archive as a file",
    );
  }
  const { access, close } = openFile(path);
  if (access !== undefined) return access;
  close();
  throw new UsageError(
    `Cannot read ${path} from any place: it is no regular file, expected one`,
  );
}

/**
 * Finds the payload file of a split archive: the one that was named, or for `NAME.mpxar` a `NAME.ppxar` beside it.
 *
 * @param archive Where the archive lies.
 * @param named What `--payload-input` says.
 * @returns Its path, and whether it was found rather than named; `undefined` where there is none.
 */
export function findPayload(
  archive: string,
  named: string | undefined,
): { readonly path: string; readonly found: boolean } | undefined {
  if (named !== undefined) return { path: named, found: false };
  if (!archive.endsWith(".mpxar")) return undefined;
  const path = besides(archive);
  try {
    return Deno.statSync(path).isFile ? { path, found: true } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * As {@linkcode findPayload}, for a command that cannot do without it.
 *
 * @param archive Where the archive lies.
 * @param named What `--payload-input` says.
 * @param say Told that a file was found rather than named.
 * @returns Its path; `undefined` where the archive's name does not ask for one.
 * @throws {UsageError} If there is none beside a `NAME.mpxar`.
 */
export function needPayload(
  archive: string,
  named: string | undefined,
  say: (sentence: string) => void,
): string | undefined {
  const payload = findPayload(archive, named);
  if (payload === undefined && archive.endsWith(".mpxar")) {
    throw new UsageError(
      `Cannot read contents of ${archive}: they lie in a payload file, expected --payload-input FILE or ${
        besides(archive)
      } beside it`,
    );
  }
  if (payload?.found) say(`contents are read from ${payload.path}`);
  return payload?.path;
}

/**
 * The error for a file whose content is not at hand.
 *
 * @param path What it is, shown.
 */
export function noContent(path: string): ExitError {
  return new UsageError(
    `Cannot read ${path}: its content lies in a payload file, expected --payload-input FILE`,
  );
}

function besides(archive: string): string {
  return `${archive.slice(0, -".mpxar".length)}.ppxar`;
}

function openFile(path: string): ReturnType<typeof openArchiveFile> {
  try {
    return openArchiveFile(path);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new ExitError(EXIT.failed, error.message);
    }
    throw new ExitError(
      EXIT.failed,
      `Cannot open ${path}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/** Synchronous reads starve timers and signals, so from time to time a read waits for one turn of the event loop. */
class Turns {
  readonly #signal: AbortSignal | undefined;
  #last = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Gives what was read, at once or after a turn. */
  with(got: number | Promise<number>): number | Promise<number> {
    return performance.now() - this.#last < TURN ? got : this.#wait(got);
  }

  async #wait(got: number | Promise<number>): Promise<number> {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
    this.#signal?.throwIfAborted();
    return await got;
  }
}

function takingTurns(
  source: ByteSource,
  signal: AbortSignal | undefined,
): ByteSource {
  const turns = new Turns(signal);
  return {
    read: (into) => turns.with(source.read(into)),
    skip: source.skip,
    close: source.close,
  };
}

/**
 * Bytes whose reading lets timers and signals have their turn.
 *
 * @param access Read synchronously.
 * @param signal Ends reading.
 * @returns The same bytes.
 */
export function turning(
  access: RandomAccess,
  signal: AbortSignal,
): RandomAccess {
  const turns = new Turns(signal);
  return {
    size: access.size,
    read: (offset, into) => turns.with(access.read(offset, into)),
    close: access.close,
  };
}

/** A pipe that nobody writes to must not outlast a signal. */
function waiting(
  source: ByteSource,
  signal: AbortSignal | undefined,
): ByteSource {
  return {
    read: (into) => unless(signal, Promise.resolve(source.read(into))),
    skip: undefined,
    close: source.close,
  };
}

function standardInput(signal: AbortSignal | undefined): ByteSource {
  return {
    read: async (into: Bytes) =>
      (await unless(signal, Deno.stdin.read(into))) ?? 0,
    skip: undefined,
    close: undefined,
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
