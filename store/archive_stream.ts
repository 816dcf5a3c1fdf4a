/**
 * An archive of a snapshot, read in order at the speed of all processors: threads fetch and open the chunks ahead.
 *
 * @module
 */
import { MAX_CHUNK } from "@pxar/chunk/cut_rules";
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import type { ChunkSource } from "@pxar/chunk/chunk_source";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, IntegrityError } from "@pxar/format/errors";
import type { ChunkCrew } from "./chunk_crew.ts";
import type { Direct } from "./store.ts";

/** How an archive is read. */
export interface ArchiveStreamOptions {
  /** Whether all chunks are encrypted: what the manifest says of the file. */
  readonly encrypted: boolean;
  /** Whether it is read beside other work, so that no threads are to be started for it; not unless told. */
  readonly aside?: boolean | undefined;
  /** Memory for chunks that are there or on their way, bytes; 48 MiB unless told. */
  readonly budget?: number | undefined;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/** A chunk that is there or on its way. */
interface Flight {
  /** Where it lies in the memory. */
  readonly at: number;
  readonly ref: ChunkRef;
  readonly done: Promise<void>;
}

/** How many chunks are sent for at first, and where bytes were passed over: more might be passed over, too. */
const FIRST_AHEAD = 2;
/** How many at most. */
const MOST_AHEAD = 256;

/**
 * Reads an archive in order, and passes over what is not wanted: chunks that nobody reads from are not fetched, but for some that were sent for already.
 *
 * One call at a time.
 */
export class ArchiveReader implements ByteSource {
  readonly #index: ChunkIndex;
  readonly #source: ChunkSource & Partial<Direct>;
  readonly #crew: ChunkCrew;
  readonly #encrypted: boolean;
  readonly #aside: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #memory: Bytes;
  readonly #id: number;
  /** In order: their memory goes round. */
  readonly #queue: Flight[] = [];
  #refs: AsyncIterator<ChunkRef, undefined, void>;
  /** The one that is sent for next. */
  #next: ChunkRef | undefined;
  #begun = false;
  #ahead = FIRST_AHEAD;
  /** The next byte to be read. */
  #position = 0;
  /** The one that is read from. */
  #ready: Flight | undefined;
  readonly #damaged: ChunkRef[] = [];

  private constructor(
    index: ChunkIndex,
    source: ChunkSource & Partial<Direct>,
    crew: ChunkCrew,
    { encrypted, aside = false, signal }: ArchiveStreamOptions,
    memory: Bytes,
    id: number,
  ) {
    this.#index = index;
    this.#source = source;
    this.#crew = crew;
    this.#encrypted = encrypted;
    this.#aside = aside;
    this.#signal = signal;
    this.#memory = memory;
    this.#id = id;
    this.#refs = refsOf(index, 0);
  }

  /**
   * Starts at the first byte; nothing is fetched yet.
   *
   * @param index The archive's chunks; not closed.
   * @param source Where they are; threads fetch them by themselves where that is possible.
   * @param crew Started for `source.direct`.
   * @param options What the manifest says.
   */
  static async open(
    index: ChunkIndex,
    source: ChunkSource & Partial<Direct>,
    crew: ChunkCrew,
    options: ArchiveStreamOptions,
  ): Promise<ArchiveReader> {
    const { budget = 48 << 20 } = options;
    const size = Math.max(budget, MAX_CHUNK);
    const memory = new Uint8Array(
      crew.threads > 0
        ? new SharedArrayBuffer(size) as unknown as ArrayBuffer
        : new ArrayBuffer(size),
    );
    const id = await crew.addMemory(memory.buffer);
    return new ArchiveReader(index, source, crew, options, memory, id);
  }

  /** Chunks that were met and were not what they must be. Reading can go on behind one, by {@linkcode skip}. */
  get damaged(): readonly ChunkRef[] {
    return this.#damaged;
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.#position;
  }

  /**
   * What is left of the chunk at hand, without a copy.
   *
   * @returns Valid until the next call; may lie in shared memory. `undefined` at the end.
   * @throws {IntegrityError} If a chunk is not what its digest says.
   * @throws {NotFoundError} If one is missing.
   * @throws {FormatError} If one is too long, or the index is damaged.
   */
  async piece(): Promise<Bytes | undefined> {
    const piece = this.#atHand() ?? await this.#wait();
    if (piece !== undefined) this.#position += piece.length;
    return piece;
  }

  /** As {@linkcode ByteSource.read}; throws as {@linkcode piece}. */
  read(into: Bytes): number | Promise<number> {
    const piece = this.#atHand();
    if (piece !== undefined) return this.#give(piece, into);
    return this.#wait().then((piece) =>
      piece === undefined ? 0 : this.#give(piece, into)
    );
  }

