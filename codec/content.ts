// The bytes of decoded entries: at hand in the decoder's buffer, behind it in the same stream, or in the payload stream.
import { ByteReader, type Bytes } from "@pxar/format/bytes";
import type { Content, PayloadRef } from "@pxar/format/entry";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import {
  decodeHeader,
  type Header,
  HEADER_SIZE,
  ITEMS,
} from "@pxar/format/item";
import type { StreamReader } from "./stream_reader.ts";

/** Which batch is the present one; contents of another one have expired. */
export interface Age {
  batch: number;
}

/** A content that lies whole in the decoder's buffer. */
export class HeldContent implements Content {
  readonly size: number;
  readonly release = undefined;
  readonly #memory: Bytes;
  readonly #age: Age;
  readonly #born: number;
  readonly #end: number;
  #at: number;

  /** Lies at `from` in `memory`, as long as the batch is the present one. */
  constructor(memory: Bytes, from: number, size: number, age: Age) {
    this.size = size;
    this.#memory = memory;
    this.#age = age;
    this.#born = age.batch;
    this.#at = from;
    this.#end = from + size;
  }

  read(into: Bytes): number {
    if (this.#age.batch !== this.#born) refuseExpired();
    const at = this.#at, length = Math.min(into.length, this.#end - at);
    if (length > 0) into.set(this.#memory.subarray(at, at + length));
    this.#at = at + length;
    return length;
  }
}

/** A content that runs on from where a stream stands. */
export class StreamedContent implements Content {
  readonly size: number;
  readonly release = undefined;
  readonly #input: StreamReader;
  readonly #age: Age;
  readonly #born: number;
  #left: number;

  /** The next `size` bytes of `input`, as long as the batch is the present one. */
  constructor(input: StreamReader, size: number, age: Age) {
    this.size = size;
    this.#input = input;
    this.#age = age;
    this.#born = age.batch;
    this.#left = size;
  }

  /** How many bytes have not been read. */
  get left(): number {
    return this.#left;
  }

  read(into: Bytes): number | Promise<number> {
    if (this.#age.batch !== this.#born) refuseExpired();
    if (into.length > this.#left) into = into.subarray(0, this.#left);
    if (into.length === 0) return 0;
    const got = this.#input.read(into);
    return typeof got === "number"
      ? this.#took(got)
      : got.then((got) => this.#took(got));
  }

  #took(got: number): number {
    if (got === 0) {
      const offset = this.#input.offset;
      throw new TruncatedError(
        `Cannot read content: stream ends at byte ${offset}, ${this.#left} of ${this.size} bytes short`,
        { offset },
      );
    }
    this.#left -= got;
    return got;
  }
}

/** The payload stream of a split archive, read forwards only. */
export class PayloadInput {
  readonly #input: StreamReader;
  readonly #age: Age;
  readonly #header: Header = { item: ITEMS.PAYLOAD, size: 0 };
  readonly #reader: ByteReader;
  #least = HEADER_SIZE;
  #end = HEADER_SIZE;

  constructor(input: StreamReader, age: Age) {
    this.#input = input;
    this.#age = age;
    this.#reader = new ByteReader(input.memory);
  }

  /** Reads the marker at the start. */
  async start(): Promise<void> {
    const { item } = await this.#item(0);
    if (item !== ITEMS.PAYLOAD_START_MARKER) {
      throw new FormatError(
        `Cannot read payload stream at byte 0: found ${item.name}, expected PAYLOAD_START_MARKER`,
        { offset: 0 },
      );
    }
    this.#input.advance(HEADER_SIZE);
  }

  /**
   * The content that a reference names.
   *
   * @param ref Of the file that comes next in the archive.
   * @param offset Where the reference stands in the archive.
   */
  content(ref: PayloadRef, offset: number): Content {
    if (ref.offset < this.#least) {
      throw new FormatError(
        `Cannot read PAYLOAD_REF at byte ${offset}: it points to byte ${ref.offset} of the payload stream, expected ${this.#least} or more`,
        { offset },
      );
    }
    const overlaps = ref.offset < this.#end;
    this.#least = ref.offset + HEADER_SIZE;
    this.#end = Math.max(this.#end, this.#least + ref.size);
    return new PayloadContent(this, this.#age, ref, overlaps);
  }

  /** Goes to a file's PAYLOAD and checks its header; its data come next. */
  open(
    ref: PayloadRef,
    overlaps: boolean,
  ): StreamedContent | Promise<StreamedContent> {
    const away = ref.offset - this.#input.offset;
    if (away < 0) {
      const message =
        `Cannot read content at byte ${ref.offset} of the payload stream: byte ${this.#input.offset} has been reached`;
      throw overlaps
        ? new FormatError(`${message}, expected payloads that do not overlap`, {
          offset: ref.offset,
        })
        : new TypeError(
          `${message}, expected contents to be read in the order of their entries`,
        );
    }
    const skipped = this.#input.skip(away);
    if (skipped !== undefined) return this.#openLater(skipped, ref);
    const header = this.#item(ref.offset);
    return header instanceof Promise
      ? header.then((header) => this.#opened(header, ref))
      : this.#opened(header, ref);
  }

  async #openLater(
    skipped: Promise<void>,
    ref: PayloadRef,
  ): Promise<StreamedContent> {
    await skipped;
    return this.#opened(await this.#item(ref.offset), ref);
  }

  #opened(header: Header, ref: PayloadRef): StreamedContent {
    const { item, size } = header, { offset } = ref;
    if (item !== ITEMS.PAYLOAD || size !== ref.size) {
      throw new FormatError(
        `Cannot read content at byte ${offset} of the payload stream: found ${item.name} of ${size} bytes, expected PAYLOAD of ${ref.size}`,
        { offset },
      );
    }
    this.#input.advance(HEADER_SIZE);
    return new StreamedContent(this.#input, size, this.#age);
  }

  #item(offset: number): Header | Promise<Header> {
    const full = this.#input.fill(HEADER_SIZE);
    return typeof full === "boolean"
      ? this.#parse(full, offset)
      : full.then((full) => this.#parse(full, offset));
  }

  #parse(full: boolean, offset: number): Header {
    if (!full) {
      throw new TruncatedError(
        `Cannot read payload stream: it ends at byte ${
          this.#input.offset + this.#input.available
        }, expected an item at byte ${offset}`,
        { offset },
      );
    }
    const { index, base } = this.#input;
    this.#reader.window(index, index + HEADER_SIZE, base);
    return decodeHeader(this.#reader, this.#header);
  }
}

/** A content in the payload stream; goes there when it is first read. */
class PayloadContent implements Content {
  readonly size: number;
  readonly release = undefined;
  readonly #payload: PayloadInput;
  readonly #age: Age;
  readonly #born: number;
  readonly #ref: PayloadRef;
  readonly #overlaps: boolean;
  #data: StreamedContent | undefined;

  constructor(
    payload: PayloadInput,
    age: Age,
    ref: PayloadRef,
    overlaps: boolean,
  ) {
    this.size = ref.size;
    this.#payload = payload;
    this.#age = age;
    this.#born = age.batch;
    this.#ref = ref;
    this.#overlaps = overlaps;
  }

  read(into: Bytes): number | Promise<number> {
    if (this.#data !== undefined) return this.#data.read(into);
    if (this.#age.batch !== this.#born) refuseExpired();
    const data = this.#payload.open(this.#ref, this.#overlaps);
    if (data instanceof Promise) return this.#readLater(data, into);
    this.#data = data;
    return data.read(into);
  }

  async #readLater(
    data: Promise<StreamedContent>,
    into: Bytes,
  ): Promise<number> {
    this.#data = await data;
    return await this.#data.read(into);
  }
}

function refuseExpired(): never {
  throw new TypeError(
    "Cannot read content: the next batch has been asked for, expected to be read before",
  );
}
