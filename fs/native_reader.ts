/**
 * A walk by the C library: raw names, nanoseconds, and everything that Linux knows of a file.
 *
 * Source: spec J.1 to J.6.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { PxarError, SystemError } from "@pxar/format/errors";
import { compareNames, showName } from "@pxar/format/name";
import { AT_FDCWD, O_DIRECTORY, POSIX_FADV_WILLNEED } from "@pxar/sys/abi";
import { ERRNO, systemError } from "@pxar/sys/errno";
import {
  descriptorLimit,
  DT_BLK,
  DT_CHR,
  DT_DIR,
  DT_FIFO,
  DT_LNK,
  DT_REG,
  DT_SOCK,
  DT_UNKNOWN,
  NameList,
  readLink,
  statEntry,
  statFile,
  Statx,
} from "@pxar/sys/files";
import { cString, type Libc } from "@pxar/sys/libc";
import type { Features } from "./file_systems.ts";
import { NativeAttributes } from "./native_attributes.ts";
import { NativeContent } from "./native_content.ts";
import { nativeEntry } from "./native_entry.ts";
import { readExcludeFile } from "./native_excludes.ts";
import { NativeLevel, OPEN_LEVELS, OpenLevels } from "./native_levels.ts";
import { NativeMounts } from "./native_mounts.ts";
import { NODE, openNode, READ } from "./native_opener.ts";
import { EXCLUDE_CLI_FILE, EXCLUDE_FILE, pathOf } from "./place.ts";
import type { ReadSettings } from "./read_options.ts";
import { Walk } from "./walk.ts";

/** How often a file is looked at that changes its kind just then. */
const ATTEMPTS = 4;

/** Reads a tree by the C library. */
export class NativeReader extends Walk<NativeLevel> {
  readonly #libc: Libc;
  readonly #root: Bytes;
  readonly #stat = new Statx();
  readonly #attributes: NativeAttributes;
  readonly #mounts: NativeMounts;
  readonly #open: OpenLevels;

  /**
   * Nothing is opened yet.
   *
   * @param libc The C library.
   * @param path The root.
   * @param settings What was asked for.
   * @throws {RangeError} If more is to be open at once than the process may have.
   */
  constructor(libc: Libc, path: string | Bytes, settings: ReadSettings) {
    super(settings);
    this.#libc = libc;
    this.#root = cString(path);
    this.#attributes = new NativeAttributes(libc, settings);
    this.#mounts = new NativeMounts(libc, settings);
    this.#open = new OpenLevels(libc, this.levels, this.#stat);
    const needed = (settings.hold ?? 0) + 2 * settings.batch + OPEN_LEVELS + 2;
    const limit = descriptorLimit(libc);
    if (needed > limit) {
      throw new RangeError(
        `Cannot read tree: hold and batch need ${needed} open files, expected at most the ${limit} that this process may have`,
      );
    }
  }

