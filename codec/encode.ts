/**
 * Entries to archives.
 *
 * @module
 */
import type { Batches, Content, Entry } from "@pxar/format/entry";
import { encodeHeader, HEADER_SIZE, ITEMS } from "@pxar/format/item";
import { showName } from "@pxar/format/name";
import { Encoder } from "./encoder.ts";
import { PayloadOutput } from "./payload_output.ts";
import { PieceStream } from "./piece_stream.ts";
import {
  type ByteSink,
  type PayloadPart,
  type PayloadSink,
  PIECE_SIZE,
  Pieces,
} from "./sink.ts";

/** Where an archive goes. */
export interface EncodeSinks {
  /** Takes the archive, or the metadata of a split one. */
  readonly metadata: ByteSink;
  /** Takes the payload; with it the archive is a split one (version 2). */
  readonly payload?: PayloadSink | undefined;
}

/** How an archive is written. */
export interface EncodeOptions {
  /** Length of the pieces handed to the sinks, bytes; 1 MiB. Tables and attributes that need more get a larger one. */
  readonly piece?: number | undefined;
  /** Ends it between two batches or pieces. */
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface Encoded {
  /** Length of the archive, or of the metadata of a split one, bytes. */
  readonly metadata: number;
  /** Length of the payload of a split archive, injected chunks included, bytes; else `undefined`. */
  readonly payload: number | undefined;
  /** How many nodes there are in it, the root included. */
  readonly entries: number;
}

// Less room than this in a piece is left unused rather than asked a content to fill it.
const LEAST_READ = 64 << 10;

/**
 * Encodes a tree.
 *
 * The entries come as `decode` gives them: a version, which is passed over, and a prelude if there are any; the root; its children, each directory followed by its own
 * and an end; the root's end. Children are written in the order in which they come. A hardlink's first link is found by its `linkPosition`: it is the file that came with this `position`.
 *
 * In a split archive a file without content but with `reused` gets a reference that many bytes behind the payload position reached, and an `inject` entry hands its token on.
 * A sink has one call at a time to deal with; while it is busy the next piece fills. It is not closed.
 *
 * Source: spec A.3, A.11 to A.14.
 *
 * @param batches The entries. Whenever it ends, the iteration is ended too.
 * @param sinks Where the bytes go.
 * @param options Length of pieces, signal.
 * @returns How much was written, once the sinks have taken all of it.
 * @throws {TypeError} If the entries do not make a tree, or a content is missing or shorter than it says.
 * @throws {FormatError} If a name, number or attribute has no place in an archive.
 *
 * @example
 * ```ts
 * import { encode } from "@pxar/codec/encode";
 * import { makeEntry } from "@pxar/format/entry";
 * import { dirMetadata, fifoMetadata } from "@pxar/format/metadata";
 *
 * const name = new TextEncoder().encode("queue");
 * const pieces: Uint8Array[] = [];
 * const { metadata } = await encode([[
 *   makeEntry("directory", dirMetadata(0o755).build()),
 *   makeEntry("fifo", { name, ...fifoMetadata(0o600).build() }),
 *   makeEntry("end"),
 * ]], { metadata: { write: (piece) => void pieces.push(piece.slice()) } });
 * console.assert(metadata === 198);
 * ```
 */
export async function encode(
  batches: Batches,
  sinks: EncodeSinks,
  options: EncodeOptions = {},
): Promise<Encoded> {
  const { piece = PIECE_SIZE, signal } = options;
  if (!(Number.isSafeInteger(piece) && piece >= 64)) {
    throw new RangeError(
      `Cannot encode archive: piece is ${piece}, expected 64 or more`,
    );
  }
  const metadata = new Pieces((piece) => sinks.metadata.write(piece), piece);
  const payload = sinks.payload === undefined
    ? undefined
    : new PayloadOutput(sinks.payload, piece);
  try {
    payload?.mark(ITEMS.PAYLOAD_START_MARKER);
    const encoder = new Encoder(metadata, payload);
    await putAll(batches, encoder, metadata, payload, signal);
    encoder.finish();
    await payload?.pieces.need(HEADER_SIZE);
    payload?.mark(ITEMS.PAYLOAD_TAIL_MARKER);
    await Promise.all([metadata.finish(), payload?.pieces.finish()]);
    return {
      metadata: metadata.position,
      payload: payload?.position,
      entries: encoder.entries,
    };
  } finally {
    await Promise.all([metadata.settle(), payload?.pieces.settle()]);
  }
}

/** All that is hot; waits only where a sink or a content makes it wait. */
async function putAll(
  batches: Batches,
  encoder: Encoder,
  metadata: Pieces,
  payload: PayloadOutput | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const batch of batches) {
    signal?.throwIfAborted();
    for (let i = 0; i < batch.length; i++) {
      const entry = batch[i]!;
      if (entry.kind === "inject") {
        await inject(entry, payload);
        continue;
      }
      const room = metadata.need(encoder.room(entry));
      if (room !== undefined) await room;
      const content = encoder.put(entry);
      if (content === undefined) continue;
      let pieces = metadata;
      if (payload !== undefined && entry.kind === "file") {
        pieces = payload.pieces;
        const room = pieces.need(HEADER_SIZE);
        if (room !== undefined) await room;
        encodeHeader(pieces.writer, ITEMS.PAYLOAD, content.size);
      }
      for (let left = content.size; left > 0;) {
        let { writer } = pieces;
        if (
          writer.room < left && writer.room < LEAST_READ && writer.length > 0
        ) {
          const flushed = pieces.flush();
          if (flushed !== undefined) await flushed;
          signal?.throwIfAborted();
          writer = pieces.writer;
        }
        const space = writer.space(Math.min(left, writer.room));
        const got = content.read(space);
        const count = typeof got === "number" ? got : await got;
        if (!(count > 0 && count <= space.length)) {
          refuseContent(entry, content, left, count);
        }
        writer.advance(count);
        left -= count;
      }
      if (entry.kind === "file") encoder.close();
    }
  }
}

