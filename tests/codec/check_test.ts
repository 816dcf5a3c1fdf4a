// Whether check() finds what is wrong, and nothing where nothing is.
import { check, type CheckOptions, type CheckResult } from "@pxar/codec/check";
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import { type Bytes, ByteWriter } from "@pxar/format/bytes";
import { makeEntry } from "@pxar/format/entry";
import { IntegrityError, SystemError } from "@pxar/format/errors";
import { goodbyeSize, GoodbyeStack } from "@pxar/format/goodbye";
import { dirMetadata, fifoMetadata, fileMetadata } from "@pxar/format/metadata";
import { encodeFilename } from "@pxar/format/name";
import { hash, siphash } from "@pxar/format/siphash";
import { encodeStat } from "@pxar/format/stat";
import fc from "fast-check";
import { split, unified } from "../support/archives.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import {
  arbitraryTree,
  BytesContent,
  inBatches,
  renew,
} from "../support/entries.ts";
import {
  loadDamaged,
  loadVector,
  readVector,
  TREES,
  VARIANTS,
} from "../support/vectors.ts";
import { LateAccess, mutate, numbers, wideArchive } from "./walk.ts";

const TEXT = new TextEncoder();

async function checkBytes(
  archive: Bytes,
  payload?: Bytes,
  options: CheckOptions = {},
): Promise<CheckResult> {
  return await check(bytesAccess(archive), {
    ...options,
    payload: payload && bytesAccess(payload),
  });
}

Deno.test("check() finds nothing wrong with the golden archives, and counts what is in them", async (t) => {
  for (
    const { name, entries, v1, metadata, payload } of [...TREES, ...VARIANTS]
      .map(loadVector)
  ) {
    await t.step(name, async () => {
      for (const version of [1, 2] as const) {
        const told = entries.filter(({ only }) =>
          only === undefined || version === 1
        );
        const of = (kind: string): number =>
          told.filter((entry) => entry.kind === kind).length;
        const result = version === 1
          ? await checkBytes(v1)
          : await checkBytes(metadata, payload);
        assertEquals({ ...result, bytes: 0 }, {
          damage: [],
          damages: 0,
          remarks: [],
          complete: true,
          version,
          entries: told.length,
          directories: of("directory"),
          files: of("file"),
          hardlinks: of("hardlink"),
          bytes: 0,
          unread: 0,
        });
        const sizes = told.reduce((sum, { size = 0 }) => sum + size, 0);
        // A prelude is read as well.
        assert(
          result.bytes === sizes || version === 2 && result.bytes > sizes,
          `${result.bytes} bytes of ${sizes}`,
        );
      }
    });
  }
});

Deno.test("check() of a split archive without payload stream says how much it did not read", async () => {
  const { metadata, entries } = loadVector("mixed");
  const { damages, unread, bytes } = await checkBytes(metadata);
  assertEquals([damages, unread, bytes], [
    0,
    entries.filter(({ kind }) => kind === "file").length,
    0,
  ]);
});

Deno.test("check() finds nothing wrong with what encode() writes", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree(), async (tree) => {
      assertEquals(
        (await checkBytes(await unified(inBatches(renew(tree))))).damage,
        [],
      );
      const { metadata, payload } = await split(inBatches(renew(tree)));
      assertEquals((await checkBytes(metadata, payload)).damage, []);
    }),
    { numRuns: 60 },
  );
});

// Of what official readers take, these are no damage: a file system may refuse them, the format does not.
const SOUND = new Set([
  "good",
  "good-v2",
  "good-v2-prelude",
  "good-v2-prelude-empty",
  "good-v2-padding",
  "entry-v1",
  "name-256",
  "name-unsorted",
  "name-4096",
  "symlink-empty",
  "symlink-4096",
  "flags-unknown",
  "entry-padding",
  "xattr-empty-name",
  "xattr-bad-name",
  "xattr-twice",
  "xattr-acl",
  "xattr-fcaps",
  "xattr-65791",
  "fcaps-garbage",
  "acl-perm-8",
  "acl-uid-2-40",
  "acl-no-group-obj",
  "acl-default-user-only",
  "acl-default-on-file",
  "attributes-reordered",
  "attributes-on-symlink",
  "version-1",
  "version-2-unified",
]);

