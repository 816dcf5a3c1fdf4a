/**
 * Key files: an encryption key as JSON, as it is or locked with a passphrase. Official clients read what is written here, and the other way round.
 *
 * ```json
 * {"kdf":{"Scrypt":{"n":65536,"r":8,"p":1,"salt":"<base64>"}},"created":"2020-06-26T15:56:05+02:00",
 *  "modified":"2020-06-26T15:56:05+02:00","data":"<base64>","fingerprint":"0e:ab:…","hint":"…"}
 * ```
 *
 * | member | value |
 * | :-- | :-- |
 * | kdf | `null` or missing: not locked; `{"Scrypt":{n,r,p,salt}}`; `{"PBKDF2":{iter,salt}}` |
 * | created, modified | RFC 3339; written as the clock here shows it, with its offset |
 * | data | not locked: the key, 32 bytes; locked: IV 16, tag 16, encrypted key 32 (AES-256-GCM, no further data) |
 * | fingerprint | of the key; may be missing |
 * | hint | what the passphrase is: 1 to 64 letters on one line; may be missing |
 *
 * Source: spec G.1.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { IntegrityError, KeyError } from "@pxar/format/errors";
import { IV_SIZE, openAesGcm, TAG_SIZE } from "./aes_gcm.ts";
import { sameBytes } from "./digest.ts";
import {
  deriveKey,
  type Kdf,
  newKdf,
  type Passphrase,
  passphraseBytes,
} from "./kdf.ts";
import { CryptKey, fingerprintText } from "./key.ts";
import {
  decodeKeyFile,
  hintProblem,
  type KeyFile,
  LOCKED_SIZE,
  sizedData,
} from "./key_json.ts";

export {
  decodeKeyFile,
  encodeKeyFile,
  hintProblem,
  type KeyFile,
  MAX_HINT,
} from "./key_json.ts";

/** What a key file is made with. */
export interface KeyFileOptions {
  /** How the passphrase locks it: scrypt or PBKDF2 with the official parameters, or others; `scrypt` unless told where there is a passphrase. */
  readonly kdf?: "none" | Kdf["kind"] | Kdf | undefined;
  /** What the passphrase is: 1 to 64 letters on one line. */
  readonly hint?: string | undefined;
  /** When the key was made, seconds since 1970; now unless told. */
  readonly created?: number | undefined;
  /** When the file was last changed, seconds since 1970; now unless told. */
  readonly modified?: number | undefined;
}

/** A key out of its file. */
export interface OpenedKey {
  /** The key. */
  readonly key: CryptKey;
  /** When it was made, seconds since 1970. */
  readonly created: number;
  /** When its file was last changed, seconds since 1970. */
  readonly modified: number;
  /** Its fingerprint, 32 bytes, computed. */
  readonly fingerprint: Bytes;
  /** What the passphrase is; `undefined` where there is no hint. */
  readonly hint: string | undefined;
}

/** Shortest passphrase, bytes. */
export const MIN_PASSPHRASE = 5;

/**
 * Makes a key file.
 *
 * @param key The key.
 * @param passphrase Locks it; `undefined` leaves it open to whoever can read the file.
 * @param options Everything else.
 * @returns What {@linkcode encodeKeyFile} writes.
 * @throws {RangeError} If the passphrase has less than 5 bytes, or the hint is not 1 to 64 letters on one line.
 * @throws {TypeError} If there is a passphrase or a hint where nothing is locked, or no passphrase where something is.
 * @throws {FormatError} If parameters of `kdf` are beyond the limits of {@linkcode checkKdf}.
 *
 * @example
 * ```ts
 * import { CryptKey } from "@pxar/chunk/key";
 * import { createKeyFile, encodeKeyFile, openKeyFile } from "@pxar/chunk/key_file";
 *
 * const key = CryptKey.of(crypto.getRandomValues(new Uint8Array(32)));
 * const text = encodeKeyFile(await createKeyFile(key, "correct horse", { hint: "the usual one" }));
 *
 * const { key: same } = await openKeyFile(text, "correct horse");
 * same.fingerprint; // As that of `key`.
 * ```
 */
