/**
 * An archive of a snapshot, read in order at the speed of all processors: threads fetch and open the chunks ahead.
 *
 * @module
 */
import { MAX_CHUNK } from "@pxar/chunk/cut_rules";
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import type { ChunkSource } from "@pxar/chunk/chunk_source";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import type { ChunkCrew } from "./chunk_crew.ts";
import type { Direct } from "./store.ts";

/** How an archive is read. */
export interface ArchiveStreamOptions {
  /** Whether all chunks are encrypted: what the manifest says of the file. */
  readonly encrypted: boolean;
  /** Memory for chunks that are there or on their way, bytes; 48 MiB unless told. */
  readonly budget?: number | undefined;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads an archive in order.
 *
 * @param index Its chunks.
 * @param source Where they are; threads fetch them by themselves where that is possible.
 * @param crew Started for `source.direct`.
 * @param options What the manifest says.
 * @returns Pieces, one a chunk; each is valid until the next is asked for, and may lie in shared memory.
 * @throws {IntegrityError} If a chunk is not what its digest says.
 * @throws {NotFoundError} If one is missing.
 * @throws {FormatError} If one is too long.
 */
export async function* archivePieces(
  index: ChunkIndex,
  source: ChunkSource & Partial<Direct>,
  crew: ChunkCrew,
  options: ArchiveStreamOptions,
): AsyncGenerator<Bytes, void, void> {
  const { encrypted, budget = 48 << 20, signal } = options;
  const size = Math.max(budget, MAX_CHUNK);
  const memory = new Uint8Array(
    crew.threads > 0
      ? new SharedArrayBuffer(size) as unknown as ArrayBuffer
      : new ArrayBuffer(size),
  );
  const id = await crew.addMemory(memory.buffer);
  /** Chunks that are there or on their way, in order: their memory goes round. */
  const queue: { start: number; length: number; done: Promise<void> }[] = [];

  const place = (length: number): number | undefined => {
    const tail = queue[0], last = queue.at(-1);
    if (tail === undefined || last === undefined) return 0;
    const head = last.start + last.length;
    if (last.start < tail.start) {
      // One byte stays free before the tail: a start at the tail must only ever mean that nothing goes round.
      return head + length < tail.start ? head : undefined;
    }
    if (head + length <= size) return head;
    return length <= tail.start ? 0 : undefined;
  };
  const open = async ({ start, end, digest }: ChunkRef, at: number) => {
    const to = { memory: id, start: at, length: end - start };
    const blob = source.direct === undefined
      ? await source.get(digest, { signal })
      : undefined;
    await crew.open(to, digest, encrypted, blob);
  };

  try {
    const refs = refsOf(index);
    let next = await refs.next();
    for (;;) {
      while (!next.done) {
        signal?.throwIfAborted();
        const ref = next.value, length = ref.end - ref.start;
        if (length > MAX_CHUNK) {
          throw new FormatError(
            `Cannot read archive at byte ${ref.start}: a chunk has ${length} bytes, expected ${MAX_CHUNK} at most`,
            { offset: ref.start },
          );
        }
        const start = place(length);
        if (start === undefined) break;
        const done = open(ref, start);
        // Seen when its turn comes.
        done.catch(() => {});
        queue.push({ start, length, done });
        next = await refs.next();
      }
      const first = queue[0];
      if (first === undefined) return;
      await first.done;
      signal?.throwIfAborted();
      yield memory.subarray(first.start, first.start + first.length);
      queue.shift();
    }
  } finally {
    await Promise.allSettled(queue.map(({ done }) => done));
    await crew.dropMemory(id);
  }
}

async function* refsOf(
  index: ChunkIndex,
): AsyncGenerator<ChunkRef, undefined, void> {
  for await (const batch of index.chunks()) yield* batch;
  return undefined;
}
