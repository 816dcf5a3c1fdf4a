/**
 * The table of items: an archive is a flat row of them, without padding between.
 *
 * | bytes | field     | type                                    |
 * | ----: | :-------- | :-------------------------------------- |
 * |  0..8 | tag       | u64, one of {@linkcode ITEMS}           |
 * | 8..16 | full size | u64, these 16 bytes included            |
 * | 16..  | content   | full size - 16 bytes, at most `limit`   |
 *
 * They stand in this order:
 *
 * ```text
 * archive   := [ FORMAT_VERSION [ PRELUDE ] ] directory          version only in a split archive (2)
 * directory := meta { FILENAME node } GOODBYE
 * node      := HARDLINK | meta body
 * meta      := ENTRY { XATTR } { ACL_USER } { ACL_GROUP } [ ACL_GROUP_OBJ ] [ ACL_DEFAULT ]
 *              { ACL_DEFAULT_USER } { ACL_DEFAULT_GROUP } [ FCAPS ] [ QUOTA_PROJID ]
 * body      := PAYLOAD | PAYLOAD_REF                             regular file, unified or split
 *            | SYMLINK | DEVICE
 *            | nothing                                           fifo, socket
 *            | { FILENAME node } GOODBYE                         directory
 * payloads  := PAYLOAD_START_MARKER { PAYLOAD | padding } PAYLOAD_TAIL_MARKER
 * ```
 *
 * Writers keep that order; readers take attributes in any order between ENTRY and body.
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { FormatError, UnsupportedError } from "./errors.ts";

/** Size of an item's header, bytes. */
export const HEADER_SIZE = 16;

/** What an item may be called. */
export type ItemName =
  | "FORMAT_VERSION"
  | "PRELUDE"
  | "ENTRY"
  | "ENTRY_V1"
  | "FILENAME"
  | "SYMLINK"
  | "HARDLINK"
  | "DEVICE"
  | "XATTR"
  | "FCAPS"
  | "ACL_USER"
  | "ACL_GROUP"
  | "ACL_GROUP_OBJ"
  | "ACL_DEFAULT"
  | "ACL_DEFAULT_USER"
  | "ACL_DEFAULT_GROUP"
  | "QUOTA_PROJID"
  | "PAYLOAD"
  | "PAYLOAD_REF"
  | "GOODBYE"
  | "PAYLOAD_START_MARKER"
  | "PAYLOAD_TAIL_MARKER";

/** A type of item. */
export interface Item {
  /** Its name. */
  readonly name: ItemName;
  /** Its tag. */
  readonly tag: bigint;
  /** Lower half of the tag; no two items share one. */
  readonly low: number;
  /** Upper half of the tag. */
  readonly high: number;
  /** Least length of the content, bytes. */
  readonly least: number;
  /** Greatest length of the content, bytes. */
  readonly limit: number;
}

/** Greatest length of a file name or of a symlink's target, bytes, without the NUL. */
export const NAME_LIMIT = 4096;

const ANY = Number.MAX_SAFE_INTEGER;

function item(name: ItemName, tag: bigint, least: number, limit: number): Item {
  return {
    name,
    tag,
    low: Number(tag & 0xffff_ffffn),
    high: Number(tag >> 32n),
    least,
    limit,
  };
}

