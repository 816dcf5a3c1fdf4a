// `import`: tar files of other programs as archives, from files and pipes, packed and not, and hostile ones.
import { sourceOf } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import fc from "fast-check";
import { compressing, decompressed } from "../../cli/compression.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
} from "../support/assert.ts";
import { concat } from "../support/entries.ts";
import { systemTest } from "../support/skip.ts";
import { readVector } from "../support/vectors.ts";
import { run, toolTest } from "../transfer/tools.ts";
import { inFolder, names, program, pxar, SIGNALS } from "./run.ts";
import { inStore } from "./stores.ts";
import { look, MAKE, NEEDS } from "./tar_trees.ts";

/** Puts an archive without sockets there. */
async function plain(folder: string): Promise<void> {
  await Deno.writeFile(`${folder}/plain.pxar`, readVector("plain.pxar"));
}

const WRITERS: Record<string, string> = {
  "GNU tar":
    "tar --format=pax --xattrs --xattrs-include='*' --acls --numeric-owner",
  "GNU tar, with holes":
    "tar --format=pax -S --xattrs --xattrs-include='*' --acls",
  bsdtar: "bsdtar --format=pax --no-fflags",
};

for (const [who, writer] of Object.entries(WRITERS)) {
  const tool = who === "bsdtar" ? "bsdtar" : "tar";
  // bsdtar writes all of a directory's children before any of theirs.
  const ways = who === "bsdtar"
    ? ["from a file", "from a pipe"]
    : ["from a file", "from a pipe", "in order from a pipe"];
  for (const way of ways) {
    toolTest(
      `a tree that ${who} wrote is restored with all it had, ${way}`,
      [...NEEDS, tool],
      async () => {
        await inFolder(async (folder) => {
          await run("bash", ["-ec", MAKE], folder);
          // Before 1970, bsdtar counts fractions of seconds backwards.
          await run("touch", ["-d", "1969-12-31 23:59:58Z", "t/long"], folder);
          await run("sh", ["-c", `${writer} -cf a.tar -C t .`], folder)
            .catch((error) => {
              // bsdtar warns of names that are not UTF-8, and writes them.
              if (tool === "tar") throw error;
            });
          const made = way === "from a file"
            ? await pxar(["import", "a.tar", "a.pxar"], { cwd: folder })
            : await pxar([
              "import",
              "-",
              "a.pxar",
              ...way.startsWith("in") ? ["--in-order"] : [],
            ], {
              cwd: folder,
              stdin: await Deno.readFile(`${folder}/a.tar`),
            });
          assertEquals([made.code, made.err], [0, ""]);
          const { code, err } = await pxar(["extract", "a.pxar", "out"], {
            cwd: folder,
          });
          assertEquals([code, err], [0, ""]);
          assertEquals(await look(`${folder}/out`), await look(`${folder}/t`));
          if (way === "from a file") {
            const { code, err } = await pxar(["check", "a.pxar"], {
              cwd: folder,
            });
            assertEquals([code, err], [0, ""]);
          }
        });
      },
    );
  }
}

toolTest(
  "import reads every form that GNU tar writes",
  ["linux", "tar"],
  async () => {
    await inFolder(async (folder) => {
      await run("bash", [
        "-ec",
        `mkdir -p t/d; printf x > t/d/f; ln t/d/f t/d/g; ln -s f t/d/l
       truncate -s 3M t/holes; printf mid | dd of=t/holes bs=1 seek=1234567 conv=notrunc status=none
       printf end >> t/holes; touch -d '2020-01-01 00:00:00Z' t t/d t/d/f t/holes`,
      ], folder);
      const archives = new Set<string>();
      for (
        const form of [
          "--format=v7",
          "--format=oldgnu",
          "--format=gnu",
          "--format=ustar",
          "--format=pax",
          "--format=gnu -S",
          "--format=pax -S --sparse-version=0.0",
          "--format=pax -S --sparse-version=0.1",
          "--format=pax -S --sparse-version=1.0",
        ]
      ) {
        await run("sh", ["-c", `tar ${form} -h -cf a.tar -C t .`], folder);
        const { code, err, bytes } = await pxar(["import", "a.tar", "-"], {
          cwd: folder,
        });
        assertEquals([form, code, err], [form, 0, ""]);
        archives.add(
          [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))]
            .join(),
        );
      }
      assertEquals(archives.size, 1);
    });
  },
);

