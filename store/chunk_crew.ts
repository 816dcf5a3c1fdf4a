/**
 * Threads that seal, keep, fetch, open and check chunks in memory that they share.
 *
 * @module
 */
import { type Crew, processors, startCrew } from "@pxar/chunk/crew";
import { growingCrew } from "@pxar/chunk/growing_crew";
import type { Digest } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import type { Bytes } from "@pxar/format/bytes";
import {
  type MemoryRange,
  openWork,
  type WorkAnswer,
  type WorkRequest,
  type WorkSetup,
} from "./chunk_work.ts";
import type { DirectChunks } from "./direct_chunks.ts";
import type { ChunkPut } from "./store.ts";

export type { MemoryRange };

/** How the threads work. */
export interface ChunkCrewOptions {
  /** The key that chunks are made with; plain ones without. */
  readonly key?: CryptKey | undefined;
  /** Whether chunks are compressed; they are unless told. */
  readonly compress?: boolean | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads; as many as there are processors unless told, 0 for none but this one. */
  readonly threads?: number | undefined;
  /** How many bytes are sealed or opened on this thread before others are started; 0 unless told. For what is likely to be little: the first of much takes longer so. */
  readonly spare?: number | undefined;
}

/** How much less work it is to find out that a chunk is there than to keep it. */
const EASIER = 32;

/** The threads. */
export class ChunkCrew {
  readonly #crew: Crew<WorkRequest, WorkAnswer>;
  /** By their numbers. */
  readonly #memories: Map<number, ArrayBuffer>;
  #next = 0;

  private constructor(
    crew: Crew<WorkRequest, WorkAnswer>,
    memories: Map<number, ArrayBuffer>,
  ) {
    this.#crew = crew;
    this.#memories = memories;
  }

  /**
   * Starts them.
   *
   * @param direct How they reach the chunks of a store by themselves; `undefined` where they do not.
   * @param options How they work.
   */
  static async start(
    direct: DirectChunks | undefined,
    options: ChunkCrewOptions = {},
  ): Promise<ChunkCrew> {
    const {
      key,
      compress = true,
      native,
      threads = processors(),
      spare = 0,
    } = options;
    const setup: WorkSetup = {
      key: key?.key,
      compress,
      native: native?.module ?? direct?.native,
      direct,
    };
    const module = new URL("./chunk_worker.ts", import.meta.url);
    const memories = new Map<number, ArrayBuffer>();
    const parts = {
      module,
      setup,
      open: openWork,
      // Memory that is not shared cannot be reached by other threads.
      threads: typeof SharedArrayBuffer === "function" ? threads : 0,
    };
    const crew: Crew<WorkRequest, WorkAnswer> = spare === 0
      ? await startCrew(parts)
      : growingCrew(parts, {
        after: spare,
        work: ({ existed }, weight) => existed ? weight / EASIER : weight,
        retell: () =>
          memories.entries().map(([id, buffer]) => ({
            op: "memory",
            id,
            buffer,
          })),
      });
    return new ChunkCrew(crew, memories);
  }

  /** How many threads there are; 0 where this one does the work. */
  get threads(): number {
    return this.#crew.threads;
  }

  /**
   * Makes memory known to the threads.
   *
   * @param buffer Shared, where there are threads.
   * @returns Its number.
   */
  async addMemory(buffer: ArrayBufferLike): Promise<number> {
    const id = this.#next++;
    this.#memories.set(id, buffer as ArrayBuffer);
    await this.#crew.tell({ op: "memory", id, buffer: buffer as ArrayBuffer });
    return id;
  }

  /** Lets go of memory; threads that are over have done so. */
  async dropMemory(id: number): Promise<void> {
    this.#memories.delete(id);
    await this.#crew.tell({ op: "memory", id, buffer: undefined })
      .catch(() => {});
  }

  /** The digest of a chunk. */
  async digest(at: MemoryRange): Promise<Digest> {
    const { digest } = await this.#crew.ask({ op: "digest", at }, at.length);
    return digest!;
  }

  /** Keeps a chunk in the store, sealed only where it is new. */
  async put(at: MemoryRange): Promise<ChunkPut & { readonly digest: Digest }> {
    const { digest, existed, stored } = await this.#crew.ask(
      { op: "put", at },
      at.length,
    );
    return { digest: digest!, existed: existed!, stored: stored! };
  }

  /** Seals a chunk: its blob's body takes its place. */
  async seal(at: MemoryRange): Promise<{ header: Bytes; length: number }> {
    const { header, length } = await this.#crew.ask(
      { op: "seal", at },
      at.length,
    );
    return { header: header!, length: length! };
  }

  /**
   * Opens a chunk into memory, verified.
   *
   * @param at Where it goes; its length is the chunk's.
   * @param digest The chunk's.
   * @param encrypted Whether it must be encrypted; else it must be plain.
   * @param blob Its blob; `undefined` where the threads fetch it themselves.
   * @param weight How much work that is, bytes; its length unless told. 0 where no thread is to be started for it.
   */
  async open(
    at: MemoryRange,
    digest: Digest,
    encrypted: boolean,
    blob?: Bytes,
    weight: number = at.length,
  ): Promise<void> {
    await this.#crew.ask(
      { op: "open", at, digest, encrypted, blob },
      weight,
    );
  }

  /**
   * Checks a chunk of the store.
   *
   * @param digest The chunk's.
   * @param length Its length, bytes.
   * @param encrypted Whether it must be encrypted.
   * @param keyed Whether it was made with the crew's key; without, only the checksum of an encrypted one is compared.
   * @returns Whether it is encrypted or plain as it must be.
   */
  async check(
    digest: Digest,
    length: number,
    encrypted: boolean,
    keyed: boolean,
  ): Promise<boolean> {
    const { hasOtherMode } = await this.#crew.ask(
      { op: "check", digest, length, encrypted, keyed },
      length,
    );
    return !hasOtherMode;
  }

  /** Ends the threads; what is under way fails. */
  close(): void {
    this.#crew.close();
  }
}
