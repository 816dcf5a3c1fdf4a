/**
 * Indexes of archives (`.didx`): chunks of any length, each with its end and its digest.
 *
 * |        bytes | field    | type                                    |
 * | -----------: | :------- | :-------------------------------------- |
 * |         0..8 | magic    | 1c 91 4e a5 19 ba b3 cd                 |
 * |        8..24 | uuid     | 16 bytes                                |
 * |       24..32 | ctime    | i64, seconds since 1970                 |
 * |       32..64 | csum     | SHA-256 of all entries, as they stand   |
 * |     64..4096 | reserved | zero                                    |
 * | 4096 + 40 i  | entry i  | u64, where the chunk ends; its digest   |
 *
 * Source: spec D.2, D.3, D.4.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import { ByteReader, type Bytes, ByteWriter } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import type { ChunkIndex, ChunkRef } from "./chunk_index.ts";
import type { Digest } from "./digest.ts";
import { END, EndSearch, ENTRY, refuseEnd } from "./end_search.ts";
import {
  BATCH,
  CSUM_AT,
  entryBytes,
  HASH_SIZE,
  HEADER_SIZE,
  type IndexHeader,
  NewHeader,
  openOrClose,
  readHeader,
  requireDigest,
  requireNumber,
  requireOffset,
  requireRange,
  Slots,
} from "./index_file.ts";
import type {
  IndexSink,
  IndexWriterOptions,
  WrittenIndex,
} from "./index_sink.ts";
import { type Sha256, sha256 } from "./sha256.ts";

/**
 * Opens the index of an archive. Its header and last entry are read; a few blocks of it, 4 MiB at most, are kept in memory.
 *
 * @param access The file; closed with the index, also if opening fails.
 * @throws {FormatError} If it is no such index, has no chunk, or its length is not that of whole entries.
 */
export async function openDynamicIndex(
  access: RandomAccess,
): Promise<ChunkIndex> {
  return await openOrClose(access, async (access) => {
    const { header } = await readHeader(access, "dynamic");
    const count = (access.size - HEADER_SIZE) / ENTRY;
    if (!(Number.isSafeInteger(count) && count > 0)) {
      throw new FormatError(
        `Cannot read index: file has ${access.size} bytes, expected a header of ${HEADER_SIZE} and one or more entries of ${ENTRY}`,
        { offset: access.size },
      );
    }
    const slots = new Slots(2 * ENTRY);
    const size = await slots.read(
      access,
      access.size - ENTRY,
      END,
      (reader) => reader.u64(),
    );
    return new DynamicIndex(access, header, count, size, slots);
  });
}

class DynamicIndex implements ChunkIndex {
  readonly kind = "dynamic";
  readonly size: number;
  readonly count: number;
  readonly chunkSize = undefined;
  readonly uuid: Bytes;
  readonly ctime: number;
  readonly headerCsum: Bytes;
  readonly #access: RandomAccess;
  readonly #slots: Slots;
  readonly #search: EndSearch;

  constructor(
    access: RandomAccess,
    header: IndexHeader,
    count: number,
    size: number,
    slots: Slots,
  ) {
    this.#access = access;
    this.#slots = slots;
    this.#search = new EndSearch(access, count, size);
    this.count = count;
    this.size = size;
    this.uuid = header.uuid;
    this.ctime = header.ctime;
    this.headerCsum = header.csum;
  }

  chunk(number: number): ChunkRef | Promise<ChunkRef> {
    requireNumber(number, this.count);
    const before = Math.min(number, 1), first = number - before;
    return this.#slots.read(
      this.#access,
      HEADER_SIZE + first * ENTRY,
      (1 + before) * ENTRY,
      (reader) => {
        const start = before === 0 ? 0 : reader.u64();
        if (before > 0) reader.skip(HASH_SIZE);
        return this.#next(reader, number, start);
      },
    );
  }

  find(offset: number): number | undefined | Promise<number | undefined> {
    requireOffset(offset);
    return offset < this.size ? this.#search.find(offset) : undefined;
  }

  async *chunks(
    from = 0,
    to: number = this.count,
  ): AsyncGenerator<readonly ChunkRef[], void, void> {
    requireRange(from, to, this.count);
    if (from === to) return;
    let number = from;
    let start = from === 0 ? 0 : (await this.chunk(from)).start;
    for await (const bytes of entryBytes(this.#access, ENTRY, from, to)) {
      const reader = new ByteReader(
        bytes,
        HEADER_SIZE + number * ENTRY,
      );
      const batch: ChunkRef[] = [];
      while (reader.remaining > 0) {
        const ref = this.#next(reader, number++, start);
        batch.push(ref);
        start = ref.end;
      }
      yield batch;
    }
  }

  async csum(options: { signal?: AbortSignal | undefined } = {}): Promise<
    Bytes
  > {
    const hash = sha256();
    const entries = entryBytes(
      this.#access,
      ENTRY,
      0,
      this.count,
      options.signal,
    );
    let number = 0, start = 0;
    for await (const bytes of entries) {
      hash.update(bytes);
      const reader = new ByteReader(bytes, HEADER_SIZE + number * ENTRY);
      while (reader.remaining > 0) {
        start = this.#end(reader, number++, start);
        reader.skip(HASH_SIZE);
      }
    }
    return hash.digest();
  }

  async close(): Promise<void> {
    await this.#access.close?.();
  }

  #next(reader: ByteReader, number: number, start: number): ChunkRef {
    const end = this.#end(reader, number, start);
    return { start, end, digest: reader.copy(HASH_SIZE) };
  }

  /** Reads an end, which must be behind the one before; and only the last one is that of the archive. */
  #end(reader: ByteReader, number: number, start: number): number {
    const end = reader.u64();
    const most = number === this.count - 1 ? this.size : this.size - 1;
    if (end <= start || end > most) refuseEnd(number, end, start, most);
    return end;
  }
}

