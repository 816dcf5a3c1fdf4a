/**
 * The members of a tar archive, one after the other: each with the headers and records that belong to it.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import {
  type Content,
  type Entry,
  type EntryKind,
  makeEntry,
} from "@pxar/format/entry";
import {
  FormatError,
  type PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import { checkName, showName } from "@pxar/format/name";
import { MODE } from "@pxar/format/stat";
import type { TarNames } from "./tar_acl.ts";
import {
  decodeTarHeader,
  TAR_BLOCK,
  TAR_TYPE,
  type TarHeader,
} from "./tar_header.ts";
import { cut, type TarInput } from "./tar_input.ts";
import {
  deviceOf,
  recordNumber,
  recordValue,
  statOf,
  type TarRecords,
} from "./tar_metadata.ts";
import { decodePax, PAX_LIMIT, type PaxRecord } from "./tar_pax.ts";
import {
  checkMap,
  OldSparse,
  type PaxSparse,
  paxSparse,
  readSparseMap,
  SparseContent,
  type SparseMap,
} from "./tar_sparse.ts";

/** One member. */
export interface TarMember {
  /** Where the first of its headers stands in the archive. */
  readonly offset: number;
  /** What it is; `undefined` for what has no place in a tree. */
  readonly kind: EntryKind | undefined;
  /** Its path as the archive has it. */
  readonly path: Bytes;
  /** Target of a symlink or hardlink. */
  readonly link: Bytes;
  /** Its own header. */
  readonly header: TarHeader;
  /** What is said of it beside that. */
  readonly records: TarRecords;
  /** Where its content begins in the archive. */
  readonly body: number;
  /** Length of that, bytes; what fills it up to a block is not counted. */
  readonly stored: number;
  /** Where the pieces of a file with holes lie. */
  readonly sparse: SparseMap | PaxSparse | undefined;
}

/** Most bytes of GNU's long names: four times the longest path of Linux and then some. */
const LONG_LIMIT = 1 << 20;
/** Most headers before one member. */
const HEADER_LIMIT = 16;
/** Most bytes of records that hold for all members. */
const GLOBAL_LIMIT = 1 << 20;
/** What records may say of all members that follow. */
const GLOBAL = /^(?:[ug]id|mtime|(?:SCHILY|LIBARCHIVE|PXAR)\..*)$/s;
const SLASH = 0x2f, DOT = 0x2e;

/** Reads members. */
export class TarReader {
  /** Records that hold for all members that follow; a new array where they change. */
  globals: readonly PaxRecord[] = [];
  readonly #input: TarInput;

  /**
   * Starts where the input stands.
   *
   * @param input What is read; stands behind the headers when a member has been given, and must then be moved behind its content.
   */
  constructor(input: TarInput) {
    this.#input = input;
  }

