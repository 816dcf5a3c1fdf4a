/**
 * Entries to zip archives. Only in this direction: what zip keeps of a file system is too little to come back from.
 *
 * @module
 */
import { crc32 } from "@pxar/chunk/crc32";
import { type ByteSink, Pieces } from "@pxar/codec/sink";
import { type Bytes, type ByteWriter, NO_BYTES } from "@pxar/format/bytes";
import {
  type Batches,
  BytesContent,
  type Content,
  type Entry,
} from "@pxar/format/entry";
import {
  NotFoundError,
  type PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { PathTracker } from "./path.ts";
import {
  DEFLATED,
  DESCRIPTOR,
  DESCRIPTOR_SIZE,
  encodeCentral,
  encodeDescriptor,
  encodeEnd,
  encodeLocal,
  END_SIZE,
  flagsOf,
  localSize,
  NEARLY_LARGE,
  STORED,
  type ZipMember,
} from "./zip_member.ts";

/** What zip has no place for, besides fractions of seconds in times. */
export type ZipLoss =
  | "sockets"
  | "devices"
  | "fifos"
  | "hardlinks"
  | "xattrs"
  | "flags";

/** How a zip archive is written. */
export interface EncodeZipOptions {
  /** Whether contents are stored as they are; they are deflated unless told. */
  readonly store?: boolean | undefined;
  /**
   * Finds the first of several links by the `linkPosition` of another, with content that can be read: a zip archive has no links, so each gets a copy.
   * Without it, further links are lost.
   */
  readonly resolve?: ((linkPosition: number) => Promise<Entry>) | undefined;
  /** Told what an entry loses, by its path from the root: devices, fifos and sockets are left out, files and directories go without their attributes. */
  readonly onLoss?: (path: Bytes, loss: ZipLoss) => void;
  /** Told of an entry that is left out because it has no form in zip; without it, that is thrown. */
  readonly onError?: (path: Bytes, error: PxarError) => void;
  /** Ends it between two batches or pieces. */
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface EncodedZip {
  /** Length of the archive, bytes. */
  readonly size: number;
  /** How many members there are in it. */
  readonly members: number;
}

/** Contents up to this length are compressed before their header is written, which then says how long they are. */
const WHOLE = 1 << 20;
const NAME_LIMIT = 0xffff;
const PIECE = 1 << 18;
const SLASH = 0x2f;

/**
 * Encodes a tree as a zip archive, as Info-ZIP does on Unix: names as raw bytes, modes, owners, times to the second, symlinks.
 *
 * A name that is UTF-8 is marked as that; another one is written as it is, unmarked, which `unzip` gives back byte by byte and others show in a code page.
 * The root has no form in zip. Of each file some hundred bytes are kept until the end, for the directory that stands there.
 *
 * Source: PKWARE APPNOTE 6.3.10; Info-ZIP "extrafld.txt".
 *
 * @param batches The entries, as `decode` gives them, each file with its content. Whenever it ends, the iteration is ended too.
 * @param sink Where the bytes go; not closed.
 * @param options What becomes of what has no form in zip.
 * @returns How much was written, once the sink has taken all of it.
 * @throws {TypeError} If a file's content is missing or shorter than it says, or there are known chunks among the entries.
 *
 * @example
 * ```ts
 * import { BytesContent, makeEntry } from "@pxar/format/entry";
 * import { dirMetadata, fileMetadata } from "@pxar/format/metadata";
 * import { encodeZip } from "@pxar/transfer/zip";
 *
 * const text = new TextEncoder();
 * const { members } = await encodeZip([[
 *   makeEntry("directory", dirMetadata(0o755).build()),
 *   makeEntry("file", {
 *     name: text.encode("a.txt"),
 *     content: new BytesContent(text.encode("hello")),
 *     ...fileMetadata(0o644).build(),
 *   }),
 *   makeEntry("end"),
 * ]], { write: () => {} });
 * console.assert(members === 1);
 * ```
 */
export async function encodeZip(
  batches: Batches,
  sink: ByteSink,
  options: EncodeZipOptions = {},
): Promise<EncodedZip> {
  const { signal } = options;
  const pieces = new Pieces((piece) => sink.write(piece), PIECE);
  const encoder = new ZipEncoder(pieces, options);
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      for (const entry of batch) await encoder.put(entry);
    }
    await encoder.finish();
    await pieces.finish();
    return { size: pieces.position, members: encoder.members };
  } finally {
    await pieces.settle();
  }
}

