// Every golden archive, restored on the file system that its tree needs, gives the directory that the tree was described from.
import { decode } from "@pxar/codec/decode";
import type { Entry } from "@pxar/format/entry";
import { readTree } from "@pxar/fs/read_tree";
import { writeTree } from "@pxar/fs/write_tree";
import fc from "fast-check";
import { unified } from "../support/archives.ts";
import { assert, assertEquals } from "../support/assert.ts";
import type { Told } from "../support/as_nobody.ts";
import {
  arbitraryTree,
  assertSameEntries,
  type Described,
  describeManifest,
  gather,
  inBatches,
  renew,
} from "../support/entries.ts";
import {
  type ImageKind,
  imageNeeds,
  mounted,
  run,
  withImage,
} from "../support/image.ts";
import { dir, file, messages, node, raw, tree } from "../support/restored.ts";
import { systemTest } from "../support/skip.ts";
import {
  loadVector,
  TREES,
  VARIANTS,
  type Vector,
  VECTORS,
} from "../support/vectors.ts";
import { withDirectory } from "../support/walks.ts";

const IMAGES: { readonly [tree: string]: ImageKind } = {
  bigxattr: "ext4-ea",
  btrfs: "btrfs",
  quota: "xfs",
};

/** What stands in a directory, as the golden descriptions say it; without what only an archive has. */
async function describe(path: string): Promise<Described[]> {
  const script = new URL("make_manifest.py", VECTORS).pathname;
  return comparable(describeManifest(
    JSON.parse(await run("python3", script, path)),
    1,
  ));
}

function comparable(described: readonly Described[]): Described[] {
  return described.map((one) => ({ ...one, offset: undefined }));
}

async function unlock(path: string): Promise<void> {
  await run(
    "python3",
    new URL("make_trees.py", VECTORS).pathname,
    "--unlock",
    path,
  );
}

async function compare(vector: Vector, path: string): Promise<void> {
  const { v1, metadata, payload, entries } = vector;
  const archives = [decode(v1), decode(metadata, { payload })];
  for (const [i, archive] of archives.entries()) {
    const target = `${path}/${vector.name}-${i}`;
    const report = await writeTree(target, archive);
    try {
      assertEquals(messages(report), []);
      assertEquals(Object.fromEntries(report.losses), {});
      const expected = comparable(describeManifest(entries, i === 0 ? 1 : 2));
      // What the manifest leaves out is in the v1 archive alone.
      const all = await describe(target);
      assertEquals(all, i === 0 ? withExcludes(expected, all) : expected);
    } finally {
      if (entries.some(({ flags }) => flags !== undefined)) {
        await unlock(target);
      }
    }
  }
}

/** The patterns of the command line are a file in the tree, which the description of a directory never shows. */
function withExcludes(expected: Described[], all: Described[]): Described[] {
  const shown = new Set(all.map(({ path }) => path));
  const own = btoa(".pxarexclude-cli");
  return expected.filter(({ path }) => path !== own || shown.has(path));
}

for (const kind of ["ext4", "ext4-ea", "btrfs", "xfs"] as const) {
  const vectors = [...TREES, ...VARIANTS].filter((name) =>
    (IMAGES[name] ?? "ext4") === kind
  );
  systemTest(
    `writeTree() restores ${vectors.join(", ")} on ${kind} as described`,
    [...imageNeeds(kind), "python3"],
    () =>
      withImage(kind, async (path) => {
        for (const name of vectors) {
          // Big contents need not be there all at once.
          await compare(loadVector(name), path);
          await run("sh", "-c", 'rm -rf "$1"/*-[01]', "sh", path);
        }
      }),
  );
}

systemTest(
  "readTree() gives what writeTree() was given, for any tree",
  imageNeeds("ext4-ea"),
  () =>
    withImage("ext4-ea", async (path) => {
      let count = 0;
      await fc.assert(
        fc.asyncProperty(arbitraryTree({ kernel: true }), async (entries) => {
          const target = `${path}/${count++}`;
          const report = await writeTree(target, inBatches(renew(entries)));
          assertEquals(messages(report), []);
          assertEquals(Object.fromEntries(report.losses), {});
          const back = await gather(readTree(target));
          assertSameEntries(sorted(back), sorted(entries));
          await run("rm", "-rf", target);
        }),
        { numRuns: 60 },
      );
    }),
);

/** With xattrs in one order: that of a file system is its own. Device numbers, links and all else stay. */
function sorted(entries: readonly Entry[]): Entry[] {
  const text = new TextDecoder("latin1");
  return entries.map((entry) => ({
    ...entry,
    attributes: entry.attributes && {
      ...entry.attributes,
      xattrs: [...entry.attributes.xattrs].sort((a, b) =>
        text.decode(a.name) < text.decode(b.name) ? -1 : 1
      ),
    },
  }));
}

