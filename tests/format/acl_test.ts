import {
  type Acl,
  aclFromXattrs,
  aclToXattrs,
  decodeAclDefault,
  decodeAclEntry,
  decodeAclGroupObj,
  encodeAclDefault,
  encodeAclEntry,
  encodeAclGroupObj,
} from "@pxar/format/acl";
import { ByteReader, type Bytes } from "@pxar/format/bytes";
import { FormatError, PxarError } from "@pxar/format/errors";
import { ITEMS } from "@pxar/format/item";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import {
  anyBytes,
  contentOf,
  hex,
  hurt,
  SAFE,
  u64s,
  written,
} from "./record.ts";

const NONE: Acl = {
  users: [],
  groups: [],
  groupObj: undefined,
  default: undefined,
  defaultUsers: [],
  defaultGroups: [],
};

/** A list in the words of getfacl, such as `user::rw- user:1000:rwx`, as the kernel's bytes. */
function kernel(text: string): Bytes {
  const entries = text.split(/\s+/).map((word) => {
    const [type, who, perms] = word.split(":") as [string, string, string];
    const perm = (perms[0] === "r" ? 4 : 0) + (perms[1] === "w" ? 2 : 0) +
      (perms[2] === "x" ? 1 : 0);
    const tags: Record<string, number> = {
      user: 1,
      group: 4,
      mask: 0x10,
      other: 0x20,
    };
    return [
      who === "" ? tags[type]! : tags[type]! * 2,
      perm,
      who === "" ? 0xffff_ffff : Number(who),
    ] as const;
  });
  const bytes = new Uint8Array(4 + 8 * entries.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 2, true);
  entries.forEach(([tag, perm, id], i) => {
    view.setUint16(4 + 8 * i, tag, true);
    view.setUint16(6 + 8 * i, perm, true);
    view.setUint32(8 + 8 * i, id, true);
  });
  return bytes;
}

Deno.test("kernel lists, as this machine's kernel gave them, are read and built again", () => {
  // setfacl -m u:1000:7,u:5:4,g:7:5,m::5 on a file of mode 0640
  const access = hex(
    `02000000 01000600ffffffff 02000700e8030000 0200040005000000 04000400ffffffff 0800050007000000
    10000500ffffffff 20000000ffffffff`,
  );
  const acl = aclFromXattrs(access, undefined);
  assertEquals(acl, {
    ...NONE,
    users: [{ id: 5, perm: 4 }, { id: 1000, perm: 7 }],
    groups: [{ id: 7, perm: 5 }],
    groupObj: 4,
  });
  const sorted = kernel(
    "user::rw- user:5:r-- user:1000:rwx group::r-- group:7:r-x mask::r-x other::---",
  );
  assertEquals(aclToXattrs(acl!, 0o100650), {
    access: sorted,
    default: undefined,
    missingGroupObj: false,
  });

  // setfacl -d -m u:1000:7 on a directory of mode 0755
  const defaults = hex(
    "02000000 01000700ffffffff 02000700e8030000 04000500ffffffff 10000700ffffffff 20000000ffffffff",
  );
  const inherited = aclFromXattrs(undefined, defaults);
  assertEquals(inherited, {
    ...NONE,
    default: { user: 7, group: 5, other: 0, mask: 7 },
    defaultUsers: [{ id: 1000, perm: 7 }],
  });
  assertEquals(aclToXattrs(inherited!, 0o40755), {
    access: kernel("user::rwx group::r-x other::r-x"),
    default: defaults,
    missingGroupObj: false,
  });
});

Deno.test("aclFromXattrs() stores nothing that the mode says", () => {
  assertEquals(aclFromXattrs(undefined, undefined), undefined);
  assertEquals(
    aclFromXattrs(kernel("user::rw- group::r-- other::r--"), undefined),
    undefined,
  );
  assertEquals(aclFromXattrs(hex("02000000"), hex("02000000")), undefined);
});

Deno.test("aclFromXattrs() stores the owning group just where there is a mask", () => {
  assertEquals(
    aclFromXattrs(
      kernel("user::rw- group::r-x mask::rw- other::r--"),
      undefined,
    ),
    { ...NONE, groupObj: 5 },
  );
  assertEquals(
    aclFromXattrs(undefined, kernel("user::rwx group::r-x other::r--")),
    {
      ...NONE,
      default: { user: 7, group: 5, other: 4, mask: undefined },
    },
  );
});

