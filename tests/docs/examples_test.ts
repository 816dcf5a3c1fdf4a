// Every program in examples/ runs.
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { ROOT } from "../../tasks/workspace.ts";

const TEXT = new TextDecoder();
/** Where an example finds its secret. */
const SECRET = { PASSPHRASE: "correct horse" };

/** What a program of the project made of its arguments. */
async function outcome(
  file: string,
  args: string[],
  input: Uint8Array = new Uint8Array(),
  cwd: string = ROOT,
): Promise<Deno.CommandOutput> {
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...await grants(file), `${ROOT}${file}`, ...args],
    cwd,
    env: SECRET,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const done = program.output();
  const writer = program.stdin.getWriter();
  // A program that reads nothing may have ended before.
  await writer.write(input).then(() => writer.close()).catch(() => {});
  return await done;
}

/** What an example's `Run:` line permits. */
async function grants(file: string): Promise<string[]> {
  if (!file.startsWith("examples/")) return ["-A"];
  const [first] = (await Deno.readTextFile(`${ROOT}${file}`)).split("\n");
  const flags = new RegExp(` deno run ((?:-\\S+ )*)${file}`).exec(first!)?.[1];
  assert(flags !== undefined, `${file} does not say how it is run`);
  return ["--no-prompt", ...flags.split(" ").filter((flag) => flag !== "")];
}

/** Runs a program of the project, which must end well. */
async function runFile(
  file: string,
  args: string[],
  input?: Uint8Array,
  cwd?: string,
): Promise<Uint8Array> {
  const { code, stdout, stderr } = await outcome(file, args, input, cwd);
  assertEquals(code, 0, TEXT.decode(stderr));
  return stdout;
}

/** Runs an example. */
async function run(name: string, ...args: string[]): Promise<Uint8Array> {
  return await runFile(`examples/${name}.ts`, args);
}

/** Runs an example that prints text. */
async function say(name: string, ...args: string[]): Promise<string> {
  return TEXT.decode(await run(name, ...args));
}

async function pxar(...args: string[]): Promise<string> {
  return TEXT.decode(await runFile("cli/main.ts", args));
}

