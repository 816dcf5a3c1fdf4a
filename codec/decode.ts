/**
 * Archives to entries, read from front to back.
 *
 * @module
 */
import type { Batch, Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { type Age, PayloadInput } from "./content.ts";
import { Decoder } from "./decoder.ts";
import { BUFFER_SIZE, type ByteInput, StreamReader } from "./stream_reader.ts";

// Has room for the largest item that is not streamed.
const LEAST_BUFFER = 128 << 10;

/** How an archive is read. */
export interface DecodeOptions {
  /** Payload stream of a split archive; without it, its files have `payload` and no `content`. */
  readonly payload?: ByteInput | undefined;
  /** Most entries that are yielded at once; 64. */
  readonly batch?: number | undefined;
  /** How much memory each input is read through, bytes; 4 MiB, at least 128 KiB. */
  readonly buffer?: number | undefined;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes an archive as it streams by, in bounded memory.
 *
 * Yields the version where it is written and the prelude where there is one, then the root, its children, and where each directory closes; the root's end is last.
 * Names, targets and attributes stay valid. Contents can be read, in the order of their entries, until the next batch is asked for; what was not read is passed over, by seeking
 * where the source can. The content of goodbye tables is passed over unread, see `check`.
 *
 * Entries before the damage are yielded before the error is thrown. Whenever it ends, the inputs are closed.
 *
 * Source: spec A.3, A.16, A.17.
 *
 * @param archive The archive, or the metadata stream of a split one.
 * @param options The payload stream, and how much at once.
 * @returns Batches of entries, never empty.
 * @throws {TruncatedError} If the archive ends before its root does.
 * @throws {UnsupportedError} If its version or an item is not known.
 * @throws {FormatError} If it is wrong in another way, or goes on behind its root's end.
 *
 * @example
 * ```ts
 * import { decode } from "@pxar/codec/decode";
 * import { showName } from "@pxar/format/name";
 *
 * async function listFiles(archive: ReadableStream<Uint8Array>) {
 *   for await (const batch of decode(archive)) {
 *     for (const { kind, name, content } of batch) {
 *       if (kind === "file") console.log(showName(name), content?.size);
 *     }
 *   }
 * }
 * ```
 */
export async function* decode(
  archive: ByteInput,
  options: DecodeOptions = {},
): AsyncGenerator<Batch, void, void> {
  const { batch: most = 64, buffer = BUFFER_SIZE, signal } = options;
  if (!(Number.isSafeInteger(most) && most >= 1)) {
    throw new RangeError(
      `Cannot decode archive: batch is ${most}, expected 1 or more`,
    );
  }
  if (!(Number.isSafeInteger(buffer) && buffer >= LEAST_BUFFER)) {
    throw new RangeError(
      `Cannot decode archive: buffer is ${buffer}, expected ${LEAST_BUFFER} or more`,
    );
  }
  const age: Age = { batch: 0 };
  const input = new StreamReader(archive, buffer);
  const payload = options.payload === undefined
    ? undefined
    : new StreamReader(options.payload, buffer);
  try {
    const contents = payload === undefined
      ? undefined
      : new PayloadInput(payload, age);
    await contents?.start();
    const decoder = new Decoder(input, contents, age, most);
    for (;;) {
      signal?.throwIfAborted();
      const batch = decoder.next();
      if (batch.length > 0) yield batch;
      if (decoder.done) break;
      await decoder.advance();
    }
    if (await input.fill(1)) {
      const { offset } = input;
      throw new FormatError(
        `Cannot read archive: it goes on at byte ${offset}, expected its end behind the root's GOODBYE`,
        { offset },
      );
    }
  } finally {
    age.batch++;
    try {
      await input.close();
    } finally {
      await payload?.close();
    }
  }
}

/**
 * Decodes an archive to entries one by one, for loops that need not be fast.
 *
 * @param archive As for {@linkcode decode}.
 * @param options As for {@linkcode decode}.
 * @returns The entries; a content is valid until the next entry is asked for.
 */
export async function* decodeEntries(
  archive: ByteInput,
  options: DecodeOptions = {},
): AsyncGenerator<Entry, void, void> {
  for await (const batch of decode(archive, options)) yield* batch;
}
