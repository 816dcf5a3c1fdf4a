/**
 * Names as Deno's own API takes them: text, and on Windows not any text.
 *
 * @module
 */

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x1f<>:"/\\|?*]|[. ]$/;
const RESERVED =
  /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$| )/i;

/**
 * Bytes as the text that gives the same bytes.
 *
 * @param bytes A name, a path or a symlink's target.
 * @returns The text; `undefined` where no text gives these bytes.
 */
export function asText(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Whether Windows would take a name for something else: for a path, a stream of another file, a device, or a shorter name.
 *
 * @param name One component.
 */
export function isWindowsTrap(name: string): boolean {
  return UNSAFE.test(name) || RESERVED.test(name);
}