export async function createKeyFile(
  key: CryptKey,
  passphrase: Passphrase | undefined,
  options: KeyFileOptions = {},
): Promise<KeyFile> {
  const now = Math.floor(Date.now() / 1000);
  const { hint, created = now, modified = now } = options;
  const wanted = options.kdf ?? (passphrase === undefined ? "none" : "scrypt");
  if ((wanted === "none") !== (passphrase === undefined)) {
    throw new TypeError(
      `Cannot create key file: there is ${
        passphrase === undefined ? "no" : "a"
      } passphrase, and kdf is ${
        typeof wanted === "string" ? wanted : wanted.kind
      }; expected a passphrase for scrypt and pbkdf2, and none for none`,
    );
  }
  const problem = hint === undefined ? undefined : hintProblem(hint);
  if (problem !== undefined) {
    throw new RangeError(`Cannot create key file: the hint ${problem}`);
  }
  const { fingerprint } = key;
  if (wanted === "none" || passphrase === undefined) {
    if (hint !== undefined) {
      throw new TypeError(
        "Cannot create key file: there is a hint but no passphrase, expected both or no hint",
      );
    }
    const data = key.key.slice();
    return { kdf: undefined, created, modified, data, fingerprint, hint };
  }
  const secret = passphraseBytes(passphrase);
  if (secret.length < MIN_PASSPHRASE) {
    throw new RangeError(
      `Cannot create key file: the passphrase has ${secret.length} bytes, expected ${MIN_PASSPHRASE} or more`,
    );
  }
  const kdf = typeof wanted === "string" ? newKdf(wanted) : wanted;
  const derived = await deriveKey(kdf, secret);
  const data = new Uint8Array(LOCKED_SIZE);
  const iv = crypto.getRandomValues(data.subarray(0, IV_SIZE));
  const aesGcm = await openAesGcm();
  const sealed = data.subarray(IV_SIZE + TAG_SIZE);
  const tag = await aesGcm.seal(derived, iv, key.key, sealed);
  data.set(tag, IV_SIZE);
  derived.fill(0);
  return { kdf, created, modified, data, fingerprint, hint };
}

/**
 * Takes the key out of a key file.
 *
 * @param file The file, or its text.
 * @param passphrase Unlocks it; not looked at where it is not locked.
 * @returns The key, and what the file says of it.
 * @throws {KeyError} If it is locked and the passphrase is missing, or has less than 5 bytes, or is not the one.
 * @throws {IntegrityError} If the key has another fingerprint than the file says.
 * @throws {FormatError} As {@linkcode decodeKeyFile}.
 */
export async function openKeyFile(
  file: string | KeyFile,
  passphrase?: Passphrase,
): Promise<OpenedKey> {
  const parsed = typeof file === "string" ? decodeKeyFile(file) : file;
  const { created, modified, hint } = parsed;
  const data = sizedData(parsed.data, parsed.kdf);
  const bytes = parsed.kdf === undefined
    ? data.slice()
    : await unlock(parsed, parsed.kdf, passphrase);
  const key = CryptKey.of(bytes);
  const { fingerprint } = key;
  if (
    parsed.fingerprint !== undefined &&
    !sameBytes(parsed.fingerprint, fingerprint)
  ) {
    const expected = fingerprintText(parsed.fingerprint);
    const actual = fingerprintText(fingerprint);
    throw new IntegrityError(
      `Cannot open key file: its key has the fingerprint ${actual}, expected ${expected}`,
      { expected, actual },
    );
  }
  return { key, created, modified, fingerprint, hint };
}

async function unlock(
  { data, hint }: KeyFile,
  kdf: Kdf,
  passphrase: Passphrase | undefined,
): Promise<Bytes> {
  const hinted = hint === undefined ? "" : ` (hint: ${hint})`;
  if (passphrase === undefined) {
    throw new KeyError(
      `Cannot open key file: it is locked, expected its passphrase${hinted}`,
    );
  }
  const secret = passphraseBytes(passphrase);
  if (secret.length < MIN_PASSPHRASE) {
    throw new KeyError(
      `Cannot open key file: the passphrase has ${secret.length} bytes, expected ${MIN_PASSPHRASE} or more${hinted}`,
    );
  }
  const derived = await deriveKey(kdf, secret);
  const aesGcm = await openAesGcm();
  const key = new Uint8Array(data.length - IV_SIZE - TAG_SIZE);
  const good = await aesGcm.open(
    derived,
    data.subarray(0, IV_SIZE),
    data.subarray(IV_SIZE, IV_SIZE + TAG_SIZE),
    data.subarray(IV_SIZE + TAG_SIZE),
    key,
  );
  derived.fill(0);
  if (good) return key;
  throw new KeyError(
    `Cannot open key file: the passphrase is not the one it was locked with, or its data are damaged${hinted}`,
  );
}
