// Tar archives: there and back, as others write them, in any order, and hostile.
import { decode } from "@pxar/codec/decode";
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { type Batches, type Entry, makeEntry } from "@pxar/format/entry";
import {
  FormatError,
  NotFoundError,
  PxarError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import { each } from "@pxar/transfer/each";
import { decodeTar } from "@pxar/transfer/tar_decode";
import { encodeTar } from "@pxar/transfer/tar_encode";
import fc from "fast-check";
import { decodeTarAcl, encodeTarAcl } from "../../transfer/tar_acl.ts";
import {
  decodeTarHeader,
  encodeTarHeader,
  type TarHeader,
} from "../../transfer/tar_header.ts";
import { decodePax, encodePax, fromLatin1 } from "../../transfer/tar_pax.ts";
import { unified } from "../support/archives.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import {
  arbitraryTree,
  assertSameBytes,
  assertSameEntries,
  CollectSink,
  concat,
  gather,
  inBatches,
  renew,
} from "../support/entries.ts";
import { loadVector, TREES, VARIANTS } from "../support/vectors.ts";
import { contentOf, entriesOf, lines, text, trees, utf8 } from "./trees.ts";

/** Trees of which another order comes back where members are sorted: `create` puts `.pxarexclude-cli` last. */
const UNSORTED = [
  "exclude-cli-a",
  "exclude-cli-all",
  "exclude-cli-b",
  "hardlinks-first-excluded",
];
const END = new Uint8Array(1024);

/** A member: header, content, and what fills it up. */
function member(
  type: string,
  path: string,
  content: string | Bytes = "",
  parts: Partial<TarHeader> = {},
): Bytes {
  const body = typeof content === "string" ? fromLatin1(content) : content;
  const bytes = new Uint8Array(512 + Math.ceil(body.length / 512) * 512);
  encodeTarHeader({
    path: fromLatin1(path),
    mode: 0o644,
    uid: 1000,
    gid: 1001,
    size: body.length,
    secs: 1_700_000_000,
    type,
    link: new Uint8Array(0),
    major: 0,
    minor: 0,
    ...parts,
  }, bytes.subarray(0, 512));
  bytes.set(body, 512);
  return bytes;
}

/** PAX records before the next member, or before all that follow. */
function pax(records: Record<string, string>, type = "x"): Bytes {
  const list = Object.entries(records).map(([key, value]) => ({
    key,
    value: fromLatin1(value),
  }));
  return member(type, "PaxHeaders/x", encodePax(list));
}

function tarOf(...members: readonly Bytes[]): Bytes {
  return concat([...members, END]);
}

/** Both ways of reading: from any place, and in order. */
const WAYS: readonly (readonly [
  string,
  (tar: Bytes) => Bytes | Iterable<Bytes>,
])[] = [
  ["from any place", (tar) => tar],
  ["in order", (tar) => [tar.subarray(0, 700), tar.subarray(700)]],
];

/** Entries, and what was said. */
async function read(
  input: Bytes | Iterable<Bytes>,
): Promise<{ entries: Entry[]; errors: string[] }> {
  const errors: string[] = [];
  const entries = await gather(decodeTar(input, {
    onError: (_path, { message }) => errors.push(message),
  }));
  return { entries, errors };
}

async function tarred(
  batches: Batches,
): Promise<{ tar: Bytes; lost: string[] }> {
  const sink = new CollectSink(), lost: string[] = [];
  const made = await encodeTar(batches, sink, {
    onLoss: (path, loss) => lost.push(`${loss} ${text(path)}`),
  });
  const tar = sink.bytes();
  assertEquals(made.size, tar.length);
  assertEquals(tar.length % 10240, 0);
  return { tar, lost };
}

/** The entries that tar has a form for. */
function withoutSockets(batches: Batches): Batches {
  return each(batches, (entry) => entry.kind === "socket" ? undefined : entry);
}

for (const name of [...TREES, ...VARIANTS]) {
  Deno.test(`an archive of ${name} comes back from tar byte by byte, but for its sockets`, async () => {
    const { v1 } = loadVector(name);
    const expected = await unified(withoutSockets(decode(v1)));
    const { tar, lost } = await tarred(decode(v1));
    assertEquals(lost.length === 0, expected.length === v1.length);
    for (const [way, input] of WAYS) {
      const back = await unified(decodeTar(input(tar)));
      if (way === "in order" || !UNSORTED.includes(name)) {
        assertSameBytes(back, expected, way);
      } else {
        const sorted = async (archive: Bytes) =>
          lines(await gather(decode(archive))).sort();
        assertEquals(await sorted(back), await sorted(expected));
      }
    }
  });
}

