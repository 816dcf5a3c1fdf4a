// What happens to what is there already; the table "Extract" in tests/vectors/pxar/README.md, with the wanted differences.
import { FLAGS } from "@pxar/format/flags";
import type { WriteTreeOptions } from "@pxar/fs/write_tree";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import {
  dir,
  file,
  found,
  hardlink,
  messages,
  type Node,
  node,
  restore,
  symlink,
} from "../support/restored.ts";
import { systemTest } from "../support/skip.ts";
import { withDirectory } from "../support/walks.ts";

const ALL: WriteTreeOptions = {
  allowExistingDirs: true,
  overwriteFiles: true,
  overwriteSymlinks: true,
  overwriteHardlinks: true,
};

/** What may be in the way. */
const THERE: { readonly [name: string]: (path: string) => void } = {
  file: (path) => Deno.writeTextFileSync(path, "old"),
  directory: (path) => {
    Deno.mkdirSync(path);
    Deno.writeTextFileSync(`${path}/inner`, "old");
  },
  symlink: (path) => Deno.symlinkSync("../outside/file", path),
  "symlink to a directory": (path) => Deno.symlinkSync("../outside", path),
  "dangling symlink": (path) => Deno.symlinkSync("../outside/none", path),
};

/** What comes: the file `first`, then one node called `n`. */
const COMES: { readonly [name: string]: () => Node } = {
  file: () => file("n", "new"),
  directory: () => dir("n", [file("inner2", "new")]),
  symlink: () => symlink("n", "target"),
  hardlink: () => hardlink("n", "first"),
};

/** What stands there afterwards, as `found()` says it, by what comes. */
const NEW: { readonly [name: string]: string } = {
  file: "f n 644 new",
  symlink: "l n target",
  hardlink: "f n 644 first",
};

const OPTION: { readonly [name: string]: keyof WriteTreeOptions } = {
  file: "overwriteFiles",
  directory: "allowExistingDirs",
  symlink: "overwriteSymlinks",
  hardlink: "overwriteHardlinks",
};

/** A target with something in the way beside a directory that nothing may touch. */
async function meet(
  there: string,
  comes: string,
  options: WriteTreeOptions,
): Promise<
  { readonly kept: boolean; readonly errors: string[]; after: string[] }
> {
  return await withDirectory(async (home) => {
    const path = `${home}/target`, outside = `${home}/outside`;
    Deno.mkdirSync(path);
    Deno.mkdirSync(outside);
    Deno.writeTextFileSync(`${outside}/file`, "outside");
    THERE[there]!(`${path}/n`);
    const before = found(path);
    const report = await restore(path, [
      file("first", "first"),
      COMES[comes]!(),
    ], options);
    assertEquals(found(outside), ["f file 644 outside"]);
    const after = found(path).filter((line) => !line.startsWith("f first "));
    return {
      kept: JSON.stringify(after) === JSON.stringify(before),
      errors: messages(report),
      after,
    };
  });
}

