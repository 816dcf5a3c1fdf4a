import { type Content, makeEntry } from "@pxar/format/entry";
import {
  FormatError,
  PxarError,
  SystemError,
  TruncatedError,
} from "@pxar/format/errors";
import { Report } from "@pxar/fs/report";
import { writeTree } from "@pxar/fs/write_tree";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { BytesContent, concat } from "../support/entries.ts";
import {
  dir,
  file,
  found,
  hardlink,
  messages,
  node,
  raw,
  restore,
  symlink,
  tree,
} from "../support/restored.ts";
import { systemTest } from "../support/skip.ts";
import { withDirectory } from "../support/walks.ts";

/** Both ways of writing, under one name each. */
function both(name: string, run: (native: boolean) => Promise<void>): void {
  systemTest(`writeTree() ${name}`, ["linux"], () => run(true));
  Deno.test(`writeTree() without the C library ${name}`, () => run(false));
}

both(
  "restores files, directories, symlinks and hardlinks",
  (native) =>
    withDirectory(async (path) => {
      const report = await restore(`${path}/made/for/it`, [
        file("a", "text", { mode: 0o100640, secs: -5, nanos: 250_000_000 }),
        dir("d", [
          file("empty", "", { mode: 0o100400 }),
          dir("e", [], { mode: 0o040500, secs: 1000 }),
          hardlink("h", "a"),
        ], { mode: 0o040711, secs: 1_700_000_000 }),
        symlink("l", "../nowhere", { secs: 86_400 }),
      ], { native });
      const root = `${path}/made/for/it`;
      assertEquals(messages(report), []);
      assertEquals(report.losses.size, 0);
      assertEquals([report.entries, report.bytes], [7, 4]);
      assertEquals(found(root), [
        "f a 640 text",
        "d d 711",
        "d d/e 500",
        "f d/empty 400 ",
        "f d/h 640 text",
        "l l ../nowhere",
      ]);
      const times = ["a", "d", "d/e", "l"].map((name) =>
        Deno.lstatSync(`${root}/${name}`).mtime?.getTime()
      );
      assertEquals(times, [-4750, 1_700_000_000_000, 1_000_000, 86_400_000]);
      assertEquals(
        Deno.statSync(`${root}/a`).ino,
        Deno.statSync(`${root}/d/h`).ino,
      );
      assertEquals(Deno.statSync(`${path}/made`).mode! & 0o700, 0o700);
    }),
);

both(
  "uses a directory that is there, and gives it the root's metadata",
  (native) =>
    withDirectory(async (path) => {
      Deno.writeTextFileSync(`${path}/before`, "stays");
      const batches = tree([file("new", "n")], { mode: 0o040750, secs: 77 });
      const report = await writeTree(path, batches, { native });
      assertEquals(messages(report), []);
      assertEquals(found(path), ["f before 644 stays", "f new 644 n"]);
      const { mode, mtime } = Deno.statSync(path);
      assertEquals([mode! & 0o7777, mtime?.getTime()], [0o750, 77_000]);
      Deno.chmodSync(path, 0o700);
    }),
);

both(
  "refuses a target that is a file",
  (native) =>
    withDirectory(async (path) => {
      Deno.writeTextFileSync(`${path}/f`, "kept");
      const error = await assertRejects(
        () => restore(`${path}/f`, [], { native }),
        SystemError,
      );
      assertStringIncludes(error.message, `Cannot open directory ${path}/f:`);
      assertEquals(Deno.readTextFileSync(`${path}/f`), "kept");
    }),
);

both(
  "takes content in pieces of any size, with and without waiting",
  (native) =>
    withDirectory(async (path) => {
      const bytes = Uint8Array.from(
        { length: 3_300_000 },
        (_, i) => i * i >> 7,
      );
      for (const most of [1_000_000, 4096, 65_537, Infinity]) {
        const name = `f${most}`;
        await restore(path, [file(name, new BytesContent(bytes, most))], {
          native,
        });
        assertEquals(
          Deno.readFileSync(`${path}/${name}`),
          bytes,
          `pieces of ${most}`,
        );
      }
    }),
);

