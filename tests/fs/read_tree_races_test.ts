// What happens to a tree while it is read. A batch is made before the one before it is handed on, so of small batches the third and later ones meet what is done after the first.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import type { Content, Entry } from "@pxar/format/entry";
import { SystemError } from "@pxar/format/errors";
import { readTree, type ReadTreeOptions } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from "@pxar/sys/abi";
import { NameList, openFile } from "@pxar/sys/files";
import { cString, openLibc } from "@pxar/sys/libc";
import type { BytesContent } from "../support/entries.ts";
import { imageNeeds, run, withImage } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import {
  entryNamed,
  inMemory,
  openDescriptors,
  walk,
  walked,
  withDirectory,
} from "../support/walks.ts";

const POSIX_FADV_DONTNEED = 4;

/** Reads a tree of files 0 to 9 and does something to it after the first batch of two. */
async function disturbed(
  path: string,
  disturb: () => void | Promise<void>,
  options: ReadTreeOptions = {},
) {
  for (let i = 0; i < 10; i++) {
    await Deno.writeTextFile(`${path}/${i}`, `text ${i}`);
  }
  const report = new Report();
  const batches = readTree(path, { ...options, batch: 2, report });
  await batches.next();
  await disturb();
  return await walked(batches, report);
}

for (const native of openLibc() === undefined ? [false] : [true, false]) {
  const way = native ? "by the C library" : "by Deno's own API";

  systemTest(
    `readTree() leaves out what has vanished, with a warning, ${way}`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        const { entries, messages, report } = await disturbed(
          path,
          () => Deno.remove(`${path}/7`),
          { native },
        );
        assertEquals(files(entries), ["1", "2", "3", "4", "5", "6", "8", "9"]);
        assertEquals(messages.length, 1);
        assertStringIncludes(
          messages[0]!.toLowerCase(),
          "cannot read 7: no such file or directory",
        );
        assertStringIncludes(messages[0]!, "; left out");
        assertEquals([report.warnings, report.errors], [1, 0]);
      }),
  );

  systemTest(
    `readTree() fills a file that has become shorter with zeros, and cuts one that has grown, ${way}`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        await Deno.writeTextFile(`${path}/short`, "0123456789");
        await Deno.writeTextFile(`${path}/long`, "0123456789");
        const report = new Report();
        const [batch] = await Array.fromAsync(
          readTree(path, { native, report }),
          async (batch) => {
            await Deno.truncate(`${path}/short`, 4);
            await Deno.writeTextFile(`${path}/long`, "more", { append: true });
            const texts: { [name: string]: string } = {};
            for (const { name, content } of batch) {
              if (content !== undefined) {
                texts[new TextDecoder().decode(name)] = readLoosely(content);
              }
            }
            return texts;
          },
        );
        assertEquals(batch, { long: "0123456789", short: "0123\0\0\0\0\0\0" });
        const messages = report.problems.map((problem) => problem.message);
        assertEquals(messages, [
          "File long has grown while it was read; cut at 10 bytes",
          "File short has become shorter while it was read; the last 6 of 10 bytes are stored as zeros",
        ]);
        assertEquals([report.warnings, report.errors, report.bytes], [
          2,
          0,
          20,
        ]);
      }),
  );

  systemTest(
    `readTree() reads neither a fifo nor a symlink put in a file's place, and does not wait for one, ${way}`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        const { entries, report } = await disturbed(path, async () => {
          for (const name of ["6", "7", "8", "9"]) {
            await Deno.remove(`${path}/${name}`);
          }
          await run("mkfifo", `${path}/6`);
          await Deno.symlink("/etc/passwd", `${path}/7`);
          await Deno.mkdir(`${path}/8`);
          await Deno.writeTextFile(`${path}/8/inner`, "");
          const socket = Deno.listen({ transport: "unix", path: `${path}/9` });
          socket.close();
        }, { native });
        assertEquals(
          ["6", "7", "8"].map((name) => entryNamed(entries, name).kind),
          ["fifo", "symlink", "directory"],
        );
        assertEquals(
          new TextDecoder().decode(entryNamed(entries, "7").target),
          "/etc/passwd",
        );
        assertEquals(entryNamed(entries, "inner").kind, "file");
        assertEquals(report.errors, 0);
      }),
  );

  systemTest(`readTree() goes on where a directory was emptied, ${way}`, [
    "linux",
  ], () =>
    withDirectory(async (path) => {
      await Deno.mkdir(`${path}/a`);
      for (let i = 0; i < 8; i++) {
        await Deno.writeTextFile(`${path}/a/${i}`, "");
      }
      await Deno.writeTextFile(`${path}/b`, "last");
      const report = new Report(),
        batches = readTree(path, { native, batch: 1, report });
      for (let i = 0; i < 3; i++) await batches.next();
      await Deno.remove(`${path}/a`, { recursive: true });
      const { entries } = await walked(batches, report);
      assertEquals(files(entries).at(-1), "b");
      assertEquals(report.errors, 0);
      assert(report.warnings >= 5);
    }));
}

