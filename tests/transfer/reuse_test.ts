import { hexOf } from "@pxar/chunk/digest";
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { decode } from "@pxar/codec/decode";
import { encode } from "@pxar/codec/encode";
import type { PayloadPart } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batches,
  BytesContent,
  type Content,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { dirMetadata, fileMetadata } from "@pxar/format/metadata";
import { memoryStore } from "@pxar/store/memory";
import type { Store } from "@pxar/store/store";
import { backup, type BackupSummary } from "@pxar/transfer/backup";
import { openSnapshot } from "@pxar/transfer/open";
import { type PreviousArchive, reuse, ReuseCount } from "@pxar/transfer/reuse";
import fc from "fast-check";
import { assert, assertEquals } from "../support/assert.ts";
import { input } from "../support/prng.ts";

const UTF8 = new TextEncoder();

type Spec = { readonly seed: number; readonly size: number };
type Forced = readonly [boundary: number, bytes: number, chunks: number];
type Chunk = readonly [origin: "new" | "reused", end: number, digest: string];
type FileRef = readonly [path: string, offset: number, size: number];

interface Vectors {
  readonly averageChunk: number;
  readonly scenarios: readonly {
    readonly set: string;
    readonly inputFiles: readonly (readonly [path: string, spec: Spec])[];
    readonly first: {
      readonly chunks: readonly Chunk[];
      readonly files: readonly FileRef[];
      readonly suggested: readonly number[];
    };
    readonly runs: readonly {
      readonly change: string;
      readonly cacheSize: number;
      readonly changed: readonly (readonly [path: string, spec: Spec | null])[];
      readonly chunks: readonly Chunk[];
      readonly files: readonly FileRef[];
      readonly forced: readonly Forced[];
      readonly payloadBytes: number;
      readonly suggested: readonly number[];
      readonly again: { readonly ends: readonly (readonly [string, number])[] };
    }[];
  }[];
}

const VECTORS: Vectors = JSON.parse(
  Deno.readTextFileSync(
    new URL("../vectors/store/reuse.json", import.meta.url),
  ),
);

/**
 * Where we knowingly do better, see `reuse()`: fewer bytes are read and written again, or fewer are of no use. What is given: bytes written to the payload stream, ours and theirs.
 * With a small cache the look-ahead only ends elsewhere.
 */
const BETTER: Readonly<
  Record<string, readonly [ours: number, theirs: number]>
> = {
  "nested: one file in the middle changed": [150_048, 835_498],
  "nested: a file removed": [32, 615_466],
  "nested: a file added": [12_393, 697_843],
  "nested: all but one changed": [2_219_080, 2_369_096],
  "nested: every tenth changed": [280_096, 1_870_012],
  "small files: nothing changed, cache of 8": [32, 281_908],
  "small files: one changed": [10_247, 141_733],
  "small files: all but the last five removed": [6_083, 30_657],
  "many: every seventh (tiny) removed": [246_699, 3_360_376],
  "many: three tiny files changed": [481, 481],
  "many: nothing changed, cache of 60": [32, 32],
  "many: one tiny file removed, cache of 40": [32, 32],
  "two files: b changed": [200_048, 400_064],
  "two files: b removed": [32, 200_048],
};

/** Content that a look-ahead may hold. */
class HeldContent implements Content {
  static held = 0;
  readonly size: number;
  readonly #content: BytesContent;
  #isOpen = true;

  constructor(bytes: Bytes) {
    this.size = bytes.length;
    this.#content = new BytesContent(bytes);
    HeldContent.held++;
  }