async function inTemp(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A tree of two files, one of them in a directory. */
async function photos(folder: string): Promise<string> {
  const tree = `${folder}/photos`;
  await Deno.mkdir(`${tree}/2026`, { recursive: true });
  await Deno.writeTextFile(`${tree}/2026/beach.txt`, "sunset\n");
  await Deno.writeTextFile(`${tree}/list.tmp`, "1\n");
  return tree;
}

Deno.test("examples back up, restore and merge snapshots", async () => {
  await inTemp(async (folder) => {
    const tree = await photos(folder), store = `${folder}/store`;
    await pxar("store", "init", store, "--on-demand");
    // As in the README: `store`, `photos` and `2026/beach.txt` are what it takes unless told.
    const said = TEXT.decode(
      await runFile("examples/backup.ts", [], undefined, folder),
    );
    assert(/^host\/elsa\/\S+Z\nsunset\n$/.test(said), said);

    const restored = `${folder}/restored`;
    assertEquals(
      await say("restore", store, "host/elsa", restored),
      "4 entries restored, 0 problems\n",
    );
    assertEquals(
      await Deno.readTextFile(`${restored}/2026/beach.txt`),
      "sunset\n",
    );

    const add = ["--repository", store, "--quiet"];
    await pxar("backup", `root.pxar:${tree}`, "--backup-id", "one", ...add);
    await Deno.mkdir(`${folder}/more/2026`, { recursive: true });
    await Deno.writeTextFile(`${folder}/more/2026/beach.txt`, "rain\n");
    await Deno.link(
      `${folder}/more/2026/beach.txt`,
      `${folder}/more/2026/sea.txt`,
    );
    const more = `root.pxar:${folder}/more`;
    await pxar("backup", more, "--backup-id", "two", ...add);
    const names: string[] = JSON.parse(
      await pxar("snapshot", "list", "--repository", store, "--json"),
    ).filter((one: { "backup-id": string }) => one["backup-id"] !== "elsa").map(
      (one: { "backup-id": string; "backup-time": number }) =>
        `host/${one["backup-id"]}/${
          new Date(one["backup-time"] * 1000).toISOString().replace(".000", "")
        }`,
    ).sort();
    const merged = await say("merge_snapshots", store, ...names);
    assert(/^host\/merged\/\S+Z: 5 entries\n/.test(merged), merged);
    const cat = (path: string) =>
      pxar("cat", "host/merged:root.pxar", path, "--repository", store);
    assertEquals(await cat("2026/beach.txt"), "rain\n");
    assertEquals(await cat("2026/sea.txt"), "rain\n");
    assertEquals(await cat("list.tmp"), "1\n");
  });
});

Deno.test("an example backs up, lists, opens and reads in fewer than 15 lines, and the README has it", async () => {
  const text = await Deno.readTextFile(`${ROOT}examples/backup.ts`);
  const program = text.slice(text.indexOf("import "));
  const lines = program.split("\n").filter((line) => line.trim() !== "");
  assert(lines.length < 15, `${lines.length} lines`);
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  assertStringIncludes(readme, `\`\`\`ts\n${program}\`\`\``);
});

Deno.test("examples encode, decode, look up, filter, copy and merge", async () => {
  await inTemp(async (folder) => {
    const made = `${folder}/made.pxar`;
    await Deno.writeFile(made, await run("encode"));
    assertEquals(
      await pxar("list", made),
      '"/"\n"/hello.txt"\n"/link"\n"/null"\n',
    );
    assertEquals(
      TEXT.decode(
        await runFile("examples/decode.ts", [], await Deno.readFile(made)),
      ),
      // What `printf 'Hello!\n' | sha256sum` prints.
      "b22b009134622b6508d756f1062455d71a7026594eacb0badf81f4f677929ebe  hello.txt\n",
    );
    assertEquals(
      await say("random_access", made),
      'hello.txt file "Hello!\\n"\nlink symlink ""\nnull device ""\n',
    );

    const tree = `${folder}/tree.pxar`;
    await pxar("create", tree, await photos(folder));
    assertEquals(
      await say("random_access", tree, "/2026"),
      'beach.txt file "sunset\\n"\n',
    );
    const kept = `${folder}/kept.pxar`;
    await Deno.writeFile(kept, await run("filter_archive", tree));
    assertEquals(
      await pxar("list", kept),
      '"/"\n"/2026"\n"/2026/beach.txt"\n',
    );

    const copied = `${folder}/copied.pxar`;
    await Deno.writeFile(
      copied,
      await run("copy", tree, "/2026=/old/summer", "/list.tmp=/list.txt"),
    );
    assertEquals(
      await pxar("list", copied),
      '"/"\n"/list.txt"\n"/old"\n"/old/summer"\n"/old/summer/beach.txt"\n',
    );

    const merged = `${folder}/merged.pxar`;
    await Deno.writeFile(merged, await run("merge", made, copied, tree));
    assertEquals(
      (await pxar("list", merged)).split("\n").sort(),
      [
        "",
        '"/"',
        '"/2026"',
        '"/2026/beach.txt"',
        '"/hello.txt"',
        '"/link"',
        '"/list.tmp"',
        '"/list.txt"',
        '"/null"',
        '"/old"',
        '"/old/summer"',
        '"/old/summer/beach.txt"',
      ],
    );
    await pxar("check", merged);
  });
});

Deno.test("examples cut, count what is new, keep bytes, sign and lock", async () => {
  await inTemp(async (folder) => {
    const bytes = new Uint8Array(1 << 16).map((_, i) => i * i >> 7);
    const tree = `${folder}/tree`;
    await Deno.mkdir(tree);
    for (const name of ["one", "two"]) {
      await Deno.writeFile(`${tree}/${name}`, bytes);
    }
    assertEquals(
      await say("cut", `${tree}/one`, `${tree}/two`),
      "2 chunks of 131072 bytes\n1 distinct ones of 65536 bytes\n50.0 % saved, before compression\n",
    );

    const twice = (await say("dedup_statistics", tree, tree)).split("\n");
    assertEquals(twice[1], "  131072 bytes read, 0 unread");
    assertEquals(twice[5], "  0 bytes read, 131072 unread");
    assert(/^ {2}[123] of [345] chunks are new$/.test(twice[6]!), twice[6]);

    const said = TEXT.decode(
      await runFile("examples/datastore.ts", [`${folder}/store`], bytes),
    );
    assert(
      new RegExp(
        `^65536 bytes in 1 chunks, \\d+ stored\\nit ends with ${
          bytes.slice(-8).toHex()
        }\\n1 chunks verified, 0 snapshots damaged\\n$`,
      ).test(said),
      said,
    );

    const signed = await say("sign_manifest");
    assertStringIncludes(signed, '"signature": "');
    assertStringIncludes(signed, "its signature is wrong");

    const key = `${folder}/key.json`;
    const shown = await say("key_file", key);
    assertStringIncludes(shown, "-----END PROXMOX BACKUP KEY-----");
    const { fingerprint } = JSON.parse(await Deno.readTextFile(key));
    assertStringIncludes(shown, fingerprint);
  });
});

Deno.test("examples that lack what they need say so in one sentence", async () => {
  for (
    const name of [
      "copy",
      "cut",
      "datastore",
      "dedup_statistics",
      "filter_archive",
      "key_file",
      "merge",
      "merge_snapshots",
      "random_access",
      "restore",
    ]
  ) {
    const { code, stdout, stderr } = await outcome(`examples/${name}.ts`, []);
    assertEquals([code, stdout.length], [2, 0], name);
    const said = TEXT.decode(stderr);
    assert(/^Cannot [^\n]+: expected [^\n]+\n$/.test(said), said);
  }
});

Deno.test("no example is left out here", async () => {
  const text = await Deno.readTextFile(new URL(import.meta.url));
  // `deno task try` has a test of its own.
  const left = [...Deno.readDirSync(`${ROOT}examples`)].filter(({ name }) =>
    name !== "try.ts" && !text.includes(`examples/${name}`) &&
    !new RegExp(`(run|say)\\(\\s*"${name.replace(".ts", "")}"`).test(text)
  );
  assertEquals(left, []);
});
