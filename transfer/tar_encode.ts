/**
 * Entries to tar archives.
 *
 * @module
 */
import { type ByteSink, Pieces } from "@pxar/codec/sink";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batches, Content, Entry } from "@pxar/format/entry";
import { type PxarError, UnsupportedError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { MODE } from "@pxar/format/stat";
import { PathTracker } from "./path.ts";
import { encodeTarHeader, TAR_BLOCK, TAR_TYPE } from "./tar_header.ts";
import { recordsOf } from "./tar_metadata.ts";
import { encodePax, type PaxRecord } from "./tar_pax.ts";

/** How a tar archive is written. */
export interface EncodeTarOptions {
  /** Whether the root itself is a member, `./`, so that unpacking gives its metadata to the directory one unpacks in. It is unless told. */
  readonly root?: boolean | undefined;
  /** Told of an entry that has no form in tar and is left out, by its path from the root. */
  readonly onLoss?: (path: Bytes, loss: "sockets") => void;
  /** Told of access control lists that no system would take and that are left out, by the path of their entry; without it, the first one is thrown. */
  readonly onError?: (path: Bytes, error: PxarError) => void;
  /** Ends it between two batches or pieces. */
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface EncodedTar {
  /** Length of the archive, bytes. */
  readonly size: number;
  /** How many members there are in it. */
  readonly members: number;
}

/** An archive is filled up to a multiple of these, as tar does it for tapes and pipes. */
const RECORD = 20 * TAR_BLOCK;
/** Less room than this in a piece is left unused rather than asked a content to fill it. */
const LEAST_READ = 64 << 10;
const SLASH = 0x2f;
const DOT = 0x2e;
const ENCODER = new TextEncoder();

/**
 * Encodes a tree as a tar archive in POSIX pax form: ustar headers, and PAX records where they do not say it all (see `tar_metadata.ts`).
 *
 * GNU tar (with `--xattrs --acls`), bsdtar and star restore from it names of any bytes, times to the nanosecond, owners by number, extended attributes,
 * capabilities, access control lists and hardlinks; {@linkcode decodeTar} also chattr and FAT attributes and quota projects.
 * A socket has no form in tar. Of an archive's prelude nothing is kept.
 *
 * Source: POSIX.1-2017, pax, "pax Interchange Format".
 *
 * @param batches The entries, as `decode` gives them, each file with its content. Whenever it ends, the iteration is ended too.
 * @param sink Where the bytes go; not closed.
 * @param options What becomes of what has no form in tar.
 * @returns How much was written, once the sink has taken all of it.
 * @throws {TypeError} If a file's content is missing or shorter than it says, or there are known chunks among the entries.
 * @throws {UnsupportedError} If access control lists are wrong, without `onError`.
 *
 * @example
 * ```ts
 * import { makeEntry } from "@pxar/format/entry";
 * import { dirMetadata, fifoMetadata } from "@pxar/format/metadata";
 * import { encodeTar } from "@pxar/transfer/tar_encode";
 *
 * const name = new TextEncoder().encode("queue");
 * const { size, members } = await encodeTar([[
 *   makeEntry("directory", dirMetadata(0o755).build()),
 *   makeEntry("fifo", { name, ...fifoMetadata(0o600).build() }),
 *   makeEntry("end"),
 * ]], { write: () => {} });
 * console.assert(size === 10240 && members === 2);
 * ```
 */
export async function encodeTar(
  batches: Batches,
  sink: ByteSink,
  options: EncodeTarOptions = {},
): Promise<EncodedTar> {
  const { signal } = options;
  const pieces = new Pieces((piece) => sink.write(piece));
  const encoder = new TarEncoder(pieces, options);
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      for (const entry of batch) {
        const content = await encoder.put(entry);
        if (content !== undefined) {
          await copy(entry, content, pieces, signal);
        }
      }
    }
    await fill(pieces, TAR_BLOCK * 2);
    await fill(pieces, (RECORD - pieces.position % RECORD) % RECORD);
    await pieces.finish();
    return { size: pieces.position, members: encoder.members };
  } finally {
    await pieces.settle();
  }
}

