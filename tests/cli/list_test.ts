// `list` says what the official tool says, byte for byte, of all golden archives; and its own forms.
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { readVector, TREES, VARIANTS, VECTORS } from "../support/vectors.ts";
import { inFolder, names, pxar } from "./run.ts";

for (const name of [...TREES, ...VARIANTS]) {
  Deno.test(`list prints ${name} as the official tool does`, async () => {
    await inFolder(async (folder) => {
      const archive = `${folder}/a.pxar`;
      await Deno.writeFile(archive, readVector(`${name}.pxar`));
      const [short, long] = await Promise.all([
        pxar(["list", archive]),
        pxar(["list", "-l", archive]),
      ]);
      assertEquals(short.err + long.err, "");
      const text = new TextDecoder();
      assertEquals(short.out, text.decode(readVector(`${name}.list.txt`)));
      assertEquals(long.out, text.decode(readVector(`${name}.list-long.txt`)));
    });
  });
}

Deno.test("list shows local time", async () => {
  const archive = new URL("names.pxar", VECTORS).pathname;
  const { out } = await pxar(["list", "-l", archive, "/..."], {
    env: { TZ: "Asia/Kathmandu" },
  });
  assertEquals(
    out,
    '-rw-r--r--   0/0           2023-11-15 03:58:27        2 "/..."\n',
  );
});

Deno.test("list takes a split archive without its payload, and shows where contents are", async () => {
  const archive = new URL("kinds.mpxar", VECTORS).pathname;
  const { code, out } = await pxar(["list", "-l", archive, "dir/child"]);
  assertEquals(code, 0);
  assertEquals(
    out,
    '-rw-r--r--   0/0           2023-11-14 22:13:24        6 "/dir/child" @16\n',
  );
});

Deno.test("list shows one directory with what is below it, and an archive from standard input", async () => {
  const { out } = await pxar(["list", "-", "/a"], {
    stdin: readVector("hardlinks.pxar"),
  });
  assertEquals(
    out,
    [
      "/a",
      "/a/above",
      "/a/deep",
      "/a/deep/er",
      "/a/deep/er/target",
      "/a/first",
      "/a/second",
    ]
      .map((path) => `"${path}"\n`).join(""),
  );
});

Deno.test("list takes the escapes that it prints", async () => {
  const archive = new URL("names.pxar", VECTORS).pathname;
  const { code, out } = await pxar([
    "list",
    "--escaped",
    archive,
    "/dir-\\xFF\\xFE",
  ]);
  assertEquals(code, 0);
  assertEquals(out.split("\n").length, 5);
  const none = await pxar(["list", archive, "/dir-\\xFF\\xFE"]);
  assertEquals(none.code, 5);
  assertEquals(
    none.err,
    'pxar: Cannot find "/dir-\\\\xFF\\\\xFE": it is not in the archive\n',
  );
});

Deno.test("list --json gives every entry, raw names also as base64", async () => {
  const archive = new URL("names.pxar", VECTORS).pathname;
  const entries = JSON.parse((await pxar(["list", "--json", archive])).out);
  assertEquals(entries.length, 78);
  assertEquals(entries[0].path, "/");
  assertEquals(entries[0].kind, "directory");
  const raw = entries.filter((one: { pathBytes?: string }) => one.pathBytes);
  assert(raw.length > 10);
  assertEquals(
    new TextDecoder("latin1").decode(
      Uint8Array.fromBase64(
        raw.find((one: { path: string }) => one.path.startsWith("/latin"))
          .pathBytes,
      ),
    ),
    "/latin-\xe9",
  );
});

Deno.test("list shows all fields of all kinds as JSON", async () => {
  const of = async (name: string) =>
    JSON.parse(
      (await pxar(["list", "--json", new URL(name, VECTORS).pathname])).out,
    );
  const kinds = await of("kinds.pxar");
  const at = (all: { path: string }[], path: string) =>
    all.find((one) => one.path === path) as unknown as Record<string, unknown>;
  assertEquals(at(kinds, "/dev-chr-null"), {
    path: "/dev-chr-null",
    kind: "char",
    mode: "20640",
    uid: 0,
    gid: 6,
    mtime: "2023-11-14T22:13:40.020000060Z",
    secs: 1700000020,
    nanos: 20000060,
    device: { major: 1, minor: 3 },
    position: at(kinds, "/dev-chr-null")!.position,
  });
  const link = at(kinds, "/hardlink")!;
  assertEquals([link.kind, link.target], ["hardlink", "file"]);
  assertEquals(link.linkPosition, at(kinds, "/file")!.position);
  const xattrs = await of("xattrs.pxar");
  assert(at(xattrs, "/acl-user")!.acl);
  assert(at(xattrs, "/cap-net")!.fcaps);
  assertEquals(
    (at(xattrs, "/x-one")!.xattrs as { name: string }[])[0]!.name.slice(0, 5),
    "user.",
  );
  const flags = await of("flags.pxar");
  assertStringIncludes(JSON.stringify(flags), '"nodump"');
});

systemTest("JSON escapes what could steer a terminal, and means the same", [
  "unix",
], async () => {
  await inFolder(async (folder) => {
    const name = "a\x1b[31m\x7f\x9b\u202e\u2066b";
    await Deno.mkdir(`${folder}/source`);
    await Deno.writeTextFile(`${folder}/source/${name}`, "");
    await pxar(["create", "x.pxar", "source"], { cwd: folder });
    for (const args of [["list", "x.pxar"], ["stat", "x.pxar", name]]) {
      const { out } = await pxar([...args, "--json"], { cwd: folder });
      assertMatch(out, /^[\n -~]*$/);
      assertEquals(JSON.parse(out).at(-1).path, `/${name}`);
    }
  });
});

systemTest(
  "a pipe with a path is read in order, like standard input",
  ["unix"],
  async () => {
    await inFolder(async (folder) => {
      // Large enough that a reader would rather pass over its contents.
      await Deno.mkdir(`${folder}/source`);
      await Deno.writeFile(`${folder}/source/a`, new Uint8Array(3_000_000));
      await Deno.writeTextFile(`${folder}/source/b`, "b\n");
      await pxar(["create", "x.pxar", "source"], { cwd: folder });
      const fifo = `${folder}/fifo`;
      assert(
        (await new Deno.Command("mkfifo", { args: [fifo] }).output()).success,
      );
      const through = async (...args: string[]) => {
        const ran = pxar(args, { cwd: folder });
        const feeding = new Deno.Command("sh", {
          args: ["-c", "cat x.pxar > fifo"],
          cwd: folder,
          stderr: "null",
        }).output();
        const result = await ran;
        await feeding;
        return result;
      };
      assertEquals((await through("list", "fifo")).out, '"/"\n"/a"\n"/b"\n');
      const extracted = await through("extract", "fifo", "out", "/b", "-q");
      assertEquals([extracted.code, names(`${folder}/out`)], [0, ["b"]]);
      // Not damage, which would be 4.
      for (const command of ["check", "ls"]) {
        const { code, err } = await through(command, "fifo");
        assertEquals(code, 2);
        assertMatch(err, /^pxar: Cannot read fifo from any place: /);
      }
    });
  },
);
