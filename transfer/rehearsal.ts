// A backup that is not made: what it would read, and what it would reuse.
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { ArchiveName } from "@pxar/store/archive_name";
import type { CryptMode } from "@pxar/store/manifest";
import {
  demandLater,
  type GroupName,
  type SnapshotName,
} from "@pxar/store/snapshot";
import type { SnapshotReader, Store } from "@pxar/store/store";
import { NotFoundError } from "@pxar/format/errors";
import type {
  ArchiveResult,
  BackupOptions,
  BackupSource,
  BackupSummary,
} from "./backup.ts";
import { NO_COUNTS, sumOf } from "./backup_counts.ts";
import {
  type EntrySource,
  readEntries,
  splitEntries,
} from "./backup_entries.ts";
import { countsOfProgress, startProgress } from "./backup_progress.ts";
import { PreviousSnapshot } from "./previous_snapshot.ts";

/** Looks at sources as a backup would; nothing is written, and no content is read. */
export class Rehearsal implements AsyncDisposable {
  readonly #snapshot: SnapshotName;
  readonly #options: BackupOptions;
  readonly #base: SnapshotReader | undefined;
  readonly #crew: ChunkCrew | undefined;
  readonly #previous: PreviousSnapshot | undefined;
  readonly #archives: ArchiveResult[] = [];

  private constructor(
    snapshot: SnapshotName,
    options: BackupOptions,
    base: SnapshotReader | undefined,
    crew: ChunkCrew | undefined,
    previous: PreviousSnapshot | undefined,
  ) {
    this.#snapshot = snapshot;
    this.#options = options;
    this.#base = base;
    this.#crew = crew;
    this.#previous = previous;
  }

  /** Looks at the snapshot before where it may be of use. */
  static async open(
    store: Pick<Store, "groups" | "open" | "snapshots">,
    snapshot: SnapshotName,
    cryptMode: CryptMode,
    options: BackupOptions,
  ): Promise<Rehearsal> {
    const { mode, signal, key, native, threads } = options;
    const last = await newest(store, snapshot, signal);
    // Where none is told, a backup waits for one that is later.
    if (last !== undefined && options.time !== undefined) {
      demandLater(snapshot, last);
    }
    const base = mode === "metadata" && last !== undefined
      ? await store.open(last, { signal })
      : undefined;
    if (base === undefined) {
      return new Rehearsal(snapshot, options, undefined, undefined, undefined);
    }
    let crew: ChunkCrew | undefined;
    try {
      crew = await ChunkCrew.start(base.direct, {
        key: cryptMode === "encrypt" ? key : undefined,
        native,
        threads,
        spare: Infinity,
      });
      const previous = await PreviousSnapshot.open(base, {
        ...options,
        cryptMode,
        crew,
        chunks: undefined,
      });
      return new Rehearsal(snapshot, options, base, crew, previous);
    } catch (error) {
      crew?.close();
      await base[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Looks at one source. */
  async add({ client }: ArchiveName, source: BackupSource): Promise<void> {
    if ("entries" in source) return await this.#addTree(client, source.entries);
    const bytesRead = "image" in source ? source.size : source.bytes.length;
    this.#archives.push({
      ...NO_COUNTS,
      archive: client,
      files: [],
      bytesRead,
    });
  }

  /** What would have been done. */
  // deno-lint-ignore require-await
  async finish(): Promise<Omit<BackupSummary, "duration">> {
    return {
      ...sumOf(this.#archives),
      snapshot: this.#snapshot,
      previous: this.#previous?.compared,
      archives: this.#archives,
      files: [],
    };
  }

  /** Lets go of the snapshot before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#crew?.close();
    await this.#base?.[Symbol.asyncDispose]();
  }

  async #addTree(archive: string, source: EntrySource): Promise<void> {
    const { mode, signal, onProgress } = this.#options;
    const previous = await this.#previous?.archive(archive);
    const state = startProgress(archive, onProgress), { progress } = state;
    try {
      const entries = mode === "data" || mode === "metadata"
        ? splitEntries(source, previous, state.reused, this.#options)
        : readEntries(source, {
          prelude: false,
          advise: false,
          ...(signal && { signal }),
        });
      for await (const batch of entries) {
        signal?.throwIfAborted();
        progress.pass(batch);
        for (const { kind, content } of batch) {
          if (kind === "file" && content !== undefined) {
            progress.read(content.size);
          }
        }
      }
    } finally {
      await previous?.close();
    }
    this.#archives.push({ ...countsOfProgress(state), archive, files: [] });
  }
}

/** The last finished snapshot of a group, if it is one to build on. */
async function newest(
  store: Pick<Store, "groups" | "snapshots">,
  { namespace, type, id }: SnapshotName,
  signal: AbortSignal | undefined,
): Promise<SnapshotName | undefined> {
  const group: GroupName = { namespace, type, id };
  const snapshots = await store.snapshots(group, { signal }).catch(
    async (error) => {
      if (!(error instanceof NotFoundError)) throw error;
      // A group may be missing; its namespace must be there.
      if (namespace !== "") await store.groups(namespace, { signal });
      return [];
    },
  );
  const last = snapshots.findLast(({ finished }) => finished);
  if (last === undefined || last.verification?.state === "failed") {
    return undefined;
  }
  return last.snapshot;
}