/** Of damaged archives: stream, offset and words of all that is wrong. */
const FOUND: {
  readonly [name: string]: readonly (readonly [string, number, string])[];
} = {
  "cut-payload": [[
    "archive",
    149,
    "PAYLOAD at byte 130: its content has 6 bytes, of which 3 are there",
  ]],
  "trailing-archive": [["archive", 756, "it goes on for 756 bytes"]],
  "goodbye-wrong-hash": [[
    "archive",
    612,
    "its hash is not that of the name at byte 522",
  ]],
  "goodbye-missing-row": [[
    "archive",
    596,
    "no row leads to the child at byte 430",
  ]],
  "goodbye-double-row": [["archive", 732, "as an earlier row does"]],
  "goodbye-size-small": [["archive", 612, "its size is 20, expected 74"]],
  "goodbye-not-permuted": [[
    "archive",
    612,
    "its place is not the one that its hash has",
  ]],
  "goodbye-bad-marker": [["archive", 732, "expected that of a tail"]],
  "goodbye-not-24": [["archive", 596, "expected a multiple of 24"]],
  "size-huge-filename": [
    ["archive", 56, "its content has 1099511627760 bytes"],
    ["archive", 56, "bytes 56 to 152: they are passed over"],
    ["archive", 404, "leads to byte 56, where no regular file starts"],
  ],
  "type-unknown-attribute": [[
    "archive",
    226,
    "tag 0x1122334455667788 is unknown",
  ]],
  "type-unknown-child": [["archive", 56, "tag 0x1122334455667788 is unknown"]],
  "name-slash": [["archive", 168, "has a slash"]],
  "name-twice": [["archive", 151, "the one before has that name"]],
  "hardlink-absolute": [["archive", 170, `the file is not "/before"`]],
  "hardlink-to-directory": [["archive", 188, "no regular file starts"]],
  "kind-zero": [[
    "archive",
    170,
    "its mode is of no type, its items are those of a file",
  ]],
  "version-inside": [[
    "archive",
    170,
    "there is FORMAT_VERSION, expected ENTRY or HARDLINK",
  ]],
  "version-3": [["archive", 16, "expected 1 or 2"]],
  "ref-past-end": [[
    "archive",
    260,
    "leads to bytes 5000 to 5023 of a payload stream of 76",
  ]],
  "ref-size-small": [[
    "payload",
    16,
    "PAYLOAD of 5 bytes, expected PAYLOAD of 4",
  ]],
  "ref-same": [[
    "archive",
    260,
    "leads to byte 16 of the payload stream, expected 37 or more",
  ]],
  "stream-no-start": [["payload", 0, "tag 0x0000000000000000 is unknown"]],
  "stream-no-tail": [["payload", 44, "expected a PAYLOAD_TAIL_MARKER"]],
  "payload-in-metadata": [[
    "archive",
    260,
    "some contents lie in it and some in a payload stream",
  ]],
};

Deno.test("check() finds what is wrong with every damaged archive, and where", async (t) => {
  for (const { name, archive, payload } of loadDamaged()) {
    await t.step(name, async () => {
      const { damage, damages } = await checkBytes(archive, payload);
      assertEquals(damages, damage.length);
      assertEquals(
        damages === 0,
        SOUND.has(name),
        damage.map(({ message }) => message).join("\n"),
      );
      const found = FOUND[name];
      if (found === undefined) return;
      assertEquals(
        damage.map(({ stream, offset }) => [stream, offset]),
        found.map(([stream, offset]) => [stream, offset]),
      );
      found.forEach(([, , words], i) =>
        assertStringIncludes(damage[i]!.message, words)
      );
    });
  }
});

Deno.test("check() remarks on names out of order, which harm no reader", async () => {
  const { damages, remarks } = await checkBytes(
    readVector("damaged/name-unsorted.pxar"),
  );
  assertEquals(damages, 0);
  assertEquals(remarks.map(({ offset }) => offset), [147]);
  assertStringIncludes(remarks[0]!.message, "behind a greater one");
});

Deno.test("check() finds every damage of an archive that has several", async () => {
  const archive = readVector("damaged/good.pxar"),
    view = new DataView(archive.buffer);
  // Nanoseconds of the root; the name of /a, which /h links to and a row has the hash of; the size in the tail.
  view.setUint32(16 + 32, 2_000_000_000, true);
  archive[72] = 0x2f;
  archive[archive.length - 1] = 1;
  const { damage, complete, entries } = await checkBytes(archive);
  assertEquals([complete, entries], [true, 7]);
  assertEquals(damage.map(({ offset }) => offset), [48, 72, 404, 684, 732]);
});

