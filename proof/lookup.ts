/**
 * How many blocks of an archive are read to find one entry.
 *
 * @module
 */
import { Accessor } from "@pxar/codec/accessor";
import { encode } from "@pxar/codec/encode";
import { fileAccess, type RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { type Batch, makeEntry } from "@pxar/format/entry";
import { dirMetadata, fifoMetadata } from "@pxar/format/metadata";
import { atMost, type Figure, told } from "./figures.ts";

const BLOCK = 4096;

/** Passes reads on and keeps count. */
class Counter implements RandomAccess {
  readonly size: number;
  readonly close: undefined = undefined;
  readonly blocks = new Set<number>();
  reads = 0;
  readonly #access: RandomAccess;

  constructor(access: RandomAccess) {
    this.size = access.size;
    this.#access = access;
  }

  read(offset: number, into: Bytes): number | Promise<number> {
    this.reads++;
    const last = Math.min(offset + into.length, this.size) - 1;
    for (let at = Math.floor(offset / BLOCK); at * BLOCK <= last; at++) {
      this.blocks.add(at);
    }
    return this.#access.read(offset, into);
  }
}

/** Opens the archive anew for every path, and finds it; the worst counts. */
export async function lookupFigures(
  where: string,
  archive: string,
  paths: readonly string[],
): Promise<Figure[]> {
  const access = await fileAccess(archive);
  let [blocks, reads] = [0, 0];
  try {
    for (const path of paths) {
      const counter = new Counter(access);
      await using accessor = await Accessor.open(counter);
      if (await accessor.lookup(path) === undefined) {
        throw new Error(`Cannot find ${path} in ${archive}`);
      }
      blocks = Math.max(blocks, counter.blocks.size);
      reads = Math.max(reads, counter.reads);
    }
  } finally {
    await access.close?.();
  }
  return [
    atMost(`lookup ${where}, opening included`, blocks, 99, "blocks of 4 KiB"),
    told(`the same, reads`, String(reads)),
  ];
}

function* flat(count: number, name: (i: number) => Bytes): Generator<
  Batch
> {
  const directory = dirMetadata(0o755).build();
  const fifo = fifoMetadata(0o644).mtime(1_700_000_000).build();
  yield [makeEntry("directory", directory)];
  for (let i = 0; i < count; i += 64) {
    yield Array.from(
      { length: Math.min(64, count - i) },
      (_, j) => makeEntry("fifo", { ...fifo, name: name(i + j) }),
    );
  }
  yield [makeEntry("end")];
}

/**
 * Writes an archive of one directory with `count` fifos.
 *
 * @returns The paths of some that are in it.
 */
export async function oneDirectory(
  path: string,
  count: number,
): Promise<string[]> {
  const encoder = new TextEncoder();
  const show = (i: number): string => `entry-${String(i).padStart(8, "0")}`;
  using file = Deno.createSync(path);
  const write = (piece: Uint8Array): void => {
    for (let at = 0; at < piece.length;) {
      at += file.writeSync(piece.subarray(at));
    }
  };
  await encode(flat(count, (i) => encoder.encode(show(i))), {
    metadata: { write },
  });
  return Array.from(
    { length: 100 },
    (_, i) => show(Math.floor((count - 1) * i / 99)),
  );
}
