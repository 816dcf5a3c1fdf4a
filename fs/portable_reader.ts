/**
 * A walk by Deno's own API, where there is no C library to be had: what it cannot know is counted as lost.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { PxarError, type SystemError } from "@pxar/format/errors";
import { compareNames } from "@pxar/format/name";
import { ANOTHER, isVirtual, MADE_UP, UNKNOWN } from "./file_systems.ts";
import {
  EXCLUDE_CLI_FILE,
  EXCLUDE_FILE,
  EXCLUDE_FILE_LIMIT,
  Level,
  pathOf,
  type Place,
} from "./place.ts";
import { PortableContent } from "./portable_content.ts";
import { portableDevice, portableEntry } from "./portable_entry.ts";
import { portableError } from "./portable_error.ts";
import type { ReadSettings } from "./read_options.ts";
import { Walk } from "./walk.ts";

const UTF8 = new TextEncoder();

/** Tells the kind of file system that a path lies on, as statfs does; `undefined` where that may not be asked. */
export type FileSystemTypeOf = (path: string) => number | undefined;

interface Name {
  readonly text: string;
  readonly bytes: Bytes;
}

/** Whether Deno was permitted to ask the system for something. */
export function mayAsk(kind: "statfs" | "uid" | "gid"): boolean {
  return Deno.permissions.querySync({ name: "sys", kind }).state === "granted";
}

class PortableLevel extends Level {
  /** Path for the system. */
  readonly where: string;
  readonly device: number;
  names: readonly Name[] = [];

  constructor(
    parent: PortableLevel | undefined,
    name: Bytes,
    place: Place,
    where: string,
    info: Deno.FileInfo,
  ) {
    super(parent, name, place);
    this.where = where;
    this.device = info.dev;
  }
}

/** Reads a tree by Deno's own API. */
export class PortableReader extends Walk<PortableLevel> {
  readonly #root: string;
  readonly #typeOf: FileSystemTypeOf;
  readonly #devices: Set<number> | undefined;

  /**
   * Nothing is opened yet.
   *
   * @param path The root.
   * @param settings What was asked for.
   * @param typeOf Tells virtual file systems from others.
   * @throws {TypeError} If the path is not UTF-8.
   */
  constructor(
    path: string | Bytes,
    settings: ReadSettings,
    typeOf: FileSystemTypeOf,
  ) {
    super(settings);
    this.#root = typeof path === "string"
      ? path
      : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(path);
    this.#typeOf = typeOf;
    this.#devices = settings.allFileSystems ? undefined : new Set();
  }

  protected override owner(): readonly [uid: number, gid: number] {
    // Asked for and not tried, because trying would ask whoever sits at a terminal.
    if (mayAsk("uid") && mayAsk("gid")) {
      return [Deno.uid() ?? 0, Deno.gid() ?? 0];
    }
    this.settings.report.lose("owners");
    return [0, 0];
  }

