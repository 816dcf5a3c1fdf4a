/**
 * Names and paths of an archive as text: as the official tool prints them, as JSON holds them, and as a command line gives them.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { joinPath, showName } from "@pxar/format/name";
import { UsageError } from "./exits.ts";

const ENCODER = new TextEncoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// What Rust's debug form escapes: what cannot be printed, spaces other than the common one, and marks that join the letter before them.
const PLAIN = /^[ !#-\[\]-~]*$/;
const SLASH = 0x2f, DOT = 0x2e;
const ROOT: Bytes = Uint8Array.of(SLASH);

/**
 * Bytes as text, where they are UTF-8.
 *
 * @param bytes A name or path.
 * @returns The text, or `undefined`.
 */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Bytes as the official tool's `list` shows them, without the quotes around: a Rust debug string. The inverse of {@linkcode unquote}.
 *
 * @param bytes A name or path.
 * @returns Printable text on one line.
 */
export function quote(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== undefined) return quoteText(text);
  let out = "", at = 0;
  while (at < bytes.length) {
    let to = at;
    for (let step; (step = sequence(bytes, to)) > 0;) to += step;
    out += quoteText(STRICT.decode(bytes.subarray(at, to)));
    if (to < bytes.length) {
      out += `\\x${bytes[to]!.toString(16).toUpperCase().padStart(2, "0")}`;
    }
    at = to + 1;
  }
  return out;
}

/**
 * Text with escapes to bytes: `\\n \\r \\t \\0 \\\\ \\" \\'`, `\\xHH` for a byte, `\\u{HEX}` for a letter.
 *
 * @param text As `list` prints it, without the quotes around.
 * @returns The bytes.
 * @throws {UsageError} If there is another escape.
 */
export function unquote(text: string): Bytes {
  const parts: Bytes[] = [];
  const pattern =
    /\\(?:x([\dA-Fa-f]{2})|u\{([\dA-Fa-f]{1,6})\}|([nrt0\\"'])|)|[^\\]+/g;
  for (const [whole, byte, letter, simple] of text.matchAll(pattern)) {
    if (byte !== undefined) parts.push(new Uint8Array([parseInt(byte, 16)]));
    else if (letter !== undefined && parseInt(letter, 16) <= 0x10ffff) {
      parts.push(ENCODER.encode(String.fromCodePoint(parseInt(letter, 16))));
    } else if (simple !== undefined) {
      parts.push(ENCODER.encode(SIMPLE[simple] ?? simple));
    } else if (!whole.startsWith("\\")) parts.push(ENCODER.encode(whole));
    else {
      throw new UsageError(
        `Cannot use "${text}": it has an unknown escape, expected \\n \\r \\t \\0 \\\\ \\" \\xHH or \\u{HEX}`,
      );
    }
  }
  return concat(parts);
}

/**
 * A path or pattern from the command line.
 *
 * @param text As given.
 * @param escaped Whether it has escapes, as `list` prints them.
 * @returns Its bytes.
 */
export function argumentBytes(text: string, escaped: boolean): Bytes {
  return escaped ? unquote(text) : ENCODER.encode(text);
}

/**
 * A path without what counts for nothing: empty components, and `.`.
 *
 * @param path With or without a leading slash.
 * @returns From the root, without leading slash; empty for the root.
 */
export function plainPath(path: Bytes): Bytes {
  let plain = NO_BYTES;
  for (let at = 0; at <= path.length;) {
    let to = path.indexOf(SLASH, at);
    if (to < 0) to = path.length;
    if (to > at && !(to === at + 1 && path[at] === DOT)) {
      plain = joinPath(plain, path.subarray(at, to));
    }
    at = to + 1;
  }
  return plain;
}

/**
 * Says of a path that it starts at the root of an archive.
 *
 * @param shown The path, without leading slash, as text.
 * @returns In quotes, with a leading slash.
 */
export function absolute(shown: string): string {
  return `"/${shown}"`;
}

/**
 * A name as properties of a JSON object: as text, and where it is not UTF-8 also its bytes.
 *
 * @param key The property.
 * @param bytes The name.
 * @returns `{ key: text }`, or with `keyBytes: base64` beside it and the text shown lossily.
 */
export function jsonName(
  key: string,
  bytes: Uint8Array,
): Record<string, string> {
  const text = textOf(bytes);
  if (text !== undefined) return { [key]: text };
  return { [key]: showName(bytes), [`${key}Bytes`]: bytes.toBase64() };
}

/**
 * A path as properties of a JSON object: `path`, and `pathBytes` where it is not UTF-8.
 *
 * @param path From the root, without leading slash.
 * @returns With a leading slash.
 */
export function jsonPath(path: Bytes): Record<string, string> {
  return jsonName("path", concat([ROOT, path]));
}

/**
 * Bytes one after the other.
 *
 * @param parts The bytes.
 * @returns A copy.
 */
export function concat(parts: readonly Bytes[]): Bytes {
  if (parts.length === 0) return NO_BYTES;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const SIMPLE: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  0: "\0",
};
const NAMED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\0": "\\0",
  '"': '\\"',
  "\\": "\\\\",
};

function quoteText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(
    // Here and not above: compiling it takes a millisecond, which a short command need not spend.
    /["\\\p{C}\p{Zl}\p{Zp}\p{Zs}\p{Grapheme_Extend}]/gu,
    (letter) =>
      letter === " "
        ? letter
        : NAMED[letter] ?? `\\u{${letter.codePointAt(0)!.toString(16)}}`,
  );
}

/** Length of the UTF-8 letter that begins at `at`, or 0. */
function sequence(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === undefined) return 0;
  const length = first < 0x80
    ? 1
    : first < 0xc2
    ? 0
    : first < 0xe0
    ? 2
    : first < 0xf0
    ? 3
    : first < 0xf5
    ? 4
    : 0;
  if (at + length > bytes.length) return 0;
  return textOf(bytes.subarray(at, at + length)) === undefined ? 0 : length;
}
