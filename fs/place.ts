/**
 * Where a walk is, and what is wanted there.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import {
  matchPatterns,
  parseExcludeFile,
  type Pattern,
} from "@pxar/format/pattern";
import { compareNames, joinPath, showName } from "@pxar/format/name";
import type { Report } from "./report.ts";

const SLASH = 0x2f;

/** File with patterns, in any directory. */
export const EXCLUDE_FILE: Bytes = new TextEncoder().encode(".pxarexclude");
/** File in the root of an archive, with the patterns of the command line; one on disk is never stored. */
export const EXCLUDE_CLI_FILE: Bytes = new TextEncoder().encode(
  ".pxarexclude-cli",
);
/** Largest exclude file that is read, bytes. */
const EXCLUDE_FILE_LIMIT = 2 ** 24;

/** The path from the root to the current directory, and the patterns that hold in it. */
export class Place {
  readonly #patterns: Pattern[];
  readonly #without: readonly Bytes[];
  #path: Bytes = new Uint8Array(4096);
  #length = 0;

  /**
   * Starts in the root.
   *
   * @param patterns Those of the command line.
   * @param without Paths that are not wanted, whatever the patterns say.
   */
  constructor(patterns: readonly Pattern[], without: readonly Bytes[] = []) {
    this.#patterns = [...patterns];
    this.#without = without;
  }

  /** How many patterns hold here. */
  get patterns(): number {
    return this.#patterns.length;
  }

  /** Whether {@linkcode wants} may say no. */
  get isChoosy(): boolean {
    return this.#patterns.length > 0 || this.#without.length > 0;
  }

  /** The current directory's path, without leading slash, empty for the root: a copy. */
  get path(): Bytes {
    return this.#path.slice(0, this.#length);
  }

  /** Length of {@linkcode path}, bytes. */
  get length(): number {
    return this.#length;
  }

  /** Goes into a directory. */
  enter(name: Bytes): void {
    this.#length = this.#append(name);
  }

  /**
   * Goes back to where {@linkcode length} and {@linkcode patterns} were these.
   *
   * @param length Of the path.
   * @param patterns How many.
   */
  back(length: number, patterns: number): void {
    this.#length = length;
    this.#patterns.length = patterns;
  }

  /** Whether an entry of the current directory is wanted. */
  wants(name: Bytes, isDirectory: boolean): boolean {
    const end = this.#append(name);
    const path = this.#path.subarray(0, end);
    if (this.#without.some((other) => compareNames(other, path) === 0)) {
      return false;
    }
    return matchPatterns(this.#patterns, path, isDirectory) !== "exclude";
  }

  /**
   * Adds the patterns of the current directory's exclude file.
   *
   * @param bytes What is in it.
   * @param report Told of bad lines.
   */
  exclude(bytes: Bytes, report: Report): void {
    if (bytes.length === 0) return;
    const directory = this.path;
    const patterns = parseExcludeFile(bytes, directory, (line, error) => {
      const file = joinPath(directory, EXCLUDE_FILE);
      report.warn(
        file,
        `Cannot use line ${showName(line)} of ${
          showName(file)
        }: ${error.message}; left out`,
        error,
      );
    });
    for (const pattern of patterns) this.#patterns.push(pattern);
  }

  /** Puts a name behind the path, gives the length of both. */
  #append(name: Bytes): number {
    const start = this.#length === 0 ? 0 : this.#length + 1;
    const end = start + name.length;
    if (end > this.#path.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.#path.subarray(0, this.#length));
      this.#path = larger;
    }
    if (start > 0) this.#path[start - 1] = SLASH;
    this.#path.set(name, start);
    return end;
  }
}

/**
 * What is wrong with an exclude file, before it is read.
 *
 * @param isFile Whether it is a regular file.
 * @param size Bytes.
 */
export function excludeFileProblem(
  isFile: boolean,
  size: number,
): string | undefined {
  if (!isFile) return "it is no regular file";
  if (size <= EXCLUDE_FILE_LIMIT) return undefined;
  return `it has ${size} bytes, expected at most ${EXCLUDE_FILE_LIMIT}`;
}

/** One directory between the root and an entry. */
export class Level {
  /** The directory around it; `undefined` for the root. */
  readonly parent: Level | undefined;
  /** Its name; empty for the root. */
  readonly name: Bytes;
  /** How many entries it has that are wanted. */
  count = 0;
  /** Which of them comes next. */
  next = 0;
  /** {@linkcode Place.length} outside of it. */
  readonly outerLength: number;
  /** {@linkcode Place.patterns} outside of it. */
  readonly outerPatterns: number;
  #path: Bytes | undefined;

  /** Notes where the walk is before it goes in. */
  constructor(parent: Level | undefined, name: Bytes, place: Place) {
    this.parent = parent;
    this.name = name;
    this.outerLength = place.length;
    this.outerPatterns = place.patterns;
  }

  /** Whether a name in it is that of the file which the archive has for the patterns of the command line. */
  isOwn(name: Bytes): boolean {
    return this.parent === undefined &&
      compareNames(name, EXCLUDE_CLI_FILE) === 0;
  }

  /** Its path from the root, made once; only while the walk is in it. */
  path(place: Place): Bytes {
    return this.#path ??= place.path;
  }
}

/**
 * The path of an entry, also when the walk has gone on.
 *
 * @param level The directory around it; `undefined` for the root.
 * @param name Its name.
 * @returns Path from the root, without leading slash; empty for the root.
 */
export function pathOf(level: Level | undefined, name: Bytes): Bytes {
  if (level === undefined) return NO_BYTES;
  const parts = [name];
  let size = name.length;
  for (
    let at: Level | undefined = level;
    at?.parent !== undefined;
    at = at.parent
  ) {
    parts.push(at.name);
    size += at.name.length + 1;
  }
  const path = new Uint8Array(size);
  let start = 0;
  for (let i = parts.length - 1; i >= 0; i--) {
    path.set(parts[i]!, start);
    start += parts[i]!.length;
    if (i > 0) path[start++] = SLASH;
  }
  return path;
}
