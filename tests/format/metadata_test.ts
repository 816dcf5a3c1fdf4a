import {
  deviceMetadata,
  dirMetadata,
  fifoMetadata,
  fileMetadata,
  type Metadata,
  type MetadataBuilder,
  metadataEquals,
  metadataIdentical,
  socketMetadata,
  symlinkMetadata,
} from "@pxar/format/metadata";
import { FLAGS } from "@pxar/format/flags";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { utf8 } from "./record.ts";

Deno.test("every kind has its builder and its type bits", () => {
  const modes = [
    fileMetadata(0o4755),
    dirMetadata(0o1777),
    symlinkMetadata(),
    deviceMetadata(0o660, "block"),
    deviceMetadata(0o620, "char"),
    fifoMetadata(0o600),
    socketMetadata(0),
  ].map((builder) => builder.build().mode);
  assertEquals(modes, [
    0o104755,
    0o41777,
    0o120777,
    0o60660,
    0o20620,
    0o10600,
    0o140000,
  ]);
});

Deno.test("builders start with root, time 0 and no attributes", () => {
  const expected: Metadata = {
    mode: 0o100644,
    flags: 0,
    uid: 0,
    gid: 0,
    secs: 0,
    nanos: 0,
    attributes: undefined,
  };
  assertEquals(fileMetadata(0o644).build(), expected);
});

Deno.test("builders set everything", () => {
  const acl = { users: [{ id: 5, perm: 7 }], groupObj: 4 };
  const caps = utf8("caps");
  const metadata = fileMetadata(0)
    .mode(0o640)
    .owner(1000, 4294967295)
    .mtime(1_700_000_000, 5)
    .flags(FLAGS.NODUMP | FLAGS.IMMUTABLE)
    .xattr("user.ä", "wert")
    .xattr(Uint8Array.of(0x75, 0xff), Uint8Array.of(0, 1))
    .acl(acl)
    .fcaps(caps)
    .projectId(42)
    .build();
  caps.fill(0);
  const expected: Metadata = {
    mode: 0o100640,
    flags: 0x50_0000,
    uid: 1000,
    gid: 4294967295,
    secs: 1_700_000_000,
    nanos: 5,
    attributes: {
      xattrs: [
        { name: utf8("user.ä"), value: utf8("wert") },
        { name: Uint8Array.of(0x75, 0xff), value: Uint8Array.of(0, 1) },
      ],
      acl: {
        ...acl,
        groups: [],
        default: undefined,
        defaultUsers: [],
        defaultGroups: [],
      },
      fcaps: utf8("caps"),
      projectId: 42,
    },
  };
  assertEquals(metadata, expected);
});

Deno.test("a builder may go on; what it gave stays", () => {
  const builder = fileMetadata(0o644).xattr("user.a", "1");
  const first = builder.build();
  const second = builder.xattr("user.b", "2").mode(0o600).build();
  assertEquals([first.mode, first.attributes?.xattrs.length], [0o100644, 1]);
  assertEquals([second.mode, second.attributes?.xattrs.length], [0o100600, 2]);
});

Deno.test("mtime() takes seconds, a Date, a Temporal.Instant and an entry's time, before 1970 too", () => {
  const time = (builder: MetadataBuilder) => {
    const { secs, nanos } = builder.build();
    return [secs, nanos];
  };
  assertEquals(time(fileMetadata(0).mtime(-1)), [-1, 0]);
  assertEquals(time(fileMetadata(0).mtime(new Date(1_430_487_000_001))), [
    1_430_487_000,
    1_000_000,
  ]);
  assertEquals(time(fileMetadata(0).mtime(new Date(-1))), [-1, 999_000_000]);
  assertEquals(time(fileMetadata(0).mtime({ secs: 3, nanos: 4 })), [3, 4]);
  assertEquals(
    time(
      fileMetadata(0).mtime({ epochNanoseconds: 1_430_487_000_000_000_001n }),
    ),
    [1_430_487_000, 1],
  );
  assertEquals(time(fileMetadata(0).mtime({ epochNanoseconds: -1n })), [
    -1,
    999_999_999,
  ]);
});

