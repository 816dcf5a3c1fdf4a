/**
 * Keeps what was read lately, in blocks, so that many small reads close together become few.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { RandomAccess } from "./random_access.ts";

/** How a {@linkcode blockCache} keeps what it reads. */
export interface BlockCacheOptions {
  /** Length of a block, bytes; 4096 unless told. Where each read is a journey (HTTP), 64 KiB serve better. */
  readonly block?: number | undefined;
  /** Most bytes kept, at least one block; 4 MiB unless told. */
  readonly budget?: number | undefined;
}

/** Reads of this many blocks and more go past the cache. */
const LARGE = 8;

/**
 * Puts a bounded memory of blocks, the least recently used dropped first, in front of something slower.
 *
 * Several readers that want the same block at once cause one read. Reads whose blocks are all at hand do not wait.
 *
 * @param access Where the bytes come from; closed with the cache.
 * @param options Length of a block and of the memory.
 * @returns The same bytes.
 */
export function blockCache(
  access: RandomAccess,
  options: BlockCacheOptions = {},
): RandomAccess {
  return new BlockCache(access, options);
}

class BlockCache implements RandomAccess {
  readonly size: number;
  readonly close: (() => void | Promise<void>) | undefined;
  readonly #access: RandomAccess;
  readonly #block: number;
  readonly #most: number;
  /** In the order of use; the last was used last. */
  readonly #blocks = new Map<number, Bytes>();
  readonly #flying = new Map<number, Promise<Bytes>>();
  /** The block used last, which is most often the one wanted next. */
  #last = -1;
  #lastBytes: Bytes | undefined;

  constructor(
    access: RandomAccess,
    { block = 4096, budget = 4 << 20 }: BlockCacheOptions,
  ) {
    if (!Number.isSafeInteger(block) || block < 1) {
      throw new RangeError(
        `Cannot cache blocks of ${block} bytes: expected 1 or more`,
      );
    }
    this.size = access.size;
    this.close = access.close && (() => {
      this.#drop();
      return access.close?.();
    });
    this.#access = access;
    this.#block = block;
    this.#most = Math.max(1, Math.floor(budget / block));
  }

  read(offset: number, into: Bytes): number | Promise<number> {
    if (into.length >= LARGE * this.#block) {
      return this.#access.read(offset, into);
    }
    return this.#copy(offset, into, 0);
  }

  /** Goes on from `filled` on without waiting as long as it can. */
  #copy(offset: number, into: Bytes, filled: number): number | Promise<number> {
    while (filled < into.length && offset + filled < this.size) {
      const at = offset + filled, number = Math.floor(at / this.#block);
      const bytes = this.#take(number);
      if (bytes instanceof Promise) {
        return bytes.then((bytes) => {
          const count = this.#part(bytes, at, into, filled);
          return count === 0
            ? filled
            : this.#copy(offset, into, filled + count);
        });
      }
      const count = this.#part(bytes, at, into, filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  #part(bytes: Bytes, at: number, into: Bytes, filled: number): number {
    const from = at % this.#block,
      part = bytes.subarray(from, from + into.length - filled);
    into.set(part, filled);
    return part.length;
  }

  #take(number: number): Bytes | Promise<Bytes> {
    if (number === this.#last) return this.#lastBytes!;
    const kept = this.#blocks.get(number);
    if (kept !== undefined) {
      this.#blocks.delete(number);
      return this.#keep(number, kept);
    }
    const flying = this.#flying.get(number);
    if (flying !== undefined) return flying;
    const from = number * this.#block;
    const bytes = new Uint8Array(Math.min(this.#block, this.size - from));
    const got = this.#access.read(from, bytes);
    if (typeof got === "number") {
      return this.#keep(number, bytes.subarray(0, got));
    }
    const flight = got.then(
      (got) => {
        this.#flying.delete(number);
        return this.#keep(number, bytes.subarray(0, got));
      },
      (error) => {
        this.#flying.delete(number);
        throw error;
      },
    );
    this.#flying.set(number, flight);
    return flight;
  }

  #keep(number: number, bytes: Bytes): Bytes {
    this.#blocks.set(number, bytes);
    if (this.#blocks.size > this.#most) {
      for (const oldest of this.#blocks.keys()) {
        this.#blocks.delete(oldest);
        break;
      }
    }
    this.#last = number;
    this.#lastBytes = bytes;
    return bytes;
  }

  #drop(): void {
    this.#blocks.clear();
    this.#last = -1;
    this.#lastBytes = undefined;
  }
}
