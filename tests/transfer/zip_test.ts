// Zip archives: as other programs read them.
import type { Bytes } from "@pxar/format/bytes";
import { type Content, type Entry, makeEntry } from "@pxar/format/entry";
import { type EncodedZip, encodeZip } from "@pxar/transfer/zip";
import fc from "fast-check";
import { assertEquals, assertRejects } from "../support/assert.ts";
import {
  arbitraryTree,
  BytesContent,
  CollectSink,
  inBatches,
  renew,
} from "../support/entries.ts";
import {
  dir,
  file,
  hardlink,
  node,
  raw,
  symlink,
} from "../support/restored.ts";
import { run, toolTest } from "./tools.ts";
import { text } from "./trees.ts";

/** Says as JSON what Python finds: for each member its name as raw bytes, one letter each, mode, time, sizes, sum, and its content's digest. */
const PYTHON = `
import hashlib, json, struct, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
out = []
for i in z.infolist():
    name = i.filename.encode('utf-8' if i.flag_bits & 0x800 else 'cp437').decode('latin1')
    extra, at = {}, 0
    while at < len(i.extra):
        tag, size = struct.unpack_from('<HH', i.extra, at)
        extra[tag] = i.extra[at + 4:at + 4 + size]
        at += 4 + size
    ux = extra.get(0x7875)
    ut = extra.get(0x5455)
    out.append({'name': name, 'utf8': bool(i.flag_bits & 0x800), 'mode': i.external_attr >> 16, 'size': i.file_size,
      'method': i.compress_type, 'uid': ux and struct.unpack_from('<I', ux, 2)[0], 'gid': ux and struct.unpack_from('<I', ux, 7)[0],
      'time': ut and struct.unpack_from('<i', ut, 1)[0], 'date': list(i.date_time),
      'content': z.read(i).decode('latin1') if i.file_size < 10000 else hashlib.sha256(z.read(i)).hexdigest()})
json.dump(out, sys.stdout)
`;

interface Found {
  readonly name: string;
  readonly utf8: boolean;
  readonly mode: number;
  readonly size: number;
  readonly method: number;
  readonly uid: number;
  readonly gid: number;
  readonly time: number | null;
  readonly date: readonly number[];
  readonly content: string;
}

async function inFile<T>(
  bytes: Bytes,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "pxar-zip-" });
  try {
    await Deno.writeFile(`${folder}/a.zip`, bytes);
    return await work(`${folder}/a.zip`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function found(bytes: Bytes): Promise<Found[]> {
  return JSON.parse(
    await inFile(bytes, (path) => run("python3", ["-c", PYTHON, path])),
  );
}

async function zipped(
  entries: readonly Entry[],
  options: Parameters<typeof encodeZip>[2] = {},
): Promise<{ zip: Bytes; made: EncodedZip; lost: string[] }> {
  const sink = new CollectSink(), lost: string[] = [];
  const made = await encodeZip(inBatches(entries), sink, {
    ...options,
    onLoss: (path, loss) => lost.push(`${loss} ${text(path)}`),
  });
  const zip = sink.bytes();
  assertEquals(made.size, zip.length);
  return { zip, made, lost };
}

toolTest(
  "encodeZip() writes names, modes, owners, times and contents that Python reads",
  ["python3"],
  async () => {
    const owner = { uid: 70_000, gid: 3, secs: 1_700_000_001 };
    const large = "ab".repeat(700_000);
    const { zip, made, lost } = await zipped([
      ...dir("", [
        dir("d", [file("x", "hello hello hello hello", owner)], {
          mode: 0o041750,
        }),
        file("empty", "", { mode: 0o104755 }),
        file("large", large),
        file("ä".normalize("NFC"), "latin1 name", owner),
        file("\xc3\xa4", "UTF-8 name"),
        symlink("link", "d/x", owner),
        file("old", "1969", { secs: -5 }),
        file("far", "2200", { secs: 7_258_118_400 }),
      ]),
    ]);
    assertEquals([made.members, lost], [9, []]);
    const all = await found(zip);
    const one = (name: string) => all.find((one) => one.name === name)!;
    assertEquals(all.map(({ name }) => name), [
      "d/",
      "d/x",
      "empty",
      "large",
      "\xe4",
      "\xc3\xa4",
      "link",
      "old",
      "far",
    ]);
    const x = one("d/x");
    assertEquals(
      [x.uid, x.gid, x.time, x.content, x.method],
      [70_000, 3, 1_700_000_001, "hello hello hello hello", 8],
    );
    assertEquals(x.date, [2023, 11, 14, 22, 13, 20]);
    assertEquals([one("d/").mode, one("empty").mode], [0o041750, 0o104755]);
    assertEquals([one("\xe4").utf8, one("\xc3\xa4").utf8], [false, true]);
    assertEquals([one("link").mode, one("link").content], [0o120777, "d/x"]);
    assertEquals([one("old").time, one("old").date[0]], [-5, 1980]);
    assertEquals([one("far").time, one("far").date[0]], [null, 2107]);
    assertEquals([one("large").size, one("large").method], [large.length, 8]);
  },
);

toolTest(
  "Python reads any tree that encodeZip() took",
  ["python3"],
  async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryTree({ nodes: 12 }),
        fc.boolean(),
        async (entries, store) => {
          const { zip, made } = await zipped(renew(entries), { store });
          const all = await found(zip);
          assertEquals(all.length, made.members);
          const kinds = entries.filter(({ kind }) => kind === "file");
          const files = all.filter(({ mode }) =>
            (mode & 0o170000) === 0o100000
          );
          assertEquals(
            files.map(({ content }) => content.length),
            kinds.map(({ content }) => content!.size),
          );
        },
      ),
      { numRuns: 15 },
    );
  },
);

