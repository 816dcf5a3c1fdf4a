// Grammar, contents and life of decode(); golden archives are in vectors_test.ts, hostile ones in hostile_stream_test.ts.
import { decode, decodeEntries } from "@pxar/codec/decode";
import { encode } from "@pxar/codec/encode";
import type { ByteInput, ByteSource } from "@pxar/codec/stream_reader";
import { type Bytes, ByteWriter } from "@pxar/format/bytes";
import { makeEntry } from "@pxar/format/entry";
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import { goodbyeSize } from "@pxar/format/goodbye";
import { encodeHardlink } from "@pxar/format/hardlink";
import { encodeHeader, type ItemName, ITEMS } from "@pxar/format/item";
import { encodeFilename, encodeSymlink } from "@pxar/format/name";
import { encodePayloadRef } from "@pxar/format/payload_ref";
import { encodeStat } from "@pxar/format/stat";
import { encodeVersion } from "@pxar/format/version";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import {
  BytesContent,
  CollectSink,
  concat,
  gather,
  readContent,
} from "../support/entries.ts";

const FILE = 0o100644, DIRECTORY = 0o40755, LINK = 0o120777, FIFO = 0o10600;

Deno.test("decode() yields kinds, positions and link positions", async () => {
  const archive = build((a) => {
    a.stat(DIRECTORY);
    a.name("a");
    a.stat(FILE);
    a.payload("hello");
    a.name("b");
    encodeHardlink(a.writer, 94, bytes("a"));
    a.name("p");
    a.stat(FIFO);
    a.goodbye(3);
  });
  const entries = await gather(decode(archive));
  assertEquals(
    entries.map((e) => [e.kind, text(e.name), e.position, e.linkPosition]),
    [
      ["directory", "", 0, undefined],
      ["file", "a", 56, undefined],
      ["hardlink", "b", 151, 57],
      ["fifo", "p", 195, undefined],
      ["end", "", 269, undefined],
    ],
  );
  assertEquals(text(entries[2]!.target!), "a");
});

Deno.test("decode() refuses what is not in the grammar, at the byte where it stands", async () => {
  const root = (fill: (a: Archive) => void) => (a: Archive) => {
    a.stat(DIRECTORY);
    fill(a);
  };
  const child = (mode: number, fill: (a: Archive) => void) =>
    root((a) => {
      a.name("x");
      a.stat(mode);
      fill(a);
    });
  const cases: [string, (a: Archive) => void, number, string][] = [
    ["root is a file", (a) => a.stat(FILE), 0, "type of a directory"],
    ["mode without type", child(0o644, () => {}), 74, "mode is 0o644"],
    ["name first", (a) => a.name("x"), 0, "found FILENAME"],
    ["payload as child", root((a) => a.payload("x")), 56, "found PAYLOAD"],
    [
      "entry as child",
      root((a) => a.stat(FILE)),
      56,
      "attributes or body of a directory",
    ],
    [
      "two names",
      root((a) => (a.name("x"), a.name("y"))),
      74,
      "ENTRY or HARDLINK",
    ],
    [
      "file without body",
      child(FILE, (a) => a.goodbye(1)),
      130,
      "body of a file",
    ],
    [
      "file with symlink",
      child(FILE, (a) => encodeSymlink(a.writer, bytes("y"))),
      130,
      "SYMLINK",
    ],
    [
      "symlink with payload",
      child(LINK, (a) => a.payload("")),
      130,
      "body of a symlink",
    ],
    [
      "fifo with payload",
      child(FIFO, (a) => a.payload("")),
      130,
      "body of a fifo",
    ],
    [
      "directory with payload",
      child(DIRECTORY, (a) => a.payload("")),
      130,
      "PAYLOAD",
    ],
    [
      "fifo with reference",
      child(FIFO, (a) => encodePayloadRef(a.writer, { offset: 16, size: 0 })),
      130,
      "PAYLOAD_REF",
    ],
    [
      "version inside",
      root((a) => encodeVersion(a.writer, 2)),
      56,
      "FORMAT_VERSION",
    ],
    [
      "version twice",
      (a) => (encodeVersion(a.writer, 2), encodeVersion(a.writer, 2)),
      24,
      "FORMAT_VERSION",
    ],
    ["prelude first", (a) => a.item("PRELUDE", "x"), 0, "PRELUDE"],
    [
      "prelude in version 1",
      (a) => (encodeVersion(a.writer, 1), a.item("PRELUDE", "x")),
      24,
      "PRELUDE",
    ],
    ["prelude inside", root((a) => a.item("PRELUDE", "x")), 56, "PRELUDE"],
    [
      "marker inside",
      root((a) => a.item("PAYLOAD_START_MARKER", "")),
      56,
      "PAYLOAD_START_MARKER",
    ],
    [
      "hardlink to itself",
      root((a) => (a.name("x"), a.hardlink(0))),
      90,
      "offset is 0",
    ],
    [
      "hardlink before the archive",
      root((a) => (a.name("x"), a.hardlink(57))),
      74,
      "offset is 57",
    ],
    [
      "goodbye of odd length",
      root((a) => a.item("GOODBYE", "x".repeat(25))),
      56,
      "multiple of 24",
    ],
    ["slash in name", root((a) => a.item("FILENAME", "a/b\0")), 72, "slash"],
    ["dots as name", root((a) => a.item("FILENAME", "..\0")), 72, ".."],
    ["name without NUL", root((a) => a.item("FILENAME", "ab")), 73, "NUL"],
    [
      "NUL in target",
      child(LINK, (a) => a.item("SYMLINK", "a\0b\0")),
      147,
      "NUL",
    ],
    [
      "trailing byte",
      root((a) => (a.goodbye(0), a.writer.u8(0))),
      96,
      "goes on",
    ],
  ];
  for (const [what, fill, offset, message] of cases) {
    const error = await assertRejects(
      () => gather(decode(build(fill))),
      FormatError,
      undefined,
      what,
    );
    assert(!(error instanceof TruncatedError), `${what}: ${error.message}`);
    assertEquals(error.offset, offset, `${what}: ${error.message}`);
    assertStringIncludes(error.message, message, what);
  }
});