  /** As {@linkcode ByteSource.skip}. */
  readonly skip = async (count: number): Promise<number> => {
    const from = this.#position;
    const to = Math.min(this.#index.size, from + count);
    this.#position = to;
    const last = this.#queue.at(-1)?.ref;
    if (last !== undefined && to < last.end) return to - from;
    if (this.#next !== undefined && to < this.#next.end) return to - from;
    // What was sent for is not wanted; its memory is free when it has come.
    this.#ahead = FIRST_AHEAD;
    const number = await this.#index.find(to);
    this.#refs = refsOf(this.#index, number ?? this.#index.count);
    this.#next = (await this.#refs.next()).value;
    this.#begun = true;
    return to - from;
  };

  /** Lets go of its memory once nobody works on it any more. */
  readonly close = async (): Promise<void> => {
    await Promise.allSettled(this.#queue.map(({ done }) => done));
    this.#queue.length = 0;
    await this.#crew.dropMemory(this.#id);
  };

  #atHand(): Bytes | undefined {
    const flight = this.#ready;
    if (flight === undefined || this.#position >= flight.ref.end) {
      return undefined;
    }
    const { at, ref: { start, end } } = flight;
    return this.#memory.subarray(at + this.#position - start, at + end - start);
  }

  #give(piece: Bytes, into: Bytes): number {
    const part = piece.length > into.length
      ? piece.subarray(0, into.length)
      : piece;
    into.set(part);
    this.#position += part.length;
    return part.length;
  }

  /** Waits for the chunk that the next byte is in. */
  async #wait(): Promise<Bytes | undefined> {
    this.#ready = undefined;
    if (this.#position >= this.#index.size) return undefined;
    for (;;) {
      this.#signal?.throwIfAborted();
      const first = this.#queue[0];
      if (first !== undefined && first.ref.end <= this.#position) {
        // Passed over, or read.
        await first.done.catch(() => {});
        this.#queue.shift();
        continue;
      }
      await this.#send();
      const flight = this.#queue[0];
      if (flight === undefined) return undefined;
      // No index says that a chunk is empty; one that did would be passed over here.
      if (flight.ref.end <= this.#position) continue;
      await flight.done;
      this.#signal?.throwIfAborted();
      this.#ahead = Math.min(MOST_AHEAD, 2 * this.#ahead);
      this.#ready = flight;
      return this.#atHand();
    }
  }

  /** Sends for what comes next, as far as there is memory. */
  async #send(): Promise<void> {
    if (!this.#begun) {
      this.#begun = true;
      this.#next = (await this.#refs.next()).value;
    }
    while (this.#next !== undefined && this.#queue.length < this.#ahead) {
      const ref = this.#next, length = ref.end - ref.start;
      if (length > MAX_CHUNK) {
        if (this.#queue.length > 0) return;
        throw new FormatError(
          `Cannot read archive at byte ${ref.start}: a chunk has ${length} bytes, expected ${MAX_CHUNK} at most`,
          { offset: ref.start },
        );
      }
      const at = this.#place(length);
      if (at === undefined) return;
      const done = this.#open(ref, at);
      // Seen when its turn comes.
      done.catch(() => {});
      this.#queue.push({ at, ref, done });
      this.#next = (await this.#refs.next()).value;
    }
  }

  #place(length: number): number | undefined {
    const tail = this.#queue[0], last = this.#queue.at(-1);
    if (tail === undefined || last === undefined) return 0;
    const head = last.at + last.ref.end - last.ref.start;
    if (last.at < tail.at) {
      // One byte stays free before the tail: a start at the tail must only ever mean that nothing goes round.
      return head + length < tail.at ? head : undefined;
    }
    if (head + length <= this.#memory.length) return head;
    return length < tail.at ? 0 : undefined;
  }

  async #open(ref: ChunkRef, at: number): Promise<void> {
    const { start, end, digest } = ref;
    const to = { memory: this.#id, start: at, length: end - start };
    const blob = this.#source.direct === undefined
      ? await this.#source.get(digest, { signal: this.#signal })
      : undefined;
    try {
      const weight = this.#aside ? 0 : to.length;
      await this.#crew.open(to, digest, this.#encrypted, blob, weight);
    } catch (error) {
      if (error instanceof FormatError || error instanceof IntegrityError) {
        this.#damaged.push(ref);
      }
      throw error;
    }
  }
}

/**
 * Reads an archive in order.
 *
 * @param index Its chunks; not closed.
 * @param source Where they are; threads fetch them by themselves where that is possible.
 * @param crew Started for `source.direct`.
 * @param options What the manifest says.
 * @returns Pieces, one a chunk; each is valid until the next is asked for, and may lie in shared memory.
 * @throws {IntegrityError} If a chunk is not what its digest says.
 * @throws {NotFoundError} If one is missing.
 * @throws {FormatError} If one is too long, or the index is damaged.
 */
export async function* archivePieces(
  index: ChunkIndex,
  source: ChunkSource & Partial<Direct>,
  crew: ChunkCrew,
  options: ArchiveStreamOptions,
): AsyncGenerator<Bytes, void, void> {
  const reader = await ArchiveReader.open(index, source, crew, options);
  try {
    for (let piece; (piece = await reader.piece()) !== undefined;) yield piece;
  } finally {
    await reader.close();
  }
}

async function* refsOf(
  index: ChunkIndex,
  from: number,
): AsyncGenerator<ChunkRef, undefined, void> {
  if (from >= index.count) return undefined;
  for await (const batch of index.chunks(from)) yield* batch;
  return undefined;
}
