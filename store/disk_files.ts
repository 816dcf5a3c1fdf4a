// The files of a datastore on disk, through node:fs: written whole or not at all, with errors of ours, by the owner that the store has.
import { nodeModule } from "@pxar/chunk/builtin";
import { systemCall, systemErrorOf } from "@pxar/codec/system_call";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, UnsupportedError } from "@pxar/format/errors";
import type { FileName, Files, NewFile } from "./files.ts";
import {
  type FileSystem,
  isCode,
  type OpenFile,
  openRegularFile,
  readAt,
} from "./regular_file.ts";

/** Who a new file belongs to, and how hard it is written. */
export interface FileOptions {
  /** Owner of what is made, where that is not who runs; `undefined` where it is. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Whether each file is on its disk before it gets its name. */
  readonly sync: boolean;
  /** Whether those are that {@linkcode DiskFiles.write} writes, which may take the place of others, even if the rest is not; as `sync` unless told. */
  readonly syncWhole?: boolean | undefined;
}

const LETTERS =
  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** What file systems say that know no second names. */
const LINKLESS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/**
 * The file system.
 *
 * @throws {UnsupportedError} If there is none, as in a browser.
 */
export function fileSystem(): FileSystem {
  const fs = nodeModule("node:fs");
  if (fs === undefined) {
    throw new UnsupportedError(
      "Cannot use a datastore on disk: there is no file system here",
    );
  }
  return fs;
}

/** Calls on the files of one store. */
export class DiskFiles implements Files {
  /** Makes the calls. */
  readonly fs: FileSystem = fileSystem();
  readonly options: FileOptions;

  constructor(options: FileOptions) {
    this.options = options;
  }

  read(
    path: string,
    most: number,
    room: (length: number) => Bytes = (length) => new Uint8Array(length),
  ): Bytes | undefined {
    const access = this.open(path);
    if (access === undefined) return undefined;
    try {
      const { size } = access;
      if (size > most) {
        throw new FormatError(
          `Cannot read ${path}: it has ${size} bytes, expected ${most} at most`,
        );
      }
      const bytes = room(size);
      // A file may have become shorter meanwhile.
      return bytes.subarray(0, access.read(0, bytes));
    } finally {
      access.close();
    }
  }

  write(
    path: string,
    parts: readonly Uint8Array[],
    exclusive = false,
  ): boolean {
    return systemCall(
      "write",
      path,
      () => {
        const { sync, syncWhole = sync } = this.options;
        const temporary = this.temporary(path, parts, syncWhole);
        return this.giveName(temporary, path, exclusive, syncWhole);
      },
    );
  }

  /**
   * Gives a file that {@linkcode temporary} wrote its name, or removes it. Errors are the file system's own.
   *
   * @param exclusive Whether nothing may be there yet.
   * @returns Whether it has its name.
   */
  giveName(
    temporary: string,
    path: string,
    exclusive: boolean,
    sync: boolean = this.options.sync,
  ): boolean {
    const { fs } = this;
    try {
      if (!exclusive || !this.#link(temporary, path)) {
        fs.renameSync(temporary, path);
      } else fs.unlinkSync(temporary);
    } catch (error) {
      this.#remove(temporary);
      if (exclusive && isCode(error, "EEXIST")) return false;
      throw error;
    }
    if (sync) this.syncFolder(folderOf(path));
    return true;
  }

