/**
 * What PAX records say of an entry beyond its header: long names, exact times, attributes.
 *
 * | record | what it has |
 * | :-- | :-- |
 * | `path`, `linkpath` | raw bytes; `hdrcharset=BINARY` before them where they are not UTF-8 |
 * | `size`, `uid`, `gid` | decimal numbers |
 * | `mtime` | seconds since 1970-01-01T00:00:00Z with up to nine decimals |
 * | `SCHILY.xattr.NAME` | an extended attribute's raw value; `=` and `%` of its name are `%3D` and `%25` |
 * | `SCHILY.acl.access`, `SCHILY.acl.default` | lists as text, see `tar_acl.ts` |
 * | `SCHILY.fflags` | chattr attributes by the names that bsdtar has for them |
 * | `SCHILY.devmajor`, `SCHILY.devminor` | large numbers of a device |
 * | `PXAR.flags`, `PXAR.projectid` | chattr and FAT attributes, and the quota project, as decimal numbers |
 *
 * @module
 */
import { type Acl, aclFromXattrs, aclToXattrs } from "@pxar/format/acl";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Attributes, Entry } from "@pxar/format/entry";
import { FormatError, PxarError } from "@pxar/format/errors";
import { FLAGS } from "@pxar/format/flags";
import { MODE } from "@pxar/format/stat";
import { isStoredXattr, type XAttr } from "@pxar/format/xattr";
import {
  aclPermissions,
  decodeTarAcl,
  encodeTarAcl,
  type TarNames,
} from "./tar_acl.ts";
import { fitsHeader, mostInHeader, TAR_NAME } from "./tar_header.ts";
import { fromLatin1, latin1, type PaxRecord } from "./tar_pax.ts";

/** What the records of one member, and the global ones, say. */
export interface TarRecords {
  /** Those of all members before it that say so, then its own. */
  readonly records: readonly PaxRecord[];
  /** Where they stand in the archive, for errors. */
  readonly offset: number;
}

/** What a header has or records say in its place. */
export interface TarStat {
  /** Permission bits: with an access list its own, of which the mask stands for the group. */
  readonly mode: number;
  /** Owner. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
  /** Time of the last change of content, whole seconds since 1970-01-01T00:00:00Z, rounded down. */
  readonly secs: number;
  /** Nanoseconds after `secs`. */
  readonly nanos: number;
  /** Chattr and FAT attributes as an archive stores them. */
  readonly flags: number;
  /** Extended attributes, access control lists, capabilities, project id. */
  readonly attributes: Attributes | undefined;
}

const XATTR = "SCHILY.xattr.",
  BASE64_XATTR = "LIBARCHIVE.xattr.",
  ACCESS = "SCHILY.acl.access",
  DEFAULT = "SCHILY.acl.default",
  FFLAGS = "SCHILY.fflags",
  MAJOR = "SCHILY.devmajor",
  MINOR = "SCHILY.devminor",
  OWN_FLAGS = "PXAR.flags",
  PROJECT = "PXAR.projectid";
const CAPABILITY = "security.capability",
  KERNEL_ACCESS = "system.posix_acl_access",
  KERNEL_DEFAULT = "system.posix_acl_default";

/** Names of bsdtar for chattr attributes, the one that is written first. */
const FLAG_NAMES: readonly (readonly [flag: number, ...names: string[]])[] = [
  [FLAGS.APPEND, "sappnd", "sappend"],
  [FLAGS.NOATIME, "noatime"],
  [FLAGS.COMPR, "compress"],
  [FLAGS.NOCOW, "nocow"],
  [FLAGS.NODUMP, "nodump"],
  [FLAGS.DIRSYNC, "dirsync"],
  [FLAGS.IMMUTABLE, "schg", "schange", "simmutable"],
  [FLAGS.SYNC, "sync"],
  [FLAGS.PROJINHERIT, "projinherit"],
];

/**
 * The records that an entry needs before its header.
 *
 * @param entry Its metadata; a hardlink's is its first link's.
 * @param path Its path as the archive has it, directories with a slash at the end.
 * @param link Target of a symlink or hardlink, or empty.
 * @param size Length of its content, bytes.
 * @param onAcl Told why its access control lists cannot be written.
 * @returns The records; none for most entries of which the header says it all.
 */
