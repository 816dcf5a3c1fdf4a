// `pxar catalog shell`: the recorded official session, scripts, restoring, and a terminal of its own.
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { expectedOf, PBS } from "../support/official_store.ts";
import { systemTest } from "../support/skip.ts";
import { base64, readVector } from "../support/vectors.ts";
import type { ExpectedStore } from "../store/official.ts";
import {
  completeWord,
  lineWords,
  unfinishedWord,
} from "../../cli/shell_line.ts";
import { unquote } from "../../cli/names.ts";
import { inFolder, MAIN, pxar, type Ran } from "./run.ts";
import { inStore, type StorePlace } from "./stores.ts";

const LEGACY = "host/h1/2023-11-14T22:13:20Z";
const SPLIT = "host/h1/2023-11-15T22:13:20Z";

/** Runs lines in the shell. */
async function shell(
  { runWords }: Pick<StorePlace, "runWords">,
  where: readonly string[],
  lines: readonly string[],
): Promise<Ran> {
  const stdin = new TextEncoder().encode(
    lines.map((one) => `${one}\n`).join(""),
  );
  return await runWords(["catalog", "shell", ...where], { stdin });
}

/** What the official client printed for each line of its session. */
function recorded(): { line: string; text: string }[] {
  const whole = Deno.readTextFileSync(new URL("client/catalog-shell.txt", PBS))
    .replaceAll("\r", "");
  return whole.split(/^pxar:\/\S* > /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    return { line: part.slice(0, end), text: part.slice(end + 1) };
  });
}

Deno.test("catalog shell prints what the official one printed", () =>
  inStore(async (place) => {
    const session = recorded();
    assertEquals(session.length, 8);
    const good = session.filter(({ line }) => line !== "nosuch");
    const ran = await shell(place, [LEGACY, "root.pxar"], [
      ...good.map(({ line }) => line),
      "pwd",
    ]);
    assertEquals([ran.code, ran.err], [0, ""]);
    assertEquals(
      ran.out,
      good.map(({ text }) => text.replace(/^\[exit 0\]\n?/m, "")).join(""),
    );
    // Its help names the same commands in the same words.
    const usage = session.find(({ line }) => line === "nosuch")!.text
      .split("\n\n")[2]!.trimEnd().split("\n");
    const help = (await shell(place, [LEGACY, "root.pxar"], ["help"])).out
      .split("\n\n")[0]!.split("\n");
    assertEquals(help.map((one) => one.slice(0, 30).trimEnd()), usage);
  }, "plain"));

Deno.test("catalog shell finds the same with a catalog, without one, and in a file", () =>
  inStore(async (place) => {
    const { folder, run } = place;
    const lines = [
      "ls",
      "cd docs",
      "pwd",
      "ls ../links",
      'stat "sp ace\\ttab"',
      "stat ../links/name-\\xFF\\xFE",
      "stat /links/fifo",
      "stat ../links/hard",
      "ls /links/rel",
      "cd /../../links/../empty\\ dir/.",
      "pwd",
      "cd",
      "find '*.txt' --select",
      "list-selected",
    ];
    const trees = expectedOf("plain") as ExpectedStore;
    for (
      const [one, wheres] of [
        [LEGACY, [[LEGACY, "root.pxar"], [`${LEGACY}:root.pxar`], [
          "./v1.pxar",
        ]]],
        [SPLIT, [[SPLIT, "root.pxar"], [`${SPLIT}:root.mpxar`]]],
      ] as const
    ) {
      if (one === LEGACY) {
        const { archives } = trees.snapshots.find(({ snapshot }) =>
          snapshot === one
        )!;
        assert(archives["root.pxar"]?.kind === "pxar");
        assertEquals((await run(`restore ${one} root.pxar whole`)).code, 0);
        assertEquals((await run("create v1.pxar whole")).code, 0);
      }
      const all = await Promise.all(
        wheres.map((where) => shell(place, where, lines)),
      );
      for (const ran of all) {
        assertEquals([ran.code, ran.err], [0, ""]);
        assertEquals(ran.out, all[0]!.out);
      }
      assertStringIncludes(all[0]!.out, "name-\\xFF\\xFE\n");
      assertStringIncludes(all[0]!.out, "  File: /docs/sp ace\\ttab\n");
      assertStringIncludes(all[0]!.out, '"/empty dir"\n');
    }
    assert(!Deno.statSync(folder).isFile);
  }, "plain"));

