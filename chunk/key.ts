/**
 * The key that encrypts chunks, and what is derived from it: the id key that goes into digests, signatures, and the fingerprint by which people know it.
 *
 * @module
 */
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { bytesOfHex, hexOf } from "./digest.ts";
import { hmacSha256, sha256Of } from "./sha256.ts";

/** Length of a key, of an id key and of a fingerprint, bytes. */
export const KEY_SIZE = 32;

/** How many bytes of a fingerprint the short form shows. */
const SHORT = 8;
const ENCODER = new TextEncoder();
const ID_KEY_SALT = ENCODER.encode("_id_key");
const ID_KEY_ROUNDS = 10;
const FINGERPRINT_TEXT = "Proxmox Backup Encryption Key Fingerprint";

/** A key. Source: spec C.2. */
export class CryptKey {
  /** What encrypts; 32 bytes, not to be changed. */
  readonly key: Bytes;
  /** What goes into digests and signatures; 32 bytes, not to be changed. */
  readonly idKey: Bytes;
  /** What tells keys apart, and is no secret; 32 bytes, not to be changed. */
  readonly fingerprint: Bytes;

  private constructor(key: Bytes) {
    this.key = key;
    this.idKey = Uint8Array.from(
      pbkdf2(sha256, key, ID_KEY_SALT, { c: ID_KEY_ROUNDS, dkLen: KEY_SIZE }),
    );
    this.fingerprint = sha256Of(
      sha256Of(ENCODER.encode(FINGERPRINT_TEXT)),
      this.idKey,
    );
  }

  /**
   * A key of raw bytes.
   *
   * @param key 32 bytes; copied.
   * @throws {RangeError} If it is longer or shorter.
   */
  static of(key: Bytes): CryptKey {
    if (key.length !== KEY_SIZE) {
      throw new RangeError(
        `Cannot use key: it has ${key.length} bytes, expected ${KEY_SIZE}`,
      );
    }
    return new CryptKey(key.slice());
  }

  /**
   * Signs: the HMAC-SHA-256 with the id key.
   *
   * @param parts What is signed, one after the other.
   * @returns 32 bytes of their own.
   */
  authTag(...parts: readonly Uint8Array[]): Bytes {
    return hmacSha256(this.idKey, ...parts);
  }
}

/** A fingerprint as people read it: lower-case hexadecimal, a colon between bytes. */
export function fingerprintText(fingerprint: Uint8Array): string {
  return Array.from(fingerprint, (byte) => hexOf(Uint8Array.of(byte)))
    .join(":");
}

/** The first 8 bytes of a fingerprint, as {@linkcode fingerprintText}. */
export function shortFingerprint(fingerprint: Uint8Array): string {
  return fingerprintText(fingerprint.subarray(0, SHORT));
}

/**
 * Reads a fingerprint; the inverse of {@linkcode fingerprintText}.
 *
 * Source: spec G.1.
 *
 * @param text 64 hexadecimal digits, upper or lower case; colons are passed over wherever they are, as the official client does.
 * @returns 32 bytes of their own.
 * @throws {FormatError} If it is anything else.
 */
export function parseFingerprint(text: string): Bytes {
  const hex = text.replaceAll(":", "");
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) {
    throw new FormatError(
      `Cannot read fingerprint: it is "${
        text.slice(0, 120)
      }", expected 32 bytes in hexadecimal`,
    );
  }
  return bytesOfHex(hex);
}