both(
  "leaves holes where blocks are zero, at the end too",
  (native) =>
    withDirectory(async (path) => {
      const data = new Uint8Array(4096).fill(7), zero = new Uint8Array(1 << 20);
      const bytes = concat([data, zero, data, zero, zero.subarray(0, 100)]);
      const content = () => new BytesContent(bytes);
      await restore(path, [file("sparse", content())], { native });
      await restore(path, [file("whole", content())], {
        native,
        sparse: false,
      });
      for (const name of ["sparse", "whole"]) {
        assertEquals(Deno.readFileSync(`${path}/${name}`), bytes, name);
      }
      const used = (name: string) => Deno.statSync(`${path}/${name}`).blocks!;
      assertEquals(used("whole") >= bytes.length / 512 - 8, true);
      assertEquals(used("sparse") <= 64, true, `${used("sparse")} blocks`);
    }),
);

both(
  "leaves out a file whose content has another length, and goes on",
  (native) =>
    withDirectory(async (path) => {
      const content = (size: number, length: number) => {
        const bytes = new BytesContent(new Uint8Array(length));
        return { size, read: bytes.read.bind(bytes), release: undefined };
      };
      const report = await restore(path, [
        file("long", content(10, 12), { position: 1 }),
        file("short", content(5000, 4999), { position: 2 }),
        hardlink("to-short", "short", { linkPosition: 2 }),
        file("unknown", undefined, { content: undefined }),
        file("z", "after"),
      ], { native });
      assertEquals(messages(report), [
        "Cannot restore content of long: it has at least 12 bytes, expected 10",
        "Cannot restore content of short: it has 4999 bytes, expected 5000",
        "Cannot create hardlink to-short: the file that it is a link to was not restored",
        "Cannot create file unknown: its content is not at hand, expected a payload stream",
      ]);
      assertEquals(found(path), ["f z 644 after"]);
      assertEquals([report.errors, report.entries], [4, 2]);
    }),
);

both(
  "takes away the file at hand whose content is damaged, notes it and goes on",
  (native) =>
    withDirectory(async (path) => {
      for (const late of [false, true]) {
        const fault = new TruncatedError("Cannot read content: it ends");
        const report = await restore(
          path,
          [file("a", "a"), file("b", failing(fault, late)), file("c", "c")],
          { native },
        );
        assertEquals(report.errors, 1);
        assertEquals(report.problems[0]!.cause, fault);
        assertEquals(
          report.problems[0]!.message,
          "Cannot restore content of b: Cannot read content: it ends",
        );
        assertEquals(found(path), ["f a 644 a", "f c 644 c"]);
        Deno.removeSync(`${path}/a`);
        Deno.removeSync(`${path}/c`);
      }
    }),
);

both(
  "takes away the file at hand where its source fails otherwise, and says what the source said",
  (native) =>
    withDirectory(async (path) => {
      for (const late of [false, true]) {
        const fault = new RangeError("the source is at fault");
        const error = await assertRejects(
          () =>
            restore(
              path,
              [file("a", "a"), file("b", failing(fault, late))],
              { native },
            ),
          RangeError,
        );
        assertEquals(error, fault);
        assertEquals(found(path), ["f a 644 a"]);
        Deno.removeSync(`${path}/a`);
      }
    }),
);

/** A content that gives two pieces and then an error. */
function failing(fault: Error, late: boolean): Content {
  let reads = 0;
  return {
    size: 5 << 20,
    release: undefined,
    read: (into) => {
      if (reads++ < 2) return into.length;
      if (late) return Promise.reject(fault);
      throw fault;
    },
  };
}

both(
  "ends where it is aborted, with nothing half-written",
  (native) =>
    withDirectory(async (path) => {
      const abort = new AbortController();
      let reads = 0;
      const content = {
        size: 64 << 20,
        release: undefined,
        read: (into: Uint8Array) => {
          if (reads++ === 3) abort.abort(new Error("enough"));
          return Promise.resolve(into.length);
        },
      };
      const { signal } = abort;
      const error = await assertRejects(() =>
        restore(path, [file("a", "a"), file("b", content)], { native, signal })
      );
      assertEquals(error.message, "enough");
      assertEquals(reads < 6, true);
      assertEquals(found(path), ["f a 644 a"]);
    }),
);

