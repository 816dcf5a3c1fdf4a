// What a datastore needs of the place where its small files lie: a disk, or memory. Everything is synchronous; paths are absolute, with slashes.
import type { IndexSink } from "@pxar/chunk/index_sink";
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";

/** A name in a folder. */
export interface FileName {
  readonly name: string;
  isDirectory(): boolean;
  isFile(): boolean;
}

/** A file that is being written under a name of its own. */
export interface NewFile extends IndexSink {
  /**
   * Writes bytes at any place.
   *
   * @param offset Where the first of them goes.
   * @param bytes All of them are written.
   */
  write(offset: number, bytes: Uint8Array): void;
  /** Reads what was written, as {@linkcode RandomAccess.read}. */
  read(offset: number, into: Bytes): number;
  /** Closes it and gives it its name; what was there is replaced. */
  finish(): void;
  /** Removes it; after `finish()` nothing. */
  discard(): void;
}

/** Folders and small files. Errors are `SystemError`s. */
export interface Files {
  /**
   * Reads a file whole.
   *
   * @param path Where it lies.
   * @param most Greatest length that is taken, bytes.
   * @returns Its bytes; `undefined` where there is no such file.
   * @throws {FormatError} If it is longer, or no regular file.
   */
  read(path: string, most: number): Bytes | undefined;
  /**
   * Writes a file whole, under another name first: it is there as it should be, or not at all.
   *
   * @param path Where it is to lie.
   * @param parts Its bytes.
   * @param exclusive Whether nothing may be there yet.
   * @returns Whether it was written; not where something is there and `exclusive` asks for nothing.
   */
  write(
    path: string,
    parts: readonly Uint8Array[],
    exclusive?: boolean,
  ): boolean;
  /**
   * Begins a file.
   *
   * @param temporary Its name meanwhile; nothing may be there.
   * @param path Its name in the end.
   */
  create(temporary: string, path: string): NewFile;
  /**
   * Opens a file for reading.
   *
   * @returns To be closed; `undefined` where there is no such file.
   */
  open(path: string): RandomAccess | undefined;
  /**
   * Makes a folder, not those above it.
   *
   * @returns Whether it was made; not where something is there already.
   */
  makeFolder(path: string, mode?: number): boolean;
  /** Names in a folder; `undefined` where there is no such folder. */
  list(path: string): readonly FileName[] | undefined;
  /** Whether a folder is there; a symlink to one is not. */
  isFolder(path: string): boolean;
  /** Whether a regular file is there. */
  isFile(path: string): boolean;
  /** Length of a file in bytes; `undefined` where there is none. */
  size(path: string): number | undefined;
  /** When a file's content or a folder's list of names was last changed, milliseconds since 1970; `undefined` where that is not known, or nothing is there. */
  changed(path: string): number | undefined;
  /** Removes a file; gives whether it was there. */
  remove(path: string): boolean;
  /**
   * Removes a folder.
   *
   * @param within Whether what is in it goes along; otherwise it has to be empty.
   */
  removeFolder(path: string, within: boolean): void;
  /** How full the place is. */
  space(path: string): { total: number; used: number; available: number };
}

/** A file of the place as text; `undefined` where there is none. */
export function readText(
  files: Files,
  path: string,
  most: number,
): string | undefined {
  const bytes = files.read(path, most);
  return bytes && new TextDecoder().decode(bytes);
}
