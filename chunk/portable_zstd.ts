// zstd by WebAssembly, for a browser and for Node before 22.15: one library to compress, another to decompress, each loaded when it is first needed. The first could do
// both, but its WebAssembly is a file of its own, which a page that only reads need not have.
import { FormatError } from "@pxar/format/errors";
import type { Zstd } from "./zstd.ts";
import { readFrames } from "./zstd_frames.ts";

const LEVEL = 1;
/** Neither library looks whether it got the memory it asked for: 2 GiB at most. */
const LIMIT = 2 ** 28;

type Compressor = typeof import("@bokuweb/zstd-wasm");
type Decompressor = import("zstddec").ZSTDDecoder;
let compressor: Promise<Compressor> | undefined;
let decompressor: Promise<Decompressor> | undefined;

/** As `openZstd`, without `node:zlib`. */
export function portableZstd(): Zstd {
  return { compress, decompress };
}

async function compress(
  data: Uint8Array,
  out: Uint8Array,
): Promise<number | undefined> {
  checkSize(data.length);
  const { compress } = await (compressor ??= openCompressor());
  const frame = compress(data, LEVEL);
  if (frame.length > out.length) return undefined;
  out.set(frame);
  return frame.length;
}

async function decompress(
  bytes: Uint8Array,
  out: Uint8Array,
): Promise<number> {
  checkSize(bytes.length);
  const { frames, most } = readFrames(bytes, out.length);
  const room = Math.min(most, out.length);
  checkSize(room);
  const decoder = await (decompressor ??= openDecompressor());
  let content: Uint8Array;
  try {
    // For a length of 0 it would take the frame's word.
    content = decoder.decode(bytes, Math.max(room, 1));
  } catch (cause) {
    throw damaged(out.length, cause);
  }
  // What goes wrong it does not tell, but by giving nothing.
  const isEmpty = frames.every(({ says, most }) => says === 0 || most === 0);
  if (content.length > out.length || content.length === 0 && !isEmpty) {
    throw damaged(out.length);
  }
  out.set(content);
  return content.length;
}

async function openCompressor(): Promise<Compressor> {
  const library = await import("@bokuweb/zstd-wasm");
  await library.init();
  return library;
}

async function openDecompressor(): Promise<Decompressor> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return decoder;
}

function checkSize(size: number): void {
  if (size > LIMIT) {
    throw new RangeError(
      `Cannot use zstd: there are ${size} bytes, expected at most ${LIMIT}`,
    );
  }
}

function damaged(room: number, cause?: unknown): FormatError {
  return new FormatError(
    `Cannot decompress: the zstd frame is damaged, or more than ${room} bytes come out`,
    { cause },
  );
}
