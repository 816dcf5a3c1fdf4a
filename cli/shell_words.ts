/**
 * A command line as words, split as a shell does, without a shell: nothing is expanded.
 *
 * @module
 */

/**
 * Splits a line: spaces between words, `'…'` as it is, `"…"` with backslashes before `$ " \` and the back quote, backslashes before any letter outside.
 *
 * @param line What a user wrote.
 * @returns Its words; `undefined` if a quote is not closed or a backslash is the last letter.
 */
export function shellWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (/[ \t\n]/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (letter === "#" && word === undefined) {
      const end = line.indexOf("\n", at);
      if (end < 0) break;
      at = end;
      continue;
    }
    word ??= "";
    if (letter === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word += line.slice(at + 1, end);
      at = end;
    } else if (letter === '"') {
      for (at++; line[at] !== '"'; at++) {
        if (at >= line.length) return undefined;
        if (line[at] === "\\" && /[$`"\\\n]/.test(line[at + 1] ?? "")) {
          at++;
          if (line[at] === "\n") continue;
        }
        word += line[at];
      }
    } else if (letter === "\\") {
      at++;
      if (at >= line.length) return undefined;
      if (line[at] !== "\n") word += line[at];
    } else word += letter;
  }
  if (word !== undefined) words.push(word);
  return words;
}
