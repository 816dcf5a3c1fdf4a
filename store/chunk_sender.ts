/**
 * From bytes in a ring to chunks in a store and their list in an index; what all archives that are written have in common.
 *
 * @module
 */
import { blobKindOf, type SealedBlob } from "@pxar/chunk/blob";
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import { type ByteRange, ChunkRing } from "@pxar/chunk/chunk_ring";
import type { CutRules } from "@pxar/chunk/cut_rules";
import type { Digest } from "@pxar/chunk/digest";
import { scanMemory } from "@pxar/chunk/scan_memory";
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
  /** How many were put in by name, without their bytes. */
  readonly knownChunks: number;
  /** Length of these, bytes. */
  readonly knownBytes: number;
}

/** A chunk that a store has, by name. */
export interface KnownChunk {
  /** Names it. */
  readonly digest: Digest;
  /** Its length, bytes. */
  readonly size: number;
}

/** What is still being worked on, in the order of the archive. */
interface Pending {
  readonly start: number;
  readonly end: number;
  readonly digest: Digest | Promise<Digest>;
}

/** What a sender works with. */
export interface ChunkSenderParts {
  /** The file that comes of it, such as `root.pxar.didx`. */
  readonly name: string;
  /** The snapshot it is part of. */
  readonly writer: SnapshotWriter;
  /** Its index, begun. */
  readonly index: IndexWriter;
  /** Started for `writer.direct`. */
  readonly crew: ChunkCrew;
  /** Where chunks end. */
  readonly rules: CutRules;
  /** Ends the work. */
  readonly signal: AbortSignal | undefined;
}

/** The index is told of at least so many chunks at once. */
const BATCH = 64;
/** How many chunks of the greatest length there is room for. */
const ROOM = 4;

/** Sends chunks to a store. One call at a time. */
export class ChunkSender implements AsyncDisposable {
  readonly #parts: ChunkSenderParts;
  readonly #ring: ChunkRing;
  readonly #memory: number;
  readonly #pending: Pending[] = [];
  readonly #flying = new Set<Promise<void>>();
  #failed: { readonly error: unknown } | undefined;
  #end = 0;
  #newChunks = 0;
  #newBytes = 0;
  #storedBytes = 0;
  #knownChunks = 0;
  #knownBytes = 0;
  #isOpen = true;
  #isBusy = false;

  private constructor(
    parts: ChunkSenderParts,
    ring: ChunkRing,
    memory: number,
  ) {
    this.#parts = parts;
    this.#ring = ring;
    this.#memory = memory;
  }

  /** Starts with nothing sent. */
  static async open(parts: ChunkSenderParts): Promise<ChunkSender> {
    const { crew, rules } = parts;
    const { bytes, origin } = scanMemory(ROOM * rules.max, {
      shared: crew.threads > 0,
    });
    const ring = new ChunkRing(bytes, origin, rules);
    return new ChunkSender(parts, ring, await crew.addMemory(bytes.buffer));
  }

  /** Memory for the next bytes, up to `most` of them; waits until there is some. To be {@linkcode commit}ted. */
  async room(most: number): Promise<Bytes> {
    for (;;) {
      const room = this.#ring.reserve(most);
      if (room !== undefined) return room;
      await this.#wait();
    }
  }

  /** Counts bytes that were put there. */
  commit(count: number): void {
    this.throwIfFailed();
    this.#ring.commit(count);
  }

  /**
   * Sends off what chunks are complete.
   *
   * @param more Whether a piece of the input is only partly there, see `CutRules.next`.
   */
  cut(more?: boolean): void {
    for (let range; (range = this.#ring.cut(more)) !== undefined;) {
      this.#send(range);
    }
  }

  /** Lists chunks that the store has, behind what was cut. */
  known(chunks: readonly KnownChunk[]): void {
    for (const { digest, size } of chunks) {
      const start = this.#end, end = this.#end += size;
      this.#pending.push({ start, end, digest });
      this.#knownChunks++;
      this.#knownBytes += size;
    }
  }

  /** Tells the index of what is done, where that is worth it. */
  async settle(): Promise<void> {
    if (this.#pending.length >= 2 * BATCH) await this.#append(BATCH);
  }

  /** Ends the archive: its index is part of the snapshot then. */
  async finish(): Promise<ArchiveSummary> {
    const rest = this.#ring.rest();
    if (rest !== undefined) this.#send(rest);
    while (this.#flying.size > 0) await this.#wait();
    this.throwIfFailed();
    await this.#append(1);
    const { index, name } = this.#parts;
    const { csum, size, count } = await index.close();
    await this[Symbol.asyncDispose]();
    return {
      file: { name, csum, size },
      chunks: count,
      newChunks: this.#newChunks,
      newBytes: this.#newBytes,
      storedBytes: this.#storedBytes,
      knownChunks: this.#knownChunks,
      knownBytes: this.#knownBytes,
    };
  }

  /** How many bytes are in the ring that belong to no chunk yet. */
  get pending(): number {
    return this.#ring.pending;
  }

  /** Lets go of its memory, once nobody works on it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await Promise.allSettled(this.#flying);
    // Where the threads are gone, so is their memory.
    await this.#parts.crew.dropMemory(this.#memory).catch(() => {});
  }

  /** Throws what went wrong with a chunk, or the signal's reason. */
  throwIfFailed(): void {
    this.#parts.signal?.throwIfAborted();
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  /** Does one thing at a time: two at once would mix their bytes. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen || this.#isBusy) {
      throw new TypeError(
        `Cannot write to ${this.#parts.name}: ${
          this.#isOpen ? "a write is under way" : "it was ended"
        }`,
      );
    }
    this.throwIfFailed();
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
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
    const { crew, writer, signal } = this.#parts;
    const at = { memory: this.#memory, ...range };
    if (writer.direct !== undefined) {
      const put = await crew.put(at);
      this.#count(put.existed, put.stored, range.length);
      writer.countPut(put, range.length);
      return put;
    }
    const options = { signal }, { chunks } = writer;
    const digest = await crew.digest(at);
    const there = await chunks.touch(digest, options);
    if (there !== undefined) {
      this.#count(true, there, range.length);
      writer.countPut({ existed: true, stored: there }, range.length);
      return { digest };
    }
    const { header, length } = await crew.seal(at);
    const body = this.#ring.bytes.subarray(range.start, range.start + length);
    const kind = blobKindOf(header)!, size = header.length + body.length;
    const blob: SealedBlob = { header, body, kind, size };
    const put = await chunks.put(digest, blob, options);
    this.#count(put.existed, put.stored, range.length);
    writer.countPut(put, range.length);
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
    this.#parts.signal?.throwIfAborted();
    await Promise.race(this.#flying);
    this.throwIfFailed();
  }

  /** Tells the index of the chunks whose turn it is, in order, at least `least` of them. */
  async #append(least: number): Promise<void> {
    const { index, signal } = this.#parts;
    while (this.#pending.length >= least) {
      const batch: ChunkRef[] = [];
      for (const { start, end, digest } of this.#pending.splice(0, BATCH)) {
        batch.push({ start, end, digest: await digest });
      }
      if (batch.length === 0) return;
      await index.append(batch, { signal });
    }
  }
}
