import { AT_FDCWD, O_NOFOLLOW, O_PATH, O_RDONLY } from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import {
  descriptorLimit,
  DT_DIR,
  DT_LNK,
  DT_REG,
  fileSystemType,
  NameList,
  openFile,
  readLink,
  statEntry,
  statFile,
  Statx,
} from "@pxar/sys/files";
import { addressOf, cString, errno, type Libc, openLibc } from "@pxar/sys/libc";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { run } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { openDescriptors, withDirectory } from "../support/walks.ts";

const decoder = new TextDecoder();

/** Runs with the C library; there is nothing to test without. */
function withLibc(
  use: (libc: Libc) => void | Promise<void>,
): () => Promise<void> {
  return async () => {
    const libc = openLibc();
    if (libc !== undefined) await use(libc);
  };
}

systemTest(
  "openLibc() opens the C library once",
  ["linux"],
  withLibc((libc) => {
    assertEquals(openLibc(), libc);
    assertEquals(libc.geteuid(), Deno.uid());
  }),
);

systemTest(
  "openLibc() gives nothing where it is not allowed, and does not ask",
  ["linux"],
  async () => {
    const code =
      `import { openLibc } from "@pxar/sys/libc"; console.log(openLibc() === undefined);`;
    const eval_ = ["run", "--no-prompt", `--allow-ffi=/nowhere/libc.so.6`, "-"];
    const child = new Deno.Command(Deno.execPath(), {
      args: eval_,
      cwd: new URL("../../", import.meta.url).pathname,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(code));
    await writer.close();
    const { stdout, stderr } = await child.output();
    assertEquals(decoder.decode(stdout).trim(), "true", decoder.decode(stderr));
  },
);

systemTest(
  "statFile() and statEntry() fill a Statx, or give the negated error number",
  ["linux"],
  withLibc((libc) =>
    withDirectory(async (path) => {
      await Deno.writeTextFile(`${path}/file`, "text");
      await Deno.symlink("file", `${path}/link`);
      await Deno.utime(`${path}/file`, -2, -2);
      const before = openDescriptors(path),
        stat = new Statx(),
        info = Deno.lstatSync(`${path}/file`);
      const directory = openFile(libc, AT_FDCWD, cString(path), O_RDONLY);
      const fd = openFile(libc, directory, cString("file"), O_RDONLY);
      assert(fd >= 0);
      assertEquals(statFile(libc, fd, stat), 0);
      assertEquals([
        stat.mode,
        stat.size,
        stat.inode,
        stat.links,
        stat.secs,
        stat.nanos,
        stat.type,
      ], [
        info.mode!,
        4,
        info.ino!,
        1,
        -2,
        0,
        DT_REG,
      ]);
      assertEquals(statEntry(libc, directory, cString("link"), stat), 0);
      assertEquals(stat.type, DT_LNK);
      assertEquals(
        statEntry(libc, directory, cString("none"), stat),
        -ERRNO.ENOENT,
      );
      assertEquals(
        openFile(libc, directory, cString("none"), O_RDONLY),
        -ERRNO.ENOENT,
      );
      const link = openFile(
        libc,
        directory,
        cString("link"),
        O_PATH | O_NOFOLLOW,
      );
      assertEquals(decoder.decode(readLink(libc, link) as Uint8Array), "file");
      assertEquals(readLink(libc, fd), -ERRNO.ENOENT);
      for (const one of [directory, fd, link]) libc.close(one);
      assertEquals(statFile(libc, fd, stat), -ERRNO.EBADF);
      assertEquals(openDescriptors(path), before);
    })
  ),
);

systemTest(
  "fileSystemType() tells what stat -f tells",
  ["linux"],
  withLibc(async (libc) => {
    for (const path of ["/", "/proc", "/dev"]) {
      const fd = openFile(libc, AT_FDCWD, cString(path), O_RDONLY);
      assertEquals(
        fileSystemType(libc, fd).toString(16),
        (await run("stat", "-f", "-c", "%t", path)).trim(),
        path,
      );
      libc.close(fd);
      assertEquals(fileSystemType(libc, fd), -ERRNO.EBADF);
    }
  }),
);

systemTest(
  "descriptorLimit() tells what ulimit tells",
  ["linux"],
  withLibc((libc) => {
    // Deno raises the soft limit to the hard one.
    assert(descriptorLimit(libc) >= 256);
  }),
);

systemTest(
  "NameList.read() gives raw names in the order of their bytes, with their types",
  ["linux", "python3"],
  withLibc((libc) =>
    withDirectory(async (path) => {
      const script = `
import os, sys
os.chdir(sys.argv[1])
for name in (b"b", b"\\xff", b"a", b"a b", b"ab", b"\\n", b"..x", b".x", "\\uff5e".encode(), "\\U0001f600".encode(), b"n" * 255): open(name, "w").close()
os.mkdir(b"a.d"); os.symlink(b"x", b"z")
`;
      await run("python3", "-c", script, path);
      const fd = openFile(libc, AT_FDCWD, cString(path), O_RDONLY);
      const list = NameList.read(libc, fd) as NameList;
      const names = Array.from({ length: list.length }, (_, i) =>
        [...list.name(i)].map((byte) =>
          String.fromCharCode(byte)
        ).join(""));
      assertEquals(names, [
        "\n",
        "..x",
        ".x",
        "a",
        "a b",
        "a.d",
        "ab",
        "b",
        "n".repeat(255),
        "z",
        "\xef\xbd\x9e",
        "\xf0\x9f\x98\x80",
        "\xff",
      ]);
      assertEquals(
        [3, 5, 9].map((i) => list.type(i)),
        [DT_REG, DT_DIR, DT_LNK],
      );
      // A name is a C string as it is.
      const opened = openFile(libc, fd, list.name(8), O_RDONLY);
      assert(opened >= 0);
      libc.close(opened);
      assertEquals(NameList.read(libc, opened), -ERRNO.EBADF);
      libc.close(fd);
    })
  ),
);

systemTest(
  "NameList.read() leaves out what is not chosen, and notes the type it is told",
  ["linux"],
  withLibc((libc) =>
    withDirectory((path) => {
      for (let i = 0; i < 3000; i++) Deno.writeTextFileSync(`${path}/${i}`, "");
      const fd = openFile(libc, AT_FDCWD, cString(path), O_RDONLY);
      const list = NameList.read(
        libc,
        fd,
        (name) => name.length < 3 ? name.length : -1,
      ) as NameList;
      libc.close(fd);
      assertEquals(list.length, 100);
      assertEquals([decoder.decode(list.name(0)), list.type(0)], ["0", 1]);
      assertEquals([decoder.decode(list.name(99)), list.type(99)], ["99", 2]);
    })
  ),
);

systemTest(
  "addressOf() is where the kernel reads and writes",
  ["linux"],
  withLibc((libc) =>
    withDirectory(async (path) => {
      await Deno.writeTextFile(`${path}/file`, "0123456789");
      const bytes = new Uint8Array(100), at = addressOf(libc, bytes);
      assertEquals(addressOf(libc, bytes.subarray(10)), at + 10);
      const fd = openFile(libc, AT_FDCWD, cString(`${path}/file`), O_RDONLY);
      assertEquals(libc.read(fd, BigInt(at + 50), 4), 4);
      assertEquals(libc.readInto(fd, bytes.subarray(60), 4), 4);
      assertEquals(
        decoder.decode(bytes.subarray(50, 64)),
        "0123\0\0\0\0\0\x004567",
      );
      libc.close(fd);
      assertEquals(libc.read(fd, BigInt(at), 1), -1);
      assertEquals(errno(libc), ERRNO.EBADF);
    })
  ),
);

Deno.test("cString() puts a NUL behind a name and refuses one inside", () => {
  assertEquals([...cString("ä")], [0xc3, 0xa4, 0]);
  assertEquals([...cString(Uint8Array.of(0xff))], [0xff, 0]);
  assertThrows(() => cString("a\0b"), TypeError, "a NUL inside");
});
