/**
 * Indexes of images (`.fidx`): chunks of one length, the last one shorter; only digests are stored.
 *
 * |       bytes | field      | type                                    |
 * | ----------: | :--------- | :-------------------------------------- |
 * |        0..8 | magic      | 2f 7f 41 ed 91 fd 0f cd                 |
 * |       8..24 | uuid       | 16 bytes                                |
 * |      24..32 | ctime      | i64, seconds since 1970                 |
 * |      32..64 | csum       | SHA-256 of all digests                  |
 * |      64..72 | size       | u64, length of the image in bytes       |
 * |      72..80 | chunk size | u64, length of a chunk, a power of two  |
 * |    80..4096 | reserved   | zero                                    |
 * | 4096 + 32 i | digest i   | zero where the chunk was never written  |
 *
 * Source: spec D.1, D.3, D.4.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import { ByteReader, type Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import type { ChunkIndex, ChunkRef } from "./chunk_index.ts";
import { csumOf, isPowerOfTwo } from "./fixed_digests.ts";
import {
  entryBytes,
  HASH_SIZE,
  HEADER_SIZE,
  type IndexHeader,
  openOrClose,
  readHeader,
  requireNumber,
  requireOffset,
  requireRange,
  Slots,
} from "./index_file.ts";

export { FixedIndexWriter } from "./fixed_index_writer.ts";

/** Where in the header the sizes stand. */
const SIZE_AT = 64, CHUNK_SIZE_AT = 72;

/**
 * Opens the index of an image. Its header is read; a few blocks of it, 4 MiB at most, are kept in memory.
 *
 * @param access The file; closed with the index, also if opening fails.
 * @throws {FormatError} If it is no such index, the image is empty, the chunk size is no power of two, or the file has more or less than a digest for each chunk.
 */
export async function openFixedIndex(
  access: RandomAccess,
): Promise<ChunkIndex> {
  return await openOrClose(access, async (access) => {
    const { header, reader } = await readHeader(access, "fixed");
    const size = reader.u64(), chunkSize = reader.u64();
    if (size === 0) {
      throw new FormatError(
        `Cannot read index at byte ${SIZE_AT}: image has no bytes, expected one or more`,
        { offset: SIZE_AT },
      );
    }
    if (!isPowerOfTwo(chunkSize)) {
      throw new FormatError(
        `Cannot read index at byte ${CHUNK_SIZE_AT}: chunk size is ${chunkSize}, expected a power of two`,
        { offset: CHUNK_SIZE_AT },
      );
    }
    const count = Math.ceil(size / chunkSize);
    const length = HEADER_SIZE + count * HASH_SIZE;
    if (access.size !== length) {
      throw new FormatError(
        `Cannot read index: file has ${access.size} bytes, expected ${length} for ${count} chunks`,
        { offset: Math.min(access.size, length) },
      );
    }
    return new FixedIndex(access, header, size, chunkSize);
  });
}

class FixedIndex implements ChunkIndex {
  readonly kind = "fixed";
  readonly size: number;
  readonly count: number;
  readonly chunkSize: number;
  readonly uuid: Bytes;
  readonly ctime: number;
  readonly headerCsum: Bytes;
  readonly #access: RandomAccess;
  readonly #slots = new Slots(HASH_SIZE);

  constructor(
    access: RandomAccess,
    header: IndexHeader,
    size: number,
    chunkSize: number,
  ) {
    this.#access = access;
    this.size = size;
    this.chunkSize = chunkSize;
    this.count = Math.ceil(size / chunkSize);
    this.uuid = header.uuid;
    this.ctime = header.ctime;
    this.headerCsum = header.csum;
  }

  chunk(number: number): ChunkRef | Promise<ChunkRef> {
    requireNumber(number, this.count);
    return this.#slots.read(
      this.#access,
      HEADER_SIZE + number * HASH_SIZE,
      HASH_SIZE,
      (reader) => this.#next(reader, number),
    );
  }

  find(offset: number): number | undefined {
    requireOffset(offset);
    return offset < this.size ? Math.floor(offset / this.chunkSize) : undefined;
  }

  async *chunks(
    from = 0,
    to: number = this.count,
  ): AsyncGenerator<readonly ChunkRef[], void, void> {
    requireRange(from, to, this.count);
    let number = from;
    for await (const bytes of entryBytes(this.#access, HASH_SIZE, from, to)) {
      const reader = new ByteReader(bytes);
      const batch: ChunkRef[] = [];
      while (reader.remaining > 0) batch.push(this.#next(reader, number++));
      yield batch;
    }
  }

  async csum(options: { signal?: AbortSignal | undefined } = {}): Promise<
    Bytes
  > {
    return await csumOf(this.#access, this.count, options.signal);
  }

  async close(): Promise<void> {
    await this.#access.close?.();
  }

  #next(reader: ByteReader, number: number): ChunkRef {
    const start = number * this.chunkSize;
    return {
      start,
      end: Math.min(start + this.chunkSize, this.size),
      digest: reader.copy(HASH_SIZE),
    };
  }
}