Deno.test("catalog shell restores what is selected, and the directory where it is", () =>
  inStore(async (place) => {
    const { folder } = place;
    const tree = (snapshot: string) => {
      const archive = (expectedOf("plain") as ExpectedStore).snapshots.find((
        one,
      ) => one.snapshot === snapshot)!.archives["root.pxar"]!;
      assert(archive.kind === "pxar");
      return archive.tree;
    };
    const bytesOf = (path: string) => Deno.readFileSync(`${folder}/${path}`);
    const hash = async (path: string) =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(path)))
        .toHex();
    for (const [name, where] of [["v1", LEGACY], ["split", SPLIT]] as const) {
      const ran = await shell(place, [where, "root.pxar"], [
        "# only names of files whose first names are left out",
        "select links/hard",
        "cd docs",
        "select .",
        "select /data/empty",
        "select /data",
        "deselect ../data",
        "list-selected",
        `restore-selected ${name}/a`,
        "clear-selected",
        "list-selected",
        `restore ${name}/b --pattern f0*`,
        "cd /links",
        `restore ${name}/c`,
      ]);
      assertEquals(ran.code, 0, ran.err);
      assertEquals(ran.out, "/links/hard\n/docs\n/data/empty\n");
      assertEquals(ran.err.split("\n").length, 4);
      const expected = tree(where);
      const sha = (path: string) =>
        expected.find((one) =>
          new TextDecoder().decode(base64(one.path)) === path
        )?.sha256;
      const docs = expected.flatMap(({ path }) => {
        const text = base64(path);
        const shown = new TextDecoder().decode(text);
        return shown.startsWith("docs/") ? [shown] : [];
      });
      const got = [...Deno.readDirSync(`${folder}/${name}/a/docs`)].map((one) =>
        `docs/${one.name}`
      );
      assertEquals(got.sort(), docs.sort());
      assertEquals(
        [...Deno.readDirSync(`${folder}/${name}/a`)].map((one) => one.name)
          .sort(),
        ["data", "docs", "links"],
      );
      const hard = expected.find(({ path }) =>
        new TextDecoder().decode(base64(path)) === "links/hard"
      )!;
      const first = new TextDecoder().decode(base64(hard.hardlink_of!));
      assertEquals(await hash(`${name}/a/links/hard`), sha(first));
      assertEquals(await hash(`${name}/c/hard`), sha(first));
      assertEquals(await hash(`${name}/a/docs/f00.txt`), sha("docs/f00.txt"));
      assertEquals(
        [...Deno.readDirSync(`${folder}/${name}/b`)].map((one) => one.name)
          .sort(),
        docs.map((one) => one.slice(5)).filter((one) => one.startsWith("f0"))
          .sort(),
      );
    }
  }, "plain"));