/**
 * Writes the index of an archive; in memory there are 40 KiB of it, however long it becomes.
 *
 * @example
 * ```ts
 * import { digestOf } from "@pxar/chunk/digest";
 * import { DynamicIndexWriter, openDynamicIndex } from "@pxar/chunk/dynamic_index";
 * import { MemoryIndexSink } from "@pxar/chunk/index_sink";
 * import { bytesAccess } from "@pxar/codec/random_access";
 *
 * const file = new MemoryIndexSink();
 * const writer = new DynamicIndexWriter(file);
 * await writer.append(5, digestOf(new TextEncoder().encode("hello")));
 * await writer.close();
 * const index = await openDynamicIndex(bytesAccess(file.bytes));
 * console.assert(index.size === 5 && await index.find(4) === 0);
 * ```
 */
export class DynamicIndexWriter {
  /** 16 bytes, as in the header. */
  readonly uuid: Bytes;
  /** When it was made, seconds since 1970. */
  readonly ctime: number;
  readonly #sink: IndexSink;
  readonly #header: NewHeader;
  readonly #hash: Sha256 = sha256();
  readonly #entries: ByteWriter = new ByteWriter(new Uint8Array(BATCH * ENTRY));
  #size = 0;
  #count = 0;
  #written = 0;

  /**
   * Starts an index without chunks; nothing is written yet.
   *
   * @param sink Where the file goes; not closed.
   * @param options What stands in the header.
   * @throws {RangeError} If the uuid does not have 16 bytes or the time is no whole number.
   */
  constructor(sink: IndexSink, options: IndexWriterOptions = {}) {
    this.#sink = sink;
    this.#header = new NewHeader("dynamic", options);
    this.uuid = this.#header.uuid;
    this.ctime = this.#header.ctime;
  }

  /** Length of the archive so far, bytes. */
  get size(): number {
    return this.#size;
  }

  /** How many chunks there are so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes the next chunk.
   *
   * @param end Where in the archive it ends, bytes; it starts where the one before ended.
   * @param digest Its digest; copied.
   * @returns Nothing, or a promise where the sink has to be waited for before the next call.
   * @throws {RangeError} If it does not end behind the one before, or the digest does not have 32 bytes.
   */
  append(end: number, digest: Digest): void | Promise<void> {
    if (!(Number.isSafeInteger(end) && end > this.#size)) {
      throw new RangeError(
        `Cannot write index: chunk ${this.#count} ends at byte ${end}, expected more than ${this.#size}`,
      );
    }
    requireDigest(digest);
    this.#entries.u64(end);
    this.#entries.bytes(digest);
    this.#size = end;
    this.#count++;
    if (this.#entries.room < ENTRY) return this.#flush();
  }

  /**
   * Writes what is left, and the checksum into the header.
   *
   * @returns What a manifest says of it.
   * @throws {RangeError} If there is no chunk.
   */
  async close(): Promise<WrittenIndex> {
    if (this.#count === 0) {
      throw new RangeError(
        "Cannot write index: it has no chunks, expected one or more",
      );
    }
    await this.#flush();
    const csum = this.#hash.digest();
    await this.#sink.write(CSUM_AT, csum);
    return { csum, size: this.#size, count: this.#count };
  }

  async #flush(): Promise<void> {
    if (this.#written === 0) {
      await this.#header.write(this.#sink);
      this.#written = HEADER_SIZE;
    }
    const { written } = this.#entries;
    this.#hash.update(written);
    if (written.length > 0) await this.#sink.write(this.#written, written);
    this.#written += written.length;
    this.#entries.rewind();
  }
}
