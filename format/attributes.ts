/**
 * What stands between an ENTRY and its body: extended attributes, access control lists, capabilities, the quota project.
 *
 * @module
 */
import {
  type AclDefault,
  type AclEntry,
  decodeAclDefault,
  decodeAclEntry,
  decodeAclGroupObj,
  encodeAclDefault,
  encodeAclEntry,
  encodeAclGroupObj,
} from "./acl.ts";
import type { ByteReader, Bytes, ByteWriter } from "./bytes.ts";
import type { Attributes } from "./entry.ts";
import { FormatError } from "./errors.ts";
import { encodeHeader, HEADER_SIZE, type Item, ITEMS } from "./item.ts";
import { decodeXattr, encodeXattr, type XAttr } from "./xattr.ts";

/**
 * Gathers the attribute items of one entry after the other, in whatever order they come.
 *
 * @example
 * ```ts
 * import { AttributeReader } from "@pxar/format/attributes";
 * import { ByteReader } from "@pxar/format/bytes";
 * import { ITEMS } from "@pxar/format/item";
 *
 * const attributes = new AttributeReader();
 * attributes.take(ITEMS.QUOTA_PROJID, new ByteReader(new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0])));
 * attributes.finish()?.projectId; // 7
 * ```
 */
export class AttributeReader {
  #any = false;
  #xattrs: XAttr[] = [];
  #users: AclEntry[] = [];
  #groups: AclEntry[] = [];
  #groupObj: number | undefined;
  #default: AclDefault | undefined;
  #defaultUsers: AclEntry[] = [];
  #defaultGroups: AclEntry[] = [];
  #acl = false;
  #fcaps: Bytes | undefined;
  #projectId: number | undefined;

  /**
   * Reads an item if it is an attribute.
   *
   * @param item Its type.
   * @param reader Windowed on its content; not touched where the answer is `false`.
   * @returns Whether it is one.
   * @throws {FormatError} If its content is wrong, or one that may be there once is there twice.
   */
  take(item: Item, reader: ByteReader): boolean {
    switch (item.name) {
      case "XATTR":
        this.#xattrs.push(decodeXattr(reader));
        break;
      case "ACL_USER":
        this.#users.push(decodeAclEntry(reader));
        this.#acl = true;
        break;
      case "ACL_GROUP":
        this.#groups.push(decodeAclEntry(reader));
        this.#acl = true;
        break;
      case "ACL_GROUP_OBJ":
        this.#once(item, this.#groupObj, reader);
        this.#groupObj = decodeAclGroupObj(reader);
        this.#acl = true;
        break;
      case "ACL_DEFAULT":
        this.#once(item, this.#default, reader);
        this.#default = decodeAclDefault(reader);
        this.#acl = true;
        break;
      case "ACL_DEFAULT_USER":
        this.#defaultUsers.push(decodeAclEntry(reader));
        this.#acl = true;
        break;
      case "ACL_DEFAULT_GROUP":
        this.#defaultGroups.push(decodeAclEntry(reader));
        this.#acl = true;
        break;
      case "FCAPS":
        this.#once(item, this.#fcaps, reader);
        this.#fcaps = reader.copy(reader.remaining);
        break;
      case "QUOTA_PROJID":
        this.#once(item, this.#projectId, reader);
        this.#projectId = reader.u64();
        reader.end();
        break;
      default:
        return false;
    }
    this.#any = true;
    return true;
  }

  /**
   * Gives what was gathered, and starts again.
   *
   * @returns The attributes; `undefined` where there were none.
   */
  finish(): Attributes | undefined {
    if (!this.#any) return undefined;
    const attributes: Attributes = {
      xattrs: this.#xattrs,
      acl: !this.#acl ? undefined : {
        users: this.#users,
        groups: this.#groups,
        groupObj: this.#groupObj,
        default: this.#default,
        defaultUsers: this.#defaultUsers,
        defaultGroups: this.#defaultGroups,
      },
      fcaps: this.#fcaps,
      projectId: this.#projectId,
    };
    this.#any = this.#acl = false;
    this.#xattrs = [];
    this.#users = [];
    this.#groups = [];
    this.#groupObj =
      this.#default =
      this.#fcaps =
      this.#projectId =
        undefined;
    this.#defaultUsers = [];
    this.#defaultGroups = [];
    return attributes;
  }

  #once(item: Item, earlier: unknown, reader: ByteReader): void {
    if (earlier === undefined) return;
    const offset = reader.offset;
    throw new FormatError(
      `Cannot read ${item.name} at byte ${offset}: entry has one already, expected one at most`,
      {
        offset,
      },
    );
  }
}

/**
 * Writes all attributes, in the order in which writers put them.
 *
 * @param writer Has room for {@linkcode attributesSize} bytes.
 * @param attributes What to write.
 * @throws {FormatError} If something has no place in its item, such as an extended attribute of more than 65791 bytes.
 */
export function encodeAttributes(
  writer: ByteWriter,
  attributes: Attributes,
): void {
  const { xattrs, acl, fcaps, projectId } = attributes;
  for (const xattr of xattrs) encodeXattr(writer, xattr);
  if (acl !== undefined) {
    for (const entry of acl.users) {
      encodeAclEntry(writer, ITEMS.ACL_USER, entry);
    }
    for (const entry of acl.groups) {
      encodeAclEntry(writer, ITEMS.ACL_GROUP, entry);
    }
    if (acl.groupObj !== undefined) encodeAclGroupObj(writer, acl.groupObj);
    if (acl.default !== undefined) encodeAclDefault(writer, acl.default);
    for (const entry of acl.defaultUsers) {
      encodeAclEntry(writer, ITEMS.ACL_DEFAULT_USER, entry);
    }
    for (const entry of acl.defaultGroups) {
      encodeAclEntry(writer, ITEMS.ACL_DEFAULT_GROUP, entry);
    }
  }
  if (fcaps !== undefined) {
    encodeHeader(writer, ITEMS.FCAPS, fcaps.length);
    writer.bytes(fcaps);
  }
  if (projectId !== undefined) {
    if (!(Number.isSafeInteger(projectId) && projectId >= 0)) {
      throw new FormatError(
        `Cannot write QUOTA_PROJID: project id is ${projectId}, expected 0 to 2^53 - 1`,
      );
    }
    encodeHeader(writer, ITEMS.QUOTA_PROJID, 8);
    writer.u64(projectId);
  }
}

/** How many bytes {@linkcode encodeAttributes} writes. */
export function attributesSize(attributes: Attributes): number {
  const { xattrs, acl, fcaps, projectId } = attributes;
  let size = 0;
  for (const { name, value } of xattrs) {
    size += HEADER_SIZE + name.length + 1 + value.length;
  }
  if (acl !== undefined) {
    const { users, groups, defaultUsers, defaultGroups } = acl;
    size += (users.length + groups.length + defaultUsers.length +
      defaultGroups.length) * (HEADER_SIZE + 16);
    if (acl.groupObj !== undefined) size += HEADER_SIZE + 8;
    if (acl.default !== undefined) size += HEADER_SIZE + 32;
  }
  if (fcaps !== undefined) size += HEADER_SIZE + fcaps.length;
  if (projectId !== undefined) size += HEADER_SIZE + 8;
  return size;
}
