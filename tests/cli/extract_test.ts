// `extract` and the way back: trees that survive, parts of archives, and what is left when it ends early.
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { mounted } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { readVector, VECTORS } from "../support/vectors.ts";
import { inFolder, names, program, pxar, SIGNALS } from "./run.ts";

const vector = (name: string) => new URL(name, VECTORS).pathname;

for (const name of ["kinds", "names", "hardlinks", "modes"]) {
  systemTest(
    `extract and create give ${name} back, byte for byte`,
    ["root"],
    async () => {
      await inFolder(async (folder) => {
        const got = await pxar([
          "extract",
          vector(`${name}.mpxar`),
          "out",
          "--quiet",
        ], { cwd: folder });
        assertEquals([got.code, got.err], [0, ""]);
        assertEquals(
          (await pxar(["create", "v1.pxar", "out"], { cwd: folder })).code,
          0,
        );
        assertEquals(
          await Deno.readFile(`${folder}/v1.pxar`),
          readVector(`${name}.pxar`),
        );
        const split = [
          "create",
          "v2.mpxar",
          "out",
          "--payload-output",
          "v2.ppxar",
        ];
        assertEquals((await pxar(split, { cwd: folder })).code, 0);
        assertEquals(
          await Deno.readFile(`${folder}/v2.mpxar`),
          readVector(`${name}.mpxar`),
        );
        assertEquals(
          await Deno.readFile(`${folder}/v2.ppxar`),
          readVector(`${name}.ppxar`),
        );
      });
    },
  );
}

Deno.test("create - | extract - moves a tree", async () => {
  await inFolder(async (folder) => {
    await pxar(["extract", vector("deep.pxar"), "in", "--no-ownership"], {
      cwd: folder,
    });
    const made = await pxar(["create", "-", "in"], { cwd: folder });
    assertEquals([made.code, made.err], [0, ""]);
    const { code, err, out } = await pxar([
      "extract",
      "-",
      "out",
      "--json",
      "--no-ownership",
    ], {
      cwd: folder,
      stdin: made.bytes,
    });
    assertEquals([code, err], [0, ""]);
    assertEquals(JSON.parse(out).entries, 84);
    const again = await pxar(["create", "-", "out"], { cwd: folder });
    assertEquals(again.bytes, made.bytes);
  });
});

