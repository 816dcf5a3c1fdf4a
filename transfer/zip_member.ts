// What a zip archive says of a member: before it, behind it, and in the directory at the end. Source: PKWARE APPNOTE 6.3.10; Info-ZIP "extrafld.txt".
import { type Bytes, ByteWriter } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { isUtf8 } from "./tar_metadata.ts";

/** From here on a number needs the fields of zip64. */
const LARGE = 0xffff_ffff;
/** From this size on a content gets the fields of zip64 before it is known how long it is in the archive. */
export const NEARLY_LARGE = 0xff00_0000;
const MANY = 0xffff;
/** Made by Unix. */
const UNIX = 3 << 8;
const VERSION = 20, VERSION_64 = 45, MADE = 30;
/** Contents as they are. */
export const STORED = 0;
/** Contents deflated. */
export const DEFLATED = 8;
/** Sizes and sum stand behind the content. */
export const DESCRIPTOR: number = 1 << 3;
const UTF8 = 1 << 11;
const LOCAL = 0x04034b50,
  DATA = 0x08074b50,
  CENTRAL = 0x02014b50,
  END_64 = 0x06064b50,
  LOCATOR_64 = 0x07064b50,
  END = 0x06054b50;
const EXTRA_64 = 0x0001, EXTRA_TIME = 0x5455, EXTRA_OWNER = 0x7875;
const DIRECTORY_BIT = 0x10;
/** How much room a descriptor needs, bytes. */
export const DESCRIPTOR_SIZE = 24;
/** How much room the end of an archive needs, bytes. */
export const END_SIZE = 98;

/** A member, as both of its headers say it. */
export interface ZipMember {
  readonly path: Bytes;
  readonly entry: Entry;
  readonly flags: number;
  readonly method: number;
  /** Whether sizes take eight bytes. */
  readonly is64: boolean;
  readonly crc: number;
  /** Length in the archive. */
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/** How much room {@linkcode encodeLocal} needs at most, bytes. */
export function localSize({ path }: ZipMember): number {
  return 30 + path.length + 64;
}

/** Writes what stands before a content. */
export function encodeLocal(writer: ByteWriter, member: ZipMember): void {
  const { path, entry, is64 } = member;
  const time = timeExtra(entry);
  writer.u32(LOCAL);
  writer.u16(is64 ? VERSION_64 : VERSION);
  putCommon(writer, member, is64);
  writer.u16(path.length);
  writer.u16((is64 ? 20 : 0) + (time ? 9 : 0) + 15);
  writer.bytes(path);
  if (is64) {
    writer.u16(EXTRA_64);
    writer.u16(16);
    writer.u64(member.size);
    writer.u64(member.packed);
  }
  putExtra(writer, entry, time);
}

/** Writes what stands behind a content. */
export function encodeDescriptor(writer: ByteWriter, member: ZipMember): void {
  writer.u32(DATA);
  writer.u32(member.crc);
  if (member.is64) {
    writer.u64(member.packed);
    writer.u64(member.size);
  } else {
    writer.u32(member.packed);
    writer.u32(member.size);
  }
}

/** What the directory at the end says of a member. */
export function encodeCentral(member: ZipMember): Bytes {
  const { path, entry, size, packed, offset } = member;
  const is64 = size >= LARGE || packed >= LARGE || offset >= LARGE;
  const time = timeExtra(entry);
  const extra = (is64 ? 28 : 0) + (time ? 9 : 0) + 15;
  const bytes = new Uint8Array(46 + path.length + extra);
  const writer = new ByteWriter(bytes);
  const version = is64 || member.is64 ? VERSION_64 : VERSION;
  writer.u32(CENTRAL);
  writer.u16(UNIX | Math.max(version, MADE));
  writer.u16(version);
  putCommon(writer, member, is64);
  writer.u16(path.length);
  writer.u16(extra);
  writer.u16(0); // no comment
  writer.u16(0); // first disk
  writer.u16(0); // nothing is known to be text
  const directory = entry.kind === "directory" ? DIRECTORY_BIT : 0;
  writer.u32((entry.mode << 16 | directory) >>> 0);
  writer.u32(is64 ? LARGE : offset);
  writer.bytes(path);
  if (is64) {
    writer.u16(EXTRA_64);
    writer.u16(24);
    writer.u64(size);
    writer.u64(packed);
    writer.u64(offset);
  }
  putExtra(writer, entry, time);
  return bytes;
}

/** Writes what tells how many members there are, and from where to where the directory goes. */
export function encodeEnd(
  writer: ByteWriter,
  members: number,
  from: number,
  to: number,
): void {
  const length = to - from;
  if (members >= MANY || from >= LARGE || length >= LARGE) {
    writer.u32(END_64);
    writer.u64(44);
    writer.u16(UNIX | VERSION_64);
    writer.u16(VERSION_64);
    writer.u32(0); // this disk
    writer.u32(0); // the directory's
    writer.u64(members);
    writer.u64(members);
    writer.u64(length);
    writer.u64(from);
    writer.u32(LOCATOR_64);
    writer.u32(0);
    writer.u64(to);
    writer.u32(1); // disks
  }
  writer.u32(END);
  writer.u16(0);
  writer.u16(0);
  writer.u16(Math.min(members, MANY));
  writer.u16(Math.min(members, MANY));
  writer.u32(Math.min(length, LARGE));
  writer.u32(Math.min(from, LARGE));
  writer.u16(0);
}

/** From the flags to the sizes, which both headers have. */
function putCommon(writer: ByteWriter, member: ZipMember, is64: boolean): void {
  const { date, time } = dosTime(member.entry.secs);
  writer.u16(member.flags);
  writer.u16(member.method);
  writer.u16(time);
  writer.u16(date);
  writer.u32(member.crc);
  writer.u32(is64 ? LARGE : member.packed);
  writer.u32(is64 ? LARGE : member.size);
}

/** Time and owner, as Info-ZIP has them. */
function putExtra(writer: ByteWriter, entry: Entry, time: boolean): void {
  if (time) {
    writer.u16(EXTRA_TIME);
    writer.u16(5);
    writer.u8(1);
    writer.u32(entry.secs >>> 0);
  }
  writer.u16(EXTRA_OWNER);
  writer.u16(11);
  writer.u8(1);
  writer.u8(4);
  writer.u32(entry.uid);
  writer.u8(4);
  writer.u32(entry.gid);
}

/** Whether a time has a place in 32 bits with a sign. */
function timeExtra({ secs }: Entry): boolean {
  return (secs | 0) === secs;
}

/** Date and time as MS-DOS had them, in UTC, so that the same entries give the same archive anywhere. */
function dosTime(secs: number): { date: number; time: number } {
  const least = Date.UTC(1980, 0, 1), most = Date.UTC(2107, 11, 31, 23, 59, 58);
  const moment = new Date(Math.min(most, Math.max(least, secs * 1000)));
  return {
    date: moment.getUTCFullYear() - 1980 << 9 | moment.getUTCMonth() + 1 << 5 |
      moment.getUTCDate(),
    time: moment.getUTCHours() << 11 | moment.getUTCMinutes() << 5 |
      moment.getUTCSeconds() >> 1,
  };
}

/** Whether a path is marked as UTF-8. */
export function flagsOf(path: Bytes): number {
  return path.some((byte) => byte >= 0x80) && isUtf8(path) ? UTF8 : 0;
}