  /**
   * Reads the headers of the next member.
   *
   * @returns The member; `undefined` where the archive says that it ends.
   * @throws {FormatError} If they are none, or more than a member can have.
   * @throws {TruncatedError} If the archive ends without saying so.
   * @throws {UnsupportedError} If it goes on from another volume.
   */
  async next(): Promise<TarMember | undefined> {
    const input = this.#input;
    let offset: number | undefined, count = 0, taken = 0;
    const own: PaxRecord[] = [];
    let longPath: Bytes | undefined, longLink: Bytes | undefined;
    for (;;) {
      const at = input.offset;
      const taking = input.take(TAR_BLOCK);
      const block = taking instanceof Promise ? await taking : taking;
      if (block === undefined) throw cut(at);
      const header = decodeTarHeader(block, at);
      if (header === undefined) {
        if (offset === undefined) return undefined;
        throw new FormatError(
          `Cannot read tar archive at byte ${at}: it ends behind an extended header, expected a member`,
          { offset: at },
        );
      }
      const { type } = header;
      const isGlobal = type === TAR_TYPE.PAX_GLOBAL;
      const isRecords = isGlobal || type === TAR_TYPE.PAX ||
        type === TAR_TYPE.PAX_SOLARIS;
      const isLong = type === TAR_TYPE.LONG_NAME || type === TAR_TYPE.LONG_LINK;
      if (!isGlobal) offset ??= at;
      if (!isRecords && !isLong) {
        const names = { longPath, longLink };
        const records = { records: this.globals.concat(own), offset: at };
        return await this.#member(offset!, header, block, names, records);
      }
      const limit = isRecords ? PAX_LIMIT : LONG_LIMIT;
      count += isGlobal ? 0 : 1;
      taken += isGlobal ? 0 : header.size;
      if (
        header.size < 0 || header.size > limit || taken > PAX_LIMIT ||
        count > HEADER_LIMIT
      ) {
        throw new FormatError(
          `Cannot read tar header at byte ${at}: ${count} extended headers of ${header.size} bytes, ` +
            `expected at most ${HEADER_LIMIT} of ${limit}`,
          { offset: at },
        );
      }
      const body = (await this.#body(header.size)).slice();
      if (isGlobal) this.#merge(decodePax(body, at + TAR_BLOCK), at);
      else if (isRecords) {
        for (const one of decodePax(body, at + TAR_BLOCK)) own.push(one);
      } else if (type === TAR_TYPE.LONG_NAME) longPath = untilNul(body);
      else longLink = untilNul(body);
    }
  }

  async #member(
    offset: number,
    header: TarHeader,
    block: Bytes,
    { longPath, longLink }: {
      longPath: Bytes | undefined;
      longLink: Bytes | undefined;
    },
    records: TarRecords,
  ): Promise<TarMember> {
    if (header.type === TAR_TYPE.CONTINUED) {
      throw new UnsupportedError(
        `Cannot read tar member at byte ${records.offset}: it goes on from another volume, expected an archive of one volume`,
        { offset: records.offset },
      );
    }
    let sparse: SparseMap | PaxSparse | undefined = paxSparse(records);
    const path = (sparse as PaxSparse | undefined)?.name ??
      recordValue(records, "path") ?? longPath ?? header.path;
    const kind = kindOf(header.type, path);
    const stored = hasBody(header.type)
      ? recordNumber(records, "size") ?? header.size
      : 0;
    if (stored < 0) {
      throw new FormatError(
        `Cannot read tar header at byte ${records.offset}: its size is ${stored}, expected 0 or more`,
        { offset: records.offset },
      );
    }
    if (header.type === TAR_TYPE.SPARSE) {
      const old = new OldSparse(block, records.offset);
      for (let blocks = 0; old.more; blocks++) {
        const at = this.#input.offset;
        const next = await this.#input.take(TAR_BLOCK);
        if (next === undefined) throw cut(at);
        old.add(next, at);
      }
      sparse = old.finish(stored);
    }
    return {
      offset,
      kind,
      path,
      link: recordValue(records, "linkpath") ?? longLink ?? header.link,
      header,
      records,
      body: this.#input.offset,
      stored,
      sparse: kind === "file" ? sparse : undefined,
    };
  }

  /** Takes the body of an extended header, and what fills it up. */
  async #body(size: number): Promise<Bytes> {
    if (size === 0) return NO_BYTES;
    const at = this.#input.offset;
    const body = await this.#input.take(padded(size));
    if (body === undefined) throw cut(at);
    return body.subarray(0, size);
  }

  #merge(records: readonly PaxRecord[], offset: number): void {
    const merged = new Map(this.globals.map((one) => [one.key, one]));
    for (const one of records) {
      if (GLOBAL.test(one.key)) {
        merged.set(one.key, { key: one.key, value: one.value.slice() });
      }
    }
    const same = merged.size === this.globals.length &&
      this.globals.every((one) => {
        const other = merged.get(one.key)!.value;
        return other.length === one.value.length &&
          other.every((byte, i) => byte === one.value[i]);
      });
    if (same) return;
    const all = [...merged.values()];
    const size = all.reduce((sum, { value }) => sum + value.length, 0);
    if (size > GLOBAL_LIMIT) {
      throw new FormatError(
        `Cannot read tar header at byte ${offset}: global records have ${size} bytes, expected at most ${GLOBAL_LIMIT}`,
        { offset },
      );
    }
    this.globals = all;
  }
}

/**
 * A path in a tree: without `.` components, doubled slashes, and slashes at its beginning and end.
 *
 * @param path As the archive has it.
 * @returns Its own bytes; empty for the root.
 * @throws {FormatError} If a component is `..`, too long or has a NUL, or there are more than 10,000. Without an offset: the archive is not damaged by that.
 */
