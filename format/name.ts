/**
 * Names: raw bytes that the kernel would take as one path component, the targets of symlinks, and how to show both.
 *
 * @module
 */
import type { ByteReader, Bytes, ByteWriter } from "./bytes.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, type Item, ITEMS, NAME_LIMIT } from "./item.ts";

const DOT = 0x2e, SLASH = 0x2f;
const LOSSY = new TextDecoder("utf-8", { ignoreBOM: true });
const PRINTABLE = /^[ -~]*$/;

/**
 * States that a name is one legal path component: 1 to 4096 bytes, no `/`, no NUL, not `.` or `..`.
 *
 * @param name The name, without NUL.
 * @param offset Where it stands in its stream, for the error.
 * @throws {FormatError} If it is not.
 */
export function checkName(name: Uint8Array, offset?: number): void {
  const length = name.length;
  if (length === 0) refuse(name, offset, "is empty");
  if (length > NAME_LIMIT) refuse(name, offset, `has ${length} bytes`);
  for (let i = 0; i < length; i++) {
    const byte = name[i]!;
    if (byte === SLASH) refuse(name, offset, "has a slash");
    if (byte === 0) refuse(name, offset, "has a NUL");
  }
  if (name[0] === DOT && (length === 1 || (length === 2 && name[1] === DOT))) {
    refuse(name, offset, "stands for a directory of its own");
  }
}

/**
 * Orders names as archives do: byte by byte, unsigned, the shorter first.
 *
 * @param a One name.
 * @param b The other.
 * @returns Below 0 where `a` comes first, 0 where they are equal.
 */
export function compareNames(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * A name or path for human eyes: what is not UTF-8 becomes U+FFFD, and what could steer a terminal is escaped.
 *
 * @param name The bytes.
 * @returns Text that is not meant to be turned back.
 *
 * @example
 * ```ts
 * import { showName } from "@pxar/format/name";
 *
 * showName(new TextEncoder().encode("red \x1b[31m")); // "red \\x1b[31m"
 * ```
 */
export function showName(name: Uint8Array): string {
  const text = LOSSY.decode(name);
  if (PRINTABLE.test(text)) return text;
  // Control characters, line separators, and what turns the direction of writing. Here, because compiling it takes half a millisecond.
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (letter) => {
      if (letter === "\n") return "\\n";
      if (letter === "\t") return "\\t";
      const code = letter.codePointAt(0)!.toString(16);
      return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u{${code}}`;
    },
  );
}

/**
 * One path below another.
 *
 * @param a The path above; empty for the root.
 * @param b The path below; empty for `a` itself.
 * @returns Both with a slash between; the other one itself, not a copy, where one is empty.
 */
export function joinPath(a: Bytes, b: Bytes): Bytes {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const path = new Uint8Array(a.length + 1 + b.length);
  path.set(a);
  path[a.length] = SLASH;
  path.set(b, a.length + 1);
  return path;
}

/**
 * Writes a FILENAME: the name and a NUL.
 *
 * @param writer Has room for 17 bytes more than the name has.
 * @param name One legal component, without NUL.
 * @throws {FormatError} If it is not legal.
 */
export function encodeFilename(writer: ByteWriter, name: Uint8Array): void {
  checkName(name);
  encodeHeader(writer, ITEMS.FILENAME, name.length + 1);
  writer.bytes(name);
  writer.u8(0);
}

/**
 * Reads the content of a FILENAME.
 *
 * Source: spec A.7.
 *
 * @param reader Windowed on the content.
 * @returns The name without NUL, as a copy.
 * @throws {FormatError} If the NUL is missing or the name is not legal.
 */
export function decodeFilename(reader: ByteReader): Bytes {
  const offset = reader.offset;
  const name = takeTerminated(reader, ITEMS.FILENAME);
  checkName(name, offset);
  return name;
}

/**
 * Writes a SYMLINK: the target and a NUL.
 *
 * @param writer Has room for 17 bytes more than the target has.
 * @param target Any bytes but NUL, at most 4096 of them; may be empty.
 * @throws {FormatError} If it is too long or has a NUL.
 */
export function encodeSymlink(writer: ByteWriter, target: Uint8Array): void {
  checkTerminated(target, ITEMS.SYMLINK);
  encodeHeader(writer, ITEMS.SYMLINK, target.length + 1);
  writer.bytes(target);
  writer.u8(0);
}

/**
 * Reads the content of a SYMLINK.
 *
 * Source: spec A.10.
 *
 * @param reader Windowed on the content.
 * @returns The target without NUL, as a copy; may be empty, absolute or anything.
 * @throws {FormatError} If a NUL is missing at the end, or stands before it.
 */
export function decodeSymlink(reader: ByteReader): Bytes {
  return decodeTerminated(reader, ITEMS.SYMLINK);
}

/**
 * States that bytes can be written with a NUL behind them.
 *
 * @param bytes The bytes, without NUL.
 * @param item The item that they are for, for the error.
 * @throws {FormatError} If there is a NUL among them.
 */
export function checkTerminated(bytes: Uint8Array, item: Item): void {
  if (bytes.includes(0)) {
    throw new FormatError(
      `Cannot write ${item.name}: "${
        showName(bytes)
      }" has a NUL, expected none`,
    );
  }
}

/**
 * Reads the rest of a record as bytes with one NUL behind them.
 *
 * @param reader Windowed so that the record ends behind the NUL.
 * @param item The item that they are in, for the error.
 * @returns The bytes without NUL, as a copy.
 * @throws {FormatError} If a NUL is missing at the end, or stands before it.
 */
export function decodeTerminated(reader: ByteReader, item: Item): Bytes {
  const offset = reader.offset;
  const bytes = takeTerminated(reader, item);
  const inside = bytes.indexOf(0);
  if (inside >= 0) {
    throw new FormatError(
      `Cannot read ${item.name} at byte ${offset}: byte ${inside} of ${bytes.length} is NUL, expected one at the end only`,
      { offset: offset + inside },
    );
  }
  return bytes;
}

function takeTerminated(reader: ByteReader, item: Item): Bytes {
  const offset = reader.offset, length = Math.max(0, reader.remaining - 1);
  const bytes = reader.copy(length);
  if (reader.u8() !== 0) {
    throw new FormatError(
      `Cannot read ${item.name} at byte ${offset}: its last byte is not NUL, expected NUL`,
      { offset: offset + length },
    );
  }
  return bytes;
}

function refuse(
  name: Uint8Array,
  offset: number | undefined,
  what: string,
): never {
  const where = offset === undefined ? "" : ` at byte ${offset}`;
  const shown = showName(name.subarray(0, 80)) + (name.length > 80 ? "…" : "");
  throw new FormatError(
    `Cannot take file name "${shown}"${where}: it ${what}, expected one component of 1 to ${NAME_LIMIT} bytes`,
    { offset },
  );
}
