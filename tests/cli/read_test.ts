// The commands that look into an archive: ls, cat, stat, find, info, check.
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { base64, loadVector, readVector, VECTORS } from "../support/vectors.ts";
import { inFolder, pxar } from "./run.ts";
import { inStore } from "./stores.ts";

const vector = (name: string) => new URL(name, VECTORS).pathname;

Deno.test("ls lists one directory, raw names as they are", async () => {
  const [root, below, one] = await Promise.all([
    pxar(["ls", vector("hardlinks.pxar")]),
    pxar(["ls", vector("names.pxar"), "--escaped", "/dir-\\xFF\\xFE"]),
    pxar(["ls", vector("hardlinks.pxar"), "/a/first"]),
  ]);
  assertEquals(root.out.split("\n").slice(0, 4), ["a", "b", "dev", "dev-2"]);
  assertEquals(
    below.bytes,
    new Uint8Array([...bytes("f\x80\nl\x81\nz-link\x82\n")]),
  );
  assertEquals(one.out, "a/first\n");
});

Deno.test("ls -l shows links with what they lead to, ls -R what is below", async () => {
  const { out } = await pxar(["ls", "-lR", vector("hardlinks.pxar"), "a"]);
  assertEquals(out.split("\n"), [
    "/a:",
    "-rw-r--r--   0/0           2023-11-14 22:13:27     5000 above",
    "drwxr-xr-x   0/0           2023-11-14 22:13:22        0 deep",
    "-rw-r--r-- + 3/4           2023-11-14 22:13:26       11 first",
    "hrw-r--r-- + 3/4           2023-11-14 22:13:26       11 second link to /a/first",
    "",
    "/a/deep:",
    "drwxr-xr-x   0/0           2023-11-14 22:13:23        0 er",
    "",
    "/a/deep/er:",
    "hrw-r--r--   0/0           2023-11-14 22:13:27     5000 target link to /a/above",
    "",
  ]);
  const json = JSON.parse(
    (await pxar(["ls", "-R", "--json", vector("hardlinks.pxar"), "/a"])).out,
  );
  assertEquals(json.map((one: { path: string }) => one.path), [
    "/a/above",
    "/a/deep",
    "/a/first",
    "/a/second",
    "/a/deep/er",
    "/a/deep/er/target",
  ]);
});

Deno.test("cat prints contents of files and links, v1 and split", async () => {
  const { entries } = loadVector("plain");
  const [a, b] = ["text", "sparse-hole-middle"].map((name) =>
    entries.find(({ text }) => text === name)!
  );
  const expected = a!.size! + b!.size!;
  const [one, two] = await inFolderOf([
    "plain.pxar",
    "plain.mpxar",
    "plain.ppxar",
  ], (folder) =>
    Promise.all(
      ["plain.pxar", "plain.mpxar"].map((name) =>
        pxar([
          "cat",
          `${folder}/${name}`,
          "text",
          "/text",
          "sparse-hole-middle",
        ])
      ),
    ));
  assertEquals([one!.code, two!.code, one!.err], [0, 0, ""]);
  assertEquals(one!.bytes.length, expected + a!.size!);
  assertEquals(one!.bytes, two!.bytes);
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", one!.bytes.subarray(0, a!.size!)),
  );
  assertEquals(digest.toHex(), a!.sha256);
});

Deno.test("stat shows all that is kept, for people and as JSON", async () => {
  const { out } = await pxar([
    "stat",
    vector("xattrs.pxar"),
    "/cap-all",
    "x-binary",
  ]);
  for (
    const word of [
      "Path:",
      '"/cap-all"',
      "0640",
      "Capabilities:",
      "ACL:",
      "Attribute:",
      "user.",
    ]
  ) {
    assertStringIncludes(out, word);
  }
  const { entries } = loadVector("xattrs");
  const golden = entries.find(({ text }) => text === "x-binary")!;
  const [json] = JSON.parse(
    (await pxar(["stat", "--json", vector("xattrs.pxar"), "x-binary"])).out,
  );
  assertEquals(json.mode, golden.mode!.replace(/^0+/, ""));
  assertEquals([json.uid, json.gid, json.secs, json.nanos, json.size], [
    golden.uid,
    golden.gid,
    Number(golden.mtime),
    golden.nanos,
    golden.size,
  ]);
  assertEquals(
    json.xattrs.map((one: { value: string }) => one.value),
    golden.xattrs!.map((one) => one.value),
  );
  assertEquals(
    json.xattrs[0].name,
    new TextDecoder().decode(base64(golden.xattrs![0]!.name)),
  );
});

