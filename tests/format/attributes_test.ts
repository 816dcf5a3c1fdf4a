import {
  AttributeReader,
  attributesSize,
  encodeAttributes,
} from "@pxar/format/attributes";
import { ByteReader, type Bytes } from "@pxar/format/bytes";
import type { Attributes } from "@pxar/format/entry";
import { FormatError, PxarError } from "@pxar/format/errors";
import {
  decodeHeader,
  HEADER_SIZE,
  type ItemName,
  ITEMS,
} from "@pxar/format/item";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { anyBytes, noNul, SAFE, u64s, utf8, written } from "./record.ts";

const ENTRIES = fc.array(
  fc.record({ id: SAFE, perm: SAFE }, { noNullPrototype: true }),
  { maxLength: 3 },
);
const OPTIONAL = fc.option(SAFE, { nil: undefined });
const ACL = fc.record({
  users: ENTRIES,
  groups: ENTRIES,
  groupObj: OPTIONAL,
  default: fc.option(
    fc.record({
      user: OPTIONAL,
      group: OPTIONAL,
      other: OPTIONAL,
      mask: OPTIONAL,
    }, { noNullPrototype: true }),
    { nil: undefined },
  ),
  defaultUsers: ENTRIES,
  defaultGroups: ENTRIES,
}, { noNullPrototype: true }).filter((acl) =>
  Object.values(acl).some((part) => Array.isArray(part) ? part.length : part)
);
const ATTRIBUTES: fc.Arbitrary<Attributes> = fc.record({
  xattrs: fc.array(
    fc.record({ name: noNul(0, 30), value: anyBytes(50) }, {
      noNullPrototype: true,
    }),
    { maxLength: 4 },
  ),
  acl: fc.option(ACL, { nil: undefined }),
  fcaps: fc.option(anyBytes(24), { nil: undefined }),
  projectId: OPTIONAL,
}, { noNullPrototype: true });

/** Reads a row of items. */
function readAll(
  records: Bytes,
  attributes: AttributeReader,
): Attributes | undefined {
  const header = { item: ITEMS.ENTRY, size: 0 },
    reader = new ByteReader(records);
  for (let at = 0; at < records.length; at += HEADER_SIZE + header.size) {
    reader.window(at, records.length, 0);
    decodeHeader(reader, header);
    reader.window(at + HEADER_SIZE, at + HEADER_SIZE + header.size, 0);
    assert(attributes.take(header.item, reader));
  }
  return attributes.finish();
}

Deno.test("AttributeReader gives what encodeAttributes() wrote, entry after entry", () => {
  const reader = new AttributeReader();
  fc.assert(fc.property(ATTRIBUTES, (attributes) => {
    const records = written((writer) => encodeAttributes(writer, attributes));
    assertEquals(records.length, attributesSize(attributes));
    assertEquals(
      readAll(records, reader),
      records.length === 0 ? undefined : attributes,
    );
    assertEquals(reader.finish(), undefined);
  }));
});

Deno.test("encodeAttributes() keeps the order of the format", () => {
  const one = [{ id: 1, perm: 1 }];
  const records = written((writer) =>
    encodeAttributes(writer, {
      projectId: 9,
      fcaps: utf8("caps"),
      acl: {
        defaultGroups: one,
        defaultUsers: one,
        default: { user: 7, group: 7, other: 7, mask: 7 },
        groupObj: 5,
        groups: one,
        users: one,
      },
      xattrs: [{ name: utf8("user.b"), value: utf8("") }, {
        name: utf8("user.a"),
        value: utf8(""),
      }],
    })
  );
  const names: ItemName[] = [],
    header = { item: ITEMS.ENTRY, size: 0 },
    reader = new ByteReader(records);
  while (reader.remaining > 0) {
    names.push(decodeHeader(reader, header).item.name);
    reader.skip(header.size);
  }
  assertEquals(
    names.join(" "),
    "XATTR XATTR ACL_USER ACL_GROUP ACL_GROUP_OBJ ACL_DEFAULT ACL_DEFAULT_USER ACL_DEFAULT_GROUP FCAPS QUOTA_PROJID",
  );
});

Deno.test("AttributeReader takes attributes in any order", () => {
  const attributes: Attributes = {
    xattrs: [{ name: utf8("user.a"), value: utf8("1") }],
    acl: undefined,
    fcaps: utf8("caps"),
    projectId: 0,
  };
  const forwards = written((writer) => encodeAttributes(writer, attributes));
  const projectId = forwards.slice(-24), rest = forwards.slice(0, -24);
  const turned = new Uint8Array([...projectId, ...rest]);
  assertEquals(readAll(turned, new AttributeReader()), attributes);
});

Deno.test("AttributeReader leaves alone what is not an attribute", () => {
  const reader = new ByteReader(utf8("untouched"));
  const others: ItemName[] = [
    "FILENAME",
    "PAYLOAD",
    "GOODBYE",
    "SYMLINK",
    "ENTRY",
    "HARDLINK",
    "PRELUDE",
  ];
  const attributes = new AttributeReader();
  for (const name of others) {
    assertEquals(attributes.take(ITEMS[name], reader), false);
  }
  assertEquals(reader.remaining, 9);
  assertEquals(attributes.finish(), undefined);
});

Deno.test("AttributeReader refuses a second one of what may be there once", () => {
  const contents: [ItemName, Bytes][] = [
    ["FCAPS", new Uint8Array(0)],
    ["QUOTA_PROJID", u64s(0n)],
    ["ACL_GROUP_OBJ", u64s(0n)],
    ["ACL_DEFAULT", u64s(0n, 0n, 0n, 0n)],
  ];
  for (const [name, content] of contents) {
    const attributes = new AttributeReader();
    assert(attributes.take(ITEMS[name], new ByteReader(content)));
    const again = () =>
      attributes.take(ITEMS[name], new ByteReader(content, 400));
    const error = assertThrows(again, FormatError, "one at most");
    assertEquals(error.offset, 400);
    assert(attributes.finish() !== undefined);
    assert(
      attributes.take(ITEMS[name], new ByteReader(content)),
      "the next entry may have one again",
    );
  }
});

Deno.test("encodeAttributes() refuses what has no place", () => {
  const none: Attributes = {
    xattrs: [],
    acl: undefined,
    fcaps: undefined,
    projectId: undefined,
  };
  const bad: Partial<Attributes>[] = [
    { projectId: -1 },
    { projectId: 2 ** 53 },
    { fcaps: new Uint8Array(65792) },
    { xattrs: [{ name: utf8("user.a"), value: new Uint8Array(65791) }] },
  ];
  for (const part of bad) {
    assertThrows(
      () => written((writer) => encodeAttributes(writer, { ...none, ...part })),
      FormatError,
      "Cannot write",
    );
  }
});

Deno.test("broken attributes end in a PxarError", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(ITEMS)),
      anyBytes(40),
      (item, content) => {
        try {
          const attributes = new AttributeReader();
          attributes.take(item, new ByteReader(content));
          attributes.finish();
        } catch (error) {
          assert(error instanceof PxarError, `not a PxarError: ${error}`);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