/**
 * Encodes a tree to a stream; an archive of version 1.
 *
 * Nothing happens before the stream is read from, and it goes on only as far as it is read. Cancelling it ends the iteration of `batches`.
 *
 * @param batches As for {@linkcode encode}.
 * @param options As for {@linkcode encode}.
 * @returns The archive; its pieces belong to the reader. What {@linkcode encode} would throw is the stream's error.
 *
 * @example
 * ```ts
 * import { decode } from "@pxar/codec/decode";
 * import { encodeStream } from "@pxar/codec/encode";
 *
 * // Writes an old or split archive the way it is written today.
 * function renew(metadata: ReadableStream<Uint8Array>, payload: ReadableStream<Uint8Array>) {
 *   return encodeStream(decode(metadata, { payload }));
 * }
 * ```
 */
export function encodeStream(
  batches: Batches,
  options: EncodeOptions = {},
): ReadableStream<Uint8Array> {
  return openDoors(batches, options, false).metadata.readable;
}

/** A split archive as it is written. */
export interface EncodedStreams {
  /** The metadata stream; its pieces belong to the reader. */
  readonly metadata: ReadableStream<Uint8Array>;
  /** The payload stream; its pieces belong to the reader. */
  readonly payload: ReadableStream<Uint8Array>;
  /** How much was written, once both have been read to their ends; rejected where they fail. */
  readonly done: Promise<Encoded>;
}

/**
 * Encodes a tree to two streams; a split archive, of version 2.
 *
 * Both are to be read at once: as long as one waits to be read, the other may have to wait for it. Otherwise as {@linkcode encodeStream}.
 *
 * @param batches As for {@linkcode encode}, but without reused files and injects.
 * @param options As for {@linkcode encode}.
 * @returns Both streams; cancelling one is an error of the other.
 */
export function encodeStreams(
  batches: Batches,
  options: EncodeOptions = {},
): EncodedStreams {
  const { metadata, payload, done } = openDoors(batches, options, true);
  return { metadata: metadata.readable, payload: payload.readable, done };
}

function openDoors(
  batches: Batches,
  options: EncodeOptions,
  split: boolean,
): { metadata: PieceStream; payload: PieceStream; done: Promise<Encoded> } {
  const stop = new AbortController();
  const signal = options.signal === undefined
    ? stop.signal
    : AbortSignal.any([options.signal, stop.signal]);
  let start!: () => void;
  const started = new Promise<void>((resolve) => start = resolve);
  const cancel = async (reason: unknown): Promise<void> => {
    stop.abort(reason);
    start();
    await done.catch(() => {});
  };
  const metadata = new PieceStream(start, cancel);
  const payload = new PieceStream(start, cancel);
  const fail = (error: unknown): void => {
    metadata.fail(error);
    payload.fail(error);
  };
  const run = async (): Promise<Encoded> => {
    await started;
    const stopped = () => fail(signal.reason);
    signal.addEventListener("abort", stopped);
    try {
      const encoded = await encode(batches, {
        metadata,
        payload: split ? payloadSink(payload) : undefined,
      }, { ...options, signal });
      metadata.close();
      payload.close();
      return encoded;
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", stopped);
    }
  };
  const done = run();
  // Readers of the streams meet the error; those who do not look at this promise need not.
  done.catch(() => {});
  return { metadata, payload, done };
}

function payloadSink(stream: PieceStream): PayloadSink {
  return {
    write(part: PayloadPart): void | Promise<void> {
      if ("bytes" in part) return stream.write(part.bytes);
      if ("inject" in part) {
        throw new TypeError(
          "Cannot encode inject: a stream takes bytes only, expected a payload sink",
        );
      }
    },
  };
}

async function inject(
  entry: Entry,
  payload: PayloadOutput | undefined,
): Promise<void> {
  if (payload === undefined || entry.payload === undefined) {
    throw new TypeError(
      `Cannot encode inject: there is no ${
        payload === undefined ? "payload sink" : "payload"
      }, expected one`,
    );
  }
  await payload.inject(entry.payload.size, entry.token);
}

function refuseContent(
  entry: Entry,
  content: Content,
  left: number,
  count: number,
): never {
  throw new TypeError(
    `Cannot encode ${entry.kind} "${
      showName(entry.name)
    }": its content gave ${count} bytes, expected 1 or more of the ${left} left of ${content.size}`,
  );
}
