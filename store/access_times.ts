// Whether a store's file system keeps times of access: where it does not, every chunk would look as if nobody used it. Source: spec C.5.
import { sealBlob } from "@pxar/chunk/blob";
import type { Codecs } from "@pxar/chunk/codecs";
import { type Digest, digestOf, parseDigest } from "@pxar/chunk/digest";
import { SystemError, UnsupportedError } from "@pxar/format/errors";
import type { ChunkPlace } from "./chunk_place.ts";
import type { Datastore } from "./datastore.ts";

/** Length of the chunk that it is tried with, all zeros, as PBS does; bytes. */
const LENGTH = 4 << 20;
/** What a disk says that is full. */
const FULL = ["ENOSPC", "EDQUOT"];
/** How long to wait between two uses: some file systems count in whole seconds. */
const PAUSE = 1100;

/**
 * Tries it out; takes a second.
 *
 * @param store Where; a chunk of zeros is in it afterwards, if there was room for one.
 * @param signal Ends it.
 * @throws {UnsupportedError} If they are not kept.
 */
export async function checkAccessTimes(
  { chunks, codecs, location }: Datastore,
  signal: AbortSignal | undefined,
): Promise<void> {
  const digest = await probe(chunks, codecs);
  // Once more where somebody writes the chunk anew at the same time.
  for (let attempt = 0; attempt < 2; attempt++) {
    chunks.touch(digest);
    const before = chunks.stateOf(digest);
    await new Promise<void>((resolve) => setTimeout(resolve, PAUSE));
    signal?.throwIfAborted();
    chunks.touch(digest);
    const after = chunks.stateOf(digest);
    if (before?.inode === undefined || before.inode !== after?.inode) continue;
    if (after.atime > before.atime) return;
    break;
  }
  throw new UnsupportedError(
    `Cannot collect garbage in ${location}: its file system does not keep times of access, which say what is in use`,
  );
}

/** A chunk to try it with: that of zeros, or any other where the disk is full, which is when a collection is needed most. */
async function probe(chunks: ChunkPlace, codecs: Codecs): Promise<Digest> {
  const zeros = new Uint8Array(LENGTH), digest = digestOf(zeros);
  const { header, body } = await sealBlob(zeros, { codecs });
  try {
    chunks.put(digest, header, body);
    return digest;
  } catch (error) {
    if (!(error instanceof SystemError && FULL.includes(error.code))) {
      throw error;
    }
    for (const folder of chunks.folders()) {
      const other = chunks.filesIn(folder).find(({ kind }) => kind === "chunk");
      if (other !== undefined) return parseDigest(other.hex);
    }
    throw error;
  }
}