export function recordsOf(
  entry: Entry,
  path: Bytes,
  link: Bytes,
  size: number,
  onAcl: (error: PxarError) => void,
): PaxRecord[] {
  const records: PaxRecord[] = [];
  const put = (key: string, value: string | Bytes) =>
    records.push({
      key,
      value: typeof value === "string" ? fromLatin1(value) : value,
    });
  if (!isUtf8(path) || !isUtf8(link)) put("hdrcharset", "BINARY");
  if (!isAscii(path) || !fitsHeader(path)) put("path", path);
  if (!isAscii(link) || link.length > TAR_NAME) put("linkpath", link);
  if (size > mostInHeader("size")) put("size", String(size));
  if (entry.uid > mostInHeader("uid")) put("uid", String(entry.uid));
  if (entry.gid > mostInHeader("gid")) put("gid", String(entry.gid));
  const { secs, nanos } = entry;
  if (nanos !== 0 || secs < 0 || secs > mostInHeader("secs")) {
    put("mtime", timeText(secs, nanos));
  }
  // A hardlink has what its first link has.
  if (entry.kind === "hardlink") return records;
  if (entry.device !== undefined) {
    const { major, minor } = entry.device;
    if (major > mostInHeader("major")) put(MAJOR, String(major));
    if (minor > mostInHeader("minor")) put(MINOR, String(minor));
  }
  if (entry.flags !== 0) {
    const names = FLAG_NAMES.filter(([flag]) => hasFlag(entry.flags, flag));
    if (names.length > 0) put(FFLAGS, names.map(([, name]) => name).join(","));
    put(OWN_FLAGS, String(entry.flags));
  }
  const { attributes } = entry;
  if (attributes === undefined) return records;
  const { acl, fcaps, projectId } = attributes;
  if (acl !== undefined) putAcl(acl, entry.mode, put, onAcl);
  for (const { name, value } of attributes.xattrs) {
    put(XATTR + escapeName(latin1(name)), value);
  }
  if (fcaps !== undefined) put(XATTR + CAPABILITY, fcaps);
  if (projectId !== undefined) put(PROJECT, String(projectId));
  return records;
}

function putAcl(
  acl: Acl,
  mode: number,
  put: (key: string, value: Bytes) => void,
  onAcl: (error: PxarError) => void,
): void {
  try {
    const lists = aclToXattrs(acl, mode);
    put(ACCESS, encodeTarAcl(lists.access));
    if (lists.default !== undefined) put(DEFAULT, encodeTarAcl(lists.default));
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    onAcl(error);
  }
}

/**
 * What the last record of a key says.
 *
 * @param records In order.
 * @param key Which one.
 * @returns Its value, a view; `undefined` where there is none, or an empty one, which takes back what was said.
 */
export function recordValue(
  { records }: TarRecords,
  key: string,
): Bytes | undefined {
  for (let i = records.length - 1; i >= 0; i--) {
    const { key: one, value } = records[i]!;
    if (one === key) return value.length === 0 ? undefined : value;
  }
  return undefined;
}

/**
 * A decimal number that records say.
 *
 * @returns The number, 0 to 2^53 - 1; `undefined` where there is none.
 * @throws {FormatError} If it is something else.
 */
export function recordNumber(
  records: TarRecords,
  key: string,
): number | undefined {
  const value = recordValue(records, key);
  if (value === undefined) return undefined;
  const text = latin1(value), number = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(number)) return number;
  throw noValue(records, key, "a number from 0 to 2^53 - 1");
}

/**
 * What header and records say of an entry; the inverse of {@linkcode recordsOf}.
 *
 * Of extended attributes those are taken that `create` would take: see {@linkcode isStoredXattr}.
 *
 * @param header What the header says.
 * @param records What the records say.
 * @param names Finds numbers of users and groups that access control lists call by name.
 * @param onAcl Told why access control lists cannot be read; they are left out then.
 * @throws {FormatError} If a number or time is none.
 */
export function statOf(
  header: {
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly secs: number;
  },
  records: TarRecords,
  names: TarNames | undefined,
  onAcl: (error: PxarError) => void,
): TarStat {
  const uid = ownerOf(records, "uid", header.uid);
  const gid = ownerOf(records, "gid", header.gid);
  const mtime = recordValue(records, "mtime");
  const time = mtime === undefined
    ? { secs: header.secs, nanos: 0 }
    : parseTime(latin1(mtime));
  if (time === undefined) throw noValue(records, "mtime", "seconds");
  const flags = recordNumber(records, OWN_FLAGS) ?? namedFlags(records);
  const { permissions, attributes } = attributesOf(records, names, onAcl);
  const mode = header.mode & MODE.PERMISSIONS;
  return {
    mode: permissions === undefined ? mode : mode & ~0o777 | permissions,
    uid,
    gid,
    ...time,
    flags,
    attributes,
  };
}

/**
 * The numbers of a device.
 *
 * @param header What the header says.
 * @param records May say larger ones.
 * @throws {FormatError} If they are none.
 */
export function deviceOf(
  header: { readonly major: number; readonly minor: number },
  records: TarRecords,
): { major: number; minor: number } {
  const device = {
    major: recordNumber(records, MAJOR) ?? header.major,
    minor: recordNumber(records, MINOR) ?? header.minor,
  };
  if (device.major >= 0 && device.minor >= 0) return device;
  throw new FormatError(
    `Cannot read tar header at byte ${records.offset}: its device is ${device.major}:${device.minor}, expected numbers from 0`,
    { offset: records.offset },
  );
}

function ownerOf(
  records: TarRecords,
  key: "uid" | "gid",
  header: number,
): number {
  const id = recordNumber(records, key) ?? header;
  if (id >>> 0 === id) return id;
  throw noValue(records, key, "0 to 2^32 - 1");
}