systemTest(
  "writeTree() counts what a file system without xattrs and flags does not keep",
  ["linux", "root", "mount"],
  () =>
    withDirectory((path) =>
      mounted(["-t", "ramfs", "none"], path, async (path) => {
        const acl = {
          users: [{ id: 5, perm: 6 }],
          groups: [],
          groupObj: 4,
          default: undefined,
          defaultUsers: [],
          defaultGroups: [],
        };
        const report = await writeTree(
          path,
          tree([
            file("a", "a", {
              mode: 0o100664,
              flags: 0x10_0000,
              attributes: {
                xattrs: [{ name: raw("user.x"), value: raw("1") }],
                acl,
                fcaps: raw("x"),
                projectId: 5,
              },
            }),
          ]),
        );
        assertEquals(messages(report), []);
        assertEquals(Object.fromEntries(report.losses), {
          xattrs: 1,
          flags: 1,
          modes: 1,
        });
        // The owning group could only read: without the list its bits would have said that it may write.
        assertEquals(Deno.statSync(`${path}/a`).mode! & 0o7777, 0o644);
      })
    ),
);

systemTest(
  "writeTree() sets what it can of flags, and a file system that refuses some counts",
  imageNeeds("ext4"),
  () =>
    withImage("ext4", async (path) => {
      // NOCOW is btrfs's; with it goes what ext4 knows: NODUMP and IMMUTABLE.
      const flags = 0x8_0000 + 0x10_0000 + 0x40_0000;
      const report = await writeTree(
        `${path}/t`,
        tree([file("a", "a", { flags }), dir("d", [], { flags })]),
      );
      assertEquals(Object.fromEntries(report.losses), { flags: 2 });
      const shown = await run("lsattr", "-d", `${path}/t/a`, `${path}/t/d`);
      for (const line of shown.trim().split("\n")) {
        const letters = line.split(" ")[0]!.replaceAll("-", "").replace(
          "e",
          "",
        );
        assertEquals(letters, "id", line);
      }
      await unlock(`${path}/t`);
    }),
);

systemTest(
  "writeTree() makes hardlinks of files that must not change",
  [...imageNeeds("ext4"), "python3"],
  () =>
    withImage("ext4", async (path) => {
      const first = file("a", "a", { flags: 0x40_0000, position: 1 });
      const link = [{
        ...node("fifo", "b")[0]!,
        kind: "hardlink" as const,
        target: raw("a"),
        linkPosition: 1,
      }];
      const report = await writeTree(`${path}/t`, tree([first, link]));
      assertEquals(messages(report), []);
      assertEquals(Deno.statSync(`${path}/t/b`).nlink, 2);
      const error = await Deno.writeTextFile(`${path}/t/b`, "x").catch((e) =>
        e
      );
      assert(error instanceof Error, "is not immutable any more");
      await unlock(`${path}/t`);
    }),
);

for (const way of ["native", "portable"]) {
  systemTest(
    `writeTree() as an ordinary user counts what it may not keep (${way})`,
    imageNeeds("ext4"),
    () =>
      withImage("ext4", async (path) => {
        const attributes = (name: string, fcaps?: string) => ({
          xattrs: [{ name: raw(name), value: raw("1") }],
          acl: undefined,
          fcaps: fcaps === undefined ? undefined : raw(fcaps),
          projectId: undefined,
        });
        const caps = "\x01\x00\x00\x02" + "\0".repeat(16);
        const mine = { uid: 65534, gid: 65534, secs: 5 };
        const theirs = { uid: 1, gid: 1, secs: 5 };
        const archive = await unified(tree([
          node("device", "device", mine),
          dir("dir", [], { ...theirs, mode: 0o042750 }),
          node("fifo", "fifo", mine),
          file("mine", "m", { ...mine, mode: 0o106755 }),
          file("theirs", "t", { ...theirs, mode: 0o106755 }),
          file("trusted", "", {
            ...mine,
            attributes: attributes("trusted.x", caps),
          }),
          file("user", "", { ...mine, attributes: attributes("user.x") }),
          file("fixed", "", { ...mine, flags: 0x40_0000 + 0x10_0000 }),
        ], mine));
        await Deno.writeFile(`${path}/archive`, archive);
        await Deno.chown(path, 65534, 65534);
        await Deno.chmod(`${path}/..`, 0o755);
        const told: Told = JSON.parse(
          await run(
            Deno.execPath(),
            "run",
            "-A",
            new URL("../support/as_nobody.ts", import.meta.url).pathname,
            `${path}/archive`,
            `${path}/t`,
            way,
          ),
        );
        assertEquals(told.errors, []);
        assertEquals([told.entries, told.warnings], [
          way === "native" ? 8 : 7,
          0,
        ]);
        assertEquals(
          told.losses,
          way === "native"
            ? { devices: 1, owners: 2, modes: 1, xattrs: 1, flags: 1 }
            : {
              devices: 1,
              owners: 2,
              fifos: 1,
              modes: 1,
              xattrs: 2,
              flags: 1,
            },
        );
        const modes = ["mine", "theirs", "dir"].map((name) =>
          (Deno.statSync(`${path}/t/${name}`).mode! & 0o7777).toString(8)
        );
        assertEquals(modes, ["6755", "755", "2750"]);
        if (way === "native") {
          const flags = await run("lsattr", `${path}/t/fixed`);
          assert(/^[-e]*d[-e]* /.test(flags), flags);
        }
      }),
  );
}
