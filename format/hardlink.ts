/**
 * Further links to a file that stands earlier in the archive.
 *
 * @module
 */
import type { ByteReader, Bytes, ByteWriter } from "./bytes.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, ITEMS } from "./item.ts";
import { checkTerminated, decodeTerminated } from "./name.ts";

/** What a HARDLINK says. */
export interface Hardlink {
  /** How far before this link's FILENAME the first link's FILENAME stands, bytes. */
  readonly offset: number;
  /** Path of the first link from the root of the tree; writers leave out the leading slash. */
  readonly target: Bytes;
}

/**
 * Writes a HARDLINK.
 *
 * @param writer Has room for 25 bytes more than the target has.
 * @param offset From the first link's FILENAME to this one's, bytes; 1 or more.
 * @param target Path of the first link from the root, without leading slash; 1 to 4096 bytes, none of them NUL.
 * @throws {FormatError} If offset or target are not so.
 */
export function encodeHardlink(
  writer: ByteWriter,
  offset: number,
  target: Uint8Array,
): void {
  if (!(Number.isSafeInteger(offset) && offset >= 1)) {
    throw new FormatError(
      `Cannot write HARDLINK: its offset is ${offset}, expected 1 to 2^53 - 1`,
    );
  }
  checkTerminated(target, ITEMS.HARDLINK);
  encodeHeader(writer, ITEMS.HARDLINK, 8 + target.length + 1);
  writer.u64(offset);
  writer.bytes(target);
  writer.u8(0);
}

/**
 * Reads the content of a HARDLINK.
 *
 * |       bytes | field  | type                                          |
 * | ----------: | :----- | :-------------------------------------------- |
 * |        0..8 | offset | u64, counted back from this link's FILENAME   |
 * |  8..end - 1 | target | bytes                                         |
 * | end - 1..   | NUL    | u8                                            |
 *
 * Source: spec A.10.
 *
 * @param reader Windowed on the content.
 * @returns Offset and target, the latter as a copy; that they agree is not checked.
 * @throws {FormatError} If the offset is 0, or the target is empty or not ended by its only NUL.
 */
export function decodeHardlink(reader: ByteReader): Hardlink {
  const at = reader.offset;
  const offset = reader.u64();
  if (offset === 0) {
    throw new FormatError(
      `Cannot read HARDLINK at byte ${at}: its offset is 0, expected 1 or more`,
      { offset: at },
    );
  }
  const target = decodeTerminated(reader, ITEMS.HARDLINK);
  if (target.length === 0) {
    throw new FormatError(
      `Cannot read HARDLINK at byte ${at}: its path is empty, expected one`,
      { offset: at + 8 },
    );
  }
  return { offset, target };
}