class ZipEncoder {
  members = 0;
  readonly #pieces: Pieces;
  readonly #options: EncodeZipOptions;
  readonly #paths = new PathTracker();
  readonly #central: Bytes[] = [];
  readonly #buffer: Bytes = new Uint8Array(WHOLE);

  constructor(pieces: Pieces, options: EncodeZipOptions) {
    this.#pieces = pieces;
    this.#options = options;
  }

  async put(entry: Entry): Promise<void> {
    switch (entry.kind) {
      case "version":
      case "prelude":
        return;
      case "end":
        return this.#paths.leave();
      case "inject":
        throw new TypeError(
          "Cannot encode zip archive: there are known chunks among the entries, expected contents",
        );
    }
    this.#paths.enter(entry);
    const path = this.#paths.path;
    if (path.length === 0) return;
    if (path.length >= NAME_LIMIT) {
      return this.#tell(
        path,
        new UnsupportedError(
          `Cannot write "${
            showName(path.subarray(0, 80))
          }…" to zip: its path has ${path.length} bytes, expected less than ${NAME_LIMIT}`,
        ),
      );
    }
    switch (entry.kind) {
      case "socket":
        return this.#options.onLoss?.(path, "sockets");
      case "device":
        return this.#options.onLoss?.(path, "devices");
      case "fifo":
        return this.#options.onLoss?.(path, "fifos");
      case "hardlink":
        return await this.#hardlink(entry, path);
      default:
        return await this.#node(entry, path);
    }
  }

  async #hardlink(entry: Entry, path: Bytes): Promise<void> {
    const { resolve } = this.#options;
    if (resolve === undefined || entry.linkPosition === undefined) {
      return this.#options.onLoss?.(path, "hardlinks");
    }
    const first = await resolve(entry.linkPosition);
    if (first.kind !== "file") {
      return this.#tell(
        path,
        new NotFoundError(
          `Cannot write hardlink "${
            showName(path)
          }": its first link is a ${first.kind}, expected a file`,
        ),
      );
    }
    await this.#node(first, path);
  }

  /** Writes a file, directory or symlink. */
  async #node(entry: Entry, path: Bytes): Promise<void> {
    const { kind, attributes } = entry, { onLoss, store } = this.#options;
    if (attributes !== undefined) onLoss?.(path, "xattrs");
    if (entry.flags !== 0) onLoss?.(path, "flags");
    let content = entry.content;
    if (kind === "directory") content = new BytesContent(NO_BYTES);
    if (kind === "symlink") content = new BytesContent(entry.target!);
    if (content === undefined) {
      throw new TypeError(
        `Cannot encode file "${showName(path)}": it has no content`,
      );
    }
    const name = kind === "directory" ? withSlash(path) : path;
    const small = content.size <= WHOLE;
    const method = store || kind !== "file" || content.size === 0
      ? STORED
      : DEFLATED;
    if (small) await this.#whole(entry, name, content, method);
    else await this.#streamed(entry, name, content, method);
  }

  /** Compresses first, so that the header says it all, and that what does not become smaller is stored. */
  async #whole(
    entry: Entry,
    path: Bytes,
    content: Content,
    wanted: number,
  ): Promise<void> {
    const size = content.size, bytes = this.#buffer.subarray(0, size);
    for (let at = 0; at < size;) {
      at += await readSome(path, content, bytes.subarray(at), size - at);
    }
    const packed = wanted === DEFLATED ? await deflate(bytes) : undefined;
    const smaller = packed !== undefined && packed.length < size;
    const data = smaller ? packed.parts : [bytes];
    const member: ZipMember = {
      path,
      entry,
      flags: flagsOf(path),
      method: smaller ? DEFLATED : STORED,
      is64: false,
      crc: crc32(bytes),
      packed: smaller ? packed.length : size,
      size,
      offset: this.#pieces.position,
    };
    await this.#local(member);
    for (const part of data) await this.#write(part);
    this.#note(member);
  }

  /** Writes sizes and sum behind the content. */
  async #streamed(
    entry: Entry,
    path: Bytes,
    content: Content,
    method: number,
  ): Promise<void> {
    const { signal } = this.#options, { size } = content;
    const begun = {
      path,
      entry,
      flags: flagsOf(path) | DESCRIPTOR,
      method,
      is64: size >= NEARLY_LARGE,
      crc: 0,
      packed: 0,
      size: 0,
      offset: this.#pieces.position,
    };
    await this.#local(begun);
    const from = this.#pieces.position;
    let crc = 0;
    const buffer = this.#buffer;
    async function* parts(): AsyncGenerator<Bytes, void, void> {
      for (let left = size; left > 0;) {
        signal?.throwIfAborted();
        const got = await readSome(path, content, buffer, left);
        const part = buffer.subarray(0, got);
        crc = crc32(part, crc);
        yield part;
        left -= got;
      }
    }
    const data = method === DEFLATED ? deflated(parts()) : parts();
    for await (const part of data) await this.#write(part);
    const packed = this.#pieces.position - from;
    const member: ZipMember = { ...begun, crc, packed, size };
    encodeDescriptor(await this.#room(DESCRIPTOR_SIZE), member);
    this.#note(member);
  }

  async #local(member: ZipMember): Promise<void> {
    encodeLocal(await this.#room(localSize(member)), member);
  }

  /** Keeps what the directory at the end says of a member. */
  #note(member: ZipMember): void {
    this.#central.push(encodeCentral(member));
    this.members++;
  }

  /** Writes the directory and what tells where it is. */
  async finish(): Promise<void> {
    const { members } = this, from = this.#pieces.position;
    for (const record of this.#central) await this.#write(record);
    const to = this.#pieces.position;
    encodeEnd(await this.#room(END_SIZE), members, from, to);
  }

  async #room(count: number): Promise<ByteWriter> {
    await this.#pieces.need(count);
    return this.#pieces.writer;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#pieces.writer.room === 0) await this.#pieces.flush();
      const { writer } = this.#pieces;
      const part = bytes.subarray(at, at + writer.room);
      writer.bytes(part);
      at += part.length;
    }
  }

  #tell(path: Bytes, error: PxarError): void {
    if (this.#options.onError === undefined) throw error;
    this.#options.onError(path, error);
  }
}

