// The first phase of a garbage collection: every chunk that an index names is marked as used now. Source: spec C.5.
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import { hexOf } from "@pxar/chunk/digest";
import { openIndex } from "@pxar/chunk/open_index";
import { BusyError, PxarError } from "@pxar/format/errors";
import type { Datastore } from "./datastore.ts";
import { DigestCache } from "./digest_cache.ts";
import type { GcCounts } from "./gc_status.ts";
import { listIndexes } from "./index_files.ts";
import { Turns } from "./turns.ts";

/** How often the indexes are listed again because some have vanished. */
const ROUNDS = 100;

/** How it is done. */
export interface MarkingOptions {
  /** Folders whose indexes count for nothing. */
  readonly except: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
  /** Told of chunks that are missing, and of folders that cannot be looked into. */
  readonly warn: ((sentence: string) => void) | undefined;
  /** Told how many indexes are done, of how many. */
  readonly onProgress: (done: number, of: number) => void;
}

/** Marks. */
export class Marking {
  readonly #store: Datastore;
  readonly #options: MarkingOptions;
  readonly #turns: Turns;
  readonly #met = new DigestCache();
  #indexFiles = 0;
  #indexBytes = 0;
  #cacheHits = 0;
  #cacheMisses = 0;

  constructor(store: Datastore, options: MarkingOptions) {
    this.#store = store;
    this.#options = options;
    this.#turns = new Turns(options.signal);
  }

  /** What was met. */
  get counts(): Pick<
    GcCounts,
    "indexFiles" | "indexBytes" | "cacheHits" | "cacheMisses"
  > {
    return {
      indexFiles: this.#indexFiles,
      indexBytes: this.#indexBytes,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
    };
  }

  /**
   * Marks all there is. A snapshot that was removed meanwhile may have handed its chunks on to one that was not in the list yet: then there is another round.
   *
   * @throws {PxarError} If an index cannot be read.
   * @throws {BusyError} If snapshots keep vanishing.
   */
  async run(): Promise<void> {
    const { except, warn, onProgress } = this.#options;
    const done = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const { paths, isWhole } = listIndexes(this.#store, {
        except,
        warn: round === 0 ? warn : undefined,
      });
      const left = paths.filter((path) => !done.has(path));
      const of = done.size + left.length;
      let vanished = !isWhole;
      for (const path of left) {
        onProgress(done.size, of);
        if (!await this.#index(path)) vanished = true;
        done.add(path);
      }
      onProgress(done.size, of);
      if (!vanished) return;
    }
    throw new BusyError(
      `Cannot collect garbage in ${this.#store.location}: snapshots keep vanishing`,
    );
  }

  /** Marks what one index names; gives whether it was there. */
  async #index(path: string): Promise<boolean> {
    const access = this.#store.files.open(path);
    if (access === undefined) return false;
    const index = await needed(path, () => openIndex(access));
    try {
      this.#indexFiles++;
      this.#indexBytes += index.size;
      const batches = index.chunks()[Symbol.asyncIterator]();
      for (;;) {
        const batch = await needed(path, () => batches.next());
        if (batch.done) return true;
        for (const ref of batch.value) this.#chunk(ref, path);
        await this.#turns.give();
      }
    } finally {
      await index.close();
    }
  }

  #chunk({ digest }: ChunkRef, path: string): void {
    if (this.#met.meet(digest)) {
      this.#cacheHits++;
      return;
    }
    this.#cacheMisses++;
    const { chunks } = this.#store;
    if (chunks.touch(digest) !== undefined) return;
    const bad = chunks.touchBad(digest);
    const kept = bad > 0 ? `, ${bad} bad of its kind kept` : "";
    this.#options.warn?.(
      `chunk ${hexOf(digest)} is missing${kept}: ${path} needs it`,
    );
  }
}

/** Reads an index that must be readable, since it alone says what it needs. */
async function needed<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    throw new PxarError(
      `Cannot collect garbage: index ${path} cannot be read, so what it needs is not known: ${error.message}`,
      { cause: error },
    );
  }
}
