// Archives under test from the side of random access.
import { Accessor, type Node } from "@pxar/codec/accessor";
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { type Entry, makeEntry } from "@pxar/format/entry";
import { dirMetadata, fifoMetadata } from "@pxar/format/metadata";
import { unified } from "../support/archives.ts";
import { BytesContent, inBatches, readContent } from "../support/entries.ts";
import type { Vector } from "../support/vectors.ts";

/** Opens both archives of a golden tree. */
export async function openBoth(
  vector: Vector,
): Promise<{ readonly version: 1 | 2; readonly accessor: Accessor }[]> {
  const { v1, metadata, payload } = vector;
  return [
    { version: 1, accessor: await Accessor.open(bytesAccess(v1)) },
    {
      version: 2,
      accessor: await Accessor.open(bytesAccess(metadata), {
        payload: bytesAccess(payload),
      }),
    },
  ];
}

/** Nodes of a directory, in order. */
export async function children(
  accessor: Accessor,
  directory: Node,
): Promise<Node[]> {
  const all: Node[] = [];
  for await (const page of accessor.list(directory)) all.push(...page);
  return all;
}

/** Nodes of a tree, in order, with their paths. */
export async function nodes(
  accessor: Accessor,
  directory: Node = accessor.root,
  path = "",
): Promise<{ readonly path: string; readonly node: Node }[]> {
  const all = [{ path, node: directory }];
  for (const node of await children(accessor, directory)) {
    const below = `${path}/${String.fromCharCode(...node.entry.name)}`;
    if (node.entry.kind === "directory") {
      all.push(...await nodes(accessor, node, below));
    } else all.push({ path: below, node });
  }
  return all;
}

/** All of an archive as `decode()` would give it, contents in memory, read as contents. */
export async function entriesOf(
  accessor: Accessor,
  directory: Node = accessor.root,
): Promise<Entry[]> {
  const all = [directory.entry];
  for (const node of await children(accessor, directory)) {
    if (node.entry.kind === "directory") {
      all.push(...await entriesOf(accessor, node));
    } else if (node.entry.kind !== "file") all.push(node.entry);
    else {all.push({
        ...node.entry,
        content: new BytesContent(await readContent(accessor.content(node))),
      });}
  }
  return [...all, makeEntry("end")];
}

/** Reads everything that can be reached; follows hardlinks; does not keep anything. */
export async function readAll(accessor: Accessor): Promise<number> {
  let count = 0;
  const left = [accessor.root];
  for (
    let directory = left.pop();
    directory !== undefined;
    directory = left.pop()
  ) {
    for await (const page of accessor.list(directory)) {
      for (const node of page) {
        count++;
        const { kind } = node.entry;
        if (kind === "directory") left.push(node);
        if (kind !== "file" && kind !== "hardlink") continue;
        const file = await accessor.follow(node);
        const piece = new Uint8Array(4096);
        let at = 0;
        for (let got; (got = await accessor.read(file, at, piece)) > 0;) {
          at += got;
        }
      }
    }
  }
  return count;
}

/** Counts what is read through it. */
export class CountingAccess implements RandomAccess {
  readonly close = undefined;
  readonly size: number;
  /** How often it was read. */
  reads = 0;
  /** Most bytes read at once. */
  longest = 0;
  readonly #bytes: Bytes;
  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }
  read(offset: number, into: Bytes): number {
    this.reads++;
    this.longest = Math.max(this.longest, into.length);
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
}

/** Answers later, in an order of its own. */
export class LateAccess implements RandomAccess {
  readonly close = undefined;
  readonly size: number;
  reads = 0;
  readonly #bytes: Bytes;
  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }
  async read(offset: number, into: Bytes): Promise<number> {
    const turns = this.reads++ * 7919 % 13;
    for (let turn = 0; turn < turns; turn++) await undefined;
    if (turns === 5) await new Promise((resolve) => setTimeout(resolve));
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
}

/** The archive of one directory with many fifos in it, named `entry-0` and so on. */
export async function wideArchive(count: number): Promise<Bytes> {
  const fifo = fifoMetadata(0o600).build(), text = new TextEncoder();
  const names = Array.from({ length: count }, (_, i) => `entry-${i}`).sort();
  return await unified(inBatches([
    makeEntry("directory", dirMetadata(0o755).build()),
    ...names.map((name) =>
      makeEntry("fifo", { ...fifo, name: text.encode(name) })
    ),
    makeEntry("end"),
  ]));
}

/** A generator of the same numbers each time: xorshift32. */
export function numbers(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** Changes an archive a little: some bytes, a number that is a size or an offset, or a piece copied over another. */
export function mutate(
  original: Bytes,
  random: (below: number) => number,
): Bytes {
  const bytes = original.slice(), view = new DataView(bytes.buffer);
  const times = 1 + random(3);
  for (let i = 0; i < times; i++) {
    const at = random(bytes.length);
    switch (random(4)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random(8));
        break;
      case 1:
        bytes[at] = random(256);
        break;
      case 2: {
        const word = Math.min(at, bytes.length - 8);
        const values = [
          0n,
          1n,
          15n,
          16n,
          24n,
          BigInt(bytes.length),
          1n << 31n,
          1n << 40n,
          (1n << 64n) - 1n,
        ];
        view.setBigUint64(word, values[random(values.length)]!, true);
        break;
      }
      default:
        bytes.copyWithin(at, random(bytes.length), random(bytes.length));
    }
  }
  return bytes;
}
