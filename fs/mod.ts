/**
 * A real directory: a tree on disk as entries, and entries as a tree on disk.
 *
 * {@linkcode readTree} is a source and {@linkcode writeTree} a sink; joined, they copy. On Linux both go by the C library (where `--allow-ffi` lets them) and
 * keep everything; elsewhere they go by Deno's own API, and {@linkcode Report} counts what was lost on the way.
 *
 * ```ts
 * import { readTree, Report, writeTree } from "@pxar/fs";
 *
 * const target = await Deno.makeTempDir();
 * const report = new Report();
 * await writeTree(`${target}/copy`, readTree("docs", { report }));
 * console.log(`${report.entries} entries, lost: ${[...report.losses.keys()].join(", ") || "nothing"}`);
 * await Deno.remove(target, { recursive: true });
 * ```
 *
 * @module
 */
export * from "./read_tree.ts";
export * from "./report.ts";
export * from "./write_tree.ts";
