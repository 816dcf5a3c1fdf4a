/**
 * Where encoded bytes go.
 *
 * @module
 */
import { type Bytes, ByteWriter } from "@pxar/format/bytes";

/** Takes the bytes of one stream in order. */
export interface ByteSink {
  /**
   * Takes the next bytes; not called again before it is done with the last ones.
   *
   * @param piece Valid until the returned promise resolves (or the call returns, where it returns nothing): then the encoder fills it again.
   */
  write(piece: Bytes): void | Promise<void>;
}

/**
 * What happens on the payload stream of a split archive, in order: bytes; a position at which a file's PAYLOAD header will stand, said before
 * any byte from there on; known chunks put in by name, which move the position on by `inject` bytes.
 */
export type PayloadPart =
  | { readonly bytes: Bytes }
  | {
    readonly suggest: number;
    /** Length of the content that is written there behind its header, bytes; `undefined` where nothing is. */
    readonly size?: number | undefined;
  }
  | { readonly inject: number; readonly token: unknown };

/** Takes the payload stream of a split archive. */
export interface PayloadSink {
  /** Takes the next part; for bytes, as {@linkcode ByteSink.write}. */
  write(part: PayloadPart): void | Promise<void>;
}

/** Length of a piece where nobody asks for another, bytes. */
export const PIECE_SIZE: number = 1 << 20;

/**
 * Two pieces of memory that go round: while a sink writes one, the next one fills.
 *
 * What needs more room than a piece has gets one of its own, once.
 */
export class Pieces {
  readonly #write: (piece: Bytes) => void | Promise<void>;
  readonly #size: number;
  readonly #free: ByteWriter[] = [];
  #writer: ByteWriter;
  #base = 0;
  #flight: Promise<void> | undefined;

  /**
   * Starts with an empty piece.
   *
   * @param write Takes a filled piece, as {@linkcode ByteSink.write}.
   * @param size Length of a piece, bytes.
   */
  constructor(
    write: (piece: Bytes) => void | Promise<void>,
    size = PIECE_SIZE,
  ) {
    this.#write = write;
    this.#size = size;
    this.#writer = new ByteWriter(new Uint8Array(size));
  }

  /** Writes into the piece that fills; another one after every {@linkcode need} and {@linkcode flush}. */
  get writer(): ByteWriter {
    return this.#writer;
  }

  /** How many bytes have been written in all. */
  get position(): number {
    return this.#base + this.#writer.length;
  }

  /**
   * Sees to it that there is room.
   *
   * @param room How many bytes are going to be written in one go.
   * @returns A promise where the sink has to be waited for.
   */
  need(room: number): void | Promise<void> {
    if (this.#writer.room >= room) return;
    const flushed = this.flush();
    return flushed === undefined
      ? this.#enlarge(room)
      : flushed.then(() => this.#enlarge(room));
  }

  /**
   * Hands the piece over, once the one before has been written, and starts another.
   *
   * @returns A promise where the sink has to be waited for.
   */
  flush(): void | Promise<void> {
    return this.#flight === undefined
      ? this.#send()
      : this.#flight.then(() => this.#send());
  }

  /** Hands over what there is and waits until all of it is written. */
  async finish(): Promise<void> {
    await this.flush();
    await this.#flight;
  }

  /** Waits until the sink is done with the piece it has, however that ends. */
  async settle(): Promise<void> {
    await this.#flight?.catch(() => {});
  }

  #send(): void {
    this.#flight = undefined;
    const full = this.#writer;
    if (full.length === 0) return;
    const written = this.#write(full.written);
    this.#base += full.length;
    if (written === undefined) {
      this.#giveBack(full);
    } else {
      this.#flight = written.then(() => this.#giveBack(full));
      // Whoever needs the next piece meets the error; until then nobody listens.
      this.#flight.catch(() => {});
    }
    this.#writer = this.#free.pop() ??
      new ByteWriter(new Uint8Array(this.#size));
  }

  #enlarge(room: number): void {
    if (this.#writer.room >= room) return;
    this.#giveBack(this.#writer);
    this.#writer = new ByteWriter(new Uint8Array(room));
  }

  #giveBack(writer: ByteWriter): void {
    writer.rewind();
    // One made for a large item is dropped.
    if (writer.room === this.#size) this.#free.push(writer);
  }
}
