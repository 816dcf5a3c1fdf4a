// The chunks of a datastore on disk: `.chunks/hhhh/DIGEST`. Synchronous, so that a worker and the main thread use the same code.
import { MAX_CHUNK } from "@pxar/chunk/cut_rules";
import { type Digest, hexOf } from "@pxar/chunk/digest";
import { systemCall, systemErrorOf } from "@pxar/codec/system_call";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, NotFoundError } from "@pxar/format/errors";
import { type DiskFiles, folderOf } from "./disk_files.ts";
import { isCode } from "./regular_file.ts";
import { isReplaced } from "./chunk_rules.ts";
import type { Kernel } from "./kernel.ts";
import {
  type ChunkFile,
  chunkFile,
  type ChunkFileState,
  type ChunkPlace,
} from "./chunk_place.ts";
import type { ChunkPut } from "./store.ts";

/** Greatest length of a chunk's blob: 16 MiB of data behind the longer header. */
export const MOST_CHUNK_BLOB: number = MAX_CHUNK + 44;
/** Bad chunks are kept under numbers below this one. */
const BAD_NUMBERS = 10;

/** Ending of a chunk that is about to be removed. */
const ASIDE = "tmp_unused";

/** The folder `.chunks` of a store. */
export class ChunkFolder implements ChunkPlace {
  readonly #path: string;
  readonly #files: DiskFiles;
  readonly #kernel: Kernel | undefined;

  /**
   * Looks at nothing yet.
   *
   * @param base The store's folder.
   * @param files Makes the calls.
   * @param kernel Sets times of access alone.
   */
  constructor(base: string, files: DiskFiles, kernel: Kernel | undefined) {
    this.#path = `${base}/.chunks`;
    this.#files = files;
    this.#kernel = kernel;
  }

  /** Where a chunk lies. */
  pathOf(digest: Digest): string {
    const hex = hexOf(digest);
    return `${this.#path}/${hex.slice(0, 4)}/${hex}`;
  }

  get(digest: Digest, room?: (length: number) => Bytes): Bytes {
    const blob = this.#files.read(this.pathOf(digest), MOST_CHUNK_BLOB, room);
    if (blob === undefined) {
      throw new NotFoundError(
        `Cannot read chunk ${hexOf(digest)}: it is not in the store`,
      );
    }
    return blob;
  }

  touch(digest: Digest): number | undefined {
    const path = this.pathOf(digest);
    const size = this.#sizeOf(path);
    if (size === undefined || size === 0) return undefined;
    return this.touchPath(path) ? size : undefined;
  }

