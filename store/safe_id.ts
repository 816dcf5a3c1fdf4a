/**
 * Ids that are safe as file names: of groups, of a namespace's parts, of archives, stores, realms and tokens.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { shown } from "./shown.ts";

const SAFE_ID = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** What {@linkcode isSafeId} takes, in words, for messages. */
export const SAFE_ID_RULE =
  "letters, digits, '_', '.' and '-', the first neither '.' nor '-'";

/**
 * Whether a text is a safe id: ASCII letters, digits, `_`, `.` and `-`, the first neither `.` nor `-`. So it is never empty, `.` or `..`.
 *
 * Source: spec E.1.
 *
 * @param text Any text.
 * @returns Whether it is.
 */
export function isSafeId(text: string): boolean {
  return SAFE_ID.test(text);
}

/**
 * Reads the name of a store, as locks and servers know it.
 *
 * Source: spec E.1.
 *
 * @param text A safe id of 3 to 32 characters.
 * @returns The same text.
 * @throws {FormatError} If it is not one.
 */
export function parseStoreName(text: string): string {
  if (text.length >= 3 && text.length <= 32 && isSafeId(text)) return text;
  throw new FormatError(
    `Cannot take store name: it is ${
      shown(text)
    }, expected 3 to 32 ${SAFE_ID_RULE}`,
  );
}