function withSlash(path: Bytes): Bytes {
  const shown = new Uint8Array(path.length + 1);
  shown.set(path);
  shown[path.length] = SLASH;
  return shown;
}

async function readSome(
  path: Bytes,
  content: Content,
  into: Bytes,
  left: number,
): Promise<number> {
  const space = into.subarray(0, left);
  const got = content.read(space);
  const count = typeof got === "number" ? got : await got;
  if (count > 0 && count <= space.length) return count;
  throw new TypeError(
    `Cannot encode file "${
      showName(path)
    }": its content gave ${count} bytes when ${left} of ${content.size} were left`,
  );
}

/** Deflates what is in memory. */
async function deflate(
  bytes: Bytes,
): Promise<{ parts: Uint8Array[]; length: number }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of deflated([bytes])) {
    parts.push(part);
    length += part.length;
  }
  return { parts, length };
}

/** Deflates what comes; a part is done with when the next one is asked for. */
async function* deflated(
  parts: AsyncIterable<Bytes> | Iterable<Bytes>,
): AsyncGenerator<Uint8Array, void, void> {
  const { readable, writable } = new CompressionStream("deflate-raw");
  const writer = writable.getWriter(), reader = readable.getReader();
  const feed = async (): Promise<void> => {
    for await (const part of parts) await writer.write(part);
    await writer.close();
  };
  // Met where the stream is read.
  const fed = feed().catch((error) => writer.abort(error).catch(() => {}));
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    await fed;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