Deno.test("decode() says which version or item it does not know", async () => {
  const third = build((a) => {
    encodeHeader(a.writer, ITEMS.FORMAT_VERSION, 8);
    a.writer.u64(3);
  });
  await assertRejects(() => gather(decode(third)), UnsupportedError, "is 3");
  const unknown = build((a) => {
    a.stat(DIRECTORY);
    a.writer.u64(1);
    a.writer.u64(16);
  });
  await assertRejects(
    () => gather(decode(unknown)),
    UnsupportedError,
    "byte 56",
  );
});

Deno.test("decode() yields what stands before the damage, then throws", async () => {
  const seen: string[] = [];
  const damaged = build((a) => {
    a.stat(DIRECTORY);
    a.name("a");
    a.stat(FILE);
    a.payload("hello");
    a.payload("again");
  });
  const error = await assertRejects(async () => {
    for await (const { kind } of decodeEntries(damaged)) seen.push(kind);
  }, FormatError);
  assertEquals(
    error.message,
    "Cannot read archive at byte 151: found PAYLOAD, expected FILENAME or GOODBYE",
  );
  assertEquals(seen, ["directory", "file"]);
});

Deno.test("decode() yields a file whose content is cut off, and fails when that is read", async () => {
  for (const archive of [cutOff(10), cutOff(100_000)]) {
    const entries: string[] = [];
    await assertRejects(
      async () => {
        for await (const { kind, content } of decodeEntries([archive])) {
          entries.push(kind);
          if (content !== undefined) await readContent(content);
        }
      },
      TruncatedError,
      "bytes short",
    );
    assertEquals(entries, ["directory", "file"]);
  }
});

Deno.test("decode() passes over contents that are not read or read in part", async () => {
  const archive = await encoded([10, 70_000, 3, 400_000, 0, 5000]);
  for (
    const input of [archive, [archive], [...pieces(archive, 1000)]]
  ) {
    for (const part of [0, 1, 3000, 100_000]) {
      const sizes: number[] = [];
      for await (
        const batch of decode(input, { batch: 4, buffer: 128 << 10 })
      ) {
        for (const { kind, content } of batch) {
          if (kind !== "file") continue;
          sizes.push(content!.size);
          await content!.read(new Uint8Array(part));
        }
      }
      assertEquals(sizes, [10, 70_000, 3, 400_000, 0, 5000]);
    }
  }
});

