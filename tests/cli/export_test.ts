// `export`: tar and zip files that other programs read, of files and snapshots, and what is left when it ends early.
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { readVector, VECTORS } from "../support/vectors.ts";
import { run, toolTest } from "../transfer/tools.ts";
import { inFolder, names, program, pxar, SIGNALS } from "./run.ts";
import { inStore } from "./stores.ts";
import { look, MAKE, NEEDS } from "./tar_trees.ts";

const vector = (name: string) => new URL(name, VECTORS).pathname;

/** Puts an archive without sockets there. */
async function plain(folder: string): Promise<void> {
  await Deno.writeFile(`${folder}/plain.pxar`, readVector("plain.pxar"));
}

for (const format of ["tar", "tar.gz", "tar.zst"] as const) {
  toolTest(
    `GNU tar restores all that export wrote to ${format}`,
    [...NEEDS, "tar", "gzip", "zstd"],
    async () => {
      await inFolder(async (folder) => {
        await run("bash", ["-ec", MAKE], folder);
        const sh = (line: string) => pxar(line.split(" "), { cwd: folder });
        await sh("create a.pxar t");
        const { code, err } = await sh(`export a.pxar a.${format}`);
        assertEquals([code, err], [0, ""]);
        assertEquals(
          Deno.statSync(`${folder}/a.${format}`).mode! & 0o777,
          0o640,
        );
        await Deno.mkdir(`${folder}/out`);
        await run("sh", [
          "-c",
          `${
            { tar: "cat", "tar.gz": "gzip -dc", "tar.zst": "zstd -dc" }[format]
          } a.${format} | tar -xp --xattrs --xattrs-include='*' --acls -C out -f -`,
        ], folder);
        assertEquals(await look(`${folder}/out`), await look(`${folder}/t`));
      });
    },
  );
}

toolTest(
  "bsdtar and Python read what export wrote",
  ["bsdtar", "python3"],
  async () => {
    await inFolder(async (folder) => {
      const { code } = await pxar(["export", vector("names.pxar"), "a.tar"], {
        cwd: folder,
      });
      assertEquals(code, 0);
      const count = (await run("bsdtar", ["-tf", "a.tar"], folder)).trimEnd()
        .split("\n").length;
      const found = await run("python3", [
        "-c",
        "import tarfile,os,sys; print(len(tarfile.open('a.tar').getmembers()))",
      ], folder);
      const listed = (await pxar(["list", vector("names.pxar")])).out.trimEnd();
      assertEquals([count, Number(found)], [
        listed.split("\n").length,
        listed.split("\n").length,
      ]);
    });
  },
);

Deno.test("export counts what has no place, says it as JSON, and ends with 3", async () => {
  await inFolder(async (folder) => {
    const archive = vector("kinds.pxar");
    const tar = await pxar(["export", archive, "a.tar", "--json"], {
      cwd: folder,
    });
    assertEquals([tar.code, tar.err], [
      3,
      "pxar: Cannot keep sockets of 1 entry: tar has no place for them\n",
    ]);
    const said = JSON.parse(tar.out);
    assertEquals(
      [said.target, said.format, said.losses, said.errors, said.problems],
      ["a.tar", "tar", { sockets: 1 }, 0, []],
    );
    assertEquals(said.size, Deno.statSync(`${folder}/a.tar`).size);
    const zip = await pxar(["export", archive, "a.zip", "--json"], {
      cwd: folder,
    });
    assertEquals(zip.code, 3);
    const { losses } = JSON.parse(zip.out);
    assertEquals(Object.keys(losses).sort(), ["devices", "fifos", "sockets"]);
  });
});

Deno.test("export takes patterns, and leaves out the root's own entry then", async () => {
  await inFolder(async (folder) => {
    const all = await pxar([
      "export",
      vector("kinds.pxar"),
      "-",
      "--format",
      "tar",
    ]);
    const part = await pxar([
      "export",
      vector("kinds.pxar"),
      "-",
      "dir/",
      "--format",
      "tar",
    ]);
    assertEquals(part.code, 0);
    await Deno.writeFile(`${folder}/all.tar`, all.bytes);
    await Deno.writeFile(`${folder}/part.tar`, part.bytes);
    const first = (bytes: Uint8Array) =>
      new TextDecoder().decode(bytes).match(/(?:^|\0)(\.\/|dir\/)\0/)?.[1];
    assertEquals([first(all.bytes), first(part.bytes)], ["./", "dir/"]);
    // What was left out is not there any more.
    const back = await pxar(["import", "part.tar", "part.pxar"], {
      cwd: folder,
    });
    assertEquals(back.code, 0, back.err);
    const { out } = await pxar(["list", "part.pxar"], { cwd: folder });
    assertEquals(out.trimEnd().split("\n").slice(0, 2), ['"/"', '"/dir"']);
  });
});

