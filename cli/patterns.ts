/**
 * Patterns from the command line and from files.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import {
  parseExcludeFile,
  parsePattern,
  type Pattern,
} from "@pxar/format/pattern";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { argumentBytes, quote, unquote } from "./names.ts";

/**
 * Reads patterns.
 *
 * @param texts As given on the command line.
 * @param type What they mean without `!`.
 * @param escaped Whether they have escapes.
 * @returns The patterns, in order.
 * @throws {UsageError} If one is bad.
 */
export function readPatterns(
  texts: readonly string[],
  type: "exclude" | "include",
  escaped: boolean,
): Pattern[] {
  return texts.map((text) => {
    try {
      return parsePattern(argumentBytes(text, escaped), type);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new UsageError(error.message);
    }
  });
}

/**
 * Reads a file of patterns to leave out: lines as in a `.pxarexclude` in the root.
 *
 * @param path Where it lies.
 * @returns The patterns, in order.
 * @throws {ExitError} If the file cannot be read, or a line is bad.
 */
export function readExcludeFile(path: string): Pattern[] {
  return parseExcludeFile(readFile(path), new Uint8Array(0), (line, error) => {
    throw new UsageError(
      `Cannot use line "${quote(line)}" of ${path}: ${error.message}`,
    );
  });
}

/**
 * Reads a file of patterns to restore: a pattern a line, blanks around it, empty lines and those that begin with `#` left out.
 *
 * @param path Where it lies.
 * @param escaped Whether the lines have escapes.
 * @returns The patterns, in order.
 * @throws {ExitError} If the file cannot be read, or a line is bad.
 */
export function readIncludeFile(path: string, escaped: boolean): Pattern[] {
  const patterns: Pattern[] = [];
  for (const line of lines(readFile(path))) {
    const text = escaped ? unquote(quoteFree(line)) : line;
    try {
      patterns.push(parsePattern(text, "include"));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new UsageError(
        `Cannot use line "${quote(line)}" of ${path}: ${error.message}`,
      );
    }
  }
  return patterns;
}

/** Lines of bytes, blanks around them left out, without empty ones and comments. */
function* lines(bytes: Bytes): Generator<Bytes> {
  for (let at = 0; at < bytes.length;) {
    let to = bytes.indexOf(0x0a, at);
    if (to < 0) to = bytes.length;
    let from = at, end = to;
    while (from < end && blank(bytes[from]!)) from++;
    while (end > from && blank(bytes[end - 1]!)) end--;
    if (end > from && bytes[from] !== 0x23) yield bytes.slice(from, end);
    at = to + 1;
  }
}

function blank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Lines with escapes may be those of `list`: with quotes around. */
function quoteFree(line: Bytes): string {
  const text = new TextDecoder().decode(line);
  return text.length > 1 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1)
    : text;
}

function readFile(path: string): Bytes {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw new ExitError(
      EXIT.failed,
      `Cannot read ${path}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}
