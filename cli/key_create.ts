/**
 * `pxar key create`: a new encryption key.
 *
 * @module
 */
import { CryptKey, fingerprintText } from "@pxar/chunk/key";
import { type Command, command } from "./command.ts";
import { HINT, KDF, KEY_PATH, QUIET } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { newKeyFilePath, writeFiles } from "./key_files.ts";
import { checkLockOptions, lockKey } from "./key_lock.ts";
import { Voice } from "./voice.ts";

const KEY_SIZE = 32;

/** The command. */
export const COMMAND: Command = command({
  name: "key create",
  summary: "Make an encryption key, locked with a passphrase",
  operands: [KEY_PATH],
  options: { kdf: KDF, hint: HINT, quiet: QUIET },
  notes:
    `Without PATH, the key becomes the default one: proxmox-backup/encryption-key.json in
XDG_CONFIG_HOME, or in ~/.config. The passphrase comes from PBS_ENCRYPTION_PASSWORD
(or ..._FD, ..._FILE, ..._CMD), or is asked for twice. The file belongs to its owner
alone (0600). A key that is lost cannot be had again: keep a copy, on paper for one.`,
  examples: [
    { run: "pxar key create --hint 'the usual one'", does: "the default key" },
    {
      run: "pxar key create --kdf none robot.json",
      does: "one that whoever can read the file can use",
    },
  ],
  run: async ({ options, operands: [path] }) => {
    checkLockOptions(options);
    const place = newKeyFilePath(path);
    const key = CryptKey.of(crypto.getRandomValues(new Uint8Array(KEY_SIZE)));
    const text = await lockKey(key, "encryption", options);
    await writeFiles([{ path: place, text }], false);
    new Voice(options.quiet).note(
      `the key is in ${place}, fingerprint ${fingerprintText(key.fingerprint)}`,
    );
    return EXIT.done;
  },
});
