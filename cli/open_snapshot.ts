/**
 * Opens the snapshot that a command line means.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import { IntegrityError, KeyError } from "@pxar/format/errors";
import { RSA_KEY_NAME } from "@pxar/store/archive_name";
import { CRYPT_MODES, type CryptMode } from "@pxar/store/manifest";
import {
  type GroupName,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import { openNative } from "@pxar/sys/native";
import { type OpenSnapshot, openSnapshot } from "@pxar/transfer/open";
import { UsageError } from "./exits.ts";
import { type KeyChoice, keyFor, namedKey } from "./key_choice.ts";
import { openStore, type StoreChoice } from "./open_store.ts";
import type { Choice } from "./options.ts";
import { newestOf } from "./store_names.ts";
import type { Voice } from "./voice.ts";

/** What a key must have done to a snapshot that is read. */
export const DEMANDED_MODE: Choice<CryptMode> = {
  kind: "choice",
  choices: CRYPT_MODES,
  help: "none: use no key; else refuse what is not encrypted, or not signed",
};

/** Values of the options that say how a snapshot is opened. */
export interface SnapshotChoice extends StoreChoice, KeyChoice {
  /** What a key must have done to it, if it was typed. */
  readonly "crypt-mode"?: CryptMode | undefined;
}

/**
 * Opens a snapshot for reading, with the key that is named, or the default one where the manifest names one.
 *
 * @param name A snapshot, or a group whose newest finished one is meant.
 * @param choice Store and key.
 * @param voice Says what is weaker than it should be.
 * @param signal Ends reading.
 * @returns The open snapshot; to be closed.
 * @throws {NotFoundError} If it is not there, or not finished.
 * @throws {KeyError} If it was made with another key, or with one and there is none.
 * @throws {IntegrityError} If the manifest is not its own, or not signed as it must be.
 */
export async function openChosen(
  name: GroupName | SnapshotName,
  choice: SnapshotChoice,
  voice: Voice,
  signal?: AbortSignal,
): Promise<OpenSnapshot> {
  const mode = choice["crypt-mode"], key = await keyOf(choice, mode);
  const store = await openStore(choice, voice);
  const snapshot = await openSnapshot(store, newestOf(store, name), {
    key,
    native: openNative(),
    signal,
  });
  try {
    if (mode !== undefined && mode !== "none") demand(snapshot, mode);
    return snapshot;
  } catch (error) {
    await snapshot[Symbol.asyncDispose]();
    throw error;
  }
}

/** A function where it is needed only if the manifest says so. */
async function keyOf(
  choice: KeyChoice,
  mode: CryptMode | undefined,
): Promise<CryptKey | undefined | (() => Promise<CryptKey | undefined>)> {
  if (mode === "none") {
    if (choice.keyfile === undefined && choice.keyfd === undefined) {
      return undefined;
    }
    throw new UsageError(
      "Cannot use --crypt-mode none with a key: expected one of them",
    );
  }
  const named = await namedKey(choice);
  if (mode === undefined) return named ?? (() => keyFor(choice, true));
  const key = named ?? await keyFor(choice, true);
  if (key !== undefined) return key;
  throw new KeyError(
    `Cannot use --crypt-mode ${mode}: there is no default key, expected --keyfile or --keyfd`,
  );
}

/** With a key at hand, a signature that is there has been checked. */
function demand({ snapshot, manifest }: OpenSnapshot, mode: CryptMode): void {
  const what = manifest.signature === undefined
    ? "it is not signed"
    : mode === "sign-only"
    ? undefined
    : manifest.files.filter(({ name, cryptMode }) =>
      cryptMode !== "encrypt" && name !== RSA_KEY_NAME
    ).map(({ name }) => `its ${name} is not encrypted`)[0];
  if (what === undefined) return;
  throw new IntegrityError(
    `Cannot trust ${
      snapshotText(snapshot)
    }: ${what}, expected what --crypt-mode ${mode} demands`,
  );
}