toolTest(
  "import gives an archive back that export wrote, packed or not, from files and pipes",
  ["gzip", "zstd"],
  async () => {
    await inFolder(async (folder) => {
      await plain(folder);
      const archive = readVector("plain.pxar");
      for (const format of ["tar", "tar.gz", "tar.zst"]) {
        const file = `a.${format}`;
        await pxar(["export", "plain.pxar", file], { cwd: folder });
        const stdin = await Deno.readFile(`${folder}/${file}`);
        for (
          const { bytes, err, code } of [
            await pxar(["import", file, "-"], { cwd: folder }),
            await pxar(["import", "-", "-"], { cwd: folder, stdin }),
            await pxar(["import", "-", "-", "--in-order"], {
              cwd: folder,
              stdin,
            }),
          ]
        ) {
          assertEquals([format, code, err], [format, 0, ""]);
          assertEquals(bytes, archive);
        }
        // Two streams one after the other are one.
        if (format === "tar") continue;
        const tar = await Deno.readFile(`${folder}/a.tar`);
        const tool = format === "tar.gz" ? "gzip" : "zstd";
        await Deno.writeFile(`${folder}/1`, tar.subarray(0, 10_000));
        await Deno.writeFile(`${folder}/2`, tar.subarray(10_000));
        await run(
          "sh",
          ["-c", `${tool} -c 1 > two; ${tool} -c 2 >> two`],
          folder,
        );
        const two = await pxar(["import", "two", "-"], { cwd: folder });
        assertEquals([two.code, two.err], [0, ""]);
        assertEquals(two.bytes, archive);
      }
    });
  },
);

toolTest(
  "import keeps what does not fit into memory in a file without a name",
  ["tar"],
  async () => {
    await inFolder(async (folder) => {
      await run("sh", [
        "-c",
        "mkdir t tmp; head -c 40000000 /dev/urandom > t/a; tar -cf a.tar -C t a",
      ], folder);
      const env = { TMPDIR: `${folder}/tmp` };
      const from = await pxar(["import", "a.tar", "a.pxar"], { cwd: folder });
      assertEquals(from.code, 0, from.err);
      const stdin = await Deno.readFile(`${folder}/a.tar`);
      const { code, err } = await pxar(["import", "-", "b.pxar"], {
        cwd: folder,
        stdin,
        env,
      });
      assertEquals([code, err], [0, ""]);
      assertEquals(names(`${folder}/tmp`), []);
      assertEquals(
        await Deno.readFile(`${folder}/b.pxar`),
        await Deno.readFile(`${folder}/a.pxar`),
      );
      const nowhere = await pxar(["import", "-", "c.pxar"], {
        cwd: folder,
        stdin,
        env: { TMPDIR: `${folder}/nothing` },
      });
      assertEquals(nowhere.code, 1);
      assertMatch(
        nowhere.err,
        /^pxar: Cannot keep a copy of the tar archive in .*nothing: /,
      );
    });
  },
);

systemTest("import sorts what tar -r added later; in order that is an error", [
  "linux",
], async () => {
  await inFolder(async (folder) => {
    await run("bash", [
      "-ec",
      `mkdir -p t/a t/b; echo 1 > t/a/x; echo 2 > t/b/y; tar -cf a.tar -C t .
       echo 3 > t/a/new; echo changed > t/a/x; tar -rf a.tar -C t ./a/new ./a/x`,
    ], folder);
    const { code, err } = await pxar(["import", "a.tar", "a.pxar"], {
      cwd: folder,
    });
    assertEquals([code, err], [0, ""]);
    const cat = await pxar(["cat", "a.pxar", "a/new", "a/x"], { cwd: folder });
    assertEquals(cat.out, "3\nchanged\n");
    const streamed = await pxar(["import", "a.tar", "b.pxar", "--in-order"], {
      cwd: folder,
    });
    assertEquals(streamed.code, 1);
    assertMatch(
      streamed.err,
      /^pxar: Cannot read tar member ".*" in order: .* \(without --in-order it is\)\n$/,
    );
    assertEquals(names(folder), ["a.pxar", "a.tar", "t"]);
  });
});

toolTest(
  "import names what has no place, and ends with 3",
  ["python3"],
  async () => {
    await inFolder(async (folder) => {
      await run("python3", [
        "-c",
        `
import tarfile, io
t = tarfile.open('a.tar', 'w')
def add(name, **more):
    i = tarfile.TarInfo(name); i.size = 1
    for k, v in more.items(): setattr(i, k, v)
    t.addfile(i, io.BytesIO(b'x'))
add('../up'); add('fine'); add('link', type=tarfile.LNKTYPE, linkname='nowhere', size=0)
t.close()`,
      ], folder);
      const { code, err, out } = await pxar([
        "import",
        "a.tar",
        "a.pxar",
        "--json",
      ], { cwd: folder });
      assertEquals(code, 3);
      assertMatch(
        err,
        /^pxar: Cannot take tar member "\.\.\/up": .*\npxar: Cannot take hardlink "link": .*\npxar: 2 errors: the result is incomplete\n$/,
      );
      const said = JSON.parse(out);
      assertEquals([said.errors, said.entries], [2, 2]);
      const { out: listed } = await pxar(["list", "a.pxar"], { cwd: folder });
      assertEquals(listed, '"/"\n"/fine"\n');
    });
  },
);

