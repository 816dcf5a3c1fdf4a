/**
 * The journey: whole flows between directories, archives, snapshots and stores (backup, what is read of a snapshot, copying, merging, comparing, searching, synchronising, tar and zip), and
 * what happens to entries on the way. What goes from one to the other are batches of entries, so that they can be put one into the other.
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
export * from "./backup.ts";
export * from "./browse.ts";
export * from "./convert.ts";
export * from "./copy.ts";
export * from "./diff.ts";
export * from "./each.ts";
export * from "./file_chunks.ts";
export * from "./find.ts";
export * from "./find_snapshots.ts";
export * from "./graft.ts";
export * from "./group_filter.ts";
export * from "./merge.ts";
export * from "./open.ts";
export * from "./path.ts";
export * from "./pick.ts";
export * from "./progress.ts";
export * from "./reencrypt.ts";
export * from "./reuse.ts";
export * from "./same_content.ts";
export * from "./select.ts";
export * from "./snapshot_copy.ts";
export * from "./subtree.ts";
export * from "./sync.ts";
export * from "./sync_plan.ts";
export * from "./sync_report.ts";
export * from "./tar_decode.ts";
export * from "./tar_encode.ts";
export * from "./tree_path.ts";
export * from "./versions.ts";
export * from "./zip.ts";
