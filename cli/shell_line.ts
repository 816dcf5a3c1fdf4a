/**
 * A line of the catalog shell as words, and words to go on with.
 *
 * A word may be typed as `ls` and `list` print it: outside of quotes and within `"…"`, `\xHH`, `\u{HEX}`, `\n`, `\r`, `\t`, `\0`, `\\`, `\"` and `\'` mean what they mean
 * there. Outside of quotes a backslash before anything else means that letter, within `"…"` itself. What is within `'…'` means itself.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { UsageError } from "./exits.ts";
import { quote, textOf } from "./names.ts";

/** What the letters of a word are in. */
type Quotes = "" | "'" | '"';

/** The word at the end of a line that is still being typed. */
export interface Unfinished {
  /** The words before it, with the escapes that `unquote` knows. */
  readonly before: readonly string[];
  /** As it was typed, with quotes. */
  readonly raw: string;
  /** With the escapes that `unquote` knows. */
  readonly text: string;
  /** The quotes that are open. */
  readonly quotes: Quotes;
}

const ESCAPE = /\\(?:x[\dA-Fa-f]{2}|u\{[\dA-Fa-f]{1,6}\}|[nrt0\\"'])/y;

/**
 * Splits a line.
 *
 * @param line As it was typed.
 * @returns Its words, with the escapes that `unquote` knows; none for an empty line, and behind `#`.
 * @throws {UsageError} If quotes are not closed, or a backslash is the last letter.
 */
export function lineWords(line: string): readonly string[] {
  const { before, raw, text, quotes } = unfinishedWord(line);
  if (quotes !== "") {
    throw new UsageError(
      `Cannot read the line: quotes are open at its end, expected ${quotes}`,
    );
  }
  if (text.endsWith("\\") && unescaped(text)) {
    throw new UsageError(
      "Cannot read the line: a backslash is its last letter, expected one behind it",
    );
  }
  return raw === "" ? before : [...before, text];
}

/**
 * Finds the word that is being typed.
 *
 * @param line What stands before the cursor.
 * @returns The last word; empty behind a space.
 */
export function unfinishedWord(line: string): Unfinished {
  const before: string[] = [];
  let start = 0, text = "", quotes: Quotes = "";
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (quotes === "'") {
      if (letter === "'") quotes = "";
      else text += letter === "\\" ? "\\\\" : letter;
      continue;
    }
    if (letter === "\\") {
      ESCAPE.lastIndex = at;
      const escape = ESCAPE.exec(line)?.[0];
      if (escape !== undefined) {
        text += escape;
        at += escape.length - 1;
      } else if (quotes === '"') text += "\\\\";
      else text += at + 1 === line.length ? "\\" : line[++at];
    } else if (letter === quotes) quotes = "";
    else if (quotes === "" && (letter === '"' || letter === "'")) {
      quotes = letter;
    } else if (quotes === "" && /\s/.test(letter)) {
      if (at > start) before.push(text);
      text = "";
      start = at + 1;
    } else if (quotes === "" && letter === "#" && at === start) {
      return { before, raw: "", text: "", quotes };
    } else text += letter;
  }
  return { before, raw: line.slice(start), text, quotes };
}

/**
 * Puts a name behind what was typed, in the quotes that are open; outside of quotes with backslashes.
 *
 * @param word What was typed.
 * @param name The path component that takes the place of what stands behind the last slash.
 * @param isDirectory Whether more may follow.
 * @returns What takes the place of the typed word.
 */
export function completeWord(
  word: Unfinished,
  name: Bytes,
  isDirectory: boolean,
): string {
  const slash = word.raw.lastIndexOf("/") + 1;
  const typed = word.raw.slice(0, slash);
  const shown = quote(name);
  if (word.quotes === '"') {
    const opened = slash === 0 ? '"' : typed;
    return `${opened}${shown}${isDirectory ? "/" : '" '}`;
  }
  if (word.quotes === "'") {
    const plain = textOf(name);
    if (plain === shown && !plain.includes("'")) {
      const opened = slash === 0 ? "'" : typed;
      return `${opened}${plain}${isDirectory ? "/" : "' "}`;
    }
    const path = word.text.slice(0, word.text.lastIndexOf("/") + 1);
    return `"${path}${shown}${isDirectory ? "/" : '" '}`;
  }
  const bare = shown.replaceAll(/[ '#]/g, "\\$&");
  const safe = slash === 0 && bare.startsWith("-") ? `./${bare}` : bare;
  return `${typed}${safe}${isDirectory ? "/" : " "}`;
}

/** Whether the last backslash stands for itself alone. */
function unescaped(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(text);
}
