// Every row of the table of exit codes, and what is said with it: one sentence.
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { EXIT_TABLE } from "../../cli/exits.ts";
import { readVector, VECTORS } from "../support/vectors.ts";
import { inFolder, program, pxar, type RunOptions } from "./run.ts";

const PLAIN = new URL("kinds.pxar", VECTORS).pathname;
const SPLIT = new URL("kinds.mpxar", VECTORS).pathname;

async function says(
  args: readonly string[],
  code: number,
  sentence: string | RegExp,
  options?: RunOptions,
): Promise<void> {
  const ran = await pxar(args, options);
  if (typeof sentence === "string") {
    assertEquals(ran.err, `pxar: ${sentence}\n`);
  } else assertMatch(ran.err, sentence);
  assertEquals(ran.code, code, ran.err);
  assertEquals(ran.out, "");
}

Deno.test("wrong usage ends with 2, a sentence and a hint", async () => {
  await Promise.all([
    says(
      ["creat", "a", "b"],
      2,
      'Cannot run "creat": "pxar help" does not know such a command, perhaps create is meant',
    ),
    says(
      ["extract", "--overwite", "a"],
      2,
      'Cannot use option --overwite: "pxar help extract" does not know it, perhaps --overwrite is meant',
    ),
    says(
      ["cat", PLAIN],
      2,
      "Cannot cat: PATH is missing, expected pxar cat ARCHIVE PATH...",
    ),
    says(
      ["info", PLAIN, "b"],
      2,
      'Cannot info: "b" is one operand too many, expected pxar info ARCHIVE',
    ),
    says(
      ["create", "x.pxar", ".", "--exclude", "[a"],
      2,
      /^pxar: Cannot .*\n$/,
    ),
    says(
      ["find", PLAIN, "--size", "big"],
      2,
      /^pxar: Cannot use --size big: .*\n$/,
    ),
    says(
      ["find", PLAIN, "--type", "x"],
      2,
      /^pxar: Cannot use --type x: .*\n$/,
    ),
    says(["list", PLAIN, "--escaped", "\\q"], 2, /unknown escape/),
    says(["cat", "-", "/file"], 2, /expected the archive as a file/),
    says(["extract", PLAIN, "-", "a", "b"], 2, /expected one PATTERN/),
    says(["create", "-", ".", "--json"], 2, /^pxar: Cannot use --json with -/),
  ]);
});

Deno.test("failure ends with 1 and one sentence, whatever is in the name", async () => {
  await Promise.all([
    says(
      ["ls", "/no/such\nfile"],
      1,
      "Cannot open /no/such\\nfile: no such file or directory",
    ),
    says(["ls", "/"], 1, "Cannot read /: is a directory, expected a file"),
    says(
      ["create", "/no/such/a.pxar", "."],
      1,
      "Cannot create /no/such/a.pxar: no such file or directory",
    ),
    says(
      ["create", "a.pxar", "/no/such"],
      1,
      "Cannot archive /no/such: no such file or directory",
    ),
    says(
      ["cat", PLAIN, "/dir"],
      1,
      'Cannot read "/dir": it is a directory, expected a file',
    ),
  ]);
});

Deno.test("a damaged archive ends with 4", async () => {
  await inFolder(async (folder) => {
    const whole = readVector("kinds.pxar");
    await Deno.writeFile(
      `${folder}/cut.pxar`,
      whole.subarray(0, whole.length - 100),
    );
    await Deno.writeFile(`${folder}/empty.pxar`, new Uint8Array());
    for (const command of ["list", "ls", "info", "check", "stat", "find"]) {
      for (const file of ["cut", "empty"]) {
        const { code, err, out } = await pxar([
          command,
          `${folder}/${file}.pxar`,
          ...command === "stat" ? ["/"] : [],
        ]);
        assertEquals(code, 4, `${command} ${file}: ${err}`);
        if (command === "check") assertMatch(out, /^archive \d+: Cannot /);
        else assertMatch(err, /^pxar: Cannot [^\n]*\n$/);
      }
    }
    const { code } = await pxar([
      "extract",
      `${folder}/cut.pxar`,
      `${folder}/out`,
    ]);
    assertEquals(code, 4);
  });
});

Deno.test("a path that is not in the archive ends with 5", async () => {
  await Promise.all(
    ["ls", "cat", "stat", "list"].map((command) =>
      says(
        [command, PLAIN, "/dir/nope"],
        5,
        'Cannot find "/dir/nope": it is not in the archive',
      )
    ),
  );
  await says(["extract", PLAIN, "-", "nope"], 5, /is not in the archive/);
  await says(["extract", "-", "-", "nope"], 5, /is not in the archive/, {
    stdin: readVector("kinds.pxar"),
  });
});

Deno.test("contents of a split archive are not guessed", async () => {
  await inFolder(async (folder) => {
    await Deno.copyFile(SPLIT, `${folder}/a.mpxar`);
    await Deno.copyFile(SPLIT, `${folder}/unnamed`);
    await says(
      ["extract", "a.mpxar", "out"],
      2,
      /expected --payload-input FILE or a\.ppxar beside it/,
      { cwd: folder },
    );
    await says(
      ["extract", "unnamed", "out"],
      2,
      /^pxar: Cannot read "\/dir\/child": .*expected --payload-input FILE\n$/,
      { cwd: folder },
    );
    await says(
      ["cat", "unnamed", "/file"],
      2,
      /expected --payload-input FILE/,
      { cwd: folder },
    );
    await Deno.writeFile(`${folder}/a.ppxar`, readVector("kinds.ppxar"));
    const { code, out, err } = await pxar([
      "extract",
      "a.mpxar",
      "-",
      "/dir/child",
    ], { cwd: folder });
    assertEquals([code, err], [0, ""]);
    assertEquals(out.length, 6);
    const named = await pxar([
      "cat",
      "unnamed",
      "--payload-input=a.ppxar",
      "/dir/child",
    ], { cwd: folder });
    assertEquals(named.out, out);
  });
});

Deno.test("a reader that stops reading ends the program with 141, and silently", async () => {
  const child = program([
    "list",
    "-l",
    new URL("tables.pxar", VECTORS).pathname,
  ]).spawn();
  await child.stdout.cancel();
  const { code, stderr } = await child.stderr.bytes().then(async (stderr) => ({
    code: (await child.status).code,
    stderr,
  }));
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(code, 141);
});

Deno.test("PXAR_DEBUG shows where an error was met, and nothing else does", async () => {
  const { err } = await pxar(["ls", "/no/such"], { env: { PXAR_DEBUG: "1" } });
  assert(err.includes("    at "));
});

Deno.test("docs/commands.md has the same table of exit codes", async () => {
  const page = await Deno.readTextFile(
    new URL("../../docs/commands.md", import.meta.url),
  );
  for (const [code, meaning] of EXIT_TABLE) {
    assert(
      new RegExp(
        `^\\| +${code} +\\| ${meaning.replace(/[()]/g, "\\$&")} +\\|$`,
        "m",
      ).test(page),
      `${code} ${meaning}`,
    );
  }
});
