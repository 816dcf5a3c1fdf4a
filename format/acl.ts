/**
 * Access control lists, as the archive and as the kernel keep them.
 *
 * Of an access list the archive leaves out what stands in the mode: the owner's, the others' and, if there is a mask, the mask's permissions.
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "./bytes.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, type Item, ITEMS } from "./item.ts";

/** What one user or group may do. */
export interface AclEntry {
  /** Number of the user or group. */
  readonly id: number;
  /** 4 to read, 2 to write, 1 to execute, added up. */
  readonly perm: number;
}

/** The parts of a default list that name nobody; `undefined` for one that is not there. */
export interface AclDefault {
  /** The owner's. */
  readonly user: number | undefined;
  /** The owning group's. */
  readonly group: number | undefined;
  /** Everybody else's. */
  readonly other: number | undefined;
  /** Most that named users and groups get. */
  readonly mask: number | undefined;
}

/** An access list and a directory's default list. */
export interface Acl {
  /** Named users. */
  readonly users: readonly AclEntry[];
  /** Named groups. */
  readonly groups: readonly AclEntry[];
  /** The owning group's permissions where there is a mask; the mask then stands in the mode's group bits. */
  readonly groupObj: number | undefined;
  /** What new children get; `undefined` where there is no default list. */
  readonly default: AclDefault | undefined;
  /** Named users of the default list. */
  readonly defaultUsers: readonly AclEntry[];
  /** Named groups of the default list. */
  readonly defaultGroups: readonly AclEntry[];
}

/** What {@linkcode aclToXattrs} gives. */
export interface AclXattrs {
  /** Value for `system.posix_acl_access`. */
  readonly access: Bytes;
  /** Value for `system.posix_acl_default`; `undefined` where there is none to be set. */
  readonly default: Bytes | undefined;
  /** Whether users or groups are named but the owning group's permissions are missing; the mode's group bits were taken for both. */
  readonly missingGroupObj: boolean;
}

const USER_OBJ = 0x01,
  USER = 0x02,
  GROUP_OBJ = 0x04,
  GROUP = 0x08,
  MASK = 0x10,
  OTHER = 0x20;
const NOBODY = 0xffff_ffff;
const XATTR_VERSION = 2;

/**
 * What an archive stores of the kernel's lists.
 *
 * Source: spec A.9.
 *
 * @param access Value of `system.posix_acl_access`, if there is one.
 * @param defaults Value of `system.posix_acl_default`, if there is one.
 * @returns The lists, users and groups sorted by number; `undefined` where the mode says it all.
 * @throws {FormatError} If a value is not a list as the kernel gives it.
 */
export function aclFromXattrs(
  access: Bytes | undefined,
  defaults: Bytes | undefined,
): Acl | undefined {
  const list = access && parseList(access, "system.posix_acl_access");
  const fallback = defaults && parseList(defaults, "system.posix_acl_default");
  const base = fallback?.base;
  const acl: Acl = {
    users: list?.users ?? [],
    groups: list?.groups ?? [],
    groupObj: list?.base.get(MASK) === undefined
      ? undefined
      : list.base.get(GROUP_OBJ),
    default: base === undefined || base.size === 0 ? undefined : {
      user: base.get(USER_OBJ),
      group: base.get(GROUP_OBJ),
      other: base.get(OTHER),
      mask: base.get(MASK),
    },
    defaultUsers: fallback?.users ?? [],
    defaultGroups: fallback?.groups ?? [],
  };
  return isEmptyAcl(acl) ? undefined : acl;
}

/**
 * The kernel's lists for what an archive stores; the inverse of {@linkcode aclFromXattrs}.
 *
 * Default users and groups without a default list are left out.
 *
 * Source: spec J.8.
 *
 * @param acl The lists.
 * @param mode The file's mode, which holds the rest of the access list.
 * @returns Values to be set.
 * @throws {FormatError} If the kernel would not take them.
 */
