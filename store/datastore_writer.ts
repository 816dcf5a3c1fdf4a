// A snapshot of a datastore in the making.
import type { SealedBlob } from "@pxar/chunk/blob";
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import { type Digest, hexOf } from "@pxar/chunk/digest";
import { DynamicIndexWriter } from "@pxar/chunk/dynamic_index";
import { FixedIndexWriter } from "@pxar/chunk/fixed_index";
import { sha256Of } from "@pxar/chunk/sha256";
import type { Bytes } from "@pxar/format/bytes";
import { BusyError } from "@pxar/format/errors";
import { MANIFEST_NAME, parseArchiveName } from "./archive_name.ts";
import { parseAuthId } from "./auth_id.ts";
import type { Datastore } from "./datastore.ts";
import type { DirectChunks } from "./direct_chunks.ts";
import type { NewFile } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import { manifestBlob } from "./manifest_blob.ts";
import { type UploadStats, withUploadStats } from "./unprotected.ts";
import { Locks, makeGroup, newestFinished } from "./snapshot_begin.ts";
import { sameSnapshot, type SnapshotName, snapshotText } from "./snapshot.ts";
import type {
  Abortable,
  ChunkPut,
  ChunkStore,
  CreateOptions,
  IndexSummary,
  IndexWriter,
  SnapshotReader,
  SnapshotWriter,
} from "./store.ts";

/** What a manifest must say of a file that was written. */
interface Written {
  readonly csum: string;
  readonly size: number;
}

/** Writes one snapshot. */
export class DatastoreWriter implements SnapshotWriter {
  readonly snapshot: SnapshotName;
  readonly base: SnapshotReader | undefined;
  readonly chunks: ChunkStore;
  readonly #store: Datastore;
  readonly #locks: Locks;
  readonly #folder: string;
  readonly #open = new Set<NewFile>();
  /** Names in use; what a manifest must say of them is known once they are whole. */
  readonly #files = new Map<string, Written | undefined>();
  #count = 0;
  #size = 0;
  #compressedSize = 0;
  #duplicates = 0;
  #isDone = false;

  private constructor(
    store: Datastore,
    snapshot: SnapshotName,
    locks: Locks,
    base: SnapshotReader | undefined,
  ) {
    this.#store = store;
    this.snapshot = snapshot;
    this.#locks = locks;
    this.base = base;
    this.#folder = store.tree.snapshotFolder(snapshot);
    this.chunks = {
      get: (digest, options) => this.#get(digest, options),
      touch: (digest, options) => this.#touch(digest, options),
      put: (digest, blob, options) => this.#put(digest, blob, options),
      setAside: (digest, options) => this.#setAside(digest, options),
    };
  }

  /** See `Store.create`. */
  static async create(
    store: Datastore,
    snapshot: SnapshotName,
    { owner, signal }: CreateOptions,
  ): Promise<DatastoreWriter> {
    signal?.throwIfAborted();
    const { tree } = store, locks = new Locks();
    tree.needNamespace(snapshot.namespace);
    try {
      const shared = store.lock.share(store.kernel, store.now());
      if (shared === undefined) {
        throw new BusyError(
          `Cannot write to ${store.location}: garbage is being collected there, by another process`,
        );
      }
      locks.add(shared);
      const authId = parseAuthId(owner);
      makeGroup(store, snapshot, authId, locks);
      const base = await newestFinished(store, snapshot, locks);
      const own = store.locks.snapshot(snapshot, true);
      locks.add(() => own.release());
      if (!store.files.makeFolder(tree.snapshotFolder(snapshot))) {
        throw new BusyError(
          `Cannot begin snapshot ${
            snapshotText(snapshot)
          }: it is there already`,
        );
      }
      return new DatastoreWriter(store, snapshot, locks, base);
    } catch (error) {
      locks.release();
      throw error;
    }
  }

  get stats(): UploadStats {
    return {
      count: this.#count,
      size: this.#size,
      compressedSize: this.#compressedSize,
      duplicates: this.#duplicates,
    };
  }

  get direct(): DirectChunks | undefined {
    return this.#store.direct;
  }

  countPut({ existed, stored }: ChunkPut, length: number): void {
    this.#count++;
    this.#size += length;
    this.#compressedSize += stored;
    if (existed) this.#duplicates++;
  }

  async dynamicIndex(name: string): Promise<IndexWriter> {
    const file = this.#begin(name, "dynamic");
    const writer = new DynamicIndexWriter(file, { ctime: this.#ctime });
    return this.#indexWriter(name, file, async (chunks) => {
      for (const { start, end, digest } of chunks) {
        if (start !== writer.size) {
          throw new RangeError(
            `Cannot append to ${name}: a chunk starts at byte ${start}, expected ${writer.size}`,
          );
        }
        await writer.append(end, digest);
      }
    }, () => writer.close());
  }

