/**
 * Copies one snapshot from a store to another: index by index, chunk by chunk, and the manifest last. What fails or is ended leaves no snapshot in the target, only chunks, which
 * the next attempt finds there.
 *
 * @module
 */
import { parseBlob } from "@pxar/chunk/blob";
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import { type Digest, hexOf } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import { ordered } from "@pxar/chunk/ordered";
import { sha256Of } from "@pxar/chunk/sha256";
import type { Bytes } from "@pxar/format/bytes";
import {
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
} from "@pxar/format/errors";
import { CLIENT_LOG_NAME, parseArchiveName } from "@pxar/store/archive_name";
import {
  checkedBlob,
  checkedIndex,
  isEncryptedBlob,
  readBlobFile,
} from "@pxar/store/checked_file";
import type { Manifest, ManifestFile } from "@pxar/store/manifest";
import { verifyManifest } from "@pxar/store/manifest_signature";
import type { SnapshotName } from "@pxar/store/snapshot";
import type {
  Abortable,
  IndexWriter,
  SnapshotReader,
  SnapshotWriter,
  Store,
} from "@pxar/store/store";
import { withVerifyState } from "@pxar/store/unprotected";
import {
  type CarriedChunk,
  type ChunkCarrier,
  type ChunkRoute,
  CHUNKS_AT_ONCE,
} from "./chunk_carrier.ts";

/** What has been carried so far. A chunk that an index names twice counts twice. */
export interface CopyCounts {
  /** Chunks. */
  readonly chunks: number;
  /** Their length, bytes. */
  readonly bytes: number;
  /** Those of them that were not in the target before. */
  readonly newChunks: number;
  /** Their length, bytes. */
  readonly newBytes: number;
  /** Length of their blobs in the target, bytes. */
  readonly storedBytes: number;
}

/** Nothing yet. */
export const NOTHING_COPIED: CopyCounts = {
  chunks: 0,
  bytes: 0,
  newChunks: 0,
  newBytes: 0,
  storedBytes: 0,
};

/** What became of a snapshot. */
export interface CopySummary extends CopyCounts {
  /** Its name in the target. */
  readonly snapshot: SnapshotName;
  /** Why the client's log is not beside it; `undefined` where it is, or there is none. */
  readonly logProblem: PxarError | undefined;
}

/** How a snapshot is copied. */
export interface SnapshotCopyOptions extends Abortable {
  /** Who writes, such as `root@pam`. */
  readonly owner: string;
  /** Namespace of the copy; that of the source unless told. */
  readonly namespace?: string | undefined;
  /** Told how far it is: the file that is at work, and what was carried. */
  readonly onProgress?:
    | ((file: string, counts: CopyCounts) => void)
    | undefined;
}

/**
 * What happens to the parts of a snapshot on their way.
 *
 * @internal
 */
export interface Treatment {
  /** Carries chunks. */
  readonly carrier: ChunkCarrier;
  /** Whether the chunks of a file stay as they are. */
  readonly staysAsIs: (file: ManifestFile) => boolean;
  /** Whether its encrypted chunks can be opened with the key at hand. */
  readonly keyed: boolean;
  /** What is to be said of a chunk that was carried before, by its digest and mode in the source. */
  readonly known?: Map<string, Digest> | undefined;
  /** What a blob file becomes; `undefined` where it is left out. */
  readonly blob: (
    file: ManifestFile,
    blob: Bytes,
  ) => Bytes | undefined | Promise<Bytes | undefined>;
  /** What the client's log becomes. */
  readonly log: (blob: Bytes) => Bytes | Promise<Bytes>;
  /** Writes what the source has not. */
  readonly more?:
    | ((writer: SnapshotWriter) => Promise<ManifestFile[]>)
    | undefined;
  /** What the manifest becomes. */
  readonly manifest: (files: readonly ManifestFile[]) => Manifest;
  /** What a key did to a file in the target. */
  readonly cryptMode: (file: ManifestFile) => ManifestFile["cryptMode"];
}

/** The index is told of so many chunks at once. */
const BATCH = 256;
/** Chunks that are remembered, at most. */
const MOST_KNOWN = 100_000;

/**
 * Copies a snapshot as it is: nothing is encoded or encrypted anew, and only what the target lacks is read.
 *
 * Notes and all else that the manifest says unsigned is kept but for the state of the last verification, which tells of another store's disk. What is protected in the source is not
 * so in the target.
 *
 * @param reader The snapshot.
 * @param target Where it is copied to.
 * @param carrier Carries the chunks; its `from` is the key.
 * @param key Opens encrypted chunks to verify them, and checks the signature, where the snapshot was made with it.
 * @param options Owner, namespace.
 * @returns What was carried.
 * @throws {IntegrityError} If anything of it is not what vouches for it says.
 * @throws {NotFoundError} If a chunk or a file of it is missing, or it is not finished.
 * @throws {BusyError} If somebody writes to the group, or garbage is being collected in the target.
 */
