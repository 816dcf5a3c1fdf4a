/**
 * A tree written by Deno's own API, wherever that runs; what it cannot keep is counted.
 *
 * Its calls take whole paths. That none of them leads through a symlink is seen to by looking at each directory that was not made here, and by
 * making everything else anew; somebody else who changes the tree at the same time is not guarded against.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Entry } from "@pxar/format/entry";
import { showName } from "@pxar/format/name";
import { splitTarget } from "./link_target.ts";
import { portableError } from "./portable_error.ts";
import { mayReplace, PortableFile, removeFile } from "./portable_file.ts";
import { PortableMetadata } from "./portable_metadata.ts";
import { asText, isWindowsTrap } from "./portable_name.ts";
import { RootNames } from "./root_names.ts";
import type { Loss } from "./report.ts";
import { temporaryName } from "./temporary_name.ts";
import type { Trail } from "./trail.ts";
import {
  type Choices,
  NO_FIRST,
  type TreeWriter,
  type WriterParts,
} from "./tree_writer.ts";

const WINDOWS = Deno.build.os === "windows";

interface Level {
  readonly path: string;
  readonly entry: Entry;
}

/** Writes a tree below one directory. */
export class PortableWriter implements TreeWriter {
  readonly #root: string;
  readonly #choices: Choices;
  readonly #trail: Trail;
  readonly #levels: Level[] = [];
  readonly #metadata: PortableMetadata;
  readonly #file: PortableFile;
  readonly #names: RootNames = new RootNames();

  /**
   * Makes nothing yet.
   *
   * @param parts Where to, what and who is told.
   * @throws {TypeError} If the path is not text.
   */
  constructor({ path, choices, trail }: WriterParts) {
    const root = typeof path === "string" ? path : asText(path);
    if (root === undefined) {
      throw new TypeError(
        "Cannot open directory: its path is not UTF-8, expected text where the C library is not used",
      );
    }
    this.#root = root;
    this.#choices = choices;
    this.#trail = trail;
    this.#metadata = new PortableMetadata(trail, choices);
    this.#file = new PortableFile(this.#metadata, trail, choices);
  }

