import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import {
  encodePatterns,
  encodePrelude,
  matchPatterns,
  parseExcludeFile,
  parsePattern,
  type Pattern,
} from "@pxar/format/pattern";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
  fail,
} from "../support/assert.ts";
import {
  EXCLUDE_CASES,
  EXCLUDE_TREE,
  type ExcludeCase,
  inArchiveOrder,
  WANTED_DIFFERENCES,
  wantedDifference,
  wantedPaths,
} from "../support/exclude_cases.ts";

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What a walk keeps of the tree, and how many lines it reports. */
function walk(one: ExcludeCase): { kept: string[]; skipped: number } {
  const directories = new Set(
    EXCLUDE_TREE.filter((path) => path.endsWith("/")).map((path) =>
      path.slice(0, -1)
    ),
  );
  const paths = inArchiveOrder([
    ...EXCLUDE_TREE.map((path) => path.replace(/\/$/, "")),
    ...Object.keys(one.files),
  ]);
  const kept: string[] = [];
  let skipped = 0;
  const visit = (directory: string, inherited: readonly Pattern[]) => {
    const prefix = directory === "" ? "" : `${directory}/`;
    const file = one.files[`${prefix}.pxarexclude`];
    const own = file === undefined
      ? []
      : parseExcludeFile(utf8(file), utf8(directory), () => skipped++);
    const patterns = [...inherited, ...own];
    for (const path of paths) {
      if (!path.startsWith(prefix) || path.slice(prefix.length).includes("/")) {
        continue;
      }
      const isDirectory = directories.has(path);
      if (matchPatterns(patterns, utf8(path), isDirectory) === "exclude") {
        continue;
      }
      kept.push(path);
      if (isDirectory) visit(path, patterns);
    }
  };
  visit("", one.cli.map((pattern) => parsePattern(pattern)));
  return { kept, skipped };
}

Deno.test("patterns keep what the official program keeps, in 163 cases, but for the wanted differences", () => {
  assertEquals(EXCLUDE_CASES.length, 163);
  for (const one of EXCLUDE_CASES) {
    const label = `${one.note}: ${JSON.stringify([one.cli, one.files])}`;
    const wanted = wantedPaths(one);
    if (wanted === undefined) {
      const says = wantedDifference(one)?.error ?? "Cannot read pattern";
      assertThrows(() => walk(one), FormatError, says, label);
      continue;
    }
    const { kept, skipped } = walk(one);
    assertEquals(kept, [...wanted], label);
    assertEquals(skipped, one.skippedLines?.length ?? 0, label);
  }
});

Deno.test("every wanted difference belongs to one case and is one", () => {
  for (const wanted of WANTED_DIFFERENCES) {
    const cases = EXCLUDE_CASES.filter((one) =>
      wantedDifference(one) === wanted
    );
    assertEquals(cases.length, 1, wanted.note + wanted.cli);
    const [one] = cases;
    const theirs = one!.kept?.filter((path) => path !== ".pxarexclude-cli");
    if (wanted.error === undefined) {
      assertNotEquals(wantedPaths(one!), theirs, wanted.note);
    } else assertEquals(one!.error, "panic");
  }
});

Deno.test("encodePatterns() and encodePrelude() write what the official program writes", () => {
  let seen = 0;
  for (const one of EXCLUDE_CASES) {
    if (one.cli.length === 0 || one.pxarexcludeCli === undefined) continue;
    const patterns = one.cli.map((pattern) => parsePattern(pattern));
    assertEquals(text(encodePatterns(patterns)), one.pxarexcludeCli);
    assertEquals(text(encodePrelude(patterns)), one.prelude ?? fail(one.note));
    seen++;
  }
  assert(seen > 100);
});

Deno.test("encodePatterns() is undone by parsePattern() of each line", () => {
  const letter = fc.constantFrom(..."ab/!*?\\[]^- é");
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: letter, maxLength: 8 })),
      (globs) => {
        const patterns: Pattern[] = [];
        for (const glob of globs) {
          try {
            patterns.push(parsePattern(glob));
          } catch (error) {
            assert(error instanceof FormatError);
          }
        }
        const lines = text(encodePatterns(patterns)).split("\n").slice(0, -1);
        const parts = (pattern: Pattern) => [
          text(pattern.text),
          pattern.include,
          pattern.directoryOnly,
        ];
        assertEquals(
          lines.map((line) => parts(parsePattern(line))),
          patterns.map(parts),
        );
      },
    ),
  );
});

Deno.test("encodePrelude() replaces what is not UTF-8", () => {
  const pattern = parsePattern(Uint8Array.of(0x61, 0xff));
  assertEquals(encodePatterns([pattern]), Uint8Array.of(0x61, 0xff, 0x0a));
  assertEquals(
    text(encodePrelude([pattern])),
    '{"exclude-patterns":"a\ufffd\\n"}',
  );
});

Deno.test("parsePattern() turns what it is asked for round at a !", () => {
  assertEquals(parsePattern("a").include, false);
  assertEquals(parsePattern("!a").include, true);
  assertEquals(parsePattern("a", "include").include, true);
  assertEquals(parsePattern("!a", "include").include, false);
  assertEquals(text(parsePattern("!!a").text), "!a");
});

Deno.test("matchPatterns() lets the last match decide, and says nothing without one", () => {
  const patterns = [parsePattern("a"), parsePattern("!a"), parsePattern("a/")];
  assertEquals(matchPatterns(patterns, utf8("a"), false), "include");
  assertEquals(matchPatterns(patterns, utf8("a"), true), "exclude");
  assertEquals(matchPatterns(patterns, utf8("b"), true), undefined);
  assertEquals(matchPatterns([], utf8("a"), true), undefined);
});

Deno.test("parseExcludeFile() takes the directory's name as it is", () => {
  const directory = utf8("a*[x]\\?/!b");
  const patterns = parseExcludeFile(
    utf8("/y\n!/z*/\n!!/w"),
    directory,
    () => fail(),
  );
  assertEquals(
    matchPatterns(patterns, utf8("a*[x]\\?/!b/y"), false),
    "exclude",
  );
  assertEquals(
    matchPatterns(patterns, utf8("a*[x]\\?/!b/zz"), true),
    "include",
  );
  assertEquals(
    matchPatterns(patterns, utf8("a*[x]\\?/!b/zz"), false),
    undefined,
  );
  assertEquals(
    matchPatterns(patterns, utf8("a*[x]\\?/!b/w"), false),
    "exclude",
  );
  assertEquals(
    matchPatterns(patterns, utf8("ab[x]\\?/!b/y"), false),
    undefined,
  );
  assertEquals(matchPatterns(patterns, utf8("y"), false), undefined);
});

Deno.test("parseExcludeFile() tells of each bad line and goes on", () => {
  const told: string[] = [];
  const patterns = parseExcludeFile(
    utf8(" [a \nb\n!c\\"),
    utf8("sub"),
    (line, error) => {
      assert(error instanceof FormatError);
      told.push(text(line));
    },
  );
  assertEquals(told, ["[a", "!c\\"]);
  assertEquals(patterns.map((pattern) => text(pattern.text)), ["b"]);
});
