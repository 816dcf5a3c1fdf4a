/**
 * `pxar key import-master-pubkey`: the public half of a master key becomes the default one.
 *
 * @module
 */
import { MIN_MASTER_BITS, readMasterPublicKey } from "@pxar/chunk/master_key";
import { KeyError } from "@pxar/format/errors";
import { type Command, command } from "./command.ts";
import { QUIET } from "./common_options.ts";
import { MASTER_PUBLIC_KEY, placeConfig } from "./config_files.ts";
import { EXIT } from "./exits.ts";
import { readText, writeFiles } from "./key_files.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "key import-master-pubkey",
  summary: "Make the public half of a master key the default one",
  operands: [{ name: "PATH", help: "PEM file, such as master-public.pem" }],
  options: { quiet: QUIET },
  notes:
    `It is checked and put into proxmox-backup/master-public.pem in XDG_CONFIG_HOME, or
in ~/.config, in place of the one that is there.`,
  examples: [
    {
      run: "pxar key import-master-pubkey master-public.pem",
      does: "the one that create-master-key made",
    },
    {
      run: "pxar key import-master-pubkey /mnt/usb/master-public.pem -q",
      does: "one that was kept elsewhere",
    },
  ],
  run: async ({ options, operands: [path] }) => {
    const { pem, bits } = readMasterPublicKey(readText(path!));
    if (bits < MIN_MASTER_BITS) {
      throw new KeyError(
        `Cannot import ${path}: it has ${bits} bits, expected ${MIN_MASTER_BITS} or more, so that it can lock a key`,
      );
    }
    const place = placeConfig(MASTER_PUBLIC_KEY);
    await writeFiles([{ path: place, text: pem, mode: 0o644 }], true);
    new Voice(options.quiet).note(`the public master key is in ${place}`);
    return EXIT.done;
  },
});
