/**
 * The journey: what happens to entries between a source and a sink. Every part takes batches and gives batches, so that they can be put one into the other.
 *
 * @example The configuration of a tree, owned by somebody else, counted
 * ```ts
 * import { type Batches, makeEntry, parsePattern } from "@pxar/format";
 * import { each, Progress, progress, select } from "@pxar/transfer";
 *
 * const batches: Batches = [[makeEntry("directory"), makeEntry("end")]];
 * const patterns = [parsePattern("*.conf", "include")];
 * const owned = each(select(batches, { patterns }), (entry) => ({ ...entry, uid: 0, gid: 0 }));
 * const state = new Progress();
 * for await (const _batch of progress(owned, state)) console.assert(state.entries === 1);
 * ```
 *
 * @module
 */
export * from "./each.ts";
export * from "./path.ts";
export * from "./progress.ts";
export * from "./select.ts";
