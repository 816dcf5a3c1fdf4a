/**
 * Bytes into a snapshot: cut into chunks, sealed and kept by threads, listed in an index.
 *
 * @module
 */
import { blobKindOf, type SealedBlob } from "@pxar/chunk/blob";
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import { type ByteRange, ChunkRing } from "@pxar/chunk/chunk_ring";
import { cutRules, type CutRulesOptions } from "@pxar/chunk/cut_rules";
import type { Digest } from "@pxar/chunk/digest";
import { scanMemory } from "@pxar/chunk/scan_memory";
import type { ByteSink } from "@pxar/codec/sink";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { ChunkCrew } from "./chunk_crew.ts";
import type { ManifestFile } from "./manifest.ts";
import type { IndexWriter, SnapshotWriter } from "./store.ts";

/** What an archive became. */
export interface ArchiveSummary {
  /** What the manifest is to say of it, but for the crypt mode. */
  readonly file: Omit<ManifestFile, "cryptMode">;
  /** How many chunks it has. */
  readonly chunks: number;
  /** How many of them were not in the store before. */
  readonly newChunks: number;
  /** Length of these, bytes. */
  readonly newBytes: number;
  /** Length of their blobs, bytes. */
  readonly storedBytes: number;
}

/** What is still being worked on, in the order of the archive. */
interface Pending {
  readonly start: number;
  readonly end: number;
  readonly digest: Promise<Digest>;
}

/** Length of a piece that is read at once, bytes. */
const PIECE = 1 << 20;
/** The index is told of at least so many chunks at once. */
const BATCH = 64;

/** How an archive is cut, and written. */
export interface ArchiveWriterOptions extends CutRulesOptions {
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/** Writes one archive. */
export class ArchiveWriter implements ByteSink, AsyncDisposable {
  readonly #name: string;
  readonly #writer: SnapshotWriter;
  readonly #index: IndexWriter;
  readonly #crew: ChunkCrew;
  readonly #ring: ChunkRing;
  readonly #memory: number;
  readonly #signal: AbortSignal | undefined;
  readonly #pending: Pending[] = [];
  readonly #flying = new Set<Promise<void>>();
  #failed: { readonly error: unknown } | undefined;
  #end = 0;
  #newChunks = 0;
  #newBytes = 0;
  #storedBytes = 0;
  #isOpen = true;
  #isBusy = false;

  private constructor(
    name: string,
    writer: SnapshotWriter,
    index: IndexWriter,
    crew: ChunkCrew,
    ring: ChunkRing,
    memory: number,
    signal: AbortSignal | undefined,
  ) {
    this.#name = name;
    this.#writer = writer;
    this.#index = index;
    this.#crew = crew;
    this.#ring = ring;
    this.#memory = memory;
    this.#signal = signal;
  }

  /**
   * Begins an archive.
   *
   * @param name Such as `root.pxar.didx`; its ending is that of `index`.
   * @param writer The snapshot it is to be part of.
   * @param index Begun by `writer.dynamicIndex` or `writer.fixedIndex`.
   * @param crew Started for `writer.direct`; serves several archives at once.
   * @param options Where chunks end: by content unless told otherwise.
   */
  static async open(
    name: string,
    writer: SnapshotWriter,
    index: IndexWriter,
    crew: ChunkCrew,
    options: ArchiveWriterOptions = {},
  ): Promise<ArchiveWriter> {
    const { signal } = options, rules = cutRules(options);
    const { bytes, origin } = scanMemory(4 * rules.max, {
      shared: crew.threads > 0,
    });
    const ring = new ChunkRing(bytes, origin, rules);
    const memory = await crew.addMemory(bytes.buffer);
    return new ArchiveWriter(name, writer, index, crew, ring, memory, signal);
  }