  async fixedIndex(
    name: string,
    size: number,
    chunkSize: number,
  ): Promise<IndexWriter> {
    const file = this.#begin(name, "fixed");
    let writer: FixedIndexWriter;
    try {
      writer = new FixedIndexWriter(file, size, chunkSize, {
        ctime: this.#ctime,
      });
    } catch (error) {
      file.discard();
      this.#open.delete(file);
      this.#files.delete(name);
      throw error;
    }
    let next = 0;
    return this.#indexWriter(name, file, async (chunks) => {
      for (const { start, end, digest } of chunks) {
        await writer.put(start, end, digest);
        next = end;
      }
    }, async () => {
      if (next !== size) {
        throw new RangeError(
          `Cannot end ${name}: its chunks end at byte ${next}, expected ${size}`,
        );
      }
      return await writer.close();
    });
  }

  async blob(name: string, blob: Bytes): Promise<void> {
    this.#claim(name, "blob");
    try {
      this.#store.files.write(`${this.#folder}/${name}`, [blob]);
    } catch (error) {
      this.#files.delete(name);
      throw error;
    }
    this.#files.set(name, { csum: hexOf(sha256Of(blob)), size: blob.length });
    // Chunks are what is counted, but their size has the blobs in it, as PBS states it.
    this.#size += blob.length;
    this.#compressedSize += blob.length;
  }

  async finish(manifest: Manifest): Promise<void> {
    this.#demandOpen();
    this.#check(manifest);
    const blob = await manifestBlob(
      withUploadStats(manifest, this.stats),
      this.#store.codecs,
    );
    // What the manifest vouches for is on its disk before the manifest is there, and that before it is said to be.
    this.#store.sync();
    this.#store.writeManifest(this.snapshot, blob);
    this.#store.sync();
    this.#isDone = true;
    await this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    try {
      for (const file of this.#open) file.discard();
      this.#store.removeSnapshot(this.snapshot);
    } finally {
      await this.#release();
    }
  }

  get #ctime(): number {
    return Math.floor(this.#store.now() / 1000);
  }

  async #release(): Promise<void> {
    await this.base?.[Symbol.asyncDispose]();
    this.#locks.release();
  }

  #demandOpen(): void {
    if (this.#isDone) {
      throw new TypeError(
        `Cannot write to ${
          snapshotText(this.snapshot)
        }: it was finished or given up`,
      );
    }
  }

  /** Sees to it that a file is new, and of the kind that its name says. */
  #claim(name: string, kind: "dynamic" | "fixed" | "blob"): void {
    this.#demandOpen();
    const parsed = parseArchiveName(name);
    if (parsed.server !== name || parsed.kind !== kind) {
      throw new RangeError(
        `Cannot write ${name}: its name is not that of a ${kind} ${
          kind === "blob" ? "file" : "index"
        }`,
      );
    }
    if (name === MANIFEST_NAME || this.#files.has(name)) {
      throw new RangeError(
        `Cannot write ${name}: ${
          name === MANIFEST_NAME
            ? "the manifest comes last"
            : "there is one already"
        }`,
      );
    }
    this.#files.set(name, undefined);
  }

  #begin(name: string, kind: "dynamic" | "fixed"): NewFile {
    this.#claim(name, kind);
    const ending = name.lastIndexOf(".");
    try {
      const file = this.#store.files.create(
        `${this.#folder}/${name.slice(0, ending)}.tmp_${
          name.slice(ending + 1)
        }`,
        `${this.#folder}/${name}`,
      );
      this.#open.add(file);
      return file;
    } catch (error) {
      this.#files.delete(name);
      throw error;
    }
  }

  #indexWriter(
    name: string,
    file: NewFile,
    append: (chunks: readonly ChunkRef[]) => Promise<void>,
    close: () => Promise<IndexSummary>,
  ): IndexWriter {
    const demandOpen = () => {
      this.#demandOpen();
      if (!this.#open.has(file)) {
        throw new TypeError(`Cannot write to ${name}: it was closed`);
      }
    };
    return {
      append: async (chunks, { signal } = {}) => {
        signal?.throwIfAborted();
        demandOpen();
        await append(chunks);
      },
      close: async () => {
        demandOpen();
        const summary = await close();
        if (summary.count === 0) {
          throw new RangeError(`Cannot end ${name}: it has no chunks`);
        }
        file.finish();
        this.#open.delete(file);
        this.#files.set(name, {
          csum: hexOf(summary.csum),
          size: summary.size,
        });
        return summary;
      },
    };
  }

  /** A manifest names this snapshot and just the files that were written, as they are. */
  #check(manifest: Manifest): void {
    const shown = snapshotText(this.snapshot);
    const refuse = (why: string): never => {
      throw new RangeError(`Cannot finish ${shown}: ${why}`);
    };
    const { namespace } = this.snapshot, { type, id, time } = manifest;
    if (!sameSnapshot({ namespace, type, id, time }, this.snapshot)) {
      refuse("its manifest is that of another snapshot");
    }
    const left = new Map(this.#files);
    for (const { name, csum, size } of manifest.files) {
      const written = left.get(name);
      if (written === undefined) {
        refuse(
          `its manifest lists ${name}, which was not ${
            left.has(name) ? "closed" : "written"
          }`,
        );
      } else if (written.csum !== hexOf(csum) || written.size !== size) {
        refuse(`its manifest has another checksum or size for ${name}`);
      }
      left.delete(name);
    }
    for (const name of left.keys()) {
      refuse(`its manifest does not list ${name}, which was written`);
    }
    if (manifest.files.length === 0) refuse("it has no files");
  }

  async #get(digest: Digest, { signal }: Abortable = {}): Promise<Bytes> {
    signal?.throwIfAborted();
    return this.#store.chunks.get(digest);
  }

  async #touch(
    digest: Digest,
    { signal }: Abortable = {},
  ): Promise<number | undefined> {
    signal?.throwIfAborted();
    this.#demandOpen();
    return this.#store.chunks.touch(digest);
  }

  async #setAside(digest: Digest, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#demandOpen();
    this.#store.chunks.setAside(digest);
  }

  async #put(
    digest: Digest,
    { header, body }: SealedBlob,
    { signal }: Abortable = {},
  ): Promise<ChunkPut> {
    signal?.throwIfAborted();
    this.#demandOpen();
    return this.#store.chunks.put(digest, header, body);
  }
}
