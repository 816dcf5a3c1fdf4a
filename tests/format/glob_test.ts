import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { matchPatterns, parsePattern } from "@pxar/format/pattern";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

function matches(pattern: string, path: string): boolean {
  return matchPatterns([parsePattern(pattern)], utf8(path), false) ===
    "exclude";
}

Deno.test("parsePattern() refuses bad globs and says where", () => {
  const bad: [string, number][] = [
    ["a\\", 1],
    ["[a\\", 2],
    ["a[", 1],
    ["[^", 0],
    ["[a-", 0],
    ["[[:alpha:]", 0],
    ["x[[:nope:]]", 2],
    ["[[:alpha]", 1],
    ["[[:]]", 1],
    ["[a-[:digit:]]", 2],
    ["a\0", 1],
    ["\\\0", 1],
    ["[\0]", 1],
    ["[\\\0]", 2],
  ];
  for (const [glob, offset] of bad) {
    const error = assertThrows(
      () => parsePattern(glob),
      FormatError,
      "Cannot read pattern",
    );
    assertEquals(error.offset, offset, glob);
  }
});

Deno.test("parsePattern() reads sets byte by byte", () => {
  const members = (glob: string): string => {
    const pattern = parsePattern(glob);
    let found = "";
    for (let byte = 1; byte < 256; byte++) {
      if (byte === 0x2f) continue;
      if (matchPatterns([pattern], Uint8Array.of(byte), false)) {
        found += String.fromCharCode(byte);
      }
    }
    return found;
  };
  const rest = (but: string): string => {
    let all = "";
    for (let byte = 1; byte < 256; byte++) {
      if (byte !== 0x2f && !but.includes(String.fromCharCode(byte))) {
        all += String.fromCharCode(byte);
      }
    }
    return all;
  };
  assertEquals(members("[a-c]"), "abc");
  assertEquals(members("[c-a]"), "abc");
  assertEquals(members("[-a]"), "-a");
  assertEquals(members("[a-]"), "-a");
  assertEquals(members("[a-c-e]"), "-abce");
  assertEquals(members("[[:digit:]-z]"), "-0123456789z");
  assertEquals(members("[\\]\\\\-\\^]"), "\\]^");
  assertEquals(members("[[]"), "[");
  assertEquals(members("[a!^]"), "!^a");
  assertEquals(members("[!]"), "!");
  assertEquals(members("[]"), "");
  for (const sign of ["^", "!"]) {
    assertEquals(members(`[${sign}ab]`), rest("ab"));
    assertEquals(members(`[${sign}-b]`), rest("-b"));
    assertEquals(members(`[${sign}!]`), rest("!"));
    assertEquals(members(`[${sign}^]`), rest("^"));
  }
  assertEquals(members("[^]"), rest(""));
  assertEquals(members("[[:xdigit:]]"), "0123456789ABCDEFabcdef");
  assertEquals(members("[[:blank:]]"), "\t ");
  assertEquals(members("[[:space:]]"), "\t\n\v\f\r ");
  assertEquals(members("[[:print:]]").length, 94);
  assertEquals(members("[[:graph:]]").length, 93);
  assertEquals(members("[[:cntrl:]]").length, 32);
  assertEquals(
    members("[[:alnum:]]"),
    members("[[:upper:][:lower:][:digit:]]"),
  );
  assertEquals(
    members("[[:punct:]]"),
    members("[~-!]").replace(/[A-Za-z0-9]/g, ""),
  );
});

Deno.test("matchPatterns() lets stars and sets cross slashes only where they may", () => {
  assert(matches("a/**/b", "a/b"));
  assert(matches("a/**/b", "a/x/y/b"));
  assert(!matches("a/**/b", "a/xb"));
  assert(!matches("/a/**/b", "x/a/b"));
  assert(matches("a/**", "a/b/c"));
  assert(!matches("a/**", "a"));
  assert(!matches("a**b", "a/b"));
  assert(matches("a/***/b", "a/x/b"));
  assert(matches("**/**/b", "b"));
  assert(matches("/**/b", "b"));
  assert(!matches("a*b", "a/b"));
  assert(matches("a[/]b", "x/a/b"));
  assert(matches("*[^x]b*z", "acb/bz"));
  assert(!matches("b", "a/xb"));
  assert(matches("/a", "a"));
  assert(!matches("/a", "b/a"));
});

// The rules once more, told as a search: which rests of the subject does a glob leave?
type Piece = {
  readonly glob: string;
  readonly rests: (subject: string) => string[];
};

