/**
 * The fixed part of an entry's metadata, as it is written today and as it was written once.
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { EntryKind } from "./entry.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, ITEMS } from "./item.ts";

/** Bits of a mode, as in Linux `st_mode`. Source: spec A.5. */
export const MODE = {
  /** All bits of the type. */
  IFMT: 0o170000,
  /** Type of a socket. */
  IFSOCK: 0o140000,
  /** Type of a symlink. */
  IFLNK: 0o120000,
  /** Type of a regular file. */
  IFREG: 0o100000,
  /** Type of a block device. */
  IFBLK: 0o060000,
  /** Type of a directory. */
  IFDIR: 0o040000,
  /** Type of a character device. */
  IFCHR: 0o020000,
  /** Type of a fifo. */
  IFIFO: 0o010000,
  /** Runs as its owner. */
  ISUID: 0o4000,
  /** Runs as its group; of a directory: its children take its group. */
  ISGID: 0o2000,
  /** Of a directory: only owners delete. */
  ISVTX: 0o1000,
  /** All bits that are not of the type. */
  PERMISSIONS: 0o7777,
} as const;

/** What {@linkcode decodeStat} fills; may be filled again and again. */
export interface StatFields {
  /** Type and permission bits, see {@linkcode MODE}. */
  mode: number;
  /** chattr and FAT attributes as the archive stores them; below 2^53. */
  flags: number;
  /** Owner. */
  uid: number;
  /** Group. */
  gid: number;
  /** Time of the last change of content: whole seconds since 1970-01-01T00:00:00Z, rounded down. */
  secs: number;
  /** Nanoseconds after `secs`, 0 to 999 999 999. */
  nanos: number;
}

/**
 * What a mode's type bits stand for.
 *
 * @param mode Type and permission bits.
 * @returns The kind of entry, or `undefined` where there is no such type.
 */
export function kindOfMode(mode: number): EntryKind | undefined {
  switch (mode & MODE.IFMT) {
    case MODE.IFREG:
      return "file";
    case MODE.IFDIR:
      return "directory";
    case MODE.IFLNK:
      return "symlink";
    case MODE.IFBLK:
    case MODE.IFCHR:
      return "device";
    case MODE.IFIFO:
      return "fifo";
    case MODE.IFSOCK:
      return "socket";
    default:
      return undefined;
  }
}

/**
 * Writes an ENTRY.
 *
 * @param writer Has room for 56 bytes.
 * @param stat The fields; more than they may be there.
 * @throws {FormatError} If a number is not one that {@linkcode decodeStat} would take.
 */
export function encodeStat(
  writer: ByteWriter,
  stat: Readonly<StatFields>,
): void {
  const { mode, flags, uid, gid, secs, nanos } = stat;
  if ((mode & 0xffff) !== mode) refuse("mode", mode, "0 to 65535");
  if (!(Number.isSafeInteger(flags) && flags >= 0)) {
    refuse("flags", flags, "0 to 2^53 - 1");
  }
  if (uid >>> 0 !== uid) refuse("uid", uid, "0 to 2^32 - 1");
  if (gid >>> 0 !== gid) refuse("gid", gid, "0 to 2^32 - 1");
  if (!Number.isSafeInteger(secs)) {
    refuse("secs", secs, "an integer within ±2^53");
  }
  if (nanos >>> 0 !== nanos || nanos > 999_999_999) {
    refuse("nanos", nanos, "0 to 999999999");
  }
  encodeHeader(writer, ITEMS.ENTRY, 40);
  writer.u64(mode);
  writer.u64(flags);
  writer.u32(uid);
  writer.u32(gid);
  writer.i64(secs);
  writer.u32(nanos);
  writer.u32(0);
}

/**
 * Reads the content of an ENTRY.
 *
 * |  bytes | field       | type                                 |
 * | -----: | :---------- | :----------------------------------- |
 * |   0..8 | mode        | u64, at most 65535                   |
 * |  8..16 | flags       | u64, see `flags.ts`                  |
 * | 16..20 | uid         | u32                                  |
 * | 20..24 | gid         | u32                                  |
 * | 24..32 | mtime secs  | i64, rounded down                    |
 * | 32..36 | mtime nanos | u32, below 10^9, counted from `secs` |
 * | 36..40 | padding     | u32, written as 0, not read          |
 *
 * Source: spec A.4.
 *
 * @param reader Windowed on the content.
 * @param into Filled.
 * @throws {FormatError} If a number is out of its range.
 */
export function decodeStat(reader: ByteReader, into: StatFields): void {
  const offset = reader.offset;
  into.mode = reader.u64();
  into.flags = reader.u64();
  into.uid = reader.u32();
  into.gid = reader.u32();
  into.secs = reader.i64();
  into.nanos = reader.u32();
  reader.skip(4);
  reader.end();
  checkMode(into.mode, offset);
  if (into.nanos > 999_999_999) {
    throw new FormatError(
      `Cannot read ENTRY at byte ${offset}: its time has ${into.nanos} nanoseconds, expected less than 10^9`,
      { offset: offset + 32 },
    );
  }
}

/**
 * Reads the content of an ENTRY_V1, which nobody writes any more.
 *
 * |  bytes | field | type                                          |
 * | -----: | :---- | :-------------------------------------------- |
 * |   0..8 | mode  | u64, at most 65535                            |
 * |  8..16 | flags | u64                                           |
 * | 16..20 | uid   | u32                                           |
 * | 20..24 | gid   | u32                                           |
 * | 24..32 | mtime | u64, nanoseconds since 1970-01-01T00:00:00Z   |
 *
 * Source: spec A.4.
 *
 * @param reader Windowed on the content.
 * @param into Filled.
 * @throws {FormatError} If a number is out of its range.
 */
export function decodeStatV1(reader: ByteReader, into: StatFields): void {
  const offset = reader.offset;
  into.mode = reader.u64();
  into.flags = reader.u64();
  into.uid = reader.u32();
  into.gid = reader.u32();
  const nanos = reader.tag();
  into.secs = Number(nanos / 1_000_000_000n);
  into.nanos = Number(nanos % 1_000_000_000n);
  reader.end();
  checkMode(into.mode, offset);
}

function checkMode(mode: number, offset: number): void {
  if (mode > 0xffff) {
    throw new FormatError(
      `Cannot read ENTRY at byte ${offset}: its mode is 0o${
        mode.toString(8)
      }, expected at most 0o177777`,
      { offset },
    );
  }
}

function refuse(field: string, value: number, expected: string): never {
  throw new FormatError(
    `Cannot write ENTRY: its ${field} is ${value}, expected ${expected}`,
  );
}
