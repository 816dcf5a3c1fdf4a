// What file systems do that are not at hand: by the real C library, with some answers changed.
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { SystemError } from "@pxar/format/errors";
import { Report } from "@pxar/fs/report";
import { ERRNO } from "@pxar/sys/errno";
import { type Libc, openLibc } from "@pxar/sys/libc";
import { NativeReader } from "../../fs/native_reader.ts";
import { readSettings, type ReadTreeOptions } from "../../fs/read_options.ts";
import {
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { run } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { openDescriptors, pathsOf, withDirectory } from "../support/walks.ts";

type Call =
  & keyof Libc
  & (
    | "openat"
    | "statx"
    | "readlinkat"
    | "flistxattr"
    | "ioctl"
    | "getdents64"
    | "readInto"
  );

const decoder = new TextDecoder();

/** The C library, of which some calls are answered by error numbers: those for which `refuse` gives one. */
function refusing(
  libc: Libc,
  refuse: (call: Call, name: string) => number | undefined,
): Libc {
  let number: number | undefined;
  const answers: { [call: string]: (...args: never[]) => unknown } = {};
  for (
    const call of [
      "openat",
      "statx",
      "readlinkat",
      "flistxattr",
      "ioctl",
      "getdents64",
      "readInto",
    ] as const
  ) {
    answers[call] = (...args: never[]) => {
      const [fd, name] = args as unknown as [number, Bytes];
      const named = call === "openat" || call === "statx"
        ? decoder.decode(name.subarray(0, name.length)).replace(/\0$/, "")
        : "";
      number = refuse(call, named || linkOf(fd));
      if (number === undefined) {
        return (libc[call] as (...args: never[]) => unknown)(...args);
      }
      return call === "getdents64" ? -1n : -1;
    };
  }
  return {
    ...libc,
    ...answers,
    peek: (into: Bytes, from: bigint, length: bigint) => {
      if (number === undefined) return libc.peek(into, from, length);
      new DataView(into.buffer, into.byteOffset).setInt32(0, number, true);
      return from;
    },
  } as Libc;
}

/** The name of an open file. */
function linkOf(fd: number): string {
  return Deno.readLinkSync(`/proc/self/fd/${fd}`).replace(/.*\//, "");
}

async function sample(path: string): Promise<void> {
  await Deno.mkdir(`${path}/d`);
  await Deno.writeTextFile(`${path}/d/inner`, "");
  await Deno.writeTextFile(`${path}/f`, "text");
  await Deno.symlink("f", `${path}/l`);
  await run("mkfifo", `${path}/p`);
  await Deno.writeTextFile(`${path}/z`, "");
}

function readAll(
  libc: Libc,
  path: string,
  options: ReadTreeOptions = {},
): { entries: Entry[]; report: Report } {
  const report = new Report(), entries: Entry[] = [];
  const walk = new NativeReader(
    libc,
    path,
    readSettings({ ...options, report }),
  );
  let finished = false;
  try {
    for (let batch = walk.next(); batch !== undefined; batch = walk.next()) {
      entries.push(...batch);
      for (const { content } of batch) content?.read(new Uint8Array(10));
    }
    finished = true;
  } finally {
    walk.close(finished);
  }
  return { entries, report };
}

function test(name: string, body: (libc: Libc, path: string) => void): void {
  systemTest(name, ["linux"], () =>
    withDirectory(async (path) => {
      const libc = openLibc();
      if (libc === undefined) return;
      await sample(path);
      const before = openDescriptors(path);
      body(libc, path);
      assertEquals(openDescriptors(path), before);
    }));
}

test(
  "NativeReader asks for the kinds that a directory does not tell",
  (libc, path) => {
    const blind: Libc = {
      ...libc,
      getdents64: (fd, into, size) => {
        const length = Number(libc.getdents64(fd, into, size));
        const bytes = into as Uint8Array;
        for (
          let at = 0;
          at < length;
          at += bytes[at + 16]! | bytes[at + 17]! << 8
        ) bytes[at + 18] = 0;
        return BigInt(length);
      },
    };
    const told = readAll(libc, path), asked = readAll(blind, path);
    assertEquals(
      asked.entries.map(({ kind }) => kind),
      told.entries.map(({ kind }) => kind),
    );
    assertEquals(pathsOf(asked.entries), ["d", "d/inner", "f", "l", "p", "z"]);
    assertEquals(asked.report.problems, []);
  },
);

for (const code of ["ENOENT", "EACCES", "EPERM", "ESTALE"] as const) {
  test(
    `NativeReader leaves a file out, with a warning, where the system answers ${code}`,
    (libc, path) => {
      for (const call of ["openat", "statx"] as const) {
        const { entries, report } = readAll(
          refusing(
            libc,
            (one, name) =>
              one === call && name === "f" ? ERRNO[code] : undefined,
          ),
          path,
        );
        assertEquals(pathsOf(entries), ["d", "d/inner", "l", "p", "z"]);
        assertEquals([report.warnings, report.errors], [1, 0]);
        assertStringIncludes(report.problems[0]!.message, "Cannot read f: ");
        assertEquals((report.problems[0]!.cause as SystemError).code, code);
      }
    },
  );
}

test(
  "NativeReader leaves out what has become stale at the last moment",
  (libc, path) => {
    for (
      const [call, name, left] of [
        ["flistxattr", "f", ["d", "d/inner", "l", "p", "z"]],
        ["ioctl", "d", ["f", "l", "p", "z"]],
        ["readlinkat", "l", ["d", "d/inner", "f", "p", "z"]],
      ] as const
    ) {
      const { entries, report } = readAll(
        refusing(
          libc,
          (one, on) => one === call && on === name ? ERRNO.ESTALE : undefined,
        ),
        path,
      );
      assertEquals(pathsOf(entries), [...left]);
      assertEquals([report.warnings, report.errors], [1, 0]);
    }
  },
);

test("NativeReader gives up where the system fails", (libc, path) => {
  const root = path.replace(/.*\//, "");
  for (
    const [call, name, verb] of [
      ["openat", "f", "read f"],
      ["statx", "f", "read f"],
      ["getdents64", "d", "list directory d"],
      ["getdents64", root, "list directory ."],
      ["flistxattr", "f", "read extended attributes of f"],
      ["readInto", "f", "read file f"],
    ] as const
  ) {
    for (const code of ["EIO", "EMFILE"] as const) {
      const error = assertThrows(
        () =>
          readAll(
            refusing(libc, (one, on) =>
              one === call && on === name ? ERRNO[code] : undefined),
            path,
          ),
        SystemError,
        `Cannot ${verb}: `,
      );
      assertEquals(error.code, code);
    }
  }
});

test(
  "NativeReader says what it left out of a directory that may not be listed",
  (libc, path) => {
    const { entries, report } = readAll(
      refusing(
        libc,
        (call, on) =>
          call === "getdents64" && on === "d" ? ERRNO.EACCES : undefined,
      ),
      path,
    );
    assertEquals(pathsOf(entries), ["d", "f", "l", "p", "z"]);
    assertEquals([report.warnings, report.errors], [0, 1]);
    assertStringIncludes(
      report.problems[0]!.message,
      "Cannot list directory d: permission denied; what is in it is left out",
    );
  },
);

test(
  "NativeReader takes a directory as empty that is removed while it is listed",
  (libc, path) => {
    const { entries, report } = readAll(
      refusing(
        libc,
        (call, on) =>
          call === "getdents64" && on === "d" ? ERRNO.ENOENT : undefined,
      ),
      path,
    );
    assertEquals(pathsOf(entries), ["d", "f", "l", "p", "z"]);
    assertEquals(report.problems, []);
  },
);

test("NativeReader repeats what a signal has interrupted", (libc, path) => {
  const met = new Set<string>();
  const { entries, report } = readAll(
    refusing(libc, (call, on) => {
      if (call !== "openat" && call !== "getdents64" && call !== "readInto") {
        return undefined;
      }
      if (met.has(call + on)) return undefined;
      met.add(call + on);
      return ERRNO.EINTR;
    }),
    path,
  );
  assertEquals(pathsOf(entries), ["d", "d/inner", "f", "l", "p", "z"]);
  assertEquals(report.problems, []);
});

test(
  "NativeReader does not try for ever to open what changes its kind all the time",
  (libc, path) => {
    let tries = 0;
    const { entries, report } = readAll(
      refusing(
        libc,
        (call, on) =>
          call === "openat" && on === "f" && ++tries > 0
            ? ERRNO.ELOOP
            : undefined,
      ),
      path,
    );
    assertEquals(pathsOf(entries), ["d", "d/inner", "l", "p", "z"]);
    assertEquals(report.problems.map(({ message }) => message), [
      "Cannot read f: it changes its kind all the time; left out",
    ]);
    assertEquals(tries, 4);
  },
);

systemTest(
  "NativeReader stores each link as a file where the path is too long for a link",
  ["linux", "python3"],
  () =>
    withDirectory(async (path) => {
      const libc = openLibc();
      if (libc === undefined) return;
      const script =
        "import os, sys\nos.chdir(sys.argv[1])\nfor i in range(17):\n  os.mkdir('n' * 250); os.chdir('n' * 250)\nopen('a', 'w').close(); os.link('a', 'b'); os.link('a', '../z')";
      await run("python3", "-c", script, path);
      const { entries, report } = readAll(libc, path);
      const kinds = entries.filter(({ kind }) =>
        kind !== "directory" && kind !== "end"
      ).map(({ kind, position }) => [kind, position]);
      assertEquals(kinds, [["file", undefined], ["file", undefined], [
        "file",
        1,
      ]]);
      assertEquals([report.warnings, report.errors], [2, 0]);
      assertStringIncludes(
        report.problems[0]!.message,
        "its path is longer than 4096 bytes; each link is stored as a file",
      );
      await run("rm", "-rf", path);
      await Deno.mkdir(path);
    }),
);
