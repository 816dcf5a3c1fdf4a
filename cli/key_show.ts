/**
 * `pxar key show`: what a key file says of its key.
 *
 * @module
 */
import { fingerprintText } from "@pxar/chunk/key";
import { type Command, command } from "./command.ts";
import { JSON_PRETTY, KEY_PATH, OUTPUT_FORMAT } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { keyFilePath, readKeyFile } from "./key_files.ts";
import { quote } from "./names.ts";
import { clockText } from "./show.ts";
import { formatOf, printResult, PROPERTIES } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "key show",
  summary: "Show what a key file says of its key",
  operands: [KEY_PATH],
  options: { "output-format": OUTPUT_FORMAT, json: JSON_PRETTY },
  notes:
    `Without PATH, the default key is shown: proxmox-backup/encryption-key.json in
XDG_CONFIG_HOME (~/.config) or XDG_CONFIG_DIRS (/etc/xdg). No passphrase is needed.`,
  examples: [
    { run: "pxar key show", does: "the default key" },
    {
      run: "pxar key show key.json --output-format json",
      does: "another one, for a script",
    },
  ],
  // deno-lint-ignore require-await
  run: async ({ options, operands: [path] }) => {
    const format = formatOf(options);
    const found = keyFilePath(path);
    const { kdf, created, modified, fingerprint, hint } = readKeyFile(found);
    const told = {
      // In quotes, as the official client shows it, in JSON too.
      path: `"${quote(new TextEncoder().encode(found))}"`,
      kdf: kdf?.kind ?? "none",
      created,
      modified,
      fingerprint: fingerprint && fingerprintText(fingerprint),
      hint,
    };
    printResult(format, told, () => ({
      columns: PROPERTIES,
      rows: Object.entries({
        ...told,
        created: clockText(created),
        modified: clockText(modified),
      }).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]),
    }));
    return EXIT.done;
  },
});