class TarEncoder {
  members = 0;
  readonly #pieces: Pieces;
  readonly #options: EncodeTarOptions;
  readonly #paths = new PathTracker();
  readonly #files = new FileStats();

  constructor(pieces: Pieces, options: EncodeTarOptions) {
    this.#pieces = pieces;
    this.#options = options;
  }

  /** Writes records and header; gives the content that comes next. */
  async put(entry: Entry): Promise<Content | undefined> {
    switch (entry.kind) {
      case "version":
      case "prelude":
        return undefined;
      case "end":
        this.#paths.leave();
        return undefined;
      case "inject":
        throw new TypeError(
          "Cannot encode tar archive: there are known chunks among the entries, expected contents",
        );
    }
    this.#paths.enter(entry);
    const path = this.#paths.path;
    if (entry.kind === "socket") {
      this.#options.onLoss?.(path, "sockets");
      return undefined;
    }
    if (path.length === 0 && this.#options.root === false) return undefined;
    if (entry.kind !== "file") {
      await this.#member(entry, path, 0);
      return undefined;
    }
    if (entry.content === undefined) {
      throw new TypeError(
        `Cannot encode file "${showName(path)}": it has no content`,
      );
    }
    if (entry.position !== undefined) this.#files.add(entry.position, entry);
    await this.#member(entry, path, entry.content.size);
    return entry.content;
  }

  async #member(entry: Entry, path: Bytes, size: number): Promise<void> {
    const link = entry.target ?? NO_BYTES;
    const shown = entry.kind !== "directory" ? path : withSlash(path);
    // Readers may give a link the metadata that stands with it, so it has to be its file's.
    const stat = entry.kind === "hardlink" && entry.linkPosition !== undefined
      ? this.#files.find(entry.linkPosition) ?? entry
      : entry;
    const own = { ...entry, ...stat };
    const records = recordsOf(own, shown, link, size, (error) => {
      const why = error.message.replace(/^Cannot /, "cannot ");
      this.#tell(
        path,
        new UnsupportedError(
          `Cannot write ACLs of "${showName(path)}": ${why}`,
          { cause: error },
        ),
      );
    });
    if (records.length > 0) await this.#records(records, path);
    await this.#pieces.need(TAR_BLOCK);
    const { writer } = this.#pieces;
    encodeTarHeader({
      path: shown,
      mode: own.mode & MODE.PERMISSIONS,
      uid: own.uid,
      gid: own.gid,
      size,
      secs: own.secs,
      type: typeOf(entry),
      link,
      major: entry.device?.major ?? 0,
      minor: entry.device?.minor ?? 0,
    }, writer.space(TAR_BLOCK));
    writer.advance(TAR_BLOCK);
    this.members++;
  }

  async #records(records: readonly PaxRecord[], path: Bytes): Promise<void> {
    const body = encodePax(records);
    await this.#pieces.need(TAR_BLOCK);
    const { writer } = this.#pieces;
    encodeTarHeader({
      path: recordsPath(path),
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: body.length,
      secs: 0,
      type: TAR_TYPE.PAX,
      link: NO_BYTES,
      major: 0,
      minor: 0,
    }, writer.space(TAR_BLOCK));
    writer.advance(TAR_BLOCK);
    await this.#pieces.need(body.length);
    this.#pieces.writer.bytes(body);
    await fill(this.#pieces, behind(body.length));
  }

  #tell(path: Bytes, error: PxarError): void {
    if (this.#options.onError === undefined) throw error;
    this.#options.onError(path, error);
  }
}

/** Writes a content, and what fills it up to a block. */
async function copy(
  entry: Entry,
  content: Content,
  pieces: Pieces,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let left = content.size; left > 0;) {
    let { writer } = pieces;
    if (writer.room < left && writer.room < LEAST_READ) {
      await pieces.flush();
      signal?.throwIfAborted();
      writer = pieces.writer;
    }
    const space = writer.space(Math.min(left, writer.room));
    const got = content.read(space);
    const count = typeof got === "number" ? got : await got;
    if (!(count > 0 && count <= space.length)) {
      throw new TypeError(
        `Cannot encode file "${
          showName(entry.name)
        }": its content gave ${count} bytes when ${left} of ${content.size} were left`,
      );
    }
    writer.advance(count);
    left -= count;
  }
  await fill(pieces, behind(content.size));
}

