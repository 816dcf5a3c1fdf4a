// The header of a blob, both ways.
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import {
  IntegrityError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import { IV_SIZE, TAG_SIZE } from "./aes_gcm.ts";
import { crc32 } from "./crc32.ts";
import { hexOf, sameBytes } from "./digest.ts";

/** How the data of a blob is stored. */
export type BlobKind = "plain" | "zstd" | "encrypted" | "encrypted-zstd";

/** The first eight bytes, by kind. */
export const BLOB_MAGICS: Readonly<Record<BlobKind, Bytes>> = {
  plain: Uint8Array.of(0x42, 0xab, 0x38, 0x07, 0xbe, 0x83, 0x70, 0xa1),
  zstd: Uint8Array.of(0x31, 0xb9, 0x58, 0x42, 0x6f, 0xb6, 0xa3, 0x7f),
  encrypted: Uint8Array.of(0x7b, 0x67, 0x85, 0xbe, 0x22, 0x2d, 0x4c, 0xf0),
  "encrypted-zstd": Uint8Array.of(
    0xe6,
    0x59,
    0x1b,
    0xbf,
    0x0b,
    0xbf,
    0xd8,
    0x0b,
  ),
};

const KINDS = Object.keys(BLOB_MAGICS) as BlobKind[];
const MAGIC_SIZE = 8;
const PLAIN_HEADER = 12, ENCRYPTED_HEADER = PLAIN_HEADER + IV_SIZE + TAG_SIZE;

/** Whether the body is encrypted. */
export function isEncrypted(kind: BlobKind): boolean {
  return kind === "encrypted" || kind === "encrypted-zstd";
}

/** Whether the body is compressed, and maybe then encrypted. */
export function isZstd(kind: BlobKind): boolean {
  return kind === "zstd" || kind === "encrypted-zstd";
}

/** Length of a header, bytes: 12, or 44 of an encrypted kind. */
export function headerSize(kind: BlobKind): number {
  return isEncrypted(kind) ? ENCRYPTED_HEADER : PLAIN_HEADER;
}

/**
 * The header of a blob.
 *
 * @param kind How the data is stored.
 * @param body All that follows.
 * @param iv Of the encrypted kinds, 16 bytes.
 * @param tag Of the encrypted kinds, 16 bytes.
 */
export function blobHeader(
  kind: BlobKind,
  body: Uint8Array,
  iv?: Bytes,
  tag?: Bytes,
): Bytes {
  const header = new Uint8Array(headerSize(kind));
  const writer = new ByteWriter(header);
  writer.bytes(BLOB_MAGICS[kind]);
  writer.u32(crc32(body));
  if (iv !== undefined) writer.bytes(iv);
  if (tag !== undefined) writer.bytes(tag);
  return header;
}

/**
 * How the data of a blob is stored.
 *
 * @param start Its first eight bytes, or more of it.
 * @returns `undefined` where it starts like no blob.
 */
export function blobKindOf(start: Uint8Array): BlobKind | undefined {
  const magic = start.subarray(0, MAGIC_SIZE);
  return KINDS.find((kind) => sameBytes(BLOB_MAGICS[kind], magic));
}

/** A blob, taken apart. */
export interface ParsedBlob {
  /** How the data is stored. */
  readonly kind: BlobKind;
  /** CRC-32 of the body, as the header has it and as it is. */
  readonly crc: number;
  /** 16 bytes of their own; of the encrypted kinds only. */
  readonly iv: Bytes | undefined;
  /** 16 bytes of their own; of the encrypted kinds only. */
  readonly tag: Bytes | undefined;
  /** What follows the header; a view. */
  readonly body: Uint8Array;
}

/**
 * Takes a blob apart, and checks its CRC.
 *
 * @param blob The whole of it; may lie in shared memory.
 * @throws {TruncatedError} If it is shorter than its header.
 * @throws {UnsupportedError} If it has another magic number.
 * @throws {IntegrityError} If it has another CRC than its header says.
 */
export function parseBlob(blob: Uint8Array): ParsedBlob {
  const header = Uint8Array.from(blob.subarray(0, ENCRYPTED_HEADER));
  if (header.length < PLAIN_HEADER) throw truncated(blob, PLAIN_HEADER);
  const reader = new ByteReader(header);
  const magic = reader.bytes(MAGIC_SIZE);
  const kind = blobKindOf(magic);
  if (kind === undefined) {
    throw new UnsupportedError(
      `Cannot read blob at byte 0: it starts with ${
        hexOf(magic)
      }, expected the magic number of a blob; it is none, or one of a newer version`,
      { offset: 0 },
    );
  }
  const size = headerSize(kind);
  if (blob.length < size) throw truncated(blob, size);
  const crc = reader.u32();
  const body = blob.subarray(size);
  const actual = crc32(body);
  if (actual !== crc) {
    throw new IntegrityError(
      `Cannot read blob: its CRC is ${hex32(actual)}, expected ${hex32(crc)}`,
      { expected: hex32(crc), actual: hex32(actual) },
    );
  }
  if (!isEncrypted(kind)) {
    return { kind, crc, iv: undefined, tag: undefined, body };
  }
  const iv = reader.copy(IV_SIZE), tag = reader.copy(TAG_SIZE);
  return { kind, crc, iv, tag, body };
}

function truncated({ length }: Uint8Array, size: number): TruncatedError {
  return new TruncatedError(
    `Cannot read blob: it has ${length} bytes, expected a header of ${size}`,
    { offset: length },
  );
}

function hex32(number: number): string {
  return number.toString(16).padStart(8, "0");
}
