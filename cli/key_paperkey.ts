/**
 * `pxar key paperkey`: a key to be printed.
 *
 * @module
 */
import { paperKeyHtml, paperKeyText } from "@pxar/chunk/paper_key";
import { decodeKeyFile } from "@pxar/chunk/key_file";
import { type Command, command } from "./command.ts";
import { KEY_PATH } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { keyFilePath, readText } from "./key_files.ts";
import { print } from "./output.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "key paperkey",
  summary: "Print a key as text and QR codes, to be put away on paper",
  operands: [KEY_PATH],
  options: {
    subject: {
      kind: "text",
      value: "TEXT",
      help: "what the key is for: the first line",
    },
    "output-format": {
      kind: "choice",
      choices: ["text", "html"],
      help: "for a printer or for a browser (default: html)",
    },
  },
  notes:
    `PATH is a key file (default: the default key), or the private half of a master key.
It is printed as it is, locked or not. To have it again: type in or scan what stands
between the two marked lines, or the numbered lines without their numbers.`,
  examples: [
    {
      run: "pxar key paperkey --subject 'backups of elsa' > elsa.html",
      does: "the default key, for a browser",
    },
    {
      run: "pxar key paperkey master-private.pem --output-format text",
      does: "a master key's private half, for a printer",
    },
  ],
  // deno-lint-ignore require-await
  run: async ({ options, operands: [path] }) => {
    const { subject } = options;
    if (subject !== undefined && /[\p{Cc}\p{Zl}\p{Zp}]/u.test(subject)) {
      throw new UsageError("Cannot use --subject: expected one line");
    }
    const text = readText(keyFilePath(path));
    const key = /^\s*-----BEGIN /.test(text) ? text : decodeKeyFile(text);
    print(
      options["output-format"] === "text"
        ? paperKeyText(key, { subject })
        : paperKeyHtml(key, { subject }),
    );
    return EXIT.done;
  },
});