Deno.test("catalog shell keeps links among what is restored", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tree/d`, { recursive: true });
    await Deno.writeTextFile(`${folder}/tree/a`, "once");
    for (const to of ["d/b", "d/c"]) {
      await Deno.link(`${folder}/tree/a`, `${folder}/tree/${to}`);
    }
    await pxar(["create", "x.pxar", "tree"], { cwd: folder });
    const runWords = (words: readonly string[], options = {}) =>
      pxar(words, { cwd: folder, ...options });
    const ran = await shell({ runWords }, ["x.pxar"], [
      "cd d",
      "restore one",
      "cd",
      "select d/b",
      "select d/c",
      "restore-selected two",
      "restore three",
      "cd d",
      "restore four --pattern c",
    ]);
    assertEquals(ran.code, 0, ran.err);
    const inode = (path: string) => Deno.statSync(`${folder}/${path}`).ino;
    assertEquals(inode("one/b"), inode("one/c"));
    assertEquals(inode("two/d/b"), inode("two/d/c"));
    assertEquals(inode("three/a"), inode("three/d/c"));
    assertEquals(await Deno.readTextFile(`${folder}/four/c`), "once");
    assertEquals([...Deno.readDirSync(`${folder}/two`)].length, 1);
  });
});

Deno.test("catalog shell ends a script at what fails, and says what", () =>
  inStore(async (place) => {
    await Deno.mkdir(`${place.folder}/full/docs`, { recursive: true });
    for (
      const [line, code, sentence] of [
        ["nosuch", 2, 'Cannot run "nosuch": there is no such command'],
        ["selec", 2, "perhaps select is meant"],
        ["cd nope", 5, 'Cannot find "/nope": it is not in the archive'],
        ["cd docs/f00.txt", 2, "it is a file, expected a directory"],
        ["ls docs/f00.txt/x", 5, '"/docs/f00.txt" is a file, expected a'],
        ["cd links/abs", 5, 'Cannot find "/nonexistent": it is not in'],
        ["stat", 2, "PATH is missing, expected stat PATH"],
        ["ls --long", 2, '"help ls" does not know it'],
        ["select nope", 5, "it is not in the archive"],
        ["deselect docs", 5, "it is not among what is selected"],
        ["restore-selected out", 2, "nothing is, expected select PATH"],
        ["restore full", 3, "Cannot "],
        ["ls 'docs", 2, "quotes are open at its end, expected '"],
        ["ls docs\\", 2, "a backslash is its last letter"],
        ["find [", 2, "Cannot "],
        ['ls "\\u{110000}"', 2, "unknown escape"],
      ] as const
    ) {
      const ran = await shell(place, [LEGACY, "root.pxar"], [line, "pwd"]);
      assertEquals([ran.code, ran.out], [code, ""], line);
      assertMatch(ran.err, /^pxar: Cannot [^\n]+\n/);
      assertStringIncludes(ran.err, sentence);
    }
    const names = [...Deno.readDirSync(place.folder)].map(({ name }) => name);
    assert(!names.includes("out"));
    const raw = await place.runWords(
      ["catalog", "shell", LEGACY, "root.pxar"],
      {
        stdin: Uint8Array.of(0x6c, 0x73, 0x20, 0xff, 0x0a),
      },
    );
    assertEquals(raw.code, 2);
    assertStringIncludes(raw.err, "it is not UTF-8, expected escapes such as");
    const long = await place.runWords(
      ["catalog", "shell", LEGACY, "root.pxar"],
      {
        stdin: new Uint8Array(70_000).fill(0x61),
      },
    );
    assertEquals(long.code, 1);
    // A last line without its end counts, an empty script does nothing.
    const none = await shell(place, [LEGACY, "root.pxar"], ["exit", "nosuch"]);
    assertEquals([none.code, none.out, none.err], [0, "", ""]);
    const last = await place.runWords(
      ["catalog", "shell", LEGACY, "root.pxar"],
      {
        stdin: new TextEncoder().encode("\n# nothing\n\npwd"),
      },
    );
    assertEquals(last.out, '"/"\n');
  }, "plain"));

Deno.test("catalog shell says what it cannot open", () =>
  inStore(async ({ run }) => {
    for (
      const [line, code] of [
        ["host/h1/2020-01-01T00:00:00Z root.pxar", 5],
        ["host/h1 nope.pxar", 5],
        ["host/h1 fw.conf", 4],
        ["vm/100 drive-scsi0.img", 4],
        ["nope root.pxar", 2],
        ["nope.pxar", 1],
        [LEGACY, 2],
      ] as const
    ) {
      const { code: got, out, err } = await run(`catalog shell ${line}`);
      assertEquals([got, out], [code, ""], `${line}: ${err}`);
      assertMatch(err.split("\n").at(-2)!, /^pxar: Cannot /);
    }
  }, "plain"));

Deno.test("catalog shell needs the payload only to restore", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tree`);
    await Deno.writeTextFile(`${folder}/tree/a`, "content");
    await pxar(["create", "x.mpxar", "tree", "--payload-output", "y.ppxar"], {
      cwd: folder,
    });
    const runWords = (words: readonly string[], options = {}) =>
      pxar(words, { cwd: folder, ...options });
    const look = await shell({ runWords }, ["x.mpxar"], ["ls", "restore out"]);
    assertEquals(look.out, "a\n");
    assertEquals(look.code, 3);
    assertStringIncludes(look.err, "Cannot ");
    const whole = await shell(
      { runWords },
      ["x.mpxar", "--payload-input", "y.ppxar"],
      ["restore whole"],
    );
    assertEquals(whole.code, 0, whole.err);
    assertEquals(await Deno.readTextFile(`${folder}/whole/a`), "content");
  });
});

