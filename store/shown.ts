/**
 * How a text that is refused stands in the message that refuses it.
 *
 * @module
 */
import { showName } from "@pxar/format/name";

/** More of a text is not shown. */
const SHOWN_LIMIT = 80;
const UTF8 = new TextEncoder();

/**
 * A text in quotation marks, on one line and of bounded length; what could steer a terminal is escaped.
 *
 * @param text Whatever was typed or read.
 * @returns Text that is not meant to be turned back.
 *
 * @example
 * ```ts
 * import { shown } from "@pxar/store/shown";
 *
 * shown("a\nb"); // '"a\\nb"'
 * ```
 */
export function shown(text: string): string {
  const start = showName(UTF8.encode(text.slice(0, SHOWN_LIMIT)));
  return `"${start}${text.length > SHOWN_LIMIT ? "…" : ""}"`;
}
