/**
 * Carries chunks from one store to another: as they are, or sealed anew for another key. Threads verify, open and seal them.
 *
 * @module
 */
import {
  blobKindOf,
  headerSize,
  isEncrypted,
  parseBlob,
  type SealedBlob,
} from "@pxar/chunk/blob";
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import { MAX_CHUNK } from "@pxar/chunk/cut_rules";
import { type Digest, hexOf } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, IntegrityError } from "@pxar/format/errors";
import { ChunkCrew, type MemoryRange } from "@pxar/store/chunk_crew";
import type { SnapshotReader, SnapshotWriter } from "@pxar/store/store";

/** What chunks are carried with. */
export interface ChunkCarrierOptions {
  /** The key that encrypted chunks were made with; only used where the manifest was made with it, too. */
  readonly from?: CryptKey | undefined;
  /** The key that chunks are made with when they are sealed anew; plain ones without. */
  readonly to?: CryptKey | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads; as many as there are processors unless told, 0 for none but this one. */
  readonly threads?: number | undefined;
}

/** Where a chunk comes from, where it goes to, and what it must be. */
export interface ChunkRoute {
  /** Where it is. */
  readonly reader: SnapshotReader;
  /** Where it is to be. */
  readonly writer: SnapshotWriter;
  /** Whether it must be encrypted; else it must be plain. */
  readonly encrypted: boolean;
  /** Whether an encrypted one was made with the key at hand, so that it can be opened. */
  readonly keyed: boolean;
}

/** A chunk in the target. */
export interface CarriedChunk {
  /** Its digest there. */
  readonly digest: Digest;
  /** Whether it was there before. */
  readonly existed: boolean;
  /** Length of its blob there, bytes. */
  readonly stored: number;
}

/** How many chunks may be on their way at once. */
export const CHUNKS_AT_ONCE = 4;

/** Crews and memory of a whole run; started when the first chunk has to be carried. */
export class ChunkCarrier {
  readonly #options: ChunkCarrierOptions;
  #opening: Promise<Opening> | undefined;
  #sealing: Promise<Sealing> | undefined;

  /** Nothing is started yet. */
  constructor(options: ChunkCarrierOptions) {
    this.#options = options;
  }

  /**
   * Carries a chunk as it is, unless it is there.
   *
   * It is verified before it is kept: without the key of an encrypted one by its checksum and mode, otherwise by its digest, too.
   *
   * @param ref What the index says of it.
   * @param route From where, to where.
   * @throws {IntegrityError} If it is not what the index says.
   * @throws {NotFoundError} If it is missing.
   */
  async copy(
    ref: ChunkRef,
    route: ChunkRoute,
    signal: AbortSignal,
  ): Promise<CarriedChunk> {
    const { digest } = ref, { reader, writer } = route;
    const length = lengthOf(ref);
    const there = await writer.chunks.touch(digest, { signal });
    if (there !== undefined) {
      const put = { existed: true, stored: there };
      writer.countPut(put, length);
      return { digest, ...put };
    }
    const get = () => reader.get(digest, { signal });
    let blob: Bytes;
    if (!route.encrypted || route.keyed) {
      const { crew, places } = await this.#open(reader);
      // Threads that can get it themselves do: sending it to them takes longer, and twice the memory.
      const sent = reader.direct === undefined ? await get() : undefined;
      await places.use(
        length,
        (at) =>
          named(digest, () => crew.open(at, digest, route.encrypted, sent)),
      );
      blob = sent ?? await get();
      if (sent === undefined) await named(digest, async () => parseBlob(blob));
    } else {
      blob = await get();
      await named(digest, async () => checkSealed(ref, blob));
    }
    const put = await writer.chunks.put(digest, inTwo(blob), { signal });
    writer.countPut(put, length);
    return { digest, ...put };
  }

  /**
   * Opens a chunk and seals it anew; what is there under its new digest is not written again.
   *
   * @param ref What the index says of it.
   * @param route From where, to where.
   * @throws {IntegrityError} If it is not what the index says.
   * @throws {NotFoundError} If it is missing.
   * @throws {KeyError} If it is encrypted and there is no key.
   */
  async reseal(
    ref: ChunkRef,
    route: ChunkRoute,
    signal: AbortSignal,
  ): Promise<CarriedChunk> {
    const { reader, writer, encrypted } = route, length = lengthOf(ref);
    const { crew, places } = await this.#open(reader);
    const sealing = await this.#seal(reader, writer);
    const blob = reader.direct === undefined
      ? await reader.get(ref.digest, { signal })
      : undefined;
    return await places.use(length, async (at) => {
      await named(
        ref.digest,
        () => crew.open(at, ref.digest, encrypted, blob),
      );
      signal.throwIfAborted();
      const to = { ...at, memory: sealing.memory };
      if (writer.direct !== undefined) {
        const put = await sealing.crew.put(to);
        writer.countPut(put, length);
        return put;
      }
      const digest = await sealing.crew.digest(to);
      const there = await writer.chunks.touch(digest, { signal });
      if (there !== undefined) {
        const put = { existed: true, stored: there };
        writer.countPut(put, length);
        return { digest, ...put };
      }
      const sealed = await sealing.crew.seal(to);
      const body = places.bytes(at).subarray(0, sealed.length);
      const put = await writer.chunks.put(
        digest,
        blobOf(sealed.header, body),
        { signal },
      );
      writer.countPut(put, length);
      return { digest, ...put };
    });
  }