  read(into: Bytes): number {
    assert(this.#isOpen, "a content was read after it was released");
    return this.#content.read(into);
  }

  release = (): void => {
    assert(this.#isOpen, "a content was released twice");
    this.#isOpen = false;
    HeldContent.held--;
  };
}

/** Content that is over when the next batch is asked for. */
class PassingContent extends BytesContent {
  #isOver = false;

  override read(into: Bytes): number {
    assert(!this.#isOver, "a content was read after its batch");
    return super.read(into);
  }

  end(): void {
    this.#isOver = true;
  }
}

type Files = ReadonlyMap<
  string,
  { readonly bytes: () => Bytes; readonly size: number; readonly secs: number }
>;

/** The entries of files by their paths, in batches of so many. */
function* tree(files: Files, batch = 64, holds = true): Generator<Entry[]> {
  const out: Entry[] = [makeEntry("directory", dirMetadata(0o755).build())];
  const passing: PassingContent[] = [];
  const open: string[] = [];
  const sorted = [...files].map(([path, file]) => ({
    parts: path.split("/"),
    file,
  })).sort((a, b) => compare(a.parts, b.parts));
  for (const { parts, file } of sorted) {
    const folders = parts.slice(0, -1);
    let same = 0;
    while (same < open.length && open[same] === folders[same]) same++;
    for (; open.length > same; open.pop()) out.push(makeEntry("end"));
    for (const folder of folders.slice(same)) {
      const name = UTF8.encode(folder);
      out.push(
        makeEntry("directory", { name, ...dirMetadata(0o755).build() }),
      );
      open.push(folder);
    }
    const bytes = file.bytes();
    const content = holds ? new HeldContent(bytes) : new PassingContent(bytes);
    if (content instanceof PassingContent) passing.push(content);
    out.push(makeEntry("file", {
      ...fileMetadata(0o644).build(),
      name: UTF8.encode(parts.at(-1)!),
      secs: file.secs,
      content,
    }));
    if (out.length >= batch) {
      yield out.splice(0);
      for (const content of passing.splice(0)) content.end();
    }
  }
  for (; open.length > 0; open.pop()) out.push(makeEntry("end"));
  out.push(makeEntry("end"));
  yield out;
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at < 0) return a.length - b.length;
  return b[at] !== undefined && a[at]! < b[at]! ? -1 : 1;
}

function filesOf(list: Iterable<readonly [string, Spec]>): Map<
  string,
  { bytes: () => Bytes; size: number; secs: number }
> {
  return new Map(
    [...list].map(([path, spec]) => [path, fileOf(spec, 1000)]),
  );
}

function fileOf(spec: Spec, secs: number) {
  const bytes = () => input({ kind: "xorshift32", ...spec });
  return { bytes, size: spec.size, secs };
}

const named = (time: number) =>
  ({ namespace: "", type: "host", id: "h", time }) as const;

async function run(
  store: Store,
  entries: () => Batches,
  time: number,
  mode: "data" | "metadata",
  ahead = 512,
  chunkSize = VECTORS.averageChunk,
): Promise<BackupSummary> {
  return await backup(store, [{ archive: "root.pxar", entries }], {
    id: "h",
    time,
    mode,
    ahead,
    chunkSize,
    threads: 0,
  });
}

async function chunksOf(
  store: Store,
  time: number,
): Promise<(readonly [end: number, digest: string])[]> {
  await using snapshot = await openSnapshot(store, named(time), { threads: 0 });
  return await ends(await snapshot.index("root.ppxar.didx"));
}

async function ends(
  index: ChunkIndex,
): Promise<(readonly [end: number, digest: string])[]> {
  const found: (readonly [number, string])[] = [];
  for await (const batch of index.chunks()) {
    for (const { end, digest } of batch) found.push([end, hexOf(digest)]);
  }
  await index.close();
  return found;
}

/** Path, payload reference and size of every file. */
async function refsOf(metadata: Batches): Promise<FileRef[]> {
  const found: FileRef[] = [], open: string[] = [];
  for await (const batch of metadata) {
    for (const { kind, name, payload } of batch) {
      const text = new TextDecoder().decode(name);
      if (kind === "directory") open.push(text);
      else if (kind === "end") open.pop();
      else if (kind === "file") {
        found.push([
          [...open.slice(1), text].join("/"),
          payload!.offset,
          payload!.size,
        ]);
      }
    }
  }
  return found;
}

/** What the encoder tells of a run against a snapshot. */
async function told(
  store: Store,
  time: number,
  entries: Batches,
  ahead: number,
) {
  await using snapshot = await openSnapshot(store, named(time), { threads: 0 });
  const payload = await snapshot.index("root.ppxar.didx");
  const previous: PreviousArchive = {
    entries: snapshot.entries("root.pxar", { contents: false }),
    payload,
    has: () => true,
  };
  const pieces: Bytes[] = [], forced: Forced[] = [], suggested: number[] = [];
  let position = 0, written = 0;
  await encode(reuse(entries, previous, { ahead }), {
    metadata: { write: (piece) => void pieces.push(piece.slice()) },
    payload: {
      write: (part: PayloadPart) => {
        if ("bytes" in part) {
          position += part.bytes.length;
          written += part.bytes.length;
        } else if ("inject" in part) {
          const chunks = (part.token as readonly unknown[]).length;
          forced.push([position, part.inject, chunks]);
          position += part.inject;
        } else suggested.push(part.suggest);
      },
    },
  });
  await payload.close();
  return { forced, suggested, written, files: await refsOf(decode(pieces)) };
}

for (const { set, inputFiles, first, runs } of VECTORS.scenarios) {
  for (const expected of runs) {
    const { change, changed, cacheSize } = expected;
    Deno.test(`reuse() does as the official client, or better: ${set}, ${change}`, async () => {
      const store = await memoryStore();
      const files = filesOf(inputFiles);
      await run(store, () => tree(files), 1000, "data");
      assertEquals(
        await chunksOf(store, 1000),
        first.chunks.map(([, end, digest]) => [end, digest] as const),
      );
      // Nobody asked for these to be released.
      HeldContent.held = 0;
      for (const [path, spec] of changed) {
        if (spec === null) files.delete(path);
        else files.set(path, fileOf(spec, 2000));
      }
      const result = await told(store, 1000, tree(files), cacheSize);
      const summary = await run(
        store,
        () => tree(files),
        2000,
        "metadata",
        cacheSize,
      );
      const chunks = await chunksOf(store, 2000);
      const better = BETTER[`${set}: ${change}`];
      if (better === undefined) {
        const { suggested, payloadBytes } = expected;
        assertEquals({ ...result, forced: joined(result.forced) }, {
          forced: joined(expected.forced),
          suggested,
          written: payloadBytes,
          files: expected.files,
        });
        assertEquals(
          chunks,
          expected.chunks.map(([, end, digest]) => [end, digest] as const),
        );
        const reused = expected.chunks.filter(([origin]) =>
          origin === "reused"
        );
        assertEquals(summary.chunksReused, reused.length);
      } else {
        assertEquals([result.written, expected.payloadBytes], [...better]);
        // Nothing of it reaches beyond what it consists of, and at most a tenth is of no use.
        assertEquals(
          chunks.at(-1)![0],
          result.written +
            result.forced.reduce((sum, [, bytes]) => sum + bytes, 0),
        );
      }
      assertEquals(HeldContent.held, 0);
      await assertRestored(store, 2000, files);
    });
  }
}

/** Injections that follow one another as one: whether the last chunk of a range goes with those before it or with those behind makes no difference. */
function joined(forced: readonly Forced[]): Forced[] {
  const all: Forced[] = [];
  for (const one of forced) {
    const last = all.at(-1);
    if (last === undefined || last[0] + last[1] !== one[0]) all.push(one);
    else all[all.length - 1] = [last[0], last[1] + one[1], last[2] + one[2]];
  }
  return all;
}

/** States that each file of a snapshot has its content. */
async function assertRestored(
  store: Store,
  time: number,
  files: Files,
): Promise<void> {
  await using snapshot = await openSnapshot(store, named(time), { threads: 0 });
  const left = new Map(files), open: string[] = [];
  for await (const batch of snapshot.entries("root.pxar")) {
    for (const { kind, name, content } of batch) {
      const text = new TextDecoder().decode(name);
      if (kind === "directory") open.push(text);
      else if (kind === "end") open.pop();
      else if (kind === "file") {
        const path = [...open.slice(1), text].join("/");
        const expected = left.get(path)!;
        const bytes = new Uint8Array(content!.size);
        for (let at = 0; at < bytes.length;) {
          at += await content!.read(bytes.subarray(at));
        }
        assertEquals(hash(bytes), hash(expected.bytes()), path);
        left.delete(path);
      }
    }
  }
  assertEquals([...left.keys()], []);
}

function hash(bytes: Bytes): string {
  let sum = bytes.length;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return `${bytes.length} ${sum}`;
}

/** A change to a set of files. */
const CHANGES = fc.array(
  fc.record({
    what: fc.constantFrom("change", "remove", "add", "grow"),
    at: fc.nat(10_000),
    size: fc.oneof(fc.nat(3000), fc.nat(60_000), fc.constant(0)),
  }),
  { maxLength: 6 },
);

Deno.test("reuse() restores what was there, however often the files change, and wastes at most a tenth", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(CHANGES, { minLength: 20, maxLength: 20 }),
      fc.integer({ min: 2, max: 80 }),
      fc.integer({ min: 1, max: 70 }),
      fc.boolean(),
      async (rounds, ahead, batch, holds) => {
        const store = await memoryStore();
        const files = filesOf(
          Array.from({ length: 60 }, (_, i) => [
            `d${i % 4}/f${String(i).padStart(3, "0")}`,
            { seed: i + 1, size: (i * 7919) % 20_000 },
          ]),
        );
        let time = 1000, seed = 1000;
        const chunkSize = 4096;
        await run(
          store,
          () => tree(files, batch, holds),
          time,
          "data",
          ahead,
          chunkSize,
        );
        for (const changes of rounds) {
          time++;
          for (const { what, at, size } of changes) {
            const paths = [...files.keys()], path = paths[at % paths.length];
            const spec = { seed: seed++, size };
            if (what === "add" || path === undefined) {
              files.set(`d${at % 5}/n${at}`, fileOf(spec, time));
            } else if (what === "remove") files.delete(path);
            else {
              const old = files.get(path)!;
              files.set(
                path,
                fileOf({
                  ...spec,
                  size: what === "grow" ? old.size + 1 + size : size,
                }, time),
              );
            }
          }
          HeldContent.held = 0;
          const summary = await run(
            store,
            () => tree(files, batch, holds),
            time,
            "metadata",
            ahead,
            chunkSize,
          );
          assertEquals(HeldContent.held, 0);
          await assertRestored(store, time, files);
          const size = (await chunksOf(store, time)).at(-1)![0];
          const needed = 32 +
            [...files.values()].reduce((sum, { size }) => sum + size + 16, 0);
          assert(
            size <= needed / 0.9 + 32,
            `${size} bytes stand for ${needed}`,
          );
          assertEquals(
            summary.bytesRead + summary.bytesReused,
            needed - 32 - 16 * files.size,
          );
        }
      },
    ),
    { numRuns: 10, endOnFailure: true },
  );
});