both(
  "hears an abort between batches and within a large file that never waits",
  (native) =>
    withDirectory(async (path) => {
      const abort = new AbortController();
      const { signal } = abort;
      // A timer can only fire if the event loop gets its turn.
      const timer = setTimeout(() => abort.abort(new Error("in time")));
      const forever = {
        size: 2 ** 40,
        release: undefined,
        read: (into: Uint8Array) => into.length,
      };
      const error = await assertRejects(() =>
        restore(path, [file("b", forever)], { native, signal })
      );
      clearTimeout(timer);
      assertEquals(error.message, "in time");
      assertEquals(found(path), []);

      const again = new AbortController();
      function* batches() {
        yield* [[makeEntry("directory", { mode: 0o040755 })]];
        setTimeout(() => again.abort(new Error("between")));
        for (let i = 0;; i++) yield file(`f${i % 8}`, "x");
      }
      const second = await assertRejects(() =>
        writeTree(path, batches(), {
          native,
          signal: again.signal,
          overwriteFiles: true,
        })
      );
      assertEquals(second.message, "between");
    }),
);

both(
  "throws the first error where it is strict",
  (native) =>
    withDirectory(async (path) => {
      const report = new Report();
      Deno.writeTextFileSync(`${path}/b`, "kept");
      const error = await assertRejects(
        () =>
          restore(path, [file("a", "a"), file("b", "b"), file("c")], {
            native,
            report,
            strict: true,
          }),
        SystemError,
      );
      assertEquals([error.code, error.path], ["EEXIST", "b"]);
      assertEquals(report.errors, 1);
      assertEquals(found(path), ["f a 644 a", "f b 644 kept"]);
    }),
);

both(
  "leaves out a whole subtree, with one error, where its directory cannot be made",
  (native) =>
    withDirectory(async (path) => {
      Deno.mkdirSync(`${path}/d`);
      const report = await restore(path, [
        dir("d", [
          file("x", "x", { position: 5 }),
          dir("deeper", [file("y")]),
        ]),
        hardlink("h", "d/x", { linkPosition: 5 }),
        file("z", "z"),
      ], { native });
      assertEquals(report.errors, 2);
      assertStringIncludes(messages(report)[0]!, "Cannot create directory d: ");
      assertStringIncludes(messages(report)[1]!, "Cannot create hardlink h: ");
      assertEquals(found(path), ["d d 755", "f z 644 z"]);
    }),
);

both("refuses what is not one tree", (native) =>
  withDirectory(async (path) => {
    const end = makeEntry("end"), root = makeEntry("directory");
    const cases = {
      "the first is a file, expected the root directory": file("f"),
      "end stands behind the end of the root": [root, end, end],
      "file stands behind the end of the root": [root, end, ...file("f")],
      "they stop while 2 directories are open": dir("").slice(0, 1).concat(
        dir("d").slice(0, 1),
      ),
      "they stop while 0 directories are open": [
        makeEntry("version"),
        makeEntry("prelude"),
      ],
      "there are known chunks among them": [root, makeEntry("inject"), end],
    };
    for (const [text, entries] of Object.entries(cases)) {
      const error = await assertRejects(
        () => writeTree(path, [entries], { native }),
        FormatError,
      );
      assertStringIncludes(error.message, text);
    }
    for (
      const name of ["", ".", "..", "a/b", "/etc", "a\0b", "x".repeat(4097)]
    ) {
      for (const one of [file(name), dir(name), symlink(name, "x")]) {
        await assertRejects(
          () => restore(path, [one], { native }),
          FormatError,
        );
      }
    }
    assertEquals(found(path), ["d d 700"]);
  }));

both(
  "passes over version and prelude",
  (native) =>
    withDirectory(async (path) => {
      const [batch] = tree([file("a", "a")]);
      const report = await writeTree(path, [
        [makeEntry("version"), makeEntry("prelude")],
        batch!,
      ], { native });
      assertEquals([report.entries, report.errors], [2, 0]);
    }),
);

