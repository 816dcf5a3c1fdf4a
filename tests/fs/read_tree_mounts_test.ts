// Other file systems within a tree, and what each kind of file system has to say.
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { PxarError, SystemError } from "@pxar/format/errors";
import { openLibc } from "@pxar/sys/libc";
import { imageNeeds, mounted, run, withImage } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { entryNamed, inMemory, walk, withDirectory } from "../support/walks.ts";

const decoder = new TextDecoder();
const WAYS = openLibc() === undefined ? [false] : [true, false];

for (const native of WAYS) {
  const way = native ? "by the C library" : "by Deno's own API";

  systemTest(
    `readTree() stores a mount point empty unless it is told to go in, ${way}`,
    ["linux", "mount"],
    () =>
      withDirectory(async (path) => {
        await Deno.mkdir(`${path}/mount`);
        await Deno.mkdir(`${path}/proc`);
        await Deno.writeTextFile(`${path}/z`, "");
        await mounted(
          ["-t", "tmpfs", "-o", "mode=0711", "none"],
          `${path}/mount`,
          () =>
            mounted(["-t", "proc", "none"], `${path}/proc`, async () => {
              await Deno.writeTextFile(`${path}/mount/inner`, "inside");
              const { entries, paths, messages, report } = await walk(path, {
                native,
              });
              assertEquals(paths, ["mount", "proc", "z"]);
              assertEquals(entryNamed(entries, "mount").mode, 0o040711);
              assertEquals(messages.length, 2);
              assertStringIncludes(
                messages[0]!,
                "Cannot enter directory mount: another file system is mounted there",
              );
              assertStringIncludes(
                messages[1]!,
                "Cannot enter directory proc: ",
              );
              assertEquals([report.warnings, report.errors], [2, 0]);

              const all = await walk(path, { native, allFileSystems: true });
              assertEquals(all.paths, ["mount", "mount/inner", "proc", "z"]);
              assertStringIncludes(
                all.messages[0]!,
                "proc: it is a file system made up by the kernel",
              );

              const included = await walk(path, {
                native,
                includeDev: [`${path}/mount/inner`, `${path}/proc`],
              });
              assertEquals(included.paths, [
                "mount",
                "mount/inner",
                "proc",
                "z",
              ]);
              await assertRejects(
                () => walk(path, { native, includeDev: [`${path}/missing`] }),
                SystemError,
                "Cannot find file system of",
              );
            }),
        );
      }),
  );

  systemTest(
    `readTree() refuses a virtual file system, ${way}`,
    ["linux"],
    async () => {
      await assertRejects(
        () => walk("/proc", { native }),
        PxarError,
        "made up by the kernel",
      );
    },
  );
}

systemTest("readTree() notices that a file system has no extended attributes", [
  "linux",
  "mount",
  "attr",
], () =>
  withDirectory(async (path) => {
    // ramfs has none; what is below on tmpfs has.
    if (openLibc() === undefined) return;
    await mounted(["-t", "ramfs", "none"], path, async () => {
      for (const name of ["a", "b"]) {
        await Deno.writeTextFile(`${path}/${name}`, "");
      }
      const { entries, messages } = await walk(path);
      assertEquals(messages, []);
      assertEquals(entryNamed(entries, "b").attributes, undefined);
    });
  }));

systemTest(
  "readTree() reads extended attributes, access lists and capabilities of tmpfs",
  ["linux", "root", "attr", "acl"],
  () =>
    withDirectory(async (path) => {
      if (openLibc() === undefined || inMemory() === undefined) return;
      await Deno.writeTextFile(`${path}/file`, "");
      await run("setfattr", "-n", "trusted.x", "-v", "text", `${path}/file`);
      await run("setfacl", "-m", "u:1000:r", `${path}/file`);
      const { entries } = await walk(path);
      const { attributes } = entryNamed(entries, "file");
      assertEquals(
        attributes!.xattrs.map((
          { name, value },
        ) => [decoder.decode(name), decoder.decode(value)]),
        [["trusted.x", "text"]],
      );
      assertEquals(attributes!.acl!.users, [{ id: 1000, perm: 4 }]);
      assertEquals(
        (await walk(path, { acls: false })).entries[1]!.attributes!.acl,
        undefined,
      );
      assertEquals(
        (await walk(path, { xattrs: false })).entries[1]!.attributes,
        undefined,
      );
    }, inMemory()),
);

systemTest(
  "readTree() says which attribute is too large for an archive, or leaves it out",
  [...imageNeeds("ext4-ea"), "python3"],
  () =>
    withImage("ext4-ea", async (path) => {
      if (openLibc() === undefined) return;
      await Deno.writeTextFile(`${path}/file`, "");
      await run(
        "python3",
        "-c",
        "import os, sys\nos.setxattr(sys.argv[1], 'user.' + 'n' * 250, b'v' * 65536)\nos.setxattr(sys.argv[1], 'user.small', b's')",
        `${path}/file`,
      );
      const error = await assertRejects(
        () => walk(path),
        PxarError,
        "Cannot read extended attribute user.nnn",
      );
      assertStringIncludes(
        error.message,
        " of file: name and value have 65792 bytes, expected at most 65791 (the option skip-e2big-xattr leaves it out)",
      );
      const { entries, report } = await walk(path, { skipE2bigXattr: true });
      assertEquals(
        entryNamed(entries, "file").attributes!.xattrs.map(({ name }) =>
          decoder.decode(name)
        ),
        ["user.small"],
      );
      assertEquals([report.warnings, report.errors], [1, 0]);
    }),
);