Deno.test("export to zip copies further links, from a pipe it cannot", async () => {
  await inFolder(async (folder) => {
    for (const archive of ["hardlinks.pxar", "hardlinks.mpxar"]) {
      const { code, out } = await pxar([
        "export",
        vector(archive),
        "a.zip",
        "--json",
        "--force",
      ], { cwd: folder });
      assertEquals([code, JSON.parse(out).losses.hardlinks], [3, undefined]);
    }
    const piped = await pxar(["export", "-", "a.zip", "--json", "--force"], {
      cwd: folder,
      stdin: readVector("hardlinks.pxar"),
    });
    assertEquals(piped.code, 3);
    assert(JSON.parse(piped.out).losses.hardlinks > 0);
  });
});

Deno.test("export reads an archive of a snapshot", async () => {
  await inStore(async ({ folder, run }) => {
    await plain(folder);
    const copied = await run("cp plain.pxar host/elsa:root.pxar");
    assertEquals(copied.code, 0, copied.err);
    const { code, err } = await run("export host/elsa/latest:root.pxar a.tgz");
    assertEquals([code, err], [0, ""]);
    const back = await run("import a.tgz b.pxar");
    assertEquals(back.code, 0, back.err);
    assertEquals(
      await Deno.readFile(`${folder}/b.pxar`),
      readVector("plain.pxar"),
    );
  });
});

Deno.test("export says what it cannot make, and leaves nothing", async () => {
  await inFolder(async (folder) => {
    const cases: [string[], number, RegExp][] = [
      [
        ["plain.pxar", "a.rar"],
        2,
        /^pxar: Cannot tell what to make of a\.rar: /,
      ],
      [["plain.pxar", "-"], 2, /or --format\n$/],
      [["plain.pxar", "a.tar", "--store"], 2, /--store with tar/],
      [
        ["plain.pxar", "-", "--format", "tar", "--json"],
        2,
        /--json with -/,
      ],
      [["nothing.pxar", "a.tar"], 1, /^pxar: Cannot open nothing\.pxar: /],
      [["bad.pxar", "a.tar.gz"], 4, /^pxar: /],
      [["bad.pxar", "a.tar.zst"], 4, /^pxar: /],
      [["bad.pxar", "a.zip"], 4, /^pxar: /],
      [["plain.pxar", "there.tar"], 1, /it exists, expected --force/],
    ];
    await plain(folder);
    await Deno.writeTextFile(`${folder}/there.tar`, "mine");
    await Deno.writeFile(
      `${folder}/bad.pxar`,
      readVector("plain.pxar").subarray(0, 100_000),
    );
    for (const [args, exit, message] of cases) {
      const { code, err } = await pxar(["export", ...args], { cwd: folder });
      assertEquals(code, exit, `${args}: ${err}`);
      assertMatch(err, message);
      assertEquals(names(folder), ["bad.pxar", "plain.pxar", "there.tar"]);
    }
    assertEquals(await Deno.readTextFile(`${folder}/there.tar`), "mine");
  });
});

for (const format of ["tar", "tar.gz", "tar.zst", "zip"]) {
  systemTest(`export to ${format} leaves nothing when it is interrupted`, [
    "unix",
  ], async () => {
    await inFolder(async (folder) => {
      const [signal, exit] = SIGNALS[0]!;
      // Reads from a pipe that stays open, behind a file's beginning.
      const child = program(["export", "-", `a.${format}`], {
        cwd: folder,
        stdin: new Uint8Array(0),
      }).spawn();
      const writer = child.stdin.getWriter();
      const archive = readVector("plain.pxar");
      await writer.write(archive.subarray(0, archive.length >> 1));
      while (!names(folder).some((name) => name.endsWith(".partial"))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill(signal);
      const { code } = await child.output();
      writer.abort().catch(() => {});
      assertEquals(code, exit);
      assertEquals(names(folder), []);
    });
  });
}
