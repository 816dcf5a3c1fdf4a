/**
 * SHA-256 and HMAC-SHA-256: Node's own where it is, else a library in JavaScript.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "@pxar/format/bytes";
import { nodeModule } from "./builtin.ts";

/** A hash of bytes that come piece by piece. */
export interface Sha256 {
  /**
   * Takes the next bytes.
   *
   * @param bytes Read before the call returns; may lie in shared memory.
   * @returns Itself.
   */
  update(bytes: Uint8Array): Sha256;
  /**
   * Ends it; nothing may be called afterwards.
   *
   * @returns 32 bytes of their own.
   */
  digest(): Bytes;
}

/** Starts a hash. */
export function sha256(): Sha256 {
  return builtinSha256() ?? portableSha256();
}

/** As {@linkcode sha256}, by `node:crypto`; `undefined` where there is none. */
export function builtinSha256(): Sha256 | undefined {
  const crypto = nodeModule("node:crypto");
  return crypto && hashOf(crypto.createHash("sha256"));
}

/** As {@linkcode sha256}, without `node:crypto`. */
export function portableSha256(): Sha256 {
  return hashOf(nobleSha256.create());
}

/**
 * The SHA-256 of some bytes.
 *
 * @param parts One after the other; may lie in shared memory.
 * @returns 32 bytes of their own.
 */
export function sha256Of(...parts: readonly Uint8Array[]): Bytes {
  return whole(sha256(), parts);
}

/**
 * The HMAC-SHA-256 of some bytes.
 *
 * @param key Of any length.
 * @param parts One after the other; may lie in shared memory.
 * @returns 32 bytes of their own.
 */
export function hmacSha256(
  key: Bytes,
  ...parts: readonly Uint8Array[]
): Bytes {
  const crypto = nodeModule("node:crypto");
  if (crypto === undefined) return portableHmacSha256(key, ...parts);
  return whole(hashOf(crypto.createHmac("sha256", key)), parts);
}

/** As {@linkcode hmacSha256}, without `node:crypto`. */
export function portableHmacSha256(
  key: Bytes,
  ...parts: readonly Uint8Array[]
): Bytes {
  return whole(hashOf(hmac.create(nobleSha256, key)), parts);
}

function whole(hash: Sha256, parts: readonly Uint8Array[]): Bytes {
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** What both kinds have in common, given one shape: Node's digest is a view of memory that others share. */
function hashOf(
  hash: { update(bytes: Uint8Array): unknown; digest(): Uint8Array },
): Sha256 {
  const own: Sha256 = {
    update(bytes) {
      hash.update(bytes);
      return own;
    },
    digest: () => Uint8Array.from(hash.digest()),
  };
  return own;
}
