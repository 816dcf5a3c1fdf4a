/**
 * Streams into chunks. `join` is the way back.
 *
 * @module
 */
import type { PayloadPart } from "@pxar/codec/sink";
import { type ByteInput, sourceOf } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { type CutRules, cutRules, type CutRulesOptions } from "./cut_rules.ts";
import { type Injection, PayloadRules } from "./payload_rules.ts";
import { type ScanMemory, scanMemory } from "./scan_memory.ts";

/** A part of a stream. */
export interface Chunk {
  /** What it consists of, one byte or more; the receiver's. */
  readonly bytes: Bytes;
  /** Position in the stream of its first byte. */
  readonly start: number;
  /** Position behind its last byte. */
  readonly end: number;
}

/** How a stream is cut: by its content, 4 MiB on average, unless told. */
export interface CutOptions extends CutRulesOptions {
  /** Ends it between two pieces. */
  readonly signal?: AbortSignal | undefined;
  /** Whether WebAssembly may help; `true`. The chunks are the same. */
  readonly wasm?: boolean | undefined;
}

/** How a payload stream is cut: 4 MiB on average unless told. */
export type CutPayloadOptions = Omit<CutOptions, "chunkSize">;

/** Most bytes that are asked for at once: what was just read is searched while it is near. */
const PIECE = 1 << 20;

/**
 * Cuts a stream into chunks.
 *
 * Source: spec B.2 and B.5.
 *
 * @param input The bytes, in pieces of any length, which do not change the chunks. Whenever the iteration ends, it is closed.
 * @param options How it is cut.
 * @returns The chunks in order; none for no bytes.
 * @throws {RangeError} If a length in the options is out of range.
 *
 * @example
 * ```ts
 * import { cut } from "@pxar/chunk/cut";
 *
 * const lengths: number[] = [];
 * for await (const { bytes } of cut(new Uint8Array(300_000), { average: 64 << 10 })) lengths.push(bytes.length);
 * console.assert(lengths.join() === "262144,37856");
 * ```
 */
export function cut(
  input: ByteInput,
  options: CutOptions = {},
): AsyncGenerator<Chunk, void, void> {
  // What is wrong with the options is said at once.
  const buffer = new CutBuffer(cutRules(options), options);
  return cutInput(input, buffer, options.signal);
}

/**
 * Cuts what is written to it into chunks: {@linkcode cut} for pipes.
 *
 * @param options How it is cut.
 * @returns Takes pieces of any length, gives chunks.
 * @throws {RangeError} If a length in the options is out of range.
 *
 * @example
 * ```ts
 * import { cutStream } from "@pxar/chunk/cut";
 *
 * let end = 0;
 * const chunks = new Blob(["hello"]).stream().pipeThrough(cutStream());
 * for await (const chunk of chunks) end = chunk.end;
 * console.assert(end === 5);
 * ```
 */
export function cutStream(
  options: CutOptions = {},
): TransformStream<Uint8Array, Chunk> {
  const { signal } = options;
  const buffer = new CutBuffer(cutRules(options), options);
  return new TransformStream<Uint8Array, Chunk>({
    transform: (piece, controller) => {
      demandBytes(piece);
      for (let at = 0; at < piece.length;) {
        signal?.throwIfAborted();
        at += buffer.put(piece, at);
        for (const chunk of buffer.chunks()) controller.enqueue(chunk);
      }
    },
    flush: (controller) => {
      signal?.throwIfAborted();
      for (const chunk of buffer.rest()) controller.enqueue(chunk);
    },
  });
}

/**
 * Cuts the payload stream of a split archive: at the files' boundaries where that suits, and around known chunks that are put in.
 *
 * The chunks depend on the lengths of the pieces, and on nothing else: a suggestion counts as known to the piece that ends at it.
 *
 * Source: spec B.4 and I.4.
 *
 * @param parts What happens on the stream, in order; bytes are used up when the next part is asked for.
 * @param options How it is cut.
 * @returns Chunks, and injections where they belong; positions count both.
 * @throws {RangeError} If a length in the options is out of range, or a part is no position or size.
 *
 * @example
 * ```ts
 * import { cutPayload } from "@pxar/chunk/cut";
 *
 * const ends: number[] = [];
 * const parts = [{ suggest: 16 }, { bytes: new Uint8Array(40_000) }, { inject: 5_000, token: "x" }, { suggest: 45_000 }];
 * for await (const { end } of cutPayload(parts, { average: 64 << 10 })) ends.push(end);
 * console.assert(ends.join() === "40000,45000");
 * ```
 */