  /** Sets a file's time of access to now; gives whether it is there. */
  touchPath(path: string): boolean {
    if (this.#kernel !== undefined) return this.#kernel.touch(path);
    const { fs } = this.#files;
    try {
      // Both times can only be set together: that of the content is set to what it is, which PBS does not look at.
      fs.lutimesSync(
        path,
        Date.now() / 1000,
        fs.lstatSync(path).mtimeMs / 1000,
      );
      return true;
    } catch (error) {
      if (isCode(error, "ENOENT")) return false;
      throw systemErrorOf("set time of access of", path, error);
    }
  }

  put(digest: Digest, header: Bytes, body: Uint8Array): ChunkPut {
    const path = this.pathOf(digest), size = header.length + body.length;
    for (;;) {
      const there = this.#sizeOf(path);
      if (
        there !== undefined &&
        !isReplaced(
          hexOf(digest),
          header,
          size,
          there,
          () => this.#start(path),
        ) &&
        this.touchPath(path)
      ) return { existed: true, stored: there };
      const isWritten = systemCall(
        "write chunk",
        path,
        () => this.#write(path, [header, body], there === undefined),
      );
      // Otherwise somebody else has just written it, and it is looked at again.
      if (isWritten) return { existed: false, stored: size };
    }
  }

  /** The first bytes of a file, eight where it has as many. */
  #start(path: string): Bytes {
    const { fs } = this.#files, start = new Uint8Array(8);
    return systemCall("read", path, () => {
      const fd = fs.openSync(path, "r");
      try {
        return start.subarray(0, fs.readSync(fd, start, 0, 8, 0));
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  #write(
    path: string,
    parts: readonly Uint8Array[],
    isNew: boolean,
  ): boolean {
    const files = this.#files;
    let temporary: string;
    try {
      temporary = files.temporary(path, parts);
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
      // Small stores make the 65,536 folders as they need them; somebody else may just have made it.
      files.makeFolder(folderOf(path), 0o750);
      temporary = files.temporary(path, parts);
    }
    return files.giveName(temporary, path, isNew);
  }

  #sizeOf(path: string): number | undefined {
    const stat = systemCall(
      "look at",
      path,
      () => this.#files.fs.lstatSync(path, { throwIfNoEntry: false }),
    );
    if (stat === undefined || stat.isFile()) return stat?.size;
    throw new FormatError(
      `Cannot use chunk ${path}: it is no regular file`,
    );
  }

  setAside(digest: Digest): string | undefined {
    const path = this.pathOf(digest), { fs } = this.#files;
    let number = 0;
    while (
      number < BAD_NUMBERS - 1 && this.#files.isFile(`${path}.${number}.bad`)
    ) number++;
    const bad = `${path}.${number}.bad`;
    try {
      fs.renameSync(path, bad);
      return bad;
    } catch (error) {
      if (isCode(error, "ENOENT")) return undefined;
      throw systemErrorOf("rename", path, error);
    }
  }

  touchBad(digest: Digest): number {
    const path = this.pathOf(digest);
    let found = 0;
    for (let number = 0; number < BAD_NUMBERS; number++) {
      if (this.touchPath(`${path}.${number}.bad`)) found++;
    }
    return found;
  }

  clock(): number {
    this.touchPath(this.#path);
    const { fs } = this.#files;
    return systemCall("look at", this.#path, () => fs.lstatSync(this.#path))
      .atimeMs;
  }

  folders(): number[] {
    return (this.#files.list(this.#path) ?? [])
      .filter((one) => one.isDirectory() && /^[0-9a-f]{4}$/.test(one.name))
      .map((one) => parseInt(one.name, 16)).sort((a, b) => a - b);
  }

  filesIn(folder: number): ChunkFile[] {
    const path = `${this.#path}/${folder.toString(16).padStart(4, "0")}`;
    return (this.#files.list(path) ?? []).filter((one) => one.isFile())
      .flatMap((one) => chunkFile(path, one.name) ?? [])
      .flatMap((file) =>
        file.path.endsWith(`.${ASIDE}`) ? this.#putBack(file) ?? [] : file
      );
  }

  state({ path }: ChunkFile): ChunkFileState | undefined {
    return this.#state(path);
  }

  stateOf(digest: Digest): ChunkFileState | undefined {
    return this.#state(this.pathOf(digest));
  }

  remove({ path }: ChunkFile): boolean {
    return this.#files.remove(path);
  }

  removeUnused(digest: Digest, before: number): boolean {
    const path = this.pathOf(digest), aside = `${path}.${ASIDE}`;
    const { fs } = this.#files;
    // Out of the way first: whoever touches it after that finds it missing and writes it anew; whoever touched it before has left the time.
    try {
      fs.renameSync(path, aside);
    } catch (error) {
      if (isCode(error, "ENOENT")) return false;
      throw systemErrorOf("remove", path, error);
    }
    if ((this.#state(aside)?.atime ?? 0) < before) {
      return this.#files.remove(aside);
    }
    systemCall("keep", path, () => fs.renameSync(aside, path));
    return false;
  }

  /** A removal that was cut short has put it out of the way: somebody may have begun to use it meanwhile. Gives the chunk, unless it was written anew. */
  #putBack({ hex, path }: ChunkFile): ChunkFile | undefined {
    const chunk = `${folderOf(path)}/${hex}`;
    if (this.#files.isFile(chunk)) return void this.#files.remove(path);
    systemCall("keep", chunk, () => this.#files.fs.renameSync(path, chunk));
    return { kind: "chunk", hex, path: chunk };
  }

  #state(path: string): ChunkFileState | undefined {
    const stat = systemCall(
      "look at",
      path,
      () => this.#files.fs.lstatSync(path, { throwIfNoEntry: false }),
    );
    return stat && {
      size: stat.size,
      atime: stat.atimeMs,
      mtime: stat.mtimeMs,
      inode: stat.ino,
    };
  }
}
