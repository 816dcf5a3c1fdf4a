/**
 * The version of an archive: 1 is never written, 2 stands at the start of every split archive.
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { UnsupportedError } from "./errors.ts";
import { encodeHeader, ITEMS } from "./item.ts";

/**
 * Writes a FORMAT_VERSION.
 *
 * @param writer Has room for 24 bytes.
 * @param version The version.
 */
export function encodeVersion(writer: ByteWriter, version: 1 | 2): void {
  encodeHeader(writer, ITEMS.FORMAT_VERSION, 8);
  writer.u64(version);
}

/**
 * Reads the content of a FORMAT_VERSION: one u64.
 *
 * Source: spec A.12.
 *
 * @param reader Windowed on the content.
 * @returns The version.
 * @throws {UnsupportedError} If it is neither 1 nor 2.
 */
export function decodeVersion(reader: ByteReader): 1 | 2 {
  const offset = reader.offset;
  const version = reader.tag();
  reader.end();
  if (version === 1n) return 1;
  if (version === 2n) return 2;
  throw new UnsupportedError(
    `Cannot read archive: its version at byte ${offset} is ${version}, expected 1 or 2; possibly written by a newer version`,
    { offset },
  );
}
