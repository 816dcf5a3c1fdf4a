/**
 * The key that a new snapshot is made with, and what it does.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import type { OpenedKey } from "@pxar/chunk/key_file";
import { sealKey } from "@pxar/chunk/master_key";
import type { Bytes } from "@pxar/format/bytes";
import { KeyError } from "@pxar/format/errors";
import type { CryptMode } from "@pxar/store/manifest";
import { findConfig, MASTER_PUBLIC_KEY } from "./config_files.ts";
import { UsageError } from "./exits.ts";
import { defaultKeyFile, type KeyChoice } from "./key_choice.ts";
import { readKeyFile, readText } from "./key_files.ts";
import { unlockKey } from "./key_lock.ts";

/** Values of the options that say how a snapshot is protected. */
export interface CryptChoice extends KeyChoice {
  /** What the key does, if it was typed. */
  readonly "crypt-mode": CryptMode | undefined;
  /** Path of the master key's public half, if it was typed. */
  readonly "master-pubkey-file": string | undefined;
  /** Descriptor that it is read from, if it was typed. */
  readonly "master-pubkey-fd": number | undefined;
}

/** How a snapshot is protected. */
export interface Crypt {
  /** What the key does. */
  readonly cryptMode: CryptMode;
  /** The key; `undefined` with `none`. */
  readonly key: CryptKey | undefined;
  /** The key, locked for the holder of the master key; `undefined` where there is none. */
  readonly rsaKey: Bytes | undefined;
}

const NOTHING: Crypt = {
  cryptMode: "none",
  key: undefined,
  rsaKey: undefined,
};

/**
 * Finds out how a snapshot is to be protected: with the key that is named, or the default one; encrypted unless told.
 *
 * Source: protocol spec F.3.
 *
 * @param choice What the command line says.
 * @returns Key and mode.
 * @throws {UsageError} If what is named does not go together.
 * @throws {KeyError} If there is no key where one is needed, no passphrase for it to be had, or it is not the one.
 */
export async function cryptOf(choice: CryptChoice): Promise<Crypt> {
  const mode = choice["crypt-mode"];
  const named = pathOf(choice.keyfile, choice.keyfd, "keyfile", "keyfd");
  const master = pathOf(
    choice["master-pubkey-file"],
    choice["master-pubkey-fd"],
    "master-pubkey-file",
    "master-pubkey-fd",
  );
  if (mode === "none") {
    for (const [path, what] of [[named, "key"], [master, "master key"]]) {
      if (path === undefined) continue;
      throw new UsageError(
        `Cannot use --crypt-mode none with a ${what}: expected one of them`,
      );
    }
    return NOTHING;
  }
  const file = named === undefined ? defaultKeyFile() : readKeyFile(named);
  if (file === undefined) {
    if (mode === undefined && master === undefined) return NOTHING;
    throw new KeyError(
      `Cannot use ${
        mode === undefined ? "a master key" : `--crypt-mode ${mode}`
      }: there is no default key, expected --keyfile or --keyfd`,
    );
  }
  const opened = await unlockKey(file);
  return {
    cryptMode: mode ?? "encrypt",
    key: opened.key,
    rsaKey: await lockedKey(opened, master ?? findMaster()),
  };
}

async function lockedKey(
  { key, created, modified }: OpenedKey,
  master: string | undefined,
): Promise<Bytes | undefined> {
  if (master === undefined) return undefined;
  return await sealKey(key, readText(master), { created, modified });
}

/** The default master key, where there is one. */
function findMaster(): string | undefined {
  try {
    return findConfig(MASTER_PUBLIC_KEY);
  } catch {
    return undefined; // There is no folder of settings, or it may not be looked for.
  }
}

function pathOf(
  path: string | undefined,
  descriptor: number | undefined,
  one: string,
  other: string,
): string | undefined {
  if (path !== undefined && descriptor !== undefined) {
    throw new UsageError(
      `Cannot use --${one} with --${other}: expected one of them`,
    );
  }
  return path ??
    (descriptor === undefined ? undefined : `/dev/fd/${descriptor}`);
}