  /** Makes a directory, or uses the one that is there, and goes into it. */
  directory(entry: Entry): boolean {
    if (this.#levels.length === 0) return this.#open(entry);
    const path = this.#path(entry);
    if (path === undefined) return false;
    return this.#try("create directory", "mkdir", () => {
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
      } catch (error) {
        const there = error instanceof Deno.errors.AlreadyExists &&
          this.#choices.allowExistingDirs && Deno.lstatSync(path).isDirectory;
        if (!there) throw error;
      }
      this.#names.add(this.#trail.depth, entry.name);
      this.#levels.push({ path, entry });
    });
  }

  /** Makes a file of its content. */
  file(entry: Entry): boolean | Promise<boolean> {
    const path = this.#path(entry);
    if (path === undefined) return false;
    const made = this.#file.write(entry, path, () => this.#temporary());
    if (typeof made !== "boolean") {
      return made.then((made) => this.#noteFile(entry, made));
    }
    return this.#noteFile(entry, made);
  }

  /** Makes a symlink. */
  symlink(entry: Entry): boolean {
    const path = this.#path(entry);
    if (path === undefined) return false;
    const target = asText(entry.target!);
    if (target === undefined) {
      this.#unnamed("its target is");
      return false;
    }
    return this.#place(
      "symlink",
      entry,
      path,
      this.#choices.overwriteSymlinks,
      (at) => {
        Deno.symlinkSync(target, at);
        this.#metadata.applyToSymlink(entry, at);
      },
    );
  }

  /** Makes one name more for a regular file below the root. */
  hardlink(entry: Entry, missing: boolean): boolean {
    const path = this.#path(entry);
    if (path === undefined) return false;
    if (missing) {
      this.#trail.fail("create hardlink", NO_FIRST);
      return false;
    }
    const parts = splitTarget(entry.target!);
    if (typeof parts === "string") {
      this.#trail.fail("create hardlink", parts);
      return false;
    }
    const names = parts.map(asText);
    const shown = showName(entry.target!);
    if (this.#names.isForeign(parts[0]!)) {
      this.#trail.fail(
        "create hardlink",
        `${shown} was not restored from this archive`,
      );
      return false;
    }
    const from = this.#find(names, shown);
    if (from === undefined) return false;
    return this.#place(
      "hardlink",
      entry,
      path,
      this.#choices.overwriteHardlinks,
      (at) => Deno.linkSync(from, at),
    );
  }

  /** Counts a device, fifo or socket as lost. */
  node({ kind }: Entry): boolean {
    const losses: { readonly [kind: string]: Loss } = {
      device: "devices",
      fifo: "fifos",
      socket: "sockets",
    };
    this.#trail.lose(losses[kind]!);
    return false;
  }

  /** Gives the innermost directory its metadata and goes back up. */
  end(): void {
    const { path, entry } = this.#levels.pop()!;
    this.#metadata.apply(entry, path);
  }

  /** Closes the file at hand. */
  close(): void {
    this.#file.close();
  }

  #open(entry: Entry): true {
    try {
      let made = false;
      try {
        Deno.mkdirSync(this.#root, { mode: 0o700 });
        made = true;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) {
          Deno.mkdirSync(dirname(this.#root), { recursive: true });
          Deno.mkdirSync(this.#root, { mode: 0o700 });
          made = true;
        } else if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
      const there = made ? undefined : Deno.readDirSync(this.#root)
        [Symbol.iterator]().next();
      if (!this.#choices.allowExistingDirs && there?.done === false) {
        this.#names.watch();
      }
    } catch (error) {
      const path = new TextEncoder().encode(this.#root);
      throw portableError("open directory", path, "mkdir", error);
    }
    this.#levels.push({ path: this.#root, entry });
    return true;
  }

  /** Where the regular file with this path is; `undefined` where there is none that is reached without a symlink, which has been noted. */
  #find(
    names: readonly (string | undefined)[],
    shown: string,
  ): string | undefined {
    let path = this.#root;
    let right = names.every((name) =>
      name !== undefined && !(WINDOWS && isWindowsTrap(name))
    );
    const found = this.#try(`find ${shown} for hardlink`, "lstat", () => {
      for (let i = 0; right && i < names.length; i++) {
        path = `${path}/${names[i]}`;
        const { isFile, isDirectory } = Deno.lstatSync(path);
        right = i < names.length - 1 ? isDirectory : isFile;
      }
    });
    if (found && !right) {
      this.#trail.fail(
        "create hardlink",
        `${shown} is something else, expected a regular file`,
      );
    }
    return found && right ? path : undefined;
  }

  /** Where an entry goes; `undefined` where there cannot be such a name, which has been noted. */
  #path(entry: Entry): string | undefined {
    const name = asText(entry.name);
    if (name === undefined) {
      this.#unnamed("its name is");
      return undefined;
    }
    if (WINDOWS && isWindowsTrap(name)) {
      this.#trail.fail(
        `create ${entry.kind}`,
        "Windows would take its name for something else",
      );
      return undefined;
    }
    return `${this.#levels[this.#levels.length - 1]!.path}/${name}`;
  }

  #unnamed(what: string): void {
    this.#trail.lose("names");
    this.#trail.warn(
      "restore",
      `${what} not UTF-8, which Deno's API cannot keep`,
    );
  }

  #noteFile(entry: Entry, made: boolean): boolean {
    if (made) this.#names.add(this.#trail.depth, entry.name);
    return made;
  }

  #temporary(): string {
    return `${this.#levels[this.#levels.length - 1]!.path}/${temporaryName()}`;
  }

  #place(
    kind: "symlink" | "hardlink",
    entry: Entry,
    path: string,
    replace: boolean,
    make: (path: string) => void,
  ): boolean {
    return this.#try(`create ${kind}`, "link", () => {
      try {
        make(path);
      } catch (error) {
        // Windows lets few users make them.
        if (WINDOWS && kind === "symlink") this.#trail.lose("symlinks");
        if (!mayReplace(error, path, replace)) throw error;
        const at = this.#temporary();
        make(at);
        try {
          Deno.renameSync(at, path);
        } finally {
          // Two names of one file stay two names: rename leaves them then.
          removeFile(at);
        }
      }
      this.#names.add(this.#trail.depth, entry.name);
    });
  }

  /** Gives whether it went well; otherwise it has been noted. */
  #try(what: string, call: string, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      this.#trail.threw(what, call, error);
      return false;
    }
  }
}
