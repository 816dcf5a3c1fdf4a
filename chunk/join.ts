/**
 * Archives out of their chunks: an index and a source of chunks are the bytes that were cut, to be read at any place or in order.
 *
 * Every chunk is opened with the digest and the length that the index demands: what comes out is right, or an error does.
 *
 * @module
 */
import type { RandomAccess } from "@pxar/codec/random_access";
import { ChunkCache, chunkName, openChunk } from "./chunk_cache.ts";
import type { ChunkIndex, ChunkRef } from "./chunk_index.ts";
import type { ChunkSource } from "./chunk_source.ts";
import type { Codecs } from "./codecs.ts";
import { JoinedAccess } from "./joined_access.ts";
import type { CryptKey } from "./key.ts";
import { ordered } from "./ordered.ts";

/** How chunks are opened. */
export interface JoinOptions {
  /** Ways to decompress and decrypt. */
  readonly codecs: Codecs;
  /** Needed where chunks are encrypted; also to tell the digests of chunks made with it. */
  readonly key?: CryptKey | undefined;
  /** Whether all chunks are encrypted: what the manifest says of the file. The other kind of chunk is an error. */
  readonly encrypted: boolean;
  /** Ends all that is under way with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How an archive is read at any place. */
export interface JoinAccessOptions extends JoinOptions {
  /** Most bytes of data kept or on their way, but always one chunk; 64 MiB unless told. Blobs on their way come on top. */
  readonly budget?: number | undefined;
  /** How many bytes to send for before they are wanted, where reads follow one another; at most half the budget. None unless told. */
  readonly ahead?: number | undefined;
}

/** How an archive is read in order. */
export interface JoinStreamOptions extends JoinOptions {
  /** First byte; 0 unless told. */
  readonly from?: number | undefined;
  /** The byte behind the last one; the end unless told. */
  readonly to?: number | undefined;
  /** Most bytes of data that are there or on their way, but always one chunk; 32 MiB unless told. */
  readonly ahead?: number | undefined;
}

/** How many chunks are on their way at once, at most. */
const MOST = 16;

/**
 * Reads an archive at any place. Several may read at once; a chunk that more than one of them wants is fetched once.
 *
 * @param index What the archive consists of; closed with it. The source is not.
 * @param source Where the chunks come from.
 * @param options How they are opened, memory.
 * @returns The archive's bytes. Reads fail as `openBlob` and the source do, with a `FormatError` where the index is damaged, with the signal's reason, and with a `TypeError`
 * once it is closed; the same read may be tried again.
 *
 * @example
 * ```ts
 * import type { ChunkSource } from "@pxar/chunk/chunk_source";
 * import { openCodecs } from "@pxar/chunk/codecs";
 * import { joinAccess } from "@pxar/chunk/join";
 * import { openIndex } from "@pxar/chunk/open_index";
 * import { Accessor } from "@pxar/codec/accessor";
 * import { fileAccess } from "@pxar/codec/random_access";
 *
 * async function openArchive(path: string, source: ChunkSource): Promise<Accessor> {
 *   const index = await openIndex(await fileAccess(path));
 *   return await Accessor.open(joinAccess(index, source, { codecs: await openCodecs(), encrypted: false }));
 * }
 * ```
 */
export function joinAccess(
  index: ChunkIndex,
  source: ChunkSource,
  options: JoinAccessOptions,
): RandomAccess {
  const { budget = 64 << 20, ahead = 0, signal } = options;
  if (!(budget >= 0 && ahead >= 0)) {
    throw new RangeError(
      `Cannot join chunks: budget is ${budget} and ahead ${ahead}, expected 0 or more`,
    );
  }
  const stop = new AbortController();
  const either = eitherSignal(stop.signal, signal);
  const chunks = new ChunkCache(source, options, budget, either);
  return new JoinedAccess(index, chunks, ahead, stop, either);
}

/**
 * Reads an archive in order, or a part of it.
 *
 * Nothing happens before the first piece is asked for; then the chunks that follow are sent for too.
 *
 * @param index What the archive consists of; not closed.
 * @param source Where the chunks come from.
 * @param options Which part, how chunks are opened, memory.
 * @returns Pieces, one for each chunk, never empty; they belong to whoever gets them.
 * @throws {RangeError} If there is no such part.
 * @throws {FormatError} If the index is damaged.
 * @throws {PxarError} What the source and `openBlob` throw, behind the last piece before it.
 */
export async function* joinPieces(
  index: ChunkIndex,
  source: ChunkSource,
  options: JoinStreamOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { from = 0, to = index.size, ahead = 32 << 20, signal } = options;
  if (!(ahead >= 0)) {
    throw new RangeError(
      `Cannot join chunks: ahead is ${ahead}, expected 0 or more`,
    );
  }
  if (
    !(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 &&
      from <= to && to <= index.size)
  ) {
    throw new RangeError(
      `Cannot join chunks from byte ${from} to ${to}: expected a part of 0 to ${index.size}`,
    );
  }
  if (from === to) return;
  const flying = new Map<string, Promise<Uint8Array>>();
  const open = async (
    ref: ChunkRef,
    signal: AbortSignal,
  ): Promise<{ ref: ChunkRef; data: Uint8Array }> => {
    const name = chunkName(ref), other = flying.get(name);
    // A copy, made in the turn in which the other one comes: it belongs to somebody else soon.
    if (other !== undefined) return { ref, data: (await other).slice() };
    const flight = openChunk(ref, source, options, signal);
    flying.set(name, flight);
    try {
      return { ref, data: await flight };
    } finally {
      flying.delete(name);
    }
  };
  const opened = ordered(chunksOf(index, from, to), open, {
    most: MOST,
    budget: Math.max(1, ahead),
    weigh: ({ start, end }) => end - start,
    signal,
  });
  for await (const { ref: { start, end }, data } of opened) {
    yield start < from || end > to
      ? data.subarray(Math.max(0, from - start), Math.min(end, to) - start)
      : data;
  }
}

/**
 * As {@linkcode joinPieces}, as a stream.
 *
 * @param index What the archive consists of; not closed.
 * @param source Where the chunks come from.
 * @param options Which part, how chunks are opened, memory.
 * @returns The bytes. What `joinPieces` throws is the stream's error; cancelling it ends what is under way.
 */
export function joinStream(
  index: ChunkIndex,
  source: ChunkSource,
  options: JoinStreamOptions,
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const signal = eitherSignal(stop.signal, options.signal);
  const pieces = joinPieces(index, source, { ...options, signal });
  return new ReadableStream<Uint8Array>({
    pull: async (controller): Promise<void> => {
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: async (reason): Promise<void> => {
      stop.abort(reason);
      await pieces.return();
    },
  }, { highWaterMark: 0 });
}

/** The chunks that hold a part, which is not empty. */
async function* chunksOf(
  index: ChunkIndex,
  from: number,
  to: number,
): AsyncGenerator<ChunkRef, void, void> {
  const first = await index.find(from);
  if (first === undefined) return;
  for await (const batch of index.chunks(first)) {
    for (const ref of batch) {
      if (ref.start >= to) return;
      yield ref;
    }
  }
}

function eitherSignal(
  own: AbortSignal,
  given: AbortSignal | undefined,
): AbortSignal {
  return given === undefined ? own : AbortSignal.any([own, given]);
}