  protected override owner(): readonly [uid: number, gid: number] {
    return [this.#libc.geteuid(), this.#libc.getegid()];
  }

  protected override begin(): void {
    const fd = this.#openRoot();
    try {
      const path = this.#root.subarray(0, -1), stat = this.#stat;
      const number = statFile(this.#libc, fd, stat);
      if (number < 0) {
        throw systemError("open directory", path, "statx", -number);
      }
      const mounted = this.#mounts.get(stat.device, fd);
      if (mounted.virtual) {
        throw new PxarError(
          `Cannot read directory ${
            showName(path)
          }: its file system is made up by the kernel, expected one that keeps files`,
        );
      }
      this.#mounts.enter(stat.device, this.settings.includeDev);
      this.#putDirectory(undefined, NO_BYTES, fd, mounted);
      this.#enter(
        new NativeLevel(undefined, NO_BYTES, this.place, fd, stat, mounted),
      );
    } finally {
      if (this.levels.length === 0) this.#libc.close(fd);
    }
  }

  protected override visit(level: NativeLevel, index: number): void {
    const libc = this.#libc, names = level.names!, name = names.name(index);
    let type = names.type(index);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (type === DT_UNKNOWN) {
        const number = statEntry(libc, level.fd, name, this.#stat);
        if (number < 0) return this.#gone(level, name, "statx", -number);
        type = this.#stat.type;
      }
      const readable = type === DT_REG || type === DT_DIR;
      const fd = openNode(libc, level.fd, name, readable ? READ : NODE);
      if (fd < 0) {
        // Not what it was a moment ago: a symlink, a socket, a device.
        if (
          fd === -ERRNO.ELOOP || fd === -ERRNO.ENXIO || fd === -ERRNO.ENODEV
        ) {
          type = DT_UNKNOWN;
          continue;
        }
        return this.#gone(level, name, "openat", -fd);
      }
      const number = statFile(libc, fd, this.#stat);
      if (number < 0) {
        libc.close(fd);
        return this.#gone(level, name, "statx", -number);
      }
      type = this.#stat.type;
      if ((type === DT_REG || type === DT_DIR) === readable) {
        return this.#take(level, name, fd, type);
      }
      libc.close(fd);
    }
    this.warn(
      level,
      name,
      "Cannot read",
      "it changes its kind all the time; left out",
    );
  }

  protected override leave(level: NativeLevel): void {
    const number = this.#open.reopen();
    this.#open.close(level);
    level.names = undefined;
    const outer = this.levels.at(-2);
    if (number === 0 || outer === undefined || outer.next >= outer.count) {
      return;
    }
    const path = pathOf(outer.parent, outer.name);
    const error = systemError("go back to directory", path, "openat", -number);
    this.settings.report.fail(
      path,
      `${error.message}; its last ${
        outer.count - outer.next
      } entries are left out`,
      error,
    );
    outer.next = outer.count;
  }

  protected override abandon(): void {
    for (const level of this.levels) this.#open.close(level);
    this.levels.length = 0;
  }

  #openRoot(): number {
    const fd = openNode(this.#libc, AT_FDCWD, this.#root, READ | O_DIRECTORY);
    if (fd >= 0) return fd;
    const error = systemError(
      "open directory",
      this.#root.subarray(0, -1),
      "openat",
      -fd,
    );
    const isLink =
      statEntry(this.#libc, AT_FDCWD, this.#root, this.#stat) === 0 &&
      this.#stat.type === DT_LNK;
    if (!isLink) throw error;
    throw new SystemError(
      `${error.message} but a symlink (with a slash behind its path it is followed)`,
      error,
    );
  }

  /** Puts the entry of what has been opened and asked about; takes over the descriptor. */
  #take(level: NativeLevel, name: Bytes, fd: number, type: number): void {
    let kept = false;
    try {
      if (type === DT_REG) kept = this.#file(level, name, fd);
      else if (type === DT_DIR) kept = this.#directory(level, name, fd);
      else this.#special(level, name, fd, type);
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== ERRNO.ESTALE) {
        throw error;
      }
      this.settings.report.warn(
        pathOf(level, name),
        `${error.message}; left out`,
        error,
      );
    } finally {
      // A directory that was entered is closed with its level, whatever goes wrong in it.
      if (!kept && this.levels.at(-1)!.fd !== fd) this.#libc.close(fd);
    }
  }

  #file(level: NativeLevel, name: Bytes, fd: number): boolean {
    const stat = this.#stat, { features } = level;
    const linked = stat.links > 1;
    if (linked && this.putLink(stat.device, stat.inode, name)) return false;
    const flags = this.#attributes.flags(fd, features, level, name);
    const attributes = this.#attributes.read(fd, false, features, level, name);
    const position = linked
      ? this.firstLink(level, stat.device, stat.inode, name)
      : undefined;
    const { size } = stat, { advise, report } = this.settings;
    if (advise && features.disk && size > 0) {
      this.#libc.posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
    }
    const content = new NativeContent(
      this.#libc,
      fd,
      size,
      level,
      name,
      report,
    );
    content.release = this.releaser(content);
    this.putFile(
      nativeEntry("file", name, stat, flags, attributes, content, position),
      content,
    );
    return true;
  }

