/**
 * The header block of a tar member: 512 bytes that say what it is, as POSIX (ustar), GNU tar and the tar of Unix version 7 write it.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";

/** Length of a block, and of a header; all of a tar archive lies on such boundaries. */
export const TAR_BLOCK = 512;

/** Type flags, as the letters that they are. */
export const TAR_TYPE = {
  /** A regular file; NUL in old archives. */
  FILE: "0",
  /** A further link to an earlier member. */
  LINK: "1",
  /** A symlink. */
  SYMLINK: "2",
  /** A character device. */
  CHAR: "3",
  /** A block device. */
  BLOCK: "4",
  /** A directory. */
  DIRECTORY: "5",
  /** A fifo. */
  FIFO: "6",
  /** A file that should lie in one piece. */
  CONTIGUOUS: "7",
  /** PAX records for the next member. */
  PAX: "x",
  /** PAX records for all that follow. */
  PAX_GLOBAL: "g",
  /** PAX records, as Solaris once wrote them. */
  PAX_SOLARIS: "X",
  /** GNU: the next member's path. */
  LONG_NAME: "L",
  /** GNU: the next member's link target. */
  LONG_LINK: "K",
  /** GNU: a file with holes. */
  SPARSE: "S",
  /** GNU: a directory, with a list of names as its body. */
  DUMP_DIRECTORY: "D",
  /** GNU: the label of a volume. */
  VOLUME: "V",
  /** GNU: the rest of a file from another volume. */
  CONTINUED: "M",
} as const;

/** What a header says. */
export interface TarHeader {
  /** Path, with the prefix of ustar before it; without NUL. */
  readonly path: Bytes;
  /** Permission bits; type bits that may be there mean nothing. */
  readonly mode: number;
  /** Owner. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
  /** Length of what follows, bytes; means nothing for what has no content. */
  readonly size: number;
  /** Time of the last change of content, whole seconds since 1970-01-01T00:00:00Z. */
  readonly secs: number;
  /** One letter of {@linkcode TAR_TYPE}, or another one. */
  readonly type: string;
  /** Target of a link. */
  readonly link: Bytes;
  /** Which driver, of a device. */
  readonly major: number;
  /** Which device of that driver. */
  readonly minor: number;
}

/** Where the fields are: first byte and length. */
const PATH = [0, 100] as const,
  MODE = [100, 8] as const,
  UID = [108, 8] as const,
  GID = [116, 8] as const,
  SIZE = [124, 12] as const,
  MTIME = [136, 12] as const,
  SUM = [148, 8] as const,
  LINK = [157, 100] as const,
  MAJOR = [329, 8] as const,
  MINOR = [337, 8] as const,
  PREFIX = [345, 155] as const;
const TYPE = 156, MAGIC = 257;
type Field = readonly [from: number, length: number];

const USTAR = new TextEncoder().encode("ustar\x0000");
const SPACE = 0x20, ZERO = 0x30, SEVEN = 0x37, SLASH = 0x2f;

/** Most bytes of a path that ustar has a place for without its prefix, and of a link's target. */
export const TAR_NAME: number = PATH[1];

/**
 * The greatest number that a field of a header can say as text.
 *
 * @param field Which one.
 */
export function mostInHeader(
  field: "uid" | "gid" | "size" | "secs" | "major" | "minor",
): number {
  return 8 ** (FIELDS[field][1] - 1) - 1;
}

const FIELDS = {
  uid: UID,
  gid: GID,
  size: SIZE,
  secs: MTIME,
  major: MAJOR,
  minor: MINOR,
};

