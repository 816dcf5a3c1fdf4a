/**
 * What an entry has besides its name and content: fluent builders, and two ways to compare.
 *
 * @module
 */
import type { Acl, AclEntry } from "./acl.ts";
import type { Bytes } from "./bytes.ts";
import type { Attributes } from "./entry.ts";
import { ITEMS } from "./item.ts";
import { compareNames } from "./name.ts";
import { MODE, type StatFields } from "./stat.ts";
import type { XAttr } from "./xattr.ts";

/** What an entry has besides its name and content. */
export interface Metadata extends Readonly<StatFields> {
  /** Extended attributes, access control list, capabilities, project id; `undefined` where there are none. */
  readonly attributes: Attributes | undefined;
}

/** A moment: a `Date`, seconds and nanoseconds as an entry has them, or what has nanoseconds as a `Temporal.Instant` does. */
export type Moment =
  | Date
  | { readonly secs: number; readonly nanos: number }
  | { readonly epochNanoseconds: bigint };

const TEXT = new TextEncoder();
const NOBODY = 0xffff_ffff;
const NO_ACL: Acl = {
  users: [],
  groups: [],
  groupObj: undefined,
  default: undefined,
  defaultUsers: [],
  defaultGroups: [],
};

/**
 * Metadata of a regular file.
 *
 * @param mode Permission bits.
 * @returns A builder.
 *
 * @example
 * ```ts
 * import { makeEntry } from "@pxar/format/entry";
 * import { fileMetadata } from "@pxar/format/metadata";
 *
 * const metadata = fileMetadata(0o644)
 *   .owner(1000, 1000)
 *   .mtime(1_700_000_000, 5)
 *   .xattr("user.mime_type", "text/plain")
 *   .build();
 * makeEntry("file", { name: new TextEncoder().encode("a.txt"), ...metadata });
 * ```
 */
export function fileMetadata(mode: number): MetadataBuilder {
  return new MetadataBuilder(MODE.IFREG, mode);
}

/** Metadata of a directory; `mode` is its permission bits. */
export function dirMetadata(mode: number): MetadataBuilder {
  return new MetadataBuilder(MODE.IFDIR, mode);
}

/** Metadata of a symlink, whose permission bits nobody asks for. */
export function symlinkMetadata(): MetadataBuilder {
  return new MetadataBuilder(MODE.IFLNK, 0o777);
}

/** Metadata of a device; `mode` is its permission bits. Its numbers are the entry's `device`. */
export function deviceMetadata(
  mode: number,
  type: "block" | "char",
): MetadataBuilder {
  return new MetadataBuilder(type === "block" ? MODE.IFBLK : MODE.IFCHR, mode);
}

/** Metadata of a fifo; `mode` is its permission bits. */
export function fifoMetadata(mode: number): MetadataBuilder {
  return new MetadataBuilder(MODE.IFIFO, mode);
}

/** Metadata of a socket; `mode` is its permission bits. */
export function socketMetadata(mode: number): MetadataBuilder {
  return new MetadataBuilder(MODE.IFSOCK, mode);
}

/** Puts metadata together, step by step; made by {@linkcode fileMetadata} and the like. */
export class MetadataBuilder {
  readonly #type: number;
  #permissions = 0;
  #flags = 0;
  #uid = 0;
  #gid = 0;
  #secs = 0;
  #nanos = 0;
  #xattrs: readonly XAttr[] = [];
  #acl: Acl | undefined;
  #fcaps: Bytes | undefined;
  #projectId: number | undefined;

  /**
   * Starts with root as the owner, the time 0 and no attributes.
   *
   * @param type One of the types of `MODE`.
   * @param mode Permission bits.
   */
  constructor(type: number, mode: number) {
    this.#type = type;
    this.mode(mode);
  }

  /** Sets the permission bits, 0 to 0o7777. */
  mode(bits: number): this {
    this.#permissions = within("permission bits", bits, MODE.PERMISSIONS);
    return this;
  }

  /** Sets owner and group, each below 2^32. */
  owner(uid: number, gid: number): this {
    this.#uid = within("uid", uid, NOBODY);
    this.#gid = within("gid", gid, NOBODY);
    return this;
  }

