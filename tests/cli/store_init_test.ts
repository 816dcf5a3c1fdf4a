// Making a store, and saying which one is meant.
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { inMemory, withDirectory } from "../support/walks.ts";
import { inFolder, names, program, pxar } from "./run.ts";
import { inStore, isRoot, makeDays } from "./stores.ts";

Deno.test("store init makes what PBS could adopt, or folders on demand", () =>
  // On a disk, so many folders take long.
  withDirectory(async (folder) => {
    const all = await pxar(["store", "init", "all"], { cwd: folder });
    assertEquals(
      [all.code, all.out, all.err],
      [
        0,
        "",
        "pxar: the datastore is in all, with all its chunk folders\n",
      ],
    );
    const made = names(`${folder}/all/.chunks`);
    assertEquals(
      [made.length, made[0], made.at(-1)],
      [65536, "0000", "ffff"],
    );
    const status = await pxar(
      ["status", "--pbs-ready", "--repository", "./all"],
      { cwd: folder },
    );
    assertEquals(status.code, isRoot() ? 0 : 3, status.out);
    if (isRoot()) assertMatch(status.out, /all: PBS could adopt it\n$/);
    else assertMatch(status.out, /belongs to \d+:\d+, expected 34:34/);

    const few = await pxar(["store", "init", "few", "--on-demand", "-q"], {
      cwd: folder,
    });
    assertEquals([few.code, few.out, few.err], [0, "", ""]);
    assertEquals(names(`${folder}/few`), [".chunks", ".lock"]);
    assertEquals(names(`${folder}/few/.chunks`), []);
    const missed = await pxar(
      ["status", "--pbs-ready", "--json", "--repository", "./few"],
      { cwd: folder },
    );
    assertEquals(missed.code, 3);
    const told = JSON.parse(missed.out);
    assertEquals(told["pbs-ready"], false);
    assertStringIncludes(
      told.complaints.at(-1),
      "65536 of the 65536 folders",
    );
    const text = await pxar(["status", "--pbs-ready"], {
      cwd: folder,
      env: { PBS_REPOSITORY: "./few" },
    });
    assertEquals(text.out, told.complaints.join("\n") + "\n");

    // What was made on demand, or was interrupted, is made whole.
    const whole = await pxar(["store", "init", "few", "--complete"], {
      cwd: folder,
    });
    assertEquals([whole.code, whole.out], [0, ""]);
    assertEquals(names(`${folder}/few/.chunks`).length, 65536);
    const now = await pxar(["status", "--pbs-ready", "--repository", "./few"], {
      cwd: folder,
    });
    assertEquals(now.code, isRoot() ? 0 : 3, now.out);
    const none = await pxar(["store", "init", "none", "--complete"], {
      cwd: folder,
    });
    assertEquals(none.code, 1, none.err);
    const both = await pxar(
      ["store", "init", "few", "--complete", "--on-demand"],
      { cwd: folder },
    );
    assertEquals(both.code, 2);
  }, inMemory()));

Deno.test("store init refuses what is not empty, and places that are not there", () =>
  inFolder(async (folder) => {
    const init = (...words: string[]) =>
      pxar(["store", "init", ...words], { cwd: folder });
    await Deno.mkdir(`${folder}/full`);
    await Deno.writeTextFile(`${folder}/full/x`, "");
    const full = await init("full");
    assertEquals(full.code, 1);
    assertEquals(
      full.err,
      "pxar: Cannot make datastore full: the folder is not empty: x\n",
    );
    assertEquals(names(`${folder}/full`), ["x"]);
    assertEquals((await init("once", "--on-demand")).code, 0);
    const twice = await init("once", "--on-demand");
    assertEquals(twice.code, 1);
    assertMatch(twice.err, /it is one already\n$/);
    const file = await init("full/x");
    assertEquals(file.code, 1, file.err);
    const far = await init("not/there");
    assertEquals(far.code, 1, far.err);
    assertEquals(names(folder), ["full", "once"]);
    assertEquals((await init()).code, 2);
    assertEquals((await init("a", "b")).code, 2);
    assertEquals((await init("a", "--all")).code, 2);
  }));

