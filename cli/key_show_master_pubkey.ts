/**
 * `pxar key show-master-pubkey`: the public half of a master key.
 *
 * @module
 */
import { readMasterPublicKey } from "@pxar/chunk/master_key";
import { KeyError } from "@pxar/format/errors";
import { type Command, command } from "./command.ts";
import { JSON_PRETTY, OUTPUT_FORMAT } from "./common_options.ts";
import { findConfig, MASTER_PUBLIC_KEY } from "./config_files.ts";
import { EXIT } from "./exits.ts";
import { readText } from "./key_files.ts";
import { formatOf, printResult, PROPERTIES } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "key show-master-pubkey",
  summary: "Show the public half of a master key",
  operands: [{
    name: "PATH",
    help: "PEM file (default: the default master key)",
    optional: true,
  }],
  options: { "output-format": OUTPUT_FORMAT, json: JSON_PRETTY },
  examples: [
    { run: "pxar key show-master-pubkey", does: "the default one" },
    {
      run: "pxar key show-master-pubkey master-public.pem --json",
      does: "another one, for a script",
    },
  ],
  // deno-lint-ignore require-await
  run: async ({ options, operands: [typed] }) => {
    const format = formatOf(options);
    const path = typed ?? findConfig(MASTER_PUBLIC_KEY);
    if (path === undefined) {
      throw new KeyError(
        `Cannot find the public master key: there is no default one, expected PATH, or ${MASTER_PUBLIC_KEY} in the folder of settings`,
      );
    }
    const { modulus, exponent, bits } = readMasterPublicKey(readText(path));
    const told = { path, modulus, exponent: String(exponent), length: bits };
    printResult(format, told, () => ({
      columns: PROPERTIES,
      rows: Object.entries(told).map(([name, value]) => [name, String(value)]),
    }));
    return EXIT.done;
  },
});
