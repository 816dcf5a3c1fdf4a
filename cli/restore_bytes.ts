/**
 * A disk, or any other file of a snapshot that is no archive, to where it is wanted.
 *
 * @module
 */
import type { ByteSink } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import { EXIT, ExitError, reasonOf } from "./exits.ts";
import { Outputs, standardOutput } from "./outputs.ts";
import { sizeText } from "./show.ts";
import { unless } from "./turning.ts";
import type { Voice } from "./voice.ts";

/** How much is read before it is written, bytes. */
const PIECE = 1 << 20;

/** Bytes of a known length, in order. */
export interface SizedBytes {
  /** Length, bytes. */
  readonly size: number;
  /** Fills `into` as far as is cheap; 0 only at the end. */
  read(into: Bytes): number | Promise<number>;
  /** Lets go of what is behind them; `undefined` where nothing is. */
  readonly close?: (() => Promise<void>) | undefined;
}

/** How they are written. */
export interface RestoreBytesOptions {
  /** Whether a file that is there may be replaced. */
  readonly overwrite?: boolean | undefined;
  /** Whether blocks of zeros become holes of a file. */
  readonly holes?: boolean | undefined;
}

/**
 * Writes bytes to a new file, which gets its name when it is whole; to standard output; or into a device or pipe, which is there already.
 *
 * @param source The bytes; closed at the end.
 * @param target Where they go; `-` is standard output.
 * @param options Whether a file may be replaced.
 * @param voice Draws progress.
 * @param signal Ends it.
 * @throws {ExitError} If the target is there and may not be replaced, is too small, or cannot be written.
 */
export async function restoreBytes(
  source: SizedBytes,
  target: string,
  options: RestoreBytesOptions,
  voice: Voice,
  signal: AbortSignal,
): Promise<void> {
  try {
    await write(source, target, options, voice, signal);
  } finally {
    await source.close?.();
  }
}

async function write(
  source: SizedBytes,
  target: string,
  options: RestoreBytesOptions,
  voice: Voice,
  signal: AbortSignal,
): Promise<void> {
  if (target === "-") {
    return await copy(source, standardOutput(signal), voice, signal);
  }
  const there = look(target);
  if (there !== undefined && !there.isFile && !there.isDirectory) {
    return await writeInPlace(source, target, there, voice, signal);
  }
  const outputs = new Outputs(
    options.overwrite ?? false,
    "--overwrite to replace it",
  );
  // A second signal ends the program without asking anybody.
  const discard = (): void => outputs.discard();
  globalThis.addEventListener("unload", discard);
  try {
    const sink = outputs.add(target, 0o640, options.holes);
    await copy(source, sink, voice, signal);
    outputs.finish(false);
  } finally {
    globalThis.removeEventListener("unload", discard);
    outputs.discard();
  }
}

async function writeInPlace(
  source: SizedBytes,
  target: string,
  { isBlockDevice }: Deno.FileInfo,
  voice: Voice,
  signal: AbortSignal,
): Promise<void> {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw failure(target, cause);
    }
  };
  using file = attempt(() => Deno.openSync(target, { write: true }));
  if (isBlockDevice) {
    const room = attempt(() => file.seekSync(0, Deno.SeekMode.End));
    if (room < source.size) {
      throw new ExitError(
        EXIT.failed,
        `Cannot write ${target}: it has ${room} bytes, expected ${source.size} at least`,
      );
    }
    attempt(() => file.seekSync(0, Deno.SeekMode.Start));
  }
  const write = async (piece: Bytes) => {
    try {
      for (let at = 0; at < piece.length;) {
        at += await unless(signal, file.write(piece.subarray(at)));
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw failure(target, cause);
    }
  };
  let done = false;
  try {
    await copy(source, { write }, voice, signal);
    // What a disk could not take is told now, or never.
    if (isBlockDevice) attempt(() => file.syncSync());
    done = true;
  } finally {
    if (!done && isBlockDevice) {
      voice.problem(`${target} is written in part only`);
    }
  }
}

async function copy(
  source: SizedBytes,
  sink: ByteSink,
  voice: Voice,
  signal: AbortSignal,
): Promise<void> {
  const { size } = source, begin = performance.now();
  const piece = new Uint8Array(Math.min(PIECE, size));
  let done = 0;
  voice.watch(() => {
    const seconds = Math.max(0.001, (performance.now() - begin) / 1000);
    return `${sizeText(done)} of ${sizeText(size)}, ${
      sizeText(Math.round(done / seconds))
    }/s`;
  });
  try {
    while (done < size) {
      let filled = 0;
      while (filled < Math.min(piece.length, size - done)) {
        const got = await source.read(piece.subarray(filled));
        if (got === 0) {
          throw new ExitError(
            EXIT.damaged,
            `Cannot restore: it ends at byte ${
              done + filled
            }, expected ${size}`,
          );
        }
        filled += got;
      }
      signal.throwIfAborted();
      await sink.write(piece.subarray(0, filled));
      done += filled;
    }
  } finally {
    voice.end();
  }
}

function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // Whoever makes it says why that cannot be.
  }
}

function failure(target: string, cause: unknown): ExitError {
  return new ExitError(
    EXIT.failed,
    `Cannot write ${target}: ${reasonOf(cause)}`,
    { cause },
  );
}
