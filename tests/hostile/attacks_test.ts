// Archives made to do harm, each named for its attack. Nothing may be written outside the target, and reading ends in a PxarError or a sound result.
import { Accessor } from "@pxar/codec/accessor";
import { check } from "@pxar/codec/check";
import { decode } from "@pxar/codec/decode";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import { Report } from "@pxar/fs/report";
import { writeTree } from "@pxar/fs/write_tree";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import {
  archive,
  directory,
  entry,
  file,
  filename,
  hardlink,
  item,
  join,
  symlink,
  table,
  u64,
} from "./build.ts";
import {
  observeAccessor,
  observeCheck,
  observeDecode,
  observeExtract,
} from "./observe.ts";

const TEXT = new TextEncoder();

interface Attack {
  /** What it tries. */
  readonly name: string;
  readonly archive: Bytes;
  readonly payload?: Bytes;
  /** How reading in order ends. */
  readonly decode: RegExp;
  /** How extracting ends. */
  readonly extract: RegExp;
  /** What is there afterwards, below the target; sorted. */
  readonly made: readonly string[];
}

const REFUSED = /^FormatError@\d+$/;

/** One file between two sound ones. */
function between(...middle: readonly Bytes[]): Bytes {
  return archive(file("before"), ...middle, file("zafter"));
}

const split = (...refs: readonly (readonly [number, number])[]): Bytes => {
  const before = join(
    item("FORMAT_VERSION", u64(2)),
    entry(0o040755),
    ...refs.map(([offset, size], i) =>
      join(
        filename(`f${i}`),
        entry(0o100644),
        item("PAYLOAD_REF", u64(offset, size)),
      )
    ),
  );
  return join(before, table(before.length));
};
const payloads = (...contents: readonly string[]): Bytes =>
  join(
    item("PAYLOAD_START_MARKER"),
    ...contents.map((content) => item("PAYLOAD", TEXT.encode(content))),
    item("PAYLOAD_TAIL_MARKER"),
  );

const LINKED = archive(
  symlink("door", "../outside"),
  hardlink("stolen", "door/secret", 72),
);

