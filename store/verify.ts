/**
 * Verification: whether all that a store's snapshots need is there, and is what it was.
 *
 * Source: spec C.6, E.6. Beyond what PBS compares, a manifest must be that of its folder, an index must state its own checksum, every chunk must be encrypted or plain as its
 * file is, whoever else has it too, and with the key at hand signatures are checked and encrypted chunks are decrypted.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import { BusyError, NotFoundError, PxarError } from "@pxar/format/errors";
import { MANIFEST_NAME } from "./archive_name.ts";
import { ChunkCheck } from "./chunk_check.ts";
import { ChunkCrew } from "./chunk_crew.ts";
import type { Datastore } from "./datastore.ts";
import { DatastoreReader } from "./datastore_reader.ts";
import type { HeldLock } from "./kernel.ts";
import type { Manifest } from "./manifest.ts";
import type { SnapshotName } from "./snapshot.ts";
import { SnapshotCheck } from "./snapshot_check.ts";
import type { Abortable } from "./store.ts";
import {
  type VerifyState,
  verifyStateOf,
  withVerifyState,
} from "./unprotected.ts";
import type { Upid } from "./upid.ts";
import type {
  SnapshotReport,
  VerifyEvent,
  VerifyReport,
} from "./verify_report.ts";
import { snapshotsOf, type VerifyScope, verifyTask } from "./verify_scope.ts";

export type { VerifyScope };

/** How a store is verified. */
export interface VerifyOptions extends Abortable {
  /** Decrypts chunks and checks signatures of the snapshots that were made with it. */
  readonly key?: CryptKey | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads read chunks; as many as there are processors unless told. */
  readonly threads?: number | undefined;
  /** Passes over snapshots that have been verified before, whatever was found. */
  readonly ignoreVerified?: boolean | undefined;
  /** With `ignoreVerified`: those that were verified longer ago are verified again, days. */
  readonly outdatedAfter?: number | undefined;
  /** Who verifies, for the record; `root@pam` unless told. */
  readonly user?: string | undefined;
  /** Told what is done and found. */
  readonly onEvent?: ((event: VerifyEvent) => void) | undefined;
}

/**
 * Verifies snapshots, and notes the outcome in the manifest of each.
 *
 * It can be ended at any time; with `ignoreVerified`, the next run goes on where it was ended.
 *
 * @param store What is verified.
 * @param scope Which snapshots.
 * @param options How.
 * @returns What was found.
 * @throws {NotFoundError} If there is no such namespace, group or snapshot.
 */
export async function verify(
  store: Datastore,
  scope: VerifyScope,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  options.signal?.throwIfAborted();
  const task = verifyTask(store, scope, options.user ?? "root@pam");
  const snapshots = snapshotsOf(store, scope);
  // The key goes to threads of this process only.
  const crew = store.direct && await ChunkCrew.start(store.direct, options);
  try {
    const chunks = new ChunkCheck(store, crew, options.key);
    return await new Verification(store, chunks, task, options).run(snapshots);
  } finally {
    crew?.close();
  }
}

/** One run. */
class Verification {
  readonly #store: Datastore;
  readonly #chunks: ChunkCheck;
  readonly #task: Upid;
  readonly #options: VerifyOptions;

  constructor(
    store: Datastore,
    chunks: ChunkCheck,
    task: Upid,
    options: VerifyOptions,
  ) {
    this.#store = store;
    this.#chunks = chunks;
    this.#task = task;
    this.#options = options;
  }

  async run(snapshots: readonly SnapshotName[]): Promise<VerifyReport> {
    const reports: SnapshotReport[] = [];
    for (const snapshot of snapshots) {
      this.#options.signal?.throwIfAborted();
      const report = await this.#locked(snapshot);
      this.#options.onEvent?.({ kind: "end", report });
      reports.push(report);
    }
    const { chunks, bytes, setAside } = this.#chunks;
    return {
      snapshots: reports,
      failed: reports.filter(({ state }) => state === "failed").length,
      chunks,
      bytes,
      setAside,
    };
  }

  async #locked(snapshot: SnapshotName): Promise<SnapshotReport> {
    let lock: HeldLock;
    try {
      lock = this.#store.locks.snapshot(snapshot, false);
    } catch (error) {
      if (error instanceof BusyError) return nothingSaid(snapshot, "busy");
      throw error;
    }
    try {
      return await this.#snapshot(
        new DatastoreReader(this.#store, snapshot, lock),
      );
    } finally {
      lock.release();
    }
  }

  async #snapshot(reader: DatastoreReader): Promise<SnapshotReport> {
    const { snapshot } = reader, { tree, files } = this.#store;
    const { key, signal, onEvent } = this.#options;
    let manifest: Manifest;
    try {
      // Whatever it says of itself, its files are checked.
      manifest = await tree.manifest(snapshot);
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      if (error instanceof NotFoundError) {
        const isThere = files.isFolder(tree.snapshotFolder(snapshot));
        return nothingSaid(snapshot, isThere ? "unfinished" : "busy");
      }
      const problem = { name: MANIFEST_NAME, message: error.message };
      onEvent?.({ kind: "problem", snapshot, problem });
      return {
        snapshot,
        state: "failed",
        problems: [problem],
        unnoted: "its manifest cannot be read",
        unkeyed: false,
      };
    }
    if (this.#isFresh(manifest)) return nothingSaid(snapshot, "skipped");
    onEvent?.({ kind: "snapshot", snapshot });
    const check = new SnapshotCheck(
      this.#store,
      reader,
      manifest,
      this.#chunks,
      { key, signal, onEvent },
    );
    const problems = await check.run(), { unkeyed } = check;
    const state = problems.length === 0 ? "ok" : "failed";
    const unnoted = await this.#note(snapshot, state);
    return { snapshot, state, problems, unnoted, unkeyed };
  }

  /** Whether a snapshot need not be verified again. */
  #isFresh(manifest: Manifest): boolean {
    const { ignoreVerified = false, outdatedAfter } = this.#options;
    if (!ignoreVerified) return false;
    let state: VerifyState | undefined;
    try {
      state = verifyStateOf(manifest);
    } catch (error) {
      if (error instanceof PxarError) return false;
      throw error;
    }
    if (state === undefined) return false;
    if (outdatedAfter === undefined) return true;
    const age = this.#store.now() / 1000 - state.upid.startTime;
    return age <= outdatedAfter * 86_400;
  }

  /** Notes the outcome in the manifest; one that cannot be rewritten stays as it is, and why is given. */
  async #note(
    snapshot: SnapshotName,
    state: VerifyState["state"],
  ): Promise<string | undefined> {
    const { signal } = this.#options, upid = this.#task;
    try {
      await this.#store.changeManifest(
        snapshot,
        (manifest) => withVerifyState(manifest, { state, upid }),
        { signal },
      );
      return undefined;
    } catch (error) {
      if (error instanceof PxarError) return error.message;
      throw error;
    }
  }
}

/** What is said of a snapshot that is not looked into. */
function nothingSaid(
  snapshot: SnapshotName,
  state: SnapshotReport["state"],
): SnapshotReport {
  return { snapshot, state, problems: [], unnoted: undefined, unkeyed: false };
}
