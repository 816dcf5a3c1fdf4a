// A backup that is being made: one source after the other into the snapshot's files, the manifest last.
import { joinBlob, sealBlob } from "@pxar/chunk/blob";
import { type Codecs, openCodecs } from "@pxar/chunk/codecs";
import type { CryptKey } from "@pxar/chunk/key";
import { sha256Of } from "@pxar/chunk/sha256";
import { catalogTap } from "@pxar/codec/catalog_tap";
import { CatalogWriter } from "@pxar/codec/catalog_writer";
import { encode } from "@pxar/codec/encode";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import {
  type ArchiveName,
  CATALOG_NAME,
  RSA_KEY_NAME,
  splitNames,
} from "@pxar/store/archive_name";
import { type ArchiveSummary, ArchiveWriter } from "@pxar/store/archive_writer";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import {
  type CryptMode,
  makeManifest,
  type ManifestFile,
} from "@pxar/store/manifest";
import { signManifest } from "@pxar/store/manifest_signature";
import { PayloadWriter } from "@pxar/store/payload_writer";
import type { SnapshotWriter } from "@pxar/store/store";
import type {
  ArchiveResult,
  BackupOptions,
  BackupProgress,
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
import { progress } from "./progress.ts";

/** Average length of a catalog's chunks, bytes. Source: spec E.2. */
const CATALOG_AVERAGE = 512 << 10;
/** Length of an image's chunks, bytes. Source: spec B.5. */
const IMAGE_CHUNK = 4 << 20;

/** How many bytes are sealed before threads are started, where most is likely to be reused. */
const SPARE = 16 << 20;

/** A catalog that is being written beside archives. */
interface OpenCatalog {
  readonly catalog: CatalogWriter;
  readonly archive: ArchiveWriter;
}

/** A backup in the making. The writer it works on is given up or finished by whoever opened it. */
export class BackupRun implements AsyncDisposable {
  readonly #writer: SnapshotWriter;
  readonly #crew: ChunkCrew;
  readonly #cryptMode: CryptMode;
  readonly #options: BackupOptions;
  readonly #codecs: Codecs;
  readonly #files: ManifestFile[] = [];
  readonly #archives: ArchiveResult[] = [];
  #previous: PreviousSnapshot | undefined;
  #catalog: OpenCatalog | undefined;

  private constructor(
    writer: SnapshotWriter,
    crew: ChunkCrew,
    cryptMode: CryptMode,
    options: BackupOptions,
    codecs: Codecs,
  ) {
    this.#writer = writer;
    this.#crew = crew;
    this.#cryptMode = cryptMode;
    this.#options = options;
    this.#codecs = codecs;
  }

  /** Starts the threads, and looks at the snapshot before where it may be of use. */
  static async open(
    writer: SnapshotWriter,
    cryptMode: CryptMode,
    options: BackupOptions,
  ): Promise<BackupRun> {
    const { native, threads, key } = options;
    const codecs = await openCodecs(native);
    const crew = await ChunkCrew.start(writer.direct, {
      key: cryptMode === "encrypt" ? key : undefined,
      native,
      threads,
      spare: options.mode === "metadata" && writer.base !== undefined
        ? SPARE
        : 0,
    });
    const run = new BackupRun(writer, crew, cryptMode, options, codecs);
    try {
      await run.#openPrevious();
      return run;
    } catch (error) {
      crew.close();
      throw error;
    }
  }

  /** Backs up one source. */
  async add(name: ArchiveName, source: BackupSource): Promise<void> {
    if ("bytes" in source) await this.#addBlob(name, source.bytes);
    else if ("image" in source) await this.#addImage(name, source);
    else if (
      this.#options.mode === "data" || this.#options.mode === "metadata"
    ) {
      await this.#addSplit(name, source.entries);
    } else await this.#addLegacy(name, source.entries);
  }

  /** Writes what comes behind the sources, and the manifest. */
  async finish(): Promise<Omit<BackupSummary, "duration">> {
    const { signal, rsaKey, key } = this.#options;
    const { snapshot } = this.#writer;
    let counts = sumOf(this.#archives);
    const open = this.#catalog;
    if (open !== undefined) {
      await open.catalog.finish();
      const summary = await open.archive.finish();
      this.#list(summary);
      counts = sumOf([counts, countsOf([summary])]);
    }
    if (rsaKey !== undefined) {
      // Who cannot open it has no use for what it opens.
      await this.#putBlob(RSA_KEY_NAME, rsaKey, undefined, false);
    }
    signal?.throwIfAborted();
    const manifest = makeManifest(snapshot, this.#files);
    await this.#writer.finish(
      key === undefined ? manifest : signManifest(manifest, key),
      { signal },
    );
    return {
      snapshot,
      previous: this.#previous?.compared,
      archives: this.#archives,
      files: this.#files,
      ...counts,
    };
  }

  /** Ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#crew.close();
    await this.#catalog?.archive[Symbol.asyncDispose]();
  }

  async #openPrevious(): Promise<void> {
    const { base, chunks } = this.#writer;
    if (this.#options.mode !== "metadata" || base === undefined) return;
    this.#previous = await PreviousSnapshot.open(base, {
      ...this.#options,
      cryptMode: this.#cryptMode,
      crew: this.#crew,
      chunks,
    });
  }

  async #addLegacy(
    { client, server }: ArchiveName,
    source: EntrySource,
  ): Promise<void> {
    const { signal, chunkSize: average } = this.#options;
    const state = this.#start(client);
    const { catalog } = await this.#openCatalog();
    const index = await this.#writer.dynamicIndex(server, { signal });
    await using archive = await ArchiveWriter.open(
      server,
      this.#writer,
      index,
      this.#crew,
      { average, signal },
    );
    const read = readEntries(source, {
      prelude: false,
      advise: true,
      ...(signal && { signal }),
    });
    await encode(
      catalogTap(progress(read, state.progress), catalog, server),
      { metadata: archive },
      { signal },
    );
    this.#note(state, [await archive.finish()]);
  }

  async #addSplit(
    { client }: ArchiveName,
    source: EntrySource,
  ): Promise<void> {
    const { signal, chunkSize: average } = this.#options;
    const state = this.#start(client);
    const names = splitNames(client);
    const writer = this.#writer, crew = this.#crew;
    await using payload = await PayloadWriter.open(
      names.payload.server,
      writer,
      await writer.dynamicIndex(names.payload.server, { signal }),
      crew,
      { average, signal },
    );
    await using metadata = await ArchiveWriter.open(
      names.metadata.server,
      writer,
      await writer.dynamicIndex(names.metadata.server, { signal }),
      crew,
      { average, signal },
    );
    const previous = await this.#previous?.archive(client);
    try {
      const entries = splitEntries(
        source,
        previous,
        state.reused,
        this.#options,
      );
      await encode(
        progress(entries, state.progress),
        { metadata, payload },
        { signal },
      );
    } finally {
      await previous?.close();
    }
    this.#note(state, [await payload.finish(), await metadata.finish()]);
  }

  async #addImage(
    { client, server }: ArchiveName,
    { image, size }: { readonly image: ByteSource; readonly size: number },
  ): Promise<void> {
    const { signal, chunkSize = IMAGE_CHUNK } = this.#options;
    const state = this.#start(client), { progress } = state;
    const writer = this.#writer;
    await using archive = await ArchiveWriter.open(
      server,
      writer,
      await writer.fixedIndex(server, size, chunkSize, { signal }),
      this.#crew,
      { chunkSize, signal },
    );
    await archive.readFrom(image, (count) => {
      if (count > size) refuseLength(client, `more than ${size} bytes`, size);
      progress.read(count - progress.bytes);
    });
    if (progress.bytes < size) {
      refuseLength(client, `${progress.bytes} bytes`, size);
    }
    this.#note(state, [await archive.finish()]);
  }

  async #addBlob({ client, server }: ArchiveName, bytes: Bytes): Promise<void> {
    const state = this.#start(client);
    const { key } = this.#options;
    const isSecret = this.#cryptMode === "encrypt";
    const file = await this.#putBlob(server, bytes, isSecret ? key : undefined);
    state.progress.read(bytes.length);
    this.#archives.push({
      ...countsOfProgress(state),
      archive: client,
      files: [file],
      bytesNew: bytes.length,
      bytesStored: file.size,
    });
  }

  async #putBlob(
    name: string,
    bytes: Bytes,
    key: CryptKey | undefined,
    compress = true,
  ): Promise<ManifestFile> {
    const blob = joinBlob(
      await sealBlob(bytes, { codecs: this.#codecs, key, compress }),
    );
    await this.#writer.blob(name, blob, { signal: this.#options.signal });
    const file = {
      name,
      cryptMode: this.#cryptMode,
      size: blob.length,
      csum: sha256Of(blob),
    };
    this.#files.push(file);
    return file;
  }

  /** The one catalog of all archives that are not split. */
  async #openCatalog(): Promise<OpenCatalog> {
    if (this.#catalog !== undefined) return this.#catalog;
    const { signal } = this.#options;
    const archive = await ArchiveWriter.open(
      CATALOG_NAME,
      this.#writer,
      await this.#writer.dynamicIndex(CATALOG_NAME, { signal }),
      this.#crew,
      { average: CATALOG_AVERAGE, signal },
    );
    return this.#catalog = { archive, catalog: new CatalogWriter(archive) };
  }

  #start(archive: string): BackupProgress {
    return startProgress(archive, this.#options.onProgress);
  }

  #list({ file }: ArchiveSummary): ManifestFile {
    const listed = { ...file, cryptMode: this.#cryptMode };
    this.#files.push(listed);
    return listed;
  }

  #note(state: BackupProgress, summaries: readonly ArchiveSummary[]): void {
    this.#archives.push({
      ...sumOf([countsOfProgress(state), countsOf(summaries)]),
      archive: state.archive,
      files: summaries.map((one) => this.#list(one)),
    });
  }
}

/** It has grown or shrunk meanwhile, or somebody was wrong about it. */
function refuseLength(archive: string, length: string, size: number): never {
  throw new RangeError(
    `Cannot back up to ${archive}: the disk has ${length}, expected the ${size} that were said`,
  );
}

function countsOf(summaries: readonly ArchiveSummary[]): typeof NO_COUNTS {
  return sumOf(summaries.map((one) => ({
    ...NO_COUNTS,
    chunks: one.chunks,
    chunksNew: one.newChunks,
    bytesNew: one.newBytes,
    bytesStored: one.storedBytes,
  })));
}
