// The official indexes, and what tests of both kinds share.
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import { openIndex } from "@pxar/chunk/open_index";
import { hexOf } from "@pxar/chunk/digest";
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, PxarError } from "@pxar/format/errors";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "../support/assert.ts";
import { mutate, numbers } from "../codec/walk.ts";

const FOLDER = new URL("../vectors/store/index/", import.meta.url);

/** A number; beyond 2^53 a decimal text. */
export type Big = number | string;

/** Where a chunk starts and ends, and its digest in hex. */
export type EntryTold = readonly [Big, Big, string];
type Lookup = readonly [Big, readonly [number, Big] | null];

/** What the official reader says of an index. */
export interface ReadTold {
  readonly bytes: Big;
  readonly computeCsum: string;
  readonly count: number;
  readonly entries: readonly EntryTold[];
  readonly lookup: readonly Lookup[];
}

/** An official file. */
export interface FileTold extends ReadTold {
  readonly file: string;
  readonly uuid: string;
  readonly ctime: number;
  readonly headerCsum: string;
  readonly chunkSize?: number;
}

/** All that the vectors tell. */
export const told: {
  readonly dynamic: readonly FileTold[];
  readonly fixed: readonly FileTold[];
  readonly fixedWriterAlignment: {
    readonly size: number;
    readonly chunkSize: number;
    readonly cases: readonly {
      readonly length: number;
      readonly offsetAfter: number;
      readonly result:
        | { readonly ok: { readonly slot: number } }
        | { readonly error: string };
    }[];
  };
  readonly fixedWriterSizeZero: string;
  readonly reader: readonly {
    readonly from: string;
    readonly edit: string;
    readonly name: string;
    readonly result: { readonly ok: ReadTold } | { readonly error: string };
  }[];
} = JSON.parse(await Deno.readTextFile(new URL("index.json", FOLDER)));

/** Reads an official file. */
export async function golden(file: string): Promise<Bytes> {
  return await Deno.readFile(new URL(file, FOLDER));
}

/** Does what an `edit` of the vectors says. */
export function edit(bytes: Bytes, steps: string): Bytes {
  let edited = bytes.slice();
  for (const step of steps.split("; ").filter((step) => step !== "")) {
    const [what, where, hex] = step.split(" ");
    if (what === "append") {
      edited = new Uint8Array([...edited, ...Uint8Array.fromHex(where!)]);
    } else if (what === "truncate") {
      const to = Number(where);
      edited = edited.slice(0, to);
    } else {
      const patch = Uint8Array.fromHex(hex!), at = Number(where);
      patch.forEach((byte, i) =>
        edited[at + i] = what === "xor" ? edited[at + i]! ^ byte : byte
      );
    }
  }
  return edited;
}

/** All chunks of an index, through `chunks`. */
export async function refsOf(index: ChunkIndex): Promise<ChunkRef[]> {
  const refs: ChunkRef[] = [];
  for await (const batch of index.chunks()) {
    assert(batch.length > 0 && batch.length <= 1024);
    refs.push(...batch);
  }
  return refs;
}

function tell({ start, end, digest }: ChunkRef): EntryTold {
  return [start, end, hexOf(digest)];
}

/** States that an index says what the official reader says. */
export async function assertReads(
  index: ChunkIndex,
  expected: ReadTold,
): Promise<void> {
  assertEquals(index.size, expected.bytes);
  assertEquals(index.count, expected.count);
  assertEquals(
    (await refsOf(index)).map(tell),
    expected.entries as EntryTold[],
  );
  for (const [number, entry] of expected.entries.entries()) {
    assertEquals(tell(await index.chunk(number)), entry as EntryTold);
  }
  for (const [offset, place] of expected.lookup) {
    const number = await index.find(Number(offset));
    assertEquals(number, place?.[0], `find(${offset})`);
    if (number === undefined) continue;
    const { start } = await index.chunk(number);
    assertEquals(Number(offset) - start, place![1]);
  }
  assertEquals(hexOf(await index.csum()), expected.computeCsum);
}

/** Reads all of an index in every way. */
export async function readWhole(access: RandomAccess): Promise<void> {
  const index = await openIndex(access);
  const places = [0, 1, index.size >> 1, index.size - 1, index.size];
  for (const offset of places.filter((place) => place >= 0)) {
    const number = await index.find(offset);
    if (number === undefined) continue;
    const { start, end } = await index.chunk(number);
    assert(start < end);
  }
  let at = 0;
  for await (const batch of index.chunks()) {
    for (const { start, end } of batch) {
      assert(start === at && end > start && end <= index.size);
      at = end;
    }
  }
  assertEquals(at, index.size);
  await index.csum();
}

/** States that an index cut anywhere is refused, or is one of fewer chunks; and that changes lead to errors of ours alone. */
export async function assertHostile(
  bytes: Bytes,
  entry: number,
  fewer: boolean,
): Promise<void> {
  const lengths = [
    ...Array.from({ length: 100 }, (_, i) => i),
    4095,
    ...Array.from({ length: bytes.length - 4096 }, (_, i) => 4096 + i),
  ];
  for (const length of lengths) {
    const read = () => readWhole(bytesAccess(bytes.slice(0, length)));
    const whole = length > 4096 && (length - 4096) % entry === 0;
    if (whole && fewer) await read();
    else await assertRejects(read, FormatError);
  }
  const random = numbers(5);
  let refused = 0;
  for (let i = 0; i < 2000; i++) {
    // Changes of the reserved bytes and of digests would mean nothing.
    const head = mutate(bytes.slice(0, 80), random);
    const mutated = bytes.slice();
    mutated.set(i % 2 === 0 ? head : bytes.subarray(0, 80));
    mutated.set(mutate(bytes.slice(4096), random), 4096);
    try {
      await readWhole(bytesAccess(mutated));
    } catch (error) {
      assertInstanceOf(error, PxarError);
      refused++;
    }
  }
  assert(refused > 200, `${refused}`);
  for (let i = 0; i < 300; i++) {
    const noise = bytes.slice();
    for (let at = 8; at < noise.length; at++) noise[at] = random(256);
    await readWhole(bytesAccess(noise)).catch((error) =>
      assertInstanceOf(error, PxarError)
    );
  }
}
