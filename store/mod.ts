/**
 * The place: where chunks, indexes and snapshots live, and by which names.
 *
 * `openDatastore` opens a folder that Proxmox Backup Server could adopt, `initDatastore` makes one, `memoryStore` does without a disk: each gives a `Store`, whose snapshots are
 * begun by `create` and read by `open`. An `ArchiveWriter` cuts bytes and has a `ChunkCrew` of threads keep the chunks; `archivePieces` reads them back the same way. `verify` says
 * whether all is there and is what it was, `collectGarbage` removes what no snapshot needs. Names, manifests, signatures and the plan of pruning are pure functions, which touch
 * no file.
 *
 * @example A snapshot, written and read back
 * ```ts
 * import { openIndex } from "@pxar/chunk/open_index";
 * import { archivePieces, ArchiveWriter, ChunkCrew, makeManifest, memoryStore, parseSnapshot } from "@pxar/store";
 *
 * await using store = await memoryStore();
 * const snapshot = parseSnapshot("host/elsa/2026-03-01T04:00:00Z");
 * const crew = await ChunkCrew.start(store.direct, { threads: 0 });
 * {
 *   await using writer = await store.create(snapshot, { owner: "root@pam" });
 *   const index = await writer.dynamicIndex("root.pxar.didx");
 *   await using archive = await ArchiveWriter.open("root.pxar.didx", writer, index, crew);
 *   await archive.write(new TextEncoder().encode("what an encoder gives"));
 *   const { file } = await archive.finish();
 *   await writer.finish(makeManifest(snapshot, [{ ...file, cryptMode: "none" }]));
 * }
 *
 * await using reader = await store.open(snapshot);
 * const index = await openIndex(await reader.file("root.pxar.didx"));
 * for await (const piece of archivePieces(index, reader, crew, { encrypted: false })) {
 *   console.assert(new TextDecoder().decode(piece) === "what an encoder gives");
 * }
 * crew.close();
 * ```
 *
 * @example What pruning would leave of a group, and where that lies
 * ```ts
 * import { parseSnapshot, planPrune, snapshotPath } from "@pxar/store";
 *
 * const group = ["host/elsa/2026-03-01T04:00:00Z", "host/elsa/2026-03-01T16:00:00Z", "host/elsa/2026-03-02T04:00:00Z"]
 *   .map((text) => ({ snapshot: parseSnapshot(text, "office"), finished: true, protected: false }));
 * const kept = planPrune(group, { daily: 2 }, { timeZone: "UTC" }).filter(({ keep }) => keep);
 * console.assert(kept.length === 2);
 * console.assert(snapshotPath(kept[0]!.snapshot) === "ns/office/host/elsa/2026-03-01T16:00:00Z");
 * ```
 *
 * @module
 */
export * from "./archive_name.ts";
export * from "./archive_stream.ts";
export * from "./archive_writer.ts";
export * from "./auth_id.ts";
export * from "./backup_spec.ts";
export * from "./backup_time.ts";
export * from "./caching.ts";
export * from "./canonical_json.ts";
export * from "./checked_file.ts";
export * from "./chunk_crew.ts";
export * from "./datastore.ts";
export * from "./datastore_layout.ts";
export * from "./direct_chunks.ts";
export * from "./gc.ts";
export * from "./gc_status.ts";
export * from "./json.ts";
export * from "./kernel.ts";
export * from "./local_time.ts";
export * from "./lock_path.ts";
export * from "./manifest.ts";
export * from "./manifest_blob.ts";
export * from "./manifest_signature.ts";
export * from "./memory.ts";
export * from "./namespace.ts";
export * from "./open_datastore.ts";
export * from "./payload_writer.ts";
export * from "./prune_plan.ts";
export * from "./safe_id.ts";
export * from "./shown.ts";
export * from "./snapshot.ts";
export * from "./store.ts";
export * from "./unprotected.ts";
export * from "./upid.ts";
export * from "./verify.ts";
export * from "./verify_report.ts";
