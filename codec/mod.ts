/**
 * The archive: entries to bytes and back.
 *
 * `encode` writes a tree, `decode` reads one from front to back, and `Accessor` looks into one at any place; `check` tells what is damaged. Bytes come from a stream or by
 * random access, and go to a sink or a stream. A split archive has two of each: the second one is its payload.
 *
 * What comes out of `decode` goes into `encode`, so converting is a call in a call:
 *
 * ```ts
 * import { decode, encodeStreams } from "@pxar/codec";
 *
 * // Splits an archive into metadata and payload.
 * function split(archive: ReadableStream<Uint8Array>) {
 *   return encodeStreams(decode(archive));
 * }
 * ```
 *
 * @module
 */
export * from "./accessor.ts";
export * from "./block_cache.ts";
export * from "./catalog.ts";
export * from "./catalog_reader.ts";
export * from "./catalog_tap.ts";
export * from "./catalog_writer.ts";
export * from "./check.ts";
export * from "./decode.ts";
export * from "./encode.ts";
export * from "./http_access.ts";
export * from "./random_access.ts";
export * from "./sink.ts";
export * from "./stream_reader.ts";
export * from "./system_call.ts";