/** The names of the files. */
function files(entries: readonly Entry[]): string[] {
  return entries.filter((entry) => entry.kind === "file").map((entry) =>
    new TextDecoder().decode(entry.name)
  );
}

/** Reads with more room than there is content, as an encoder does. */
function readLoosely(content: Content): string {
  const all: number[] = [];
  for (;;) {
    const into = new Uint8Array(64), got = content.read(into) as number;
    if (got === 0) return String.fromCharCode(...all);
    all.push(...into.subarray(0, got));
  }
}

systemTest(
  "readTree() keeps at most 256 descriptors, 3,000 levels deep, and finds the way back",
  ["linux"],
  () =>
    withDirectory(async (path) => {
      const libc = openLibc();
      if (libc === undefined) return;
      const levels = 3000;
      let fd = openFile(libc, AT_FDCWD, cString(path), O_RDONLY);
      const names = ["a-directory-with-a-longer-name", "b"].map(cString);
      for (let i = 0; i < levels; i++) {
        // "z" comes after the way down: there the walk must be back in the right directory.
        for (const [name, flags] of [["first", 0o101], ["z", 0o101]] as const) {
          libc.close(openFile(libc, fd, cString(name), flags, 0o644));
        }
        const name = names[i % 2]!;
        libc.mkdirat(fd, name, 0o755);
        const inner = openFile(libc, fd, name, O_RDONLY | O_DIRECTORY);
        libc.close(fd);
        fd = inner;
      }
      libc.close(fd);
      const before = openDescriptors(path);
      let most = 0, files = 0, depth = 0, deepest = 0;
      const report = new Report();
      for await (const batch of readTree(path, { report })) {
        most = Math.max(most, openDescriptors(path) - before);
        for (const entry of batch) {
          if (entry.kind === "file") files++;
          if (entry.kind === "directory") deepest = Math.max(deepest, ++depth);
          if (entry.kind === "end") depth--;
        }
      }
      assertEquals([files, deepest, depth], [2 * levels, levels + 1, 0]);
      assertEquals(report.problems.length, 0);
      assert(most <= 256, `${most} descriptors`);
      assertEquals(openDescriptors(path), before);
      // Deno's own remove() would need a path of 50,000 bytes.
      await run("rm", "-rf", path);
      await Deno.mkdir(path);
    }),
);