Deno.test("decode() keeps all contents of a batch readable, in any order, until the next one is asked for", async () => {
  const sizes = [10, 60_000, 70_000, 300_000, 20, 65_000, 65_000, 65_000, 7];
  const archive = await encoded(sizes);
  for (const input of [archive, pieces(archive, 999), source(archive)]) {
    const batches = decode(input, { buffer: 128 << 10 });
    let file = 0, last;
    for (;;) {
      const { value: batch } = await batches.next();
      if (batch === undefined) break;
      const files = batch.filter(({ kind }) => kind === "file");
      for (const [i, { content }] of [...files.entries()].reverse()) {
        const read = await readContent(content!);
        assertEquals(read.length, sizes[file + i]);
        assert(read.every((byte, at) => byte === (file + i + at) % 251));
      }
      file += files.length;
      const stale = last;
      if (stale !== undefined && stale.size > 0) {
        await assertRejects(
          async () => void await stale.read(new Uint8Array(1)),
          TypeError,
          "next batch",
        );
      }
      last = files.at(-1)?.content;
    }
    assertEquals(file, sizes.length);
  }
});

Deno.test("decode() reads a content larger than its buffer straight into the caller's memory", async () => {
  const archive = await encoded([1_000_000]);
  const asked: number[] = [];
  const from = source(archive);
  const input: ByteSource = {
    ...from,
    read(into) {
      asked.push(into.length);
      return from.read(into);
    },
  };
  for await (const { content } of decodeEntries(input, { buffer: 128 << 10 })) {
    if (content === undefined) continue;
    const into = new Uint8Array(800_000);
    let got = 0;
    while (got < content.size) got += await content.read(into);
  }
  assert(asked.includes(800_000), `${asked}`);
});

Deno.test("decode() seeks over contents and tables where the source can", async () => {
  const archive = await encoded([3_000_000, 5, 2_000_000]);
  let read = 0, skipped = 0;
  const from = source(archive);
  const input: ByteSource = {
    read(into) {
      const got = from.read(into) as number;
      read += got;
      return got;
    },
    skip(count) {
      skipped += count;
      return from.read(new Uint8Array(count));
    },
    close: undefined,
  };
  const kinds = (await Array.fromAsync(decodeEntries(input))).map((e) =>
    e.kind
  );
  assertEquals(kinds, ["directory", "file", "file", "file", "end"]);
  assert(read < 400_000, `${read} bytes read`);
  assert(skipped > 4_500_000, `${skipped} bytes skipped`);
});

Deno.test("decode() closes its inputs at the end, on return, on an error and on a signal", async () => {
  const archive = await encoded([10, 10]);
  const run = async (
    use: (input: ByteInput, payload: ByteInput) => Promise<unknown>,
    archive: Bytes,
  ): Promise<void> => {
    const closed: string[] = [];
    const open = (name: string, bytes: Bytes): ByteSource => ({
      ...source(bytes),
      close: () => void closed.push(name),
    });
    await use(open("archive", archive), open("payload", MARKED));
    assertEquals(closed.sort(), ["archive", "payload"]);
  };
  await run((input, payload) => gather(decode(input, { payload })), archive);
  await run(async (input, payload) => {
    for await (const _ of decode(input, { payload, batch: 1 })) break;
  }, archive);
  await run(
    (input, payload) =>
      assertRejects(() => gather(decode(input, { payload })), TruncatedError),
    archive.subarray(0, 100),
  );
  await run((input, payload) => {
    const stop = new AbortController();
    return assertRejects(
      async () => {
        const options = { payload, batch: 1, signal: stop.signal };
        for await (const _ of decode(input, options)) {
          stop.abort(new Error("enough"));
        }
      },
      Error,
      "enough",
    );
  }, archive);
});

Deno.test("decode() cancels a stream that is left early, and passes its errors on", async () => {
  const archive = await encoded([1000]);
  let reason: unknown = "none";
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(archive.slice(0, 100)),
    cancel: (why) => void (reason = why),
  });
  for await (const _ of decode(stream, { batch: 1 })) break;
  assertEquals(reason, undefined);
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new RangeError("the line is dead"));
    },
  });
  await assertRejects(
    () => gather(decode(broken)),
    RangeError,
    "the line is dead",
  );
});

Deno.test("decode() yields at most as many entries at once as it is told", async () => {
  const archive = await encoded(Array(200).fill(1));
  const lengths = async (batch?: number) =>
    (await Array.fromAsync(decode(archive, { batch }))).map((b) => b.length);
  assertEquals(await lengths(), [64, 64, 64, 10]);
  assertEquals(await lengths(1000), [202]);
  assertEquals((await lengths(1)).length, 202);
  await assertRejects(() => lengths(0), RangeError);
  await assertRejects(() => gather(decode(archive, { buffer: 1 })), RangeError);
});

