/**
 * The chunk: streams of bytes to chunks, chunks to blobs, lists of them, and back.
 *
 * `cut` finds where chunks end, `digestOf` names each by what is in it, `sealBlob` compresses and encrypts it, an index lists them, `joinStream` gives the bytes again.
 * Where chunks are kept is no matter here: whoever keeps them is a `ChunkSource`. With a `CryptKey`, digests and blobs are of nobody else's use; key files, master keys and
 * paper keys are the shapes in which a key outlives the program.
 *
 * @example A stream to chunks, and back
 * ```ts
 * import { cut, digestOf, DynamicIndexWriter, hexOf, joinBlob, joinStream, MemoryIndexSink, openCodecs, openIndex, sealBlob } from "@pxar/chunk";
 * import { bytesAccess } from "@pxar/codec";
 *
 * const codecs = await openCodecs(), blobs = new Map<string, Uint8Array<ArrayBuffer>>();
 * const file = new MemoryIndexSink(), writer = new DynamicIndexWriter(file);
 * const bytes = new Uint8Array(300_000).map((_, i) => i >> 8);
 * for await (const chunk of cut(bytes, { average: 16 << 10 })) {
 *   const digest = digestOf(chunk.bytes);
 *   if (!blobs.has(hexOf(digest))) blobs.set(hexOf(digest), joinBlob(await sealBlob(chunk.bytes, { codecs })));
 *   await writer.append(chunk.end, digest);
 * }
 * await writer.close();
 *
 * const index = await openIndex(bytesAccess(file.bytes));
 * const source = { get: async (digest: Uint8Array) => blobs.get(hexOf(digest))! };
 * const joined = await new Response(joinStream(index, source, { codecs, encrypted: false })).bytes();
 * console.assert(joined.every((byte, i) => byte === bytes[i]) && blobs.size < index.count);
 * ```
 *
 * @module
 */
export * from "./aes_gcm.ts";
export * from "./blob.ts";
export * from "./buzhash.ts";
export * from "./chunk_index.ts";
export * from "./chunk_ring.ts";
export * from "./chunk_source.ts";
export * from "./codecs.ts";
export * from "./crc32.ts";
export * from "./crew.ts";
export * from "./cut.ts";
export * from "./cut_rules.ts";
export * from "./digest.ts";
export * from "./dynamic_index.ts";
export * from "./fixed_index.ts";
export * from "./growing_crew.ts";
export * from "./index_sink.ts";
export * from "./join.ts";
export * from "./kdf.ts";
export * from "./key.ts";
export * from "./key_file.ts";
export * from "./master_key.ts";
export * from "./native.ts";
export * from "./open_index.ts";
export * from "./ordered.ts";
export * from "./paper_key.ts";
export * from "./payload_pieces.ts";
export * from "./payload_rules.ts";
export * from "./rfc3339.ts";
export * from "./scan_memory.ts";
export * from "./scratch.ts";
export * from "./sha256.ts";
export * from "./zstd.ts";
