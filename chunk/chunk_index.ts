/**
 * A list of chunks: what an archive or image consists of.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Digest } from "./digest.ts";

/** A chunk within an archive. */
export interface ChunkRef {
  /** Offset in the archive of its first byte. */
  readonly start: number;
  /** Offset behind its last byte; greater than `start`. */
  readonly end: number;
  /** Names it; 32 bytes that stay valid. */
  readonly digest: Digest;
}

/**
 * An open index: chunks in order, without gaps, from 0 to `size`. Safe for several readers at once; never read whole.
 *
 * That ends rise is checked wherever they are met: what is returned is a chunk that holds what was asked for, or an error, whatever the rest of the index is like.
 */
export interface ChunkIndex {
  /** `dynamic` (`.didx`): chunks of any length. `fixed` (`.fidx`): all of one length, but the last. */
  readonly kind: "dynamic" | "fixed";
  /** Length of the archive, bytes. */
  readonly size: number;
  /** How many chunks it has; one or more. */
  readonly count: number;
  /** Length of a chunk in a fixed index, bytes; `undefined` in a dynamic one. */
  readonly chunkSize: number | undefined;
  /** 16 bytes, as in the header. */
  readonly uuid: Bytes;
  /** When it was made, seconds since 1970, as in the header; not vouched for by any checksum. */
  readonly ctime: number;
  /** Checksum as the header has it; never trusted, see {@linkcode csum}. */
  readonly headerCsum: Bytes;
  /**
   * The chunk with a number.
   *
   * @param number 0 to `count` - 1.
   * @throws {RangeError} If there is none.
   * @throws {FormatError} If ends do not rise.
   */
  chunk(number: number): ChunkRef | Promise<ChunkRef>;
  /**
   * The number of the chunk that holds an offset.
   *
   * @param offset 0 or more.
   * @returns `undefined` from `size` on.
   * @throws {RangeError} If it is no offset.
   * @throws {FormatError} If ends do not rise.
   */
  find(offset: number): number | undefined | Promise<number | undefined>;
  /**
   * The chunks in order, up to 1024 at a time.
   *
   * @param from Number of the first one; 0 unless told.
   * @param to Number behind the last one; `count` unless told.
   * @throws {RangeError} If there are none of these numbers.
   * @throws {FormatError} If ends do not rise.
   */
  chunks(from?: number, to?: number): AsyncIterable<readonly ChunkRef[]>;
  /**
   * The checksum, computed from all entries: what a manifest states. All ends are checked on the way. Source: spec D.4.
   *
   * @param options What ends it.
   * @throws {FormatError} If ends do not rise.
   */
  csum(
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Bytes>;
  /** Closes what it reads from. */
  close(): Promise<void>;
}
