/**
 * The signature of a manifest: made with the key that the snapshot is encrypted or signed with, over everything but its unprotected part.
 *
 * @module
 */
import { hexOf, sameBytes } from "@pxar/chunk/digest";
import {
  type CryptKey,
  fingerprintText,
  shortFingerprint,
} from "@pxar/chunk/key";
import { IntegrityError, KeyError } from "@pxar/format/errors";
import { canonicalJson } from "./canonical_json.ts";
import type { Manifest } from "./manifest.ts";
import { keyFingerprintOf, withKeyFingerprint } from "./unprotected.ts";

const UTF8 = new TextEncoder();

/**
 * The bytes that a signature is made over.
 *
 * Source: spec F.2.
 *
 * @param manifest The manifest.
 * @returns Canonical JSON, in memory of its own.
 * @throws {FormatError} If there is a `null` among them.
 */
export function signedBytes(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return UTF8.encode(canonicalJson(manifest.signed));
}

/**
 * Signs a manifest, and names the key in it.
 *
 * Source: spec F.2.
 *
 * @param manifest The manifest; a signature that it has is replaced.
 * @param key The key that its files are encrypted with, or that only signs.
 * @returns The signed one.
 * @throws {FormatError} If there is a `null` in what would be signed.
 */
export function signManifest(manifest: Manifest, key: CryptKey): Manifest {
  return withKeyFingerprint(
    { ...manifest, signature: signatureOf(manifest, key) },
    fingerprintText(key.fingerprint),
  );
}

/**
 * States that a manifest may be trusted with a key, or without one.
 *
 * With a key, a manifest without signature is refused if it names a key, or if any of its files is not of mode `none`: somebody took the signature away. So snapshots that were
 * made without a key can be read although one is at hand. Where the modes were changed to `none` too, an encrypted chunk or blob is refused later, because it is not what its file's
 * mode says. A snapshot that was only signed can be passed off as one made without a key: whoever must not take one demands `signature !== undefined`.
 *
 * Source: spec F.2.
 *
 * @param manifest The manifest.
 * @param key The key at hand; without one, nothing but its absence can be wrong.
 * @throws {KeyError} If it was made with another key, or with one and there is none.
 * @throws {IntegrityError} If the signature is wrong, or missing where there must be one.
 * @throws {FormatError} If there is a `null` among what is signed, or the fingerprint in it is none.
 */
export function verifyManifest(
  manifest: Manifest,
  key: CryptKey | undefined,
): void {
  const fingerprint = keyFingerprintOf(manifest);
  if (key === undefined) {
    if (fingerprint === undefined) return;
    throw new KeyError(
      `Cannot trust manifest: it was made with key ${
        shortFingerprint(fingerprint)
      }, expected that key, but there is none`,
    );
  }
  if (
    fingerprint !== undefined && !sameBytes(fingerprint, key.fingerprint)
  ) {
    throw new KeyError(
      `Cannot trust manifest: it was made with key ${
        shortFingerprint(fingerprint)
      }, expected that key, but the one at hand is ${
        shortFingerprint(key.fingerprint)
      }`,
    );
  }
  const actual = manifest.signature;
  if (
    actual === undefined && fingerprint === undefined &&
    manifest.files.every((file) => file.cryptMode === "none")
  ) return;
  const expected = signatureOf(manifest, key);
  if (actual === expected) return;
  throw new IntegrityError(
    actual === undefined
      ? `Cannot trust manifest: it has no signature, expected one, because ${
        fingerprint === undefined ? "its files are not plain" : "it names a key"
      }`
      : "Cannot trust manifest: its signature is wrong, expected the one that the key at hand makes",
    { expected, actual },
  );
}

function signatureOf(manifest: Manifest, key: CryptKey): string {
  return hexOf(key.authTag(signedBytes(manifest)));
}
