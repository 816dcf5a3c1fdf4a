/**
 * CRC-32 as gzip has it: what tells a damaged blob from a whole one.
 *
 * @module
 */
import { nodeModule } from "./builtin.ts";

const POLYNOMIAL = 0xedb88320;
let table: Uint32Array | undefined;

/**
 * The CRC-32 of some bytes.
 *
 * Source: spec C.1.
 *
 * @param bytes May lie in shared memory.
 * @param before The CRC-32 of the bytes before these, for bytes that come piece by piece.
 * @returns An unsigned 32-bit number.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  return nodeModule("node:zlib")?.crc32?.(bytes, before) ??
    portableCrc32(bytes, before);
}

/** As {@linkcode crc32}, without `node:zlib`. */
export function portableCrc32(bytes: Uint8Array, before = 0): number {
  const words = table ??= makeTable();
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) {
    crc = crc >>> 8 ^ words[(crc ^ bytes[i]!) & 0xff]!;
  }
  return ~crc >>> 0;
}

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    for (let bit = 0; bit < 8; bit++) {
      byte = byte & 1 ? byte >>> 1 ^ POLYNOMIAL : byte >>> 1;
    }
    return byte;
  });
}
