/**
 * Extended attributes.
 *
 * @module
 */
import type { ByteReader, Bytes, ByteWriter } from "./bytes.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, ITEMS } from "./item.ts";
import { checkTerminated } from "./name.ts";

/** An extended attribute. */
export interface XAttr {
  /** Its whole name, such as `user.mime_type`, without NUL. */
  readonly name: Bytes;
  /** Its value, any bytes; may be empty. */
  readonly value: Bytes;
}

const ASCII = new TextEncoder();
const PREFIXES = [ASCII.encode("user."), ASCII.encode("trusted.")];
const NTACL = ASCII.encode("security.NTACL");

/**
 * Writes an XATTR: name, NUL, value.
 *
 * @param writer Has room for 17 bytes more than name and value have together.
 * @param xattr Name and value, with the NUL at most 65791 bytes.
 * @throws {FormatError} If they are longer, or the name has a NUL.
 */
export function encodeXattr(writer: ByteWriter, xattr: XAttr): void {
  const { name, value } = xattr;
  checkTerminated(name, ITEMS.XATTR);
  encodeHeader(writer, ITEMS.XATTR, name.length + 1 + value.length);
  writer.bytes(name);
  writer.u8(0);
  writer.bytes(value);
}

/**
 * Reads the content of an XATTR.
 *
 * Source: spec A.8.
 *
 * @param reader Windowed on the content.
 * @returns What stands before the first NUL and what stands behind it, as copies.
 * @throws {FormatError} If there is no NUL.
 */
export function decodeXattr(reader: ByteReader): XAttr {
  const offset = reader.offset;
  const content = reader.bytes(reader.remaining);
  const nul = content.indexOf(0);
  if (nul < 0) {
    throw new FormatError(
      `Cannot read XATTR at byte ${offset}: it has no NUL, expected one behind the name`,
      { offset },
    );
  }
  return { name: content.slice(0, nul), value: content.slice(nul + 1) };
}

/**
 * Whether archives keep an attribute of this name: `user.*`, `trusted.*` and `security.NTACL` of 1 to 255 bytes.
 *
 * Capabilities and access control lists are kept too, but not as extended attributes.
 *
 * Source: spec A.8.
 *
 * @param name The whole name.
 * @returns Whether it is stored when read from a file system, and set when extracted.
 */
export function isStoredXattr(name: Uint8Array): boolean {
  if (name.length > 255) return false;
  return PREFIXES.some((prefix) => startsWith(name, prefix)) ||
    (name.length === NTACL.length && startsWith(name, NTACL));
}

function startsWith(name: Uint8Array, prefix: Uint8Array): boolean {
  return name.length >= prefix.length &&
    prefix.every((byte, i) => name[i] === byte);
}