  protected override begin(): void {
    const shown = UTF8.encode(this.#root);
    const info = this.#stat(this.#root);
    if (!("dev" in info)) {
      throw portableError("open directory", shown, "lstat", info);
    }
    if (!info.isDirectory) {
      throw new PxarError(
        `Cannot read ${this.#root}: it is ${
          info.isSymlink
            ? "a symlink (with a slash behind its path it is followed)"
            : "no directory"
        }, expected a directory`,
      );
    }
    if (isVirtual(this.#typeOf(this.#root) ?? 0)) {
      throw new PxarError(
        `Cannot read directory ${this.#root}: its file system is made up by the kernel, expected one that keeps files`,
      );
    }
    if (this.#devices !== undefined) {
      this.#devices.add(info.dev);
      for (const path of this.settings.includeDev) {
        try {
          this.#devices.add(Deno.statSync(path).dev);
        } catch (error) {
          throw portableError(
            "find file system of",
            UTF8.encode(path),
            "stat",
            error,
          );
        }
      }
    }
    let listed: Iterable<Deno.DirEntry>;
    try {
      listed = [...Deno.readDirSync(this.#root)];
    } catch (error) {
      throw portableError("open directory", shown, "opendir", error);
    }
    this.put(portableEntry("directory", NO_BYTES, info, this.settings));
    this.#enter(
      new PortableLevel(undefined, NO_BYTES, this.place, this.#root, info),
      listed,
    );
  }

  protected override visit(level: PortableLevel, index: number): void {
    const { text, bytes } = level.names[index]!;
    const where = join(level.where, text);
    const info = this.#stat(where);
    if (!("dev" in info)) return this.#gone(level, bytes, text, "lstat", info);
    if (info.isFile) this.#file(level, bytes, text, where, info);
    else if (info.isDirectory) this.#directory(level, bytes, text, where, info);
    else this.#special(level, bytes, text, where, info);
  }

  protected override leave(level: PortableLevel): void {
    level.names = [];
  }

  protected override abandon(): void {
    this.levels.length = 0;
  }

  #file(
    level: PortableLevel,
    name: Bytes,
    text: string,
    where: string,
    info: Deno.FileInfo,
  ): void {
    const { dev, ino, nlink } = info;
    let linked = nlink !== null && nlink > 1;
    // A number that was rounded may stand for another file too.
    if (linked && (ino === null || !Number.isSafeInteger(ino))) {
      this.settings.report.lose("hardlinks");
      linked = false;
    }
    if (linked && this.putLink(dev, ino!, name)) return;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(where);
    } catch (error) {
      return this.#gone(level, name, text, "open", error);
    }
    let now: Deno.FileInfo;
    try {
      now = file.statSync();
    } catch (error) {
      file.close();
      return this.#gone(level, name, text, "fstat", error);
    }
    // open() follows a symlink that was put there meanwhile.
    if (!now.isFile || now.dev !== dev || now.ino !== ino) {
      file.close();
      return this.warn(
        level,
        name,
        "Cannot read",
        "it was replaced just then; left out",
      );
    }
    const position = linked
      ? this.firstLink(level, dev, ino!, name)
      : undefined;
    const content = new PortableContent(
      file,
      now.size,
      level,
      name,
      this.settings.report,
    );
    content.release = this.releaser(content);
    this.putFile(
      { ...portableEntry("file", name, now, this.settings), content, position },
      content,
    );
  }

  #directory(
    level: PortableLevel,
    name: Bytes,
    text: string,
    where: string,
    info: Deno.FileInfo,
  ): void {
    let listed: Iterable<Deno.DirEntry> = [], closed: string | undefined;
    if (info.dev !== level.device) {
      if (this.#devices !== undefined && !this.#devices.has(info.dev)) {
        closed = ANOTHER;
      } else {
        const type = this.#typeOf(where);
        if (type === undefined) closed = UNKNOWN;
        else if (isVirtual(type)) closed = MADE_UP;
      }
    }
    if (closed === undefined) {
      try {
        listed = [...Deno.readDirSync(where)];
      } catch (error) {
        return this.#gone(level, name, text, "opendir", error);
      }
    }
    this.put(portableEntry("directory", name, info, this.settings));
    if (closed === undefined) {
      return this.#enter(
        new PortableLevel(level, name, this.place, where, info),
        listed,
      );
    }
    this.putEnd();
    this.warn(level, name, "Cannot enter directory", closed);
  }

