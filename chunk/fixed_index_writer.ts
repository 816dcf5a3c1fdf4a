// The other direction of fixed_index.ts.
import { type Bytes, ByteWriter } from "@pxar/format/bytes";
import type { Digest } from "./digest.ts";
import { csumOf, isPowerOfTwo } from "./fixed_digests.ts";
import {
  BATCH,
  CSUM_AT,
  HASH_SIZE,
  HEADER_SIZE,
  NewHeader,
  requireDigest,
} from "./index_file.ts";
import type {
  IndexSink,
  IndexWriterOptions,
  WrittenIndex,
} from "./index_sink.ts";
import { type Sha256, sha256 } from "./sha256.ts";

/**
 * Writes the index of an image. Chunks may come in any order; where one never comes, or not yet, its digest is zero.
 *
 * In memory there are 32 KiB of it, however long it becomes. Chunks in order are written in batches; if any other order was met, the checksum is computed by reading
 * the file again.
 *
 * @example
 * ```ts
 * import { digestOf } from "@pxar/chunk/digest";
 * import { FixedIndexWriter, openFixedIndex } from "@pxar/chunk/fixed_index";
 * import { MemoryIndexSink } from "@pxar/chunk/index_sink";
 * import { bytesAccess } from "@pxar/codec/random_access";
 *
 * const file = new MemoryIndexSink();
 * const writer = new FixedIndexWriter(file, 6000, 4096);
 * await writer.put(4096, 6000, digestOf(new Uint8Array(1904)));
 * await writer.put(0, 4096, digestOf(new Uint8Array(4096)));
 * await writer.close();
 * const index = await openFixedIndex(bytesAccess(file.bytes));
 * console.assert(index.count === 2 && await index.find(5000) === 1);
 * ```
 */
export class FixedIndexWriter {
  /** 16 bytes, as in the header. */
  readonly uuid: Bytes;
  /** When it was made, seconds since 1970. */
  readonly ctime: number;
  /** Length of the image, bytes. */
  readonly size: number;
  /** Length of a chunk, bytes. */
  readonly chunkSize: number;
  /** How many chunks it has. */
  readonly count: number;
  readonly #sink: IndexSink;
  readonly #header: NewHeader;
  readonly #hash: Sha256 = sha256();
  /** Digests not yet written: those of the chunks from `#first` to `#next`. */
  readonly #digests = new ByteWriter(new Uint8Array(BATCH * HASH_SIZE));
  #first = 0;
  #next = 0;
  #begun = false;
  /** Whether every chunk so far came right behind the one before. */
  #inOrder = true;
  /** Number behind the last chunk that has a place in the file. */
  #reached = 0;

  /**
   * Starts an index of chunks that were never written; nothing is written yet.
   *
   * @param sink Where the file goes; not closed.
   * @param size Length of the image in bytes, 1 or more.
   * @param chunkSize Length of a chunk in bytes, a power of two.
   * @param options What stands in the header.
   * @throws {RangeError} If a size is not as it should be, the uuid does not have 16 bytes or the time is no whole number.
   */
  constructor(
    sink: IndexSink,
    size: number,
    chunkSize: number,
    options: IndexWriterOptions = {},
  ) {
    if (!(Number.isSafeInteger(size) && size > 0)) {
      throw new RangeError(
        `Cannot write index: image has ${size} bytes, expected one or more`,
      );
    }
    if (!isPowerOfTwo(chunkSize)) {
      throw new RangeError(
        `Cannot write index: chunk size is ${chunkSize}, expected a power of two`,
      );
    }
    this.#sink = sink;
    this.size = size;
    this.chunkSize = chunkSize;
    this.count = Math.ceil(size / chunkSize);
    this.#header = new NewHeader("fixed", options);
    this.uuid = this.#header.uuid;
    this.ctime = this.#header.ctime;
  }

  /**
   * Takes a chunk, in place of the one that may have been put there before.
   *
   * @param start Where in the image it starts, bytes; a multiple of the chunk size.
   * @param end Where it ends: one chunk size later, or with the image.
   * @param digest Its digest; copied.
   * @returns Nothing, or a promise where the sink has to be waited for before the next call.
   * @throws {RangeError} If there is no such chunk, or the digest does not have 32 bytes.
   * @throws {TypeError} If it is not the next one and the sink cannot be read.
   */
  put(start: number, end: number, digest: Digest): void | Promise<void> {
    const number = start / this.chunkSize;
    if (
      !(Number.isSafeInteger(number) && number >= 0 && number < this.count &&
        end === Math.min(start + this.chunkSize, this.size))
    ) {
      throw new RangeError(
        `Cannot write index: chunk has bytes ${start} to ${end}, expected ${this.chunkSize} from a multiple of that, up to ${this.size}`,
      );
    }
    requireDigest(digest);
    if (number === this.#next) return this.#append(digest);
    if (this.#sink.read === undefined) {
      throw new TypeError(
        `Cannot write index: chunk ${number} comes after ${
          this.#next - 1
        } and the sink cannot be read, expected chunks in order`,
      );
    }
    return this.#jump(number, digest);
  }

  /**
   * Writes what is left, and the checksum into the header.
   *
   * @returns What a manifest says of it.
   */
  async close(): Promise<WrittenIndex> {
    await this.#flush();
    if (this.#reached < this.count) {
      this.#inOrder = false;
      await this.#sink.write(
        HEADER_SIZE + (this.count - 1) * HASH_SIZE,
        new Uint8Array(HASH_SIZE),
      );
    }
    const csum = this.#inOrder ? this.#hash.digest() : await this.#readBack();
    await this.#sink.write(CSUM_AT, csum);
    return { csum, size: this.size, count: this.count };
  }

  #append(digest: Digest): void | Promise<void> {
    this.#digests.bytes(digest);
    this.#next++;
    if (this.#digests.room < HASH_SIZE) return this.#flush();
  }

  async #jump(number: number, digest: Digest): Promise<void> {
    const copy = digest.slice();
    await this.#flush();
    this.#inOrder = false;
    this.#first = this.#next = number;
    await this.#append(copy);
  }

  async #flush(): Promise<void> {
    if (!this.#begun) {
      this.#begun = true;
      await this.#header.write(this.#sink, (writer) => {
        writer.u64(this.size);
        writer.u64(this.chunkSize);
      });
    }
    const { written } = this.#digests;
    if (this.#inOrder) this.#hash.update(written);
    if (written.length > 0) {
      await this.#sink.write(HEADER_SIZE + this.#first * HASH_SIZE, written);
    }
    this.#first = this.#next;
    this.#reached = Math.max(this.#reached, this.#next);
    this.#digests.rewind();
  }

  async #readBack(): Promise<Bytes> {
    const sink = this.#sink;
    if (sink.read === undefined) {
      throw new TypeError(
        "Cannot write index: chunks are missing and the sink cannot be read, expected all of them",
      );
    }
    return await csumOf({
      size: HEADER_SIZE + this.count * HASH_SIZE,
      read: (offset, into) => sink.read!(offset, into),
      close: undefined,
    }, this.count);
  }
}