Deno.test("aclFromXattrs() sorts by number, then by permissions", () => {
  const list = kernel(
    "user::rwx user:4294967294:-w- user:0:-wx user:1000:r-- user:1000:--x group::--- mask::rwx other::---",
  );
  assertEquals(aclFromXattrs(list, undefined)?.users, [
    { id: 0, perm: 3 },
    { id: 1000, perm: 1 },
    { id: 1000, perm: 4 },
    { id: 4294967294, perm: 2 },
  ]);
});

Deno.test("aclFromXattrs() refuses what is not the kernel's", () => {
  const bad: [string, string][] = [
    ["", "has 0 left"],
    ["020000", "has 3 left"],
    ["01000000", "version is 1"],
    ["02000000 0100", "has 0 left"],
    ["02000000 01000600ffffffff 01000600ffffffff", "twice"],
    ["02000000 40000600ffffffff", "tag 64"],
    ["02000000 00000600ffffffff", "tag 0"],
    ["02000000 01000800ffffffff", "permissions are 8"],
    ["02000000 02000700ffffffff", "nobody"],
  ];
  for (const [value, message] of bad) {
    assertThrows(
      () => aclFromXattrs(hex(value), undefined),
      FormatError,
      message,
    );
    assertThrows(
      () => aclFromXattrs(undefined, hex(value)),
      FormatError,
      message,
    );
  }
});

Deno.test("aclToXattrs() takes the mode's group bits for both where the owning group is missing, and says so", () => {
  const acl = { ...NONE, users: [{ id: 8, perm: 6 }] };
  assertEquals(aclToXattrs(acl, 0o100754), {
    access: kernel("user::rwx user:8:rw- group::r-x mask::r-x other::r--"),
    default: undefined,
    missingGroupObj: true,
  });
});

Deno.test("aclToXattrs() sets a mask where one was stored, even if nobody is named", () => {
  assertEquals(
    aclToXattrs({ ...NONE, groupObj: 6 }, 0o100644).access,
    kernel("user::rw- group::rw- mask::r-- other::r--"),
  );
});

Deno.test("aclToXattrs() leaves out default users without a default list", () => {
  assertEquals(
    aclToXattrs({ ...NONE, defaultUsers: [{ id: 1, perm: 7 }] }, 0o40755)
      .default,
    undefined,
  );
});

Deno.test("aclToXattrs() refuses what the kernel would", () => {
  const base = { user: 7, group: 5, other: 5, mask: undefined };
  const bad: Partial<Acl>[] = [
    { users: [{ id: 1, perm: 8 }] },
    { users: [{ id: 0xffff_ffff, perm: 7 }] },
    { groups: [{ id: 2 ** 40, perm: 7 }] },
    { groupObj: 9 },
    { groupObj: 2 ** 32 + 1 },
    { default: { ...base, other: undefined } },
    { default: { ...base, user: 8 } },
    { default: base, defaultGroups: [{ id: 1, perm: 1 }] },
  ];
  for (const part of bad) {
    assertThrows(
      () => aclToXattrs({ ...NONE, ...part }, 0o40755),
      FormatError,
      "Cannot set",
    );
  }
});

const PERM = fc.integer({ min: 0, max: 7 });
const NAMED = fc.array(
  fc.record({ id: fc.integer({ min: 0, max: 0xffff_fffe }), perm: PERM }, {
    noNullPrototype: true,
  }),
  {
    maxLength: 5,
  },
).map((list) => list.sort((a, b) => a.id - b.id || a.perm - b.perm));

Deno.test("aclFromXattrs() is the inverse of aclToXattrs()", () => {
  const list = fc.tuple(
    NAMED,
    NAMED,
    PERM,
    fc.option(fc.tuple(NAMED, NAMED, PERM, PERM, PERM, PERM)),
  );
  fc.assert(
    fc.property(
      list,
      fc.nat(0o777),
      ([users, groups, groupObj, defaults], mode) => {
        const acl: Acl = defaults === null
          ? { ...NONE, users, groups, groupObj }
          : {
            users,
            groups,
            groupObj,
            default: {
              user: defaults[2],
              group: defaults[3],
              other: defaults[4],
              mask: defaults[5],
            },
            defaultUsers: defaults[0],
            defaultGroups: defaults[1],
          };
        const xattrs = aclToXattrs(acl, mode);
        assertEquals(xattrs.missingGroupObj, false);
        assertEquals(aclFromXattrs(xattrs.access, xattrs.default), acl);
      },
    ),
  );
});

