/**
 * A walk by the C library: raw names, nanoseconds, and everything that Linux knows of a file.
 *
 * Source: spec J.1 to J.6.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { SystemError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { POSIX_FADV_WILLNEED } from "@pxar/sys/abi";
import { ERRNO, systemError } from "@pxar/sys/errno";
import {
  descriptorLimit,
  DT_DIR,
  DT_REG,
  DT_UNKNOWN,
  statEntry,
  statFile,
  Statx,
} from "@pxar/sys/files";
import { cString, type Libc } from "@pxar/sys/libc";
import type { Features } from "./file_systems.ts";
import { NativeAttributes } from "./native_attributes.ts";
import { NativeContent } from "./native_content.ts";
import { nativeEntry, nativeSpecial } from "./native_entry.ts";
import { readExcludeFile } from "./native_excludes.ts";
import {
  chooseNames,
  NativeLevel,
  OPEN_LEVELS,
  OpenLevels,
} from "./native_levels.ts";
import { NativeMounts } from "./native_mounts.ts";
import { NODE, openNode, openRoot, READ } from "./native_opener.ts";
import { pathOf } from "./place.ts";
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
    const { hold = 0, batch } = settings;
    const most = NativeReader.mostHeld(libc, batch);
    if (hold > most || most < 0) {
      const limit = descriptorLimit(libc), needed = limit + hold - most;
      throw new RangeError(
        `Cannot read tree: hold and batch need ${needed} open files, expected at most the ${limit} that this process may have`,
      );
    }
  }

  /** The greatest `hold` for batches of so many; below 0 where these alone are too many. */
  static mostHeld(libc: Libc, batch: number): number {
    return descriptorLimit(libc) - (2 * batch + OPEN_LEVELS + 2);
  }

  protected override owner(): readonly [uid: number, gid: number] {
    return [this.#libc.geteuid(), this.#libc.getegid()];
  }

  protected override begin(): void {
    const fd = openRoot(this.#libc, this.#root);
    try {
      const path = this.#root.subarray(0, -1), stat = this.#stat;
      const number = statFile(this.#libc, fd, stat);
      if (number < 0) {
        throw systemError("open directory", path, "statx", -number);
      }
      const mounted = this.#mounts.begin(path, stat.device, fd);
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
        if (number < 0) return this.#failed(level, name, "statx", -number);
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
        return this.#failed(level, name, "openat", -fd);
      }
      const number = statFile(libc, fd, this.#stat);
      if (number < 0) {
        libc.close(fd);
        return this.#failed(level, name, "statx", -number);
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
      this.gone(level, name, error);
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
    this.putClosed(level, name, closed);
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
    const entry = nativeSpecial(this.#libc, fd, name, this.#stat);
    if (typeof entry === "number") {
      return this.#failed(level, name, "readlinkat", -entry);
    }
    if (entry !== undefined) return this.put(entry);
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
    this.exclude(level, readExcludeFile(this.#libc, level.fd));
    const names = chooseNames(this.#libc, level, this.place, this.#stat);
    if (typeof names !== "number") {
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

  /** Reports a call that failed, or throws if that is no reason to go on. */
  #failed(level: NativeLevel, name: Bytes, call: string, number: number): void {
    const path = pathOf(level, name);
    this.gone(level, name, systemError("read", path, call, number));
  }
}
