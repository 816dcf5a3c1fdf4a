/**
 * Archives that are read in order: a file, a pipe, or standard input.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { UsageError } from "./exits.ts";
import { openFile } from "./open_file.ts";
import { turningSource, unless } from "./turning.ts";

/** An archive, or the payload of one, that is open. */
export interface Input {
  /** In order. */
  readonly source: ByteSource;
  /** From any place; `undefined` where it comes in order only. */
  readonly access: RandomAccess | undefined;
  /** Length in bytes, where it is known. */
  readonly size: number | undefined;
}

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
    : { source: turningSource(source, signal), access, size: access.size };
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