function attributesOf(
  records: TarRecords,
  names: TarNames | undefined,
  onAcl: (error: PxarError) => void,
): { permissions?: number | undefined; attributes: Attributes | undefined } {
  const values = new Map<string, Bytes>();
  const base64 = new Map<string, Bytes>();
  for (const { key, value } of records.records) {
    if (key.startsWith(XATTR)) {
      const name = unescapeName(key.slice(XATTR.length));
      // A later one counts, in the place of the earlier.
      values.set(name, value);
    } else if (key.startsWith(BASE64_XATTR)) {
      const name = unescapeName(key.slice(BASE64_XATTR.length));
      base64.set(name, value);
    }
  }
  for (const [name, text] of base64) {
    if (!values.has(name)) values.set(name, decodeBase64(records, text));
  }
  const xattrs: XAttr[] = [];
  for (const [key, value] of values) {
    const name = fromLatin1(key);
    if (isStoredXattr(name) && !name.includes(0)) {
      xattrs.push({ name, value: value.slice() });
    }
  }
  const lists = aclOf(records, values, names, onAcl);
  const attributes = {
    xattrs,
    acl: lists?.acl,
    fcaps: values.get(CAPABILITY)?.slice(),
    projectId: recordNumber(records, PROJECT),
  };
  const none = xattrs.length === 0 && attributes.acl === undefined &&
    attributes.fcaps === undefined && attributes.projectId === undefined;
  return {
    permissions: lists?.permissions,
    attributes: none ? undefined : attributes,
  };
}

/** The kernel's own form is exact, and needs no names. */
function aclOf(
  records: TarRecords,
  values: ReadonlyMap<string, Bytes>,
  names: TarNames | undefined,
  onAcl: (error: PxarError) => void,
): { permissions: number | undefined; acl: Acl | undefined } | undefined {
  const list = (kernel: string, key: string): Bytes | undefined => {
    const own = values.get(kernel);
    if (own !== undefined) return own.slice();
    const text = recordValue(records, key);
    const bytes = text === undefined ? NO_BYTES : decodeTarAcl(text, names);
    return bytes.length === 0 ? undefined : bytes;
  };
  try {
    const access = list(KERNEL_ACCESS, ACCESS);
    return {
      acl: aclFromXattrs(access, list(KERNEL_DEFAULT, DEFAULT)),
      // bsdtar has the owning group's permissions in the mode, where the mask belongs.
      permissions: access && aclPermissions(access),
    };
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    // Without the offset within the list, which is none in the archive.
    onAcl(new FormatError(error.message, { cause: error }));
    return undefined;
  }
}

function namedFlags(records: TarRecords): number {
  const text = recordValue(records, FFLAGS);
  if (text === undefined) return 0;
  const names = latin1(text).split(",").map((name) => name.trim());
  return FLAG_NAMES.reduce(
    (flags, [flag, ...known]) =>
      known.some((name) => names.includes(name)) ? flags | flag : flags,
    0,
  );
}

/** Flags may be larger than 32 bits; all that have a name are not. */
function hasFlag(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

/** Seconds with decimals; those before 1970 count back from 0. */
function timeText(secs: number, nanos: number): string {
  const negative = secs < 0;
  const whole = negative && nanos > 0 ? -(secs + 1) : Math.abs(secs);
  const rest = negative && nanos > 0 ? 1_000_000_000 - nanos : nanos;
  const decimals = rest === 0
    ? ""
    : `.${String(rest).padStart(9, "0").replace(/0+$/, "")}`;
  return `${negative ? "-" : ""}${whole}${decimals}`;
}

function parseTime(
  text: string,
): { secs: number; nanos: number } | undefined {
  const [, minus, whole, decimals = ""] =
    /^(-?)(\d{1,16})(?:\.(\d*))?$/.exec(text) ?? [];
  const secs = Number(whole);
  if (!Number.isSafeInteger(secs)) return undefined;
  const nanos = Number(decimals.slice(0, 9).padEnd(9, "0"));
  if (minus === "") return { secs, nanos };
  return nanos === 0
    ? { secs: 0 - secs, nanos }
    : { secs: -secs - 1, nanos: 1_000_000_000 - nanos };
}

function escapeName(name: string): string {
  return name.replaceAll("%", "%25").replaceAll("=", "%3D");
}

function unescapeName(name: string): string {
  return name.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 16)),
  );
}

/** bsdtar leaves out the padding. */
function decodeBase64(records: TarRecords, text: Bytes): Bytes {
  try {
    return fromLatin1(atob(latin1(text)));
  } catch {
    throw noValue(records, BASE64_XATTR, "base64");
  }
}

function noValue(
  { offset }: TarRecords,
  key: string,
  expected: string,
): FormatError {
  return new FormatError(
    `Cannot read tar member at byte ${offset}: its ${key} is something else, expected ${expected}`,
    { offset },
  );
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80) return false;
  return true;
}

/** Whether bytes are UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  if (isAscii(bytes)) return true;
  try {
    STRICT.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const STRICT = new TextDecoder("utf-8", { fatal: true });
