/**
 * The chunks that a file of an archive lies in: to read, to digest or to compare no more of a snapshot than that one file.
 *
 * @module
 */
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import { type Digest, sameBytes } from "@pxar/chunk/digest";
import { sha256 } from "@pxar/chunk/sha256";
import type { Content, PayloadRef } from "@pxar/format/entry";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import { HEADER_SIZE } from "@pxar/format/item";

/** Where a file's content lies in a stream: in the payload stream of a split archive, else in the archive. A `Node` of an `Accessor` says it. */
export interface FilePlace {
  /** First byte of the content, counted from the start of the stream. */
  readonly start: number;
  /** Length of the content, bytes. */
  readonly size: number;
}

/** A part of a file's content. */
export interface FileRange {
  /** First byte; 0 unless told. */
  readonly start?: number | undefined;
  /** The byte behind the last one; the end of the file unless told. */
  readonly end?: number | undefined;
}

/** A chunk that holds a part of a file. */
export interface FileChunk {
  /** Its number in the index. */
  readonly number: number;
  /** The chunk. */
  readonly ref: ChunkRef;
  /** Where in the file the part starts, bytes. */
  readonly at: number;
  /** Where in the chunk the part starts, bytes. */
  readonly from: number;
  /** Where in the chunk it ends: behind its last byte. */
  readonly to: number;
}

/** A file, and what the stream that it lies in consists of. */
export interface ChunkedFile {
  /** The chunks of the stream. */
  readonly index: ChunkIndex;
  /** Where the file lies in it. */
  readonly file: FilePlace;
}

/** Length of the pieces that are digested, bytes. */
const PIECE = 1 << 18;

/**
 * The place of a file of a split archive.
 *
 * @param payload What its entry has as `payload`.
 * @returns Its place in the payload stream: behind the header.
 */
export function payloadPlace(payload: PayloadRef): FilePlace {
  return { start: payload.offset + HEADER_SIZE, size: payload.size };
}

/**
 * Yields the chunks that a file lies in, in order.
 *
 * @param index The chunks of the stream that the file lies in.
 * @param file Its place; a `Node` of an `Accessor` over that stream.
 * @param range The part that is wanted; all unless told. What lies behind the end of the file is left out.
 * @returns Each chunk, and which part of it is the file's. None for an empty part.
 * @throws {RangeError} If it is no range.
 * @throws {TruncatedError} If the stream ends before the file does.
 * @throws {FormatError} If the index is damaged.
 *
 * @example
 * ```ts
 * import type { Node } from "@pxar/codec/accessor";
 * import { hexOf } from "@pxar/chunk/digest";
 * import { fileChunks } from "@pxar/transfer/file_chunks";
 * import type { OpenSnapshot } from "@pxar/transfer/open";
 *
 * async function printChunks(snapshot: OpenSnapshot, file: Node) {
 *   const index = await snapshot.index("root.ppxar.didx");
 *   for await (const { ref, from, to } of fileChunks(index, file)) {
 *     console.log(`${hexOf(ref.digest)}: bytes ${from} to ${to}`);
 *   }
 *   await index.close();
 * }
 * ```
 */
export async function* fileChunks(
  index: ChunkIndex,
  file: FilePlace,
  range: FileRange = {},
): AsyncGenerator<FileChunk, void, void> {
  const { start = 0, end = file.size } = range;
  requireOffset(end, Number.MAX_SAFE_INTEGER);
  requireOffset(start, end);
  const until = file.start + Math.min(end, file.size);
  if (until > index.size) {
    throw new TruncatedError(
      `Cannot find chunks of file at byte ${file.start}: its stream ends at byte ${index.size}, expected byte ${until}`,
      { offset: index.size },
    );
  }
  let at = file.start + start;
  if (at >= until) return;
  const first = await index.find(at);
  for (let number = first ?? index.count; at < until; number++) {
    const ref = number < index.count ? await index.chunk(number) : undefined;
    if (ref === undefined || ref.start > at || ref.end <= at) {
      throw new FormatError(
        `Cannot find chunk of byte ${at}: the index leads to one without it, expected ends that rise`,
        { offset: at },
      );
    }
    const stop = Math.min(until, ref.end);
    yield {
      number,
      ref,
      at: at - file.start,
      from: at - ref.start,
      to: stop - ref.start,
    };
    at = stop;
  }
}

