/**
 * A snapshot that is open for reading, and what its files stand for: archives, whether one stream or split, disks, single files; plain or encrypted.
 *
 * Nothing is given out before it was compared with what vouches for it: the manifest with its signature, an index or blob with the manifest, a chunk with the index.
 *
 * @module
 */
import { decodeBlob } from "@pxar/chunk/blob";
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { type Codecs, openCodecs } from "@pxar/chunk/codecs";
import {
  joinAccess,
  type JoinAccessOptions,
  joinStream,
} from "@pxar/chunk/join";
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import { Accessor, type AccessorOptions } from "@pxar/codec/accessor";
import { decode } from "@pxar/codec/decode";
import type { RandomAccess } from "@pxar/codec/random_access";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { Batch } from "@pxar/format/entry";
import { NotFoundError, UnsupportedError } from "@pxar/format/errors";
import {
  type ArchiveFiles,
  type ArchiveName,
  resolveArchive,
} from "@pxar/store/archive_name";
import { ArchiveReader } from "@pxar/store/archive_stream";
import { checkedBlob, checkedIndex } from "@pxar/store/checked_file";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Manifest, ManifestFile } from "@pxar/store/manifest";
import { verifyManifest } from "@pxar/store/manifest_signature";
import { shown } from "@pxar/store/shown";
import { type SnapshotName, snapshotText } from "@pxar/store/snapshot";
import type { Abortable, SnapshotReader, Store } from "@pxar/store/store";
import { keyFingerprintOf } from "@pxar/store/unprotected";
import { locating, locatingAccess } from "./damaged_chunk.ts";

/** Up to this length, threads are not worth their start, bytes. */
const SHORT = 8 << 20;

/** How a snapshot is opened. */
export interface OpenSnapshotOptions extends Abortable {
  /** The key it was made with; a function is asked for it only where the manifest names one. */
  readonly key?:
    | CryptKey
    | (() => CryptKey | undefined | Promise<CryptKey | undefined>)
    | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads read archives in order; as many as there are processors unless told, 0 for none but this one. */
  readonly threads?: number | undefined;
}

/** How bytes are read at any place. */
export type ReadOptions = Pick<
  JoinAccessOptions,
  "budget" | "ahead" | "signal"
>;

/** How an archive's entries are read. */
export interface EntriesOptions extends Abortable {
  /** Whether files come with their contents; they do unless told. Without, the payload of a split archive is not touched. */
  readonly contents?: boolean | undefined;
}

/**
 * Opens a snapshot and checks its manifest.
 *
 * @param store Where it is.
 * @param snapshot Which one.
 * @param options Its key.
 * @returns The open snapshot; it is not removed as long as it is open.
 * @throws {NotFoundError} If it is not there, or not finished.
 * @throws {KeyError} If it was made with another key, or with one and there is none.
 * @throws {IntegrityError} If the manifest is not its own, or not signed as it must be.
 *
 * @example
 * ```ts
 * import { openSnapshot } from "@pxar/transfer/open";
 * import { parseSnapshot } from "@pxar/store/snapshot";
 * import type { Store } from "@pxar/store/store";
 *
 * async function printMotd(store: Store) {
 *   await using snapshot = await openSnapshot(store, parseSnapshot("host/elsa/2023-11-14T22:13:20Z"));
 *   await using archive = await snapshot.accessor("root.pxar");
 *   const motd = await archive.lookup("/etc/motd");
 *   if (motd !== undefined) console.log(await new Response(archive.stream(motd)).text());
 * }
 * ```
 */