Deno.test("decode() of a split archive without payload stream says where contents are", async () => {
  const { metadata } = splitArchive([["a", 16, 3], ["b", 35, 4]]);
  const files = (await gather(decode(metadata))).filter((e) =>
    e.kind === "file"
  );
  assertEquals(files.map(({ payload, content }) => [payload, content]), [
    [{ offset: 16, size: 3 }, undefined],
    [{ offset: 35, size: 4 }, undefined],
  ]);
});

Deno.test("decode() reads contents of a split archive in order, over unread ones and padding", async () => {
  const { metadata, payload } = splitArchive([
    ["a", 16, 3],
    ["b", 100, 4],
    ["c", 150, 0],
    ["d", 1000, 5],
  ]);
  for (const skip of [[], ["a"], ["a", "b", "c"], ["d"]]) {
    for (const input of [payload, pieces(payload, 7)]) {
      const read: [string, number][] = [];
      for await (const entry of decodeEntries(metadata, { payload: input })) {
        const name = text(entry.name);
        if (entry.kind !== "file" || skip.includes(name)) continue;
        const content = await readContent(entry.content!);
        assert(content.every((byte) => byte === name.charCodeAt(0)));
        read.push([name, content.length]);
      }
      assertEquals(read.length, 4 - skip.length);
    }
  }
});

Deno.test("decode() of a split archive refuses references backwards, and payloads that are not there", async () => {
  const good = splitArchive([["a", 16, 3], ["b", 35, 4]]);
  const cases: [string, Bytes, Bytes, string][] = [
    [
      "before the first",
      splitArchive([["a", 0, 3]]).metadata,
      good.payload,
      "byte 0 of the payload stream",
    ],
    [
      "backwards",
      splitArchive([["a", 35, 4], ["b", 16, 3]]).metadata,
      good.payload,
      "expected 51 or more",
    ],
    [
      "twice",
      splitArchive([["a", 16, 3], ["b", 16, 3]]).metadata,
      good.payload,
      "expected 32 or more",
    ],
    [
      "overlap",
      splitArchive([["a", 16, 300], ["b", 100, 4]]).metadata,
      splitArchive([["a", 16, 300]]).payload,
      "do not overlap",
    ],
    [
      "another size",
      splitArchive([["a", 16, 2]]).metadata,
      good.payload,
      "PAYLOAD of 2",
    ],
    ["no header", splitArchive([["a", 17, 3]]).metadata, good.payload, "tag"],
    [
      "past the end",
      splitArchive([["a", 900, 3]]).metadata,
      good.payload,
      "short",
    ],
    [
      "no start",
      good.metadata,
      good.payload.subarray(16),
      "PAYLOAD_START_MARKER",
    ],
    ["empty", good.metadata, new Uint8Array(0), "ends at byte 0"],
    ["swapped", good.metadata, good.metadata, "FORMAT_VERSION"],
  ];
  for (const [what, metadata, payload, message] of cases) {
    for (const input of [payload, [payload]]) {
      const error = await assertRejects(
        () => gather(decode(metadata, { payload: input })),
        FormatError,
        undefined,
        what,
      );
      assertStringIncludes(error.message, message, what);
    }
  }
});

Deno.test("decode() of a split archive says so when contents are read out of order", async () => {
  const { metadata, payload } = splitArchive([["a", 16, 3], ["b", 35, 4]]);
  const [batch] = await Array.fromAsync(
    decode(metadata, { payload }),
    (batch) => {
      const [a, b] = batch.filter(({ kind }) => kind === "file");
      b!.content!.read(new Uint8Array(4));
      assertThrows(
        () => a!.content!.read(new Uint8Array(3)),
        TypeError,
        "order",
      );
      return batch;
    },
  );
  assertEquals(batch?.length, 5);
});

Deno.test("decode() takes PAYLOAD items in version 2, and references without a version", async () => {
  const unified = build((a) => {
    encodeVersion(a.writer, 2);
    a.item("PRELUDE", "not JSON");
    a.stat(DIRECTORY);
    a.name("a");
    a.stat(FILE);
    a.payload("inside");
    a.goodbye(1);
  });
  const [version, prelude, , file] = await gather(decode(unified));
  assertEquals(content(version), "\x02\0\0\0\0\0\0\0");
  assertEquals(content(prelude), "not JSON");
  assertEquals(content(file), "inside");
  const { metadata, payload } = splitArchive([["a", 16, 3]]);
  const entries = await gather(decode(metadata.subarray(24), { payload }));
  assertEquals(content(entries[1]), "aaa");
});

