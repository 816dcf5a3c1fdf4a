// Archives that try to write outside of the target, or to reach through it.
import { decode } from "@pxar/codec/decode";
import { FormatError, PxarError } from "@pxar/format/errors";
import { Report } from "@pxar/fs/report";
import { writeTree, type WriteTreeOptions } from "@pxar/fs/write_tree";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { withDirectory } from "../support/walks.ts";
import { mounted, run } from "../support/image.ts";
import {
  dir,
  file,
  found,
  hardlink,
  messages,
  type Node,
  restore,
  symlink,
} from "../support/restored.ts";
import { systemTest } from "../support/skip.ts";
import { loadDamaged } from "../support/vectors.ts";
import { makeEntry } from "@pxar/format/entry";
import { fifoMetadata } from "@pxar/format/metadata";
import { AT_FDCWD, S_IFIFO, S_IFLNK } from "@pxar/sys/abi";
import { openLibc } from "@pxar/sys/libc";
import { Maker } from "../../fs/maker.ts";
import { NativeMetadata } from "../../fs/native_metadata.ts";
import { Trail } from "../../fs/trail.ts";
import { choose } from "../../fs/tree_writer.ts";

const OPTIONS: { readonly [name: string]: WriteTreeOptions } = {
  "no option": {},
  "existing directories allowed": { allowExistingDirs: true },
  everything: {
    allowExistingDirs: true,
    overwriteFiles: true,
    overwriteSymlinks: true,
    overwriteHardlinks: true,
  },
};

/** A target `t` beside a directory and a file that nothing may touch. */
async function besides<T>(use: (path: string) => Promise<T>): Promise<T> {
  return await withDirectory(async (home) => {
    Deno.mkdirSync(`${home}/outside`);
    Deno.writeTextFileSync(`${home}/outside/secret`, "secret");
    Deno.writeTextFileSync(`${home}/outside-file`, "secret");
    const outside = () =>
      ["outside", "outside/secret", "outside-file"].map((name) => {
        const { ino, nlink, mode, size, mtime } = Deno.lstatSync(
          `${home}/${name}`,
        );
        return [name, ino, nlink, mode, size, mtime?.getTime()];
      });
    const before = outside();
    const result = await use(`${home}/t`);
    assertEquals(outside(), before);
    assertEquals(
      [...Deno.readDirSync(home)].map(({ name }) => name)
        .filter((name) => name !== "t").sort(),
      ["outside", "outside-file"],
    );
    return result;
  });
}

const ATTACKS: { readonly [name: string]: () => Node[] } = {
  "symlink, then a directory of that name": () => [
    symlink("n", "../outside"),
    dir("n", [file("secret", "pwned"), file("new", "pwned")]),
  ],
  "symlink, then a file of that name": () => [
    symlink("n", "../outside-file"),
    file("n", "pwned"),
  ],
  "symlink in a directory, then a hardlink through it": () => [
    dir("d", [symlink("l", "../../outside")]),
    hardlink("n", "d/l/secret"),
    file("n", "pwned"),
  ],
  "hardlink to a symlink, then written through": () => [
    symlink("l", "../outside-file"),
    hardlink("n", "l"),
    file("n", "pwned"),
  ],
  "hardlinks to absolute and climbing paths": () =>
    [
      "/etc/passwd",
      "../outside-file",
      "./../outside-file",
      "d/../../outside-file",
      "d//../outside-file",
      "..",
      "/",
      "",
      "a\0b",
      "d/",
    ].map((target, i) => hardlink(`n${i}`, target)),
};

