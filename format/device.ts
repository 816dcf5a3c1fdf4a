/**
 * Numbers of devices, as the archive and as Linux keep them.
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, ITEMS } from "./item.ts";

/** Numbers of a device; whether block or character stands in its mode. */
export interface Device {
  /** Which driver. */
  readonly major: number;
  /** Which device of that driver. */
  readonly minor: number;
}

/**
 * Writes a DEVICE.
 *
 * @param writer Has room for 32 bytes.
 * @param device The numbers, each below 2^53.
 * @throws {FormatError} If they are not.
 */
export function encodeDevice(writer: ByteWriter, device: Device): void {
  const { major, minor } = device;
  if (
    !(Number.isSafeInteger(major) && major >= 0 &&
      Number.isSafeInteger(minor) && minor >= 0)
  ) {
    throw new FormatError(
      `Cannot write DEVICE: its numbers are ${major}:${minor}, expected 0 to 2^53 - 1 each`,
    );
  }
  encodeHeader(writer, ITEMS.DEVICE, 16);
  writer.u64(major);
  writer.u64(minor);
}

/**
 * Reads the content of a DEVICE.
 *
 * | bytes | field | type |
 * | ----: | :---- | :--- |
 * |  0..8 | major | u64  |
 * | 8..16 | minor | u64  |
 *
 * Source: spec A.10.
 *
 * @param reader Windowed on the content.
 * @returns The numbers, which need not be ones that Linux could take.
 * @throws {FormatError} If one is 2^53 or more.
 */
export function decodeDevice(reader: ByteReader): Device {
  const device = { major: reader.u64(), minor: reader.u64() };
  reader.end();
  return device;
}

/**
 * The numbers as one Linux `dev_t` of 64 bits.
 *
 * @param device The numbers.
 * @returns Bits 0..8 and 20..44 are the minor's, bits 8..20 and 44..64 the major's.
 * @throws {FormatError} If a number has more than 32 bits.
 */
export function deviceToDev(device: Device): bigint {
  const { major, minor } = device;
  if (major >>> 0 !== major || minor >>> 0 !== minor) {
    throw new FormatError(
      `Cannot make device ${major}:${minor}: numbers are too large, expected 0 to 2^32 - 1 each`,
    );
  }
  const high = BigInt(major), low = BigInt(minor);
  return (high & 0xffff_f000n) << 32n | (high & 0xfffn) << 8n |
    (low & 0xffff_ff00n) << 12n | low & 0xffn;
}

/**
 * The numbers in a Linux `dev_t`; the inverse of {@linkcode deviceToDev}.
 *
 * @param dev 64 bits.
 * @returns The numbers.
 */
export function devToDevice(dev: bigint): Device {
  return {
    major: Number(dev >> 8n & 0xfffn | dev >> 32n & 0xffff_f000n),
    minor: Number(dev & 0xffn | dev >> 12n & 0xffff_ff00n),
  };
}