export async function openSnapshot(
  store: Pick<Store, "open">,
  snapshot: SnapshotName,
  options: OpenSnapshotOptions = {},
): Promise<OpenSnapshot> {
  const { signal, native, threads } = options;
  const reader = await store.open(snapshot, { signal });
  try {
    const manifest = await reader.manifest({ signal });
    const key = typeof options.key === "function"
      ? isKeyed(manifest) ? await options.key() : undefined
      : options.key;
    verifyManifest(manifest, key);
    const codecs = await openCodecs(native);
    return new OpenSnapshot(reader, manifest, key, codecs, native, threads);
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether a manifest says that a key was used. */
function isKeyed(manifest: Manifest): boolean {
  return keyFingerprintOf(manifest) !== undefined ||
    manifest.files.some(({ cryptMode }) => cryptMode !== "none");
}

/** A snapshot that is open, and whose manifest may be trusted as far as there is a key. What it gives out is closed by whoever asked, before the snapshot. */
export class OpenSnapshot implements AsyncDisposable {
  /** What it consists of. */
  readonly manifest: Manifest;
  /** Its chunks and its files as they are stored; not compared with anything. */
  readonly reader: SnapshotReader;
  /** The key it was opened with. */
  readonly key: CryptKey | undefined;
  readonly #codecs: Codecs;
  readonly #native: Native | undefined;
  readonly #threads: number | undefined;
  #crew: Promise<ChunkCrew> | undefined;
  /** The one without threads. */
  #alone: Promise<ChunkCrew> | undefined;

  /** See {@linkcode openSnapshot}, which checks the manifest before. */
  constructor(
    reader: SnapshotReader,
    manifest: Manifest,
    key: CryptKey | undefined,
    codecs: Codecs,
    native: Native | undefined,
    threads: number | undefined,
  ) {
    this.reader = reader;
    this.manifest = manifest;
    this.key = key;
    this.#codecs = codecs;
    this.#native = native;
    this.#threads = threads;
  }

  /** Its name. */
  get snapshot(): SnapshotName {
    return this.reader.snapshot;
  }

  /**
   * Finds the files that make up an archive.
   *
   * @param name As users say it (`root.pxar`, also for a split archive) or as it lies in the store.
   * @returns One file, or the two of a split archive.
   * @throws {NotFoundError} If the manifest does not list it.
   * @throws {FormatError} If it is no archive name.
   */
  resolve(name: string): ArchiveFiles {
    return resolveArchive(name, this.manifest.files.map(({ name }) => name));
  }

  /**
   * What the manifest says of a file.
   *
   * @param name As it lies in the store, such as `root.pxar.didx`.
   * @throws {NotFoundError} If it is not listed.
   */
  file(name: string): ManifestFile {
    const file = this.manifest.files.find((one) => one.name === name);
    if (file !== undefined) return file;
    throw new NotFoundError(
      `Cannot find ${shown(name)} in ${
        snapshotText(this.snapshot)
      }: its manifest does not list it`,
    );
  }

  /**
   * The chunks of a file.
   *
   * @param name As it lies in the store, ending with `.didx` or `.fidx`.
   * @returns The index, compared with the manifest; to be closed.
   * @throws {IntegrityError} If it is not what the manifest says.
   */
  async index(name: string, options: Abortable = {}): Promise<ChunkIndex> {
    return await checkedIndex(this.reader, this.file(name), options);
  }

  /**
   * What an index stands for, to be read at any place.
   *
   * @param name As it lies in the store.
   * @param options Memory, signal.
   * @returns Its bytes, each chunk verified; to be closed.
   * @throws {IntegrityError} If the index is not what the manifest says.
   */
  async access(
    name: string,
    options: ReadOptions = {},
  ): Promise<RandomAccess> {
    const index = await this.index(name, options);
    return locatingAccess(
      this.#called(name),
      joinAccess(index, this.reader, {
        ...options,
        codecs: this.#codecs,
        key: this.key,
        encrypted: this.#isEncrypted(name),
      }),
    );
  }

  /**
   * What an index stands for, in order, at the speed of all processors.
   *
   * @param name As it lies in the store.
   * @returns Its bytes, each chunk verified; passing over bytes does not fetch them. To be closed.
   * @throws {IntegrityError} If the index is not what the manifest says.
   */
  async source(name: string, options: Abortable = {}): Promise<ArchiveSource> {
    const index = await this.index(name, options);
    try {
      // Before a thread has started, a short archive is read.
      const crew = await (index.size <= SHORT
        ? this.#alone ??= this.#start(0)
        : this.#crew ??= this.#start(this.#threads));
      const reader = await ArchiveReader.open(index, this.reader, crew, {
        encrypted: this.#isEncrypted(name),
        signal: options.signal,
      });
      const what = this.#called(name);
      let position = 0;
      const reading = <T>(read: () => T | Promise<T>): T | Promise<T> =>
        locating(what, () =>
          position, read);
      const pass = (count: number): number => {
        position += count;
        return count;
      };
      const close = async () => {
        await reader.close();
        await index.close();
      };
      return {
        size: index.size,
        read: (into) => {
          const got = reading(() => reader.read(into));
          return typeof got === "number" ? pass(got) : got.then(pass);
        },
        piece: async () => {
          const piece = await reading(() => reader.piece());
          pass(piece?.length ?? 0);
          return piece;
        },
        skip: async (count) => pass(await reading(() => reader.skip(count))),
        close,
      };
    } catch (error) {
      await index.close();
      throw error;
    }
  }

  /**
   * What an index stands for, as a stream.
   *
   * @param name As it lies in the store.
   * @returns Its bytes, each chunk verified.
   * @throws {IntegrityError} If the index is not what the manifest says.
   */
  async stream(
    name: string,
    options: Abortable = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const index = await this.index(name, options);
    const stream = joinStream(index, this.reader, {
      ...options,
      codecs: this.#codecs,
      key: this.key,
      encrypted: this.#isEncrypted(name),
    });
    return stream.pipeThrough(
      new TransformStream({
        flush: () => index.close(),
        cancel: () => index.close(),
      }),
    );
  }

  /**
   * What a blob holds.
   *
   * @param name As users say it (`fw.conf`) or as it lies in the store.
   * @returns Its data, decrypted where it is encrypted.
   * @throws {IntegrityError} If it is not what the manifest says.
   * @throws {KeyError} If it is encrypted and there is no key.
   */
  async blob(name: string, options: Abortable = {}): Promise<Bytes> {
    const files = this.resolve(name);
    if (files.split || files.file.kind !== "blob") {
      throw new UnsupportedError(
        `Cannot read ${shown(name)} as one blob: it is made of chunks`,
      );
    }
    const file = this.file(files.file.server);
    const blob = await checkedBlob(this.reader, file, options);
    return await decodeBlob(blob, { codecs: this.#codecs, key: this.key });
  }

  /**
   * Opens an archive to look things up in it.
   *
   * @param name Such as `root.pxar`, whether it is split or not.
   * @param options Memory, signal.
   * @returns The archive; to be closed.
   * @throws {UnsupportedError} If it is no archive, but a disk, a catalog or a single file.
   * @throws {IntegrityError} If an index is not what the manifest says.
   */
  async accessor(
    name: string,
    options: Omit<AccessorOptions, "payload"> & Abortable = {},
  ): Promise<Accessor> {
    const { signal } = options;
    const { archive, payload } = await this.halves(name, { signal });
    try {
      return await Accessor.open(archive, { ...options, payload });
    } catch (error) {
      await archive.close?.();
      await payload?.close?.();
      throw error;
    }
  }

  /**
   * The bytes of an archive, to be read at any place.
   *
   * @param name Such as `root.pxar`, whether it is split or not.
   * @returns Each chunk is verified; to be closed.
   * @throws {UnsupportedError} If it is no archive, but a disk, a catalog or a single file.
   * @throws {IntegrityError} If an index is not what the manifest says.
   */
  async halves(
    name: string,
    options: ReadOptions = {},
  ): Promise<ArchiveHalves> {
    const { metadata, payload } = this.#archive(name);
    const archive = await this.access(metadata.server, options);
    try {
      return {
        archive,
        payload: payload && await this.access(payload.server, options),
      };
    } catch (error) {
      await archive.close?.();
      throw error;
    }
  }

  /**
   * Reads an archive's entries in order.
   *
   * @param name Such as `root.pxar`, whether it is split or not.
   * @param options With or without contents.
   * @returns Batches as `decode` yields them. Contents that are not read are not fetched, as far as chunks hold nothing else.
   * @throws {UnsupportedError} If it is no archive, but a disk, a catalog or a single file.
   * @throws {IntegrityError} If an index or a chunk is not what it must be.
   */
  async *entries(
    name: string,
    options: EntriesOptions = {},
  ): AsyncGenerator<Batch, void, void> {
    const { contents = true, signal } = options;
    const { metadata, payload } = this.#archive(name);
    const archive = await this.source(metadata.server, { signal });
    let source: ByteSource | undefined;
    try {
      source = payload && contents
        ? await this.source(payload.server, { signal })
        : undefined;
    } catch (error) {
      await archive.close();
      throw error;
    }
    // Closes both.
    yield* decode(archive, { payload: source, signal });
  }

  /** Lets others remove it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const crew of [this.#crew, this.#alone]) {
        (await crew?.catch(() => undefined))?.close();
      }
    } finally {
      await this.reader[Symbol.asyncDispose]();
    }
  }

  #start(threads: number | undefined): Promise<ChunkCrew> {
    const { key } = this;
    const native = this.#native;
    return ChunkCrew.start(this.reader.direct, { key, native, threads });
  }

  /** A file, for messages. */
  #called(name: string): string {
    return `${name} of ${snapshotText(this.snapshot)}`;
  }

  #isEncrypted(name: string): boolean {
    return this.file(name).cryptMode === "encrypt";
  }

  #archive(
    name: string,
  ): { metadata: ArchiveName; payload: ArchiveName | undefined } {
    const files = this.resolve(name);
    if (files.split) return files;
    if (files.file.content === "pxar") {
      return { metadata: files.file, payload: undefined };
    }
    throw new UnsupportedError(
      `Cannot read entries of ${shown(name)}: it is ${
        files.file.content === "image" ? "a disk" : `a ${files.file.content}`
      }, expected an archive (.pxar)`,
    );
  }
}

/** The bytes of an archive, from any place. */
export interface ArchiveHalves {
  /** The archive, or the metadata of a split one. */
  readonly archive: RandomAccess;
  /** The contents of a split one, where they are at hand. */
  readonly payload: RandomAccess | undefined;
}

/** What an index stands for, in order. */
export interface ArchiveSource extends ByteSource {
  /** Length, bytes. */
  readonly size: number;
  /** What is left of the chunk at hand, without a copy; valid until the next call. `undefined` at the end. */
  piece(): Promise<Bytes | undefined>;
  /** Passes over bytes; see {@linkcode ByteSource.skip}. */
  readonly skip: (count: number) => Promise<number>;
  /** Lets go of its memory. */
  readonly close: () => Promise<void>;
}