export function aclToXattrs(acl: Acl, mode: number): AclXattrs {
  const { users, groups, groupObj } = acl;
  const group = mode >> 3 & 7;
  const named = users.length + groups.length > 0;
  const access = buildList(users, groups, {
    user: mode >> 6 & 7,
    group: groupObj ?? group,
    other: mode & 7,
    mask: groupObj !== undefined || named ? group : undefined,
  });
  return {
    access,
    default: acl.default &&
      buildList(acl.defaultUsers, acl.defaultGroups, acl.default),
    missingGroupObj: named && groupObj === undefined,
  };
}

/** Whether lists say nothing beyond the mode. */
export function isEmptyAcl(acl: Acl): boolean {
  return acl.users.length === 0 && acl.groups.length === 0 &&
    acl.groupObj === undefined && acl.default === undefined &&
    acl.defaultUsers.length === 0 && acl.defaultGroups.length === 0;
}

/**
 * Writes an ACL_USER, ACL_GROUP, ACL_DEFAULT_USER or ACL_DEFAULT_GROUP.
 *
 * @param writer Has room for 32 bytes.
 * @param item Which of them.
 * @param entry The user or group.
 * @throws {FormatError} If a number is not an integer from 0 to 2^53 - 1.
 */
export function encodeAclEntry(
  writer: ByteWriter,
  item: Item,
  entry: AclEntry,
): void {
  checkNumber(item, entry.id);
  checkNumber(item, entry.perm);
  encodeHeader(writer, item, 16);
  writer.u64(entry.id);
  writer.u64(entry.perm);
}

/**
 * Reads the content of an ACL_USER, ACL_GROUP, ACL_DEFAULT_USER or ACL_DEFAULT_GROUP.
 *
 * | bytes | field | type |
 * | ----: | :---- | :--- |
 * |  0..8 | id    | u64  |
 * | 8..16 | perm  | u64  |
 *
 * @param reader Windowed on the content.
 * @returns The user or group; the kernel need not take it.
 * @throws {FormatError} If a number is 2^53 or more.
 */
export function decodeAclEntry(reader: ByteReader): AclEntry {
  const entry = { id: reader.u64(), perm: reader.u64() };
  reader.end();
  return entry;
}

/**
 * Writes an ACL_GROUP_OBJ.
 *
 * @param writer Has room for 24 bytes.
 * @param perm The owning group's permissions.
 * @throws {FormatError} If they are not an integer from 0 to 2^53 - 1.
 */
export function encodeAclGroupObj(writer: ByteWriter, perm: number): void {
  checkNumber(ITEMS.ACL_GROUP_OBJ, perm);
  encodeHeader(writer, ITEMS.ACL_GROUP_OBJ, 8);
  writer.u64(perm);
}

/**
 * Reads the content of an ACL_GROUP_OBJ: one u64.
 *
 * @param reader Windowed on the content.
 * @returns The owning group's permissions.
 * @throws {FormatError} If they are 2^53 or more.
 */
export function decodeAclGroupObj(reader: ByteReader): number {
  const perm = reader.u64();
  reader.end();
  return perm;
}

/**
 * Writes an ACL_DEFAULT.
 *
 * @param writer Has room for 48 bytes.
 * @param list What names nobody.
 * @throws {FormatError} If permissions are not an integer from 0 to 2^53 - 1.
 */
export function encodeAclDefault(writer: ByteWriter, list: AclDefault): void {
  const parts = [list.user, list.group, list.other, list.mask];
  for (const perm of parts) {
    if (perm !== undefined) checkNumber(ITEMS.ACL_DEFAULT, perm);
  }
  encodeHeader(writer, ITEMS.ACL_DEFAULT, 32);
  for (const perm of parts) writer.u64OrNone(perm);
}

/**
 * Reads the content of an ACL_DEFAULT; all bits set stand for what is not there.
 *
 * |  bytes | field | type |
 * | -----: | :---- | :--- |
 * |   0..8 | user  | u64  |
 * |  8..16 | group | u64  |
 * | 16..24 | other | u64  |
 * | 24..32 | mask  | u64  |
 *
 * @param reader Windowed on the content.
 * @returns What names nobody.
 * @throws {FormatError} If permissions are 2^53 or more.
 */
