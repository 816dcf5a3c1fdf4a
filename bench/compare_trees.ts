/**
 * Whether two trees are the same, asked of find and diff.
 *
 * @module
 */

const FORMAT = [
  ...["(", "-type", "f", "-printf", "f %m %U %G %T@ %s %P\\0%i\\0", ")", "-o"],
  ...["-printf", "%y %m %U %G %T@ %l %P\\0\\0"],
];

async function list(path: string): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command("find", {
    args: [".", ...FORMAT],
    cwd: path,
    env: { LC_ALL: "C" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  // Latin-1: every byte of a name stays what it is.
  const words = new TextDecoder("latin1").decode(stdout).split("\0");
  const files: (readonly [line: string, inode: string])[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    files.push([words[i]!, words[i + 1]!]);
  }
  files.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  // Links are told by the first line of their file: a count would also count those outside of the tree.
  const first = new Map<string, string>();
  return files.map(([line, inode]) => {
    if (inode === "") return line;
    const one = first.get(inode);
    if (one === undefined) first.set(inode, line);
    return one === undefined ? line : `${line} is ${one}`;
  });
}

/**
 * Compares two trees: names, types, modes, owners, times to the nanosecond, which names are one file, contents.
 *
 * @throws {Error} That shows the first differences, if there are any.
 */
export async function compareTrees(
  expected: string,
  actual: string,
): Promise<void> {
  const [left, right] = await Promise.all([list(expected), list(actual)]);
  const [inLeft, inRight] = [new Set(left), new Set(right)];
  const different = [
    ...left.filter((line) => !inRight.has(line)).map((line) => `- ${line}`),
    ...right.filter((line) => !inLeft.has(line)).map((line) => `+ ${line}`),
  ];
  if (different.length === 0) {
    const { code, stdout, stderr } = await new Deno.Command("diff", {
      args: ["-rq", "--no-dereference", expected, actual],
      env: { LC_ALL: "C" },
    }).output();
    const text = new TextDecoder();
    if (code > 1) throw new Error(text.decode(stderr));
    // Two fifos differ for diff because they have no content.
    different.push(
      ...text.decode(stdout).split("\n").filter((line) =>
        line !== "" && !/ is a (.+) while file .* is a \1$/.test(line)
      ),
    );
  }
  if (different.length > 0) {
    throw new Error(
      `${actual} is not as ${expected} (${different.length} lines):\n` +
        different.slice(0, 20).join("\n").slice(0, 4000),
    );
  }
}