  /** Ends the threads; nothing may be on its way. */
  async close(): Promise<void> {
    (await this.#opening?.catch(() => undefined))?.crew.close();
    (await this.#sealing?.catch(() => undefined))?.crew.close();
    this.#opening = this.#sealing = undefined;
  }

  #open({ direct }: SnapshotReader): Promise<Opening> {
    const { from: key, native, threads } = this.#options;
    return this.#opening ??= (async () => {
      const crew = await ChunkCrew.start(direct, { key, native, threads });
      return { crew, places: await Places.open(crew) };
    })();
  }

  #seal(reader: SnapshotReader, { direct }: SnapshotWriter): Promise<Sealing> {
    const { to: key, native, threads } = this.#options;
    return this.#sealing ??= (async () => {
      const opening = await this.#open(reader);
      const crew = await ChunkCrew.start(direct, {
        key,
        native,
        // Memory is only shared where the others are threads.
        threads: opening.crew.threads === 0 ? 0 : threads,
      });
      return { crew, memory: await crew.addMemory(opening.places.buffer) };
    })();
  }
}

/** Threads that open chunks, and the memory that they open them into. */
interface Opening {
  readonly crew: ChunkCrew;
  readonly places: Places;
}

/** Threads that seal chunks, and what they call the same memory. */
interface Sealing {
  readonly crew: ChunkCrew;
  readonly memory: number;
}

/** Places for a chunk each. What was never written to costs no memory. */
class Places {
  readonly buffer: ArrayBufferLike;
  readonly #memory: number;
  readonly #free: number[];

  private constructor(buffer: ArrayBufferLike, memory: number) {
    this.buffer = buffer;
    this.#memory = memory;
    this.#free = Array.from(
      { length: CHUNKS_AT_ONCE },
      (_, place) => place * MAX_CHUNK,
    );
  }

  static async open(crew: ChunkCrew): Promise<Places> {
    const size = CHUNKS_AT_ONCE * MAX_CHUNK;
    const buffer = crew.threads > 0
      ? new SharedArrayBuffer(size)
      : new ArrayBuffer(size);
    return new Places(buffer, await crew.addMemory(buffer));
  }

  bytes({ start, length }: MemoryRange): Bytes {
    return new Uint8Array(this.buffer as ArrayBuffer, start, length);
  }

  /** There is one for each of the chunks that are on their way at once. */
  async use<T>(
    length: number,
    work: (at: MemoryRange) => Promise<T>,
  ): Promise<T> {
    const start = this.#free.pop();
    if (start === undefined) {
      throw new RangeError(
        `Cannot carry chunk: ${CHUNKS_AT_ONCE} are on their way, expected fewer`,
      );
    }
    try {
      return await work({ memory: this.#memory, start, length });
    } finally {
      this.#free.push(start);
    }
  }
}

function lengthOf({ digest, start, end }: ChunkRef): number {
  const length = end - start;
  if (length <= MAX_CHUNK) return length;
  throw new FormatError(
    `Cannot copy chunk ${
      hexOf(digest)
    }: it is to have ${length} bytes, expected ${MAX_CHUNK} at most`,
    { offset: start },
  );
}

/** What opening says is wrong with a blob, said of its chunk. */
async function named<T>(digest: Digest, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof IntegrityError)) {
      throw cause;
    }
    const why = cause.message.replace(/^Cannot \w+ blob: /, "");
    const { expected, actual } = cause instanceof IntegrityError
      ? cause
      : { expected: undefined, actual: undefined };
    throw new IntegrityError(`Cannot copy chunk ${hexOf(digest)}: ${why}`, {
      expected,
      actual,
      cause,
    });
  }
}

/** All that can be said of an encrypted chunk without its key. */
function checkSealed({ start, end }: ChunkRef, blob: Bytes): void {
  const { kind, body } = parseBlob(blob), length = end - start;
  if (!isEncrypted(kind)) {
    throw new IntegrityError(
      "Cannot open blob: it is plain, expected it encrypted, as its index is",
      { expected: "encrypted", actual: "plain" },
    );
  }
  if (kind === "encrypted" && body.length !== length) {
    throw new IntegrityError(
      `Cannot open blob: it holds ${body.length} bytes, expected ${length}`,
      { expected: `${length} bytes`, actual: `${body.length} bytes` },
    );
  }
}

/** A blob that was parsed before, in two parts. */
function inTwo(blob: Bytes): SealedBlob {
  const size = headerSize(blobKindOf(blob)!);
  return blobOf(blob.slice(0, size), blob.subarray(size));
}

function blobOf(header: Bytes, body: Bytes): SealedBlob {
  const kind = blobKindOf(header)!;
  return { header, body, kind, size: header.length + body.length };
}