Deno.test("check() goes on behind a part that cannot be read, in the innermost directory that still can", async () => {
  const file = (name: string): ReturnType<typeof makeEntry> =>
    makeEntry("file", {
      ...fileMetadata(0o644).build(),
      name: TEXT.encode(name),
      content: new BytesContent(TEXT.encode(name)),
    });
  const directory = (name: string): ReturnType<typeof makeEntry> =>
    makeEntry("directory", {
      ...dirMetadata(0o755).build(),
      name: TEXT.encode(name),
    });
  const archive = await unified([[
    directory(""),
    directory("d"),
    directory("e"),
    file("first"),
    file("second"),
    makeEntry("end"),
    file("third"),
    makeEntry("end"),
    file("z"),
    makeEntry("end"),
  ]]);
  const sound = await checkBytes(archive);
  assertEquals([sound.damages, sound.entries, sound.files], [0, 7, 4]);
  const at = new TextDecoder("latin1").decode(archive).indexOf("first\0") - 16;
  const cut = archive.slice();
  cut.fill(0xff, at, at + 16);
  const one = await checkBytes(cut);
  assertEquals([one.complete, one.entries, one.files, one.damages], [
    true,
    6,
    3,
    2,
  ]);
  // With the table of /d/e gone as well, only its parent's is left.
  const second = archive.indexOf(0x1d, at + 200);
  const table = new TextDecoder("latin1").decode(archive).indexOf(
    "\x1d\x73\xd5\x42\xa6\x4f\xec\x2f",
    second,
  );
  cut.fill(0xff, table, table + 16 + 3 * 24);
  const two = await checkBytes(cut);
  assertEquals([two.complete, two.files], [true, 2]);
});

Deno.test("check() notes bytes that cannot be read and goes on", async () => {
  const { v1 } = loadVector("plain");
  const sound = bytesAccess(v1);
  const broken: RandomAccess = {
    ...sound,
    read(offset: number, into: Bytes): number | Promise<number> {
      if (
        offset <= 500_000 && offset + into.length > 500_000 &&
        into.length < 300_000
      ) {
        throw new SystemError("Cannot read disk: it is broken", {
          code: "EIO",
          errno: 5,
          call: "read",
        });
      }
      return sound.read(offset, into);
    },
  };
  const { damage, complete, entries } = await check(broken);
  assertEquals(damage.map(({ message }) => message), [
    "Cannot read disk: it is broken",
  ]);
  assertEquals([complete, entries], [true, 28]);
});

/** The same bytes, of which those from `start` to `end` cannot be read, as of a damaged chunk: a read with one of them gives nothing. */
function damagedAccess(
  bytes: Bytes,
  start: number,
  end: number,
): RandomAccess & { failed: number } {
  const sound = bytesAccess(bytes);
  return {
    ...sound,
    failed: 0,
    read(offset: number, into: Bytes): number | Promise<number> {
      if (offset < end && offset + into.length > start) {
        this.failed++;
        return Promise.reject(
          new IntegrityError(`Cannot read archive at byte ${offset}`),
        );
      }
      return sound.read(offset, into);
    },
  };
}

Deno.test("check() names the first byte of content that cannot be read, however much is read at once", async () => {
  const { v1, metadata, payload } = loadVector("plain");
  const text = new TextDecoder("latin1");
  for (const [start, end] of [[500_000, 600_000], [700_001, 700_002]]) {
    const whole = damagedAccess(v1, start!, end!);
    const one = await check(whole);
    assertEquals(one.damage, [{
      stream: "archive",
      offset: start!,
      message: `Cannot read archive at byte ${start}`,
    }]);
    assertEquals([one.complete, one.entries], [true, 28]);
    assert(whole.failed < 30, `${whole.failed} reads failed`);
    const other = await check(bytesAccess(metadata), {
      payload: damagedAccess(payload, start!, end!),
    });
    assertEquals(other.damage, [{
      stream: "payload",
      offset: start!,
      message: `Cannot read archive at byte ${start}`,
    }]);
  }
  // The table of the root is read ahead with what lies before it.
  const table = text.decode(metadata).lastIndexOf(
    "\x1d\x73\xd5\x42\xa6\x4f\xec\x2f",
  );
  const tail = damagedAccess(metadata, table, metadata.length);
  const { damage, entries, files } = await check(tail, {
    payload: bytesAccess(payload),
  });
  const sound = await checkBytes(metadata, payload);
  assertEquals([entries, files], [sound.entries, sound.files]);
  assertEquals(damage[0], {
    stream: "archive",
    offset: table,
    message: `Cannot read archive at byte ${table}`,
  });
  assert(tail.failed < 10, `${tail.failed} reads failed`);
});

Deno.test("check() remarks on names out of order but for .pxarexclude-cli at the end of the root", async () => {
  const fifo = (name: string): ReturnType<typeof makeEntry> =>
    makeEntry("fifo", {
      ...fifoMetadata(0o600).build(),
      name: TEXT.encode(name),
    });
  const tree = (...names: string[]): Promise<Bytes> =>
    unified([[
      makeEntry("directory", dirMetadata(0o755).build()),
      ...names.map(fifo),
      makeEntry("end"),
    ]]);
  assertEquals(
    (await checkBytes(await tree("a", "b", ".pxarexclude-cli"))).remarks,
    [],
  );
  assertEquals(
    (await checkBytes(await tree("a", ".pxarexclude-cli", "b"))).remarks
      .length,
    1,
  );
  assertEquals((await checkBytes(await tree("b", "a"))).remarks.length, 1);
  const twins = await checkBytes(await tree("b", "c", "a", "b"));
  assertEquals(twins.damage.length, 1);
  assertStringIncludes(twins.damage[0]!.message, "another one has its name");
});