systemTest(
  "writeTree() leaves out devices, fifos and sockets silently where asked",
  ["linux", "root"],
  () =>
    withDirectory(async (path) => {
      const nodes = () => [
        node("device", "device"),
        node("fifo", "fifo", { mode: 0o010640 }),
        node("socket", "socket", { mode: 0o140755 }),
      ];
      const none = { devices: false, fifos: false, sockets: false };
      const report = await restore(path, nodes(), none);
      assertEquals([report.entries, report.errors], [1, 0]);
      assertEquals(report.losses.size, 0);
      assertEquals(found(path), []);
      assertEquals((await restore(path, nodes())).errors, 0);
      assertEquals(found(path), ["o device 600", "o fifo 640", "o socket 755"]);
    }),
);

systemTest(
  "writeTree() never shows content to more people than may see it in the end",
  ["linux", "root"],
  () =>
    withDirectory(async (path) => {
      const seen: string[] = [];
      const spy = (name: string) => ({
        size: 3,
        release: undefined,
        read: (into: Uint8Array) => {
          const { mode, uid } = Deno.statSync(`${path}/t/${name}`);
          seen.push(`${name} ${(mode! & 0o7777).toString(8)} ${uid}`);
          into.set([1, 2, 3]);
          return 3;
        },
      });
      const acl = {
        users: [{ id: 5, perm: 4 }],
        groups: [],
        groupObj: 0,
        default: undefined,
        defaultUsers: [],
        defaultGroups: [],
      };
      const attributes = {
        xattrs: [],
        acl,
        fcaps: undefined,
        projectId: undefined,
      };
      Deno.mkdirSync(`${path}/t`, { mode: 0o700 });
      const report = await restore(`${path}/t`, [
        file("acl", spy("acl"), { mode: 0o100644, attributes }),
        file("group", spy("group"), { mode: 0o100640, gid: 5 }),
        file("open", spy("open"), { mode: 0o100666 }),
        file("owner", spy("owner"), { mode: 0o100644, uid: 5 }),
        file("plain", spy("plain"), { mode: 0o100644 }),
        file("private", spy("private"), { mode: 0o100400 }),
        file("suid", spy("suid"), { mode: 0o104755 }),
      ], { xattrs: false });
      assertEquals(messages(report), []);
      assertEquals(seen, [
        "acl 600 0",
        "group 600 0",
        "open 600 0",
        "owner 600 0",
        "plain 644 0",
        "private 400 0",
        "suid 600 0",
      ]);
      assertEquals(
        found(`${path}/t`).map((line) => line.slice(0, -4)),
        [
          // Its list is not restored here: the owning group may then not do what only the list's mask allows.
          "f acl 604",
          "f group 640",
          "f open 666",
          "f owner 644",
          "f plain 644",
          "f private 400",
          "f suid 4755",
        ],
      );
    }),
);

systemTest("writeTree() sees where a directory gives its files another group", [
  "linux",
  "root",
], () =>
  withDirectory(async (path) => {
    Deno.chownSync(path, 0, 5);
    Deno.chmodSync(path, 0o2755);
    const modes: number[] = [];
    const content = {
      size: 1,
      release: undefined,
      read: () => {
        modes.push(Deno.statSync(`${path}/a`).mode! & 0o777);
        return 1;
      },
    };
    const report = await restore(path, [
      file("a", content, { mode: 0o100640 }),
      file("b", "b", { mode: 0o100640 }),
      file("c", "c", { mode: 0o100640, gid: 5 }),
    ]);
    assertEquals(messages(report), []);
    assertEquals(modes, [0o600]);
    const groups = ["a", "b", "c"].map((name) =>
      Deno.statSync(`${path}/${name}`).gid
    );
    assertEquals(groups, [0, 0, 5]);
  }));

systemTest(
  "writeTree() leaves out what it is told to, and set-uid with the owner",
  ["linux", "root"],
  () =>
    withDirectory(async (path) => {
      const attributes = {
        xattrs: [{ name: raw("user.x"), value: raw("1") }],
        acl: undefined,
        fcaps: undefined,
        projectId: undefined,
      };
      const nodes = () => [
        file("a", "a", { mode: 0o106755, uid: 7, gid: 7, attributes }),
        dir("d", [], { mode: 0o042777, uid: 7 }),
      ];
      const all = await restore(`${path}/1`, nodes(), {
        owners: false,
        xattrs: false,
      });
      assertEquals(messages(all), []);
      assertEquals(found(`${path}/1`), ["f a 755 a", "d d 2777"]);
      assertEquals(Deno.statSync(`${path}/1/a`).uid, 0);
      await restore(`${path}/2`, nodes(), { permissions: false });
      assertEquals(found(`${path}/2`), ["f a 600 a", "d d 700"]);
      assertEquals(Deno.statSync(`${path}/2/a`).uid, 7);
    }),
);