for (const native of [true, false]) {
  const way = native ? "writeTree()" : "writeTree() without the C library";
  for (const comes of Object.keys(COMES)) {
    systemTest(
      `${way} keeps what is there from a ${comes}, unless told otherwise`,
      ["linux"],
      async () => {
        for (const there of Object.keys(THERE)) {
          const others = { ...ALL, [OPTION[comes]!]: false };
          for (const options of [{}, others]) {
            const { kept, errors } = await meet(there, comes, {
              ...options,
              native,
            });
            assertEquals([kept, errors.length], [true, 1], there);
            assertStringIncludes(errors[0]!, ` ${comes} n: `);
          }
        }
      },
    );
  }

  for (const comes of ["file", "symlink", "hardlink"]) {
    systemTest(
      `${way} puts a ${comes} in the place of anything but a directory, where told`,
      ["linux"],
      async () => {
        for (const there of Object.keys(THERE)) {
          const result = await meet(there, comes, {
            [OPTION[comes]!]: true,
            native,
          });
          if (there === "directory") {
            assertEquals([result.kept, result.errors.length], [true, 1]);
          } else {
            assertEquals([result.after, result.errors], [[NEW[comes]!], []]);
          }
        }
      },
    );
  }

  systemTest(
    `${way} uses a directory that is there, where told, but no symlink to one`,
    ["linux"],
    async () => {
      for (const there of Object.keys(THERE)) {
        const { kept, errors, after } = await meet(there, "directory", {
          ...ALL,
          native,
        });
        if (there === "directory") {
          assertEquals(errors, []);
          assertEquals(after, [
            "d n 755",
            "f n/inner 644 old",
            "f n/inner2 644 new",
          ]);
        } else assertEquals([kept, errors.length], [true, 1], there);
      }
    },
  );

  systemTest(
    `${way} replaces a file by another inode, at once`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        Deno.writeTextFileSync(`${path}/n`, "old");
        Deno.linkSync(`${path}/n`, `${path}/other`);
        const seen: string[] = [];
        const content = {
          size: 3,
          release: undefined,
          read: (into: Uint8Array) => {
            seen.push(Deno.readTextFileSync(`${path}/n`));
            into.set([0x6e, 0x65, 0x77]);
            return 3;
          },
        };
        const options = { ...ALL, native };
        const report = await restore(path, [file("n", content)], options);
        assertEquals(messages(report), []);
        assertEquals(seen, ["old"]);
        assertEquals(found(path), ["f n 644 new", "f other 644 old"]);

        const broken = {
          ...content,
          read: () => {
            throw new Error("broken");
          },
        };
        await restore(path, [file("n", broken)], options).catch(() => {});
        const short = { ...content, read: () => 0 };
        await restore(path, [file("n", short)], options);
        assertEquals(found(path), ["f n 644 new", "f other 644 old"]);
      }),
  );

  systemTest(
    `${way} restores the same tree over itself`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        const nodes = () => [
          dir("d", [file("a", "a"), hardlink("b", "d/a"), symlink("c", "a")]),
          hardlink("e", "d/b"),
        ];
        await restore(path, nodes(), { native });
        const first = found(path);
        for (let i = 0; i < 2; i++) {
          const report = await restore(path, nodes(), { ...ALL, native });
          assertEquals(messages(report), []);
          assertEquals(found(path), first);
        }
        assertEquals(Deno.statSync(`${path}/d/a`).nlink, 3);
        const report = await restore(path, nodes(), {
          native,
          allowExistingDirs: true,
        });
        assertEquals(report.errors, 4);
        assertEquals(found(path), first);
        // Links that are the same file already stay, and nothing is left beside them.
        const links = await restore(path, nodes(), {
          native,
          allowExistingDirs: true,
          overwriteHardlinks: true,
        });
        assertEquals(links.errors, 2);
        assertEquals(found(path), first);
      }),
  );

  systemTest(
    `${way} takes the last of several nodes of one name only where told`,
    ["linux"],
    () =>
      withDirectory(async (path) => {
        const nodes = () => [
          file("n", "1"),
          file("n", "2"),
          symlink("n", "3"),
          dir("n", [file("inner")]),
        ];
        const first = await restore(`${path}/1`, nodes(), { native });
        assertEquals(first.errors, 3);
        assertEquals(found(`${path}/1`), ["f n 644 1"]);
        const last = await restore(`${path}/2`, nodes(), { ...ALL, native });
        assertEquals(last.errors, 1);
        assertEquals(found(`${path}/2`), ["l n 3"]);
      }),
  );
}

systemTest(
  "writeTree() replaces nothing by a device, fifo or socket unless told",
  [
    "linux",
    "root",
  ],
  () =>
    withDirectory(async (path) => {
      for (const kind of ["device", "fifo", "socket"] as const) {
        Deno.writeTextFileSync(`${path}/${kind}`, "old");
        const report = await restore(path, [node(kind, kind)], ALL);
        assertEquals(messages(report), [
          `Cannot create ${kind} ${kind}: file exists`,
        ]);
      }
      assertEquals(found(path).map((line) => line.slice(-3)), [
        "old",
        "old",
        "old",
      ]);
    }),
);

systemTest(
  "writeTree() completes a tree that was restored before: devices, fifos, sockets, and what must not change",
  ["linux", "root", "attr"],
  () =>
    withDirectory(async (path) => {
      const nodes = () => [
        dir("locked", [file("inner", "new")], { flags: FLAGS.IMMUTABLE }),
        file("fixed", "new", { flags: FLAGS.IMMUTABLE }),
        node("device", "device", { device: { major: 7, minor: 99 } }),
        node("fifo", "fifo"),
        node("socket", "socket"),
      ];
      const options = { ...ALL, overwriteNodes: true };
      try {
        await restore(path, nodes());
        Deno.removeSync(`${path}/device`);
        await restore(path, [node("device", "device"), file("fifo", "wrong")], {
          ...options,
        });
        for (let round = 0; round < 2; round++) {
          const report = await restore(path, nodes(), options);
          assertEquals(messages(report), []);
        }
        assertEquals(Deno.statSync(`${path}/device`).rdev, 7 * 256 + 99);
        assert(Deno.statSync(`${path}/fifo`).isFifo);
        assertEquals([...Deno.readDirSync(path)].length, 5);
        Deno.mkdirSync(`${path}/other`);
        const report = await restore(path, [node("fifo", "other")], options);
        assertEquals(messages(report), [
          "Cannot create fifo other: file exists",
        ]);
      } finally {
        new Deno.Command("chattr", { args: ["-R", "-i", path] }).outputSync();
      }
    }),
);

systemTest(
  "writeTree() puts a file in the place of a device, and does not write to it",
  ["linux", "root"],
  () =>
    withDirectory(async (path) => {
      await restore(path, [node("device", "n"), node("fifo", "m")]);
      const nodes = [file("n", "new"), file("m", "new")];
      const report = await restore(path, nodes, ALL);
      assertEquals(messages(report), []);
      assertEquals(found(path), ["f m 644 new", "f n 644 new"]);
    }),
);
