/**
 * `pxar key import-with-master-key`: an encryption key out of a backup, with the master key's help.
 *
 * @module
 */
import { openCodecs } from "@pxar/chunk/codecs";
import { BLOB_MAGICS, decodeBlob } from "@pxar/chunk/blob";
import { fingerprintText } from "@pxar/chunk/key";
import { isLockedPem, openKey } from "@pxar/chunk/master_key";
import type { Bytes } from "@pxar/format/bytes";
import { type Command, command } from "./command.ts";
import { HINT, KDF, KEY_PATH, QUIET } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import {
  newKeyFilePath,
  readSmall,
  readText,
  writeFiles,
} from "./key_files.ts";
import { checkLockOptions, lockKey } from "./key_lock.ts";
import { getSecret } from "./secret.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "key import-with-master-key",
  summary: "Get an encryption key back with the help of the master key",
  operands: [KEY_PATH],
  options: {
    "master-keyfile": {
      kind: "text",
      value: "FILE",
      help: "private half of the master key",
    },
    "encrypted-keyfile": {
      kind: "text",
      value: "FILE",
      help: "rsa-encrypted.key of a snapshot, or its .blob",
    },
    kdf: KDF,
    hint: HINT,
    quiet: QUIET,
  },
  notes:
    `Without PATH, the key becomes the default one. The master key's passphrase comes
from PXAR_MASTER_PASSWORD, the new one of the key from PBS_ENCRYPTION_PASSWORD (or
..._FD, ..._FILE, ..._CMD); what is not there is asked for.`,
  examples: [
    {
      run:
        "pxar key import-with-master-key --master-keyfile master-private.pem --encrypted-keyfile rsa-encrypted.key",
      does: "the default key",
    },
    {
      run:
        "pxar key import-with-master-key a.json --kdf none --master-keyfile m.pem --encrypted-keyfile k.blob",
      does: "a file without passphrase, from a datastore's own file",
    },
  ],
  run: async ({ options, operands: [path] }) => {
    checkLockOptions(options);
    const masterPath = options["master-keyfile"];
    const lockedPath = options["encrypted-keyfile"];
    if (masterPath === undefined || lockedPath === undefined) {
      throw new UsageError(
        `Cannot run key import-with-master-key: --${
          masterPath === undefined ? "master-keyfile" : "encrypted-keyfile"
        } FILE is missing`,
      );
    }
    const place = newKeyFilePath(path);
    const privatePem = readText(masterPath);
    const locked = await contentOf(readSmall(lockedPath));
    const passphrase = isLockedPem(privatePem)
      ? await getSecret("master", "Passphrase of the master key")
      : undefined;
    const { key, created } = await openKey(locked, privatePem, passphrase);
    const text = await lockKey(key, "encryption", options, created);
    await writeFiles([{ path: place, text }], false);
    new Voice(options.quiet).note(
      `the key is in ${place}, fingerprint ${fingerprintText(key.fingerprint)}`,
    );
    return EXIT.done;
  },
});

/** What a file holds, whether it was restored or copied out of a datastore. */
async function contentOf(bytes: Bytes): Promise<Bytes> {
  const isBlob = Object.values(BLOB_MAGICS).some((magic) =>
    magic.every((byte, at) => bytes[at] === byte)
  );
  if (!isBlob) return bytes;
  return await decodeBlob(bytes, { codecs: await openCodecs() });
}