const tails = (
  subject: string,
  until: (letter: string) => boolean,
): string[] => {
  const rests = [subject];
  for (let i = 0; i < subject.length && !until(subject[i]!); i++) {
    rests.push(subject.slice(i + 1));
  }
  return rests;
};
const one = (glob: string, fits: (letter: string) => boolean): Piece => ({
  glob,
  rests: (subject) =>
    subject !== "" && fits(subject[0]!) ? [subject.slice(1)] : [],
});
const PIECES: readonly Piece[] = [
  one("a", (letter) => letter === "a"),
  one("\\b", (letter) => letter === "b"),
  one("/", (letter) => letter === "/"),
  one("?", (letter) => letter !== "/"),
  one("[ab]", (letter) => letter === "a" || letter === "b"),
  one("[^a]", (letter) => letter !== "a"),
  { glob: "*", rests: (subject) => tails(subject, (letter) => letter === "/") },
  {
    glob: "/**/",
    rests: (subject) =>
      subject[0] !== "/" ? [] : [
        subject.slice(1),
        ...tails(subject.slice(1), () => false).filter((_, i) =>
          subject[i] === "/" && i > 0
        ),
      ],
  },
];

const LEADING: Piece = {
  glob: "**/",
  rests: (subject) =>
    tails(subject, () => false).filter((_, i) =>
      i === 0 || subject[i - 1] === "/"
    ),
};
const TRAILING: Piece = {
  glob: "/**",
  rests: (subject) =>
    subject[0] === "/" ? tails(subject.slice(1), () => false) : [],
};

function leaves(pieces: readonly Piece[], subject: string): boolean {
  let rests = new Set([subject]);
  for (const piece of pieces) rests = new Set([...rests].flatMap(piece.rests));
  return rests.has("");
}

Deno.test("matchPatterns() agrees with a plain search for every glob and path", () => {
  const middle = fc.array(fc.constantFrom(...PIECES), {
    minLength: 1,
    maxLength: 7,
  }).filter(
    // Two stars beside one another are another piece, and a slash at the end is none.
    (pieces) =>
      pieces.every(({ glob }, i) =>
        glob !== "*" || pieces[i + 1]?.glob !== "*"
      ) &&
      !pieces.at(-1)!.glob.endsWith("/"),
  );
  const globs = fc.tuple(fc.boolean(), middle, fc.boolean()).map((
    [leading, pieces, trailing],
  ) => [
    ...leading ? [LEADING] : [],
    ...pieces,
    ...trailing ? [TRAILING] : [],
  ]);
  const names = fc.string({
    unit: fc.constantFrom("a", "b", "c"),
    minLength: 1,
    maxLength: 4,
  });
  const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) =>
    parts.join("/")
  );
  let found = 0;
  fc.assert(
    fc.property(globs, paths, (pieces, path) => {
      const whole = `/${path}`;
      const subjects = [whole];
      for (let i = 0; i < whole.length; i++) {
        if (whole[i] === "/") subjects.push(whole.slice(i + 1));
      }
      const expected = subjects.some((subject) => leaves(pieces, subject));
      if (expected) found++;
      assertEquals(
        matches(pieces.map((piece) => piece.glob).join(""), path),
        expected,
      );
    }),
    { numRuns: 10_000 },
  );
  assert(found > 100);
});

Deno.test("matchPatterns() takes hostile globs and long paths without blowing up", () => {
  const long = "a".repeat(4096);
  assert(matches("*a".repeat(2000), long));
  assert(!matches("*a".repeat(2000) + "*b*", long));
  assert(!matches("**/*a".repeat(500) + "*b*", "aaa/".repeat(1000) + "a"));
  assert(!matches("/**/a".repeat(500) + "/b*", "a/".repeat(2000) + "c"));
  assert(!matches("[^b]".repeat(3000) + "*b*", long));
  assert(matches("*".repeat(1_000_000), "a"));
  assert(!matches("?".repeat(1_000_000), "a"));
  assert(matches("/" + "**/".repeat(300_000) + "a", "x/a"));
});

Deno.test("parsePattern() ends in a pattern or a FormatError, whatever the bytes", () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const special = fc.string({
    unit: fc.constantFrom(..."[]\\*?/!^-:alpha"),
    maxLength: 30,
  });
  fc.assert(
    fc.property(
      fc.oneof(bytes, special),
      fc.uint8Array({ maxLength: 20 }),
      (glob, path) => {
        try {
          matchPatterns([parsePattern(glob)], path, true);
        } catch (error) {
          assert(error instanceof FormatError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
