/**
 * Options that several commands have.
 *
 * @module
 */
import type { Choice, Count, Flag, Operand, Text } from "./options.ts";

/** The archive that is read. */
export const ARCHIVE: Operand = {
  name: "ARCHIVE",
  help: "a .pxar or .mpxar file, or TYPE/ID[/TIME]:NAME",
};

/** The archive that is read from its beginning to its end. */
export const STREAM: Operand = {
  name: "ARCHIVE",
  help: "a .pxar or .mpxar file, - (standard input), or TYPE/ID[/TIME]:NAME",
};

/** Result as JSON. */
export const JSON_FLAG: Flag = {
  kind: "flag",
  help: "print the result as JSON",
};

/** No progress, no notes. */
export const QUIET: Flag = {
  kind: "flag",
  short: "q",
  help: "no progress and no notes; problems are still said",
};

/** Escapes in arguments. */
export const ESCAPED: Flag = {
  kind: "flag",
  help:
    "PATH and PATTERN have escapes (\\\\ \\n \\xHH \\u{HEX}), as list prints them",
};

/** Payload of a split archive. */
export const PAYLOAD_INPUT: Text = {
  kind: "text",
  value: "FILE",
  help: "payload of a split archive (default: NAME.ppxar beside NAME.mpxar)",
};

/** Long form. */
export const LONG: Flag = {
  kind: "flag",
  short: "l",
  help: "also mode, owner, time and size",
};

/** Form of a result, as the official client has it. */
export const OUTPUT_FORMAT: Choice<"text" | "json" | "json-pretty"> = {
  kind: "choice",
  choices: ["text", "json", "json-pretty"],
  help: "form of the result (default: text)",
};

/** Result as JSON, where there is an output format. */
export const JSON_PRETTY: Flag = {
  kind: "flag",
  help: "the same as --output-format json-pretty",
};

/** How a passphrase locks a key. */
export const KDF: Choice<"none" | "scrypt" | "pbkdf2"> = {
  kind: "choice",
  choices: ["none", "scrypt", "pbkdf2"],
  help: "how the passphrase locks the key (default: scrypt)",
};

/** What a passphrase is. */
export const HINT: Text = {
  kind: "text",
  value: "TEXT",
  help: "reminds of the passphrase; kept readable beside the locked key",
};

/** The key file. */
export const KEY_PATH: Operand = {
  name: "PATH",
  help: "key file (default: see below)",
  optional: true,
};

/** Which store. */
export const REPOSITORY: Text = {
  kind: "text",
  value: "PATH",
  help: "./PATH, /PATH or file:///PATH (default: PBS_REPOSITORY, or your own)",
};

/** Which name a store goes by. */
export const STORE_NAME: Text = {
  kind: "text",
  value: "NAME",
  help:
    "the datastore's name, which locks are kept under (default: its folder's)",
};

/** What every command on a store takes. */
export const STORE_OPTIONS: {
  readonly repository: Text;
  readonly "store-name": Text;
} = { repository: REPOSITORY, "store-name": STORE_NAME };

/** In which namespace. */
export const NAMESPACE: Text = {
  kind: "text",
  value: "NS",
  help: "the namespace, such as a/b (default: the root)",
};

/** Which key. */
export const KEYFILE: Text = {
  kind: "text",
  value: "FILE",
  help: "the encryption key (default: the default key, where one is needed)",
};

/** Which key, in another way. */
export const KEYFD: Count = {
  kind: "count",
  value: "FD",
  help: "the same, read from an open descriptor",
};

/** How a key is named. */
export const KEY_OPTIONS: { readonly keyfile: Text; readonly keyfd: Count } = {
  keyfile: KEYFILE,
  keyfd: KEYFD,
};

/** How a result is shown. */
export const FORMAT_OPTIONS: {
  readonly "output-format": Choice<"text" | "json" | "json-pretty">;
  readonly json: Flag;
} = { "output-format": OUTPUT_FORMAT, json: JSON_PRETTY };

/** One snapshot. */
export const SNAPSHOT: Operand = {
  name: "SNAPSHOT",
  help: "TYPE/ID/TIME, such as host/elsa/2023-11-14T22:13:20Z",
};

/** One group. */
export const GROUP: Operand = {
  name: "GROUP",
  help: "TYPE/ID, such as host/elsa",
};

/** Notes. */
export const NOTES: Operand = {
  name: "NOTES",
  help: "any number of lines; '' removes them",
};

/** How deep to go. */
export const MAX_DEPTH: Count = {
  kind: "count",
  value: "N",
  help: "levels of namespaces to go down, 0 to 7 (default: all)",
};

/** No question. */
export const YES: Flag = {
  kind: "flag",
  short: "y",
  help: "do not ask",
};

/** Files that are there may go. */
export const FORCE: Flag = { kind: "flag", help: "replace files that exist" };