Deno.test("lists of noise end in a PxarError", () => {
  const noise = fc.oneof(
    anyBytes(60),
    anyBytes(60).map((bytes) => Uint8Array.of(2, 0, 0, 0, ...bytes)),
  );
  fc.assert(fc.property(noise, (value) => {
    try {
      aclFromXattrs(value, value);
    } catch (error) {
      assert(error instanceof PxarError, `not a PxarError: ${error}`);
    }
  }));
});

Deno.test("ACL records survive both ways, odd numbers and all", () => {
  const items = [
    ITEMS.ACL_USER,
    ITEMS.ACL_GROUP,
    ITEMS.ACL_DEFAULT_USER,
    ITEMS.ACL_DEFAULT_GROUP,
  ];
  fc.assert(
    fc.property(fc.constantFrom(...items), SAFE, SAFE, (item, id, perm) => {
      const record = written((writer) =>
        encodeAclEntry(writer, item, { id, perm })
      );
      assertEquals(decodeAclEntry(contentOf(record, item)), { id, perm });
      const groupObj = written((writer) => encodeAclGroupObj(writer, perm));
      assertEquals(
        decodeAclGroupObj(contentOf(groupObj, ITEMS.ACL_GROUP_OBJ)),
        perm,
      );
    }),
  );
  const optional = fc.option(SAFE, { nil: undefined });
  fc.assert(
    fc.property(
      optional,
      optional,
      optional,
      optional,
      (user, group, other, mask) => {
        const record = written((writer) =>
          encodeAclDefault(writer, { user, group, other, mask })
        );
        assertEquals(decodeAclDefault(contentOf(record, ITEMS.ACL_DEFAULT)), {
          user,
          group,
          other,
          mask,
        });
      },
    ),
  );
});

Deno.test("all bits set means absent in ACL_DEFAULT only", () => {
  const all = (1n << 64n) - 1n;
  assertEquals(decodeAclDefault(new ByteReader(u64s(7n, all, 0n, all))), {
    user: 7,
    group: undefined,
    other: 0,
    mask: undefined,
  });
  assertThrows(
    () => decodeAclDefault(new ByteReader(u64s(7n, all - 1n, 0n, all))),
    FormatError,
    "2^53",
  );
  assertThrows(
    () => decodeAclEntry(new ByteReader(u64s(1n, all))),
    FormatError,
    "2^53",
  );
  assertThrows(
    () => decodeAclGroupObj(new ByteReader(u64s(all))),
    FormatError,
    "2^53",
  );
});

Deno.test("encoders of ACL records refuse numbers that have no place", () => {
  for (const bad of [-1, 0.5, NaN, 2 ** 53]) {
    assertThrows(
      () =>
        written((writer) =>
          encodeAclEntry(writer, ITEMS.ACL_USER, { id: bad, perm: 1 })
        ),
      FormatError,
    );
    assertThrows(
      () =>
        written((writer) =>
          encodeAclEntry(writer, ITEMS.ACL_USER, { id: 1, perm: bad })
        ),
      FormatError,
    );
    assertThrows(
      () => written((writer) => encodeAclGroupObj(writer, bad)),
      FormatError,
    );
    const list = { user: 1, group: 1, other: 1, mask: bad };
    assertThrows(
      () => written((writer) => encodeAclDefault(writer, list)),
      FormatError,
    );
  }
});

Deno.test("broken ACL records end in a PxarError", () => {
  const list = { user: 7, group: undefined, other: 0, mask: 5 };
  const good = [
    written((writer) => encodeAclDefault(writer, list)),
    written((writer) =>
      encodeAclEntry(writer, ITEMS.ACL_USER, { id: 1000, perm: 7 })
    ),
    written((writer) => encodeAclGroupObj(writer, 5)),
  ];
  for (const decode of [decodeAclDefault, decodeAclEntry, decodeAclGroupObj]) {
    hurt(good, decode);
  }
});
