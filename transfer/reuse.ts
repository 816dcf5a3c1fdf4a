/**
 * Files that have not changed, by the chunks that hold them already: they are not read.
 *
 * @module
 */
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import type { Batch, Batches } from "@pxar/format/entry";
import { LookAhead } from "./look_ahead.ts";
import { PreviousTree } from "./previous_tree.ts";

/** The split archive of the snapshot before. */
export interface PreviousArchive {
  /** Its entries; contents are not looked at. */
  readonly entries: Batches;
  /** The chunks of its payload stream. */
  readonly payload: ChunkIndex;
  /**
   * States that the store still has a chunk, and keeps it from being collected.
   *
   * @returns Whether it has.
   */
  has(chunk: ChunkRef): boolean | Promise<boolean>;
}

/** How files are reused. */
export interface ReuseOptions {
  /**
   * Most entries that are looked ahead of; 512 unless told. Where their contents are held, that many are open. Files of which more than that lie in one chunk may have to be read again.
   */
  readonly ahead?: number | undefined;
  /** Counted into. */
  readonly count?: ReuseCount | undefined;
}

/** What became of the files; may be looked at any time. */
export class ReuseCount {
  /** Files that are reused. */
  files = 0;
  /** Length of their contents, bytes. */
  bytes = 0;
  /** Files that have not changed and were read all the same: their chunks have too much else in them, or are gone. */
  rereadFiles = 0;
  /** Length of their contents, bytes. */
  rereadBytes = 0;
  /** Chunks that were put in. */
  chunks = 0;
  /** Length of these, bytes. */
  chunkBytes = 0;
}

/** How many entries are looked ahead of. */
export const LOOK_AHEAD = 512;

/**
 * A filter for a split archive: unchanged files come without content, with chunks of the last time in their place.
 *
 * A file is taken to be unchanged where the last time's metadata archive has one of the same path, size and metadata, times included. Unchanged files that follow one another in the last
 * time's payload stream are a range; the chunks that hold a range are put in whole if at most a tenth of them is of no use, otherwise its files are read again.
 *
 * As the official client does it (spec I.2, I.3), but for these things:
 *
 * * Values of extended attributes are compared, not only their names.
 * * A chunk that begins where a range ends is not put in: it would be all waste.
 * * Where too much of a range's chunks would be of no use, the files that touch its first or last chunk are read again, or both; officially all of them are.
 * * Where no more can be waited for, what touches the last chunk goes on waiting: officially the rest of that chunk counts as waste, although what follows may lie in it.
 * * A chunk is taken for the last one of the range before if it is that, not if it only holds the same: nobody could read the references of two files to one place from front to back.
 * * A range that is not in the payload stream, or one of whose chunks the store has lost, is read again instead of ending the backup or giving a snapshot that cannot be restored.
 *
 * @param batches This time's entries; those of `readTree` with `hold`, of a batch more than are looked ahead of. Where contents cannot be held, no batch is looked beyond.
 * @param previous The last time's archive; its entries are read to the end or ended with the filter, its index is not closed.
 * @param options How far to look ahead.
 * @returns What `encode` takes with a payload sink; the token of an `inject` is a list of `KnownChunk`.
 * @throws {PxarError} What the last time's entries or index throw.
 */
export async function* reuse(
  batches: Batches,
  previous: PreviousArchive,
  options: ReuseOptions = {},
): AsyncGenerator<Batch, void, void> {
  const { ahead = LOOK_AHEAD, count = new ReuseCount() } = options;
  await using tree = new PreviousTree(previous.entries);
  const look = new LookAhead(previous, ahead, count);
  for await (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      const entry = batch[i]!, { kind } = entry;
      if (kind === "version" || kind === "prelude") {
        look.pass(entry);
        continue;
      }
      const found = tree.follow(entry);
      const old = found instanceof Promise ? await found : found;
      const wait = look.add(entry, old);
      if (wait !== undefined) await wait;
    }
    const wait = look.endBatch();
    if (wait !== undefined) await wait;
    yield* look.take();
  }
  await look.finish();
  yield* look.take();
}