Deno.test("find takes what fits all that is asked", async () => {
  const find = async (...args: string[]) =>
    (await pxar(["find", vector("kinds.pxar"), ...args])).out.split("\n").slice(
      0,
      -1,
    );
  const [names, types, sizes, patterns, owners, none] = await Promise.all([
    find("--name", "sym-d*", "--name", "fifo"),
    find("--type", "ps"),
    find("--size", "+5", "--size", "-13"),
    find("/dir/", "dir/child"),
    find("--uid", "1000", "--type", "f"),
    find("--newer", "2030-01-01"),
  ]);
  assertEquals(names, [
    '"/fifo"',
    '"/sym-dangling"',
    '"/sym-dir"',
    '"/sym-dot"',
    '"/sym-dotdot"',
  ]);
  assertEquals(types, ['"/fifo"', '"/socket"']);
  assertEquals(sizes, ['"/dir/child"']);
  assertEquals(patterns, ['"/dir"', '"/dir/child"']);
  assertEquals(owners, ['"/file"']);
  assertEquals(none, []);
  const all = await find(
    "--older",
    "2023-11-14T22:13:21Z",
    "--newer",
    "2023-11-14T22:13:19.5Z",
  );
  assertEquals(all, ['"/"']);
  const json = JSON.parse(
    (await pxar(["find", vector("kinds.pxar"), "--type", "b", "--json"])).out,
  );
  assertEquals(json.map((one: { device: unknown }) => one.device), [
    { major: 259, minor: 65536 },
    { major: 7, minor: 0 },
    { major: 4095, minor: 1048575 },
  ]);
});

Deno.test("info counts, of v1 and of a split archive with a prelude", async () => {
  const [plain, split, text] = await Promise.all([
    pxar(["info", "--json", vector("kinds.pxar")]),
    pxar(["info", "--json", vector("exclude-cli-a.mpxar")]),
    pxar(["info", "-"], { stdin: readVector("kinds.pxar") }),
  ]);
  const { version, archiveBytes, entries, kinds, contentBytes, largest } = JSON
    .parse(plain.out);
  assertEquals([version, archiveBytes, entries, contentBytes], [
    1,
    readVector("kinds.pxar").length,
    30,
    19,
  ]);
  assertEquals(kinds, {
    directory: 3,
    device: 9,
    file: 3,
    fifo: 1,
    hardlink: 1,
    socket: 1,
    symlink: 12,
  });
  assertEquals(largest, [{ path: "/file", size: 13 }, {
    path: "/dir/child",
    size: 6,
  }]);
  const two = JSON.parse(split.out);
  assertEquals(two.version, 2);
  assertEquals(JSON.parse(two.prelude), {
    "exclude-patterns": "readme\n/build/\n",
  });
  assertEquals(two.payloadBytes, readVector("exclude-cli-a.ppxar").length);
  assertStringIncludes(text.out, "Entries:");
  assertStringIncludes(text.out, '"/file"');
});

Deno.test("check finds a sound archive sound, and damage with its offset", async () => {
  const sound = await pxar(["check", vector("kinds.mpxar"), "-q"]);
  assertEquals([sound.code, sound.err], [0, ""]);
  assertMatch(
    sound.out,
    /^sound: 30 entries, 3 files, 19 bytes of content read\n$/,
  );
  await inFolder(async (folder) => {
    const bytes = readVector("kinds.pxar");
    bytes[bytes.length - 30]! ^= 1;
    await Deno.writeFile(`${folder}/bad.pxar`, bytes);
    const { code, out } = await pxar(["check", `${folder}/bad.pxar`, "--json"]);
    assertEquals(code, 4);
    const { damage, damages, entries } = JSON.parse(out);
    assert(damages >= 1 && entries === 30);
    assertEquals(damage[0].stream, "archive");
    assert(
      damage[0].offset > bytes.length - 1000 && damage[0].offset < bytes.length,
    );
    assertMatch(damage[0].message, /^Cannot /);
    await Deno.copyFile(vector("kinds.mpxar"), `${folder}/alone.mpxar`);
    const alone = await pxar(["check", `${folder}/alone.mpxar`]);
    assertEquals(alone.code, 3);
    assertMatch(alone.out, /^sound but for what was not read: /);
    assertMatch(
      alone.err,
      /^pxar: contents of 3 files were not checked: .*--payload-input/,
    );
  });
});

