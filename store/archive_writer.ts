/**
 * Bytes into a snapshot: cut into chunks, sealed and kept by threads, listed in an index.
 *
 * @module
 */
import { cutRules, type CutRulesOptions } from "@pxar/chunk/cut_rules";
import type { ByteSink } from "@pxar/codec/sink";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import type { ChunkCrew } from "./chunk_crew.ts";
import { type ArchiveSummary, ChunkSender } from "./chunk_sender.ts";
import type { IndexWriter, SnapshotWriter } from "./store.ts";

export type { ArchiveSummary } from "./chunk_sender.ts";

/** Length of a piece that is read at once, bytes. */
const PIECE = 1 << 20;

/** How an archive is cut, and written. */
export interface ArchiveWriterOptions extends CutRulesOptions {
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/** Writes one archive: what is no payload of a split one. */
export class ArchiveWriter implements ByteSink, AsyncDisposable {
  readonly #sender: ChunkSender;

  private constructor(sender: ChunkSender) {
    this.#sender = sender;
  }

  /**
   * Begins an archive.
   *
   * @param name Such as `root.pxar.didx`; its ending is that of `index`.
   * @param writer The snapshot it is to be part of.
   * @param index Begun by `writer.dynamicIndex` or `writer.fixedIndex`.
   * @param crew Started for `writer.direct`; serves several archives at once.
   * @param options Where chunks end: by content unless told otherwise.
   */
  static async open(
    name: string,
    writer: SnapshotWriter,
    index: IndexWriter,
    crew: ChunkCrew,
    options: ArchiveWriterOptions = {},
  ): Promise<ArchiveWriter> {
    const { signal } = options, rules = cutRules(options);
    return new ArchiveWriter(
      await ChunkSender.open({ name, writer, index, crew, rules, signal }),
    );
  }

  /**
   * Takes the next bytes.
   *
   * @param piece Copied; any length.
   */
  async write(piece: Bytes): Promise<void> {
    const sender = this.#sender;
    await sender.alone(async () => {
      for (let at = 0; at < piece.length;) {
        const room = await sender.room(piece.length - at);
        room.set(piece.subarray(at, at + room.length));
        at += room.length;
        await this.#take(room.length);
      }
    });
  }

  /**
   * Takes all bytes of a source, read straight to where they are worked on.
   *
   * @param source Read to its end; not closed.
   * @param onBytes Told how many have been read in all.
   */
  async readFrom(
    source: ByteSource,
    onBytes?: (count: number) => void,
  ): Promise<void> {
    const sender = this.#sender;
    await sender.alone(async () => {
      for (let count = 0;;) {
        const got = source.read(await sender.room(PIECE));
        const length = typeof got === "number" ? got : await got;
        if (length === 0) return;
        count += length;
        await this.#take(length);
        onBytes?.(count);
      }
    });
  }

  /** Ends the archive: its index is part of the snapshot then. */
  async finish(): Promise<ArchiveSummary> {
    return await this.#sender.alone(() => this.#sender.finish());
  }

  /** Lets go of its memory, once nobody works on it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  /** Counts bytes that are in the ring, and sends off what chunks they complete. */
  async #take(count: number): Promise<void> {
    this.#sender.commit(count);
    this.#sender.cut();
    await this.#sender.settle();
  }
}
