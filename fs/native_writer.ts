/**
 * A tree written through the C library: exact names, times, owners, attributes, nodes and holes.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { SystemError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { ERRNO, errnoCode, errnoText } from "@pxar/sys/errno";
import type { Libc } from "@pxar/sys/libc";
import { SmallFileThread } from "./small_file_thread.ts";
import { DirectoryStack } from "./directory_stack.ts";
import { Maker } from "./maker.ts";
import { NativeLinks } from "./native_links.ts";
import { NativeFlags } from "./native_flags.ts";
import { NativeFile } from "./native_file.ts";
import { NativeMetadata } from "./native_metadata.ts";
import { NativeNodes } from "./native_nodes.ts";
import { NativePlace } from "./native_place.ts";
import { RootNames } from "./root_names.ts";
import type { Trail } from "./trail.ts";
import {
  type Choices,
  NO_FIRST,
  type TreeWriter,
  type WriterParts,
} from "./tree_writer.ts";

/** Writes a tree below one open directory. */
export class NativeWriter implements TreeWriter {
  readonly #path: string | Bytes;
  readonly #choices: Choices;
  readonly #trail: Trail;
  readonly #maker: Maker;
  readonly #metadata: NativeMetadata;
  readonly #flags: NativeFlags;
  readonly #thread: SmallFileThread;
  readonly #file: NativeFile;
  readonly #directories: DirectoryStack;
  readonly #links: NativeLinks;
  readonly #nodes: NativeNodes;
  readonly #names: RootNames = new RootNames();
  readonly #mask: number;
  readonly #uid: number;
  readonly #gid: number;

  /**
   * Opens nothing yet.
   *
   * @param libc The C library.
   * @param parts Where to, what and who is told.
   */
  constructor(libc: Libc, { path, choices, trail }: WriterParts) {
    this.#path = path;
    this.#choices = choices;
    this.#trail = trail;
    this.#maker = new Maker(libc);
    this.#metadata = new NativeMetadata(this.#maker, trail, choices);
    this.#flags = new NativeFlags(this.#maker, trail);
    // The mask cannot be read without being set.
    this.#mask = libc.umask(0o077);
    libc.umask(this.#mask);
    this.#uid = libc.geteuid();
    this.#gid = libc.getegid();
    this.#thread = new SmallFileThread(
      this.#maker,
      trail,
      () => this.#directories.top.fd,
    );
    this.#file = new NativeFile(
      this.#maker,
      this.#metadata,
      this.#flags,
      trail,
      choices,
      this.#mask,
      this.#thread,
    );
    this.#directories = new DirectoryStack(this.#maker);
    const place = new NativePlace(this.#maker, this.#flags, trail);
    this.#links = new NativeLinks(
      this.#maker,
      this.#metadata,
      this.#flags,
      place,
      trail,
      choices,
      this.#names,
    );
    this.#nodes = new NativeNodes(
      this.#maker,
      this.#metadata,
      place,
      trail,
      choices,
    );
  }

  /** Makes a directory, or uses the one that is there, and goes into it. */
  directory(entry: Entry): boolean {
    if (this.#directories.isEmpty) return this.#root(entry);
    this.#thread.drain();
    const parent = this.#directories.top.fd;
    if (parent < 0) return false;
    const made = this.#maker.createDirectory(parent, entry.name, 0o700);
    if (
      made < 0 && !(made === -ERRNO.EEXIST && this.#choices.allowExistingDirs)
    ) {
      this.#trail.refused("create directory", "mkdirat", -made);
      return false;
    }
    const fd = this.#maker.openDirectory(parent, entry.name);
    if (fd < 0) {
      this.#trail.refused("open directory", "openat", -fd);
      return false;
    }
    // One that must not change could not be completed; it gets its flags at its end.
    if (made < 0) this.#flags.unlock(fd);
    this.#names.add(this.#trail.depth, entry.name);
    this.#directories.push(fd, entry, this.#uid, this.#gid);
    return true;
  }

  /** Makes a file of its content. */
  file(entry: Entry): boolean | Promise<boolean> {
    const level = this.#directories.top;
    if (level.fd < 0) return false;
    const made = this.#file.write(level, entry);
    if (typeof made !== "boolean") {
      return made.then((made) => this.#noteFile(entry, made));
    }
    return this.#noteFile(entry, made);
  }

  /** Makes a symlink. */
  symlink(entry: Entry): boolean {
    const parent = this.#directories.top.fd;
    return parent >= 0 && this.#links.symlink(parent, entry);
  }

  /** Makes one name more for a regular file below the root. */
  hardlink(entry: Entry, missing: boolean): boolean {
    const { root, top } = this.#directories;
    if (top.fd < 0) return false;
    // A file that cannot be written whole must be gone before it gets another name.
    this.#thread.drain();
    if (missing) {
      this.#trail.fail("create hardlink", NO_FIRST);
      return false;
    }
    return this.#links.hardlink(root, top.fd, entry);
  }

  /** Makes a device, fifo or socket. */
  node(entry: Entry): boolean {
    const parent = this.#directories.top.fd;
    if (parent < 0) return false;
    if (!this.#nodes.node(parent, entry)) return false;
    this.#names.add(this.#trail.depth, entry.name);
    return true;
  }

  /** Gives the innermost directory its metadata and goes back up. */
  end(): void {
    this.#thread.drain();
    const { fd, entry } = this.#directories.top;
    if (!this.#directories.reopenParent()) {
      this.#trail.fail(
        "go back from",
        "the directory above is another one now, expected the one that was made",
      );
    }
    if (fd >= 0) {
      this.#metadata.apply(fd, entry, false);
      this.#flags.apply(fd, entry);
    }
    this.#directories.pop();
  }

  /** Closes all descriptors. */
  close(): void {
    this.#thread.close();
    this.#links.close();
    this.#directories.close();
  }

  #noteFile(entry: Entry, made: boolean): boolean {
    if (made) this.#names.add(this.#trail.depth, entry.name);
    return made;
  }

  #root(entry: Entry): true {
    const fd = this.#maker.openTarget(this.#path, this.#mask);
    if (fd < 0) {
      const path = typeof this.#path === "string"
        ? this.#path
        : showName(this.#path);
      throw new SystemError(
        `Cannot open directory ${path}: ${errnoText(-fd)}`,
        { code: errnoCode(-fd), errno: -fd, call: "openat", path },
      );
    }
    this.#directories.push(fd, entry, this.#uid, this.#gid);
    if (!this.#choices.allowExistingDirs && !this.#maker.isEmpty(fd)) {
      this.#names.watch();
    }
    return true;
  }
}
