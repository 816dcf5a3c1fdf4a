// tests/vectors/store/manifest/manifest.json: what is in it, and manifests made at random.
import { CryptKey } from "@pxar/chunk/key";
import { MANIFEST_NAME } from "@pxar/store/archive_name";
import { CRYPT_MODES, makeManifest, type Manifest } from "@pxar/store/manifest";
import fc from "fast-check";
import { SAFE_IDS, SNAPSHOTS } from "./names.ts";
import { type Case, type Result, storeVector } from "./vectors.ts";

/** A manifest of the official client. */
export interface ManifestCase {
  readonly name: string;
  readonly blobSize: number;
  readonly signed: boolean;
  readonly signature: string | null;
  readonly signatureWithKey: string;
  readonly canonicalSha256: string;
  readonly blobSha256: string;
  readonly readWithKey: string | null;
  readonly readWithOtherKey: string | null;
  readonly readWithoutKey: string | null;
  readonly checkFingerprintWithoutKey: string | null;
  readonly verifyState: {
    readonly ok: { readonly state: string; readonly upid: string } | null;
  };
}

/** A text, the key that is at hand, and what the official reader says. */
export interface ManifestText extends Case<{ readonly files: number }> {
  readonly name: string;
  readonly key: "key" | "other" | "none";
}

/** The file. */
export interface Manifests {
  readonly canonical: readonly {
    readonly text: string;
    readonly result: Result<string>;
    readonly versionDependent?: true;
  }[];
  readonly key: string;
  readonly manifests: readonly ManifestCase[];
  readonly otherKey: string;
  readonly texts: readonly ManifestText[];
}

export const MANIFESTS = storeVector<Manifests>("manifest/manifest.json");

function keyOf(hex: string): CryptKey {
  return CryptKey.of(Uint8Array.fromHex(hex));
}

/** The keys by the names that the texts have for them. */
export const KEYS: Readonly<Record<ManifestText["key"], CryptKey | undefined>> =
  {
    key: keyOf(MANIFESTS.key),
    other: keyOf(MANIFESTS.otherKey),
    none: undefined,
  };

/** Any manifest, without signature. */
export const ARBITRARY_MANIFESTS: fc.Arbitrary<Manifest> = fc.tuple(
  SNAPSHOTS,
  fc.uniqueArray(
    fc.record({
      name: fc.tuple(SAFE_IDS, fc.constantFrom("didx", "fidx", "blob"))
        .map(([id, extension]) => `${id}.${extension}`)
        .filter((name) => name !== MANIFEST_NAME),
      cryptMode: fc.constantFrom(...CRYPT_MODES),
      size: fc.maxSafeNat(),
      csum: fc.uint8Array({ minLength: 32, maxLength: 32 })
        .map((bytes) => new Uint8Array(bytes)),
    }, { noNullPrototype: true }),
    { selector: ({ name }) => name },
  ),
).map(([snapshot, files]) => makeManifest(snapshot, files));
