/**
 * A walk by Deno's own API, where there is no C library to be had: what it cannot know is counted as lost.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import { pathOf } from "./place.ts";
import { PortableContent } from "./portable_content.ts";
import { portableDevice, portableEntry } from "./portable_entry.ts";
import { portableError } from "./portable_error.ts";
import { readExcludeFile } from "./portable_excludes.ts";
import { chooseNames, PortableLevel } from "./portable_levels.ts";
import { mayAsk, PortableMounts } from "./portable_mounts.ts";
import type { ReadSettings } from "./read_options.ts";
import { Walk } from "./walk.ts";

const UTF8 = new TextEncoder();
const NAME_LOST = "its name is not UTF-8; left out";

/** Reads a tree by Deno's own API. */
export class PortableReader extends Walk<PortableLevel> {
  readonly #root: string;
  readonly #mounts: PortableMounts;

  private constructor(
    path: string | Bytes,
    settings: ReadSettings,
    mounts: PortableMounts,
  ) {
    super(settings);
    this.#root = typeof path === "string"
      ? path
      : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(path);
    this.#mounts = mounts;
  }

  /**
   * Makes one that has opened nothing yet.
   *
   * @param path The root.
   * @param settings What was asked for.
   * @throws {TypeError} If the path is not UTF-8.
   */
  static async open(
    path: string | Bytes,
    settings: ReadSettings,
  ): Promise<PortableReader> {
    const mounts = await PortableMounts.open(settings);
    return new PortableReader(path, settings, mounts);
  }

  protected override owner(): readonly [uid: number, gid: number] {
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
    this.#mounts.begin(this.#root, info.dev);
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
    const where = level.where(text);
    const info = this.#stat(where);
    if (!("dev" in info)) {
      return this.#failed(level, bytes, text, "lstat", info);
    }
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
      return this.#failed(level, name, text, "open", error);
    }
    let now: Deno.FileInfo;
    try {
      now = file.statSync();
    } catch (error) {
      file.close();
      return this.#failed(level, name, text, "fstat", error);
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
    const closed = info.dev === level.device
      ? undefined
      : this.#mounts.closed(where, info.dev);
    let listed: Iterable<Deno.DirEntry> = [];
    if (closed === undefined) {
      try {
        listed = [...Deno.readDirSync(where)];
      } catch (error) {
        return this.#failed(level, name, text, "opendir", error);
      }
    }
    this.put(portableEntry("directory", name, info, this.settings));
    if (closed === undefined) {
      return this.#enter(
        new PortableLevel(level, name, this.place, where, info),
        listed,
      );
    }
    this.putClosed(level, name, closed);
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
        return this.#failed(level, name, text, "readlink", error);
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
    try {
      this.exclude(level, readExcludeFile(level.where(".pxarexclude")));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.exclude(level, (error as Error).message, error);
      }
    }
    level.names = chooseNames(
      listed,
      level,
      this.place,
      (name) => this.#lossy(level, name, NAME_LOST),
    );
    this.count(level, level.names.length);
  }

  #stat(where: string): Deno.FileInfo | Error {
    try {
      return Deno.lstatSync(where);
    } catch (error) {
      return error as Error;
    }
  }

  /** Reports a call that failed, or throws if that is no reason to go on. */
  #failed(
    level: PortableLevel,
    name: Bytes,
    text: string,
    call: string,
    cause: unknown,
  ): void {
    const path = pathOf(level, name),
      error = portableError("read", path, call, cause);
    if (error.code === "ENOENT" && text.includes("\ufffd")) {
      return this.#lossy(level, name, NAME_LOST);
    }
    if (error.code === "ENAMETOOLONG") {
      const what = `${error.message}; left out`;
      return this.settings.report.fail(path, what, error);
    }
    this.gone(level, name, error);
  }

  #lossy(level: PortableLevel, name: Bytes, what: string): void {
    this.settings.report.lose("names");
    this.warn(level, name, "Cannot read", what);
  }
}