/** Writes zeros. */
async function fill(pieces: Pieces, count: number): Promise<void> {
  if (count === 0) return;
  await pieces.need(count);
  const { writer } = pieces;
  writer.space(count).fill(0);
  writer.advance(count);
}

/** How many bytes fill a length up to a block. */
function behind(size: number): number {
  return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

function withSlash(path: Bytes): Bytes {
  const dot = path.length === 0 ? 1 : 0;
  const shown = new Uint8Array(dot + path.length + 1);
  if (dot === 1) shown[0] = DOT;
  shown.set(path, dot);
  shown[shown.length - 1] = SLASH;
  return shown;
}

/** A name for records that whoever does not know them makes a file of. */
function recordsPath(path: Bytes): Bytes {
  const name = path.subarray(path.lastIndexOf(SLASH) + 1).subarray(0, 80);
  const plain = name.map((byte) => byte > 0x20 && byte < 0x7f ? byte : 0x5f);
  return ENCODER.encode(`PaxHeaders/${String.fromCharCode(...plain) || "."}`);
}

function typeOf({ kind, mode }: Entry): string {
  switch (kind) {
    case "directory":
      return TAR_TYPE.DIRECTORY;
    case "symlink":
      return TAR_TYPE.SYMLINK;
    case "hardlink":
      return TAR_TYPE.LINK;
    case "fifo":
      return TAR_TYPE.FIFO;
    case "device":
      return (mode & MODE.IFMT) === MODE.IFBLK ? TAR_TYPE.BLOCK : TAR_TYPE.CHAR;
    default:
      return TAR_TYPE.FILE;
  }
}

/** Mode, owner and time of a file. */
type Stat = Pick<Entry, "mode" | "uid" | "gid" | "secs" | "nanos">;

/** What later links to files have to say of them: 30 bytes a file that may be linked. */
class FileStats {
  #count = 0;
  #position = new Float64Array(64);
  #secs = new Float64Array(64);
  #nanos = new Uint32Array(64);
  #uid = new Uint32Array(64);
  #gid = new Uint32Array(64);
  #mode = new Uint16Array(64);

  /** Adds one behind all others. */
  add(position: number, { secs, nanos, uid, gid, mode }: Stat): void {
    const at = this.#count++;
    if (at === this.#position.length) this.#grow();
    this.#position[at] = position;
    this.#secs[at] = secs;
    this.#nanos[at] = nanos;
    this.#uid[at] = uid;
    this.#gid[at] = gid;
    this.#mode[at] = mode;
  }

  /** The file that came with a position. */
  find(position: number): Stat | undefined {
    let from = 0, to = this.#count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#position[middle]! < position) from = middle + 1;
      else to = middle;
    }
    if (from === this.#count || this.#position[from] !== position) {
      return undefined;
    }
    return {
      mode: this.#mode[from]!,
      uid: this.#uid[from]!,
      gid: this.#gid[from]!,
      secs: this.#secs[from]!,
      nanos: this.#nanos[from]!,
    };
  }

  #grow(): void {
    const length = this.#position.length * 2;
    const larger = <T extends Float64Array | Uint32Array | Uint16Array>(
      to: T,
      from: T,
    ): T => {
      to.set(from);
      return to;
    };
    this.#position = larger(new Float64Array(length), this.#position);
    this.#secs = larger(new Float64Array(length), this.#secs);
    this.#nanos = larger(new Uint32Array(length), this.#nanos);
    this.#uid = larger(new Uint32Array(length), this.#uid);
    this.#gid = larger(new Uint32Array(length), this.#gid);
    this.#mode = larger(new Uint16Array(length), this.#mode);
  }
}
