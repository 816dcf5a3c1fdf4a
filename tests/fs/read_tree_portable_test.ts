// By Deno's own API: everything but what the report counts.
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import type { Entry } from "@pxar/format/entry";
import type { Loss, Report } from "@pxar/fs/report";
import { openLibc } from "@pxar/sys/libc";
import { type BytesContent, readContent } from "../support/entries.ts";
import { imageNeeds, run, withImage, withTree } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { entryNamed, walk, withDirectory } from "../support/walks.ts";

const decoder = new TextDecoder();

function losses(report: Report): { [loss in Loss]?: number } {
  return Object.fromEntries(report.losses);
}

/** What Deno's own API can know of an entry of the native reader, in the same form as its own. */
function reduced(
  {
    kind,
    name,
    mode,
    uid,
    gid,
    secs,
    nanos,
    content,
    target,
    device,
    linkPosition,
  }: Entry,
): unknown {
  return {
    kind,
    name: decoder.decode(name),
    mode,
    uid,
    gid,
    millis: kind === "hardlink" || kind === "end"
      ? 0
      : towardsZero(secs, nanos),
    content: content === undefined
      ? undefined
      : decoder.decode((content as BytesContent).bytes),
    target: target === undefined ? undefined : decoder.decode(target),
    device,
    linkPosition,
  };
}

/** Deno cuts the fraction of a millisecond away. */
function towardsZero(secs: number, nanos: number): number {
  const millis = nanos / 1_000_000;
  return secs * 1000 + (secs < 0 ? Math.ceil(millis) : Math.floor(millis));
}

/** Trees of which all can be had, and what has to be taken out of others first: names and targets that are no UTF-8 have a test of their own. */
const READABLE: { readonly [tree: string]: string } = {
  exclude: "",
  flags: "",
  hardlinks: "raw-* */raw-*",
  kinds: "sym-raw-bytes",
  modes: "",
  plain: "",
  tables: "",
  times: "",
  xattrs: "",
};

for (const [tree, unreadable] of Object.entries(READABLE)) {
  systemTest(
    `readTree() without the C library gives all of ${tree} but what it counts as lost`,
    [...imageNeeds("ext4"), "python3"],
    () =>
      withImage(
        "ext4",
        (mount) =>
          withTree(tree, `${mount}/tree`, async (path) => {
            if (openLibc() === undefined) return;
            await run("sh", "-c", `cd "$1" && rm -f ${unreadable}`, "sh", path);
            const native = await walk(path),
              portable = await walk(path, { native: false });
            assertEquals(
              portable.entries.map(reduced),
              native.entries.map(reduced),
            );
            assertEquals(portable.messages, native.messages);
            const nodes = native.entries.filter(({ kind }) =>
              kind !== "end" && kind !== "hardlink"
            ).length;
            const inside = native.entries.filter(({ kind }) =>
              kind === "file" || kind === "directory"
            ).length;
            assertEquals(losses(portable.report), {
              nanoseconds: nodes,
              xattrs: inside,
              flags: inside,
            });
            assertEquals(portable.report.entries, native.report.entries);
          }),
      ),
  );
}

systemTest(
  "readTree() without the C library counts the names that it cannot read, and leaves them out with a warning",
  ["linux", "python3"],
  () =>
    withDirectory(async (path) => {
      const script = `
import os, sys
os.chdir(sys.argv[1])
for name in (b"raw\\xff", b"raw\\xfe", b"good", "real\\ufffd".encode()): open(name, "w").close()
os.mkdir(b"dir\\xff"); open(b"dir\\xff/inner", "w").close()
os.symlink(b"target\\xff", b"link")
`;
      await run("python3", "-c", script, path);
      const { paths, report, messages } = await walk(path, {
        native: false,
      });
      assertEquals(paths, ["good", "real\ufffd"]);
      assertEquals(losses(report), {
        names: 4,
        nanoseconds: 3,
        xattrs: 3,
        flags: 3,
      });
      assertEquals([report.warnings, report.errors], [4, 0]);
      assertStringIncludes(
        messages.join("\n"),
        "Cannot read raw\ufffd: its name is not UTF-8; left out",
      );
      await run("rm", "-rf", path);
      await Deno.mkdir(path);
    }),
);

systemTest(
  "readTree() without the C library reports paths that are too long for the system",
  ["linux", "python3"],
  () =>
    withDirectory(async (path) => {
      const long = "n".repeat(250);
      const script =
        "import os, sys\nos.chdir(sys.argv[1])\nfor i in range(20):\n  os.mkdir(sys.argv[2]); os.chdir(sys.argv[2]); open('file', 'w').close()";
      await run("python3", "-c", script, path, long);
      const { entries, report } = await walk(path, { native: false });
      const files = entries.filter(({ kind }) => kind === "file").length;
      assertEquals(report.errors > 0, true);
      assertEquals(files < 20, true);
      assertStringIncludes(report.problems[0]!.message, "; left out");
      const native = await walk(path);
      if (openLibc() !== undefined) {
        assertEquals(
          native.entries.filter(({ kind }) => kind === "file").length,
          20,
        );
      }
      await run("rm", "-rf", path);
      await Deno.mkdir(path);
    }),
);

Deno.test("readTree() without the C library does not count attributes as lost that nobody asked for", () =>
  withDirectory(async (path) => {
    await Deno.writeTextFile(`${path}/file`, "text");
    const { report } = await walk(path, { native: false, xattrs: false });
    assertEquals(report.losses.has("xattrs"), false);
    assertEquals(report.losses.get("nanoseconds"), 2);
  }));

Deno.test("readTree() without the C library reads all of a large file", () =>
  withDirectory(async (path) => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    await Deno.writeFile(`${path}/file`, bytes);
    const { entries } = await walk(path, { native: false });
    assertEquals(
      await readContent(entryNamed(entries, "file").content!),
      bytes,
    );
  }));