const ATTACKS: readonly Attack[] = [
  ...["../x", "/etc/x", "a/b", "..", ".", "nul\0inside"].map((name) => ({
    name: `file named ${JSON.stringify(name)}`,
    archive: between(file(name)),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  })),
  {
    name: "file without a name",
    archive: between(join(
      item("FILENAME", new Uint8Array(1)),
      entry(0o100644),
      item("PAYLOAD"),
    )),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  },
  {
    name: "directory named ..",
    archive: between(directory("..", file("escaped"))),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  },
  {
    name: "symlink, then a file written through it",
    archive: archive(symlink("x", "../outside/new"), file("x", "through")),
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["x"],
  },
  {
    name: "symlink, then a directory entered through it",
    archive: archive(
      symlink("x", "../outside"),
      directory("x", file("escaped")),
    ),
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["x"],
  },
  {
    name: "absolute symlink, then a directory entered through it",
    archive: archive(symlink("x", "/tmp"), directory("x", file("escaped"))),
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["x"],
  },
  {
    name: "symlink out, hardlink through it",
    archive: LINKED,
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["door"],
  },
  ...[
    "../outside/secret",
    "/etc/passwd",
    "a/../../outside/secret",
    "./before",
    "before/",
    "",
  ]
    .filter((target) => target !== "").map((target) => ({
      name: `hardlink to ${JSON.stringify(target)}`,
      archive: between(hardlink("stolen", target, 1)),
      decode: /^accepted$/,
      extract: /^1 refused$/,
      made: ["before", "zafter"],
    })),
  {
    name: "hardlink to a directory",
    archive: archive(directory("d"), hardlink("stolen", "d", 1)),
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["d"],
  },
  {
    name: "hardlink whose offset leads before the archive",
    archive: between(hardlink("stolen", "before", 2n ** 40n)),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  },
  {
    name: "two files of one name",
    archive: archive(file("n", "first"), file("n", "second")),
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["n"],
  },
  {
    name: "file, then a directory of its name",
    archive: archive(file("n", "first"), directory("n", file("inner"))),
    decode: /^accepted$/,
    extract: /^1 refused$/,
    made: ["n"],
  },
  ...[2n ** 60n, 2n ** 63n, 2n ** 64n - 1n].map((size) => ({
    name: `content of ${size} bytes`,
    archive: between(
      join(
        filename("huge"),
        entry(0o100644),
        item("PAYLOAD", new Uint8Array(3), size),
      ),
    ),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  })),
  {
    name: "content of 2^52 bytes that are not there",
    archive: between(
      join(
        filename("huge"),
        entry(0o100644),
        item("PAYLOAD", new Uint8Array(3), 2n ** 52n),
      ),
    ),
    decode: /^TruncatedError@\d+$/,
    extract: /^TruncatedError@\d+/,
    made: ["before"],
  },
  {
    name: "name of 2^60 bytes",
    archive: between(item("FILENAME", TEXT.encode("n\0"), 2n ** 60n)),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  },
  {
    name: "xattr of 2^32 bytes",
    archive: between(
      join(
        filename("n"),
        entry(0o100644),
        item("XATTR", TEXT.encode("user.a\0"), 2n ** 32n),
      ),
    ),
    decode: REFUSED,
    extract: REFUSED,
    made: ["before"],
  },
  {
    name: "goodbye table of 2^52 bytes",
    archive: join(
      entry(0o040755),
      file("a"),
      item("GOODBYE", new Uint8Array(24), 24n + 2n ** 52n - 8n),
    ),
    decode: /^(Truncated|Format)Error@\d+$/,
    extract: /^(Truncated|Format)Error@\d+$/,
    made: ["a"],
  },
  {
    name: "payload reference before the payload stream",
    archive: split([0, 3]),
    payload: payloads("abc"),
    decode: /Error@\d+$/,
    extract: /Error@\d+|1 refused/,
    made: [],
  },
  {
    name: "payload reference behind the payload stream",
    archive: split([4096, 3]),
    payload: payloads("abc"),
    decode: /Error@\d+$/,
    extract: /Error@\d+|1 refused/,
    made: [],
  },
  {
    name: "payload reference of another size than the payload",
    archive: split([16, 2]),
    payload: payloads("abc"),
    decode: /Error@\d+$/,
    extract: /Error@\d+|1 refused/,
    made: [],
  },
  {
    name: "payload reference of 2^62 bytes",
    archive: split([16, 2 ** 52]),
    payload: payloads("abc"),
    decode: /Error@\d+$/,
    extract: /Error@\d+|1 refused/,
    made: [],
  },
];

