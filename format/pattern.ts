/**
 * Patterns that say what of a tree is wanted: the last one that matches decides.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "./bytes.ts";
import { FormatError } from "./errors.ts";
import { Glob } from "./glob.ts";

const BANG = 0x21, SLASH = 0x2f, HASH = 0x23, NEWLINE = 0x0a, BACKSLASH = 0x5c;

const UTF8 = new TextEncoder();
const LOSSY = new TextDecoder("utf-8", { ignoreBOM: true });
const ROOT: Bytes = Uint8Array.of(SLASH);

/** One pattern, compiled. */
export interface Pattern {
  /** The glob as the archive tells it: without `!` and without slashes at the end; `/` where nothing else is left. */
  readonly text: Bytes;
  /** Whether what it matches is wanted, or not wanted. */
  readonly include: boolean;
  /** Whether it matches directories only: it had a slash at the end. */
  readonly directoryOnly: boolean;
  /** The text, compiled. */
  readonly glob: Glob;
}

/**
 * Reads one pattern: a glob that matches a path as a whole if it starts with a slash, else any end of it that starts with a component.
 *
 * @param text A glob; with `!` before it, it means the opposite; with slashes behind it, directories only.
 * @param type What it means without `!`.
 * @returns The pattern; it keeps no view of `text`.
 * @throws {FormatError} If the glob is bad.
 *
 * @example
 * ```ts
 * import { matchPatterns, parsePattern } from "@pxar/format/pattern";
 *
 * const patterns = ["*.log", "!/var/log/boot.log"].map((text) => parsePattern(text));
 * matchPatterns(patterns, new TextEncoder().encode("var/log/boot.log"), false); // "include"
 * ```
 */
export function parsePattern(
  text: string | Uint8Array,
  type: "exclude" | "include" = "exclude",
): Pattern {
  const bytes = typeof text === "string" ? UTF8.encode(text) : text;
  const flipped = bytes[0] === BANG;
  return makePattern(
    NO_BYTES,
    bytes.subarray(flipped ? 1 : 0),
    (type === "include") !== flipped,
  );
}

/**
 * Reads a `.pxarexclude` file: a pattern a line, without the blanks around it; empty lines and those that start with `#` say nothing.
 *
 * A leading slash means the directory of the file, also below the root, as the official documentation has it.
 *
 * @param bytes What is in the file.
 * @param directory Where the file lies: path from the root, without leading slash, empty for the root.
 * @param onBad Told of each line that is no pattern; it is left out.
 * @returns The patterns in the order of the lines.
 */
export function parseExcludeFile(
  bytes: Uint8Array,
  directory: Bytes,
  onBad: (line: Bytes, error: FormatError) => void,
): Pattern[] {
  const patterns: Pattern[] = [];
  const prefix = literal(directory);
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = trim(bytes.subarray(start, end));
    start = end + 1;
    if (line.length === 0 || line[0] === HASH) continue;
    let bangs = 0;
    while (bangs < 2 && line[bangs] === BANG) bangs++;
    const glob = line.subarray(bangs);
    try {
      patterns.push(
        makePattern(glob[0] === SLASH ? prefix : NO_BYTES, glob, bangs === 1),
      );
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      onBad(line.slice(), error);
    }
  }
  return patterns;
}

/**
 * What a list of patterns says of an entry.
 *
 * @param patterns In the order they were given: the last one that matches decides.
 * @param path From the root of the tree, without leading slash.
 * @param isDirectory Whether it is a directory.
 * @returns `undefined` where no pattern matches.
 */
export function matchPatterns(
  patterns: readonly Pattern[],
  path: Uint8Array,
  isDirectory: boolean,
): "exclude" | "include" | undefined {
  for (let i = patterns.length - 1; i >= 0; i--) {
    const pattern = patterns[i]!;
    if (pattern.directoryOnly && !isDirectory) continue;
    if (pattern.glob.matches(path)) {
      return pattern.include ? "include" : "exclude";
    }
  }
  return undefined;
}

/**
 * Writes patterns as `.pxarexclude-cli` has them: a line each, `!` before those that include, `/` behind those that match directories only.
 *
 * @param patterns The list, as given on the command line.
 * @returns The text; {@linkcode parsePattern} of its lines gives the patterns again.
 */
export function encodePatterns(patterns: readonly Pattern[]): Bytes {
  let size = 0;
  for (const pattern of patterns) size += pattern.text.length + 3;
  const text = new Uint8Array(size);
  let at = 0;
  for (const pattern of patterns) {
    if (pattern.include) text[at++] = BANG;
    text.set(pattern.text, at);
    at += pattern.text.length;
    if (pattern.directoryOnly && text[at - 1] !== SLASH) text[at++] = SLASH;
    text[at++] = NEWLINE;
  }
  return text.slice(0, at);
}

/**
 * Writes patterns as the prelude of a split archive has them: `{"exclude-patterns":"…"}`, the text being that of {@linkcode encodePatterns}.
 *
 * @param patterns The list, as given on the command line.
 * @returns JSON; what is not UTF-8 in a pattern becomes U+FFFD there.
 */
export function encodePrelude(patterns: readonly Pattern[]): Bytes {
  return UTF8.encode(
    JSON.stringify({
      "exclude-patterns": LOSSY.decode(encodePatterns(patterns)),
    }),
  );
}

function makePattern(
  prefix: Uint8Array,
  glob: Uint8Array,
  include: boolean,
): Pattern {
  let end = glob.length;
  while (end > 0 && glob[end - 1] === SLASH) end--;
  const length = prefix.length + end;
  const text = new Uint8Array(length);
  text.set(prefix);
  text.set(glob.subarray(0, end), prefix.length);
  const stored = length === 0 ? ROOT : text;
  return {
    text: stored,
    include,
    directoryOnly: length === 0 || end < glob.length,
    glob: new Glob(stored),
  };
}

/** A glob for a path as it is; empty for the root. */
function literal(path: Bytes): Bytes {
  if (path.length === 0) return NO_BYTES;
  const glob = new Uint8Array(path.length * 2 + 1);
  glob[0] = SLASH;
  let at = 1;
  for (const byte of path) {
    if (isSpecial(byte)) glob[at++] = BACKSLASH;
    glob[at++] = byte;
  }
  return glob.subarray(0, at);
}

function isSpecial(byte: number): boolean {
  return byte === BACKSLASH || byte === 0x2a || byte === 0x3f || byte === 0x5b;
}

function trim(line: Uint8Array): Uint8Array {
  let start = 0, end = line.length;
  while (start < end && isBlank(line[start]!)) start++;
  while (end > start && isBlank(line[end - 1]!)) end--;
  return line.subarray(start, end);
}

/** Space, tab, line feed, form feed, carriage return; not the vertical tab. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0c ||
    byte === 0x0d;
}