  #special(
    level: PortableLevel,
    name: Bytes,
    text: string,
    where: string,
    info: Deno.FileInfo,
  ): void {
    if (info.isSymlink) {
      let target: string;
      try {
        target = Deno.readLinkSync(where);
      } catch (error) {
        if (error instanceof Deno.errors.InvalidData) {
          return this.#lossy(level, name, "its target is not UTF-8; left out");
        }
        return this.#gone(level, name, text, "readlink", error);
      }
      this.put({
        ...portableEntry("symlink", name, info, this.settings),
        target: UTF8.encode(target),
      });
    } else if (info.isFifo) {
      this.put(portableEntry("fifo", name, info, this.settings));
    } else if (info.isSocket) {
      this.put(portableEntry("socket", name, info, this.settings));
    } else {
      const device = portableDevice(info);
      if (device !== undefined) {
        this.put({
          ...portableEntry("device", name, info, this.settings),
          device,
        });
      } else {
        this.settings.report.lose("devices");
        this.warn(
          level,
          name,
          "Cannot read device",
          "its numbers are not to be had here; left out",
        );
      }
    }
  }

  /** Goes into a directory: the patterns in it, then its names. */
  #enter(level: PortableLevel, listed: Iterable<Deno.DirEntry>): void {
    this.enter(level);
    this.#excludes(level);
    const names: Name[] = [];
    for (const { name: text, isDirectory } of listed) {
      const bytes = UTF8.encode(text);
      if (
        level.parent === undefined &&
        compareNames(bytes, EXCLUDE_CLI_FILE) === 0
      ) continue;
      if (this.place.isChoosy && !this.place.wants(bytes, isDirectory)) {
        continue;
      }
      names.push({ text, bytes });
    }
    names.sort((a, b) => compareNames(a.bytes, b.bytes));
    // Several names that are not UTF-8 may look the same: all but one of them cannot be opened.
    level.names = names.filter((name, i) => {
      if (i === 0 || compareNames(names[i - 1]!.bytes, name.bytes) !== 0) {
        return true;
      }
      this.#lossy(level, name.bytes, "its name is not UTF-8; left out");
      return false;
    });
    this.count(level, level.names.length);
  }

  #excludes(level: PortableLevel): void {
    const where = join(level.where, ".pxarexclude");
    try {
      const info = Deno.statSync(where);
      const problem = !info.isFile
        ? "it is no regular file"
        : info.size > EXCLUDE_FILE_LIMIT
        ? `it has ${info.size} bytes, expected at most ${EXCLUDE_FILE_LIMIT}`
        : undefined;
      if (problem !== undefined) {
        return this.warn(
          level,
          EXCLUDE_FILE,
          "Cannot use patterns of",
          problem,
        );
      }
      this.place.exclude(Deno.readFileSync(where), this.settings.report);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      this.warn(
        level,
        EXCLUDE_FILE,
        "Cannot use patterns of",
        (error as Error).message,
        error,
      );
    }
  }

  #stat(where: string): Deno.FileInfo | Error {
    try {
      return Deno.lstatSync(where);
    } catch (error) {
      return error as Error;
    }
  }

  /** Reports what could not be opened or asked about, or throws if that is no reason to go on. */
  #gone(
    level: PortableLevel,
    name: Bytes,
    text: string,
    call: string,
    cause: unknown,
  ): void {
    const error: SystemError = portableError(
      "read",
      pathOf(level, name),
      call,
      cause,
    );
    switch (error.code) {
      case "ENOENT":
        if (text.includes("\ufffd")) {
          return this.#lossy(level, name, "its name is not UTF-8; left out");
        }
        return this.#leftOut(level, name, error);
      case "EACCES":
      case "EPERM":
      case "ESTALE":
        return this.#leftOut(level, name, error);
      case "ENAMETOOLONG":
        return this.settings.report.fail(
          pathOf(level, name),
          `${error.message}; left out`,
          error,
        );
    }
    throw error;
  }

  #leftOut(level: PortableLevel, name: Bytes, error: SystemError): void {
    this.settings.report.warn(
      pathOf(level, name),
      `${error.message}; left out`,
      error,
    );
  }

  #lossy(level: PortableLevel, name: Bytes, what: string): void {
    this.settings.report.lose("names");
    this.warn(level, name, "Cannot read", what);
  }
}

function join(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}
