// Chunks that were opened lately, and those that are on their way.
import type { Codecs } from "./codecs.ts";
import { FormatError } from "@pxar/format/errors";
import { MAX_BLOB, openBlob } from "./blob.ts";
import type { ChunkRef } from "./chunk_index.ts";
import type { ChunkSource } from "./chunk_source.ts";
import { hexOf } from "./digest.ts";
import type { CryptKey } from "./key.ts";

/** What opening a chunk takes, besides the chunk. */
export interface OpenBlobOptions {
  readonly codecs: Codecs;
  readonly key?: CryptKey | undefined;
  readonly encrypted: boolean;
}

/** Names what a chunk of an index has to be: of equal names, one is as good as the other. */
export function chunkName(ref: ChunkRef): string {
  return `${ref.end - ref.start}:${hexOf(ref.digest)}`;
}

/**
 * Fetches a chunk and opens it: what comes back has the length and the digest that the index demands.
 *
 * @param signal Ends waiting for the source.
 * @returns The data, in memory that nobody else knows.
 */
export async function openChunk(
  ref: ChunkRef,
  source: ChunkSource,
  options: OpenBlobOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { digest, start } = ref, size = ref.end - start;
  if (size > MAX_BLOB) {
    throw new FormatError(
      `Cannot read chunk at byte ${start} of archive: it has ${size} bytes, expected ${MAX_BLOB} at most`,
      { offset: start },
    );
  }
  const blob = await source.get(digest, { signal });
  signal.throwIfAborted();
  const { codecs, key, encrypted } = options;
  return await openBlob(blob, { codecs, key, encrypted, digest, size });
}

/**
 * Gives chunks, each fetched once even if several want it at the same time; keeps the last ones.
 *
 * What is kept and what is on its way weigh no more than the budget, or it is one chunk; who wants more waits.
 */
export class ChunkCache {
  readonly #source: ChunkSource;
  readonly #options: OpenBlobOptions;
  readonly #budget: number;
  readonly #signal: AbortSignal;
  /** In the order of use; the last was used last. */
  readonly #kept = new Map<string, Uint8Array>();
  readonly #flying = new Map<string, Promise<Uint8Array>>();
  readonly #waiting: { readonly size: number; readonly go: () => void }[] = [];
  #keptBytes = 0;
  #flyingBytes = 0;

  /** `signal` ends all that is on its way. */
  constructor(
    source: ChunkSource,
    options: OpenBlobOptions,
    budget: number,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#options = options;
    this.#budget = budget;
    this.#signal = signal;
  }

  /** The chunk's data, not to be changed. */
  get(ref: ChunkRef): Uint8Array | Promise<Uint8Array> {
    const name = chunkName(ref), kept = this.#kept.get(name);
    if (kept !== undefined) {
      this.#kept.delete(name);
      this.#kept.set(name, kept);
      return kept;
    }
    let flying = this.#flying.get(name);
    if (flying === undefined) {
      flying = this.#fly(name, ref);
      this.#flying.set(name, flying);
    }
    return flying;
  }

  /**
   * Sends for a chunk that may be wanted soon, if there is room for it now.
   *
   * @returns Whether it is there or on its way.
   */
  prefetch(ref: ChunkRef): boolean {
    const name = chunkName(ref);
    if (this.#kept.has(name) || this.#flying.has(name)) return true;
    // Half the room is left to what is wanted now.
    if (this.#flyingBytes + ref.end - ref.start > this.#budget / 2) {
      return false;
    }
    const flying = this.#fly(name, ref);
    this.#flying.set(name, flying);
    // Whoever wants it meets the error, or sends for it again.
    flying.catch(() => {});
    return true;
  }

  /** Forgets what is kept. */
  drop(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  async #fly(name: string, ref: ChunkRef): Promise<Uint8Array> {
    const size = ref.end - ref.start;
    try {
      const room = this.#room(size);
      if (room !== undefined) await room;
      try {
        this.#signal.throwIfAborted();
        const data = await openChunk(
          ref,
          this.#source,
          this.#options,
          this.#signal,
        );
        this.#signal.throwIfAborted();
        this.#kept.set(name, data);
        this.#keptBytes += size;
        return data;
      } finally {
        this.#flyingBytes -= size;
        this.#evict();
        this.#admit();
      }
    } finally {
      this.#flying.delete(name);
    }
  }

  /** Takes room for a chunk, at once or when its turn comes. */
  #room(size: number): undefined | Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(size)) {
      this.#take(size);
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push({ size, go: resolve });
    });
  }

  #fits(size: number): boolean {
    return this.#flyingBytes === 0 || this.#flyingBytes + size <= this.#budget;
  }

  #take(size: number): void {
    this.#flyingBytes += size;
    this.#evict();
  }

  #admit(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && this.#fits(first.size);
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#take(first.size);
      first.go();
    }
  }

  /** Drops what was not used for the longest time. */
  #evict(): void {
    for (const [name, data] of this.#kept) {
      const used = this.#keptBytes + this.#flyingBytes;
      if (used <= this.#budget) return;
      if (this.#kept.size === 1 && this.#flyingBytes === 0) return;
      this.#kept.delete(name);
      this.#keptBytes -= data.length;
    }
  }
}