/**
 * Reads a header.
 *
 * | bytes    | field  | type |
 * | -------: | :----- | :--- |
 * | 0..100   | path   | bytes, ended by NUL where they are fewer |
 * | 100..108 | mode   | octal text, or a base-256 number (GNU) |
 * | 108..116 | uid    | likewise |
 * | 116..124 | gid    | likewise |
 * | 124..136 | size   | likewise |
 * | 136..148 | mtime  | likewise |
 * | 148..156 | sum of all bytes, its own counted as blanks | octal text |
 * | 156      | type   | a letter |
 * | 157..257 | target | as path |
 * | 257..265 | magic and version: `ustar`, NUL, `00`; GNU: `ustar  `, NUL | |
 * | 265..329 | names of owner and group, not used here | |
 * | 329..345 | numbers of a device | as mode, twice |
 * | 345..500 | what comes before the path, and a slash; ustar only | as path |
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format".
 *
 * @param block 512 bytes; what is given are copies.
 * @param offset Where they stand in the archive, for errors.
 * @returns The fields; `undefined` for a block of zeros, with which an archive ends.
 * @throws {FormatError} If the sum is wrong, or a number is none.
 */
export function decodeTarHeader(
  block: Bytes,
  offset: number,
): TarHeader | undefined {
  if (!isHeader(block)) {
    if (block.every((byte) => byte === 0)) return undefined;
    throw new FormatError(
      `Cannot read tar header at byte ${offset}: its sum is wrong, expected a tar archive that is not damaged`,
      { offset },
    );
  }
  const isUstar = isAt(block, MAGIC, USTAR, 5);
  const path = text(block, PATH);
  const prefix = isUstar && isAt(block, MAGIC, USTAR, 8)
    ? text(block, PREFIX)
    : NO_BYTES;
  const flag = block[TYPE]!;
  let type = flag === 0 ? TAR_TYPE.FILE : String.fromCharCode(flag);
  // Before there was a letter for them, the slash told directories.
  if (type === TAR_TYPE.FILE && path.at(-1) === SLASH) {
    type = TAR_TYPE.DIRECTORY;
  }
  return {
    path: prefix.length === 0 ? path : join(prefix, path),
    mode: decodeNumber(block, MODE, "mode", offset),
    uid: decodeNumber(block, UID, "uid", offset),
    gid: decodeNumber(block, GID, "gid", offset),
    size: decodeNumber(block, SIZE, "size", offset),
    secs: decodeNumber(block, MTIME, "mtime", offset),
    type,
    link: text(block, LINK),
    major: isUstar ? decodeNumber(block, MAJOR, "device", offset) : 0,
    minor: isUstar ? decodeNumber(block, MINOR, "device", offset) : 0,
  };
}

function isAt(
  block: Bytes,
  at: number,
  what: Uint8Array,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (block[at + i] !== what[i]) return false;
  return true;
}

/**
 * Whether a block is a header: whether it has the sum that it says, as unsigned bytes or, as some once counted, as signed ones.
 *
 * @param block 512 bytes.
 */
export function isHeader(block: Uint8Array): boolean {
  const [from, length] = SUM;
  let said = 0, any = false;
  for (let i = from; i < from + length; i++) {
    const byte = block[i]!;
    if (byte >= ZERO && byte <= SEVEN) {
      said = said * 8 + byte - ZERO;
      any = true;
    } else if (any) break;
    else if (byte !== SPACE) return false;
  }
  if (!any) return false;
  // The field's own bytes count as blanks.
  let sum = length * SPACE, negative = 0;
  for (let i = 0; i < from; i++) {
    sum += block[i]!;
    negative += block[i]! >> 7;
  }
  for (let i = from + length; i < TAR_BLOCK; i++) {
    sum += block[i]!;
    negative += block[i]! >> 7;
  }
  return said === sum || said === sum - 256 * negative;
}

/**
 * Writes a header of ustar; what has no place in it must stand in PAX records before it.
 *
 * A path of more than 100 bytes is divided at a slash where that helps, else cut; numbers that are too large are written as 0.
 *
 * @param header The fields.
 * @param into 512 bytes, all of which are written.
 */