Deno.test("reuse() reads again what cannot be reused: changed attributes, chunks that are gone, references that lead nowhere", async () => {
  const store = await memoryStore();
  const files = filesOf(
    Array.from(
      { length: 10 },
      (_, i) => [`f${i}`, { seed: i + 1, size: 9000 }],
    ),
  );
  await run(store, () => tree(files), 1000, "data", 512, 4096);
  await using snapshot = await openSnapshot(store, named(1000), { threads: 0 });
  const payload = await snapshot.index("root.ppxar.didx");
  const entries = () => snapshot.entries("root.pxar", { contents: false });
  const count = async (
    previous: Partial<PreviousArchive>,
    batches: Batches = tree(files),
  ) => {
    const count = new ReuseCount();
    const whole = { entries: entries(), payload, has: () => true, ...previous };
    for await (const _ of reuse(batches, whole, { count })) { /* counts */ }
    return [count.files, count.rereadFiles];
  };
  assertEquals(await count({}), [10, 0]);
  assertEquals(await count({ has: () => false }), [0, 10]);
  const second = (await payload.chunk(1)).start;
  const [files1, reread1] = await count({
    has: ({ start }) => Promise.resolve(start !== second),
  });
  assertEquals([files1, reread1], [0, 10]);
  // As if an attribute had another value: officially only its name counts.
  const other = function* (): Generator<Entry[]> {
    for (const batch of tree(files)) {
      yield batch.map((entry) =>
        entry.kind === "file" ? { ...entry, attributes: xattrs("two") } : entry
      );
    }
  };
  const old = async function* () {
    for await (const batch of entries()) {
      yield batch.map((entry) =>
        entry.kind === "file" ? { ...entry, attributes: xattrs("one") } : entry
      );
    }
  };
  assertEquals(await count({ entries: old() }, other()), [0, 0]);
  const beyond = async function* () {
    for await (const batch of entries()) {
      yield batch.map((entry) =>
        entry.payload === undefined
          ? entry
          : { ...entry, payload: { ...entry.payload, offset: 2 ** 52 } }
      );
    }
  };
  assertEquals(await count({ entries: beyond() }), [0, 0]);
  await payload.close();
});

function xattrs(value: string) {
  return {
    xattrs: [{ name: UTF8.encode("user.a"), value: UTF8.encode(value) }],
    acl: undefined,
    fcaps: undefined,
    projectId: undefined,
  };
}
