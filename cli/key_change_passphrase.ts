/**
 * `pxar key change-passphrase`: the same key, locked with another passphrase.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { HINT, KDF, KEY_PATH, QUIET } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { keyFilePath, readKeyFile, writeFiles } from "./key_files.ts";
import { checkLockOptions, lockKey, unlockKey } from "./key_lock.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "key change-passphrase",
  summary: "Lock a key with another passphrase",
  operands: [KEY_PATH],
  options: { kdf: KDF, hint: HINT, quiet: QUIET },
  notes:
    `Without PATH, the default key is changed. The passphrase up to now comes from
PBS_ENCRYPTION_PASSWORD (or ..._FD, ..._FILE, ..._CMD), the new one from
PXAR_NEW_PASSWORD (likewise); what is not there is asked for. The key stays the
same, and so does all that was encrypted with it. The file is replaced in one step.
The hint up to now goes with its passphrase.`,
  examples: [
    { run: "pxar key change-passphrase", does: "of the default key" },
    {
      run: "pxar key change-passphrase key.json --kdf none",
      does: "take the lock off",
    },
  ],
  run: async ({ options, operands: [path] }) => {
    checkLockOptions(options);
    const found = keyFilePath(path);
    const file = readKeyFile(found);
    const { key, created } = await unlockKey(file);
    const text = await lockKey(key, "newEncryption", options, created);
    // A link stays one.
    const place = Deno.realPathSync(found);
    await writeFiles([{ path: place, text }], true);
    new Voice(options.quiet).note(
      options.kdf === "none"
        ? `${found} is not locked any more`
        : `${found} has a new passphrase`,
    );
    return EXIT.done;
  },
});