  /**
   * Takes the next bytes.
   *
   * @param piece Copied; any length.
   */
  async write(piece: Bytes): Promise<void> {
    await this.#alone(async () => {
      for (let at = 0; at < piece.length;) {
        const room = this.#ring.reserve(piece.length - at);
        if (room === undefined) await this.#wait();
        else {
          room.set(piece.subarray(at, at + room.length));
          at += room.length;
          await this.#take(room.length);
        }
      }
    });
  }

  /**
   * Takes all bytes of a source, read straight to where they are worked on.
   *
   * @param source Read to its end; not closed.
   * @param onBytes Told how many have been read in all.
   */
  async readFrom(
    source: ByteSource,
    onBytes?: (count: number) => void,
  ): Promise<void> {
    await this.#alone(async () => {
      for (let count = 0;;) {
        const room = this.#ring.reserve(PIECE);
        if (room === undefined) await this.#wait();
        else {
          const got = source.read(room);
          const length = typeof got === "number" ? got : await got;
          if (length === 0) return;
          count += length;
          await this.#take(length);
          onBytes?.(count);
        }
      }
    });
  }

  /** Ends the archive: its index is part of the snapshot then. */
  async finish(): Promise<ArchiveSummary> {
    return await this.#alone(() => this.#finish());
  }

  async #finish(): Promise<ArchiveSummary> {
    const rest = this.#ring.rest();
    if (rest !== undefined) this.#send(rest);
    while (this.#flying.size > 0) await this.#wait();
    this.#throwIfFailed();
    await this.#append(1);
    const { csum, size, count } = await this.#index.close();
    await this[Symbol.asyncDispose]();
    return {
      file: { name: this.#name, csum, size },
      chunks: count,
      newChunks: this.#newChunks,
      newBytes: this.#newBytes,
      storedBytes: this.#storedBytes,
    };
  }

  /** Lets go of its memory, once nobody works on it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await Promise.allSettled(this.#flying);
    // Where the threads are gone, so is their memory.
    await this.#crew.dropMemory(this.#memory).catch(() => {});
  }

  /** Counts bytes that are in the ring, and sends off what chunks they complete. */
  async #take(count: number): Promise<void> {
    this.#throwIfFailed();
    this.#ring.commit(count);
    for (let range; (range = this.#ring.cut()) !== undefined;) {
      this.#send(range);
    }
    if (this.#pending.length >= 2 * BATCH) await this.#append(BATCH);
  }

  #send(range: ByteRange): void {
    const start = this.#end, end = this.#end += range.length;
    const kept = this.#keep(range);
    const digest = kept.then(({ digest }) => digest);
    // Whoever waits for it first learns of an error; the other ones must not end the program.
    digest.catch(() => {});
    this.#pending.push({ start, end, digest });
    const flight = kept.then(
      () => {},
      (error) => void (this.#failed ??= { error }),
    ).finally(() => {
      this.#ring.release(range);
      this.#flying.delete(flight);
    });
    this.#flying.add(flight);
  }

  /** Has a chunk digested and, where it is new, sealed and kept. */
  async #keep(range: ByteRange): Promise<{ readonly digest: Digest }> {
    const crew = this.#crew, at = { memory: this.#memory, ...range };
    if (this.#writer.direct !== undefined) {
      const put = await crew.put(at);
      this.#count(put.existed, put.stored, range.length);
      this.#writer.countPut(put, range.length);
      return put;
    }
    const options = { signal: this.#signal }, { chunks } = this.#writer;
    const digest = await crew.digest(at);
    const there = await chunks.touch(digest, options);
    if (there !== undefined) {
      this.#count(true, there, range.length);
      this.#writer.countPut({ existed: true, stored: there }, range.length);
      return { digest };
    }
    const { header, length } = await crew.seal(at);
    const body = this.#ring.bytes.subarray(range.start, range.start + length);
    const kind = blobKindOf(header)!, size = header.length + body.length;
    const blob: SealedBlob = { header, body, kind, size };
    const put = await chunks.put(digest, blob, options);
    this.#count(put.existed, put.stored, range.length);
    this.#writer.countPut(put, range.length);
    return { digest };
  }

  #count(existed: boolean, stored: number, length: number): void {
    if (existed) return;
    this.#newChunks++;
    this.#newBytes += length;
    this.#storedBytes += stored;
  }

  /** Waits until some chunk is done. */
  async #wait(): Promise<void> {
    this.#signal?.throwIfAborted();
    await Promise.race(this.#flying);
    this.#throwIfFailed();
  }

  /** Tells the index of the chunks whose turn it is, in order, at least `least` of them. */
  async #append(least: number): Promise<void> {
    while (this.#pending.length >= least) {
      const batch: ChunkRef[] = [];
      for (const { start, end, digest } of this.#pending.splice(0, BATCH)) {
        batch.push({ start, end, digest: await digest });
      }
      if (batch.length === 0) return;
      await this.#index.append(batch, { signal: this.#signal });
    }
  }

  #throwIfFailed(): void {
    this.#signal?.throwIfAborted();
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  /** Does one thing at a time: two at once would mix their bytes. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen || this.#isBusy) {
      throw new TypeError(
        `Cannot write to ${this.#name}: ${
          this.#isOpen ? "a write is under way" : "it was ended"
        }`,
      );
    }
    this.#throwIfFailed();
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }
}