Deno.test("decode() copies what stays valid", async () => {
  const archive = build((a) => {
    a.stat(DIRECTORY);
    a.name("l");
    a.stat(LINK);
    encodeSymlink(a.writer, bytes("to"));
    a.goodbye(1);
  });
  const memory = archive.slice();
  const [, link] = (await Array.fromAsync(decode(memory))).flat();
  memory.fill(0);
  assertEquals([text(link!.name), text(link!.target!)], ["l", "to"]);
});

class Archive {
  readonly writer = new ByteWriter(new Uint8Array(200_000));
  stat(mode: number): void {
    encodeStat(this.writer, {
      mode,
      flags: 0,
      uid: 0,
      gid: 0,
      secs: 0,
      nanos: 0,
    });
  }
  name(name: string): void {
    encodeFilename(this.writer, bytes(name));
  }
  item(name: ItemName, content: string): void {
    encodeHeader(this.writer, ITEMS[name], content.length);
    this.writer.bytes(bytes(content));
  }
  payload(content: string): void {
    this.item("PAYLOAD", content);
  }
  hardlink(offset: number): void {
    encodeHeader(this.writer, ITEMS.HARDLINK, 10);
    this.writer.u64(offset);
    this.writer.bytes(bytes("a\0"));
  }
  goodbye(rows: number): void {
    this.item("GOODBYE", "\0".repeat(goodbyeSize(rows) - 16));
  }
}

function build(fill: (archive: Archive) => void): Bytes {
  const archive = new Archive();
  fill(archive);
  return archive.writer.written.slice();
}

const MARKED = build((a) => a.item("PAYLOAD_START_MARKER", ""));

/** A file of `size` bytes, of which 5 are there. */
function cutOff(size: number): Bytes {
  return build((a) => {
    a.stat(DIRECTORY);
    a.name("a");
    a.stat(FILE);
    encodeHeader(a.writer, ITEMS.PAYLOAD, size);
    a.writer.bytes(bytes("hello"));
  });
}

/** A v1 archive of files of these sizes; byte `i` of file `n` is `(n + i) % 251`. */
async function encoded(sizes: readonly number[]): Promise<Bytes> {
  const metadata = new CollectSink();
  await encode([[
    makeEntry("directory", { mode: DIRECTORY }),
    ...sizes.map((size, n) =>
      makeEntry("file", {
        name: bytes(`${n}`),
        mode: FILE,
        content: new BytesContent(
          Uint8Array.from({ length: size }, (_, i) => (n + i) % 251),
        ),
      })
    ),
    makeEntry("end"),
  ]], { metadata });
  return metadata.bytes();
}

/** Files of one letter's bytes, wherever they are said to lie. */
function splitArchive(
  files: readonly (readonly [name: string, offset: number, size: number])[],
): { metadata: Bytes; payload: Bytes } {
  const metadata = build((a) => {
    encodeVersion(a.writer, 2);
    a.stat(DIRECTORY);
    for (const [name, offset, size] of files) {
      a.name(name);
      a.stat(FILE);
      encodePayloadRef(a.writer, { offset, size });
    }
    a.goodbye(files.length);
  });
  const end = Math.max(...files.map(([, offset, size]) => offset + 16 + size));
  const payload = new Uint8Array(end);
  payload.set(MARKED);
  for (const [name, offset, size] of files) {
    payload.set(build((a) => a.payload(name.repeat(size))), offset);
  }
  return { metadata, payload };
}

function* pieces(all: Bytes, size: number): Generator<Uint8Array> {
  for (let at = 0; at < all.length; at += size) {
    yield all.slice(at, at + size);
  }
}

function source(all: Bytes): ByteSource {
  let at = 0;
  return {
    read(into) {
      const got = Math.min(into.length, all.length - at);
      into.set(all.subarray(at, at += got));
      return got;
    },
    skip: undefined,
    close: undefined,
  };
}

function bytes(text: string): Bytes {
  return concat([new TextEncoder().encode(text)]);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function content(entry: { content: unknown } | undefined): string {
  assert(entry?.content instanceof BytesContent);
  return text(entry.content.bytes);
}