Deno.test("builders refuse what is out of range", () => {
  const bad: (() => unknown)[] = [
    () => fileMetadata(0o10000),
    () => fileMetadata(0o100644),
    () => dirMetadata(-1),
    () => fileMetadata(0.5),
    () => fileMetadata(0).owner(-1, 0),
    () => fileMetadata(0).owner(0, 2 ** 32),
    () => fileMetadata(0).mtime(0.5),
    () => fileMetadata(0).mtime(2 ** 53),
    () => fileMetadata(0).mtime(0, 1e9),
    () => fileMetadata(0).mtime(0, -1),
    () => fileMetadata(0).mtime(new Date(NaN)),
    () => fileMetadata(0).mtime({ secs: 0, nanos: 1e9 }),
    () => fileMetadata(0).flags(-1),
    () => fileMetadata(0).flags(2 ** 53),
    () => fileMetadata(0).xattr("", "x"),
    () => fileMetadata(0).xattr("x".repeat(256), ""),
    () => fileMetadata(0).xattr("user.a\0b", ""),
    () => fileMetadata(0).xattr("x".repeat(255), new Uint8Array(65536)),
    () => fileMetadata(0).acl({ users: [{ id: 0xffff_ffff, perm: 7 }] }),
    () => fileMetadata(0).acl({ groups: [{ id: 1, perm: 8 }] }),
    () => fileMetadata(0).acl({ groupObj: -1 }),
    () =>
      dirMetadata(0).acl({
        default: { user: 8, group: 0, other: 0, mask: undefined },
      }),
    () => fileMetadata(0).fcaps(new Uint8Array(65792)),
    () => fileMetadata(0).projectId(2 ** 32),
  ];
  for (const make of bad) {
    assertThrows(make, RangeError, "Cannot set", String(make));
  }
});

function full(): MetadataBuilder {
  return dirMetadata(0o755).owner(1, 2).mtime(3, 4).flags(FLAGS.SYNC).xattr(
    "user.a",
    "1",
  ).xattr("user.b", "2").fcaps(utf8("c"))
    .projectId(5).acl({
      users: [{ id: 1, perm: 1 }],
      groups: [{ id: 2, perm: 2 }],
      groupObj: 3,
      default: { user: 1, group: 2, other: 3, mask: 4 },
      defaultUsers: [{ id: 3, perm: 3 }],
      defaultGroups: [{ id: 4, perm: 4 }],
    });
}

Deno.test("metadataEquals() and metadataIdentical() see every difference", () => {
  const one = full().build();
  const { acl } = one.attributes!;
  assert(
    metadataEquals(one, full().build()) &&
      metadataIdentical(one, full().build()),
  );
  const others: MetadataBuilder[] = [
    full().mode(0o754),
    full().owner(0, 2),
    full().owner(1, 0),
    full().mtime(0, 4),
    full().mtime(3, 0),
    full().flags(0),
    full().xattr("user.c", ""),
    full().fcaps(utf8("d")),
    full().fcaps(utf8("")),
    full().projectId(0),
    full().acl({}),
    full().acl({ ...acl, users: [] }),
    full().acl({ ...acl, users: [{ id: 1, perm: 2 }] }),
    full().acl({ ...acl, groups: [{ id: 1, perm: 2 }] }),
    full().acl({ ...acl, groupObj: undefined }),
    full().acl({ ...acl, default: undefined }),
    full().acl({
      ...acl,
      default: { user: 1, group: 2, other: 3, mask: undefined },
    }),
    full().acl({ ...acl, defaultUsers: [] }),
    full().acl({ ...acl, defaultGroups: [] }),
  ];
  for (const other of others.map((builder) => builder.build())) {
    assert(!metadataEquals(one, other) && !metadataEquals(other, one));
    assert(!metadataIdentical(one, other) && !metadataIdentical(other, one));
  }
});

Deno.test("metadataEquals() compares names of xattrs in order, not their values; metadataIdentical() both", () => {
  const make = (...names: string[]) =>
    names.reduce(
      (b, name) => b.xattr(name, `${Math.random()}`),
      fileMetadata(0),
    ).build();
  assert(metadataEquals(make("user.a", "user.b"), make("user.a", "user.b")));
  assert(
    !metadataIdentical(make("user.a", "user.b"), make("user.a", "user.b")),
  );
  assert(!metadataEquals(make("user.a", "user.b"), make("user.b", "user.a")));
  assert(!metadataEquals(make("user.a"), make("user.a", "user.b")));
});

Deno.test("no attributes equal empty ones", () => {
  const plain = fileMetadata(0o644).build();
  const empty = fileMetadata(0o644).acl({}).build();
  assert(empty.attributes !== undefined);
  assert(metadataEquals(plain, empty) && metadataIdentical(empty, plain));
  assert(
    !metadataEquals(
      plain,
      fileMetadata(0o644).acl({
        default: {
          user: undefined,
          group: undefined,
          other: undefined,
          mask: undefined,
        },
      }).build(),
    ),
  );
});
