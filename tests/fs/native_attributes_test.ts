// What the kernel may answer, by a C library that is none.
import { assertEquals, assertThrows } from "../support/assert.ts";
import { PxarError, SystemError } from "@pxar/format/errors";
import { FLAGS } from "@pxar/format/flags";
import {
  FAT_IOCTL_GET_ATTRIBUTES,
  FS_IOC_FSGETXATTR,
  FS_IOC_GETFLAGS,
} from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import type { Libc } from "@pxar/sys/libc";
import { Report } from "@pxar/fs/report";
import { type Features, featuresOf } from "../../fs/file_systems.ts";
import { NativeAttributes } from "../../fs/native_attributes.ts";
import { readSettings, type ReadTreeOptions } from "../../fs/read_options.ts";
import { Level, Place } from "../../fs/place.ts";

const EXT4 = 0xef53, MSDOS = 0x4d44, FUSE = 0x65735546, TMPFS = 0x01021994;
const ROOT = new Level(undefined, new Uint8Array(0), new Place([]));
const NAME = new TextEncoder().encode("file");
const utf8 = new TextEncoder(), decoder = new TextDecoder();

/** Answers of a kernel: bytes, or an error number. */
interface Answers {
  readonly flags?: number;
  readonly fat?: number;
  readonly project?: number;
  readonly xattrs?: { readonly [name: string]: string | number };
  readonly list?: number;
}

class Kernel {
  calls: string[] = [];
  #errno = 0;
  constructor(readonly answers: Answers) {}

