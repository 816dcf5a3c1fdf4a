/**
 * The payload stream of a split archive into a snapshot: cut where files begin as far as that suits, with known chunks put in by name.
 *
 * @module
 */
import { PayloadPieces } from "@pxar/chunk/payload_pieces";
import { PayloadRules } from "@pxar/chunk/payload_rules";
import type { PayloadPart, PayloadSink } from "@pxar/codec/sink";
import type { Bytes } from "@pxar/format/bytes";
import type { ChunkCrew } from "./chunk_crew.ts";
import {
  type ArchiveSummary,
  ChunkSender,
  type KnownChunk,
} from "./chunk_sender.ts";
import type { IndexWriter, SnapshotWriter } from "./store.ts";

export type { KnownChunk } from "./chunk_sender.ts";

/** How many times known chunks may be put in before they are listed. */
const MOST_WAITING = 256;

/** How a payload stream is cut, and written. */
export interface PayloadWriterOptions {
  /** Average length of the chunks, bytes: a power of two, 4 KiB to 4 MiB; 4 MiB unless told. */
  readonly average?: number | undefined;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes one payload stream. The token of an `inject` is a list of {@linkcode KnownChunk}.
 *
 * The chunks do not depend on how the bytes come, as long as each `suggest` says how much is written there.
 *
 * Source: spec B.4, I.4.
 */
export class PayloadWriter implements PayloadSink, AsyncDisposable {
  readonly #sender: ChunkSender;
  readonly #rules: PayloadRules;
  readonly #pieces = new PayloadPieces();
  /** Bytes that were written. */
  #written = 0;
  /** Bytes of known chunks that were put in. */
  #injected = 0;
  /** A piece has come to its end, and nothing was cut of it yet: what is suggested for its end is still to be said. */
  #isWhole = false;
  /** How many times chunks were put in since something was cut. */
  #waiting = 0;

  private constructor(sender: ChunkSender, rules: PayloadRules) {
    this.#sender = sender;
    this.#rules = rules;
  }

  /**
   * Begins a payload stream.
   *
   * @param name Such as `root.ppxar.didx`.
   * @param writer The snapshot it is to be part of.
   * @param index Begun by `writer.dynamicIndex`.
   * @param crew Started for `writer.direct`; serves several archives at once.
   * @param options Lengths of chunks.
   */
  static async open(
    name: string,
    writer: SnapshotWriter,
    index: IndexWriter,
    crew: ChunkCrew,
    options: PayloadWriterOptions = {},
  ): Promise<PayloadWriter> {
    const { signal } = options, rules = new PayloadRules(options.average);
    return new PayloadWriter(
      await ChunkSender.open({ name, writer, index, crew, rules, signal }),
      rules,
    );
  }

  /**
   * Takes the next part; bytes are copied.
   *
   * @throws {RangeError} If known chunks have another length than is said.
   */
  write(part: PayloadPart): void | Promise<void> {
    if ("suggest" in part) {
      this.#rules.suggest(part.suggest);
      if (part.size !== undefined) this.#pieces.file(part.size);
    } else if ("inject" in part) {
      return this.#sender.alone(() => this.#inject(part.inject, part.token));
    } else return this.#sender.alone(() => this.#put(part.bytes));
  }

  /** Ends the stream: its index is part of the snapshot then. */
  async finish(): Promise<ArchiveSummary> {
    return await this.#sender.alone(async () => {
      this.#cut(false);
      this.#rules.end(this.#sender.pending);
      return await this.#sender.finish();
    });
  }

  /** Lets go of its memory, once nobody works on it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  async #put(bytes: Bytes): Promise<void> {
    const sender = this.#sender;
    for (let at = 0; at < bytes.length;) {
      if (this.#isWhole) this.#cut(false);
      const { end } = this.#pieces;
      const left = bytes.length - at;
      const most = end === undefined
        ? left
        : Math.min(left, end - this.#written);
      const room = await sender.room(most);
      room.set(bytes.subarray(at, at + room.length));
      sender.commit(room.length);
      at += room.length;
      this.#written += room.length;
      if (this.#written === end) {
        this.#pieces.next();
        this.#isWhole = true;
      } else this.#cut(true);
      await sender.settle();
    }
  }

  async #inject(size: number, token: unknown): Promise<void> {
    const chunks = token as readonly KnownChunk[];
    const sum = chunks.reduce((sum, { size }) => sum + size, 0);
    if (sum !== size) {
      throw new RangeError(
        `Cannot put ${chunks.length} known chunks in: they have ${sum} bytes, expected the ${size} that were said`,
      );
    }
    if (this.#isWhole) this.#cut(false);
    this.#rules.inject(this.#written + this.#injected, size, token);
    this.#injected += size;
    // They wait for the piece that they are put into, but not for ever: where nothing is read, no piece ends.
    if (++this.#waiting >= MOST_WAITING) this.#cut(false);
    await this.#sender.settle();
  }

  #cut(more: boolean): void {
    this.#isWhole = false;
    for (;;) {
      this.#sender.cut(more);
      const injection = this.#rules.injection();
      if (injection === undefined) return;
      this.#waiting = 0;
      this.#sender.known(injection.token as readonly KnownChunk[]);
    }
  }
}
