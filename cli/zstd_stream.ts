// zstd as a stream, by node:zlib, in both directions.
import type { ByteSink } from "@pxar/codec/sink";
import { type ByteSource, StreamReader } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  type PxarError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import * as zlib from "node:zlib";
import type { Transform } from "node:stream";

/** What is used of `node:zlib` and its declarations lack. */
interface ZstdStreams {
  createZstdCompress(options: object): Transform;
  createZstdDecompress(options: object): Transform;
}

/** Length of a piece, bytes. */
const PIECE = 1 << 18;
/** Level 3, and a checksum behind the content. */
const PARAMETERS = { 100: 3, 201: 1 };
const MAGIC = 0xfd2fb528, SKIPPABLE = 0x184d2a50;
const RLE = 1, RESERVED = 3;
/** Largest content of a block. */
const BLOCK_LIMIT = 1 << 17;

/** A sink that compresses. */
export interface CompressingSink extends ByteSink {
  /** Writes what is left; resolves once the sink behind has it. */
  finish(): Promise<void>;
  /** Gives up. */
  discard(): Promise<void>;
}

/** Compresses what is written into one frame. */
export function zstdCompressing(sink: ByteSink): CompressingSink {
  const { createZstdCompress } = zlib as unknown as ZstdStreams;
  const stream = createZstdCompress({ params: PARAMETERS, chunkSize: PIECE });
  const pump = async (): Promise<void> => {
    for await (const piece of stream) await sink.write(piece);
  };
  const pumped = pump();
  pumped.catch(() => stream.destroy());
  const done = (call: (done: (error?: Error | null) => void) => void) =>
    Promise.race([
      new Promise<void>((resolve, reject) =>
        call((error) => error ? reject(error) : resolve())
      ),
      // Ends before only if it fails: then nobody calls back.
      pumped.then(() => new Promise<void>(() => {})),
    ]);
  return {
    write: (piece) => done((done) => stream.write(piece, done)),
    finish: async () => {
      stream.end();
      await pumped;
    },
    discard: async () => {
      stream.destroy();
      await pumped.catch(() => {});
    },
  };
}

/** The error for a compressed stream that is cut, or wrong. */
export function damaged(what: "gzip" | "zstd", cause: unknown): PxarError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && "code" in cause ? cause.code : "";
  return code === "Z_BUF_ERROR"
    ? new TruncatedError(
      `Cannot decompress ${what}: the stream ends early, expected all of it`,
      { cause },
    )
    : new FormatError(
      `Cannot decompress ${what}: the stream is damaged (${why}), expected it whole`,
      { cause },
    );
}

/**
 * Sends frames through `node:zlib` block by block: in Deno (2.9.6) an error in any but the first call of libzstd for one write ends the process, its decompressor stops
 * behind the first frame, and it takes a cut one for a whole one. So where frames and blocks end is read here. Source: RFC 8878, 3.1.
 */
export async function* unzstd(
  source: ByteSource,
): AsyncGenerator<Bytes, void, void> {
  const reader = new StreamReader(source, 1 << 20);
  const take = async (count: number): Promise<Bytes> => {
    if (!(await reader.fill(count))) {
      throw damaged(
        "zstd",
        Object.assign(new Error(), { code: "Z_BUF_ERROR" }),
      );
    }
    const from = reader.index;
    reader.advance(count);
    return reader.memory.slice(from, from + count);
  };
  let frame: ZstdFrame | undefined;
  try {
    while (await reader.fill(1)) {
      const magic = await take(4);
      const number = u32(magic);
      if ((number & ~0xf) >>> 0 === SKIPPABLE) {
        await reader.skip(u32(await take(4)));
        continue;
      }
      if (number !== MAGIC) {
        throw damaged("zstd", new Error("no frame begins where one ended"));
      }
      const descriptor = await take(1);
      const length = headerLength(descriptor[0]!);
      frame = new ZstdFrame();
      const header = [magic, descriptor, await take(length)];
      yield* await frame.write(join(header));
      for (let isLast = false; !isLast;) {
        const head = await take(3);
        const value = head[0]! | head[1]! << 8 | head[2]! << 16;
        const kind = value >> 1 & 3, size = value >> 3;
        isLast = (value & 1) === 1;
        if (kind === RESERVED || size > BLOCK_LIMIT) {
          throw damaged("zstd", new Error("a block has no such length"));
        }
        const body = await take(kind === RLE ? 1 : size);
        yield* await frame.write(join([head, body]));
      }
      if ((descriptor[0]! & 4) !== 0) yield* await frame.write(await take(4));
      yield* await frame.finish();
    }
  } finally {
    frame?.destroy();
    await reader.close();
  }
}

/** One frame in decompression. */
class ZstdFrame {
  readonly #stream: Transform;
  readonly #ended: Promise<void>;
  #error: unknown;
  #pieces: Bytes[] = [];
  #wake: (() => void) | undefined;

  constructor() {
    const { createZstdDecompress } = zlib as unknown as ZstdStreams;
    this.#stream = createZstdDecompress({ chunkSize: BLOCK_LIMIT });
    this.#stream.on("data", (piece: Bytes) => this.#pieces.push(piece));
    this.#ended = new Promise((resolve) => {
      this.#stream.on("end", resolve);
      this.#stream.on("error", (error: Error) => {
        this.#error = error;
        this.#wake?.();
        resolve();
      });
    });
  }

  /** Decompresses one block; gives what came out. */
  async write(bytes: Bytes): Promise<Bytes[]> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#stream.write(bytes, () => resolve());
    });
    return this.#take();
  }

  async finish(): Promise<Bytes[]> {
    this.#stream.end();
    await this.#ended;
    return this.#take();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #take(): Bytes[] {
    if (this.#error !== undefined) {
      const { message } = this.#error as Error;
      if (/memory|window|dictionary/i.test(message)) {
        throw new UnsupportedError(
          `Cannot decompress zstd: ${message}, expected a window of at most 128 MiB and no dictionary`,
          { cause: this.#error },
        );
      }
      throw damaged("zstd", this.#error);
    }
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}

/** How many bytes of a header follow its descriptor; at most 13. */
function headerLength(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  const content = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  return (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + content;
}

function u32(bytes: Uint8Array): number {
  return (bytes[0]! | bytes[1]! << 8 | bytes[2]! << 16 | bytes[3]! << 24) >>> 0;
}

function join(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
