/**
 * What is known of a file beside its stat: attributes of chattr and FAT, extended attributes, access lists, capabilities, quota project.
 *
 * Source: spec A.6, A.8, A.9, A.10, J.5.
 *
 * @module
 */
import { aclFromXattrs } from "@pxar/format/acl";
import type { Bytes } from "@pxar/format/bytes";
import type { Attributes } from "@pxar/format/entry";
import { FormatError, PxarError } from "@pxar/format/errors";
import { CHATTR_MASK, chattrToFlags, fatToFlags } from "@pxar/format/flags";
import { showName } from "@pxar/format/name";
import { isStoredXattr, type XAttr } from "@pxar/format/xattr";
import {
  FAT_IOCTL_GET_ATTRIBUTES,
  FS_IOC_FSGETXATTR,
  FS_IOC_GETFLAGS,
} from "@pxar/sys/abi";
import { ERRNO, systemError } from "@pxar/sys/errno";
import { errno, type Libc } from "@pxar/sys/libc";
import type { Features } from "./file_systems.ts";
import { type Level, pathOf } from "./place.ts";
import type { ReadSettings } from "./read_options.ts";

/** Most bytes that name, NUL and value of an extended attribute may have in an archive: the limit of an XATTR item. */
const XATTR_LIMIT = 65791;

/** How much is asked for at first: the kernel allocates that much for each call, and with 64 KiB a call takes three times as long (measured). */
const SHORT = 1024;

const CAPABILITY = "security.capability";
const ACCESS = "system.posix_acl_access";
const DEFAULT = "system.posix_acl_default";

/** The system knows no such attributes here. */
const NONE: ReadonlySet<number> = new Set([
  ERRNO.ENOTTY,
  ERRNO.ENOSYS,
  ERRNO.EBADF,
  ERRNO.EOPNOTSUPP,
  ERRNO.EINVAL,
]);

/** Reads what is known of open files; one after the other, into memory of its own. */
export class NativeAttributes {
  readonly #libc: Libc;
  readonly #settings: ReadSettings;
  readonly #word = new Uint8Array(8);
  readonly #word32 = new Uint32Array(this.#word.buffer);
  readonly #fsxattr = new Uint8Array(28);
  readonly #fsxattr32 = new Uint32Array(this.#fsxattr.buffer);
  readonly #list = new Uint8Array(65536);
  readonly #value = new Uint8Array(65536);

  /** Nothing is read yet. */
  constructor(libc: Libc, settings: ReadSettings) {
    this.#libc = libc;
    this.#settings = settings;
  }

  /**
   * Attributes of chattr and FAT, as the archive stores them.
   *
   * @throws {SystemError} If the system fails to say.
   */
  flags(
    fd: number,
    features: Features,
    level: Level | undefined,
    name: Bytes,
  ): number {
    const word = this.#word32;
    let flags = 0;
    word[0] = 0;
    if (this.#libc.ioctl(fd, FS_IOC_GETFLAGS, this.#word) === 0) {
      if ((word[0] & CHATTR_MASK) !== 0) flags = chattrToFlags(word[0]);
    } else {
      this.#refuse("ioctl", level, name);
    }
    if (features.fat) {
      word[0] = 0;
      if (this.#libc.ioctl(fd, FAT_IOCTL_GET_ATTRIBUTES, this.#word) === 0) {
        flags |= fatToFlags(word[0]);
      } else this.#refuse("ioctl", level, name);
    }
    return flags;
  }