for (
  const { what, alsoRenamed, lost } of [
    {
      what: "finds its way by names where a directory was moved",
      alsoRenamed: false,
      lost: 0,
    },
    {
      what: "says what it left out where there is no way back",
      alsoRenamed: true,
      lost: 15,
    },
  ]
) {
  systemTest(
    `readTree() ${what}`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        if (openLibc() === undefined) return;
        const levels = 100;
        const at = (level: number) => `${path}/tree${"/d".repeat(level)}`;
        await Deno.mkdir(at(levels), { recursive: true });
        for (let i = 0; i < levels; i++) {
          await Deno.writeTextFile(`${at(i)}/z`, "");
        }
        const report = new Report(), entries: Entry[] = [];
        for await (
          const batch of readTree(`${path}/tree`, { report, batch: 1 })
        ) {
          entries.push(...batch);
          if (entries.length !== levels) {
            continue;
          }
          // The walk is in the deepest, those far out are closed: from here on the way up by `..` leads elsewhere.
          await Deno.rename(at(20), `${path}/moved`);
          if (alsoRenamed) await Deno.rename(at(5), `${at(4)}/other`);
        }
        assertEquals(files(entries).length, levels - lost);
        assertEquals(
          entries.filter((entry) => entry.kind === "end").length,
          levels + 1,
        );
        assertEquals([report.warnings, report.errors], [0, lost]);
        for (const problem of report.problems) {
          assertStringIncludes(
            problem.message,
            "Cannot go back to directory d/d/d/d/d",
          );
          assertStringIncludes(
            problem.message,
            "; its last 1 entries are left out",
          );
        }
      }),
  );
}

systemTest(
  "readTree() lists a directory of 100,000 names in order",
  ["linux"],
  () =>
    withDirectory(async (path) => {
      const libc = openLibc();
      if (libc === undefined) return;
      const fd = openFile(libc, AT_FDCWD, cString(path), O_RDONLY);
      for (let i = 0; i < 100_000; i++) {
        const name = cString(`file ${(i * 7919) % 100_000}`);
        libc.close(openFile(libc, fd, name, 0o101, 0o600));
      }
      const list = NameList.read(libc, fd) as NameList;
      assertEquals(list.length, 100_000);
      libc.close(fd);
      let last = "", count = 0;
      const decoder = new TextDecoder();
      for await (const batch of readTree(path)) {
        for (const entry of batch) {
          if (entry.kind !== "file") continue;
          const name = decoder.decode(entry.name);
          assert(last < name, `${last} before ${name}`);
          last = name;
          count++;
        }
      }
      assertEquals(count, 100_000);
    }, inMemory()),
);

systemTest("readTree() waits for a lease that another process has", [
  "linux",
  "python3",
], () =>
  withDirectory(async (path) => {
    if (openLibc() === undefined) return;
    await Deno.writeTextFile(`${path}/leased`, "given back");
    const script = `
import fcntl, os, signal, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
def give(*_):
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os._exit(0)
signal.signal(signal.SIGIO, give)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("leased", flush=True)
time.sleep(20)
os._exit(1)
`;
    const holder = new Deno.Command("python3", {
      args: ["-c", script, `${path}/leased`],
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    const { entries, messages } = await walk(path);
    assertEquals(messages, []);
    assertEquals(
      new TextDecoder().decode(
        (entryNamed(entries, "leased").content as BytesContent).bytes,
      ),
      "given back",
    );
    assertEquals((await holder.status).code, 0);
    await reader.cancel();
  }));

systemTest(
  "readTree() gives up at a read error",
  imageNeeds("ext4"),
  () =>
    withImage("ext4", async (path) => {
      const libc = openLibc();
      if (libc === undefined) return;
      await Deno.writeFile(`${path}/file`, new Uint8Array(40 << 20).fill(1));
      const fd = openFile(libc, AT_FDCWD, cString(`${path}/file`), O_RDONLY);
      libc.fsync(fd);
      libc.posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
      libc.close(fd);
      // The disk ends before the file does.
      await Deno.truncate(`${path}/../image`, 20 << 20);
      const before = openDescriptors(path);
      await assertRejects(
        async () => {
          for await (const batch of readTree(path, { advise: false })) {
            const into = new Uint8Array(1 << 20);
            for (const { content } of batch) {
              while (content !== undefined && await content.read(into) > 0);
            }
          }
        },
        SystemError,
        "Cannot read file file: input/output error",
      );
      assertEquals(openDescriptors(path), before);
    }),
);