/** Every item by its name. Source: spec A.2. */
export const ITEMS: { readonly [Name in ItemName]: Item } = {
  FORMAT_VERSION: item("FORMAT_VERSION", 0x730f6c75df16a40dn, 8, 8),
  PRELUDE: item("PRELUDE", 0xe309d79d9f7b771bn, 0, ANY),
  ENTRY: item("ENTRY", 0xd5956474e588acefn, 40, 40),
  ENTRY_V1: item("ENTRY_V1", 0x11da850a1c1cceffn, 32, 32),
  FILENAME: item("FILENAME", 0x16701121063917b3n, 2, NAME_LIMIT + 1),
  SYMLINK: item("SYMLINK", 0x27f971e7dbf5dc5fn, 1, NAME_LIMIT + 1),
  HARDLINK: item("HARDLINK", 0x51269c8422bd7275n, 10, 8 + NAME_LIMIT + 1),
  DEVICE: item("DEVICE", 0x9fc9e906586d5ce9n, 16, 16),
  XATTR: item("XATTR", 0x0dab0229b57dcd03n, 1, 255 + 65536),
  FCAPS: item("FCAPS", 0x2da9dd9db5f7fb67n, 0, 255 + 65536),
  ACL_USER: item("ACL_USER", 0x2ce8540a457d55b8n, 16, 16),
  ACL_GROUP: item("ACL_GROUP", 0x136e3eceb04c03abn, 16, 16),
  ACL_GROUP_OBJ: item("ACL_GROUP_OBJ", 0x10868031e9582876n, 8, 8),
  ACL_DEFAULT: item("ACL_DEFAULT", 0xbbbb13415a6896f5n, 32, 32),
  ACL_DEFAULT_USER: item("ACL_DEFAULT_USER", 0xc89357b40532cd1fn, 16, 16),
  ACL_DEFAULT_GROUP: item("ACL_DEFAULT_GROUP", 0xf90a8a5816038ffen, 16, 16),
  QUOTA_PROJID: item("QUOTA_PROJID", 0xe07540e82f7d1cbbn, 8, 8),
  PAYLOAD: item("PAYLOAD", 0x28147a1b0b7c1a25n, 0, ANY),
  PAYLOAD_REF: item("PAYLOAD_REF", 0x419d3d6bc4ba977en, 16, 16),
  GOODBYE: item("GOODBYE", 0x2fec4fa642d5731dn, 24, ANY),
  PAYLOAD_START_MARKER: item("PAYLOAD_START_MARKER", 0x834c68c2194a4ed2n, 0, 0),
  PAYLOAD_TAIL_MARKER: item("PAYLOAD_TAIL_MARKER", 0x6c72b78b984c81b5n, 0, 0),
};

const BY_LOW: ReadonlyMap<number, Item> = new Map(
  Object.values(ITEMS).map((item) => [item.low, item]),
);

/** What a header says; one object may be filled again and again. */
export interface Header {
  /** Type of the item. */
  item: Item;
  /** Length of its content, bytes. */
  size: number;
}

/**
 * Reads the 16 bytes before an item's content.
 *
 * @param reader Stands before the header.
 * @param into Filled with what it says.
 * @returns `into`.
 * @throws {UnsupportedError} If the tag is unknown.
 * @throws {FormatError} If the size is not one that such an item may have.
 */
export function decodeHeader(reader: ByteReader, into: Header): Header {
  const offset = reader.offset;
  const low = reader.u32(), high = reader.u32();
  const item = BY_LOW.get(low);
  if (item === undefined || item.high !== high) {
    const tag = (BigInt(high) << 32n | BigInt(low)).toString(16).padStart(
      16,
      "0",
    );
    throw new UnsupportedError(
      `Cannot read item at byte ${offset}: its tag 0x${tag} is unknown, possibly written by a newer version`,
      { offset },
    );
  }
  const size = reader.u64() - HEADER_SIZE;
  if (size < item.least || size > item.limit) {
    throw new FormatError(
      `Cannot read ${item.name} at byte ${offset}: its content has ${size} bytes, expected ${
        sizes(item)
      }`,
      { offset },
    );
  }
  into.item = item;
  into.size = size;
  return into;
}

/**
 * Writes the 16 bytes before an item's content.
 *
 * @param writer Has room for 16 bytes.
 * @param item Type of the item.
 * @param size Length of its content, bytes.
 * @throws {FormatError} If such an item may not have that size.
 */
export function encodeHeader(
  writer: ByteWriter,
  item: Item,
  size: number,
): void {
  if (!(size >= item.least && size <= item.limit)) {
    throw new FormatError(
      `Cannot write ${item.name}: its content has ${size} bytes, expected ${
        sizes(item)
      }`,
    );
  }
  writer.halves(item.low, item.high);
  writer.u64(size + HEADER_SIZE);
}

function sizes(item: Item): string {
  return item.least === item.limit
    ? `${item.least}`
    : `${item.least} to ${item.limit}`;
}