for (const native of [true, false]) {
  const way = native ? "writeTree()" : "writeTree() without the C library";
  for (const [attack, nodes] of Object.entries(ATTACKS)) {
    systemTest(
      `${way} keeps within its target: ${attack}`,
      ["linux"],
      async () => {
        for (const options of Object.values(OPTIONS)) {
          await besides(async (path) => {
            for (let i = 0; i < 2; i++) {
              const all = [dir("d", []), ...nodes()];
              const report = await restore(path, all, { ...options, native });
              assert(report.errors > 0 || options.overwriteFiles === true);
            }
          });
        }
      },
    );
  }

  systemTest(
    `${way} follows no symlink that is there already`,
    ["linux"],
    async () => {
      for (const options of Object.values(OPTIONS)) {
        await besides(async (path) => {
          Deno.mkdirSync(path);
          Deno.symlinkSync("../outside", `${path}/d`);
          Deno.symlinkSync("../outside-file", `${path}/f`);
          Deno.symlinkSync("../outside-file", `${path}/h`);
          const report = await restore(path, [
            dir("d", [file("secret", "pwned"), file("new", "pwned")], {
              mode: 0o040777,
            }),
            file("f", "pwned", { mode: 0o100777 }),
            hardlink("h", "d/secret"),
            hardlink("i", "h"),
          ], { ...options, native });
          assert(report.errors > 0);
          assertEquals(Deno.lstatSync(`${path}/d`).isSymlink, true);
        });
      }
    },
  );

  systemTest(`${way} links to nothing that its archive did not bring`, [
    "linux",
  ], () =>
    besides(async (path) => {
      Deno.mkdirSync(`${path}/there`, { recursive: true });
      Deno.writeTextFileSync(`${path}/mine`, "private");
      Deno.writeTextFileSync(`${path}/there/mine`, "private");
      const nodes = () => [
        hardlink("a", "mine"),
        hardlink("b", "there/mine"),
        file("mine", "x", { position: 9 }),
        hardlink("c", "mine", { linkPosition: 9 }),
        file("new", "n"),
        hardlink("d", "new"),
      ];
      const report = await restore(path, nodes(), { native });
      assertEquals(report.errors, 4);
      assertEquals(messages(report).slice(0, 2), [
        "Cannot create hardlink a: mine was not restored from this archive",
        "Cannot create hardlink b: there/mine was not restored from this archive",
      ]);
      assertEquals(Deno.statSync(`${path}/mine`).nlink, 1);
      assertEquals(found(path).map((line) => line.split(" ")[1]), [
        "d",
        "mine",
        "new",
        "there",
        "there/mine",
      ]);
      // In directories that are used on purpose, what is there counts; but not in the place of a file that was refused.
      const again = await restore(path, nodes().slice(0, 4), {
        native,
        allowExistingDirs: true,
      });
      assertEquals(messages(again).length, 2);
      assertStringIncludes(messages(again)[1]!, "Cannot create hardlink c:");
      assertEquals(Deno.statSync(`${path}/mine`).nlink, 2);
    }));

  systemTest(
    `${way} makes hardlinks of regular files alone`,
    ["linux"],
    () =>
      besides(async (path) => {
        const report = await restore(path, [
          dir("d", [file("f", "f")]),
          symlink("l", "d"),
          hardlink("n1", "d"),
          hardlink("n2", "l"),
          hardlink("n3", "l/f"),
          hardlink("n4", "d/f/x"),
          hardlink("n5", "later"),
          hardlink("n6", "n6"),
          file("later"),
          hardlink("ok", "d/f"),
        ], { native });
        assertEquals(report.errors, 6);
        assertEquals(found(path), [
          "d d 755",
          "f d/f 644 f",
          "l l d",
          "f later 644 ",
          "f ok 644 f",
        ]);
      }),
  );

  systemTest(
    `${way} writes nothing outside for any damaged archive`,
    ["linux"],
    () =>
      besides(async (path) => {
        for (const { name, archive, payload } of loadDamaged()) {
          for (const options of Object.values(OPTIONS)) {
            const report = new Report();
            try {
              const entries = decode(archive, payload ? { payload } : {});
              await writeTree(`${path}/${name}`, entries, {
                ...options,
                native,
                report,
              });
            } catch (error) {
              assert(error instanceof PxarError, `${name}: ${error}`);
            }
            const left = [...Deno.readDirSync(path)].map(({ name }) => name);
            assert(left.every((other) => other === name), left.join());
            for (const { message } of report.problems) {
              assertStringIncludes(message, "Cannot ");
            }
          }
          await run("rm", "-rf", path);
          Deno.mkdirSync(path);
        }
      }),
  );
}

/** A tree that only goes down, with a file in each hundredth directory and in the last. */
function* shaft(levels: number, last?: Node) {
  const step = makeEntry("directory", {
    name: new Uint8Array([0x64]),
    mode: 0o040700,
    uid: Deno.uid()!,
    gid: Deno.gid()!,
  });
  yield [{ ...step, name: new Uint8Array(0) }];
  for (let i = 1; i <= levels; i++) {
    yield [step, ...(i % 100 === 0 ? file(`at-${i}`, "x") : [])];
  }
  yield* last === undefined ? [] : [last];
  for (let i = 0; i <= levels; i++) {
    yield [...file("back", "x"), makeEntry("end")];
  }
}

