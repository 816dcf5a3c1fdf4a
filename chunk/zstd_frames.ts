// The outside of zstd frames: where each ends and how much it can give, read before any decompressor sees them. Node's own stops after the first frame, and takes a cut
// one for a whole one (measured in Deno), so nothing is left to it; and what a frame says of itself costs no memory before it is checked. Source: RFC 8878, 3.1.
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";

/** A frame that holds data. */
export interface Frame {
  /** Index of its first byte. */
  readonly start: number;
  /** Index behind its last byte. */
  readonly end: number;
  /** How many bytes it says it gives; `undefined` where it does not say. */
  readonly says: number | undefined;
  /** How many bytes it gives at most, whatever it says. */
  readonly most: number;
  /** Indices behind its header, behind each of its blocks, and behind its checksum if it has one; `undefined` where they are very many. */
  readonly ends: readonly number[] | undefined;
}

/** Frames one after the other. */
export interface Frames {
  /** Those that hold data, one or more unless all are skippable. */
  readonly frames: readonly Frame[];
  /** How many bytes they give together, at most. */
  readonly most: number;
}

/** Most frames with data: each costs a decompressor some time, however little is in it. */
const FRAME_LIMIT = 4096;
/** Most ends that are noted: twice as many as the largest blob needs. */
const END_LIMIT = 2048;
/** Largest window: what libzstd's streaming decoder takes, 128 MiB. */
const WINDOW_LIMIT = 2 ** 27;
/** Largest content of a block, 128 KiB. */
const BLOCK_LIMIT = 2 ** 17;

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const RAW = 0, RLE = 1, COMPRESSED = 2;

/**
 * Reads where frames end and what they say of themselves; nothing of it is data yet.
 *
 * @param bytes Frames with data and skippable frames, nothing else; may lie in shared memory.
 * @param room How many bytes may come out.
 * @throws {TruncatedError} If the last frame is cut, or there is none.
 * @throws {UnsupportedError} If a frame needs a dictionary, or a window of more than 128 MiB, or there are more than 4096 of them.
 * @throws {FormatError} If there is anything but frames, or more than `room` bytes come out.
 */
export function readFrames(bytes: Uint8Array, room: number): Frames {
  if (bytes.length === 0) {
    throw new TruncatedError(
      "Cannot decompress: there are no bytes, expected a zstd frame",
      { offset: 0 },
    );
  }
  const cursor = new Cursor(bytes);
  const frames: Frame[] = [];
  let most = 0, least = 0;
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    const magic = cursor.number(4);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) {
      cursor.skip(cursor.number(4));
      continue;
    }
    if (magic !== MAGIC) {
      throw new FormatError(
        `Cannot decompress at byte ${start}: there is 0x${
          magic.toString(16)
        }, expected the magic number of a zstd frame`,
        { offset: start },
      );
    }
    if (frames.length === FRAME_LIMIT) {
      throw new UnsupportedError(
        `Cannot decompress at byte ${start}: there are more than ${FRAME_LIMIT} frames`,
        { offset: start },
      );
    }
    const header = readHeader(cursor);
    const ends = [cursor.at];
    const content = readBlocks(cursor, header, ends);
    const { says } = header;
    least += says ?? content.least;
    if (least > room) throw tooMuch(room);
    const frame = {
      start,
      end: cursor.at,
      says,
      most: Math.min(says ?? content.most, content.most),
      ends: ends.length > END_LIMIT ? undefined : ends,
    };
    most += frame.most;
    frames.push(frame);
  }
  return { frames, most };
}

/** The error for frames that give more than they may. */
export function tooMuch(room: number): FormatError {
  return new FormatError(
    `Cannot decompress: more than ${room} bytes come out, expected at most those`,
  );
}

interface Header {
  readonly says: number | undefined;
  readonly blockLimit: number;
  readonly hasChecksum: boolean;
}

/** The frame header, behind the magic number. */
function readHeader(cursor: Cursor): Header {
  const at = cursor.at;
  const descriptor = cursor.number(1);
  const isSingle = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) {
    throw new UnsupportedError(
      `Cannot decompress at byte ${at}: the reserved bit of the zstd frame is set`,
      { offset: at },
    );
  }
  let window = 0;
  if (!isSingle) {
    const byte = cursor.number(1);
    const base = 2 ** (10 + (byte >> 3));
    window = base + base / 8 * (byte & 7);
  }
  const dictionary = cursor.number([0, 1, 2, 4][descriptor & 3]!);
  if (dictionary !== 0) {
    throw new UnsupportedError(
      `Cannot decompress at byte ${at}: the zstd frame needs the dictionary ${dictionary}, expected none`,
      { offset: at },
    );
  }
  const width = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const says = width === 0
    ? undefined
    : cursor.number(width) + (width === 2 ? 256 : 0);
  if (isSingle) window = says!;
  if (window > WINDOW_LIMIT) {
    throw new UnsupportedError(
      `Cannot decompress at byte ${at}: the zstd frame has a window of ${window} bytes, expected at most ${WINDOW_LIMIT}`,
      { offset: at },
    );
  }
  return {
    says,
    blockLimit: Math.min(window, BLOCK_LIMIT),
    hasChecksum: (descriptor & 0x04) !== 0,
  };
}

/** The blocks of a frame and its checksum: how many bytes they give at least and at most. */
function readBlocks(
  cursor: Cursor,
  { blockLimit, hasChecksum }: Header,
  ends: number[],
): { least: number; most: number } {
  let least = 0, most = 0;
  for (let isLast = false; !isLast;) {
    const at = cursor.at;
    const header = cursor.number(3);
    isLast = (header & 1) === 1;
    const kind = header >> 1 & 3, size = header >> 3;
    if (kind > COMPRESSED || size > blockLimit) {
      throw new FormatError(
        `Cannot decompress at byte ${at}: a zstd block of kind ${kind} has ${size} bytes, expected kind 0 to 2 and at most ${blockLimit}`,
        { offset: at },
      );
    }
    cursor.skip(kind === RLE ? 1 : size);
    if (kind === RAW || kind === RLE) least += size;
    most += kind === COMPRESSED ? blockLimit : size;
    if (ends.length <= END_LIMIT) ends.push(cursor.at);
  }
  if (hasChecksum) {
    cursor.skip(4);
    ends.push(cursor.at);
  }
  return { least, most };
}

/** Reads little-endian numbers; other than `ByteReader` of shared memory too, and of three bytes. */
class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** An unsigned number of `width` bytes; of 8 it is not exact from 2^53 on, where every limit has long been passed. */
  number(width: number): number {
    const from = this.at;
    this.skip(width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) {
      value = value * 256 + this.#bytes[from + i]!;
    }
    return value;
  }

  skip(length: number): void {
    const left = this.#bytes.length - this.at;
    if (length > left) {
      throw new TruncatedError(
        `Cannot decompress at byte ${this.at}: ${left} bytes are left of a zstd frame, expected ${length}`,
        { offset: this.#bytes.length },
      );
    }
    this.at += length;
  }
}