Deno.test("check() keeps 10,000 damages and counts the rest", async () => {
  const archive = await wideArchive(12_000);
  // The tail of the table is right, all hashes are not.
  const table = archive.length - goodbyeSize(12_000);
  for (let row = table + 16; row < archive.length - 24; row += 24) {
    archive[row] = archive[row]! ^ 1;
  }
  const { damage, damages } = await checkBytes(archive);
  assertEquals([damage.length, damages], [10_000, 12_000]);
});

Deno.test("check() ends every prefix of an archive as damaged", async () => {
  for (
    const archive of [
      readVector("damaged/good.pxar"),
      loadVector("hardlinks").metadata,
    ]
  ) {
    for (let length = 0; length < archive.length; length++) {
      const { damages } = await checkBytes(archive.slice(0, length));
      assert(damages > 0, `${length} bytes`);
    }
  }
});

Deno.test("check() comes to an end with 10,000 mutated archives", async () => {
  const random = numbers(20240616);
  const originals = [
    readVector("damaged/good.pxar"),
    loadVector("quota").v1,
    loadVector("xattrs").v1,
  ];
  const { metadata, payload } = loadVector("hardlinks");
  let sound = 0;
  for (let i = 0; i < 10_000; i++) {
    const { damages } = i % 4 === 3
      ? i % 8 === 3
        ? await checkBytes(mutate(metadata, random), payload)
        : await checkBytes(metadata, mutate(payload, random))
      : await checkBytes(mutate(originals[i % 4]!, random));
    if (damages === 0) sound++;
  }
  assert(sound < 5000, `${sound} said to be sound`);
});

Deno.test("check() reads an archive that has to be waited for", async () => {
  const { metadata, payload, entries } = loadVector("mixed");
  const result = await check(new LateAccess(metadata), {
    payload: new LateAccess(payload),
  });
  assertEquals([result.damages, result.entries], [0, entries.length]);
});

/** An archive of directories, each in the one before. */
function deepArchive(depth: number): Bytes {
  const name = TEXT.encode("d"),
    stat = dirMetadata(0o755).build(),
    stack = new GoodbyeStack();
  const bytes = new Uint8Array(
    56 + depth * (18 + 56) + depth * goodbyeSize(1) + goodbyeSize(0),
  );
  const writer = new ByteWriter(bytes);
  encodeStat(writer, stat);
  for (let i = 0; i < depth; i++) {
    encodeFilename(writer, name);
    encodeStat(writer, stat);
  }
  siphash(name, 0, 1);
  const low = hash[0]!, high = hash[1]!;
  for (let level = depth; level >= 0; level--) {
    const filename = 56 + (level - 1) * 74;
    const entry = level === 0 ? 0 : filename + 18;
    stack.encode(writer, 0, writer.length, writer.length - entry);
    stack.truncate(0);
    stack.push(low, high, filename, writer.length - filename);
  }
  return bytes;
}

Deno.test("check() goes a million directories deep in little memory", async () => {
  const depth = 1_000_000, archive = deepArchive(depth);
  const before = Deno.memoryUsage(), start = before.heapUsed + before.external;
  let most = 0;
  const { damages, directories, complete } = await checkBytes(
    archive,
    undefined,
    {
      onProgress() {
        const { heapUsed, external } = Deno.memoryUsage();
        most = Math.max(most, heapUsed + external - start);
      },
    },
  );
  assertEquals([damages, directories, complete], [0, depth + 1, true]);
  assert(most < depth * 200 + (32 << 20), `${most} bytes`);
});

Deno.test("check() ends with the reason of its signal, and says how far it is", async () => {
  const archive = await wideArchive(60_000);
  await assertRejects(
    () =>
      checkBytes(archive, undefined, {
        signal: AbortSignal.abort(new Error("enough")),
      }),
    Error,
    "enough",
  );
  const controller = new AbortController();
  let entries = 0;
  await assertRejects(
    () =>
      checkBytes(archive, undefined, {
        signal: controller.signal,
        onProgress(progress) {
          entries = progress.entries;
          controller.abort(new Error("now"));
        },
      }),
    Error,
    "now",
  );
  assert(entries > 1000 && entries < 60_000);
});
