// The contents of an archive's files, read at any place: in the archive, or in the payload stream behind it.
import { ByteReader, type Bytes } from "@pxar/format/bytes";
import type { Content, PayloadRef } from "@pxar/format/entry";
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import { decodeHeader, HEADER_SIZE, ITEMS } from "@pxar/format/item";
import { showName } from "@pxar/format/name";
import { ItemCursor, unexpected } from "./item_cursor.ts";
import type { Node } from "./node.ts";
import type { RandomAccess } from "./random_access.ts";

/** Reads files; knows which of them were found where they should be. */
export class Contents {
  readonly #archive: RandomAccess;
  readonly #payload: RandomAccess | undefined;
  /** Files whose PAYLOAD header in the payload stream was found right. */
  readonly #checked = new WeakSet<Node>();

  /** Reads nothing yet. */
  constructor(archive: RandomAccess, payload: RandomAccess | undefined) {
    this.#archive = archive;
    this.#payload = payload;
  }

  /** Fills `into` with a file's bytes from `offset` on, as far as there are any. */
  read(node: Node, offset: number, into: Bytes): number | Promise<number> {
    const { entry: { payload }, start, size } = node;
    const part = into.subarray(0, Math.max(0, size - offset));
    if (payload === undefined) {
      return readFully(this.#archive, start + offset, part);
    }
    const stream = this.#payload;
    if (stream === undefined) {
      throw new UnsupportedError(
        `Cannot read "${
          showName(node.entry.name)
        }": its content lies in a payload stream, expected one as the option "payload"`,
      );
    }
    if (this.#checked.has(node)) return readFully(stream, start + offset, part);
    return whenRead(readPayloadHeader(stream, payload), () => {
      this.#checked.add(node);
      return readFully(stream, start + offset, part);
    });
  }

  /** A file's bytes, pulled in order. */
  whole(node: Node): Content {
    return new Part(node.size, (offset, into) => this.read(node, offset, into));
  }

  /** Bytes of the archive, pulled in order. */
  part(start: number, size: number): Content {
    return new Part(
      size,
      (offset, into) => readFully(this.#archive, start + offset, into),
    );
  }
}

/** Checks the start of a payload stream. */
export async function checkPayloadStart(payload: RandomAccess): Promise<void> {
  const cursor = new ItemCursor(payload, HEADER_SIZE);
  await cursor.move(0, payload.size);
  if (cursor.header.item !== ITEMS.PAYLOAD_START_MARKER) {
    throw unexpected(cursor, "PAYLOAD_START_MARKER");
  }
}

/** Checks the header that a reference leads to. */
function readPayloadHeader(
  stream: RandomAccess,
  { offset, size }: PayloadRef,
): undefined | Promise<undefined> {
  if (offset + HEADER_SIZE + size > stream.size) {
    throw new TruncatedError(
      `Cannot read payload of ${size} bytes at byte ${offset}: payload stream ends at byte ${stream.size}`,
      { offset: stream.size },
    );
  }
  const bytes = new Uint8Array(HEADER_SIZE);
  return whenRead(readFully(stream, offset, bytes), () => {
    const header = decodeHeader(new ByteReader(bytes, offset), {
      item: ITEMS.PAYLOAD,
      size: 0,
    });
    if (header.item !== ITEMS.PAYLOAD || header.size !== size) {
      throw new FormatError(
        `Cannot read payload at byte ${offset}: there is ${header.item.name} of ${header.size} bytes, expected PAYLOAD of ${size}`,
        { offset },
      );
    }
    return undefined;
  });
}

/** Fills `into` or throws. */
function readFully(
  access: RandomAccess,
  offset: number,
  into: Bytes,
): number | Promise<number> {
  return into.length === 0 ? 0 : whenRead(access.read(offset, into), (got) => {
    if (got === into.length) return got;
    throw new TruncatedError(
      `Cannot read ${into.length} bytes at byte ${offset}: only ${got} are there`,
      { offset: offset + got },
    );
  });
}

/** Goes on at once where there is nothing to wait for. */
function whenRead<A, B>(
  value: A | Promise<A>,
  next: (value: A) => B | Promise<B>,
): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** A part of something that can be read at any place, pulled in order. */
class Part implements Content {
  readonly size: number;
  readonly release: undefined = undefined;
  readonly #read: (offset: number, into: Bytes) => number | Promise<number>;
  #at = 0;

  constructor(
    size: number,
    read: (offset: number, into: Bytes) => number | Promise<number>,
  ) {
    this.size = size;
    this.#read = read;
  }

  read(into: Bytes): number | Promise<number> {
    const part = into.subarray(0, this.size - this.#at);
    return whenRead(this.#read(this.#at, part), (got) => {
      this.#at += got;
      return got;
    });
  }
}
