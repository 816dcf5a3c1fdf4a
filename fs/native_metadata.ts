/**
 * Metadata of files and directories through the C library.
 *
 * @module
 */
import { type Acl, aclToXattrs } from "@pxar/format/acl";
import type { Bytes } from "@pxar/format/bytes";
import type { Attributes, Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { isStoredXattr } from "@pxar/format/xattr";
import {
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  S_IFLNK,
  S_IFMT,
} from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import type { Maker } from "./maker.ts";
import { safePermissions } from "./permissions.ts";
import type { Trail } from "./trail.ts";
import type { Choices } from "./tree_writer.ts";

const ASCII = new TextEncoder();
const FCAPS = ASCII.encode("security.capability");
const ACCESS = ASCII.encode("system.posix_acl_access");
const DEFAULT = ASCII.encode("system.posix_acl_default");
const USER = ASCII.encode("user.");

/**
 * Gives open files and directories what their entries say, in the order that keeps each: owner, xattrs, capabilities, access lists, project id,
 * permissions, time. Flags come after that: some forbid all further change.
 *
 * Source: spec J.8.
 */
export class NativeMetadata {
  readonly #maker: Maker;
  readonly #trail: Trail;
  readonly #choices: Choices;

  /**
   * Changes nothing yet.
   *
   * @param maker Makes the calls.
   * @param trail Takes what is lost and what goes wrong.
   * @param choices What is wanted.
   */
  constructor(maker: Maker, trail: Trail, choices: Choices) {
    this.#maker = maker;
    this.#trail = trail;
    this.#choices = choices;
  }

  /**
   * Sets all of them.
   *
   * @param fd The open file.
   * @param entry What it shall be.
   * @param owned Whether it has the right owner already.
   */
  apply(fd: number, entry: Entry, owned: boolean): void {
    const { attributes } = entry;
    const choices = this.#choices;
    const mine = owned || (choices.owners && this.#owner(fd, entry));
    let listed = attributes?.acl === undefined;
    if (attributes !== undefined) {
      if (choices.xattrs) this.#xattrs(fd, attributes);
      if (choices.acls && attributes.acl !== undefined) {
        listed = this.#acl(fd, attributes.acl, entry.mode);
      }
      if (attributes.projectId !== undefined) {
        this.#project(fd, attributes.projectId);
      }
    }
    if (choices.permissions) this.#permissions(fd, entry, mine, listed);
    this.times(fd, entry);
  }

  /**
   * Sets owner, permissions and time of what cannot be opened for reading.
   *
   * @param parent The directory that it is in.
   * @param name Its name there.
   * @param entry What it shall be.
   * @param type What it was made as: type bits of a mode. A symlink has no permissions.
   */
  applyByName(
    parent: number,
    name: Bytes,
    entry: Entry,
    type: number,
  ): void {
    const maker = this.#maker, trail = this.#trail;
    // By descriptor: whoever may rename here could have put something else in its place.
    const fd = maker.openNode(parent, name);
    const looked = fd < 0 ? fd : maker.look(fd);
    if (looked < 0) trail.refused("find what was made of", "openat", -looked);
    else if ((maker.seen.mode & S_IFMT) !== type) {
      trail.fail(
        "set owner, permissions and times of",
        "something else has taken its place",
      );
    } else this.#node(fd, entry, type !== S_IFLNK);
    if (fd >= 0) maker.close(fd);
  }

  #node(fd: number, entry: Entry, permissions: boolean): void {
    const maker = this.#maker, trail = this.#trail;
    const { uid, gid, mode, secs, nanos } = entry;
    if (this.#choices.owners) {
      const result = maker.chownNode(fd, uid, gid);
      if (result < 0) {
        trail.lack(result, "owners", "set owner of", "fchownat");
      }
    }
    if (permissions && this.#choices.permissions) {
      const result = maker.chmodNode(fd, mode & 0o7777);
      if (result < 0) {
        trail.lack(result, "modes", "set permissions of", "fchmodat");
      }
    }
    const result = maker.timesNode(fd, secs, nanos);
    if (result < 0) trail.lack(result, "times", "set times of", "utimensat");
  }

  /** The time of the last change. */
  times(fd: number, entry: Entry): void {
    const result = this.#maker.times(fd, entry.secs, entry.nanos);
    if (result < 0) {
      this.#trail.lack(result, "times", "set times of", "futimens");
    }
  }

  #owner(fd: number, { uid, gid }: Entry): boolean {
    const result = this.#maker.chown(fd, uid, gid);
    if (result < 0) {
      this.#trail.lack(result, "owners", "set owner of", "fchown");
    }
    return result === 0;
  }

  #xattrs(fd: number, { xattrs, fcaps }: Attributes): void {
    for (const { name, value } of xattrs) {
      if (!isStoredXattr(name) && !isFcaps(name)) {
        this.#trail.warn(
          `restore xattr ${showName(name)} of`,
          "archives do not keep such ones, expected user.*, trusted.* or security.NTACL",
        );
        continue;
      }
      if (isFcaps(name) && !this.#choices.fcaps) continue;
      if (!this.#xattr(fd, name, value)) return;
    }
    if (fcaps !== undefined && this.#choices.fcaps) {
      this.#xattr(fd, FCAPS, fcaps);
    }
  }

  /** Gives whether the file system has xattrs at all. */
  #xattr(fd: number, name: Bytes, value: Bytes): boolean {
    const result = this.#maker.setXattr(fd, name, value);
    if (result === 0) return true;
    const denied = result === -ERRNO.EPERM && !startsWith(name, USER);
    if (denied || result === -ERRNO.EOPNOTSUPP) this.#trail.lose("xattrs");
    else {
      this.#trail.refused(
        `set xattr ${showName(name)} of`,
        "fsetxattr",
        -result,
      );
    }
    return result !== -ERRNO.EOPNOTSUPP;
  }

  /** Gives whether the access list is in force. */
  #acl(fd: number, acl: Acl, mode: number): boolean {
    let lists: ReturnType<typeof aclToXattrs>;
    try {
      lists = aclToXattrs(acl, mode);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#trail.fail("set ACL of", error.message, error);
      return false;
    }
    if (lists.missingGroupObj) {
      this.#trail.warn(
        "restore whole ACL of",
        "its owning group's permissions are missing; the mode's were taken",
      );
    }
    const listed = this.#list(fd, ACCESS, lists.access);
    if (lists.default !== undefined) this.#list(fd, DEFAULT, lists.default);
    return listed;
  }

  #list(fd: number, name: Bytes, value: Bytes): boolean {
    const result = this.#maker.setXattr(fd, name, value);
    if (result === 0) return true;
    if (result === -ERRNO.EOPNOTSUPP) this.#trail.lose("xattrs");
    else this.#trail.refused("set ACL of", "fsetxattr", -result);
    return false;
  }

  #project(fd: number, id: number): void {
    if (id >>> 0 !== id) {
      this.#trail.fail(
        "set project id of",
        `it is ${id}, expected 0 to 2^32 - 1`,
      );
      return;
    }
    const attributes = new Uint8Array(28);
    const view = new DataView(attributes.buffer);
    let result = this.#maker.ioctl(fd, FS_IOC_FSGETXATTR, attributes);
    if (result === 0 && view.getUint32(12, true) !== id) {
      view.setUint32(12, id, true);
      result = this.#maker.ioctl(fd, FS_IOC_FSSETXATTR, attributes);
    }
    if (result < 0) {
      this.#trail.lack(result, "flags", "set project id of", "ioctl");
    }
  }

  #permissions(
    fd: number,
    entry: Entry,
    owned: boolean,
    listed: boolean,
  ): void {
    const permissions = safePermissions(entry, owned, listed);
    // Where lists were not wanted, that their mask narrows the group is what was asked for.
    if (
      permissions !== (entry.mode & 0o7777) && (this.#choices.acls || !owned)
    ) this.#trail.lose("modes");
    const result = this.#maker.chmod(fd, permissions);
    if (result < 0) {
      this.#trail.lack(result, "modes", "set permissions of", "fchmod");
    }
  }
}

function isFcaps(name: Bytes): boolean {
  return name.length === FCAPS.length && startsWith(name, FCAPS);
}

function startsWith(name: Bytes, prefix: Bytes): boolean {
  return prefix.every((byte, i) => name[i] === byte);
}
