// The 163 exclude cases that the official program was run on, and the one list of where we differ on purpose.
import { readVector } from "./vectors.ts";

/** One run of the official `pxar create` on the tree of {@linkcode EXCLUDE_TREE}. */
export interface ExcludeCase {
  readonly note: string;
  /** Values of `--exclude`, in order. */
  readonly cli: readonly string[];
  /** Contents of the exclude files, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** What is stored, in archive order, without the root. */
  readonly kept?: readonly string[];
  /** Content of the generated file of a v1 archive. */
  readonly pxarexcludeCli?: string;
  /** Content of the prelude of a v2 archive. */
  readonly prelude?: string;
  /** Why it gave up. */
  readonly error?: string;
  /** Bad lines of exclude files: reported and left out. */
  readonly skippedLines?: readonly string[];
}

/** A wanted difference of one case: what ours leaves out or keeps in addition, or that it refuses the pattern. */
export interface WantedDifference {
  readonly note: string;
  readonly cli: readonly string[];
  readonly why: string;
  /** Ours leaves these out; where the official program gave up, compared with the whole tree. */
  readonly without: readonly string[];
  /** Ours keeps these. */
  readonly with: readonly string[];
  /** Ours ends with a `FormatError` that says this. */
  readonly error: string | undefined;
}

const DATA: {
  readonly tree: readonly string[];
  readonly cases: readonly ExcludeCase[];
} = JSON
  .parse(new TextDecoder().decode(readVector("exclude-rules.json")));

/** Paths of the tree, in no order; those of directories end in a slash. Exclude files come in addition. */
export const EXCLUDE_TREE: readonly string[] = DATA.tree;

/** The cases. */
export const EXCLUDE_CASES: readonly ExcludeCase[] = DATA.cases;

const ANCHORED =
  "a leading slash in a .pxarexclude below the root means that directory, as the official documentation has it; the official program never matches it";
const NOT_CLOSED =
  "a [ that is not closed is an error; the official program crashes";

/** Every case in which ours differs, and why. */
export const WANTED_DIFFERENCES: readonly WantedDifference[] = [
  differs("command line", ["[!a]"], {
    why:
      "[!…] negates, as the official documentation has it; there the ! is one more member",
    without: ["-", "1", "A", "]", "*", "b", "d", "foo/b", "foo/bar/baz/c"],
    with: [
      "a",
      "bar/a",
      "bar/foo/a",
      "foo/a",
      "foo/bar/a",
      "foo/bar/baz/a",
      "lost+found/a",
    ],
  }),
  differs("command line", ["[a-]"], {
    why:
      "a - at the end of a set is itself, as in every other program; the official program crashes",
    without: [
      "-",
      "a",
      "bar/a",
      "bar/foo/a",
      "foo/a",
      "foo/bar/a",
      "foo/bar/baz/a",
      "lost+found/a",
    ],
  }),
  differs("command line", ["[a"], {
    why: NOT_CLOSED,
    error: "[ is not closed",
  }),
  differs("command line", ["[[:digit:]"], {
    why: NOT_CLOSED,
    error: "[ is not closed",
  }),
  differs("nested: anchored", [], { why: ANCHORED, without: ["foo/a"] }),
  differs("nested: anchored, deeper", [], {
    why: ANCHORED,
    without: ["foo/bar/a"],
  }),
  differs("nested: anchored, two levels", [], {
    why: ANCHORED,
    without: ["foo/bar/a"],
  }),
  differs("nested: anchored directory", [], {
    why: ANCHORED,
    without: ["foo/bar"],
  }),
  differs("nested: anchored negation of the root's", [], {
    why: ANCHORED,
    with: ["foo/a"],
  }),
];

/** The same in the vectors `exclude`, `exclude-cli-a` and `exclude-cli-b`, whose tree has a nested `.pxarexclude` with leading slashes. */
export const WANTED_IN_EXCLUDE_TREE: {
  readonly without: string;
  readonly with: string;
} = {
  without: "sub/nested-anchored",
  with: "sub/keep-anchored.tmp",
};

/** The difference wanted of a case, if any. */
export function wantedDifference(
  one: ExcludeCase,
): WantedDifference | undefined {
  return WANTED_DIFFERENCES.find((wanted) =>
    wanted.note === one.note && wanted.cli.join("\0") === one.cli.join("\0")
  );
}

/** What ours keeps in a case, in archive order, without a generated `.pxarexclude-cli`; `undefined` where it refuses a pattern. */
export function wantedPaths(one: ExcludeCase): readonly string[] | undefined {
  const wanted = wantedDifference(one);
  if (
    wanted === undefined ? one.kept === undefined : wanted.error !== undefined
  ) return undefined;
  const all = EXCLUDE_TREE.map((path) => path.replace(/\/$/, ""));
  const base = (one.kept ?? all).filter((path) => path !== ".pxarexclude-cli");
  const gone = wanted?.without ?? [];
  return inArchiveOrder([
    ...base.filter((path) =>
      !gone.some((top) => path === top || path.startsWith(`${top}/`))
    ),
    ...wanted?.with ?? [],
  ]);
}

/** Sorts paths as an archive has them: depth first, names byte by byte. */
export function inArchiveOrder(paths: readonly string[]): string[] {
  const utf8 = new TextEncoder();
  const key = (path: string) =>
    utf8.encode(path).map((byte) => byte === 0x2f ? 0 : byte);
  const keyed = paths.map((path) => ({ path, key: key(path) }));
  return keyed.sort((a, b) => compareBytes(a.key, b.key)).map(({ path }) =>
    path
  );
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

function differs(
  note: string,
  cli: readonly string[],
  how: { why: string; without?: string[]; with?: string[]; error?: string },
): WantedDifference {
  return {
    note,
    cli,
    why: how.why,
    without: how.without ?? [],
    with: how.with ?? [],
    error: how.error,
  };
}