export function cutPayload(
  parts: AsyncIterable<PayloadPart> | Iterable<PayloadPart>,
  options: CutPayloadOptions = {},
): AsyncGenerator<Chunk | Injection, void, void> {
  const rules = new PayloadRules(options.average);
  const buffer = new CutBuffer(rules, options);
  return cutParts(parts, rules, buffer, options.signal);
}

async function* cutInput(
  input: ByteInput,
  buffer: CutBuffer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk, void, void> {
  const source = sourceOf(input);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const read = source.read(buffer.room(PIECE));
      const got = typeof read === "number" ? read : await read;
      if (got === 0) break;
      buffer.filled(got);
      yield* buffer.chunks();
    }
    yield* buffer.rest();
  } finally {
    await source.close?.();
  }
}

async function* cutParts(
  parts: AsyncIterable<PayloadPart> | Iterable<PayloadPart>,
  rules: PayloadRules,
  buffer: CutBuffer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk | Injection, void, void> {
  // Where the stream is, as those who put chunks in count.
  let position = 0;
  for await (const part of parts) {
    signal?.throwIfAborted();
    if ("suggest" in part) {
      rules.suggest(part.suggest);
    } else if ("inject" in part) {
      rules.inject(position, part.inject, part.token);
      position += part.inject;
      yield* payloadChunks(rules, buffer);
    } else {
      const { bytes } = part;
      demandBytes(bytes);
      if (bytes.length === 0) continue;
      // All that is suggested up to the end of the piece before is known by now.
      yield* payloadChunks(rules, buffer);
      position += bytes.length;
      for (let at = 0; at < bytes.length;) {
        if (at > 0) yield* payloadChunks(rules, buffer, true);
        at += buffer.put(bytes, at);
      }
    }
  }
  signal?.throwIfAborted();
  yield* payloadChunks(rules, buffer);
  yield* buffer.rest();
}

function* payloadChunks(
  rules: PayloadRules,
  buffer: CutBuffer,
  more = false,
): Generator<Chunk | Injection, void, void> {
  for (;;) {
    yield* buffer.chunks(more);
    const injection = rules.injection();
    if (injection === undefined) return;
    buffer.position = injection.end;
    yield injection;
  }
}

/** Memory in which the chunk that is being filled lies in one piece. */
class CutBuffer {
  /** Where in the stream it begins. */
  position = 0;
  readonly #rules: CutRules;
  readonly #memory: ScanMemory;
  #start: number;
  #have = 0;

  constructor(rules: CutRules, { wasm }: CutOptions) {
    this.#rules = rules;
    // Room for two: what is left of a chunk moves to the front once for so many bytes as a chunk has at most.
    const size = Math.max(2 * rules.max, PIECE);
    this.#memory = scanMemory(size, { shared: false, wasm });
    this.#start = this.#memory.origin;
  }

  /** Where the next bytes go: one or more, `most` at most. */
  room(most: number): Bytes {
    const { bytes, origin } = this.#memory;
    if (this.#start + this.#rules.max > bytes.length) {
      bytes.copyWithin(origin, this.#start, this.#start + this.#have);
      this.#start = origin;
    }
    const head = this.#start + this.#have;
    return bytes.subarray(head, Math.min(bytes.length, head + most));
  }

  /** Counts bytes that were put there. */
  filled(count: number): void {
    this.#have += count;
  }

  /** Copies what there is room for; says how much that was. */
  put(piece: Uint8Array, at: number): number {
    const room = this.room(piece.length - at);
    room.set(piece.subarray(at, at + room.length));
    this.#have += room.length;
    return room.length;
  }

  /** The chunks that are complete. */
  *chunks(more = false): Generator<Chunk, void, void> {
    const { bytes } = this.#memory;
    for (;;) {
      const length = this.#rules.next(bytes, this.#start, this.#have, more);
      if (length === 0) return;
      yield this.#take(length);
    }
  }

  /** What is left at the end. */
  *rest(): Generator<Chunk, void, void> {
    if (this.#have > 0) yield this.#take(this.#have);
  }

  #take(length: number): Chunk {
    const start = this.position, end = start + length;
    const bytes = this.#memory.bytes.slice(this.#start, this.#start + length);
    this.position = end;
    this.#start += length;
    this.#have -= length;
    return { bytes, start, end };
  }
}

function demandBytes(piece: unknown): void {
  if (piece instanceof Uint8Array) return;
  throw new TypeError("Cannot cut stream: a piece of it is not a Uint8Array");
}
