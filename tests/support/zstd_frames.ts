// zstd frames made by hand, for what no compressor would write. Source: RFC 8878, 3.1.
import type { Bytes } from "@pxar/format/bytes";
import { joined } from "./codecs.ts";

/** A block: its kind, the size its header states, and what follows the header. */
export interface Block {
  readonly kind: 0 | 1 | 2 | 3;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** Bytes as they are. */
export function raw(...bytes: readonly number[]): Block {
  return { kind: 0, size: bytes.length, bytes: Uint8Array.from(bytes) };
}

/** One byte, many times. */
export function run(byte: number, size: number): Block {
  return { kind: 1, size, bytes: Uint8Array.of(byte) };
}

/** Little-endian. */
function number(value: number, width: number): Bytes {
  const bytes = new Uint8Array(width);
  for (let i = 0; i < width; i++) {
    bytes[i] = value % 256;
    value = Math.floor(value / 256);
  }
  return bytes;
}

/** A frame with data. */
export function frame(
  blocks: readonly Block[],
  options: {
    /** Content size it states, in 8 bytes. */
    readonly says?: number;
    /** The byte of the window; 128 KiB unless told. */
    readonly window?: number;
    readonly descriptor?: number;
    readonly dictionary?: number;
    readonly checksum?: Uint8Array;
  } = {},
): Bytes {
  const { says, window = 7 << 3, descriptor = 0, dictionary, checksum } =
    options;
  const flags = descriptor | (says === undefined ? 0 : 0xc0) |
    (checksum === undefined ? 0 : 4) | (dictionary === undefined ? 0 : 3);
  return joined(
    number(0xfd2fb528, 4),
    number(flags, 1),
    number(window, 1),
    dictionary === undefined ? number(0, 0) : number(dictionary, 4),
    says === undefined ? number(0, 0) : number(says, 8),
    ...blocks.flatMap(({ kind, size, bytes }, i) => [
      number(size * 8 + kind * 2 + (i === blocks.length - 1 ? 1 : 0), 3),
      bytes,
    ]),
    checksum ?? number(0, 0),
  );
}

/** A frame to be passed over. */
export function skippable(bytes: Uint8Array, says = bytes.length): Bytes {
  return joined(number(0x184d2a5e, 4), number(says, 4), bytes);
}
