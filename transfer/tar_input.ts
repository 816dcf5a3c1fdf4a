// Where headers of tar members are read from: a stream, or a file at any place.
import type { RandomAccess } from "@pxar/codec/random_access";
import type { StreamReader } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { TruncatedError } from "@pxar/format/errors";

/** What members are read from. */
export interface TarInput {
  /** Where the next byte stands in the archive. */
  readonly offset: number;
  /**
   * The next bytes.
   *
   * @param count How many.
   * @returns Valid until the next call; `undefined` where the archive has ended.
   * @throws {TruncatedError} If it ends within them.
   */
  take(count: number): Bytes | undefined | Promise<Bytes | undefined>;
}

/** Members of a stream. */
export class StreamInput implements TarInput {
  readonly #reader: StreamReader;

  /** Reads from where the stream stands. */
  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  /** Where the stream stands. */
  get offset(): number {
    return this.#reader.offset;
  }

  /** The next bytes: in the reader's buffer, or a copy of them where they are more. */
  take(count: number): Bytes | undefined | Promise<Bytes | undefined> {
    const reader = this.#reader;
    if (count > reader.memory.length) return this.#takeLarge(count);
    const full = reader.fill(count);
    return typeof full === "boolean"
      ? this.#give(full, count)
      : full.then((full) => this.#give(full, count));
  }

  #give(full: boolean, count: number): Bytes | undefined {
    const reader = this.#reader;
    if (!full) {
      if (reader.available === 0) return undefined;
      throw cut(reader.offset + reader.available);
    }
    const from = reader.index;
    reader.advance(count);
    return reader.memory.subarray(from, from + count);
  }

  async #takeLarge(count: number): Promise<Bytes> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const got = await this.#reader.read(bytes.subarray(at));
      if (got === 0) throw cut(this.#reader.offset);
      at += got;
    }
    return bytes;
  }
}

/** How much is read ahead of a header in a file, bytes. */
const AHEAD = 16 << 10;

/** Members of a file, from any place. */
export class AccessInput implements TarInput {
  /** Where the next byte stands; may be set to any place. */
  offset = 0;
  readonly #access: RandomAccess;
  readonly #window: Bytes = new Uint8Array(AHEAD);
  #from = 0;
  #to = 0;

  /** Starts with the first byte. */
  constructor(access: RandomAccess) {
    this.#access = access;
  }

  /** The next bytes: in the window, which moves if they are not all in it. */
  take(count: number): Bytes | undefined | Promise<Bytes | undefined> {
    const at = this.offset;
    if (at >= this.#from && at + count <= this.#to) return this.#give(count);
    if (count > AHEAD) return this.#takeLarge(count);
    this.#from = this.#to = at;
    const got = this.#access.read(at, this.#window);
    return typeof got === "number"
      ? this.#moved(got, count)
      : got.then((got) => this.#moved(got, count));
  }

  async #takeLarge(count: number): Promise<Bytes | undefined> {
    const bytes = new Uint8Array(
      Math.min(count, Math.max(0, this.#access.size - this.offset)),
    );
    const got = await this.#access.read(this.offset, bytes);
    if (got < count) throw cut(this.offset + got);
    this.offset += count;
    return bytes;
  }

  #moved(got: number, count: number): Bytes | undefined {
    this.#to = this.#from + got;
    if (got >= count) return this.#give(count);
    if (got === 0) return undefined;
    throw cut(this.#to);
  }

  #give(count: number): Bytes {
    const from = this.offset - this.#from;
    this.offset += count;
    return this.#window.subarray(from, from + count);
  }
}

/** The error for an archive that ends early. */
export function cut(offset: number): TruncatedError {
  return new TruncatedError(
    `Cannot read tar archive: it ends at byte ${offset}, expected two blocks of zeros at its end`,
    { offset },
  );
}
