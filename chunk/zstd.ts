/**
 * zstd, the only compressor there is: libzstd where it is lent, else Node's own, else WebAssembly.
 *
 * Frames are read from the outside first (ends, sizes, windows), whoever decompresses them, so that all accept the same and none gives more than asked for.
 *
 * @module
 */
import { builtinZstd } from "./builtin_zstd.ts";
import type { Native } from "./native.ts";
import { portableZstd } from "./portable_zstd.ts";
import { readFrames } from "./zstd_frames.ts";

export { builtinZstd, portableZstd };

/** Compresses and decompresses, into memory of the caller. */
export interface Zstd {
  /**
   * Compresses at level 1 into one frame, which states the length of its content.
   *
   * @param data Not to be changed before this is done; may lie in shared memory, as `out` may.
   * @param out Where the frame goes; must not overlap `data`.
   * @returns Length of the frame, bytes; `undefined` where it does not fit into `out`, or would with only a few bytes left.
   */
  compress(
    data: Uint8Array,
    out: Uint8Array,
  ): number | undefined | Promise<number | undefined>;
  /**
   * Decompresses.
   *
   * @param frames One frame or several, skippable ones too; not to be changed before this is done; may lie in shared memory, as `out` may.
   * @param out Where the content goes; must not overlap `frames`. What it holds after an error means nothing.
   * @returns Length of the content, bytes.
   * @throws {FormatError} If there are no bytes, anything but whole frames, or more content than `out` has room for.
   */
  decompress(frames: Uint8Array, out: Uint8Array): number | Promise<number>;
}

/**
 * The fastest there is.
 *
 * @param native What the system's libraries lend.
 */
export function openZstd(native?: Native): Promise<Zstd> {
  const lent = native?.zstd;
  return Promise.resolve(
    lent === undefined ? builtinZstd() ?? portableZstd() : checked(lent),
  );
}

/** Reads the frames from the outside before they are decompressed. */
function checked(zstd: Zstd): Zstd {
  return {
    compress: (data, out) => zstd.compress(data, out),
    decompress(frames, out) {
      readFrames(frames, out.length);
      return zstd.decompress(frames, out);
    },
  };
}
