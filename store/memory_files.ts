// The files of a datastore in memory.
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, SystemError } from "@pxar/format/errors";
import type { FileName, Files, NewFile } from "./files.ts";

/** A folder holds what is in it by name; a file is its bytes. */
type Folder = Map<string, Folder | Bytes>;

/** Folders and files that are gone with the program. */
export class MemoryFiles implements Files {
  readonly #root: Folder = new Map();

  read(path: string, most: number): Bytes | undefined {
    const found = this.#find(path);
    if (found === undefined) return undefined;
    if (found instanceof Map) {
      throw new FormatError(`Cannot read ${path}: it is no regular file`);
    }
    if (found.length > most) {
      throw new FormatError(
        `Cannot read ${path}: it has ${found.length} bytes, expected ${most} at most`,
      );
    }
    return found.slice();
  }

  write(
    path: string,
    parts: readonly Uint8Array[],
    exclusive = false,
  ): boolean {
    const [folder, name] = this.#place(path);
    if (exclusive && folder.has(name)) return false;
    const bytes = new Uint8Array(
      parts.reduce((sum, part) => sum + part.length, 0),
    );
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    folder.set(name, bytes);
    return true;
  }

  create(temporary: string, path: string): NewFile {
    if (!this.write(temporary, [], true)) {
      throw refused("EEXIST", "write", path);
    }
    let bytes = new Uint8Array(1 << 12), length = 0, isDone = false;
    return {
      write(offset, part) {
        const end = offset + part.length;
        if (end > bytes.length) {
          const grown = new Uint8Array(Math.max(end, 2 * bytes.length));
          grown.set(bytes.subarray(0, length));
          bytes = grown;
        }
        bytes.set(part, offset);
        length = Math.max(length, end);
      },
      read(offset, into) {
        const part = bytes.subarray(
          offset,
          Math.min(length, offset + into.length),
        );
        into.set(part);
        return part.length;
      },
      finish: () => {
        isDone = true;
        this.remove(temporary);
        this.write(path, [bytes.subarray(0, length)]);
      },
      discard: () => {
        if (!isDone) this.remove(temporary);
        isDone = true;
      },
    };
  }

  open(path: string): RandomAccess | undefined {
    const bytes = this.read(path, Infinity);
    return bytes && bytesAccess(bytes);
  }

  makeFolder(path: string): boolean {
    const [folder, name] = this.#place(path);
    if (folder.has(name)) return false;
    folder.set(name, new Map());
    return true;
  }

  list(path: string): readonly FileName[] | undefined {
    const found = this.#find(path);
    if (!(found instanceof Map)) return undefined;
    return [...found].map(([name, one]) => ({
      name,
      isDirectory: () => one instanceof Map,
      isFile: () => !(one instanceof Map),
    }));
  }

  isFolder(path: string): boolean {
    return this.#find(path) instanceof Map;
  }

  isFile(path: string): boolean {
    return this.size(path) !== undefined;
  }

  size(path: string): number | undefined {
    const found = this.#find(path);
    return found instanceof Map ? undefined : found?.length;
  }

  changed(): undefined {}

  remove(path: string): boolean {
    if (!this.isFile(path)) return false;
    const [folder, name] = this.#place(path);
    return folder.delete(name);
  }

  removeFolder(path: string, within: boolean): void {
    const found = this.#find(path);
    if (!(found instanceof Map)) throw refused("ENOENT", "remove", path);
    if (!within && found.size > 0) throw refused("ENOTEMPTY", "remove", path);
    const [folder, name] = this.#place(path);
    folder.delete(name);
  }

  space(): { total: number; used: number; available: number } {
    const sum = (folder: Folder): number =>
      [...folder.values()].reduce<number>(
        (all, one) => all + (one instanceof Map ? sum(one) : one.length),
        0,
      );
    const used = sum(this.#root);
    return { total: used, used, available: 0 };
  }

  #find(path: string): Folder | Bytes | undefined {
    let here: Folder | Bytes | undefined = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      if (!(here instanceof Map)) return undefined;
      here = here.get(name);
    }
    return here;
  }

  /** The folder that something is to lie in, and its name there. */
  #place(path: string): [Folder, string] {
    const slash = path.lastIndexOf("/");
    const folder = this.#find(path.slice(0, Math.max(0, slash)));
    if (!(folder instanceof Map)) throw refused("ENOENT", "write", path);
    return [folder, path.slice(slash + 1)];
  }
}

function refused(code: string, call: string, path: string): SystemError {
  return new SystemError(`Cannot ${call} ${path}: ${code}`, {
    code,
    errno: 0,
    call,
    path,
  });
}