  /** Sets the time of the last change of content, to the nanosecond; a number is whole seconds since 1970-01-01T00:00:00Z, rounded down, and nanoseconds after them. */
  mtime(moment: number | Moment, nanos = 0): this {
    const time = typeof moment === "number"
      ? { secs: moment, nanos }
      : toTime(moment);
    this.#secs = within(
      "seconds",
      time.secs,
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
    );
    this.#nanos = within("nanoseconds", time.nanos, 999_999_999);
    return this;
  }

  /** Sets chattr and FAT attributes: bits of `FLAGS`. */
  flags(flags: number): this {
    this.#flags = within("flags", flags, Number.MAX_SAFE_INTEGER);
    return this;
  }

  /** Adds an extended attribute behind those that are there. Bytes are copied, text is taken as UTF-8. */
  xattr(name: string | Uint8Array, value: string | Uint8Array): this {
    const xattr = { name: toBytes(name), value: toBytes(value) };
    if (
      xattr.name.length === 0 || xattr.name.length > 255 ||
      xattr.name.includes(0)
    ) {
      throw new RangeError(
        "Cannot set xattr: name is empty, too long or has a NUL, expected 1 to 255 bytes",
      );
    }
    within(
      "bytes of an xattr",
      xattr.name.length + 1 + xattr.value.length,
      ITEMS.XATTR.limit,
    );
    this.#xattrs = [...this.#xattrs, xattr];
    return this;
  }

  /** Sets access control lists; parts left out are empty. With named users or groups, give `groupObj` too: the mode's group bits are the mask then. */
  acl(acl: Partial<Acl>): this {
    const whole = { ...NO_ACL, ...acl };
    for (
      const entry of [
        ...whole.users,
        ...whole.groups,
        ...whole.defaultUsers,
        ...whole.defaultGroups,
      ]
    ) {
      within("user or group of an ACL", entry.id, NOBODY - 1);
      within("permissions of an ACL", entry.perm, 7);
    }
    const { user, group, other, mask } = whole.default ?? {};
    for (const perm of [whole.groupObj, user, group, other, mask]) {
      if (perm !== undefined) within("permissions of an ACL", perm, 7);
    }
    this.#acl = whole;
    return this;
  }

  /** Sets the raw value of `security.capability`, which is copied. */
  fcaps(value: Uint8Array): this {
    within("bytes of fcaps", value.length, ITEMS.FCAPS.limit);
    this.#fcaps = value.slice();
    return this;
  }

  /** Sets the quota project id, below 2^32. */
  projectId(id: number): this {
    this.#projectId = within("project id", id, NOBODY);
    return this;
  }

  /** What was put together. The builder may go on; what it gave does not change. */
  build(): Metadata {
    const attributes: Attributes = {
      xattrs: this.#xattrs,
      acl: this.#acl,
      fcaps: this.#fcaps,
      projectId: this.#projectId,
    };
    const none = attributes.xattrs.length === 0 &&
      attributes.acl === undefined && attributes.fcaps === undefined &&
      attributes.projectId === undefined;
    return {
      mode: this.#type | this.#permissions,
      flags: this.#flags,
      uid: this.#uid,
      gid: this.#gid,
      secs: this.#secs,
      nanos: this.#nanos,
      attributes: none ? undefined : attributes,
    };
  }
}

/**
 * Whether a file may count as unchanged, by the rule of the official program: all is compared, but of extended attributes only names, order and count.
 *
 * Source: spec I.2.
 *
 * @param a One metadata.
 * @param b The other.
 * @returns Whether they are equal in that sense.
 */
export function metadataEquals(a: Metadata, b: Metadata): boolean {
  return equal(a, b, false);
}

/**
 * Whether two metadata say exactly the same.
 *
 * @param a One metadata.
 * @param b The other.
 * @returns Whether they are equal, values of extended attributes included.
 */
export function metadataIdentical(a: Metadata, b: Metadata): boolean {
  return equal(a, b, true);
}

function equal(a: Metadata, b: Metadata, values: boolean): boolean {
  if (
    a.mode !== b.mode || a.flags !== b.flags || a.uid !== b.uid ||
    a.gid !== b.gid || a.secs !== b.secs ||
    a.nanos !== b.nanos
  ) return false;
  const one = a.attributes, other = b.attributes;
  if (one === other) return true;
  return one?.projectId === other?.projectId &&
    equalOptional(one?.fcaps, other?.fcaps) &&
    equalAcls(one?.acl ?? NO_ACL, other?.acl ?? NO_ACL) &&
    equalLists(
      one?.xattrs ?? [],
      other?.xattrs ?? [],
      (x, y) =>
        compareNames(x.name, y.name) === 0 &&
        (!values || compareNames(x.value, y.value) === 0),
    );
}

function equalAcls(a: Acl, b: Acl): boolean {
  return a.groupObj === b.groupObj &&
    (a.default === undefined) === (b.default === undefined) &&
    a.default?.user === b.default?.user &&
    a.default?.group === b.default?.group &&
    a.default?.other === b.default?.other &&
    a.default?.mask === b.default?.mask &&
    equalLists(a.users, b.users, equalEntries) &&
    equalLists(a.groups, b.groups, equalEntries) &&
    equalLists(a.defaultUsers, b.defaultUsers, equalEntries) &&
    equalLists(a.defaultGroups, b.defaultGroups, equalEntries);
}

function equalEntries(a: AclEntry, b: AclEntry): boolean {
  return a.id === b.id && a.perm === b.perm;
}

function equalLists<T>(
  a: readonly T[],
  b: readonly T[],
  same: (a: T, b: T) => boolean,
): boolean {
  return a.length === b.length && a.every((item, i) => same(item, b[i]!));
}

function equalOptional(a: Bytes | undefined, b: Bytes | undefined): boolean {
  return a === undefined || b === undefined
    ? a === b
    : compareNames(a, b) === 0;
}

function within(what: string, value: number, most: number, least = 0): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `Cannot set metadata: ${what} are ${value}, expected an integer from ${least} to ${most}`,
  );
}

function toTime(moment: Moment): { secs: number; nanos: number } {
  if ("secs" in moment) return moment;
  if ("epochNanoseconds" in moment) {
    const nanos = Number(
      (moment.epochNanoseconds % 1_000_000_000n + 1_000_000_000n) %
        1_000_000_000n,
    );
    return {
      secs: Number((moment.epochNanoseconds - BigInt(nanos)) / 1_000_000_000n),
      nanos,
    };
  }
  const millis = moment.getTime(), secs = Math.floor(millis / 1000);
  return { secs, nanos: (millis - secs * 1000) * 1_000_000 };
}

function toBytes(value: string | Uint8Array): Bytes {
  return typeof value === "string" ? TEXT.encode(value) : value.slice();
}
