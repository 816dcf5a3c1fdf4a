/**
 * Directories, disks and files into a snapshot.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import type { CryptMode, ManifestFile } from "@pxar/store/manifest";
import type { BackupType, SnapshotName } from "@pxar/store/snapshot";
import type { Abortable, SnapshotWriter, Store } from "@pxar/store/store";
import { archiveNames, checkSnapshot, cryptModeOf } from "./backup_check.ts";
import { BackupRun } from "./backup_run.ts";
import type { Progress } from "./progress.ts";
import { Rehearsal } from "./rehearsal.ts";
import type { ReuseCount } from "./reuse.ts";

/**
 * How it is told what has changed. `legacy`: everything is read, into one stream, with a catalog beside it. `data`: everything is read, into a split archive. `metadata`: as `data`, but files
 * whose metadata is that of the snapshot before are not read.
 */
export type ChangeDetection = "legacy" | "data" | "metadata";

/** Every way. */
export const CHANGE_DETECTIONS: readonly ChangeDetection[] = [
  "legacy",
  "data",
  "metadata",
];

/** How entries are to be read for a backup; what `readTree` takes. */
export interface ReadHow {
  /** Whether patterns are told in a prelude, for a split archive. */
  readonly prelude: boolean;
  /** Whether files may be read ahead: not where most of them are not going to be read. */
  readonly advise: boolean;
  /** How many files are to be kept open until they are released. */
  readonly hold?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** One thing to be backed up. */
export type BackupSource =
  | {
    /** Such as `root.pxar`. */
    readonly archive: string;
    /** Its entries, or what reads them as it is told. */
    readonly entries: Batches | ((how: ReadHow) => Batches);
  }
  | {
    /** Such as `disk.img`. */
    readonly archive: string;
    /** Its bytes; not closed. */
    readonly image: ByteSource;
    /** How many there are, 1 or more. */
    readonly size: number;
  }
  | {
    /** Such as `fw.conf` or `boot.log`. */
    readonly archive: string;
    /** What is in it, up to 128 MiB. */
    readonly bytes: Bytes;
  };

/** How a backup is made. */
export interface BackupOptions extends Abortable {
  /** What is backed up; `host` unless told. */
  readonly type?: BackupType | undefined;
  /** Which one, such as the host's name. */
  readonly id: string;
  /** When, seconds since 1970; now unless told. */
  readonly time?: number | undefined;
  /** Where the group is; the root unless told. */
  readonly namespace?: string | undefined;
  /** Who makes it; `root@pam` unless told. */
  readonly owner?: string | undefined;
  /** How it is told what has changed; `legacy` unless told. */
  readonly mode?: ChangeDetection | undefined;
  /** Encrypts or signs. */
  readonly key?: CryptKey | undefined;
  /** What the key does; `encrypt` with a key, `none` without unless told. */
  readonly cryptMode?: CryptMode | undefined;
  /** The key, encrypted for the holder of a master key: `sealKey` makes it. */
  readonly rsaKey?: Bytes | undefined;
  /** Average length of an archive's chunks and length of an image's, bytes: a power of two; 4 MiB unless told. */
  readonly chunkSize?: number | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads work on chunks; as many as there are processors unless told, 0 for none but this one. */
  readonly threads?: number | undefined;
  /** How many entries to look ahead of for files to be reused, see `ReuseOptions`: that many files are held open. 512 unless told; 0 for none beyond a batch, without holding any. */
  readonly ahead?: number | undefined;
  /** Only tells what would be done: nothing is written, contents are not read. */
  readonly dryRun?: boolean | undefined;
  /** Told how far it is, again and again. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  /** Told what is not as it might be, such as why nothing can be reused. */
  readonly onNote?: ((sentence: string) => void) | undefined;
}

/** How far a backup is; may be looked at any time. */
export interface BackupProgress {
  /** The archive at hand, as users say it. */
  readonly archive: string;
  /** Its entries, and bytes that were read; of an image or file bytes only. */
  readonly progress: Progress;
  /** What is reused of the snapshot before. */
  readonly reused: ReuseCount;
}

/** What became of one source. */
export interface ArchiveResult {
  /** As users say it, such as `root.pxar`. */
  readonly archive: string;
  /** The files of the snapshot. */
  readonly files: readonly ManifestFile[];
  /** Nodes of its tree; 0 for what is none. */
  readonly entries: number;
  /** Regular files among them. */
  readonly regularFiles: number;
  /** Bytes of contents that were read. */
  readonly bytesRead: number;
  /** Bytes of contents that were reused, unread. */
  readonly bytesReused: number;
  /** Files that these are the contents of. */
  readonly filesReused: number;
  /** Unchanged files that were read all the same, because their chunks have too much else in them. */
  readonly filesReread: number;
  /** How many chunks it has. */
  readonly chunks: number;
  /** How many of these were put in unread. */
  readonly chunksReused: number;
  /** How many were not in the store before. */
  readonly chunksNew: number;
  /** Length of these, bytes. */
  readonly bytesNew: number;
  /** Length of these as they are stored, bytes. */
  readonly bytesStored: number;
}

/** What became of a backup. */
export interface BackupSummary extends
  Omit<
    ArchiveResult,
    "archive" | "files"
  > {
  /** The snapshot. */
  readonly snapshot: SnapshotName;
  /** The one that files were reused of. */
  readonly previous: SnapshotName | undefined;
  /** What became of each source, in their order; other numbers are the sums, the catalog included. */
  readonly archives: readonly ArchiveResult[];
  /** The snapshot's files, in the order of the manifest. */
  readonly files: readonly ManifestFile[];
  /** How long it took, milliseconds. */
  readonly duration: number;
}

/**
 * Makes a snapshot. It is there once the promise is kept, whole; otherwise it never happened, but what chunks were stored are found by the next run.
 *
 * Sources are read one after the other. Memory does not grow with the length of files, and hardly with their number.
 *
 * Source: spec E.2, F.1, I.1; protocol spec F.1.
 *
 * @param store Where to.
 * @param sources What; no archive twice.
 * @param options Under which name, and how.
 * @returns What was done.
 * @throws {TypeError} If an archive is there twice or has a name that is none for it, or mode and key do not go together.
 * @throws {FormatError} If an archive's or the snapshot's name is no name at all.
 * @throws {BusyError} If another backup of the group is under way, or garbage is being collected.
 * @throws {RangeError} If the time is not after that of the group's last snapshot, a file is too long, or a disk has not the length that was said.
 * @throws {PxarError} What the store and the sources throw.
 *
 * @example
 * ```ts
 * import { type Batches, BytesContent, makeEntry } from "@pxar/format/entry";
 * import { dirMetadata, fileMetadata } from "@pxar/format/metadata";
 * import { memoryStore } from "@pxar/store/memory";
 * import { backup } from "@pxar/transfer/backup";
 *
 * const name = new TextEncoder().encode("hello.txt");
 * const content = new BytesContent(new TextEncoder().encode("hello"));
 * const entries: Batches = [[
 *   makeEntry("directory", dirMetadata(0o755).build()),
 *   makeEntry("file", { name, content, ...fileMetadata(0o644).build() }),
 *   makeEntry("end"),
 * ]];
 * const store = await memoryStore();
 * const { snapshot, bytesRead } = await backup(store, [{ archive: "root.pxar", entries }], { id: "elsa" });
 * console.assert(snapshot.id === "elsa" && bytesRead === 5);
 * ```
 */
export async function backup(
  store: Pick<Store, "create" | "groups" | "open" | "snapshots">,
  sources: readonly BackupSource[],
  options: BackupOptions,
): Promise<BackupSummary> {
  const started = performance.now(), { signal } = options;
  const names = archiveNames(sources), cryptMode = cryptModeOf(options);
  const { type = "host", id, namespace = "", owner = "root@pam" } = options;
  const named = (time: number) => ({ namespace, type, id, time });
  checkSnapshot(named(options.time ?? now()));
  const work = async (run: BackupRun | Rehearsal): Promise<BackupSummary> => {
    for (const [i, source] of sources.entries()) {
      signal?.throwIfAborted();
      await run.add(names[i]!, source);
    }
    const summary = await run.finish();
    return { ...summary, duration: performance.now() - started };
  };
  if (options.dryRun) {
    const snapshot = named(options.time ?? now());
    await using run = await Rehearsal.open(store, snapshot, cryptMode, options);
    return await work(run);
  }
  await using writer = await begin(
    (time) => store.create(named(time), { owner, signal }),
    options.time,
    signal,
  );
  await using run = await BackupRun.open(writer, cryptMode, options);
  return await work(run);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Begins a snapshot; a second one within a second waits for the next. */
async function begin(
  create: (time: number) => Promise<SnapshotWriter>,
  time: number | undefined,
  signal: AbortSignal | undefined,
): Promise<SnapshotWriter> {
  if (time !== undefined) return await create(time);
  const first = now();
  try {
    return await create(first);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    while (now() === first) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      signal?.throwIfAborted();
    }
    return await create(now());
  }
}
