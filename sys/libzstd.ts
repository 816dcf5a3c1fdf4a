/**
 * libzstd: compresses and decompresses in memory of the caller, without any of its own but two contexts that are used again.
 *
 * @module
 */
import type { Zstd } from "@pxar/chunk/zstd";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, SystemError, TruncatedError } from "@pxar/format/errors";
import { openLibrary } from "./library.ts";

const SYMBOLS = {
  ZSTD_createCCtx: { parameters: [], result: "pointer" },
  ZSTD_createDCtx: { parameters: [], result: "pointer" },
  ZSTD_compressCCtx: {
    parameters: ["pointer", "buffer", "usize", "buffer", "usize", "i32"],
    result: "isize",
  },
  ZSTD_decompressDCtx: {
    parameters: ["pointer", "buffer", "usize", "buffer", "usize"],
    result: "isize",
  },
} as const;

const LEVEL = 1;
/** Error numbers, which a result has below zero: zstd_errors.h. */
const DICTIONARY_WRONG = 32, MEMORY = 64, NO_ROOM = 70, CUT = 72;
const ERRORS: Readonly<Record<number, string>> = {
  10: "there is no magic number",
  12: "its version is not supported",
  14: "a parameter of its header is not supported",
  16: "its window is too large",
  20: "it is damaged",
  22: "its checksum is wrong",
  24: "a literals header is wrong",
  30: "its dictionary is damaged",
  [DICTIONARY_WRONG]: "it needs a dictionary",
};

/**
 * Opens the library, for this thread.
 *
 * @returns `undefined` where it is not there, or not permitted; never asks.
 */
export function openLibzstd(): Zstd | undefined {
  const lib = openLibrary(["libzstd.so.1"], SYMBOLS);
  if (lib === undefined) return undefined;
  const { ZSTD_compressCCtx, ZSTD_decompressDCtx } = lib;
  const compressing = lib.ZSTD_createCCtx();
  const decompressing = lib.ZSTD_createDCtx();
  if (compressing === null || decompressing === null) return undefined;
  return {
    compress(data, out) {
      const length = Number(ZSTD_compressCCtx(
        compressing,
        out as Bytes,
        BigInt(out.length),
        data as Bytes,
        BigInt(data.length),
        LEVEL,
      ));
      if (length >= 0) return length;
      if (-length === NO_ROOM) return undefined;
      throw refused("ZSTD_compressCCtx", -length);
    },
    decompress(frames, out) {
      if (frames.length === 0) {
        throw new TruncatedError(
          "Cannot decompress: there are no bytes, expected a zstd frame",
          { offset: 0 },
        );
      }
      const length = Number(ZSTD_decompressDCtx(
        decompressing,
        out as Bytes,
        BigInt(out.length),
        frames as Bytes,
        BigInt(frames.length),
      ));
      if (length >= 0) return length;
      throw decompressError(-length, frames.length, out.length);
    },
  };
}

function decompressError(code: number, length: number, room: number): Error {
  if (code === MEMORY) return refused("ZSTD_decompressDCtx", code);
  if (code === NO_ROOM) {
    return new FormatError(
      `Cannot decompress: more than ${room} bytes come out, expected at most those`,
    );
  }
  if (code === CUT) {
    return new TruncatedError(
      "Cannot decompress: the last zstd frame is cut, or there is something behind it",
      { offset: length },
    );
  }
  return new FormatError(
    `Cannot decompress: of a zstd frame libzstd says that ${
      ERRORS[code] ?? `it has error ${code}`
    }`,
  );
}

function refused(call: string, code: number): SystemError {
  return new SystemError(`Cannot use libzstd: ${call} failed with ${code}`, {
    code: code === MEMORY ? "ENOMEM" : "EIO",
    errno: 0,
    call,
  });
}
