/**
 * Blobs: how chunks and small files are stored, compressed and encrypted or not.
 *
 * | offset | size | field |
 * | --: | --: | :-- |
 * | 0 | 8 | magic number, which tells the kind |
 * | 8 | 4 | CRC-32 of all that follows the header |
 * | 12 | 16 | IV (encrypted kinds only) |
 * | 28 | 16 | tag of AES-256-GCM (encrypted kinds only) |
 * | 12 or 44 | | data: as it is, or one zstd frame, or either of them encrypted |
 *
 * Source: spec C.1.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, IntegrityError, KeyError } from "@pxar/format/errors";
import { IV_SIZE } from "./aes_gcm.ts";
import {
  BLOB_MAGICS,
  blobHeader,
  type BlobKind,
  blobKindOf,
  headerSize,
  isEncrypted,
  isZstd,
  parseBlob,
  type ParsedBlob,
} from "./blob_header.ts";
import type { Codecs } from "./codecs.ts";
import { type Digest, digestOf, hexOf, sameBytes } from "./digest.ts";
import type { CryptKey } from "./key.ts";
import type { Scratch } from "./scratch.ts";
import { readFrames } from "./zstd_frames.ts";

export {
  BLOB_MAGICS,
  type BlobKind,
  blobKindOf,
  headerSize,
  isEncrypted,
  parseBlob,
  type ParsedBlob,
};

/** Most data a blob may have, bytes: 128 MiB. */
export const MAX_BLOB: number = 2 ** 27;

const DEFAULT_LIMIT = 2 ** 24;

/** A blob in two parts, which stand one after the other wherever it is stored. */
export interface SealedBlob {
  /** 12 or 44 bytes, of their own. */
  readonly header: Bytes;
  /** What follows; see {@linkcode sealBlob} for whose memory it is. */
  readonly body: Uint8Array;
  /** How the data is stored. */
  readonly kind: BlobKind;
  /** Length of both parts together, bytes. */
  readonly size: number;
}

/** What sealing takes. */
export interface SealOptions {
  /** What compresses and encrypts. */
  readonly codecs: Codecs;
  /** Encrypts; not encrypted without. */
  readonly key?: CryptKey | undefined;
  /** Whether to try compression; true unless told. */
  readonly compress?: boolean | undefined;
  /** Memory to be used again; fresh memory without. Of no other use before the blob is written. */
  readonly scratch?: Scratch | undefined;
}

/**
 * Makes a blob. Compression is kept where it saves anything.
 *
 * @param data At most 128 MiB; may lie in shared memory; not changed.
 * @param options With what.
 * @returns The blob. Its body is a view of the scratch memory, or of fresh memory without, or `data` itself where that is stored as it is.
 * @throws {RangeError} If there is too much data.
 */
export async function sealBlob(
  data: Uint8Array,
  options: SealOptions,
): Promise<SealedBlob> {
  const { codecs, key, compress = true, scratch } = options;
  if (data.length > MAX_BLOB) {
    throw new RangeError(
      `Cannot seal blob: there are ${data.length} bytes, expected at most ${MAX_BLOB}`,
    );
  }
  let body = data, isCompressed = false;
  if (compress && data.length > 0) {
    const room = memory(data.length - 1, scratch);
    const length = await codecs.zstd.compress(data, room);
    isCompressed = length !== undefined;
    if (isCompressed) body = room.subarray(0, length);
  }
  if (key === undefined) {
    return withHeader(isCompressed ? "zstd" : "plain", body);
  }
  const kind = isCompressed ? "encrypted-zstd" : "encrypted";
  const iv = crypto.getRandomValues(new Uint8Array(IV_SIZE));
  const sealed = isCompressed ? body : memory(body.length, scratch);
  const tag = await codecs.aesGcm.seal(key.key, iv, body, sealed);
  return withHeader(kind, sealed, iv, tag);
}

/**
 * A blob in one piece.
 *
 * @param blob In two.
 * @returns Bytes of their own.
 */
export function joinBlob(blob: SealedBlob): Bytes {
  const bytes = new Uint8Array(blob.size);
  bytes.set(blob.header);
  bytes.set(blob.body, blob.header.length);
  return bytes;
}

/** What opening takes. */
export interface OpenBlobOptions {
  /** What decompresses and decrypts. */
  readonly codecs: Codecs;
  /** Names the chunk, and vouches for its data. */
  readonly digest: Digest;
  /** Length of its data, bytes, as the index has it. */
  readonly size: number;
  /** Decrypts. */
  readonly key?: CryptKey | undefined;
  /** Whether it must be encrypted, as the index's crypt mode says: a blob of the other kind was put there by somebody else. Either will do unless told. */
  readonly encrypted?: boolean | undefined;
  /** Where the data goes: exactly `size` bytes, which mean nothing after an error; may lie in shared memory. Memory of its own unless told. */
  readonly into?: Uint8Array | undefined;
  /** Memory to be used again, for what is both encrypted and compressed; fresh memory without. */
  readonly scratch?: Scratch | undefined;
}

/**
 * Gives the data of a chunk, after every check: CRC, tag, zstd (which gives no more than `size` bytes), length, digest, in this order.
 *
 * @param blob The whole of it; may lie in shared memory; not changed.
 * @param options What it must be.
 * @returns `into` if there is one; else memory of its own, or a view of a blob whose data is stored as it is.
 * @throws {FormatError} If it is no blob, its frame is damaged, or more than `size` bytes come out.
 * @throws {IntegrityError} If CRC, tag, length or digest differ, or it is encrypted where it must not be, or the other way round.
 * @throws {KeyError} If it is encrypted and there is no key.
 * @throws {RangeError} If `into` has not `size` bytes.
 */