Deno.test("decodeTar() gives back any tree that encodeTar() took", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree(), async (entries) => {
      const kept = entries.filter(({ kind }) => kind !== "socket");
      const { tar } = await tarred(inBatches(renew(entries)));
      for (const [, input] of WAYS) {
        assertSameEntries(await gather(decodeTar(input(tar))), kept);
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("decodeTar() gives what a tree in order has, from any place and in order", async () => {
  await fc.assert(
    fc.asyncProperty(trees(), async (tree) => {
      const entries = entriesOf(tree);
      const { tar } = await tarred([entries]);
      const inOrder = await gather(decodeTar([tar]));
      assertEquals(lines(inOrder), lines(entriesOf(tree)));
      const sorted = await gather(decodeTar(tar));
      assertEquals(lines(sorted).length, inOrder.length);
    }),
  );
});

Deno.test("encodeTar() gives links what their file has, and leaves out the root where told", async () => {
  const entries = entriesOf({ a: "x", b: "@a" }).map((entry) =>
    entry.kind === "file" ? { ...entry, uid: 7, secs: 99 } : entry
  );
  const sink = new CollectSink();
  const { members } = await encodeTar([entries], sink, { root: false });
  assertEquals(members, 2);
  const link = decodeTarHeader(sink.bytes().subarray(1024, 1536), 1024)!;
  assertEquals(
    [link.type, text(link.path), text(link.link), link.mode, link.uid],
    ["1", "b", "a", 0o644, 7],
  );
  assertEquals(link.secs, 99);
});

Deno.test("encodeTar() refuses known chunks, and files without their content", async () => {
  const write = () => {};
  const name = utf8("a");
  const root = makeEntry("directory", { mode: 0o40755 });
  for (
    const entry of [
      makeEntry("inject", { payload: { offset: 0, size: 1 } }),
      makeEntry("file", { name, mode: 0o100644 }),
      makeEntry("file", {
        name,
        mode: 0o100644,
        content: { size: 2, read: () => 0, release: undefined },
      }),
    ]
  ) {
    await assertRejects(
      () => encodeTar([[root, entry, makeEntry("end")]], { write }),
      TypeError,
    );
  }
});

Deno.test("encodeTar() leaves out access lists that no kernel takes, and tells", async () => {
  const acl = {
    users: [{ id: 2 ** 40, perm: 4 }],
    groups: [],
    groupObj: 4,
    default: undefined,
    defaultUsers: [],
    defaultGroups: [],
  };
  const attributes = { xattrs: [], acl, fcaps: undefined, projectId: 5 };
  const entries = [
    makeEntry("directory", { mode: 0o40755, attributes }),
    makeEntry("end"),
  ];
  const said: string[] = [], sink = new CollectSink();
  await encodeTar([entries], sink, {
    onError: (_path, { message }) => said.push(message),
  });
  assertEquals(said.length, 1);
  assertMatch(said[0]!, /^Cannot write ACLs of ""/);
  const [root] = await gather(decodeTar(sink.bytes()));
  assertEquals([root!.attributes?.projectId, root!.attributes?.acl], [
    5,
    undefined,
  ]);
  await assertRejects(
    () => encodeTar([entries], { write: () => {} }),
    UnsupportedError,
  );
});

Deno.test("decodeTar() reads a file of more than 8 GiB, whose length only a record says", async () => {
  const size = 2 ** 33 + 5;
  const head = concat([
    pax({ size: String(size) }),
    member("0", "large", "", { size: 0 }),
  ]);
  const end = head.length + size + (512 - size % 512);
  const access: RandomAccess = {
    size: end + 1024,
    read(offset, into) {
      into.fill(0);
      if (offset < head.length) {
        into.set(head.subarray(offset, offset + into.length));
      }
      return Math.max(0, Math.min(into.length, end + 1024 - offset));
    },
    close: undefined,
  };
  const entries: Entry[] = [];
  for await (const batch of decodeTar(access)) entries.push(...batch);
  assertEquals(lines(entries), ["d ", "f large", "end "]);
  assertEquals(entries[1]!.content!.size, size);
});

Deno.test("decodeTar() reads numbers of GNU tar, negative ones too", async () => {
  const header = member("0", "a", "x");
  // mtime -2, uid 2^32 - 1: base 256.
  header.fill(0xff, 136, 148);
  header[147] = 0xfe;
  header.set([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 108);
  sum(header);
  const { entries } = await read(tarOf(header));
  assertEquals([entries[1]!.secs, entries[1]!.uid], [-2, 2 ** 32 - 1]);
  header.set([0x80, 0, 0, 1], 108);
  sum(header);
  await assertRejects(() => read(tarOf(header)), FormatError, "uid");
});

/** Gives a changed header its sum. */
function sum(header: Bytes): void {
  header.fill(0x20, 148, 156);
  const all = header.subarray(0, 512).reduce((sum, byte) => sum + byte, 0);
  header.set(fromLatin1(`${all.toString(8).padStart(6, "0")}\0 `), 148);
}

Deno.test("decodeTar() reads times before 1970 and attributes by any of their names", async () => {
  const { entries, errors } = await read(tarOf(
    pax({
      mtime: "-0.25",
      "SCHILY.xattr.user.a%3Db%25": "\x00\xff=\n",
      "SCHILY.xattr.user.empty": "",
      "LIBARCHIVE.xattr.user.old": "/wA",
      "SCHILY.xattr.security.selinux": "not kept, as create keeps it not",
      "SCHILY.xattr.security.capability": "\x01\x02",
      "SCHILY.fflags": "nodump,schg,unknown",
      "PXAR.projectid": "77",
      uid: "3000000000",
    }),
    member("0", "a", "x"),
  ));
  const [, a] = entries;
  assertEquals(errors, []);
  assertEquals([a!.secs, a!.nanos, a!.uid], [-1, 750_000_000, 3_000_000_000]);
  assertEquals(a!.flags, 0x10_0000 | 0x40_0000);
  const { xattrs, fcaps, projectId } = a!.attributes!;
  assertEquals(
    xattrs.map(({ name, value }) => [text(name), [...value]]),
    [
      ["user.a=b%", [0, 255, 61, 10]],
      ["user.empty", []],
      ["user.old", [255, 0]],
    ],
  );
  assertEquals([[...fcaps!], projectId], [[1, 2], 77]);
});

Deno.test("decodeTar() takes global records for all that follow, until they change", async () => {
  for (const [way, input] of WAYS) {
    const { entries } = await read(input(tarOf(
      member("0", "a"),
      pax({ uid: "5", "SCHILY.xattr.user.g": "1", comment: "x" }, "g"),
      member("0", "b"),
      pax({ uid: "6" }),
      member("0", "c"),
      pax({ uid: "" }, "g"),
      member("0", "d"),
    )));
    const files = entries.filter(({ kind }) => kind === "file");
    assertEquals(files.map(({ uid }) => uid), [1000, 5, 6, 1000], way);
    assertEquals(
      files.map(({ attributes }) => attributes?.xattrs.length ?? 0),
      [0, 1, 1, 1],
      way,
    );
  }
});

Deno.test("decodeTar() reads long names of GNU tar, and directories of version 7", async () => {
  const long = "n".repeat(300);
  for (const [way, input] of WAYS) {
    const { entries } = await read(input(tarOf(
      member("\0", "dir/"),
      member("K", "././@LongLink", `${long}\0`),
      member("L", "././@LongLink", `dir/${long}\0`),
      member("2", "dir/cut", "", { link: utf8("cut") }),
      member("7", "z", "contiguous"),
    )));
    assertEquals(lines(entries), [
      "d ",
      "d dir",
      `s dir/${long} ${long}`,
      "end dir",
      "f z",
      "end ",
    ], way);
  }
});

Deno.test("decodeTar() takes ./ and / and doubled slashes off paths, and refuses ..", async () => {
  for (const [way, input] of WAYS) {
    const { entries, errors } = await read(input(tarOf(
      member("5", "./", "", { mode: 0o700 }),
      member("5", "/etc//"),
      member("0", "/etc/./hosts", "x"),
      member("0", "../passwd", "x"),
      member("0", "etc/../../passwd", "x"),
      member("1", "etc/link", "", { link: utf8("../shadow") }),
      member("0", ".", "x"),
    )));
    assertEquals(lines(entries), [
      "d ",
      "d etc",
      "f etc/hosts",
      "end etc",
      "end ",
    ], way);
    assertEquals(entries[0]!.mode, 0o40700);
    assertEquals(errors.length, 4, way);
    assertMatch(errors[0]!, /^Cannot take tar member "\.\.\/passwd": /);
  }
});

Deno.test("decodeTar() makes directories that no member is, as the first one below has it", async () => {
  for (const [way, input] of WAYS) {
    const { entries } = await read(input(tarOf(
      member("0", "a/b/c", "x"),
      member("0", "a/d", "y", { uid: 5 }),
    )));
    assertEquals(
      lines(entries),
      ["d ", "d a", "d a/b", "f a/b/c", "end a/b", "f a/d", "end a", "end "],
      way,
    );
    for (const made of entries.slice(0, 3)) {
      assertEquals(
        [made.mode, made.uid, made.gid, made.secs],
        [0o40755, 1000, 1001, 1_700_000_000],
      );
    }
  }
});

Deno.test("decodeTar() sorts, and of several members of one path the last counts", async () => {
  const tar = tarOf(
    member("0", "z", "1"),
    member("5", "d", "", { mode: 0o700 }),
    member("0", "d/y", "2"),
    member("0", "a", "3"),
    member("0", "d/b", "4"),
    member("0", "z", "5"),
    member("5", "d", "", { mode: 0o750 }),
    member("5", "a"),
    member("0", "a/x", "6"),
  );
  const { entries, errors } = await read(tar);
  assertEquals(errors, []);
  assertEquals(lines(entries), [
    "d ",
    "d a",
    "f a/x",
    "end a",
    "d d",
    "f d/b",
    "f d/y",
    "end d",
    "f z",
    "end ",
  ]);
  assertEquals(entries[4]!.mode, 0o40750);
  assertEquals(await contentOf(renew(entries)[8]), "5");
  await assertRejects(() => read([tar]), UnsupportedError, "left already");
  const twice = tarOf(member("0", "z", "1"), member("0", "z", "5"));
  await assertRejects(() => read([twice]), UnsupportedError, "of that path");
});

Deno.test("decodeTar() makes the first of several links in its own order the file", async () => {
  const tar = tarOf(
    member("0", "m", "old"),
    member("1", "z", "", { link: utf8("m") }),
    member("1", "b", "", { link: utf8("./z") }),
    // What m was lives on in its links.
    member("0", "m", "new"),
  );
  const { entries } = await read(tar);
  assertEquals(lines(entries), ["d ", "f b", "f m", "h z b", "end "]);
  assertEquals(await contentOf(renew(entries)[1]), "old");
  assertEquals(await contentOf(renew(entries)[2]), "new");
  const inOrder = await read([tarOf(
    member("0", "a", "x"),
    member("1", "b", "", { link: utf8("a") }),
    member("1", "c", "", { link: utf8("b") }),
  )]);
  assertEquals(lines(inOrder.entries), ["d ", "f a", "h b a", "h c a", "end "]);
});

Deno.test("decodeTar() tells of members that have no place, and goes on", async () => {
  for (const [way, input] of WAYS) {
    const tar = tarOf(
      member("1", "early", "", { link: utf8("later") }),
      member("0", "file", "x"),
      member("0", "file/below", "y"),
      member("V", "a label"),
      member("Q", "unknown", "body of it"),
      pax({
        "SCHILY.acl.access": "user::rw-,user:nobody knows:r--,group::r--",
      }),
      member("0", "later", "z"),
    );
    const { entries, errors } = await read(input(tar));
    assertEquals(lines(entries), ["d ", "f file", "f later", "end "], way);
    assertEquals(entries[2]!.attributes, undefined);
    assertEquals(errors.map((one) => one.replace(/".*/s, "")), [
      "Cannot take hardlink ",
      "Cannot take tar member ",
      "Cannot take tar member ",
      "Cannot take tar member ",
      "Cannot keep ACLs of ",
    ], way);
    await assertRejects(() => gather(decodeTar(input(tar))), NotFoundError);
  }
});

Deno.test("decodeTar() copies what a link to a symlink or device leads to", async () => {
  const { entries } = await read(tarOf(
    member("2", "a", "", { link: utf8("x") }),
    member("1", "b", "", { link: utf8("a") }),
  ));
  assertEquals(lines(entries), ["d ", "s a x", "s b x", "end "]);
});

Deno.test("decodeTar() gives contents until the next batch, and no longer", async () => {
  const many = Array.from({ length: 70 }, (_, i) => member("0", `f${i}`, "x"));
  const large = member("0", "a", new Uint8Array(100_000).fill(7));
  for (const input of [tarOf(large, ...many), [tarOf(large, ...many)]]) {
    const batches = decodeTar(input);
    const first = (await batches.next()).value!;
    const file = first.find(({ content }) => content?.size === 100_000)!;
    assertEquals(await file.content!.read(new Uint8Array(10)), 10);
    await batches.next();
    assertThrows(() => file.content!.read(new Uint8Array(10)), TypeError);
    await batches.return();
  }
});

Deno.test("decodeTar() fills the holes of every form of sparse file", async () => {
  const whole = `${"\0".repeat(600)}one${"\0".repeat(397)}two${"\0".repeat(7)}`;
  const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
  const old = member("S", "f", "onetwo");
  old.set(fromLatin1(octal(600) + octal(3) + octal(1000) + octal(3)), 386);
  old.set(fromLatin1(octal(1010)), 483);
  sum(old);
  const extended = concat([
    member("S", "f", "", { size: 6 }),
    new Uint8Array(1024),
  ]);
  extended.set(fromLatin1(octal(600) + octal(3)), 386);
  extended[482] = 1;
  extended.set(fromLatin1(octal(1010)), 483);
  sum(extended);
  extended.set(fromLatin1(octal(1000) + octal(3)), 512);
  extended.set(fromLatin1("onetwo"), 1024);
  const repeated = [
    ["GNU.sparse.size", "1010"],
    ["GNU.sparse.offset", "600"],
    ["GNU.sparse.numbytes", "3"],
    ["GNU.sparse.offset", "1000"],
    ["GNU.sparse.numbytes", "3"],
  ].map(([key, value]) => ({ key: key!, value: fromLatin1(value!) }));
  const map = "2\n600\n3\n1000\n3\n".padEnd(512, "\0");
  const forms: Record<string, Bytes> = {
    old,
    extended,
    "0.0": concat([
      member("x", "p", encodePax(repeated)),
      member("0", "f", "onetwo"),
    ]),
    "0.1": concat([
      pax({
        "GNU.sparse.name": "f",
        "GNU.sparse.size": "1010",
        "GNU.sparse.map": "600,3,1000,3",
      }),
      member("0", "GNUSparseFile.1/f", "onetwo"),
    ]),
    "1.0": concat([
      pax({
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "f",
        "GNU.sparse.realsize": "1010",
      }),
      member("0", "GNUSparseFile.1/f", `${map}onetwo`),
    ]),
  };
  for (const [form, bytes] of Object.entries(forms)) {
    for (const [way, input] of WAYS) {
      const tar = tarOf(bytes, member("0", "g", "after"));
      const { entries } = await read(input(tar));
      assertEquals(lines(entries), ["d ", "f f", "f g", "end "], form);
      const [, f, g] = renew(entries);
      assertEquals(await contentOf(f), whole, `${form} ${way}`);
      assertEquals(await contentOf(g), "after");
    }
  }
  const bad = concat([
    pax({ "GNU.sparse.size": "10", "GNU.sparse.map": "0,9,5,2" }),
    member("0", "f", "elevenbytes"),
  ]);
  for (const [, input] of WAYS) {
    await assertRejects(() => read(input(tarOf(bad))), FormatError, "holes");
  }
});

Deno.test("a list of GNU tar, of star and of bsdtar is read, and written by number", () => {
  const names = {
    user: (name: string) => name === "lisa" ? 502 : undefined,
    group: (name: string) => name === "staff" ? 20 : undefined,
  };
  const expected =
    "user::rwx,user:502:r-x,group::r-x,group:20:---,mask::r-x,other::---";
  for (
    const form of [
      expected,
      "user::rwx\nuser:lisa:r-x\ngroup::r-x\ngroup:staff:---\nmask::r-x\nother::---\n",
      "user::rwx,user:who:r-x:502,group::r-x,group:staff:---:20,mask::r-x,other::---",
      "u::rwx,u:502:r-x # Lisa\ng::r-x,g:20:---,m:r-x,o:---",
    ]
  ) {
    assertEquals(text(encodeTarAcl(decodeTarAcl(utf8(form), names))), expected);
  }
  for (const bad of ["user:lisa:rwx", "user::rwz", "everyone::r", "user"]) {
    assertThrows(() => decodeTarAcl(utf8(bad)), FormatError);
  }
});

Deno.test("PAX records come back, whatever is in their values", () => {
  const value = fc.uint8Array({ maxLength: 2000 }).map((bytes) =>
    new Uint8Array(bytes)
  );
  const key = fc.string({ minLength: 1, maxLength: 20 }).map((text) =>
    text.replaceAll(/[=\u0100-\uffff]/g, "_")
  );
  fc.assert(fc.property(fc.array(fc.record({ key, value })), (records) => {
    assertEquals(decodePax(encodePax(records), 0), records);
  }));
});

/** A small archive in which everything is. */
function sample(): Bytes {
  return tarOf(
    pax({ "SCHILY.xattr.user.g": "1" }, "g"),
    member("5", "d/"),
    pax({
      path: "d/file",
      mtime: "5.5",
      "SCHILY.acl.access": "u::rw,g::r,o::r",
    }),
    member("0", "d/f", "content"),
    member("1", "d/link", "", { link: utf8("d/file") }),
    member("2", "d/sym", "", { link: utf8("t") }),
    member("3", "null", "", { major: 1, minor: 3 }),
    pax({ "GNU.sparse.size": "10", "GNU.sparse.map": "5,2" }),
    member("0", "s", "xy"),
    member("L", "././@LongLink", `${"n".repeat(120)}\0`),
    member("0", "n", "y"),
  );
}

/** Reads bytes that may be anything: only our own errors may come. */
async function survives(input: Bytes | Iterable<Bytes>): Promise<void> {
  try {
    await read(input);
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
  }
}

Deno.test("decodeTar() refuses an archive that ends early, wherever", async () => {
  const tar = sample();
  const whole = await read(tar);
  assertEquals(whole.errors, []);
  for (let length = 0; length < tar.length - 1023; length += 37) {
    for (const [, input] of WAYS) {
      await assertRejects(
        () => read(input(tar.slice(0, length))),
        TruncatedError,
      );
    }
  }
});

Deno.test("decodeTar() meets changed and random bytes with our own errors only", async () => {
  const tar = sample();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.boolean(),
      async (changes, mend) => {
        const changed = tar.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        // With sums that are right more of it is read.
        if (mend) {
          for (let at = 0; at < changed.length - 1024; at += 512) {
            if (
              String.fromCharCode(...changed.subarray(at + 257, at + 262)) ===
                "ustar"
            ) {
              sum(changed.subarray(at, at + 512) as Bytes);
            }
          }
        }
        for (const [, input] of WAYS) await survives(input(changed));
      },
    ),
    { numRuns: 600 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
      for (const [, input] of WAYS) {
        await survives(input(new Uint8Array(bytes)));
      }
    }),
  );
});

Deno.test("decodeTar() does not allocate what a header only claims", async () => {
  const cases: readonly Bytes[] = [
    member("x", "p", "", { size: 2 ** 32 }),
    member("L", "p", "", { size: 2 ** 24 }),
    concat([pax({ size: String(2 ** 52) }), member("0", "a")]),
    concat([
      pax({ "GNU.sparse.size": String(2 ** 52), "GNU.sparse.map": "0,99999" }),
      member("0", "a"),
    ]),
    concat([
      pax({
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "5",
      }),
      member("0", "a", "999999999\n".padEnd(512, "\0")),
    ]),
    member(
      "g",
      "p",
      encodePax([{
        key: "SCHILY.xattr.user.a",
        value: new Uint8Array(2 << 20),
      }]),
    ),
  ];
  for (const bytes of cases) {
    for (const [, input] of WAYS) {
      await assertRejects(async () => {
        for await (const batch of decodeTar(input(tarOf(bytes)))) {
          assert(batch.length > 0);
        }
      }, FormatError);
    }
  }
});

Deno.test("decodeTar() gives up on extended headers without end", async () => {
  const header = pax({ comment: "x".repeat(1000) });
  let given = 0;
  function* endless(): Generator<Bytes> {
    for (;;) {
      given++;
      yield header;
    }
  }
  await assertRejects(() => read(endless()), FormatError, "extended headers");
  assert(given < 1000);
});

Deno.test("decodeTar() refuses more entries than it may sort, and other volumes", async () => {
  const tar = tarOf(...["a", "b", "c"].map((name) => member("0", name)));
  await assertRejects(
    () => gather(decodeTar(tar, { entriesMax: 3 })),
    UnsupportedError,
    "more than 3 entries",
  );
  assertEquals((await gather(decodeTar(tar, { entriesMax: 4 }))).length, 5);
  const continued = tarOf(member("M", "a", "rest"));
  await assertRejects(() => read(continued), UnsupportedError, "volume");
});

Deno.test("an empty tar archive is an empty tree", async () => {
  for (const [, input] of WAYS) {
    const { entries } = await read(input(END.slice()));
    assertEquals(lines(entries), ["d ", "end "]);
  }
});
