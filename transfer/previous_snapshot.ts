/**
 * The snapshot before the one that is being made, as far as its archives may be reused.
 *
 * @module
 */
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { hexOf } from "@pxar/chunk/digest";
import { decode } from "@pxar/codec/decode";
import { PxarError } from "@pxar/format/errors";
import type { Batch } from "@pxar/format/entry";
import { splitNames } from "@pxar/store/archive_name";
import { ArchiveReader } from "@pxar/store/archive_stream";
import { checkedIndex } from "@pxar/store/checked_file";
import type { ChunkCrew } from "@pxar/store/chunk_crew";
import type { CryptMode, Manifest } from "@pxar/store/manifest";
import { verifyManifest } from "@pxar/store/manifest_signature";
import { type SnapshotName, snapshotText } from "@pxar/store/snapshot";
import type { ChunkStore, SnapshotReader } from "@pxar/store/store";
import type { BackupOptions } from "./backup.ts";
import type { PreviousArchive } from "./reuse.ts";

/** Memory for its metadata archive, bytes: one chunk of the greatest length. */
const BUDGET = 16 << 20;

/** How much of its entries is read at once, bytes. */
const BUFFER = 1 << 20;

/** What a snapshot before is opened with. */
export interface PreviousOptions
  extends Pick<BackupOptions, "key" | "onNote" | "signal"> {
  /** What the key does to the new one. */
  readonly cryptMode: CryptMode;
  /** Reads its metadata archives. */
  readonly crew: ChunkCrew;
  /** Says which chunks are still there; `undefined` where that is taken for granted. */
  readonly chunks: Pick<ChunkStore, "touch" | "setAside"> | undefined;
}

/** A split archive of the snapshot before, open. */
export interface OpenPrevious extends PreviousArchive {
  /** Lets go of it. */
  close(): Promise<void>;
}

/** The snapshot before; its manifest may be trusted. */
export class PreviousSnapshot {
  readonly #reader: SnapshotReader;
  readonly #manifest: Manifest;
  readonly #options: PreviousOptions;
  #isCompared = false;

  private constructor(
    reader: SnapshotReader,
    manifest: Manifest,
    options: PreviousOptions,
  ) {
    this.#reader = reader;
    this.#manifest = manifest;
    this.#options = options;
  }

  /** Its name, where one of its archives was opened to be compared with. */
  get compared(): SnapshotName | undefined {
    return this.#isCompared ? this.#reader.snapshot : undefined;
  }

  /**
   * Opens it.
   *
   * @param reader The snapshot; not closed.
   * @param options The key, and who is told.
   * @returns `undefined` where its manifest cannot be read or trusted: nothing of it is of use then.
   */
  static async open(
    reader: SnapshotReader,
    options: PreviousOptions,
  ): Promise<PreviousSnapshot | undefined> {
    const { key, onNote, signal } = options;
    return await unlessWrong(async () => {
      const manifest = await reader.manifest({ signal });
      verifyManifest(manifest, key);
      return new PreviousSnapshot(reader, manifest, options);
    }, (why) =>
      onNote?.(
        `nothing is reused of ${snapshotText(reader.snapshot)}: ${why}`,
      ));
  }

  /**
   * Opens one of its archives.
   *
   * Source: spec I.1.
   *
   * @param name As users say it, such as `root.pxar`.
   * @returns `undefined` where there is no split archive of that name, or its payload was made in another mode of encryption, or one of its indexes is damaged.
   */
  async archive(name: string): Promise<OpenPrevious | undefined> {
    const { cryptMode, signal, crew, chunks } = this.#options;
    const names = splitNames(name);
    const [metadata, payload] = [names.metadata, names.payload].map((
      { server },
    ) => this.#manifest.files.find(({ name }) => name === server));
    if (metadata === undefined || payload === undefined) return undefined;
    const other = [metadata, payload].find((one) =>
      one.cryptMode !== cryptMode
    );
    if (other !== undefined) {
      this.#note(
        name,
        `${other.name} has crypt mode ${other.cryptMode}, expected ${cryptMode}`,
      );
      return undefined;
    }
    const opened = await unlessWrong<OpenPrevious>(async () => {
      const index = await checkedIndex(this.#reader, metadata, { signal });
      let payloadIndex: ChunkIndex;
      try {
        payloadIndex = await checkedIndex(this.#reader, payload, { signal });
      } catch (error) {
        await index.close();
        throw error;
      }
      const encrypted = cryptMode === "encrypt";
      let isLost = false;
      const open = () =>
        ArchiveReader.open(index, this.#reader, crew, {
          encrypted,
          aside: true,
          budget: BUDGET,
          signal,
        });
      return {
        entries: this.#entries(name, index, open),
        payload: payloadIndex,
        has: async ({ digest }) => {
          if (chunks === undefined) return true;
          const size = await chunks.touch(digest, { signal });
          if (size === undefined && !isLost) {
            isLost = true;
            this.#note(
              name,
              `the store has lost chunk ${
                hexOf(digest)
              } of it, so that older snapshots are damaged`,
            );
          }
          return size !== undefined;
        },
        close: async () => {
          await index.close();
          await payloadIndex.close();
        },
      };
    }, (why) => this.#note(name, why));
    if (opened !== undefined) this.#isCompared = true;
    return opened;
  }

  /** Entries up to where they are damaged: files behind that are read again, and a damaged chunk is not taken for one that need not be stored. */
  async *#entries(
    name: string,
    index: ChunkIndex,
    open: () => Promise<ArchiveReader>,
  ): AsyncGenerator<Batch, void, void> {
    const { signal } = this.#options, reader = await open();
    const entries = decode(reader, { buffer: BUFFER, signal });
    try {
      for (;;) {
        const next = await unlessWrong(
          () => entries.next(),
          (why) => this.#note(name, why),
        );
        if (next?.done === false) {
          yield next.value;
          continue;
        }
        if (next === undefined && reader.damaged.length > 0) {
          await this.#setAside(index, open);
        }
        return;
      }
    } finally {
      await entries.return();
    }
  }

  /** Sees to it that none of an archive's chunks that are damaged is taken for one that need not be stored. */
  async #setAside(
    index: ChunkIndex,
    open: () => Promise<ArchiveReader>,
  ): Promise<void> {
    const { chunks, signal } = this.#options;
    if (chunks?.setAside === undefined) return;
    const reader = await open();
    try {
      for (;;) {
        const piece = await unlessWrong(() => reader.piece(), () => {});
        if (piece !== undefined) continue;
        const number = await index.find(reader.position);
        if (number === undefined) break;
        const { end } = await index.chunk(number);
        await reader.skip(end - reader.position);
      }
      for (const { digest } of reader.damaged) {
        await chunks.setAside(digest, { signal });
      }
    } finally {
      await reader.close();
    }
  }

  #note(name: string, why: string): void {
    this.#options.onNote?.(
      `${name} of ${
        snapshotText(this.#reader.snapshot)
      } is not reused, or not all of it: ${why}`,
    );
  }
}

/** What work gives; `undefined` where something is wrong with what it reads. */
async function unlessWrong<T>(
  work: () => Promise<T>,
  tell: (why: string) => void,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PxarError)) throw error;
    tell(error.message);
    return undefined;
  }
}