  get libc(): Libc {
    const fail = (number: number) => {
      this.#errno = number;
      return -1;
    };
    return {
      errnoAt: () => 0n,
      peek: (into: Uint8Array) => {
        new DataView(into.buffer).setInt32(0, this.#errno, true);
        return 0n;
      },
      ioctl: (_fd: number, request: number, into: Uint8Array) => {
        const view = new DataView(into.buffer);
        const [what, answer, at] = request === FS_IOC_GETFLAGS
          ? ["flags", this.answers.flags, 0] as const
          : request === FAT_IOCTL_GET_ATTRIBUTES
          ? ["fat", this.answers.fat, 0] as const
          : request === FS_IOC_FSGETXATTR
          ? ["project", this.answers.project, 12] as const
          : ["?", undefined, 0] as const;
        this.calls.push(what);
        if (answer === undefined) return fail(ERRNO.ENOTTY);
        if (answer < 0) return fail(-answer);
        view.setUint32(at, answer, true);
        return 0;
      },
      flistxattr: (_fd: number, into: Uint8Array) => {
        this.calls.push("list");
        if (this.answers.list !== undefined) return fail(this.answers.list);
        const names = Object.keys(this.answers.xattrs ?? {});
        return utf8.encodeInto(names.map((name) => `${name}\0`).join(""), into)
          .written;
      },
      fgetxattr: (_fd: number, name: Uint8Array, into: Uint8Array) => {
        const value = this.answers
          .xattrs![decoder.decode(name.subarray(0, -1))]!;
        return typeof value === "number"
          ? fail(value)
          : utf8.encodeInto(value, into).written;
      },
    } as unknown as Libc;
  }
}

function read(
  answers: Answers,
  options: ReadTreeOptions = {},
  features: Features = featuresOf(EXT4),
  isDirectory = false,
) {
  const kernel = new Kernel(answers), report = new Report();
  const reader = new NativeAttributes(
    kernel.libc,
    readSettings({ ...options, report }),
  );
  const flags = reader.flags(3, features, ROOT, NAME);
  const attributes = reader.read(3, isDirectory, features, ROOT, NAME);
  return {
    flags,
    attributes,
    report,
    calls: kernel.calls,
    names: attributes?.xattrs.map(({ name }) => decoder.decode(name)),
  };
}

Deno.test("NativeAttributes asks a file system only for what it may have", () => {
  assertEquals(read({}, {}, featuresOf(EXT4)).calls, [
    "flags",
    "list",
    "project",
  ]);
  assertEquals(read({}, {}, featuresOf(TMPFS)).calls, ["flags", "list"]);
  assertEquals(read({}, {}, featuresOf(MSDOS)).calls, ["flags", "fat"]);
  assertEquals(read({}, {}, featuresOf(FUSE)).calls, [
    "flags",
    "fat",
    "list",
    "project",
  ]);
  assertEquals(read({}, { xattrs: false }, featuresOf(EXT4)).calls, [
    "flags",
    "project",
  ]);
});

Deno.test("NativeAttributes joins the attributes of chattr and FAT", () => {
  // 0x80000 (extents) is ext4's own business.
  assertEquals(read({ flags: 0x80040 }).flags, FLAGS.NODUMP);
  assertEquals(
    read({ fat: 2 | 4 }, {}, featuresOf(MSDOS)).flags,
    FLAGS.HIDDEN | FLAGS.SYSTEM,
  );
  assertEquals(
    read({ flags: 0x20, fat: 0x21 }, {}, featuresOf(FUSE)).flags,
    FLAGS.APPEND | FLAGS.ARCHIVE,
  );
});

Deno.test("NativeAttributes takes it as nothing that there is nothing of the kind", () => {
  for (
    const number of [
      ERRNO.ENOTTY,
      ERRNO.ENOSYS,
      ERRNO.EBADF,
      ERRNO.EOPNOTSUPP,
      ERRNO.EINVAL,
    ]
  ) {
    assertEquals(read({ flags: -number, project: -number }).flags, 0);
  }
  for (const number of [ERRNO.ENODATA, ERRNO.EOPNOTSUPP, ERRNO.EBADF]) {
    const { names, report } = read({
      xattrs: { "user.gone": number, "user.there": "1" },
    });
    assertEquals(names, ["user.there"]);
    assertEquals(report.problems, []);
  }
  assertEquals(read({ list: ERRNO.EBADF }).attributes, undefined);
});

Deno.test("NativeAttributes does not ask a file system again that has no extended attributes", () => {
  const features = featuresOf(EXT4);
  read({ list: ERRNO.EOPNOTSUPP }, {}, features);
  assertEquals(read({ xattrs: { "user.x": "1" } }, {}, features).calls, [
    "flags",
    "project",
  ]);
});

Deno.test("NativeAttributes gives up where the system fails, and tells a stale file from others", () => {
  for (
    const answers of [{ flags: -ERRNO.EIO }, { project: -ERRNO.EIO }, {
      list: ERRNO.EIO,
    }, { xattrs: { "user.x": ERRNO.EIO } }]
  ) {
    assertThrows(() => read(answers), SystemError, "file: input/output error");
  }
  assertEquals(
    assertThrows(() => read({ list: ERRNO.ESTALE }), SystemError).errno,
    ERRNO.ESTALE,
  );
});

Deno.test("NativeAttributes reports an attribute that may not be read, and reads the others", () => {
  const { names, report } = read({
    xattrs: { "user.a": "1", "user.b": ERRNO.EACCES, "user.c": "2" },
  });
  assertEquals(names, ["user.a", "user.c"]);
  assertEquals(
    report.problems.map(({ severity, message }) => [severity, message]),
    [
      [
        "error",
        "Cannot read extended attribute user.b of file: permission denied; left out",
      ],
    ],
  );
});

Deno.test("NativeAttributes names the attribute that is too large, and the option that leaves it out", () => {
  for (const number of [ERRNO.E2BIG, ERRNO.ERANGE]) {
    const xattrs = { "user.a": "1", "user.b": number, "user.c": "2" };
    assertThrows(
      () => read({ xattrs }),
      PxarError,
      "attribute user.b of file: is larger than the system can give (the option skip-e2big-xattr leaves it out)",
    );
    const { names, report } = read({ xattrs }, { skipE2bigXattr: true });
    assertEquals(names, ["user.a", "user.c"]);
    assertEquals([report.warnings, report.errors], [1, 0]);
    assertThrows(
      () => read({ list: number }),
      PxarError,
      "too many for the system (the option skip-e2big-xattr leaves them out)",
    );
    assertEquals(
      read({ list: number, project: 7 }, { skipE2bigXattr: true }).attributes!
        .projectId,
      7,
    );
  }
});

Deno.test("NativeAttributes keeps the names that archives keep, each where it belongs", () => {
  const xattrs = {
    "security.selinux": "x",
    "user.b": "",
    "security.capability": "caps",
    "system.other": "x",
    "trusted.a": "2",
    "security.NTACL": "3",
    "security.capability.not": "x",
  };
  const { attributes, names } = read({ xattrs });
  assertEquals(names, ["user.b", "trusted.a", "security.NTACL"]);
  assertEquals(decoder.decode(attributes!.fcaps), "caps");
  assertEquals(read({ xattrs }, { fcaps: false }).attributes!.fcaps, undefined);
  assertEquals(
    read({ xattrs: { "security.selinux": "x" } }).attributes,
    undefined,
  );
});

Deno.test("NativeAttributes reports an access list that is none, and reads a default one of directories only", () => {
  const broken = read({
    xattrs: { "system.posix_acl_access": "no list", "user.a": "1" },
  });
  assertEquals(broken.names, ["user.a"]);
  assertEquals([broken.report.errors, broken.attributes!.acl], [1, undefined]);
  const list = "\x02\0\0\0" + "\x01\0\x07\0" + "\x7f".repeat(4) +
    "\x04\0\x05\0" + "\x7f".repeat(4) + "\x20\0\x01\0" + "\x7f".repeat(4);
  const xattrs = { "system.posix_acl_default": list };
  assertEquals(read({ xattrs }).attributes, undefined);
  assertEquals(
    read({ xattrs }, {}, featuresOf(EXT4), true).attributes!.acl!.default,
    { user: 7, group: 5, other: 1, mask: undefined },
  );
  assertEquals(
    read({ xattrs }, { acls: false }, featuresOf(EXT4), true).attributes,
    undefined,
  );
});