export async function copySnapshot(
  reader: SnapshotReader,
  target: Pick<Store, "create" | "uploadLog">,
  carrier: ChunkCarrier,
  key: CryptKey | undefined,
  options: SnapshotCopyOptions,
): Promise<CopySummary> {
  const manifest = await reader.manifest({ signal: options.signal });
  return await carrySnapshot(reader, manifest, target, {
    carrier,
    keyed: isMadeWith(manifest, key),
    staysAsIs: () => true,
    blob: (_file, blob) => blob,
    log: (blob) => {
      parseBlob(blob);
      return blob;
    },
    manifest: () => withVerifyState(manifest, undefined),
    cryptMode: ({ cryptMode }) => cryptMode,
  }, options);
}

/**
 * Carries a snapshot, whatever is done to its parts.
 *
 * @internal
 */
export async function carrySnapshot(
  reader: SnapshotReader,
  manifest: Manifest,
  target: Pick<Store, "create" | "uploadLog">,
  treatment: Treatment,
  options: SnapshotCopyOptions,
): Promise<CopySummary> {
  const { signal, owner, namespace = reader.snapshot.namespace } = options;
  const snapshot = { ...reader.snapshot, namespace };
  await using writer = await target.create(snapshot, { owner, signal });
  const copy = new SnapshotCopy(reader, writer, treatment, options);
  const files: ManifestFile[] = [];
  for (const file of manifest.files) {
    signal?.throwIfAborted();
    const kept = parseArchiveName(file.name).kind === "blob"
      ? await copy.blob(file)
      : await copy.index(file);
    if (kept !== undefined) files.push(kept);
  }
  files.push(...await treatment.more?.(writer) ?? []);
  const log = await copy.log();
  await writer.finish(treatment.manifest(files), { signal });
  let { logProblem } = copy;
  if (log !== undefined) {
    try {
      await target.uploadLog(snapshot, log);
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      logProblem = error;
    }
  }
  return { snapshot, ...copy.counts, logProblem };
}

/**
 * The client's log of a snapshot, as it is stored.
 *
 * @param reader The snapshot.
 * @returns `undefined` where there is none.
 * @throws {PxarError} If it cannot be read.
 */