Deno.test("encodeZip() copies links where it can, and tells what it cannot keep", async () => {
  const attributes = {
    xattrs: [{ name: raw("user.a"), value: raw("1") }],
    acl: undefined,
    fcaps: undefined,
    projectId: undefined,
  };
  const entries = [
    ...dir("", [
      file("a", "content", { position: 7, attributes, flags: 0x10_0000 }),
      hardlink("b", "a", { linkPosition: 7 }),
      node("fifo", "f"),
      node("device", "c"),
      node("socket", "s"),
    ]),
  ];
  const alone = await zipped(renew(entries));
  assertEquals(alone.made.members, 1);
  assertEquals(alone.lost, [
    "xattrs a",
    "flags a",
    "hardlinks b",
    "fifos f",
    "devices c",
    "sockets s",
  ]);
  const asked: number[] = [];
  const copied = await zipped(renew(entries), {
    resolve: (position) => {
      asked.push(position);
      return Promise.resolve(renew(entries)[1]!);
    },
  });
  assertEquals([copied.made.members, asked], [2, [7]]);
});

/** Bytes that are not there: zeros. */
function zeros(size: number): Content {
  let left = size;
  return {
    size,
    read(into) {
      const got = Math.min(left, into.length);
      into.fill(0, 0, got);
      left -= got;
      return got;
    },
    release: undefined,
  };
}

toolTest(
  "encodeZip() writes zip64 where sizes or members need it",
  ["python3", "unzip"],
  async () => {
    const size = 2 ** 32 + 5;
    const folder = await Deno.makeTempDir({ prefix: "pxar-zip-" });
    try {
      const path = `${folder}/a.zip`;
      using out = Deno.openSync(path, { write: true, create: true });
      const { members } = await encodeZip([[
        ...dir("", [
          file("zeros", zeros(size)),
          file("behind", "after it"),
        ]),
      ]], {
        write: (piece) => {
          for (let at = 0; at < piece.length;) {
            at += out.writeSync(piece.subarray(at));
          }
        },
      });
      assertEquals(members, 2);
      // Not the large one: that takes as long as writing it.
      await run("unzip", ["-tq", path, "behind"]);
      const said = await run("python3", [
        "-c",
        "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print([i.file_size for i in z.infolist()], z.read('behind'))",
        path,
      ]);
      assertEquals(said.trim(), `[${size}, 8] b'after it'`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    const many = Array.from({ length: 66_000 }, (_, i) => file(`${i}`, ""));
    const { zip } = await zipped([...dir("", many)]);
    await inFile(zip, async (path) => {
      const said = await run("python3", [
        "-c",
        "import sys,zipfile; print(len(zipfile.ZipFile(sys.argv[1]).infolist()))",
        path,
      ]);
      assertEquals(said.trim(), "66000");
    });
  },
);

toolTest(
  "unzip unpacks modes, times, symlinks and names that are not UTF-8",
  ["unzip"],
  async () => {
    const mtime = { secs: 1_500_000_001 };
    const { zip } = await zipped([
      ...dir("", [
        dir("d", [file("x", "1", { mode: 0o100640, ...mtime })], {
          mode: 0o040700,
        }),
        symlink("l", "d/x"),
        file("\xe4", "2"),
        file("\xc3\xa4", "3"),
      ]),
    ]);
    await inFile(zip, async (path) => {
      const folder = path.slice(0, -"/a.zip".length);
      await run("unzip", ["-q", path, "-d", `${folder}/out`]);
      const x = Deno.statSync(`${folder}/out/l`);
      assertEquals([x.mode! & 0o7777, x.mtime], [
        0o640,
        new Date(mtime.secs * 1000),
      ]);
      assertEquals(Deno.readLinkSync(`${folder}/out/l`), "d/x");
      assertEquals(Deno.statSync(`${folder}/out/d`).mode! & 0o7777, 0o700);
      assertEquals(Deno.readTextFileSync(`${folder}/out/ä`), "3");
      const listed = await run("sh", [
        "-c",
        "ls out | od -An -c | tr -d ' \\n'",
      ], folder);
      assertEquals(listed, "d\\nl\\n303244\\n344\\n");
    });
  },
);

Deno.test("encodeZip() ends with what broke: a content, the sink, the signal", async () => {
  const write = () => {};
  const root = (content: Content) => [[...dir("", [file("a", content)])]];
  const short = { size: 3 << 20, read: () => 0, release: undefined };
  await assertRejects(() => encodeZip(root(short), { write }), TypeError);
  const failing = {
    size: 3 << 20,
    read: () => Promise.reject(new Error("the disk")),
    release: undefined,
  };
  await assertRejects(
    () => encodeZip(root(failing), { write }),
    Error,
    "the disk",
  );
  await assertRejects(
    () =>
      encodeZip(root(zeros(64 << 20)), {
        write: () => Promise.reject(new Error("full")),
      }, { store: true }),
    Error,
    "full",
  );
  const control = new AbortController();
  control.abort(new Error("enough"));
  await assertRejects(
    () => encodeZip(root(zeros(5)), { write }, { signal: control.signal }),
    Error,
    "enough",
  );
  const inject = makeEntry("inject", { payload: { offset: 0, size: 1 } });
  await assertRejects(() => encodeZip([[inject]], { write }), TypeError);
  const lost = makeEntry("file", { name: raw("a"), mode: 0o100644 });
  await assertRejects(
    () => encodeZip([[...dir("", [[lost]])]], { write }),
    TypeError,
  );
  const fine = new BytesContent(raw("x"));
  assertEquals((await encodeZip(root(fine), { write })).members, 1);
});
