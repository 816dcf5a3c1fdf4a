// Numbers of changing length, as catalogs have them: seven bits a byte, the lowest first, the high bit set where more follow.
import type { ByteReader } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";

/** Most bytes of an unsigned and of a signed number, also of one written longer than needed. */
export const VARUINT_SIZE = 10, VARINT_SIZE = 11;

const MORE = 0x80, BITS = 0x7f;

/** Something that bytes are put to, such as a `ByteWriter`. */
export interface ByteTaker {
  u8(value: number): void;
}

/**
 * Writes an unsigned number.
 *
 * Source: spec H.
 *
 * @param value 0 to 2^53 - 1.
 */
export function encodeVaruint(writer: ByteTaker, value: number): void {
  let left = value;
  for (; left >= MORE; left = Math.floor(left / MORE)) {
    writer.u8(left % MORE | MORE);
  }
  writer.u8(left);
}

/** How many bytes {@linkcode encodeVaruint} writes. */
export function varuintSize(value: number): number {
  let size = 1;
  for (let left = value; left >= MORE; left = Math.floor(left / MORE)) size++;
  return size;
}

/**
 * Writes a signed number: one below 0 as its opposite with the high bit set in every byte, and a zero.
 *
 * Source: spec H.
 *
 * @param value Within ±2^53.
 */
export function encodeVarint(writer: ByteTaker, value: number): void {
  if (value >= 0) return encodeVaruint(writer, value);
  for (let left = -value; left > 0; left = Math.floor(left / MORE)) {
    writer.u8(left % MORE | MORE);
  }
  writer.u8(0);
}

/**
 * Reads an unsigned number; it may be written longer than needed.
 *
 * Source: spec H.
 *
 * @throws {FormatError} If it has more than 10 bytes, or is 2^53 or more.
 */
export function decodeVaruint(reader: ByteReader): number {
  const first = reader.u8();
  return first < MORE ? first : decodeLong(reader, first, false);
}

/**
 * Reads a signed number; it may be written longer than needed.
 *
 * Source: spec H.
 *
 * @throws {FormatError} If it has more than 11 bytes, or is beyond ±2^53.
 */
export function decodeVarint(reader: ByteReader): number {
  const first = reader.u8();
  return first < MORE ? first : decodeLong(reader, first, true);
}

/** Goes on behind a first byte that says that more follow. */
function decodeLong(
  reader: ByteReader,
  first: number,
  signed: boolean,
): number {
  const offset = reader.offset - 1;
  const most = signed ? VARINT_SIZE : VARUINT_SIZE;
  let value = first & BITS;
  for (let count = 2, factor = MORE; count <= most; count++, factor *= MORE) {
    const byte = reader.u8();
    if (signed && byte === 0) return within(offset, value === 0 ? 0 : -value);
    value += (byte & BITS) * factor;
    if (byte < MORE) return within(offset, value);
  }
  throw new FormatError(
    `Cannot read number at byte ${offset}: it has more than ${most} bytes`,
    { offset },
  );
}

function within(offset: number, value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new FormatError(
    `Cannot read number at byte ${offset}: value is beyond 2^53, expected a safe integer`,
    { offset },
  );
}