export async function readLog(
  reader: SnapshotReader,
  options: Abortable = {},
): Promise<Bytes | undefined> {
  try {
    return await readBlobFile(reader, CLIENT_LOG_NAME, options);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** Whether a manifest was signed with the key at hand; another key is another's business, a wrong signature is not. */
function isMadeWith(manifest: Manifest, key: CryptKey | undefined): boolean {
  if (key === undefined) return false;
  try {
    verifyManifest(manifest, key);
    return manifest.signature !== undefined;
  } catch (error) {
    if (error instanceof KeyError) return false;
    throw error;
  }
}

/** One snapshot on its way. */
class SnapshotCopy {
  readonly #reader: SnapshotReader;
  readonly #writer: SnapshotWriter;
  readonly #treatment: Treatment;
  readonly #options: SnapshotCopyOptions;
  /** Chunks that are in the target since this writer holds it: collection cannot take them away. */
  readonly #there = new Map<string, CarriedChunk>();
  readonly #flying = new Map<string, Promise<CarriedChunk>>();
  counts: CopyCounts = NOTHING_COPIED;
  logProblem: PxarError | undefined;

  constructor(
    reader: SnapshotReader,
    writer: SnapshotWriter,
    treatment: Treatment,
    options: SnapshotCopyOptions,
  ) {
    this.#reader = reader;
    this.#writer = writer;
    this.#treatment = treatment;
    this.#options = options;
  }

  async blob(file: ManifestFile): Promise<ManifestFile | undefined> {
    const { signal } = this.#options, { name } = file;
    this.#tell(name);
    const from = await checkedBlob(this.#reader, file, { signal });
    const blob = await this.#treatment.blob(file, from);
    if (blob === undefined) return undefined;
    await this.#writer.blob(name, blob, { signal });
    const cryptMode = this.#treatment.cryptMode(file);
    return { name, cryptMode, size: blob.length, csum: sha256Of(blob) };
  }

  async index(file: ManifestFile): Promise<ManifestFile> {
    const { signal } = this.#options, { name } = file;
    this.#tell(name);
    const index = await checkedIndex(this.#reader, file, { signal });
    try {
      const writer = index.kind === "fixed"
        ? await this.#writer.fixedIndex(name, index.size, index.chunkSize!, {
          signal,
        })
        : await this.#writer.dynamicIndex(name, { signal });
      await this.#chunks(file, index, writer);
      const { csum, size } = await writer.close({ signal });
      if (this.#treatment.staysAsIs(file) && hexOf(csum) !== hexOf(file.csum)) {
        throw new IntegrityError(
          `Cannot copy ${name}: it changed while it was copied`,
          { expected: hexOf(file.csum), actual: hexOf(csum) },
        );
      }
      return { name, cryptMode: this.#treatment.cryptMode(file), csum, size };
    } finally {
      await index.close();
    }
  }

  /** The log is vouched for by nothing but its own checksum; without it, the rest is worth no less. */
  async log(): Promise<Bytes | undefined> {
    const { signal } = this.#options;
    try {
      const blob = await readLog(this.#reader, { signal });
      return blob && await this.#treatment.log(blob);
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      this.logProblem = error;
      return undefined;
    }
  }

  async #chunks(
    file: ManifestFile,
    index: ChunkIndex,
    writer: IndexWriter,
  ): Promise<void> {
    const { signal } = this.#options, encrypted = file.cryptMode === "encrypt";
    const route: ChunkRoute = {
      reader: this.#reader,
      writer: this.#writer,
      encrypted,
      keyed: this.#treatment.keyed,
    };
    const carried = ordered(
      refsOf(index),
      async (ref, signal) => ({
        ref,
        ...await this.#carry(file, ref, route, signal),
      }),
      { most: CHUNKS_AT_ONCE, signal },
    );
    let batch: ChunkRef[] = [];
    for await (const { ref, digest, existed, stored } of carried) {
      if (ref.start === 0 && existed && this.#treatment.staysAsIs(file)) {
        await this.#checkMode(file, digest);
      }
      const length = ref.end - ref.start, { counts } = this;
      this.counts = {
        chunks: counts.chunks + 1,
        bytes: counts.bytes + length,
        newChunks: counts.newChunks + (existed ? 0 : 1),
        newBytes: counts.newBytes + (existed ? 0 : length),
        storedBytes: counts.storedBytes + (existed ? 0 : stored),
      };
      this.#tell(file.name);
      batch.push({ ...ref, digest });
      if (batch.length === BATCH) {
        await writer.append(batch, { signal });
        batch = [];
      }
    }
    if (batch.length > 0) await writer.append(batch, { signal });
  }

  /** Chunks that are there are not looked at; where a manifest tells the wrong mode, the first one of the file gives it away. */
  async #checkMode(
    { name, cryptMode }: ManifestFile,
    digest: Digest,
  ): Promise<void> {
    const { signal } = this.#options;
    const blob = await this.#writer.chunks.get(digest, { signal });
    const isSecret = isEncryptedBlob(blob);
    if (isSecret === (cryptMode === "encrypt")) return;
    throw new IntegrityError(
      `Cannot copy ${name}: its chunks are ${
        isSecret ? "encrypted" : "plain"
      }, expected the contrary, as the manifest says`,
    );
  }

  /** Carries each chunk once, as far as memory reaches: images are full of equal ones, often side by side. */
  async #carry(
    file: ManifestFile,
    ref: ChunkRef,
    route: ChunkRoute,
    signal: AbortSignal,
  ): Promise<CarriedChunk> {
    // A chunk of another length or mode would be another one.
    const length = ref.end - ref.start;
    const name = `${hexOf(ref.digest)}:${length}:${route.encrypted}`;
    const there = this.#there.get(name) ?? await this.#flying.get(name);
    if (there !== undefined) {
      const put = { existed: true, stored: there.stored };
      this.#writer.countPut(put, length);
      return { digest: there.digest, ...put };
    }
    const flight = this.#carryOnce(file, name, ref, route, signal);
    this.#flying.set(name, flight);
    try {
      const chunk = await flight;
      remember(this.#there, name, chunk);
      return chunk;
    } finally {
      this.#flying.delete(name);
    }
  }

  async #carryOnce(
    file: ManifestFile,
    name: string,
    ref: ChunkRef,
    route: ChunkRoute,
    signal: AbortSignal,
  ): Promise<CarriedChunk> {
    const { carrier, known, staysAsIs } = this.#treatment;
    if (staysAsIs(file)) return await carrier.copy(ref, route, signal);
    const digest = known?.get(name);
    if (digest !== undefined) {
      const stored = await this.#writer.chunks.touch(digest, { signal });
      if (stored !== undefined) {
        const put = { existed: true, stored };
        this.#writer.countPut(put, ref.end - ref.start);
        return { digest, ...put };
      }
    }
    const chunk = await carrier.reseal(ref, route, signal);
    if (known !== undefined) remember(known, name, chunk.digest);
    return chunk;
  }

  #tell(file: string): void {
    this.#options.onProgress?.(file, this.counts);
  }
}

/** Keeps what is new, and forgets what is oldest where there is too much. */
function remember<T>(map: Map<string, T>, name: string, value: T): void {
  if (map.size >= MOST_KNOWN) map.delete(map.keys().next().value!);
  map.set(name, value);
}

async function* refsOf(
  index: ChunkIndex,
): AsyncGenerator<ChunkRef, void, void> {
  for await (const batch of index.chunks()) yield* batch;
}
