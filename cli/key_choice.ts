/**
 * The key that a command line means: named, or the default one.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import { type KeyFile, openKeyFile } from "@pxar/chunk/key_file";
import { ENCRYPTION_KEY, findConfig } from "./config_files.ts";
import { UsageError } from "./exits.ts";
import { readKeyFile } from "./key_files.ts";
import { unlockKey } from "./key_lock.ts";
import { findSecret } from "./secret.ts";
import type { Voice } from "./voice.ts";

/** Values of the options that name a key. */
export interface KeyChoice {
  /** Path of its file, if it was typed. */
  readonly keyfile: string | undefined;
  /** Descriptor that its file is read from, if it was typed. */
  readonly keyfd: number | undefined;
}

/**
 * The key that is named; gets its passphrase where it is locked.
 *
 * @param choice What the command line says.
 * @returns `undefined` where none is named.
 * @throws {UsageError} If it is named twice.
 * @throws {KeyError} If there is no passphrase to be had, or it is not the one.
 */
export async function namedKey(
  choice: KeyChoice,
): Promise<CryptKey | undefined> {
  const { keyfile, keyfd } = choice;
  if (keyfile !== undefined && keyfd !== undefined) {
    throw new UsageError(
      "Cannot use --keyfile with --keyfd: expected one of them",
    );
  }
  const path = keyfile ??
    (keyfd === undefined ? undefined : `/dev/fd/${keyfd}`);
  return path === undefined
    ? undefined
    : (await unlockKey(readKeyFile(path))).key;
}

/**
 * The key that is named, or the default one where one is needed; gets its passphrase where it is locked.
 *
 * @param choice What the command line says.
 * @param isNeeded Whether there is anything to do for a key.
 * @returns `undefined` where none is named, and none needed or there.
 * @throws {UsageError} If it is named twice.
 * @throws {KeyError} If there is no passphrase to be had, or it is not the one.
 */
export async function keyFor(
  choice: KeyChoice,
  isNeeded: boolean,
): Promise<CryptKey | undefined> {
  const named = await namedKey(choice);
  if (named !== undefined || !isNeeded) return named;
  const file = defaultKeyFile();
  return file && (await unlockKey(file)).key;
}

/**
 * The key that is named, or the default one where it can be had without asking anybody.
 *
 * @param choice What the command line says.
 * @param voice Hears it where it cannot.
 * @returns `undefined` where there is none.
 * @throws {UsageError} If it is named twice.
 * @throws {KeyError} If the passphrase is not the one.
 */
export async function keyAtHand(
  choice: KeyChoice,
  voice: Voice,
): Promise<CryptKey | undefined> {
  const named = await namedKey(choice);
  if (named !== undefined) return named;
  const file = defaultKeyFile();
  if (file === undefined) return undefined;
  // Looked for once: a descriptor gives it once.
  const passphrase = file.kdf && await findSecret("encryption");
  if (file.kdf === undefined || passphrase !== undefined) {
    return (await openKeyFile(file, passphrase)).key;
  }
  voice.note(
    "what is encrypted is not decrypted: the default key is locked, expected --keyfile, or its passphrase in PBS_ENCRYPTION_PASSWORD",
  );
  return undefined;
}

/** The default key's file, if there is one. */
export function defaultKeyFile(): KeyFile | undefined {
  let path: string | undefined;
  try {
    path = findConfig(ENCRYPTION_KEY);
  } catch {
    return undefined; // There is no folder of settings, or it may not be looked for.
  }
  return path === undefined ? undefined : readKeyFile(path);
}
