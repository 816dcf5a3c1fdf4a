/**
 * `pxar key create-master-key`: a pair of keys that can open lost encryption keys.
 *
 * @module
 */
import { MIN_PASSPHRASE } from "@pxar/chunk/key_file";
import { createMasterKey } from "@pxar/chunk/master_key";
import { type Command, command } from "./command.ts";
import { QUIET } from "./common_options.ts";
import { MASTER_PUBLIC_KEY } from "./config_files.ts";
import { EXIT } from "./exits.ts";
import { checkAbsent, writeFiles } from "./key_files.ts";
import { newPassphrase } from "./secret.ts";
import { Voice } from "./voice.ts";

const MASTER_PRIVATE_KEY = "master-private.pem";

/** The command. */
export const COMMAND: Command = command({
  name: "key create-master-key",
  summary: "Make a master key that can open lost encryption keys",
  operands: [],
  options: { quiet: QUIET },
  notes:
    `Writes master-public.pem and master-private.pem (RSA, 4096 bits) to the current
folder; neither may be there. The passphrase of the private one comes from
PXAR_MASTER_PASSWORD (or ..._FD, ..._FILE, ..._CMD), or is asked for twice. Put the
private one away, apart from the backups; "pxar key import-master-pubkey" makes the
public one the default.`,
  examples: [
    { run: "pxar key create-master-key", does: "both halves, asking" },
    {
      run: "pxar key create-master-key --quiet",
      does: "in a script, with PXAR_MASTER_PASSWORD set",
    },
  ],
  run: async ({ options }) => {
    checkAbsent(MASTER_PUBLIC_KEY);
    checkAbsent(MASTER_PRIVATE_KEY);
    const passphrase = await newPassphrase(
      "master",
      "New passphrase of the master key",
      MIN_PASSPHRASE,
    );
    const voice = new Voice(options.quiet);
    voice.note("making a master key of 4096 bits takes some seconds");
    const { publicPem, privatePem } = await createMasterKey(passphrase);
    await writeFiles([
      { path: MASTER_PUBLIC_KEY, text: publicPem, mode: 0o644 },
      { path: MASTER_PRIVATE_KEY, text: privatePem },
    ], false);
    voice.note(
      `the master key is in ${MASTER_PUBLIC_KEY} and ${MASTER_PRIVATE_KEY}`,
    );
    return EXIT.done;
  },
});
