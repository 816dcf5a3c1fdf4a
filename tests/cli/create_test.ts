// `create`: what it writes, where, and what it leaves behind when it fails.
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "../support/assert.ts";
import { mounted } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { inFolder, names, program, pxar, SIGNALS } from "./run.ts";

async function source(folder: string): Promise<string> {
  const path = `${folder}/source`;
  await Deno.mkdir(`${path}/sub`, { recursive: true });
  await Deno.writeTextFile(`${path}/a.txt`, "a\n");
  await Deno.writeTextFile(`${path}/b.log`, "b\n");
  await Deno.writeTextFile(`${path}/sub/c.txt`, "c\n");
  await Deno.writeTextFile(`${path}/sub/d.log`, "d\n");
  return path;
}

async function paths(archive: string): Promise<string[]> {
  const { out } = await pxar(["list", archive]);
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("create makes a file of mode 0640, and tells as JSON what is in it", async () => {
  await inFolder(async (folder) => {
    await source(folder);
    const { code, out, err } = await pxar([
      "create",
      "a.pxar",
      "source",
      "--json",
      "--sync",
    ], { cwd: folder });
    assertEquals([code, err], [0, ""]);
    const { size, mode } = await Deno.stat(`${folder}/a.pxar`);
    assertEquals(mode! & 0o777, 0o640 & ~Deno.umask());
    assertEquals(JSON.parse(out), {
      archive: "a.pxar",
      archiveBytes: size,
      entries: 6,
      bytes: 8,
      warnings: 0,
      errors: 0,
      problems: [],
      losses: {},
    });
    assertEquals(names(folder), ["a.pxar", "source"]);
  });
});

Deno.test("create keeps --exclude and --exclude-from in order", async () => {
  await inFolder(async (folder) => {
    await source(folder);
    await Deno.writeTextFile(`${folder}/rules`, "# logs\n*.log\n!/b.log\n");
    const run = (...args: string[]) =>
      pxar(["create", "--force", "a.pxar", "source", ...args], { cwd: folder });
    await run("--exclude-from", "rules", "--exclude", "*.log");
    const all = ["/", "/a.txt", "/sub", "/sub/c.txt", "/.pxarexclude-cli"];
    assertEquals(await paths(`${folder}/a.pxar`), all);
    await run("--exclude", "*.log", "--exclude-from", "rules");
    assertEquals(
      await paths(`${folder}/a.pxar`),
      all.toSpliced(2, 0, "/b.log"),
    );
    await Deno.writeTextFile(`${folder}/rules`, "a\n[b\n");
    const bad = await run("--exclude-from", "rules");
    assertEquals(bad.code, 2);
    assertMatch(bad.err, /^pxar: Cannot use line "\[b" of rules: .*\n$/);
  });
});

Deno.test("create writes a split archive, and both of its files or none", async () => {
  await inFolder(async (folder) => {
    await source(folder);
    const run = (...args: string[]) =>
      pxar([
        "create",
        "a.mpxar",
        "source",
        "--payload-output",
        "a.ppxar",
        ...args,
      ], { cwd: folder });
    assertEquals((await run()).code, 0);
    assertEquals(
      (await pxar(["cat", "a.mpxar", "sub/c.txt"], { cwd: folder })).out,
      "c\n",
    );
    await Deno.remove(`${folder}/a.mpxar`);
    const { code, err } = await run();
    assertEquals([code, err], [
      1,
      "pxar: Cannot create a.ppxar: it exists, expected --force to replace it\n",
    ]);
    assertEquals(names(folder), ["a.ppxar", "source"]);
    await Deno.writeTextFile(`${folder}/source/new`, "");
    const before = await Deno.readFile(`${folder}/a.ppxar`);
    assertEquals((await run("--force")).code, 0);
    assertNotEquals(await Deno.readFile(`${folder}/a.ppxar`), before);
    assertEquals(names(folder), ["a.mpxar", "a.ppxar", "source"]);
    const same = await pxar(
      ["create", "x", "source", "--payload-output", "x"],
      { cwd: folder },
    );
    assertEquals(same.code, 2);
  });
});

Deno.test("create leaves what exists as it is", async () => {
  await inFolder(async (folder) => {
    await source(folder);
    await Deno.writeTextFile(`${folder}/a.pxar`, "mine");
    await Deno.symlink("nowhere", `${folder}/l.pxar`);
    for (const name of ["a.pxar", "l.pxar"]) {
      const { code, err } = await pxar(["create", name, "source"], {
        cwd: folder,
      });
      assertEquals(code, 1);
      assertMatch(err, /^pxar: Cannot create .*: it exists, expected .*\n$/);
    }
    assertEquals(await Deno.readTextFile(`${folder}/a.pxar`), "mine");
    assertEquals(names(folder), ["a.pxar", "l.pxar", "source"]);
  });
});

Deno.test("create does not write both halves of a split archive to one file", async () => {
  await inFolder(async (folder) => {
    await source(folder);
    for (const force of [[], ["--force"]]) {
      const { code, err } = await pxar(
        ["create", "a", "source", "--payload-output", "./a", ...force],
        { cwd: folder },
      );
      assertEquals(code, 2);
      assertMatch(err, /^pxar: Cannot write both a and \.\/a: they are one/);
      assertEquals(names(folder), ["source"]);
    }
  });
});

Deno.test("an archive in its own source does not hold itself", async () => {
  await inFolder(async (folder) => {
    const path = await source(folder);
    const run = (archive: string, ...args: string[]) =>
      pxar(["create", archive, ".", ...args], { cwd: path });
    assertEquals((await run("sub/self.pxar")).code, 0);
    assertEquals(await paths(`${path}/sub/self.pxar`), [
      "/",
      "/a.txt",
      "/b.log",
      "/sub",
      "/sub/c.txt",
      "/sub/d.log",
    ]);
    assertEquals(
      (await run("self.mpxar", "--payload-output", "sub/self.pxar", "--force"))
        .code,
      0,
    );
    assertEquals(
      (await paths(`${path}/self.mpxar`)).filter((name) =>
        name.includes("self")
      ),
      [],
    );
    // Another name of what is replaced is content like any other: its first link is left out, so it is a file.
    if (Deno.build.os !== "windows") {
      await Deno.link(`${path}/sub/self.pxar`, `${path}/sub/self.then`);
      assertEquals((await run("sub/self.pxar", "--force")).code, 0);
      const { out } = await pxar(["list", "-l", `${path}/sub/self.pxar`]);
      assertMatch(out, /^-.* "\/sub\/self\.then"$/m);
    }
    // Another archive of the same name elsewhere is content like any other.
    await Deno.writeTextFile(`${path}/sub/other.pxar`, "");
    assertEquals((await run("other.pxar")).code, 0);
    assert((await paths(`${path}/other.pxar`)).includes("/sub/other.pxar"));
  });
});

systemTest("create leaves out kinds that are not wanted, and stays quiet", [
  "root",
], async () => {
  await inFolder(async (folder) => {
    const path = await source(folder);
    const mknod = await new Deno.Command("sh", {
      args: ["-c", `mkfifo ${path}/fifo && mknod ${path}/null c 1 3`],
    }).output();
    assert(mknod.success);
    await pxar(["create", "a.pxar", "source"], { cwd: folder });
    const all = await paths(`${folder}/a.pxar`);
    assert(all.includes("/fifo") && all.includes("/null"));
    const { code, err } = await pxar([
      "create",
      "b.pxar",
      "source",
      "--no-fifos",
      "--no-device-nodes",
    ], { cwd: folder });
    assertEquals([code, err], [0, ""]);
    assertEquals(
      await paths(`${folder}/b.pxar`),
      all.filter((name) => name !== "/fifo" && name !== "/null"),
    );
  });
});

systemTest(
  "what cannot be read is named and does not change the exit code, but with --strict",
  ["root"],
  async () => {
    await inFolder(async (folder) => {
      const path = await source(folder);
      await Deno.chmod(folder, 0o777);
      await Deno.chmod(`${path}/a.txt`, 0);
      await new Deno.Command("chown", { args: ["-R", "65534:65534", path] })
        .output();
      await Deno.chown(`${path}/a.txt`, 0, 0);
      const run = async (...args: string[]) => {
        const command = new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "-q",
            "--no-prompt",
            "-A",
            new URL("../../cli/main.ts", import.meta.url).pathname,
            "create",
            ...args,
          ],
          cwd: folder,
          uid: 65534,
          gid: 65534,
          env: { DENO_DIR: `${folder}/deno` },
        });
        const { code, stderr } = await command.output();
        return { code, err: new TextDecoder().decode(stderr) };
      };
      const lenient = await run("a.pxar", "source");
      assertEquals(lenient.code, 0, lenient.err);
      assertMatch(lenient.err, /^pxar: Cannot [^\n]*a\.txt[^\n]*\n$/);
      assert(!(await paths(`${folder}/a.pxar`)).includes("/a.txt"));
      const strict = await run("b.pxar", "source", "--strict");
      assertEquals(strict.code, 1);
      assertEquals(strict.err, lenient.err);
      assertEquals(names(folder), ["a.pxar", "deno", "source"]);
    });
  },
);