export function treePath(path: Bytes): Bytes {
  const parts: Bytes[] = [];
  let length = 0;
  for (let at = 0; at < path.length;) {
    let end = path.indexOf(SLASH, at);
    if (end < 0) end = path.length;
    const part = path.subarray(at, end);
    at = end + 1;
    if (part.length === 0 || (part.length === 1 && part[0] === DOT)) continue;
    try {
      checkName(part);
    } catch (error) {
      const why = "it has a component that is no name";
      throw refusal(path, why, "names of 1 to 4096 bytes and no ..", error);
    }
    if (parts.length === LEVELS) {
      const why = `it has more than ${LEVELS} components`;
      throw refusal(path, why, "at most those");
    }
    parts.push(part);
    length += part.length + 1;
  }
  const whole = new Uint8Array(Math.max(0, length - 1));
  let to = 0;
  for (const part of parts) {
    if (to > 0) whole[to++] = SLASH;
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

/** Most directories one in the other, as `writeTree` has it. */
const LEVELS = 10_000;

/** How a member becomes an entry. */
export interface MemberParts {
  /** One path component; empty for the root. */
  readonly name: Bytes;
  /** The entry's number. */
  readonly position: number;
  /** What is in a file. */
  readonly content?: Content | undefined;
  /** Finds numbers of users and groups that access control lists call by name. */
  readonly names: TarNames | undefined;
  /** Told why access control lists are left out. */
  readonly onAcl: (error: PxarError) => void;
}

/**
 * A member as an entry.
 *
 * @param member A file, directory, symlink, device or fifo.
 * @param parts Name, position, content.
 * @throws {FormatError} If a number in its records is none.
 */
export function entryOf(member: TarMember, parts: MemberParts): Entry {
  const { kind, header, records } = member;
  const stat = statOf(header, records, parts.names, parts.onAcl);
  return makeEntry(kind!, {
    name: parts.name,
    ...stat,
    mode: typeOf(kind!, header.type) | stat.mode,
    content: parts.content,
    target: kind === "symlink" ? member.link.slice() : undefined,
    device: kind === "device" ? deviceOf(header, records) : undefined,
    position: parts.position,
  });
}

/**
 * A directory that no member is: 0755, with owner, group and time of the first member below it.
 *
 * @param below That member.
 * @param name One path component; empty for the root.
 * @param position The entry's number.
 * @throws {FormatError} If a number in its records is none.
 */
export function madeDirectory(
  below: TarMember | undefined,
  name: Bytes,
  position: number,
): Entry {
  const stat = below &&
    statOf(below.header, below.records, undefined, () => {});
  return makeEntry("directory", {
    name,
    mode: MODE.IFDIR | 0o755,
    uid: stat?.uid ?? 0,
    gid: stat?.gid ?? 0,
    secs: stat?.secs ?? 0,
    nanos: stat?.nanos ?? 0,
    position,
  });
}

/**
 * What is in a file, with its holes.
 *
 * @param member The file.
 * @param stored What is in the archive of it.
 * @throws {FormatError} If the map of the holes is none.
 */
export async function memberContent(
  { sparse, records }: TarMember,
  stored: Content,
): Promise<Content> {
  if (sparse === undefined) return stored;
  const { size, pieces } = sparse, { offset } = records;
  const map = pieces === undefined
    ? await readSparseMap(size, stored, offset)
    : checkMap({ size, pieces }, stored.size, offset);
  return new SparseContent(map, stored);
}

/** A length filled up to a block. */
export function padded(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}

/**
 * The error for a member that has no place in the tree; without an offset, because the archive is not damaged by that.
 *
 * @param path Its path; shown as far as it is not very long.
 * @param what What is wrong.
 * @param expected What should be.
 */
export function refusal(
  path: Bytes,
  what: string,
  expected: string,
  cause?: unknown,
): FormatError {
  const shown = showName(path.subarray(0, 400)) +
    (path.length > 400 ? "…" : "");
  return new FormatError(
    `Cannot take tar member "${shown}": ${what}, expected ${expected}`,
    { cause },
  );
}

function kindOf(type: string, path: Bytes): EntryKind | undefined {
  switch (type) {
    case TAR_TYPE.FILE:
      return path.at(-1) === SLASH ? "directory" : "file";
    case TAR_TYPE.CONTIGUOUS:
    case TAR_TYPE.SPARSE:
      return "file";
    case TAR_TYPE.LINK:
      return "hardlink";
    case TAR_TYPE.SYMLINK:
      return "symlink";
    case TAR_TYPE.CHAR:
    case TAR_TYPE.BLOCK:
      return "device";
    case TAR_TYPE.DIRECTORY:
    case TAR_TYPE.DUMP_DIRECTORY:
      return "directory";
    case TAR_TYPE.FIFO:
      return "fifo";
    default:
      return undefined;
  }
}

/** Links, devices, directories and fifos have none, whatever their size says. */
function hasBody(type: string): boolean {
  return type < TAR_TYPE.LINK || type > TAR_TYPE.FIFO;
}

function typeOf(kind: EntryKind, type: string): number {
  switch (kind) {
    case "directory":
      return MODE.IFDIR;
    case "symlink":
      return MODE.IFLNK;
    case "device":
      return type === TAR_TYPE.BLOCK ? MODE.IFBLK : MODE.IFCHR;
    case "fifo":
      return MODE.IFIFO;
    default:
      return MODE.IFREG;
  }
}

function untilNul(bytes: Bytes): Bytes {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
