// The numbers of abi.ts and errno.ts, and the places of struct statx, as the C compiler of this machine has them.
import * as abi from "@pxar/sys/abi";
import { ERRNO, errnoCode, errnoText, systemError } from "@pxar/sys/errno";
import { Statx } from "@pxar/sys/files";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { run } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { withDirectory } from "../support/walks.ts";

const INCLUDES = [
  "errno.h",
  "fcntl.h",
  "stddef.h",
  "stdio.h",
  "sys/file.h",
  "sys/ioctl.h",
  "sys/resource.h",
  "sys/stat.h",
  "linux/fs.h",
  "linux/msdos_fs.h",
];

/** The values that C has of expressions. */
async function compiled(expressions: readonly string[]): Promise<number[]> {
  return await withDirectory(async (path) => {
    const source = [
      "#define _GNU_SOURCE",
      ...INCLUDES.map((name) => `#include <${name}>`),
      "int main(void) {",
      ...expressions.map((one) => `  printf("%lld\\n", (long long)(${one}));`),
      "  return 0;",
      "}",
      "",
    ].join("\n");
    await Deno.writeTextFile(`${path}/program.c`, source);
    await run("gcc", "-o", `${path}/program`, `${path}/program.c`);
    return (await run(`${path}/program`)).trim().split("\n").map(Number);
  });
}

systemTest(
  "abi and ERRNO have the numbers of the C headers",
  ["linux", "gcc"],
  async () => {
    const wanted: readonly (readonly [string, number])[] = [
      ...Object.entries(abi).filter((one): one is [string, number] =>
        typeof one[1] === "number"
      ),
      ...Object.entries(ERRNO),
    ];
    assert(wanted.length > 60);
    const values = await compiled(wanted.map(([name]) => name));
    assertEquals(
      Object.fromEntries(wanted),
      Object.fromEntries(wanted.map(([name], i) => [name, values[i]!])),
    );
  },
);

systemTest(
  "Statx has its fields where C has them",
  ["linux", "gcc"],
  async () => {
    const fields = [
      "stx_nlink",
      "stx_uid",
      "stx_gid",
      "stx_mode",
      "stx_ino",
      "stx_size",
      "stx_mtime.tv_sec",
      "stx_mtime.tv_nsec",
      "stx_rdev_major",
      "stx_rdev_minor",
      "stx_dev_major",
      "stx_dev_minor",
    ];
    const places = await compiled([
      "sizeof(struct statx)",
      ...fields.map((field) => `offsetof(struct statx, ${field})`),
    ]);
    const stat = new Statx(), view = new DataView(stat.bytes.buffer);
    assertEquals(places.shift(), stat.bytes.length);
    const [
      nlink,
      uid,
      gid,
      mode,
      ino,
      size,
      secs,
      nanos,
      rdevMajor,
      rdevMinor,
      devMajor,
      devMinor,
    ] = places as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    view.setUint32(nlink, 2 ** 32 - 1, true);
    view.setUint32(uid, 2 ** 32 - 2, true);
    view.setUint32(gid, 3, true);
    view.setUint16(mode, 0o140777, true);
    view.setBigUint64(ino, 2n ** 53n - 1n, true);
    view.setBigUint64(size, 2n ** 50n + 1n, true);
    view.setBigInt64(secs, -(2n ** 40n) - 1n, true);
    view.setUint32(nanos, 999_999_999, true);
    view.setUint32(rdevMajor, 7, true);
    view.setUint32(rdevMinor, 8, true);
    view.setUint32(devMajor, 9, true);
    view.setUint32(devMinor, 10, true);
    assertEquals([stat.links, stat.uid, stat.gid, stat.mode, stat.type], [
      2 ** 32 - 1,
      2 ** 32 - 2,
      3,
      0o140777,
      0o14,
    ]);
    assertEquals([stat.inode, stat.size, stat.secs, stat.nanos], [
      2 ** 53 - 1,
      2 ** 50 + 1,
      -(2 ** 40) - 1,
      999_999_999,
    ]);
    assertEquals([stat.deviceMajor, stat.deviceMinor, stat.device], [
      7,
      8,
      9 * 2 ** 32 + 10,
    ]);
    view.setBigUint64(ino, 2n ** 64n - 1n, true);
    assertEquals(stat.inode, 2n ** 64n - 1n);
  },
);

Deno.test("errnoCode() and errnoText() know every number of ERRNO, and say what they can of others", () => {
  for (const [name, number] of Object.entries(ERRNO)) {
    assertEquals(errnoCode(number), name);
    assertMatch(errnoText(number), /^[a-z]/);
    assert(!errnoText(number).startsWith("error "), name);
  }
  assertEquals([errnoCode(4095), errnoText(4095)], ["E4095", "error 4095"]);
});

Deno.test("systemError() says what could not be done to what, and why", () => {
  const error = systemError(
    "open file",
    new TextEncoder().encode("a\n"),
    "openat",
    ERRNO.EACCES,
  );
  assertMatch(error.message, /^Cannot open file a\S+: permission denied$/);
  assertEquals([error.code, error.errno, error.call], ["EACCES", 13, "openat"]);
  assertMatch(
    systemError("list directory", new Uint8Array(0), "getdents64", ERRNO.EIO)
      .message,
    /directory \.: /,
  );
});