/** All names below a folder. */
function namesBelow(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap((one) => [
      one.name,
      ...(one.isDirectory
        ? namesBelow(`${folder}/${one.name}`).map((name) =>
          `${one.name}/${name}`
        )
        : []),
    ]).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

for (const attack of ATTACKS) {
  Deno.test(`hostile: ${attack.name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${folder}/outside`);
      await Deno.writeTextFile(`${folder}/outside/secret`, "untouched");
      const { archive, payload } = attack;
      assertMatch(await observeDecode(archive, payload), attack.decode);
      await observeAccessor(archive, payload);
      assert(
        await observeCheck(archive, payload) !== "sound",
        "check finds nothing",
      );
      for (const native of [true, false]) {
        const target = `${folder}/target`;
        const report = new Report();
        let result: string;
        if (native) {
          result = await observeExtract(archive, payload, target, report);
          assertMatch(result, attack.extract);
        } else {
          await writeTree(
            target,
            decode(archive, payload ? { payload } : {}),
            { report, native: false },
          ).catch((error) => assert(error instanceof PxarError, `${error}`));
        }
        assertEquals(namesBelow(target), [...attack.made]);
        await Deno.remove(target, { recursive: true }).catch(() => {});
        assertEquals(namesBelow(folder), ["outside", "outside/secret"]);
        const secret = await Deno.stat(`${folder}/outside/secret`);
        assertEquals(
          await Deno.readTextFile(`${folder}/outside/secret`),
          "untouched",
        );
        if (secret.nlink !== null) assertEquals(secret.nlink, 1);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("hostile: device for an ordinary user is counted as lost, not made", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bytes = archive(join(
      filename("disk"),
      entry(0o060600),
      item("DEVICE", u64(8, 0)),
    ));
    const report = await writeTree(`${folder}/target`, decode(bytes), {
      devices: false,
    });
    assertEquals(report.errors, 0);
    assertEquals(namesBelow(`${folder}/target`), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A root with one child whose table leads where it likes. */
function withRow(offset: number | bigint, size: number | bigint): Bytes {
  const child = file("a");
  const before = join(entry(0o040755), child);
  return join(
    before,
    item(
      "GOODBYE",
      join(
        u64(0x0c26e9067c2c7bcfn, offset, size),
        u64(0xef5eed5b753e1555n, before.length, 64),
      ),
    ),
  );
}

Deno.test("hostile: goodbye rows that lead in circles, back or out of the archive", async () => {
  const sound = file("a").length;
  assertEquals(
    await observeAccessor(withRow(sound, sound), undefined),
    "accepted",
  );
  for (
    const [offset, size] of [
      [0, sound],
      [-1n, sound],
      [2n ** 63n, sound],
      [sound + 56, sound],
      [sound + 57, 2n ** 40n],
      [sound, 2n ** 64n - 1n],
      [sound - 1, sound],
      [sound, 0],
    ] as const
  ) {
    const bytes = withRow(offset, size);
    assertMatch(await observeAccessor(bytes, undefined), /Error@\d+$/);
    assertMatch(await observeCheck(bytes, undefined), /damage/);
    assertEquals(await observeDecode(bytes, undefined), "accepted");
  }
});

Deno.test("hostile: a directory whose table says that it contains itself", async () => {
  // The inner table's tail claims a beginning far before its directory; entering it must not lead round and round.
  const inner = join(filename("d"), entry(0o040755), table(4000));
  const before = join(entry(0o040755), inner);
  const bytes = join(
    before,
    item(
      "GOODBYE",
      join(
        u64(0n, inner.length, inner.length),
        u64(0xef5eed5b753e1555n, before.length, 64),
      ),
    ),
  );
  assertMatch(await observeAccessor(bytes, undefined), /Error@\d+$/);
  assertMatch(await observeCheck(bytes, undefined), /damage/);
});

Deno.test("hostile: random bytes, and headers with random sizes", async () => {
  let seed = 1;
  const next = () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
  const sound = between(directory("d", symlink("l", "x")));
  for (let round = 0; round < 2000; round++) {
    const bytes = round % 2 === 0
      ? Uint8Array.from({ length: next() % 600 }, () => next() & 255)
      : sound.slice();
    if (round % 2 === 1) {
      new DataView(bytes.buffer).setUint32(
        (next() % (bytes.length / 8 - 1) | 0) * 8,
        next(),
        true,
      );
    }
    const results = [
      await observeDecode(bytes, undefined),
      await observeAccessor(bytes, undefined),
      await observeCheck(bytes, undefined),
    ];
    if (round % 2 === 0) assert(!results.includes("accepted"));
  }
});

Deno.test("hostile: an Accessor and a check survive being given the wrong stream", async () => {
  const payload = payloads("abc");
  assertMatch(await observeAccessor(payload, split([16, 3])), /Error/);
  const { damages } = await check(bytesAccess(payload));
  assert(damages > 0);
  let refused = false;
  try {
    await using _ = await Accessor.open(bytesAccess(payload));
  } catch (error) {
    refused = error instanceof PxarError;
  }
  assert(refused);
});