Deno.test("extract takes patterns as operands, options and lines of a file", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/wanted`,
      "# two\n  /dir/  \n\nfile-empty\n",
    );
    const run = (...args: string[]) =>
      pxar(["extract", vector("kinds.pxar"), ...args, "--no-ownership"], {
        cwd: folder,
      });
    assertEquals((await run("a", "dir/child", "--pattern", "fil?")).code, 0);
    assertEquals(names(`${folder}/a`), ["dir", "file"]);
    assertEquals(names(`${folder}/a/dir`), ["child"]);
    assertEquals((await run("b", "--files-from", "wanted")).code, 0);
    assertEquals(names(`${folder}/b`), ["dir", "file-empty"]);
    const none = await run("c", "no such thing");
    assertEquals(none.code, 5);
    assertMatch(none.err, /^pxar: nothing in .* matches what was asked for\n$/);
    assertEquals(names(`${folder}/c`), []);
    const escaped = await pxar([
      "extract",
      vector("names.pxar"),
      "d",
      "--escaped",
      "--no-ownership",
      "/dir-\\xFF\\xFE",
    ], { cwd: folder });
    assertEquals(escaped.code, 0, escaped.err);
    assertEquals(names(`${folder}/d`).length, 1);
  });
});

Deno.test("a link whose first name is not wanted becomes the file", async () => {
  await inFolder(async (folder) => {
    for (const archive of ["hardlinks.pxar", "hardlinks.mpxar"]) {
      const { code, err } = await pxar([
        "extract",
        vector(archive),
        archive,
        "/z/last",
        "/zz-root",
        "-q",
        "--no-ownership",
      ], {
        cwd: folder,
      });
      assertEquals([code, err], [0, ""]);
      assertEquals((await Deno.stat(`${folder}/${archive}/z/last`)).size, 5000);
      assertEquals((await Deno.stat(`${folder}/${archive}/zz-root`)).size, 11);
    }
    const streamed = await pxar(["extract", "-", "c", "/z", "--no-ownership"], {
      cwd: folder,
      stdin: readVector("hardlinks.pxar"),
    });
    assertEquals(streamed.code, 3);
    assertMatch(streamed.err, /z\/last/);
    assertEquals(names(`${folder}/c/z`), ["pair", "pair-2"]);
    const strict = await pxar([
      "extract",
      "-",
      "d",
      "/z",
      "--strict",
      "--no-ownership",
    ], {
      cwd: folder,
      stdin: readVector("hardlinks.pxar"),
    });
    assert(strict.code !== 0 && strict.code !== 3);
  });
});

Deno.test("one file goes to standard output, from a file, a pipe and a link", async () => {
  const name = "b/raw-\\xFF";
  const [direct, piped, linked] = await Promise.all([
    pxar(["extract", vector("hardlinks.pxar"), "-", name, "--escaped"]),
    pxar(["extract", "-", "-", "--pattern", name, "--escaped"], {
      stdin: readVector("hardlinks.pxar"),
    }),
    pxar([
      "extract",
      vector("hardlinks.pxar"),
      "-",
      "/z/raw-\\xFE",
      "--escaped",
    ]),
  ]);
  assertEquals([direct.code, piped.code, linked.code], [0, 0, 0]);
  assertEquals(direct.bytes.length, 9);
  assertEquals(piped.bytes, direct.bytes);
  assertEquals(linked.bytes, direct.bytes);
});

Deno.test("extract writes the prelude where it is told, and not over a file", async () => {
  await inFolder(async (folder) => {
    const run = (archive: string, ...args: string[]) =>
      pxar([
        "extract",
        vector(archive),
        "--no-ownership",
        "-q",
        "--prelude-target",
        "prelude.json",
        ...args,
      ], { cwd: folder });
    assertEquals((await run("exclude-cli-a.mpxar", "a")).code, 0);
    const prelude = await Deno.readTextFile(`${folder}/prelude.json`);
    assertEquals(JSON.parse(prelude), {
      "exclude-patterns": "readme\n/build/\n",
    });
    const again = await run("exclude-cli-a.mpxar", "b");
    assertEquals(again.code, 1);
    assertMatch(
      again.err,
      /^pxar: Cannot write prelude to prelude\.json: file exists\n$/i,
    );
    assertEquals(
      (await run("exclude-cli-a.mpxar", "c", "--overwrite-files")).code,
      0,
    );
    const none = await pxar([
      "extract",
      vector("exclude.pxar"),
      "d",
      "--no-ownership",
      "--prelude-target",
      "none",
    ], {
      cwd: folder,
    });
    assertEquals([none.code, none.err], [
      0,
      "pxar: the archive has no prelude\n",
    ]);
  });
});

Deno.test("what is there already stays, unless it may be replaced", async () => {
  await inFolder(async (folder) => {
    const run = (...args: string[]) =>
      pxar([
        "extract",
        vector("kinds.pxar"),
        "out",
        "--no-ownership",
        "--no-device-nodes",
        ...args,
      ], { cwd: folder });
    await Deno.mkdir(`${folder}/out`);
    await Deno.writeTextFile(`${folder}/out/file`, "mine");
    const kept = await run();
    assertEquals(kept.code, 3);
    assertMatch(kept.err, /^pxar: Cannot [^\n]*file[^\n]*\n/);
    assertEquals(await Deno.readTextFile(`${folder}/out/file`), "mine");
    const replaced = await run(
      "--overwrite",
      "--allow-existing-dirs",
      "--no-fifos",
      "--no-sockets",
    );
    assertEquals([replaced.code, replaced.err], [0, ""]);
    assertEquals((await Deno.stat(`${folder}/out/file`)).size, 13);
    const strict = await run("--strict");
    assertEquals(strict.code, 1);
    assertMatch(strict.err, /^pxar: Cannot [^\n]*\n$/);
  });
});

for (const [signal, exit] of SIGNALS) {
  systemTest(
    `${signal} during extract leaves no half file`,
    ["unix"],
    async () => {
      await inFolder(async (folder) => {
        await Deno.writeFile(`${folder}/a.pxar`, endless());
        await Deno.truncate(`${folder}/a.pxar`, 2 ** 36);
        const child = program(["extract", "a.pxar", "out"], { cwd: folder })
          .spawn();
        await until(() =>
          names(folder).includes("out") && names(`${folder}/out`).length > 0
        );
        child.kill(signal);
        const { code, stderr } = await child.output();
        assertEquals([code, names(`${folder}/out`)], [exit, []]);
        assertMatch(
          new TextDecoder().decode(stderr),
          /^pxar: Cannot finish: [\w ]+\n$/,
        );
      });
    },
  );
}

systemTest(
  "SIGINT ends an extract that waits for standard input",
  ["unix"],
  async () => {
    await inFolder(async (folder) => {
      const child = program(["extract", "-", "out"], {
        cwd: folder,
        stdin: new Uint8Array(),
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(endless());
      await writer.write(new Uint8Array(5 << 20));
      await until(() =>
        names(folder).includes("out") && names(`${folder}/out`).length > 0
      );
      child.kill("SIGINT");
      const { code } = await child.output();
      await writer.close().catch(() => {});
      assertEquals([code, names(`${folder}/out`)], [130, []]);
    });
  },
);

Deno.test("without FFI a tree survives, and what is lost is said once for each loss", async () => {
  await inFolder(async (folder) => {
    const grants = ["--no-prompt", "--allow-read", "--allow-write"];
    const out = await pxar(["extract", vector("kinds.pxar"), "out"], {
      cwd: folder,
      grants,
    });
    assertEquals(out.code, 3);
    const lines = out.err.trimEnd().split("\n");
    for (const line of lines) assertMatch(line, /^pxar: /);
    assertEquals(
      lines.filter((line) => line.includes("device nodes")).length,
      1,
      out.err,
    );
    assertMatch(
      lines.at(-1)!,
      Deno.build.os === "linux" ? /--allow-ffi/ : /pxar/,
    );
    const quiet = await pxar([
      "extract",
      vector("kinds.pxar"),
      "quiet",
      "--quiet",
    ], { cwd: folder, grants });
    assertEquals(quiet.err, out.err);
    const made = await pxar(["create", "a.pxar", "out"], {
      cwd: folder,
      grants,
    });
    assert(made.code === 0 || made.code === 3, made.err);
    const list = (await pxar(["list", "a.pxar"], { cwd: folder, grants })).out;
    for (const path of ["/dir/child", "/file", "/sym-dir"]) {
      assert(list.includes(`"${path}"`), path);
    }
    const { out: json } = await pxar([
      "extract",
      vector("kinds.pxar"),
      "json",
      "--json",
    ], { cwd: folder, grants });
    assertEquals(JSON.parse(json).losses.devices, 9);
  });
});

systemTest(
  "extract onto a full disk names what did not fit and leaves no half file",
  ["mount"],
  () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/small`);
      await Deno.mkdir(`${folder}/source`);
      await Deno.writeFile(
        `${folder}/source/large`,
        new Uint8Array(4 << 20).fill(1),
      );
      await Deno.writeTextFile(`${folder}/source/small`, "fits");
      await pxar(["create", "a.pxar", "source"], { cwd: folder });
      await mounted(
        ["-t", "tmpfs", "-o", "size=1m", "none"],
        `${folder}/small`,
        async () => {
          const { code, err } = await pxar(["extract", "a.pxar", "small/out"], {
            cwd: folder,
          });
          assertEquals(code, 3);
          assertMatch(
            err,
            /^pxar: Cannot [^\n]*large[^\n]*: no space left on device\npxar: 1 error: /,
          );
          assertEquals(names(`${folder}/small/out`), ["small"]);
        },
      );
    }),
);

/** An archive up to the content of a file of 64 GiB. */
function endless(): Uint8Array {
  const whole = readVector("kinds.pxar");
  const text = new TextDecoder("latin1").decode(whole);
  const at = text.indexOf("\x25\x1a\x7c\x0b\x1b\x7a\x14\x28");
  assert(at > 0);
  // Devices and the like in between would need root: the first file's name and metadata go right behind the root's.
  const root = text.indexOf("\xb3\x17\x39\x06\x21\x11\x70\x16");
  const name = text.lastIndexOf("\xb3\x17\x39\x06\x21\x11\x70\x16", at);
  const head = new Uint8Array(root + at + 16 - name);
  head.set(whole.subarray(0, root));
  head.set(whole.subarray(name, at + 16), root);
  new DataView(head.buffer).setBigUint64(head.length - 8, 2n ** 36n, true);
  return head;
}

async function until(reached: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (reached()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited for nothing");
}
