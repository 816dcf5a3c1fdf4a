// zstd by node:zlib. Its one-shot calls leave a fresh buffer as long as what comes out, its streams pieces of 64 KiB, and no more than that goes to waste.
import { FormatError } from "@pxar/format/errors";
import { nodeModule } from "./builtin.ts";
import type { Zstd } from "./zstd.ts";
import { type Frame, readFrames, tooMuch } from "./zstd_frames.ts";

/** What is used of a Node stream. */
interface Stream {
  on(event: "data", listener: (piece: Uint8Array) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  write(bytes: Uint8Array): unknown;
  end(bytes?: Uint8Array): unknown;
  destroy(): unknown;
}

/** What is used of node:zlib; its declarations lack some of it. */
interface Zlib {
  createZstdCompress?(options: object): Stream;
  createZstdDecompress(options: object): Stream;
  zstdCompressSync(bytes: Uint8Array, options: object): Uint8Array;
  zstdDecompressSync(bytes: Uint8Array, options: object): Uint8Array;
}

/** Pieces larger than these are no faster (measured). */
const PIECE = 1 << 16;
/** Up to so many bytes, in and out, the one-shot calls take less time (measured). */
const SMALL = 1 << 16;
const LEVEL = { 100: 1 };

/** As `openZstd`, by `node:zlib`; `undefined` where it is not there or has no zstd. */
export function builtinZstd(): Zstd | undefined {
  const zlib = nodeModule("node:zlib") as unknown as Zlib | undefined;
  if (zlib?.createZstdCompress === undefined) return undefined;
  return {
    compress: (data, out) =>
      data.length <= SMALL
        ? compressSmall(zlib, data, out)
        : compressLarge(zlib, data, out),
    decompress(bytes, out) {
      const { frames } = readFrames(bytes, out.length);
      const [frame] = frames;
      if (frame === undefined) return 0;
      if (frames.length === 1 && isOneShot(frame, out.length)) {
        return decompressAtOnce(zlib, bytes, frame, out);
      }
      return decompressAll(zlib, bytes, frames, out);
    },
  };
}

// Without the pledged length a frame does not state it, and readers that want to know how much memory they need fail.
function compressSmall(
  zlib: Zlib,
  data: Uint8Array,
  out: Uint8Array,
): number | undefined {
  const frame = zlib.zstdCompressSync(data, {
    params: LEVEL,
    pledgedSrcSize: data.length,
  });
  if (frame.length > out.length) return undefined;
  out.set(frame);
  return frame.length;
}

function compressLarge(
  zlib: Zlib,
  data: Uint8Array,
  out: Uint8Array,
): Promise<number | undefined> {
  const options = {
    params: LEVEL,
    pledgedSrcSize: data.length,
    chunkSize: PIECE,
  };
  const stream = zlib.createZstdCompress!(options);
  const length = collect(stream, out);
  stream.end(data);
  return length;
}

function isOneShot(frame: Frame, room: number): boolean {
  return frame.ends === undefined || Math.min(frame.most, room) <= SMALL;
}

function decompressAtOnce(
  zlib: Zlib,
  bytes: Uint8Array,
  frame: Frame,
  out: Uint8Array,
): number {
  const room = out.length;
  let content: Uint8Array;
  try {
    content = zlib.zstdDecompressSync(bytes.subarray(frame.start, frame.end), {
      chunkSize: PIECE,
      maxOutputLength: Math.max(room, 1),
    });
  } catch (error) {
    throw isTooLarge(error) ? tooMuch(room) : damaged(error);
  }
  if (content.length > room) throw tooMuch(room);
  out.set(content);
  return content.length;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && "code" in error &&
    error.code === "ERR_BUFFER_TOO_LARGE";
}

async function decompressAll(
  zlib: Zlib,
  bytes: Uint8Array,
  frames: readonly Frame[],
  out: Uint8Array,
): Promise<number> {
  let length = 0;
  for (const frame of frames) {
    const rest = out.subarray(length);
    const got = isOneShot(frame, rest.length)
      ? decompressAtOnce(zlib, bytes, frame, rest)
      : await decompressByBlocks(zlib, bytes, frame, rest);
    if (got === undefined) throw tooMuch(out.length);
    length += got;
  }
  return length;
}

/**
 * Sends a frame through a stream, block by block. A stream calls libzstd again and again until all that a write gives has come out, and in Deno an error in any
 * but the first of these calls ends the process (2.9.6). The first takes all that is written and decodes it, if that is one block; what is left then is to hand it out.
 */
function decompressByBlocks(
  zlib: Zlib,
  bytes: Uint8Array,
  { start, ends }: Frame,
  out: Uint8Array,
): Promise<number | undefined> {
  const stream = zlib.createZstdDecompress({ chunkSize: PIECE });
  const length = collect(stream, out);
  let from = start;
  for (const end of ends!) {
    stream.write(bytes.subarray(from, end));
    from = end;
  }
  stream.end();
  return length.catch((error) => {
    throw damaged(error);
  });
}

/** Puts together what a stream gives; `undefined` where that is more than there is room for. */
function collect(
  stream: Stream,
  out: Uint8Array,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let length = 0;
    stream.on("data", (piece) => {
      if (piece.length > out.length - length) {
        stream.destroy();
        return resolve(undefined);
      }
      out.set(piece, length);
      length += piece.length;
      giveBack(piece);
    });
    stream.on("end", () => resolve(length));
    stream.on("error", reject);
  });
}

/** Lets go of a piece's memory at once, where the stream has filled it and so uses it no more: the collector comes too late (measured, 90 MB in two threads). */
function giveBack({ buffer, byteOffset, length }: Uint8Array): void {
  if (byteOffset + length !== buffer.byteLength || length !== PIECE) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer?.(0);
}

function damaged(cause: unknown): FormatError {
  return new FormatError(
    `Cannot decompress: the zstd frame is damaged (${
      cause instanceof Error ? cause.message : cause
    })`,
    { cause },
  );
}