  /** Gives a file a second name, which nobody may have; not where the file system has no links, and nothing is there. */
  #link(from: string, to: string): boolean {
    const { fs } = this;
    try {
      fs.linkSync(from, to);
      return true;
    } catch (error) {
      if (!LINKLESS.some((code) => isCode(error, code))) throw error;
      if (!fs.existsSync(to)) return false;
      throw Object.assign(new Error("file exists"), { code: "EEXIST" });
    }
  }

  /** Writes a file under a name that nobody else has: `PATH.tmp_XXXXXX`; gives that name. Errors are the file system's own. */
  temporary(
    path: string,
    parts: readonly Uint8Array[],
    sync: boolean = this.options.sync,
  ): string {
    const { fs } = this;
    for (let attempt = 0;; attempt++) {
      const name = `${path}.tmp_${randomLetters()}`;
      let fd: number;
      try {
        fd = fs.openSync(name, "wx", 0o644);
      } catch (error) {
        if (isCode(error, "EEXIST") && attempt < 100) continue;
        throw error;
      }
      try {
        for (const part of parts) {
          for (let at = 0; at < part.length;) {
            at += fs.writeSync(fd, part, at, part.length - at);
          }
        }
        this.#settle(fd, sync);
      } catch (error) {
        this.#giveUp(fd, name);
        throw error;
      }
      try {
        fs.closeSync(fd);
      } catch (error) {
        this.#remove(name);
        throw error;
      }
      return name;
    }
  }

  makeFolder(path: string, mode = 0o755): boolean {
    const { fs } = this;
    try {
      fs.mkdirSync(path, { mode });
    } catch (error) {
      if (isCode(error, "EEXIST")) return false;
      throw systemErrorOf("make folder", path, error);
    }
    // As for files, the umask is not to count.
    systemCall("change mode of", path, () => fs.chmodSync(path, mode));
    this.own(path);
    return true;
  }

  /** Gives a file or folder to the store's owner. */
  own(path: string): void {
    const { owner } = this.options;
    if (owner === undefined) return;
    systemCall(
      "change the owner of",
      path,
      () => this.fs.lchownSync(path, owner.uid, owner.gid),
    );
  }

  list(path: string): readonly FileName[] | undefined {
    try {
      return this.fs.readdirSync(path, { withFileTypes: true });
    } catch (error) {
      if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return undefined;
      throw systemErrorOf("list", path, error);
    }
  }

  isFolder(path: string): boolean {
    return systemCall(
      "look at",
      path,
      () =>
        this.fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ??
          false,
    );
  }

  isFile(path: string): boolean {
    return systemCall(
      "look at",
      path,
      () =>
        this.fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
    );
  }

  size(path: string): number | undefined {
    const stat = systemCall(
      "look at",
      path,
      () => this.fs.lstatSync(path, { throwIfNoEntry: false }),
    );
    return stat?.isFile() ? stat.size : undefined;
  }

  changed(path: string): number | undefined {
    const stat = systemCall(
      "look at",
      path,
      () => this.fs.lstatSync(path, { throwIfNoEntry: false }),
    );
    return stat?.mtimeMs;
  }

  remove(path: string): boolean {
    try {
      this.fs.unlinkSync(path);
      return true;
    } catch (error) {
      if (isCode(error, "ENOENT")) return false;
      throw systemErrorOf("remove", path, error);
    }
  }

  removeFolder(path: string, within: boolean): void {
    systemCall("remove", path, () => {
      if (within) this.fs.rmSync(path, { recursive: true, force: true });
      else this.fs.rmdirSync(path);
    });
  }

  create(temporary: string, path: string): NewFile {
    const { fs, options: { sync } } = this;
    const fd = systemCall(
      "write",
      path,
      () => fs.openSync(temporary, "wx+", 0o644),
    );
    let state: "open" | "closed" | "done" = "open";
    return {
      write: (offset, bytes) =>
        systemCall("write", path, () => {
          for (let at = 0; at < bytes.length;) {
            at += fs.writeSync(fd, bytes, at, bytes.length - at, offset + at);
          }
        }),
      read: (offset, into) =>
        systemCall("read", path, () => readAt(fs, fd, offset, into)),
      finish: () => {
        systemCall("write", path, () => {
          this.#settle(fd, sync);
          state = "closed";
          fs.closeSync(fd);
          fs.renameSync(temporary, path);
          state = "done";
        });
        if (sync) this.syncFolder(folderOf(path));
      },
      discard: () => {
        if (state === "open") this.#giveUp(fd, temporary);
        else if (state === "closed") this.#remove(temporary);
        state = "done";
      },
    };
  }

  open(path: string): OpenFile | undefined {
    return openRegularFile(this.fs, path);
  }

  space(path: string): { total: number; used: number; available: number } {
    const { bsize, blocks, bfree, bavail } = systemCall(
      "look at",
      path,
      () => this.fs.statfsSync(path),
    );
    return {
      total: blocks * bsize,
      used: (blocks - bfree) * bsize,
      available: bavail * bsize,
    };
  }

  /** Sees to it that a folder's names are on its disk. */
  syncFolder(path: string): void {
    const { fs } = this;
    systemCall("sync", path, () => {
      const fd = fs.openSync(path, "r");
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  /** What a file needs before it may get its name. */
  #settle(fd: number, sync: boolean): void {
    const { fs, options: { owner } } = this;
    // Whatever this process withholds from others by its umask: the store's owner must be able to work with it.
    fs.fchmodSync(fd, 0o644);
    if (owner !== undefined) fs.fchownSync(fd, owner.uid, owner.gid);
    if (sync) fs.fsyncSync(fd);
  }

  #giveUp(fd: number, path: string): void {
    try {
      this.fs.closeSync(fd);
    } catch {
      // What went wrong before is what is told.
    }
    this.#remove(path);
  }

  #remove(path: string): void {
    try {
      this.fs.unlinkSync(path);
    } catch {
      // What went wrong before is what is told.
    }
  }
}

/** The folder that something lies in. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function randomLetters(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(6))) {
    text += LETTERS[byte % LETTERS.length];
  }
  return text;
}