Deno.test("catalog shell ends with 4 on archives that are damaged", async () => {
  await inFolder(async (folder) => {
    const bytes = readVector("kinds.pxar");
    await Deno.writeFile(`${folder}/short.pxar`, bytes.slice(0, -9));
    const bad = bytes.slice();
    bad.fill(0xff, 64, 200);
    await Deno.writeFile(`${folder}/bad.pxar`, bad);
    const runWords = (words: readonly string[], options = {}) =>
      pxar(words, { cwd: folder, ...options });
    for (const name of ["short.pxar", "bad.pxar"]) {
      const ran = await shell({ runWords }, [name], ["find *", "ls"]);
      assertEquals(ran.code, 4, name);
      assertMatch(ran.err, /^pxar: Cannot [^\n]+\n$/);
    }
  });
});

Deno.test("lineWords() and completeWord() agree on every name", () => {
  const names = [
    "plain",
    "sp ace",
    "t\tab",
    'quo"te',
    "apo'strophe",
    "ba\\ck",
    "#hash",
    "-dash",
    "ümläut ☃",
    "*[?",
    "\u200b",
  ]
    .map((one) => new TextEncoder().encode(one));
  names.push(Uint8Array.of(0xff, 0x20, 0x27), Uint8Array.of(0x61, 0x0a));
  for (const name of names) {
    for (const typed of ["", "'", '"', "d/", "'d d/", '"d d/', "d\\ d/"]) {
      const word = unfinishedWord(`ls ${typed}`);
      const line = `ls ${completeWord(word, name, false)}`;
      const words = lineWords(line);
      assertEquals(words.length, 2, line);
      const directory = /d(?:.*)\//.exec(typed)?.[0].replace("\\", "") ?? "";
      const whole = new TextEncoder().encode(directory);
      const path = unquote(words[1]!.replace(/^\.\//, ""));
      assertEquals(path.toHex(), whole.toHex() + name.toHex(), line);
      assert(line.endsWith(" "));
    }
  }
});

/** Types on a terminal that python3 makes; each step waits until something is printed. Gives what was printed, and the exit code. */
const TYPIST = `
import os, pty, select, sys, json, signal
steps = json.load(open(sys.argv[1]))
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
def wait(text):
    global seen
    start = wait.at
    while seen.find(text, start) < 0:
        if not select.select([fd], [], [], 60)[0]:
            print("NEVER", text, seen, file=sys.stderr)
            sys.exit(9)
        try: got = os.read(fd, 65536)
        except OSError: got = b""
        if not got: break
        seen += got
    wait.at = seen.find(text, start) + len(text)
wait.at = 0
for until, keys in steps:
    wait(until.encode())
    if keys == "SIGTERM": os.kill(pid, signal.SIGTERM)
    else: os.write(fd, keys.encode())
while select.select([fd], [], [], 60)[0]:
    try: got = os.read(fd, 65536)
    except OSError: break
    if not got: break
    seen += got
else: os.kill(pid, signal.SIGKILL)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

async function typed(
  folder: string,
  args: readonly string[],
  steps: readonly (readonly [until: string, keys: string])[],
  env: Record<string, string>,
): Promise<Ran> {
  await Deno.writeTextFile(`${folder}/typist.py`, TYPIST);
  await Deno.writeTextFile(`${folder}/steps.json`, JSON.stringify(steps));
  const { code, stdout, stderr } = await new Deno.Command("python3", {
    args: [
      "typist.py",
      "steps.json",
      Deno.execPath(),
      "run",
      "-q",
      "-A",
      MAIN,
      ...args,
    ],
    cwd: folder,
    env: { TZ: "UTC", NO_COLOR: "1", TERM: "xterm", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return {
    code,
    bytes: new Uint8Array(stdout),
    out: text.decode(stdout),
    err: text.decode(stderr),
  };
}

systemTest(
  "catalog shell completes names and keeps history on a terminal",
  ["python3"],
  () =>
    inStore(async ({ folder, path }) => {
      const env = { PBS_REPOSITORY: path, XDG_STATE_HOME: `${folder}/state` };
      const args = ["catalog", "shell", LEGACY, "root.pxar"];
      const first = await typed(folder, args, [
        ["pxar:/ > ", "cd do"],
        ["cd do", "\t"],
        ["cs/", "\r"],
        ["pxar:/docs > ", "stat sp"],
        ["stat sp", "\t"],
        ["\\ ace\\ttab ", "\r"],
        ["Type: file", ""],
        ["pxar:/docs > ", "stat ../links/na"],
        ["links/na", "\t"],
        ["me-\\xFF\\xFE ", "\r"],
        ["Size: 9 ", ""],
        ["pxar:/docs > ", "nosuch\r"],
        ["no such command", ""],
        ["pxar:/docs > ", "abandoned\x03"],
        ["^C", "pwd\r"],
        ['"/docs"', ""],
        ["pxar:/docs > ", "se"],
        ["se", "\t"],
        ["lect ", "/data/em"],
        ["/data/em", "\t"],
        ["pty ", "\r"],
        ["pxar:/docs > ", "list-selected\r"],
        ["/data/empty\r\n", ""],
        ["pxar:/docs > ", "\x04"],
      ], env);
      assertEquals([first.code, first.err], [0, ""], first.out);
      assert(first.out.includes("Starting interactive shell\r\n"));
      const history = `${env.XDG_STATE_HOME}/pxar/catalog-shell-history`;
      assertEquals(
        await Deno.readTextFile(history),
        [
          "cd docs/",
          "stat sp\\ ace\\ttab ",
          "stat ../links/name-\\xFF\\xFE ",
          "nosuch",
          "pwd",
          "select /data/empty ",
          "list-selected",
          "",
        ].join("\n"),
      );
      assertEquals(Deno.statSync(history).mode! & 0o777, 0o600);
      const again = await typed(folder, args, [
        ["pxar:/ > ", "\x1b[A\x1b[A\x1b[A"],
        ["pwd", "\r"],
        ['"/"', "exit\r"],
      ], env);
      assertEquals([again.code, again.err], [0, ""], again.out);
      const ended = await typed(folder, args, [["pxar:/ > ", "SIGTERM"]], env);
      assertEquals(ended.code, 143, ended.out);
      // No history is no reason to fail.
      const without = await typed(folder, args, [
        ["pxar:/ > ", "pwd\rexit\r"],
      ], { ...env, XDG_STATE_HOME: "/dev/null/nowhere" });
      assertEquals(without.code, 0, without.out);
    }, "plain"),
);

systemTest(
  "Ctrl-C ends a command of catalog shell, not the shell",
  ["python3"],
  () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/tree`);
      await Deno.writeTextFile(`${folder}/tree/huge`, "");
      await Deno.truncate(`${folder}/tree/huge`, 2 ** 30);
      const made = await pxar(["create", "x.pxar", "tree"], { cwd: folder });
      assertEquals(made.code, 0, made.err);
      const ran = await typed(
        folder,
        ["catalog", "shell", "x.pxar"],
        [
          ["pxar:/ > ", "restore out\r"],
          ["entries, ", "\x03"],
          ["Cannot finish: interrupted", "pwd\r"],
          ['"/"', "exit\r"],
        ],
        { XDG_STATE_HOME: folder },
      );
      assertEquals([ran.code, ran.err], [0, ""], ran.out);
      assertEquals([...Deno.readDirSync(`${folder}/out`)], []);
    }),
);
