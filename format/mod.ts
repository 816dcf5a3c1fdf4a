/**
 * The alphabet of pxar archives: the bytes of every record and the values they stand for, both ways.
 *
 * All of it is synchronous and pure: it holds no file, no stream and no promise. Each kind of record has an `encode` function, which writes
 * header and content, and a `decode` function, which reads the content. Whatever bytes come in, only a `PxarError` comes out.
 * The grammar of an archive stands in `item.ts`; what flows between its readers and writers is an `Entry`.
 *
 * @example The records of a small file, written and read
 * ```ts
 * import { ByteReader, ByteWriter, decodeFilename, decodeHeader, encodeFilename, encodeStat, fileMetadata, ITEMS, showName } from "@pxar/format";
 *
 * const writer = new ByteWriter(new Uint8Array(100));
 * encodeFilename(writer, new TextEncoder().encode("a.txt"));
 * encodeStat(writer, fileMetadata(0o644).owner(1000, 1000).build());
 *
 * const bytes = writer.written, reader = new ByteReader(bytes);
 * const { item, size } = decodeHeader(reader, { item: ITEMS.ENTRY, size: 0 });
 * reader.window(16, 16 + size, 0);
 * if (item === ITEMS.FILENAME) showName(decodeFilename(reader)); // "a.txt"
 * ```
 *
 * @module
 */
export * from "./acl.ts";
export * from "./attributes.ts";
export * from "./bytes.ts";
export * from "./device.ts";
export * from "./entry.ts";
export * from "./errors.ts";
export * from "./flags.ts";
export * from "./glob.ts";
export * from "./goodbye.ts";
export * from "./hardlink.ts";
export * from "./item.ts";
export * from "./metadata.ts";
export * from "./name.ts";
export * from "./pattern.ts";
export * from "./payload_ref.ts";
export * from "./siphash.ts";
export * from "./stat.ts";
export * from "./version.ts";
export * from "./xattr.ts";