/**
 * Yields what could differ in two files of one length, as far as their chunks tell: all but the stretches that lie at the same place of the same chunk.
 *
 * Nothing is read but the indexes. That two files have no such range proves them equal: the digest of a chunk vouches for its bytes. A range may be equal all the same.
 *
 * @param a One file.
 * @param b The other; of the same or of another snapshot.
 * @returns Ranges of the files' contents, in order, none empty, with gaps between.
 * @throws {RangeError} If they are not of one length.
 * @throws {FormatError} If an index is damaged, or ends before the file does.
 */
export async function* unprovenRanges(
  a: ChunkedFile,
  b: ChunkedFile,
): AsyncGenerator<
  { readonly start: number; readonly end: number },
  void,
  void
> {
  if (a.file.size !== b.file.size) {
    throw new RangeError(
      `Cannot compare chunks of files: they have ${a.file.size} and ${b.file.size} bytes, expected one length`,
    );
  }
  const ours = fileChunks(a.index, a.file),
    theirs = fileChunks(b.index, b.file);
  let start: number | undefined, at = 0;
  let one = await next(ours), other = await next(theirs);
  while (one !== undefined && other !== undefined) {
    const same = one.from - one.at === other.from - other.at &&
      lengthOf(one.ref) === lengthOf(other.ref) &&
      sameBytes(one.ref.digest, other.ref.digest);
    if (!same) start ??= at;
    else if (start !== undefined) {
      yield { start, end: at };
      start = undefined;
    }
    const oneEnd = one.at + one.to - one.from;
    const otherEnd = other.at + other.to - other.from;
    at = Math.min(oneEnd, otherEnd);
    if (oneEnd === at) one = await next(ours);
    if (otherEnd === at) other = await next(theirs);
  }
  if (start !== undefined) yield { start, end: at };
}

/**
 * Whether chunks prove two files equal: without reading them.
 *
 * @param a One file.
 * @param b The other; of the same or of another snapshot.
 * @returns `true` if both lie at the same places of the same chunks. `false` says that their lengths differ, or that nothing is proven.
 * @throws {FormatError} If an index is damaged, or ends before the file does.
 */
export async function sameChunks(
  a: ChunkedFile,
  b: ChunkedFile,
): Promise<boolean> {
  if (a.file.size !== b.file.size) return false;
  for await (const _range of unprovenRanges(a, b)) return false;
  return true;
}

/**
 * The digest of a file's content. Of `accessor.content(node)` in a snapshot, only the file's own chunks are fetched.
 *
 * @param content Read to its end.
 * @param options What ends it.
 * @returns SHA-256 of the content, 32 bytes.
 * @throws {TruncatedError} If it ends before its size.
 *
 * @example
 * ```ts
 * import { hexOf } from "@pxar/chunk/digest";
 * import { BytesContent } from "@pxar/format/entry";
 * import { contentDigest } from "@pxar/transfer/file_chunks";
 *
 * const digest = await contentDigest(new BytesContent(new TextEncoder().encode("abc")));
 * console.assert(hexOf(digest).startsWith("ba7816bf"));
 * ```
 */
export async function contentDigest(
  content: Content,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Digest> {
  const hash = sha256();
  const memory = new Uint8Array(Math.min(PIECE, content.size));
  for (let left = content.size; left > 0;) {
    options.signal?.throwIfAborted();
    const length = Math.min(left, memory.length);
    const got = await content.read(memory.subarray(0, length));
    if (got === 0) {
      throw new TruncatedError(
        `Cannot read content: it ends ${left} bytes short of its ${content.size}`,
      );
    }
    hash.update(memory.subarray(0, got));
    left -= got;
  }
  return hash.digest();
}

function lengthOf(ref: ChunkRef): number {
  return ref.end - ref.start;
}

async function next(
  chunks: AsyncGenerator<FileChunk, void, void>,
): Promise<FileChunk | undefined> {
  const { value, done } = await chunks.next();
  return done === true ? undefined : value;
}

function requireOffset(offset: number, most: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && offset <= most)) {
    throw new RangeError(
      `Cannot find chunks of a file from byte ${offset} on: expected 0 to ${most}`,
    );
  }
}
