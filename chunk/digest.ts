/**
 * Digests: what names a chunk, and vouches for its bytes.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { CryptKey } from "./key.ts";
import { sha256Of } from "./sha256.ts";

/** 32 bytes. */
export type Digest = Bytes;

/** Length of a digest, bytes. */
export const DIGEST_SIZE = 32;

const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/**
 * The digest of a chunk: the SHA-256 of its plain bytes, with the id key behind them where chunks are encrypted.
 *
 * Source: spec C.2.
 *
 * @param data The plain bytes; may lie in shared memory.
 * @param key The key that encrypts it; none for a chunk that is not encrypted.
 */
export function digestOf(data: Uint8Array, key?: CryptKey): Digest {
  return key === undefined ? sha256Of(data) : sha256Of(data, key.idKey);
}

/** Bytes as text: two lower-case hexadecimal digits each. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/**
 * Reads a digest.
 *
 * @param hex 64 lower-case hexadecimal digits.
 * @returns Bytes of their own.
 * @throws {RangeError} If it is anything else.
 */
export function parseDigest(hex: string): Digest {
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new RangeError(
      `Cannot read digest: it is "${
        hex.slice(0, 80)
      }", expected 64 lower-case hexadecimal digits`,
    );
  }
  return bytesOfHex(hex);
}

/** Whether both have the same bytes; takes as long wherever they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** The bytes of hexadecimal digits, which were checked before. Exported for the neighbours. */
export function bytesOfHex(hex: string): Bytes {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
