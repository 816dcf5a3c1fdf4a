// A stream of bytes that is written to, at the pace of whoever reads it.
import type { Bytes } from "@pxar/format/bytes";
import type { ByteSink } from "./sink.ts";

/** Hands each piece on, as a copy, once it is asked for. */
export class PieceStream implements ByteSink {
  /** What is read from. */
  readonly readable: ReadableStream<Bytes>;
  #controller!: ReadableStreamDefaultController<Bytes>;
  #wanted = false;
  #waiting:
    | { resolve: () => void; reject: (error: unknown) => void }
    | undefined;
  #failed: { readonly error: unknown } | undefined;

  /**
   * Waits to be read from.
   *
   * @param start Called on the first read, and may be called again on later ones.
   * @param cancel Called when the reader gives up.
   */
  constructor(start: () => void, cancel: (reason: unknown) => Promise<void>) {
    this.readable = new ReadableStream<Bytes>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#wanted = true;
        start();
        this.#waiting?.resolve();
      },
      cancel,
    }, { highWaterMark: 0 });
  }

  /** Hands a piece on; resolves when that was done. */
  write(piece: Bytes): void | Promise<void> {
    if (this.#failed !== undefined) throw this.#failed.error;
    if (this.#wanted) return this.#send(piece);
    return new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    }).then(() => this.#send(piece));
  }

  /** Says that no more pieces come. */
  close(): void {
    this.#controller.close();
  }

  /** Ends the stream, and a write that waits, with an error. */
  fail(error: unknown): void {
    this.#failed ??= { error };
    this.#waiting?.reject(error);
    this.#controller.error(error);
  }

  #send(piece: Bytes): void {
    this.#waiting = undefined;
    this.#wanted = false;
    this.#controller.enqueue(piece.slice());
  }
}