export function encodeTarHeader(header: TarHeader, into: Bytes): void {
  into.fill(0);
  const { path, link } = header;
  const at = splitAt(path);
  if (at > 0) {
    into.set(path.subarray(0, at), PREFIX[0]);
    into.set(path.subarray(at + 1), PATH[0]);
  } else into.set(path.subarray(0, PATH[1]), PATH[0]);
  putNumber(into, MODE, header.mode);
  putNumber(into, UID, header.uid);
  putNumber(into, GID, header.gid);
  putNumber(into, SIZE, header.size);
  putNumber(into, MTIME, header.secs);
  into[TYPE] = header.type.charCodeAt(0);
  into.set(link.subarray(0, LINK[1]), LINK[0]);
  into.set(USTAR, MAGIC);
  putNumber(into, MAJOR, header.major);
  putNumber(into, MINOR, header.minor);
  into.fill(SPACE, SUM[0], SUM[0] + SUM[1]);
  let sum = 0;
  for (let i = 0; i < TAR_BLOCK; i++) sum += into[i]!;
  // Six digits, NUL and a blank, as everybody writes it.
  putNumber(into, [SUM[0], SUM[1] - 1], sum);
}

/**
 * Whether a path has a place in a header, whole.
 *
 * @param path Its bytes.
 */
export function fitsHeader(path: Uint8Array): boolean {
  return path.length <= PATH[1] || splitAt(path) > 0;
}

/** Where a long path is divided into prefix and name; 0 where it is not. */
function splitAt(path: Uint8Array): number {
  if (path.length <= PATH[1]) return 0;
  // The slash at the end of a directory belongs to its name.
  const last = Math.min(PREFIX[1], path.length - 2);
  const at = path.lastIndexOf(SLASH, last);
  return at > 0 && path.length - at - 1 <= PATH[1] ? at : 0;
}

/** A copy of a field up to its first NUL. */
function text(block: Bytes, [from, length]: Field): Bytes {
  let end = from;
  while (end < from + length && block[end] !== 0) end++;
  return end === from ? NO_BYTES : block.slice(from, end);
}

function join(prefix: Bytes, path: Bytes): Bytes {
  const whole = new Uint8Array(prefix.length + 1 + path.length);
  whole.set(prefix);
  whole[prefix.length] = SLASH;
  whole.set(path, prefix.length + 1);
  return whole;
}

/**
 * Reads a number: octal digits between blanks and NULs, or, with the first bit set, a big-endian one in two's complement.
 *
 * @param block Memory that holds it.
 * @param field First byte and length.
 * @param name What it is called in errors.
 * @param offset Where the block stands in the archive.
 * @throws {FormatError} If it is neither, or beyond 2^53.
 */
export function decodeNumber(
  block: Bytes,
  [from, length]: Field,
  name: string,
  offset: number,
): number {
  const first = block[from]!;
  let value = 0, i = from;
  const end = from + length;
  if (first >= 0x80) {
    const negative = (first & 0x40) !== 0, turn = negative ? 0xff : 0;
    value = (first ^ turn) & 0x3f;
    while (++i < end) value = value * 256 + (block[i]! ^ turn);
    if (negative) value = -value - 1;
  } else {
    while (i < end && block[i] === SPACE) i++;
    for (; i < end; i++) {
      const byte = block[i]!;
      if (byte < ZERO || byte > SEVEN) break;
      value = value * 8 + byte - ZERO;
    }
    while (i < end && (block[i] === SPACE || block[i] === 0)) i++;
    if (i < end) value = NaN;
  }
  if (!Number.isSafeInteger(value)) {
    throw new FormatError(
      `Cannot read tar header at byte ${offset}: its ${name} is no number within ±2^53, expected one`,
      { offset: offset + from },
    );
  }
  return value;
}

function putNumber(into: Bytes, [from, length]: Field, value: number): void {
  const digits = length - 1;
  const known = value >= 0 && value < 8 ** digits ? value : 0;
  const octal = known.toString(8).padStart(digits, "0");
  for (let i = 0; i < digits; i++) into[from + i] = octal.charCodeAt(i);
  into[from + digits] = 0;
}
