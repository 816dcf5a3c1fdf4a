/**
 * Options that several commands have.
 *
 * @module
 */
import type { Flag, Operand, Text } from "./options.ts";

/** The archive that is read. */
export const ARCHIVE: Operand = {
  name: "ARCHIVE",
  help: "a .pxar or .mpxar file",
};

/** The archive that is read from its beginning to its end. */
export const STREAM: Operand = {
  name: "ARCHIVE",
  help: "a .pxar or .mpxar file; - is standard input",
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
