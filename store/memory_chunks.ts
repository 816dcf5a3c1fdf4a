// The chunks of a datastore in memory, with the same rules as on disk.
import { type Digest, hexOf } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import { NotFoundError } from "@pxar/format/errors";
import {
  type ChunkFile,
  chunkFile,
  type ChunkFileState,
  type ChunkPlace,
} from "./chunk_place.ts";
import { isReplaced } from "./chunk_rules.ts";
import type { ChunkPut } from "./store.ts";

interface Kept {
  readonly blob: Bytes;
  readonly mtime: number;
  atime: number;
}

/** Chunks that are gone with the program. */
export class MemoryChunks implements ChunkPlace {
  /** By their names: a digest, or one with an ending. */
  readonly #all = new Map<string, Kept>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(digest: Digest): Bytes {
    const kept = this.#all.get(hexOf(digest));
    if (kept !== undefined) return kept.blob.slice();
    throw new NotFoundError(
      `Cannot read chunk ${hexOf(digest)}: it is not in the store`,
    );
  }

  touch(digest: Digest): number | undefined {
    const kept = this.#all.get(hexOf(digest));
    if (kept === undefined || kept.blob.length === 0) return undefined;
    kept.atime = this.#now();
    return kept.blob.length;
  }

  put(digest: Digest, header: Bytes, body: Uint8Array): ChunkPut {
    const hex = hexOf(digest), there = this.#all.get(hex);
    const size = header.length + body.length;
    if (
      there !== undefined &&
      !isReplaced(hex, header, size, there.blob.length, () => there.blob)
    ) {
      there.atime = this.#now();
      return { existed: true, stored: there.blob.length };
    }
    const blob = new Uint8Array(size), now = this.#now();
    blob.set(header);
    blob.set(body, header.length);
    this.#all.set(hex, { blob, mtime: now, atime: now });
    return { existed: false, stored: size };
  }

  setAside(digest: Digest): string | undefined {
    const hex = hexOf(digest), kept = this.#all.get(hex);
    if (kept === undefined) return undefined;
    let number = 0;
    while (number < 9 && this.#all.has(`${hex}.${number}.bad`)) number++;
    this.#all.delete(hex);
    this.#all.set(`${hex}.${number}.bad`, kept);
    return `${hex}.${number}.bad`;
  }

  touchBad(digest: Digest): number {
    let found = 0;
    for (let number = 0; number < 10; number++) {
      const kept = this.#all.get(`${hexOf(digest)}.${number}.bad`);
      if (kept === undefined) continue;
      kept.atime = this.#now();
      found++;
    }
    return found;
  }

  clock(): number {
    return this.#now();
  }

  folders(): number[] {
    const found = new Set<number>();
    for (const name of this.#all.keys()) {
      found.add(parseInt(name.slice(0, 4), 16));
    }
    return [...found].sort((a, b) => a - b);
  }

  filesIn(folder: number): ChunkFile[] {
    const prefix = folder.toString(16).padStart(4, "0");
    return [...this.#all.keys()].filter((name) => name.startsWith(prefix))
      .flatMap((name) => chunkFile(prefix, name) ?? []);
  }

  state(file: ChunkFile): ChunkFileState | undefined {
    return this.#state(this.#nameOf(file));
  }

  stateOf(digest: Digest): ChunkFileState | undefined {
    return this.#state(hexOf(digest));
  }

  remove(file: ChunkFile): boolean {
    return this.#all.delete(this.#nameOf(file));
  }

  removeUnused(digest: Digest, before: number): boolean {
    const hex = hexOf(digest), kept = this.#all.get(hex);
    return kept !== undefined && kept.atime < before && this.#all.delete(hex);
  }

  #nameOf({ path }: ChunkFile): string {
    return path.slice(path.lastIndexOf("/") + 1);
  }

  #state(name: string): ChunkFileState | undefined {
    const kept = this.#all.get(name);
    return kept && {
      size: kept.blob.length,
      atime: kept.atime,
      mtime: kept.mtime,
      inode: 0,
    };
  }
}
