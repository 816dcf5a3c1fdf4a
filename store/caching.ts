/**
 * A store with memory in front: blobs of chunks that were read lately need not be fetched again.
 *
 * @module
 */
import { parseBlob } from "@pxar/chunk/blob";
import type { ChunkSource } from "@pxar/chunk/chunk_source";
import { type Digest, hexOf } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import type {
  Abortable,
  SnapshotReader,
  SnapshotWriter,
  Store,
} from "./store.ts";

/** How much is remembered. */
export interface CachingOptions {
  /** Most bytes of blobs; 64 MiB unless told. */
  readonly budget?: number | undefined;
}

/**
 * Puts memory in front of a source of chunks.
 *
 * A blob that several want at once is fetched once. One whose checksum is wrong is handed on, for its reader to say so, and not remembered.
 *
 * @param source Where the chunks are.
 * @param options How much is remembered; what was used least lately goes first.
 * @returns The same chunks.
 * @throws {RangeError} If the budget is less than 0.
 */
export function cachingSource(
  source: ChunkSource,
  options: CachingOptions = {},
): ChunkSource {
  return { get: new BlobCache(options).through(source) };
}

/**
 * Puts memory in front of a store. All its readers and writers share it.
 *
 * @param store What is read from; disposed of with the result.
 * @param options How much is remembered.
 * @returns The same store; its chunks come by the memory, and so never from other threads directly.
 * @throws {RangeError} If the budget is less than 0.
 */
export function cachingStore(
  store: Store,
  options: CachingOptions = {},
): Store {
  const cache = new BlobCache(options);
  const reader = (inner: SnapshotReader): SnapshotReader =>
    over(inner, { direct: undefined, get: cache.through(inner) });
  const writer = (inner: SnapshotWriter): SnapshotWriter =>
    over(inner, {
      direct: undefined,
      base: inner.base && reader(inner.base),
      chunks: over(inner.chunks, { get: cache.through(inner.chunks) }),
    });
  return over(store, {
    open: async (snapshot, options) =>
      reader(await store.open(snapshot, options)),
    create: async (snapshot, options) =>
      writer(await store.create(snapshot, options)),
  });
}

/** Blobs that were read lately, the one used last at the end. */
class BlobCache {
  readonly #budget: number;
  readonly #kept = new Map<string, Bytes>();
  readonly #flying = new Map<string, Promise<Bytes>>();
  #size = 0;

  constructor({ budget = 64 << 20 }: CachingOptions) {
    if (!(budget >= 0)) {
      throw new RangeError(
        `Cannot remember ${budget} bytes: expected 0 or more`,
      );
    }
    this.#budget = budget;
  }

  /** The way to a source's chunks that comes by here. */
  through(source: ChunkSource): ChunkSource["get"] {
    return async (digest, options = {}) => {
      options.signal?.throwIfAborted();
      const name = hexOf(digest), kept = this.#kept.get(name);
      if (kept !== undefined) {
        this.#kept.delete(name);
        this.#kept.set(name, kept);
        // It belongs to whoever asks.
        return kept.slice();
      }
      return (await this.#fetch(source, digest, name, options)).slice();
    };
  }

  async #fetch(
    source: ChunkSource,
    digest: Digest,
    name: string,
    options: Abortable,
  ): Promise<Bytes> {
    const flying = this.#flying.get(name);
    if (flying !== undefined) {
      try {
        return await flying;
      } catch {
        // Whoever sent for it may have been told to end; that is no reason for others.
        options.signal?.throwIfAborted();
        return await source.get(digest, options);
      }
    }
    const flight = source.get(digest, options);
    this.#flying.set(name, flight);
    try {
      const blob = await flight;
      this.#keep(name, blob);
      return blob;
    } finally {
      this.#flying.delete(name);
    }
  }

  #keep(name: string, blob: Bytes): void {
    if (blob.length > this.#budget || !isWhole(blob)) return;
    this.#kept.set(name, blob);
    this.#size += blob.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#size <= this.#budget) break;
      this.#kept.delete(oldest);
      this.#size -= length;
    }
  }
}

function isWhole(blob: Bytes): boolean {
  try {
    parseBlob(blob);
    return true;
  } catch {
    return false;
  }
}

/** An object that does what `inner` does, but for some of it. */
function over<T extends object>(inner: T, own: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T];
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