systemTest(
  "store init ends on SIGINT, and says what is left",
  ["unix"],
  () =>
    inFolder(async (folder) => {
      const child = program(["store", "init", "store"], { cwd: folder })
        .spawn();
      const there = async () => {
        try {
          return names(`${folder}/store/.chunks`).length > 1024;
        } catch {
          return false;
        }
      };
      while (!await there()) await new Promise((done) => setTimeout(done, 5));
      child.kill("SIGINT");
      const { code, stderr } = await child.output();
      const err = new TextDecoder().decode(stderr);
      assertEquals(code, 130, err);
      assertMatch(err, /what was made stays: store is a datastore/);
      const listed = await pxar(["groups", "--repository", "./store"], {
        cwd: folder,
      });
      assertEquals([listed.code, listed.out], [0, ""]);
    }),
);

Deno.test("the repository is a path, a URL, or from the environment", () =>
  inStore(async ({ folder, name, path, store, run, runWords }) => {
    const [text] = await makeDays(store, 1);
    const listed = (await run("snapshots")).out;
    assertStringIncludes(listed, text!);
    const without = { PBS_REPOSITORY: "" };
    await Deno.writeTextFile(`${folder}/repository`, `./${name}\nmore\n`);
    for (
      const [words, env] of [
        [["--repository", `./${name}`], without],
        [["--repository", path], without],
        [["--repository", `file://${path}`], without],
        [[`--repository=${path}/`], without],
        [[], { PBS_REPOSITORY: `./${name}` }],
      ] as const
    ) {
      const { out, err } = await runWords(["snapshots", ...words], { env });
      assertEquals(out, listed, err);
    }
    // Without the variable itself, its other forms count.
    const data = { XDG_DATA_HOME: `${folder}/data` };
    const unset = async (env: Record<string, string>, more: string[] = []) => {
      const { stdout, stderr } = await new Deno.Command("env", {
        args: [
          "-u",
          "PBS_REPOSITORY",
          Deno.execPath(),
          "run",
          "-qA",
          new URL("../../cli/main.ts", import.meta.url).pathname,
          "snapshots",
          ...more,
        ],
        cwd: folder,
        env: { NO_COLOR: "1", ...data, ...env },
      }).output();
      const text = new TextDecoder();
      return [text.decode(stdout), text.decode(stderr)];
    };
    if (Deno.build.os === "windows") return;
    for (
      const env of [
        { PBS_REPOSITORY_FILE: "repository" },
        { PBS_REPOSITORY_CMD: `echo './${name}'` },
      ] as Record<string, string>[]
    ) assertEquals(await unset(env), [listed, ""]);
    assertEquals(await unset({}), [
      "",
      `pxar: Cannot open the default datastore: nothing is in ${folder}/data/pxar/store yet, expected a first backup, or --repository or PBS_REPOSITORY\n`,
    ]);
  }));

Deno.test("where no repository is named, commands that write make one of one's own", () =>
  inFolder(async (folder) => {
    const env = { PBS_REPOSITORY: "", XDG_DATA_HOME: `${folder}/data` };
    const run = (line: string) => pxar(line.split(" "), { cwd: folder, env });
    await Deno.writeTextFile(`${folder}/a.conf`, "a");
    assertEquals((await run("create a.pxar .")).code, 0);
    assertEquals((await run("groups")).code, 5);
    const store = `${folder}/data/pxar/store`;
    const made = await run("cp a.pxar host/own:root.pxar");
    assertEquals(made.code, 0, made.err);
    assertStringIncludes(
      made.err,
      `pxar: made the datastore ${store}, as none was named\n`,
    );
    if (Deno.build.os !== "windows") {
      const { mode } = await Deno.stat(`${folder}/data/pxar`);
      assertEquals(mode! & 0o777, 0o700);
    }
    const listed = await run("ls host/own:root.pxar");
    assertEquals([listed.code, listed.out, listed.err], [0, "a.conf\n", ""]);
    const again = await run("cp a.pxar host/other:root.pxar");
    assertEquals([again.code, again.err.includes("made the datastore")], [
      0,
      false,
    ]);
  }));