function bytes(latin1: string): Uint8Array {
  return Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));
}

/** Does something with golden files, unpacked. */
async function inFolderOf<T>(
  files: readonly string[],
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    for (const file of files) {
      await Deno.writeFile(`${folder}/${file}`, readVector(file));
    }
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("commands that read say of a snapshot's archive what they say of a file", () =>
  inStore(async ({ runWords, folder, path }) => {
    const snapshot = "host/h1/2023-11-14T22:13:20Z";
    const whole = await runWords(["restore", snapshot, "root.pxar", "-"]);
    await Deno.writeFile(`${folder}/all.pxar`, whole.bytes);
    for (
      const [command, ...rest] of [
        ["ls"],
        ["ls", "-lR", "/docs"],
        ["ls", "--json"],
        ["cat", "/links/hard"],
        ["stat", "/", "/docs", "/links/fifo"],
        ["stat", "--json", "/docs"],
        ["list", "-l"],
        ["list", "--json", "/docs"],
        ["info"],
        ["info", "--json"],
        ["check"],
        ["cat", "/nowhere"],
        ["cat", "/docs"],
      ] as const
    ) {
      const [file, named, newest] = await Promise.all(
        ["all.pxar", `${snapshot}:root.pxar`, "host/h1:root.pxar"].map((name) =>
          runWords([command, name, ...rest])
        ),
      );
      const label = [command, ...rest].join(" ");
      assertEquals(named, file, label);
      assertEquals(newest!.code, file!.code, label);
    }
    const check = await runWords([
      "check",
      "ct/101/latest:root.pxar",
      "--json",
    ]);
    const told = JSON.parse(check.out);
    assertEquals([check.code, told.damages, told.unread, told.version], [
      0,
      0,
      0,
      2,
    ]);
    assertEquals(told.archive, "ct/101/2023-11-14T22:16:40Z:root.pxar");
    for (
      const [name, code, says] of [
        [
          "host/h1:nope.pxar",
          5,
          /expected one of fw\.conf, root\.pxar|root\.pxar/,
        ],
        ["host/h1:fw.conf", 4, /it is a file, expected an archive/],
        ["vm/100:drive-scsi0.img", 4, /it is a disk, expected an archive/],
        ["host/zz:root.pxar", 5, /Cannot open group host\/zz/],
        [snapshot, 2, /it is a snapshot, expected one of its archives/],
      ] as const
    ) {
      for (const command of ["ls", "list", "info", "check"]) {
        const ran = await runWords([command, name]);
        assertEquals([ran.code, ran.out], [code, ""], `${command} ${name}`);
        assertMatch(ran.err, says);
      }
    }
    // Of chunks that are damaged it is said where they are.
    const chunks = [...Deno.readDirSync(`${path}/.chunks`)].flatMap((one) =>
      one.isDirectory
        ? [...Deno.readDirSync(`${path}/.chunks/${one.name}`)].map((chunk) =>
          `${path}/.chunks/${one.name}/${chunk.name}`
        )
        : []
    );
    for (const chunk of chunks) await Deno.writeTextFile(chunk, "damaged");
    for (const command of ["check", "ls", "list"]) {
      const ran = await runWords([command, `${snapshot}:root.pxar`]);
      assertEquals(ran.code, 4, ran.err);
      // A check tells it as one damage of many.
      assertMatch(
        command === "check" ? ran.out : ran.err,
        /Cannot read root\.pxar\.didx of host\/h1\/\S+ at byte \d+: a chunk is damaged or missing \(/,
      );
    }
  }, "plain"));