  #directory(level: NativeLevel, name: Bytes, fd: number): boolean {
    const { device } = this.#stat;
    let features: Features = level.features, closed: string | undefined;
    if (device !== level.device) {
      const mounted = this.#mounts.get(device, fd);
      features = mounted;
      closed = this.#mounts.closed(device, mounted);
    }
    this.#putDirectory(level, name, fd, features);
    if (closed === undefined) {
      this.#enter(
        new NativeLevel(level, name, this.place, fd, this.#stat, features),
      );
      return true;
    }
    this.putEnd();
    this.warn(level, name, "Cannot enter directory", closed);
    return false;
  }

  #putDirectory(
    level: NativeLevel | undefined,
    name: Bytes,
    fd: number,
    features: Features,
  ): void {
    const flags = this.#attributes.flags(fd, features, level, name);
    const attributes = this.#attributes.read(fd, true, features, level, name);
    this.put(nativeEntry("directory", name, this.#stat, flags, attributes));
  }

  #special(level: NativeLevel, name: Bytes, fd: number, type: number): void {
    const stat = this.#stat;
    switch (type) {
      case DT_LNK: {
        const target = readLink(this.#libc, fd);
        if (typeof target === "number") {
          return this.#gone(level, name, "readlinkat", -target);
        }
        return this.put(
          nativeEntry(
            "symlink",
            name,
            stat,
            0,
            undefined,
            undefined,
            undefined,
            target,
          ),
        );
      }
      case DT_CHR:
      case DT_BLK: {
        const device = { major: stat.deviceMajor, minor: stat.deviceMinor };
        return this.put(
          nativeEntry(
            "device",
            name,
            stat,
            0,
            undefined,
            undefined,
            undefined,
            undefined,
            device,
          ),
        );
      }
      case DT_FIFO:
        return this.put(nativeEntry("fifo", name, stat, 0, undefined));
      case DT_SOCK:
        return this.put(nativeEntry("socket", name, stat, 0, undefined));
    }
    const path = pathOf(level, name);
    this.settings.report.fail(
      path,
      `Cannot read ${showName(path)}: its kind, ${type}, is unknown; left out`,
    );
  }

  /** Goes into a directory: the patterns in it, then its names. */
  #enter(level: NativeLevel): void {
    this.enter(level);
    this.#open.added();
    const excludes = readExcludeFile(this.#libc, level.fd);
    if (typeof excludes !== "string") {
      this.place.exclude(excludes, this.settings.report);
    } else this.warn(level, EXCLUDE_FILE, "Cannot use patterns of", excludes);
    const names = NameList.read(
      this.#libc,
      level.fd,
      this.place.isChoosy || level.parent === undefined
        ? (name, type) => this.#choose(level, name, type)
        : undefined,
    );
    if (names instanceof NameList) {
      level.names = names;
      return this.count(level, names.length);
    }
    const path = pathOf(level.parent, level.name);
    const error = systemError("list directory", path, "getdents64", -names);
    if (
      names !== -ERRNO.EACCES && names !== -ERRNO.EPERM &&
      names !== -ERRNO.ESTALE
    ) throw error;
    this.settings.report.fail(
      path,
      `${error.message}; what is in it is left out`,
      error,
    );
  }

  /** The type of a name that is wanted, -1 for one that is not. */
  #choose(level: NativeLevel, name: Bytes, type: number): number {
    if (
      level.parent === undefined && compareNames(name, EXCLUDE_CLI_FILE) === 0
    ) return -1;
    if (!this.place.isChoosy) return type;
    if (type === DT_UNKNOWN) {
      // What has vanished meanwhile is not missed.
      if (statEntry(this.#libc, level.fd, name, this.#stat) < 0) return -1;
      type = this.#stat.type;
    }
    return this.place.wants(name, type === DT_DIR) ? type : -1;
  }

  /** Reports what could not be opened or asked about, or throws if that is no reason to go on. */
  #gone(level: NativeLevel, name: Bytes, call: string, number: number): void {
    const path = pathOf(level, name),
      error = systemError("read", path, call, number);
    switch (number) {
      case ERRNO.ENOENT:
      case ERRNO.EACCES:
      case ERRNO.EPERM:
      case ERRNO.ESTALE:
        return this.settings.report.warn(
          path,
          `${error.message}; left out`,
          error,
        );
    }
    throw error;
  }
}