export function decodeAclDefault(reader: ByteReader): AclDefault {
  const list = {
    user: reader.u64OrNone(),
    group: reader.u64OrNone(),
    other: reader.u64OrNone(),
    mask: reader.u64OrNone(),
  };
  reader.end();
  return list;
}

function checkNumber(item: Item, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new FormatError(
      `Cannot write ${item.name}: a number in it is ${value}, expected 0 to 2^53 - 1`,
    );
  }
}

interface List {
  readonly base: ReadonlyMap<number, number>;
  readonly users: AclEntry[];
  readonly groups: AclEntry[];
}

/** u32 version, then entries: u16 tag, u16 permissions, u32 id. */
function parseList(value: Bytes, name: string): List {
  const reader = new ByteReader(value);
  const base = new Map<number, number>();
  const users: AclEntry[] = [], groups: AclEntry[] = [];
  const version = reader.u32();
  if (version !== XATTR_VERSION) {
    refuse(name, 0, `version is ${version}, expected ${XATTR_VERSION}`);
  }
  while (reader.remaining > 0) {
    const at = reader.offset;
    const tag = reader.u16(), perm = reader.u16(), id = reader.u32();
    if (perm > 7) refuse(name, at, `permissions are ${perm}, expected 0 to 7`);
    if (tag === USER || tag === GROUP) {
      if (id === NOBODY) {
        refuse(name, at, "entry names nobody, expected a user or group");
      }
      (tag === USER ? users : groups).push({ id, perm });
    } else if (
      tag === USER_OBJ || tag === GROUP_OBJ || tag === MASK || tag === OTHER
    ) {
      if (base.has(tag)) {
        refuse(name, at, `tag ${tag} is there twice, expected once`);
      }
      base.set(tag, perm);
    } else {
      refuse(name, at, `tag ${tag} is unknown, expected 1, 2, 4, 8, 16 or 32`);
    }
  }
  return { base, users: users.sort(byId), groups: groups.sort(byId) };
}

function byId(a: AclEntry, b: AclEntry): number {
  return a.id - b.id || a.perm - b.perm;
}

function refuse(name: string, offset: number, what: string): never {
  throw new FormatError(`Cannot read ${name} at byte ${offset}: ${what}`, {
    offset,
  });
}

function buildList(
  users: readonly AclEntry[],
  groups: readonly AclEntry[],
  list: AclDefault,
): Bytes {
  const { user, group, other, mask } = list;
  if (user === undefined || group === undefined || other === undefined) {
    throw new FormatError(
      "Cannot set default ACL: owner, group or others are missing, expected all three",
    );
  }
  if (mask === undefined && users.length + groups.length > 0) {
    throw new FormatError(
      "Cannot set default ACL: it names users or groups without a mask, expected one",
    );
  }
  const count = 3 + users.length + groups.length + (mask === undefined ? 0 : 1);
  const bytes = new Uint8Array(4 + 8 * count);
  const writer = new ByteWriter(bytes);
  writer.u32(XATTR_VERSION);
  buildEntry(writer, USER_OBJ, user, NOBODY);
  for (const { id, perm } of users) buildNamed(writer, USER, perm, id);
  buildEntry(writer, GROUP_OBJ, group, NOBODY);
  for (const { id, perm } of groups) buildNamed(writer, GROUP, perm, id);
  if (mask !== undefined) buildEntry(writer, MASK, mask, NOBODY);
  buildEntry(writer, OTHER, other, NOBODY);
  return bytes;
}

function buildNamed(
  writer: ByteWriter,
  tag: number,
  perm: number,
  id: number,
): void {
  if (id >>> 0 !== id || id === NOBODY) {
    throw new FormatError(
      `Cannot set ACL: a user or group is ${id}, expected 0 to 2^32 - 2`,
    );
  }
  buildEntry(writer, tag, perm, id);
}

function buildEntry(
  writer: ByteWriter,
  tag: number,
  perm: number,
  id: number,
): void {
  if ((perm & 7) !== perm) {
    throw new FormatError(
      `Cannot set ACL: permissions are ${perm}, expected 0 to 7`,
    );
  }
  writer.u16(tag);
  writer.u16(perm);
  writer.u32(id);
}