for (const [signal, exit] of SIGNALS) {
  systemTest(`${signal} during create leaves nothing`, ["unix"], async () => {
    await inFolder(async (folder) => {
      const path = await source(folder);
      await Deno.writeTextFile(`${path}/huge`, "");
      await Deno.truncate(`${path}/huge`, 2 ** 36);
      await Deno.mkdir(`${folder}/out`);
      const child = program([
        "create",
        "out/a.mpxar",
        "source",
        "--payload-output",
        "out/a.ppxar",
      ], { cwd: folder })
        .spawn();
      await until(() => names(`${folder}/out`).length === 2);
      child.kill(signal);
      const { code, stderr } = await child.output();
      assertEquals(code, exit);
      assertMatch(
        new TextDecoder().decode(stderr),
        /^pxar: Cannot finish: [\w ]+\n$/,
      );
      assertEquals(names(`${folder}/out`), []);
    });
  });
}

systemTest("create on a full disk says so in a sentence and leaves nothing", [
  "mount",
], () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/small`);
    await Deno.mkdir(`${folder}/source`);
    await Deno.writeFile(`${folder}/source/file`, new Uint8Array(4 << 20));
    await mounted(
      ["-t", "tmpfs", "-o", "size=1m", "none"],
      `${folder}/small`,
      async () => {
        const { code, err } = await pxar(["create", "small/a.pxar", "source"], {
          cwd: folder,
        });
        assertEquals([code, err], [
          1,
          "pxar: Cannot write small/a.pxar: no space left on device\n",
        ]);
        assertEquals(names(`${folder}/small`), []);
      },
    );
  }));

async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (reached()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited for nothing");
}
