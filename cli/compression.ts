/**
 * Compressed tar archives, as they are written and read: gzip and zstd, piece by piece.
 *
 * Loaded by the commands that need it: `node:zlib` has what the platform's own streams lack, which are zstd, and gzip streams of several members.
 *
 * @module
 */
import type { ByteSink } from "@pxar/codec/sink";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import * as zlib from "node:zlib";
import {
  type CompressingSink,
  damaged,
  unzstd,
  zstdCompressing,
} from "./zstd_stream.ts";

/** How an archive is compressed. */
export type Compression = "gzip" | "zstd";

/** What a file is, by its first bytes. */
export type Packing = Compression | "xz" | "bzip2" | "zip" | "pxar" | undefined;

/** How many bytes of a file {@linkcode packingOf} needs. */
export const MAGIC_SIZE = 8;
const MAGICS: readonly (readonly [Packing, ...number[]])[] = [
  ["gzip", 0x1f, 0x8b],
  ["zstd", 0x28, 0xb5, 0x2f, 0xfd],
  // pzstd begins with a frame to be skipped.
  ["zstd", 0x50, 0x2a, 0x4d, 0x18],
  ["xz", 0xfd, 0x37, 0x7a, 0x58, 0x5a],
  ["bzip2", 0x42, 0x5a, 0x68],
  ["zip", 0x50, 0x4b, 0x03, 0x04],
  ["zip", 0x50, 0x4b, 0x05, 0x06],
  // An ENTRY, which is what an archive of version 1 begins with, and the FORMAT_VERSION of the others.
  ["pxar", 0xef, 0xac, 0x88, 0xe5, 0x74, 0x64, 0x95, 0xd5],
  ["pxar", 0x0d, 0xa4, 0x16, 0xdf, 0x75, 0x6c, 0x0f, 0x73],
];

/** Length of a piece, bytes. */
const PIECE = 1 << 18;

/**
 * Tells a file's packing.
 *
 * @param head Its first eight bytes, or all of them.
 * @returns `undefined` for none of those that are known.
 */
export function packingOf(head: Uint8Array): Packing {
  return MAGICS.find(([, ...magic]) =>
    magic.every((byte, i) => head[i] === byte)
  )?.[0];
}

/**
 * Compresses what is written.
 *
 * @param sink Takes the compressed bytes.
 * @param how Which way.
 * @returns Takes bytes; to be finished, or given up.
 */
export function compressing(
  sink: ByteSink,
  how: Compression,
): CompressingSink {
  return how === "gzip" ? gzipping(sink) : zstdCompressing(sink);
}

function gzipping(sink: ByteSink): CompressingSink {
  const { readable, writable } = new CompressionStream("gzip");
  const writer = writable.getWriter();
  const pump = async (): Promise<void> => {
    for await (const piece of readable) await sink.write(piece as Bytes);
  };
  const pumped = pump();
  // Whoever writes meets it.
  pumped.catch((error) => writer.abort(error).catch(() => {}));
  const unless = async (writing: Promise<void>): Promise<void> => {
    try {
      await writing;
    } catch (error) {
      await pumped;
      throw error;
    }
  };
  return {
    write: (piece) => unless(writer.write(piece)),
    finish: async () => {
      await unless(writer.close());
      await pumped;
    },
    discard: async () => {
      await writer.abort().catch(() => {});
      await pumped.catch(() => {});
    },
  };
}

/**
 * Decompresses what is read.
 *
 * @param source The compressed bytes; closed at the end.
 * @param how Which way.
 * @returns The bytes, piece by piece.
 * @throws {FormatError} If the compressed bytes are damaged.
 * @throws {TruncatedError} If they end early.
 */
export function decompressed(
  source: ByteSource,
  how: Compression,
): AsyncGenerator<Bytes, void, void> {
  return how === "gzip" ? gunzipped(source) : unzstd(source);
}

async function* gunzipped(
  source: ByteSource,
): AsyncGenerator<Bytes, void, void> {
  const stream = zlib.createGunzip({ chunkSize: PIECE });
  let failed: unknown;
  const feed = async (): Promise<void> => {
    for (;;) {
      const piece = new Uint8Array(PIECE);
      const got = await source.read(piece);
      if (got === 0) break;
      await new Promise<void>((resolve) =>
        stream.write(piece.subarray(0, got), () => resolve())
      );
      if (stream.destroyed || stream.readableEnded) return;
    }
    stream.end();
  };
  const fed = feed().catch((error) => {
    failed = error;
    stream.destroy(error);
  });
  try {
    for await (const piece of stream) yield piece;
  } catch (error) {
    throw failed ?? damaged("gzip", error);
  } finally {
    stream.destroy();
    void fed;
    await source.close?.();
  }
}
