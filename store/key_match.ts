// Whether a snapshot was made with the key at hand.
import type { CryptKey } from "@pxar/chunk/key";
import { IntegrityError, KeyError, PxarError } from "@pxar/format/errors";
import type { Manifest } from "./manifest.ts";
import { verifyManifest } from "./manifest_signature.ts";
import { withoutKeyFingerprint } from "./unprotected.ts";

/** What a manifest and a key have to do with each other. */
export interface KeyMatch {
  /** Whether the manifest's signature was made with the key, so that what is encrypted must be so with it, too. */
  readonly isMadeWith: boolean;
  /** What is wrong with the manifest, in words; `undefined` where nothing is. */
  readonly problem: string | undefined;
}

/**
 * Compares a manifest with a key.
 *
 * A manifest that names another key is another key's business. So is, unseen, one whose key was changed by somebody who may write to the store: that is not protected. What
 * bears this key's signature and another's name is found.
 *
 * @param manifest The manifest.
 * @param key The key at hand, if there is one.
 */
export function keyMatch(
  manifest: Manifest,
  key: CryptKey | undefined,
): KeyMatch {
  if (key === undefined) return { isMadeWith: false, problem: undefined };
  try {
    verifyManifest(manifest, key);
    return {
      isMadeWith: manifest.signature !== undefined,
      problem: undefined,
    };
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    if (!(error instanceof KeyError)) {
      return { isMadeWith: false, problem: error.message };
    }
  }
  const isMadeWith = manifest.signature !== undefined &&
    bears(manifest, key);
  return {
    isMadeWith,
    problem: isMadeWith
      ? "Cannot trust manifest: it names another key than the one that signed it"
      : undefined,
  };
}

function bears(manifest: Manifest, key: CryptKey): boolean {
  try {
    verifyManifest(withoutKeyFingerprint(manifest), key);
    return true;
  } catch (error) {
    if (error instanceof IntegrityError) return false;
    throw error;
  }
}