both(
  "reports attributes where there cannot be any",
  (native) =>
    withDirectory(async (path) => {
      const attributes = {
        xattrs: [{ name: raw("user.x"), value: raw("1") }],
        acl: undefined,
        fcaps: undefined,
        projectId: undefined,
      };
      const report = await restore(path, [symlink("l", "x", { attributes })], {
        native,
      });
      assertEquals(messages(report), [
        "Cannot restore attributes of l: it is a symlink, expected a file or directory",
      ]);
      assertEquals(found(path), ["l l x"]);
    }),
);

systemTest("writeTree() says which xattrs and lists it does not restore", [
  "linux",
  "root",
], () =>
  withDirectory(async (path) => {
    const nobody = {
      users: [],
      groups: [],
      groupObj: undefined,
      default: undefined,
      defaultUsers: [],
      defaultGroups: [],
    };
    const none = {
      xattrs: [],
      acl: undefined,
      fcaps: undefined,
      projectId: undefined,
    };
    const report = await restore(path, [
      file("a", "a", {
        attributes: {
          ...none,
          xattrs: [
            { name: raw("system.posix_acl_access"), value: raw("x") },
            { name: raw(""), value: raw("x") },
          ],
        },
      }),
      file("b", "b", {
        attributes: {
          ...none,
          acl: { ...nobody, users: [{ id: 5, perm: 8 }], groupObj: 4 },
        },
      }),
      file("c", "c", { attributes: { ...none, projectId: 2 ** 32 } }),
    ]);
    assertEquals([report.warnings, report.errors], [2, 2]);
    const said = messages(report);
    assertStringIncludes(said[0]!, "xattr system.posix_acl_access of a:");
    assertStringIncludes(said[2]!, "Cannot set ACL of b:");
    assertStringIncludes(said[3]!, "Cannot set project id of c:");
    assertEquals(report.problems[2]!.cause instanceof FormatError, true);
    assertEquals(found(path).length, 3);
  }));

Deno.test("writeTree() without the C library counts what it cannot keep", () =>
  withDirectory(async (path) => {
    const attributes = {
      xattrs: [{ name: raw("user.x"), value: raw("1") }],
      acl: undefined,
      fcaps: undefined,
      projectId: 5,
    };
    const report = await restore(path, [
      file("a", "a", { attributes, nanos: 5, flags: 0x10_0000 }),
      file("b", "b", { nanos: 5_000_000 }),
      node("device", "c"),
      dir("d\xff", [file("lost"), dir("lost", [file("lost")])]),
      node("fifo", "e"),
      file("f\xff", "f", { position: 1 }),
      hardlink("g", "f\xff", { linkPosition: 1 }),
      hardlink("h\xff", "f\xff", { linkPosition: 1 }),
      symlink("i", "\xff"),
      node("socket", "j"),
    ], { native: false });
    assertEquals(Object.fromEntries(report.losses), {
      xattrs: 1,
      flags: 1,
      nanoseconds: 1,
      devices: 1,
      fifos: 1,
      sockets: 1,
      names: 7,
    });
    assertEquals([report.errors, report.warnings], [1, 4]);
    assertEquals(found(path), ["f a 644 a", "f b 644 b"]);
  }));

both(
  "hands errors on as PxarErrors",
  (native) =>
    withDirectory(async (path) => {
      const report = await restore(path, [
        file("x".repeat(256)),
        symlink("s", "x".repeat(4097)),
        hardlink("h", ""),
      ], { native });
      assertEquals(report.errors, 3);
      for (const { cause, severity } of report.problems) {
        assertEquals(severity, "error");
        assert(cause instanceof PxarError || cause instanceof Error);
      }
    }),
);
