/**
 * Files that appear whole or not at all: written beside their final place under a name of their own, named at the end.
 *
 * @module
 */
import type { ByteSink } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { unless } from "./turning.ts";

/** Zeros of this length become a hole, bytes. */
const BLOCK = 4096;

/** A file in the making. */
interface Making {
  readonly path: string;
  /** The same without links on the way, for comparison. */
  readonly place: string;
  readonly temporary: string;
  readonly file: Deno.FsFile;
}

/** One or more files that get their names together. */
export class Outputs {
  readonly #force: boolean;
  readonly #instead: string;
  readonly #files: Making[] = [];
  #open = true;

  /**
   * Opens nothing yet.
   *
   * @param force Whether files that are there may be replaced.
   * @param instead What is expected where one is there and may not.
   */
  constructor(force: boolean, instead = "--force to replace it") {
    this.#force = force;
    this.#instead = instead;
  }

  /** The names in use while writing and after it, each with its folder. */
  get paths(): {
    readonly folder: string;
    readonly names: readonly string[];
  }[] {
    return this.#files.map(({ path, temporary }) => ({
      folder: split(path).folder,
      names: [split(temporary).name, split(path).name],
    }));
  }

  /**
   * Opens a file under a name of its own.
   *
   * @param path Its final place.
   * @param mode Who may do what with it, less what the umask takes away.
   * @param holes Whether blocks of zeros take no room; pieces are best multiples of their length.
   * @returns Takes its bytes.
   * @throws {ExitError} If something is there already, the folder does not take files, or it is the place of another one.
   */
  add(path: string, mode = 0o640, holes = false): ByteSink {
    const { folder, name } = split(path);
    const there = look(path);
    if (there !== undefined && (!this.#force || !there.isFile)) {
      const wanted = there.isFile ? this.#instead : "the name of a file";
      throw new ExitError(
        EXIT.failed,
        `Cannot create ${path}: it exists, expected ${wanted}`,
      );
    }
    const place = placeOf(folder, name, path);
    const twin = this.#files.find((other) => other.place === place);
    if (twin !== undefined) {
      throw new UsageError(
        `Cannot write both ${twin.path} and ${path}: they are one file, expected two places`,
      );
    }
    const random = crypto.getRandomValues(new Uint32Array(2));
    const temporary = `${folder}.${name.slice(0, 50)}.${
      [...random].map((part) => part.toString(36)).join("")
    }.partial`;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(temporary, {
        write: true,
        createNew: true,
        mode,
      });
    } catch (error) {
      throw failure("create", path, error);
    }
    this.#files.push({ path, place, temporary, file });
    const write = holes
      ? (piece: Bytes) => writeWithHoles(file, piece)
      : (piece: Bytes) => writeAll(file, piece);
    return {
      write: async (piece: Bytes) => {
        try {
          await write(piece);
        } catch (error) {
          throw failure("write", path, error);
        }
      },
    };
  }

  /**
   * Gives all files their names, or none of them.
   *
   * @param sync Whether their bytes must be on the disk before, and their names after.
   * @throws {ExitError} If a name has been taken meanwhile.
   */
  finish(sync: boolean): void {
    const undo: (() => void)[] = [];
    const lastly: (() => void)[] = [];
    try {
      for (const { file, path } of this.#files) {
        try {
          // Where it ends in a hole, nothing was written at its end.
          file.truncateSync(file.seekSync(0, Deno.SeekMode.Current));
          if (sync) file.syncSync();
        } catch (error) {
          throw failure("write", path, error);
        }
        file.close();
      }
      this.#open = false;
      for (const { path, temporary } of this.#files) {
        try {
          if (!this.#force) name(temporary, path);
          else if (this.#files.length === 1 || look(path) === undefined) {
            Deno.renameSync(temporary, path);
          } else {
            // Of two files the first one must be able to come back.
            const old = `${temporary}.old.partial`;
            Deno.renameSync(path, old);
            undo.push(() => Deno.renameSync(old, path));
            lastly.push(() => Deno.removeSync(old));
            Deno.renameSync(temporary, path);
            continue;
          }
          undo.push(() => Deno.removeSync(path));
        } catch (error) {
          throw failure("create", path, error);
        }
      }
    } catch (error) {
      for (const step of undo.reverse()) attempt(step);
      this.discard();
      throw error;
    }
    for (const step of lastly) attempt(step);
    if (sync) {
      for (const { path } of this.#files) attempt(() => syncFolder(path));
    }
    this.#files.length = 0;
  }

  /** Removes what has no final name yet; harmless after {@linkcode finish}. */
  discard(): void {
    for (const { file, temporary } of this.#files) {
      if (this.#open) attempt(() => file.close());
      attempt(() => Deno.removeSync(temporary));
    }
    this.#files.length = 0;
    this.#open = false;
  }
}

/**
 * Standard output as the place of an archive.
 *
 * @param signal Ends a write that nobody takes.
 * @returns Takes the bytes.
 * @throws {UsageError} If it is a terminal.
 */
export function standardOutput(signal: AbortSignal): ByteSink {
  if (Deno.stdout.isTerminal()) {
    throw new UsageError(
      "Cannot write an archive to the terminal: expected a file, or a pipe behind -",
    );
  }
  return {
    write: async (piece) => {
      for (let at = 0; at < piece.length;) {
        at += await unless(
          signal,
          Deno.stdout.write(at === 0 ? piece : piece.subarray(at)),
        );
      }
    },
  };
}

async function writeAll(file: Deno.FsFile, piece: Bytes): Promise<void> {
  for (let at = 0; at < piece.length;) {
    at += await file.write(at === 0 ? piece : piece.subarray(at));
  }
}

/** Passes over blocks of zeros. */
async function writeWithHoles(file: Deno.FsFile, piece: Bytes): Promise<void> {
  let from = 0;
  for (let at = 0; at < piece.length;) {
    const start = at;
    while (at < piece.length && isZero(piece, at)) at += BLOCK;
    if (at === start) {
      at += BLOCK;
      continue;
    }
    await writeAll(file, piece.subarray(from, start));
    from = at = Math.min(at, piece.length);
    await file.seek(at - start, Deno.SeekMode.Current);
  }
  await writeAll(file, piece.subarray(from));
}

function isZero(piece: Bytes, from: number): boolean {
  const to = Math.min(from + BLOCK, piece.length);
  if (piece[from] !== 0 || piece[to - 1] !== 0) return false;
  for (let at = from; at < to; at++) if (piece[at] !== 0) return false;
  return true;
}

/** Gives a file its name without replacing what may be there by now. */
function name(temporary: string, path: string): void {
  try {
    Deno.linkSync(temporary, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw error;
    // A file system without hardlinks: there is a moment between looking and naming.
    if (look(path) !== undefined) {
      throw new Deno.errors.AlreadyExists("File exists (os error 17)");
    }
    Deno.renameSync(temporary, path);
    return;
  }
  Deno.removeSync(temporary);
}

/** Not every system lets a folder be opened, or has its names written by that. */
function syncFolder(path: string): void {
  const { folder } = split(path);
  using file = Deno.openSync(folder === "" ? "." : folder);
  file.syncSync();
}

function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw failure("create", path, error);
  }
}

function split(
  path: string,
): { readonly folder: string; readonly name: string } {
  const at = Deno.build.os === "windows"
    ? /.*[\\/]/s.exec(path)?.[0].length ?? 0
    : path.lastIndexOf("/") + 1;
  const name = path.slice(at);
  if (name === "" || name === "." || name === "..") {
    throw new UsageError(
      `Cannot create ${path}: it is a folder's name, expected a file's`,
    );
  }
  return { folder: path.slice(0, at), name };
}

function placeOf(folder: string, name: string, path: string): string {
  try {
    return `${Deno.realPathSync(folder === "" ? "." : folder)}/${name}`;
  } catch (error) {
    throw failure("create", path, error);
  }
}

function failure(verb: string, path: string, cause: unknown): ExitError {
  return new ExitError(
    EXIT.failed,
    `Cannot ${verb} ${path}: ${reasonOf(cause)}`,
    { cause },
  );
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // Cleaning up goes on with the rest.
  }
}