export async function openBlob(
  blob: Uint8Array,
  options: OpenBlobOptions,
): Promise<Uint8Array> {
  const { codecs, digest, size, key, encrypted, into, scratch } = options;
  if (into !== undefined && into.length !== size) {
    throw new RangeError(
      `Cannot open blob: there is a place of ${into.length} bytes, expected ${size}`,
    );
  }
  const parsed = parseBlob(blob);
  const { kind, iv } = parsed;
  if (encrypted !== undefined && encrypted !== isEncrypted(kind)) {
    const expected = encrypted ? "encrypted" : "plain";
    const actual = encrypted ? "plain" : "encrypted";
    throw new IntegrityError(
      `Cannot open blob: it is ${actual}, expected it ${expected}, as its index is`,
      { expected, actual },
    );
  }
  if (!(size >= 0 && size <= MAX_BLOB)) {
    throw new FormatError(
      `Cannot open blob: ${size} bytes are to come out, expected at most ${MAX_BLOB}`,
    );
  }
  let { body } = parsed;
  const isCompressed = isZstd(kind);
  if (!isCompressed) checkLength(body.length, size);
  if (iv !== undefined) {
    const room = isCompressed
      ? memory(body.length, scratch)
      : into ?? new Uint8Array(size);
    body = await decrypt(parsed, codecs, key, room);
  }
  let data = body;
  if (isCompressed) {
    data = into ?? new Uint8Array(size);
    checkLength(await codecs.zstd.decompress(body, data), size);
  } else if (into !== undefined && body !== into) {
    into.set(body);
    data = into;
  }
  checkDigest(data, digest, iv && key);
  return data;
}

/** What decoding takes. */
export interface DecodeBlobOptions {
  /** What decompresses and decrypts. */
  readonly codecs: Codecs;
  /** Decrypts. */
  readonly key?: CryptKey | undefined;
  /** Most bytes that may come out; 16 MiB unless told. */
  readonly limit?: number | undefined;
  /** Vouches for the data, where there is one. */
  readonly digest?: Digest | undefined;
}

/**
 * Gives the data of a blob that is no chunk: a manifest, a configuration, a log, whose file is vouched for elsewhere.
 *
 * @param blob The whole of it.
 * @param options What it must be.
 * @returns Memory of its own.
 * @throws {FormatError} If it is no blob, its frame is damaged, or more than `limit` bytes come out.
 * @throws {IntegrityError} If CRC, tag or digest differ.
 * @throws {KeyError} If it is encrypted and there is no key.
 */
export async function decodeBlob(
  blob: Uint8Array,
  options: DecodeBlobOptions,
): Promise<Bytes> {
  const { codecs, key, limit = DEFAULT_LIMIT, digest } = options;
  const parsed = parseBlob(blob);
  const { kind, iv } = parsed;
  let { body } = parsed;
  const isCompressed = isZstd(kind);
  if (!isCompressed && body.length > limit) {
    throw new FormatError(
      `Cannot decode blob: it has ${body.length} bytes, expected at most ${limit}`,
    );
  }
  if (iv !== undefined) {
    body = await decrypt(parsed, codecs, key, new Uint8Array(body.length));
  }
  let data: Bytes;
  if (isCompressed) {
    const { most } = readFrames(body, limit);
    const room = new Uint8Array(Math.min(most, limit));
    const length = await codecs.zstd.decompress(body, room);
    data = length === room.length ? room : room.slice(0, length);
  } else data = Uint8Array.from(body);
  if (digest !== undefined) checkDigest(data, digest, iv && key);
  return data;
}

function withHeader(
  kind: BlobKind,
  body: Uint8Array,
  iv?: Bytes,
  tag?: Bytes,
): SealedBlob {
  const header = blobHeader(kind, body, iv, tag);
  return { header, body, kind, size: header.length + body.length };
}

function memory(length: number, scratch: Scratch | undefined): Bytes {
  return scratch?.take(length) ?? new Uint8Array(length);
}

/** Decrypts the body into `room`, which is as long. */
async function decrypt(
  { iv, tag, body }: ParsedBlob,
  { aesGcm }: Codecs,
  key: CryptKey | undefined,
  room: Uint8Array,
): Promise<Uint8Array> {
  if (key === undefined) {
    throw new KeyError("Cannot open blob: it is encrypted, expected a key");
  }
  if (await aesGcm.open(key.key, iv!, tag!, body, room)) return room;
  throw new IntegrityError(
    "Cannot open blob: its tag does not belong to its data and the key, expected that it does: it was changed, or encrypted with another key",
  );
}

function checkLength(actual: number, expected: number): void {
  if (actual === expected) return;
  throw new IntegrityError(
    `Cannot open blob: it holds ${actual} bytes, expected ${expected}`,
    { expected: `${expected} bytes`, actual: `${actual} bytes` },
  );
}

function checkDigest(data: Uint8Array, digest: Digest, key?: CryptKey): void {
  const is = digestOf(data, key);
  if (sameBytes(is, digest)) return;
  const expected = hexOf(digest), actual = hexOf(is);
  throw new IntegrityError(
    `Cannot open blob: its data has the digest ${actual}, expected ${expected}`,
    { expected, actual },
  );
}