  /**
   * All the rest.
   *
   * @returns `undefined` where there is nothing of it.
   * @throws {SystemError} If the system fails to say.
   * @throws {PxarError} If an attribute is too large and may not be skipped.
   */
  read(
    fd: number,
    isDirectory: boolean,
    features: Features,
    level: Level | undefined,
    name: Bytes,
  ): Attributes | undefined {
    let found: Attributes | undefined;
    if (features.xattrs && this.#settings.xattrs) {
      let length = this.#libc.flistxattr(fd, this.#list, SHORT);
      if (length < 0 && errno(this.#libc) === ERRNO.ERANGE) {
        length = this.#libc.flistxattr(fd, this.#list, this.#list.length);
      }
      if (length > 0) {
        found = this.#xattrs(fd, length, isDirectory, level, name);
      } else if (length < 0) this.#unlisted(features, level, name);
    }
    if (features.projectIds) {
      if (this.#libc.ioctl(fd, FS_IOC_FSGETXATTR, this.#fsxattr) !== 0) {
        this.#refuse("ioctl", level, name);
      } else if (this.#fsxattr32[3] !== 0) {
        const projectId = this.#fsxattr32[3]!;
        found = found === undefined
          ? { xattrs: [], acl: undefined, fcaps: undefined, projectId }
          : { ...found, projectId };
      }
    }
    return found;
  }

  #xattrs(
    fd: number,
    length: number,
    isDirectory: boolean,
    level: Level | undefined,
    name: Bytes,
  ): Attributes | undefined {
    const xattrs: XAttr[] = [];
    let access: Bytes | undefined,
      defaults: Bytes | undefined,
      fcaps: Bytes | undefined;
    const list = this.#list;
    for (let start = 0, end; start < length; start = end + 1) {
      end = list.indexOf(0, start);
      const cName = list.subarray(start, end + 1);
      switch (cName.length < 32 ? showName(cName.subarray(0, -1)) : "") {
        case CAPABILITY:
          if (this.#settings.fcaps) fcaps = this.#get(fd, cName, level, name);
          continue;
        case ACCESS:
          if (this.#settings.acls) access = this.#get(fd, cName, level, name);
          continue;
        case DEFAULT:
          if (this.#settings.acls && isDirectory) {
            defaults = this.#get(fd, cName, level, name);
          }
          continue;
      }
      if (!isStoredXattr(cName.subarray(0, -1))) continue;
      const value = this.#get(fd, cName, level, name);
      if (value === undefined) continue;
      if (cName.length + value.length <= XATTR_LIMIT) {
        xattrs.push({ name: cName.slice(0, -1), value });
      } else {
        this.#tooLarge(
          cName,
          `name and value have ${
            cName.length + value.length
          } bytes, expected at most ${XATTR_LIMIT}`,
          level,
          name,
        );
      }
    }
    const acl = access === undefined && defaults === undefined
      ? undefined
      : this.#acl(access, defaults, level, name);
    if (xattrs.length === 0 && acl === undefined && fcaps === undefined) {
      return undefined;
    }
    return { xattrs, acl, fcaps, projectId: undefined };
  }

  #get(
    fd: number,
    cName: Bytes,
    level: Level | undefined,
    name: Bytes,
  ): Bytes | undefined {
    const value = this.#value;
    let length = this.#libc.fgetxattr(fd, cName, value, SHORT);
    if (length < 0 && errno(this.#libc) === ERRNO.ERANGE) {
      length = this.#libc.fgetxattr(fd, cName, value, value.length);
    }
    if (length >= 0) return value.slice(0, length);
    const number = errno(this.#libc);
    switch (number) {
      case ERRNO.ENODATA:
      case ERRNO.EOPNOTSUPP:
      case ERRNO.EBADF:
        return undefined;
      case ERRNO.E2BIG:
      case ERRNO.ERANGE:
        this.#tooLarge(
          cName,
          "is larger than the system can give",
          level,
          name,
        );
        return undefined;
    }
    const path = pathOf(level, name);
    const error = systemError(
      `read extended attribute ${showName(cName.subarray(0, -1))} of`,
      path,
      "fgetxattr",
      number,
    );
    if (number !== ERRNO.EACCES && number !== ERRNO.EPERM) throw error;
    this.#settings.report.fail(path, `${error.message}; left out`, error);
    return undefined;
  }

  #acl(
    access: Bytes | undefined,
    defaults: Bytes | undefined,
    level: Level | undefined,
    name: Bytes,
  ): Attributes["acl"] {
    try {
      return aclFromXattrs(access, defaults);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const path = pathOf(level, name);
      this.#settings.report.fail(
        path,
        `Cannot read access list of ${
          showName(path)
        }: ${error.message}; left out`,
        error,
      );
      return undefined;
    }
  }

  #tooLarge(
    cName: Bytes,
    what: string,
    level: Level | undefined,
    name: Bytes,
  ): void {
    const path = pathOf(level, name);
    const message = `Cannot read extended attribute ${
      showName(cName.subarray(0, -1))
    } of ${showName(path) || "."}: ${what}`;
    if (!this.#settings.skipE2bigXattr) {
      throw new PxarError(
        `${message} (the option skip-e2big-xattr leaves it out)`,
      );
    }
    this.#settings.report.warn(path, `${message}; left out`);
  }

  /** Deals with a refused flistxattr. */
  #unlisted(features: Features, level: Level | undefined, name: Bytes): void {
    const number = errno(this.#libc);
    if (number === ERRNO.EOPNOTSUPP) features.xattrs = false;
    else if (number === ERRNO.E2BIG || number === ERRNO.ERANGE) {
      const path = pathOf(level, name);
      const message = `Cannot read extended attributes of ${
        showName(path) || "."
      }: their names are too many for the system`;
      if (!this.#settings.skipE2bigXattr) {
        throw new PxarError(
          `${message} (the option skip-e2big-xattr leaves them out)`,
        );
      }
      this.#settings.report.warn(path, `${message}; left out`);
    } else if (number !== ERRNO.EBADF) {
      throw systemError(
        "read extended attributes of",
        pathOf(level, name),
        "flistxattr",
        number,
      );
    }
  }

  /** Deals with a refused ioctl: that there is nothing of the kind is no error. */
  #refuse(call: string, level: Level | undefined, name: Bytes): void {
    const number = errno(this.#libc);
    if (!NONE.has(number)) {
      throw systemError(
        "read attributes of",
        pathOf(level, name),
        call,
        number,
      );
    }
  }
}
