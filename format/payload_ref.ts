/**
 * Where a file of a split archive has its content.
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { PayloadRef } from "./entry.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, ITEMS } from "./item.ts";

/**
 * Writes a PAYLOAD_REF.
 *
 * @param writer Has room for 32 bytes.
 * @param ref Where the content lies in the payload stream.
 * @throws {FormatError} If a number is not an integer from 0 to 2^53 - 1.
 */
export function encodePayloadRef(writer: ByteWriter, ref: PayloadRef): void {
  const { offset, size } = ref;
  if (
    !(Number.isSafeInteger(offset) && offset >= 0 &&
      Number.isSafeInteger(size) && size >= 0)
  ) {
    throw new FormatError(
      `Cannot write PAYLOAD_REF: offset is ${offset} and size ${size}, expected 0 to 2^53 - 1 each`,
    );
  }
  encodeHeader(writer, ITEMS.PAYLOAD_REF, 16);
  writer.u64(offset);
  writer.u64(size);
}

/**
 * Reads the content of a PAYLOAD_REF.
 *
 * | bytes | field  | type                                                |
 * | ----: | :----- | :-------------------------------------------------- |
 * |  0..8 | offset | u64, of the PAYLOAD header in the payload stream    |
 * | 8..16 | size   | u64, of the content, which begins 16 bytes after it |
 *
 * Source: spec A.11.
 *
 * @param reader Windowed on the content.
 * @returns Where the content is said to lie.
 * @throws {FormatError} If a number is 2^53 or more.
 */
export function decodePayloadRef(reader: ByteReader): PayloadRef {
  const ref = { offset: reader.u64(), size: reader.u64() };
  reader.end();
  return ref;
}
