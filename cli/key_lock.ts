/**
 * A key that is locked with a new passphrase, as three commands do it.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import {
  createKeyFile,
  encodeKeyFile,
  hintProblem,
  type KeyFile,
  MIN_PASSPHRASE,
  type OpenedKey,
  openKeyFile,
} from "@pxar/chunk/key_file";
import { UsageError } from "./exits.ts";
import { getSecret, newPassphrase, type SecretName } from "./secret.ts";

/** What was asked for. */
export interface LockOptions {
  /** How the passphrase locks the key. */
  readonly kdf: "none" | "scrypt" | "pbkdf2" | undefined;
  /** What the passphrase is. */
  readonly hint: string | undefined;
}

/**
 * Refuses options that do not go together, before somebody is asked for anything.
 *
 * @param options What was asked for.
 * @throws {UsageError} If the hint is not one line of 1 to 64 letters, or nothing is locked.
 */
export function checkLockOptions({ kdf, hint }: LockOptions): void {
  if (hint === undefined) return;
  if (kdf === "none") {
    throw new UsageError(
      "Cannot use --hint with --kdf none: without a passphrase there is nothing to be reminded of",
    );
  }
  const problem = hintProblem(hint);
  if (problem !== undefined) {
    throw new UsageError(`Cannot use --hint: it ${problem}`);
  }
}

/**
 * Makes a key file, and gets the passphrase for it where one is wanted.
 *
 * @param key The key.
 * @param secret Where the passphrase is looked for.
 * @param options How it is locked.
 * @param created When the key was made, seconds since 1970; now unless told.
 * @returns The text of the file.
 * @throws {KeyError} If there is no passphrase to be had, or it is too short.
 */
export async function lockKey(
  key: CryptKey,
  secret: SecretName,
  options: LockOptions,
  created?: number,
): Promise<string> {
  const { kdf = "scrypt", hint } = options;
  const passphrase = kdf === "none"
    ? undefined
    : await newPassphrase(secret, "New passphrase of the key", MIN_PASSPHRASE);
  return encodeKeyFile(
    await createKeyFile(key, passphrase, { kdf, hint, created }),
  );
}

/**
 * Opens a key file, and gets its passphrase where it is locked.
 *
 * @param file The file.
 * @returns The key.
 * @throws {KeyError} If there is no passphrase to be had, or it is not the one.
 */
export async function unlockKey(file: KeyFile): Promise<OpenedKey> {
  const hinted = file.hint === undefined ? "" : ` (hint: ${file.hint})`;
  const passphrase = file.kdf === undefined
    ? undefined
    : await getSecret("encryption", `Passphrase of the key${hinted}`);
  return await openKeyFile(file, passphrase);
}
