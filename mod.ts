/**
 * Proxmox backup archives (pxar) and datastores for TypeScript: the alphabet of the format, archives as streams and by random access, chunks, the
 * stores that they and snapshots live in, and the filters between them. Runs in Deno, Node, Bun and a browser, where a store is one in memory; no
 * FFI, no network of its own.
 *
 * A directory on disk is read and written by `@pxar/fs`; `@pxar/sys` lends the kernel's locks and faster libraries; the command line is `@pxar/cli`.
 *
 * @example
 * ```ts
 * import { Accessor, bytesAccess, BytesContent, dirMetadata, encodeStream, fileMetadata, makeEntry } from "@pxar/pxar";
 *
 * const text = new TextEncoder();
 * const hello = new BytesContent(text.encode("Hello!\n"));
 * const archive = encodeStream([[
 *   makeEntry("directory", dirMetadata(0o755).build()),
 *   makeEntry("file", { name: text.encode("hello.txt"), content: hello, ...fileMetadata(0o644).mtime(1_700_000_000).build() }),
 *   makeEntry("end"),
 * ]]);
 *
 * const bytes = new Uint8Array(await new Response(archive).arrayBuffer());
 * await using accessor = await Accessor.open(bytesAccess(bytes));
 * const node = await accessor.lookup("/hello.txt");
 * console.log(await new Response(accessor.stream(node!)).text()); // Hello!
 * ```
 *
 * @module
 */
export * from "@pxar/format";
export * from "@pxar/codec";
export * from "@pxar/chunk";
export * from "@pxar/store";
export * from "@pxar/transfer";
