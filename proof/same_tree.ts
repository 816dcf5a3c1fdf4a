/**
 * Whether two trees are the same, asked of rsync, find and diff.
 *
 * @module
 */
import { compareTrees } from "../bench/compare_trees.ts";

/** How closely. */
export interface Closeness {
  /** `false`: times to the second; no extended attributes, access lists, device nodes. */
  readonly closely: boolean;
}

/**
 * What rsync would have to do to make one tree the other, by contents; with access lists, extended attributes and hardlinks.
 *
 * @param expected A directory; what is mounted below it does not count.
 * @param actual Another one.
 * @returns Paths, from the root, of what differs.
 * @throws {Error} If rsync cannot say it.
 */
export async function differences(
  expected: string,
  actual: string,
  { closely }: Closeness,
): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command("rsync", {
    args: [
      ...["-nx", "--checksum", "--delete", "--out-format", "%n"],
      ...(closely ? ["-aAXH", "--modify-window=-1"] : ["-rlptgoH"]),
      `${expected}/`,
      `${actual}/`,
    ],
    env: { LC_ALL: "C" },
  }).output();
  const text = new TextDecoder();
  // 24: something vanished meanwhile; it is among what changed.
  if (code !== 0 && code !== 24) throw new Error(text.decode(stderr));
  return text.decode(stdout).split("\n").filter((line) => line !== "")
    .map((line) => line.replace(/^deleting /, "").replace(/\/$/, ""))
    .filter((path) => !path.startsWith("skipping non-regular file "));
}

/** Paths, from the root, of what changed in a tree since some time: a machine that lives changes. */
async function changedSince(tree: string, time: Date): Promise<Set<string>> {
  const { stdout } = await new Deno.Command("find", {
    args: [
      ...[".", "-xdev", "-newerct", `@${time.getTime() / 1000}`],
      ...["-printf", "%P\\n"],
    ],
    cwd: tree,
    env: { LC_ALL: "C" },
  }).output();
  // Each ends with a newline; the root is the empty path.
  return new Set(new TextDecoder().decode(stdout).split("\n").slice(0, -1));
}

/**
 * Proves that a restored tree is what was backed up.
 *
 * @param expected The tree that was backed up.
 * @param actual What was restored.
 * @param since When the backup began; what changed later, and what lies in a directory that changed, does not count.
 * @returns How many paths differ and do not count.
 * @throws {Error} If one does that counts.
 */
export async function provedSame(
  expected: string,
  actual: string,
  since: Date,
  closeness: Closeness,
): Promise<number> {
  const paths = await differences(expected, actual, closeness);
  const changed = paths.length === 0
    ? new Set<string>()
    : await changedSince(expected, since);
  const counts = (path: string): boolean => {
    const above = path.replace(/(?:^|\/)[^/]*$/, "");
    return !changed.has(path) && !changed.has(above);
  };
  const wrong = paths.filter(counts);
  if (wrong.length > 0) {
    throw new Error(
      `${actual} is not as ${expected}, ${wrong.length} paths:\n${
        wrong.slice(0, 20).join("\n")
      }`,
    );
  }
  // The other pair of eyes needs a tree at rest.
  if (closeness.closely && paths.length === 0) {
    await compareTrees(expected, actual);
  }
  return paths.length;
}