Deno.test("a repository that is no store here is refused with one sentence", () =>
  inStore(async ({ folder, name, run }) => {
    for (
      const [text, code, says] of [
        [
          "store",
          2,
          /datastore store of the server localhost, and servers are not spoken to yet/,
        ],
        [name, 2, new RegExp(`, perhaps \\./${name} is meant$`)],
        ["root@pam@pbs.example.org:8007:store", 2, /server pbs\.example\.org/],
        ["a@b@c:d:e:f", 2, /^pxar: Cannot take/],
        ["file://other/store", 2, /^pxar: Cannot take repository/],
        ["", 2, /^pxar: Cannot use --repository: it is empty, expected/],
        ["./nothing", 1, /^pxar: Cannot open datastore/],
        [".", 4, /it has no \.chunks folder, expected a folder made by/],
      ] as const
    ) {
      const { code: ended, out, err } = await run(
        `groups --repository=${text}`,
      );
      assertEquals([ended, out], [code, ""], err);
      assertEquals(err.split("\n").length, 2, err);
      assertMatch(err.trimEnd(), says);
    }
    const password = await run("groups --repository u@pbs@host:store", {
      env: { PBS_PASSWORD: "secret word" },
    });
    assert(!password.err.includes("secret word"));
    assertEquals(names(folder).includes("config"), false);
  }));

Deno.test("--store-name says which name locks are kept under", () =>
  inStore(async ({ store, run, name }) => {
    const [text] = await makeDays(store, 1);
    const { namespace, type, id, time } = (await store.snapshots(""))[0]!
      .snapshot;
    await using _held = await store.open({ namespace, type, id, time });
    const bad = await run(`snapshots --store-name a/b`);
    assertEquals(bad.code, 2, bad.err);
    assertMatch(bad.err, /^pxar: Cannot take store name/);
    if (store.kernel === undefined) return;
    const busy = await run(`forget ${text} --store-name ${name}`);
    assertEquals(busy.code, 6, busy.err);
    assertMatch(busy.err, /it is in use\n$/);
    // In the store itself, there is one place for locks.
    if (!isRoot()) return;
    try {
      const other = await run(`forget ${text} --store-name ${name}.2`);
      assertEquals(other.code, 0, other.err);
    } finally {
      await Deno.remove(`/run/proxmox-backup/locks/${name}.2`, {
        recursive: true,
      });
    }
  }));

const NOT_ROOT = "where an ordinary user's locks lie is said once";
if (isRoot()) {
  console.error(`SKIPPED: ${NOT_ROOT}: root may write where PBS looks`);
}
Deno.test({
  name: NOT_ROOT,
  ignore: isRoot(),
  fn: () =>
    inStore(async ({ store, path, run }) => {
      const [text] = await makeDays(store, 1);
      if (store.kernel === undefined) return;
      await Deno.remove(`${path}/.locks`, { recursive: true });
      assertEquals((await run("snapshots")).err, "");
      const first = await run(`protect ${text} true`);
      assertEquals(first.code, 0);
      assertMatch(first.err, /^pxar: locks lie in \S+\/\.locks, where a PBS/);
      assertEquals((await run(`protect ${text} false`)).err, "");
    }),
});

Deno.test("without FFI, stores work, and what is weaker is said", () =>
  inStore(async ({ store, run }) => {
    const [text, next] = await makeDays(store, 2);
    const grants = [
      "--no-prompt",
      "--allow-read",
      "--allow-write",
      "--allow-env",
    ];
    const quiet = await run("snapshots", { grants });
    assertEquals([quiet.code, quiet.err], [0, ""]);
    const weaker = /^pxar: other programs do not see what is in use here/;
    for (
      const line of [
        `snapshot notes update ${text} hello`,
        `verify ${text}`,
        "gc --assume-exclusive --cutoff 0",
        `forget ${text}`,
      ]
    ) {
      const { code, err } = await run(line, { grants });
      assertEquals(code, 0, `${line}: ${err}`);
      assertMatch(err, weaker);
      assertEquals(err.split("\n").length, 2, err);
    }
    const refused = await run("gc", { grants });
    assertEquals([refused.code, refused.out], [1, ""]);
    assertMatch(refused.err, /expected --assume-exclusive\n$/);
    const left = await run("snapshots --output-format json", { grants });
    assertEquals(JSON.parse(left.out).length, 1);
    assertEquals((await run(`verify ${next}`)).code, 0);
  }));
