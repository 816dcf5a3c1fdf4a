/**
 * PAX records: what a tar header has no place for, as text before it.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";

/** One record. */
export interface PaxRecord {
  /** What it says something of, one letter a byte. */
  readonly key: string;
  /** Any bytes; a view where they were read. */
  readonly value: Bytes;
}

/** Greatest length of the records before one member, bytes: a little more than an archive's attributes may take. */
export const PAX_LIMIT: number = 33 << 20;
/** Most records before one member: an archive's attributes, or the pieces of a file with holes, twice. */
const RECORD_LIMIT = 1 << 18;

const SPACE = 0x20, EQUALS = 0x3d, NEWLINE = 0x0a, ZERO = 0x30, NINE = 0x39;

/**
 * Reads records: `LENGTH KEY=VALUE` and a line feed each, where LENGTH counts all of it in bytes.
 *
 * Source: POSIX.1-2017, pax, "pax Extended Header".
 *
 * @param bytes All of them; values are views on it.
 * @param offset Where they stand in the archive, for errors.
 * @returns The records in order; the last one of a key counts.
 * @throws {FormatError} If there is anything but records, or more than 262,144.
 */
export function decodePax(bytes: Bytes, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    let length = 0, i = at;
    for (; i < bytes.length && i - at < 10; i++) {
      const byte = bytes[i]!;
      if (byte < ZERO || byte > NINE) break;
      length = length * 10 + byte - ZERO;
    }
    const end = at + length;
    if (i === at || bytes[i] !== SPACE) {
      // Old writers fill the block with NULs and count them.
      if (bytes.subarray(at).every((byte) => byte === 0)) break;
      throw refuse(offset + at, "does not begin with a length and a blank");
    }
    if (end > bytes.length || end < i + 3 || bytes[end - 1] !== NEWLINE) {
      throw refuse(
        offset + at,
        `says ${length} bytes and does not end there with a line feed`,
      );
    }
    const equals = bytes.indexOf(EQUALS, i + 1);
    if (equals < 0 || equals >= end - 1) {
      throw refuse(offset + at, "has no equals sign");
    }
    if (records.length === RECORD_LIMIT) {
      throw refuse(offset + at, `comes after ${RECORD_LIMIT} others`);
    }
    records.push({
      key: latin1(bytes.subarray(i + 1, equals)),
      value: bytes.subarray(equals + 1, end - 1),
    });
    at = end;
  }
  return records;
}

/**
 * Writes records; the inverse of {@linkcode decodePax}.
 *
 * @param records In order; a key has no equals sign.
 * @returns Their bytes, not filled up to a block.
 */
export function encodePax(records: readonly PaxRecord[]): Bytes {
  const lengths = records.map(({ key, value }) =>
    wholeLength(key.length + value.length + 3)
  );
  const bytes = new Uint8Array(lengths.reduce((sum, one) => sum + one, 0));
  let at = 0;
  records.forEach(({ key, value }, i) => {
    const head = `${lengths[i]} ${key}=`;
    for (let j = 0; j < head.length; j++) bytes[at++] = head.charCodeAt(j);
    bytes.set(value, at);
    at += value.length;
    bytes[at++] = NEWLINE;
  });
  return bytes;
}

/**
 * Bytes as text, one letter a byte.
 *
 * @param bytes Any.
 */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/**
 * Text of one letter a byte as bytes; the inverse of {@linkcode latin1}.
 *
 * @param text Letters below U+0100.
 */
export function fromLatin1(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The length of a record with the digits that say it. */
function wholeLength(rest: number): number {
  let digits = 1;
  while (String(rest + digits).length > digits) digits++;
  return rest + digits;
}

function refuse(offset: number, what: string): FormatError {
  return new FormatError(
    `Cannot read PAX record at byte ${offset}: it ${what}, expected "LENGTH KEY=VALUE" and a line feed`,
    { offset },
  );
}