/** How many descriptors this process has open on the file system of a directory. */
function descriptorsOn(path: string): number {
  const { dev } = Deno.statSync(path);
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.statSync(`/proc/self/fd/${name}`).dev === dev) count++;
    } catch {
      // It was closed in between.
    }
  }
  return count;
}

systemTest(
  "writeTree() restores 9,999 levels with few descriptors, and refuses more than 10,000",
  ["linux", "root", "mount"],
  () =>
    withDirectory((home) =>
      mounted(["-t", "tmpfs", "none"], home, async () => {
        let most = 0;
        function* watched() {
          for (const batch of shaft(9_999)) {
            if (most === 0 || Math.random() < 0.02) {
              most = Math.max(most, descriptorsOn(home));
            }
            yield batch;
          }
          most = Math.max(most, descriptorsOn(home));
        }
        const report = await writeTree(`${home}/t`, watched());
        assertEquals(messages(report), []);
        assertEquals(report.entries, 10_000 + 99 + 10_000);
        assert(most <= 256, `${most} descriptors`);
        assertEquals(descriptorsOn(home), 0);
        // find(1) counts names without holding a path as long as that.
        const names = await run(
          "find",
          `${home}/t`,
          "-name",
          "back",
          "-printf",
          "x",
        );
        assertEquals(names.length, 10_000);
        await run("rm", "-rf", `${home}/t`);

        await writeTree(`${home}/t`, shaft(10_000));
        await run("rm", "-rf", `${home}/t`);
        const error = await assertRejects(
          () => writeTree(`${home}/t`, shaft(10_001)),
          FormatError,
        );
        assertStringIncludes(error.message, "more than 10000 deep");
        assertEquals(descriptorsOn(home), 0);
        await run("rm", "-rf", `${home}/t`);
      })
    ),
);

systemTest(
  "writeTree() does not go back into a directory that somebody else put above",
  ["linux"],
  () =>
    besides(async (path) => {
      const levels = 300;
      const content = {
        size: 1,
        release: undefined,
        read: () => {
          // The third directory is moved out of the second, whose descriptor is closed by now.
          Deno.mkdirSync(`${path}/elsewhere`);
          Deno.renameSync(`${path}/d/d/d`, `${path}/elsewhere/d`);
          return 1;
        },
      };
      const report = await writeTree(
        path,
        shaft(levels, file("last", content)),
      );
      assert(report.errors >= 1);
      assertStringIncludes(messages(report)[0]!, "Cannot go back from d/d/d:");
      assertEquals([...Deno.readDirSync(`${path}/elsewhere`)].length, 1);
      assertEquals([...Deno.readDirSync(`${path}/d/d`)], []);
      assertEquals(
        [...Deno.readDirSync(`${path}/elsewhere/d`)].map(({ name }) => name)
          .sort(),
        ["back", "d"],
      );
      await run("rm", "-rf", path);
    }),
);

systemTest(
  "what has taken the place of a fifo or symlink just made is left as it is",
  ["root"],
  () =>
    withDirectory((path) => {
      const libc = openLibc()!;
      const maker = new Maker(libc);
      const report = new Report();
      const trail = new Trail(report, false);
      trail.enter();
      const metadata = new NativeMetadata(maker, trail, choose({}));
      const parent = maker.openDirectory(
        AT_FDCWD,
        new TextEncoder().encode(path),
      );
      const name = new TextEncoder().encode("taken");
      Deno.writeTextFileSync(`${path}/taken`, "secret", { mode: 0o600 });
      const look = () => {
        const { uid, mode, mtime } = Deno.lstatSync(`${path}/taken`);
        return [uid, mode, mtime?.getTime()];
      };
      const before = look();
      const fifo = makeEntry("fifo", {
        name,
        ...fifoMetadata(0o666).owner(1234, 1234).build(),
      });
      for (const type of [S_IFIFO, S_IFLNK]) {
        trail.at(name);
        metadata.applyByName(parent, name, fifo, type);
        assertEquals(look(), before);
      }
      assertEquals(report.problems.map(({ message }) => message), [
        "Cannot set owner, permissions and times of taken: something else has taken its place",
        "Cannot set owner, permissions and times of taken: something else has taken its place",
      ]);
      maker.close(parent);
    }),
);