Deno.test("import refuses what is no tar file, and leaves nothing", async () => {
  await inFolder(async (folder) => {
    await plain(folder);
    await pxar(["export", "plain.pxar", "a.tar"], { cwd: folder });
    await pxar(["export", "plain.pxar", "a.tar.gz"], { cwd: folder });
    await pxar(["export", "plain.pxar", "a.tar.zst"], { cwd: folder });
    const write = async (name: string, bytes: Uint8Array) => {
      await Deno.writeFile(`${folder}/${name}`, bytes);
    };
    const file = (name: string) => Deno.readFileSync(`${folder}/${name}`);
    const changed = (name: string, at: number) =>
      file(name).map((byte, i) => i === at ? byte ^ 0x55 : byte);
    await write("empty", new Uint8Array(0));
    await write("text", new TextEncoder().encode("no tar\n".repeat(200)));
    await write("x.xz", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0));
    await write("x.zip", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0));
    await write("x.pxar", readVector("plain.pxar"));
    await write("cut.tar", file("a.tar").subarray(0, 20_000));
    await write("cut.gz", file("a.tar.gz").subarray(0, 20_000));
    await write("cut.zst", file("a.tar.zst").subarray(0, 20_000));
    await write("bad.gz", changed("a.tar.gz", 30_000));
    await write("bad.zst", changed("a.tar.zst", 30_000));
    const before = names(folder);
    const cases: [string, number, RegExp][] = [
      ["empty", 4, /it is empty, expected a tar file/],
      ["text", 4, /its sum is wrong/],
      ["x.xz", 4, /it is a xz file, expected tar.*xz -dc/],
      ["x.zip", 4, /it is a zip file/],
      ["x.pxar", 4, /it is a pxar file/],
      ["cut.tar", 4, /it ends at byte 20000/],
      ["cut.gz", 4, /Cannot decompress gzip: the stream ends early/],
      ["cut.zst", 4, /Cannot decompress zstd: the stream ends early/],
      ["bad.gz", 4, /^pxar: Cannot /],
      ["bad.zst", 4, /^pxar: Cannot /],
      ["nothing", 1, /^pxar: Cannot open nothing: /],
    ];
    for (const [name, exit, message] of cases) {
      for (const more of [[], ["--in-order"]]) {
        const { code, err } = await pxar(
          ["import", name, "new.pxar", ...more],
          {
            cwd: folder,
          },
        );
        assertEquals([name, code], [name, exit], err);
        assertMatch(err, message);
        assertEquals(err.trimEnd().split("\n").length, 1, err);
        assertEquals(names(folder), before);
      }
    }
    for (const args of [["a.tar", "a.ppxar"], ["a.tar", "-", "--json"]]) {
      const { code } = await pxar(["import", ...args], { cwd: folder });
      assertEquals(code, 2);
    }
  });
});

Deno.test("import makes split archives and snapshots", async () => {
  await inStore(async ({ folder, run }) => {
    await plain(folder);
    await run("export plain.pxar a.tar");
    const split = await run("import a.tar a.mpxar");
    assertEquals(split.code, 0, split.err);
    assert(names(folder).includes("a.ppxar"));
    const taken = await run("import a.tar host/elsa:root.pxar");
    assertEquals(taken.code, 0, taken.err);
    const { code, err } = await run("cp host/elsa:root.pxar b.pxar");
    assertEquals(code, 0, err);
    assertEquals(
      await Deno.readFile(`${folder}/b.pxar`),
      readVector("plain.pxar"),
    );
  });
});

systemTest(
  "import leaves nothing when it is interrupted",
  ["unix"],
  async () => {
    for (const more of [[], ["--in-order"]]) {
      await inFolder(async (folder) => {
        const [signal, exit] = SIGNALS[0]!;
        const child = program(["import", "-", "a.pxar", ...more], {
          cwd: folder,
          stdin: new Uint8Array(0),
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new Uint8Array(8).fill(1));
        while (!names(folder).some((name) => name.endsWith(".partial"))) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        child.kill(signal);
        const { code } = await child.output();
        writer.abort().catch(() => {});
        assertEquals(code, exit);
        assertEquals(names(folder), []);
      });
    }
  },
);

for (const how of ["gzip", "zstd"] as const) {
  Deno.test(`a damaged ${how} stream ends with our own errors, wherever it is damaged`, async () => {
    const pieces: Bytes[] = [];
    const plain = readVector("names.pxar");
    const sink = compressing({
      write: (piece) => void pieces.push(piece.slice()),
    }, how);
    for (let at = 0; at < plain.length; at += 5000) {
      await sink.write(plain.slice(at, at + 5000));
    }
    await sink.finish();
    const packed = concat(pieces);
    const read = async (bytes: Bytes): Promise<Bytes> => {
      const out: Bytes[] = [];
      const source = sourceOf([bytes.subarray(0, 99), bytes.subarray(99)]);
      for await (const piece of decompressed(source, how)) out.push(piece);
      return concat(out);
    };
    assertEquals(await read(packed), plain);
    for (let length = 0; length < packed.length; length += 97) {
      // Of nothing nothing comes.
      if (length === 0 && how === "zstd") continue;
      await assertRejects(() => read(packed.slice(0, length)), PxarError);
    }
    await fc.assert(
      fc.asyncProperty(
        fc.nat(packed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const changed = packed.slice();
          changed[at]! ^= change;
          try {
            // What does not matter: a gzip header's time and system.
            assertEquals(await read(changed), plain);
          } catch (error) {
            if (!(error instanceof PxarError)) throw error;
          }
        },
      ),
      { numRuns: 400 },
    );
  });
}
