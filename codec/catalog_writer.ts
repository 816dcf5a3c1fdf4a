/**
 * Entries to a catalog.
 *
 * @module
 */
import type { Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { checkName, showName } from "@pxar/format/name";
import {
  CATALOG_MAGIC,
  CATALOG_NAME_LIMIT,
  CATALOG_TYPES,
  type CatalogKind,
} from "./catalog.ts";
import { type ClosingTable, OpenTables } from "./open_tables.ts";
import { type ByteSink, PIECE_SIZE, Pieces } from "./sink.ts";
import { encodeVarint, encodeVaruint } from "./varint.ts";

const TYPE_MASK = 0o170000, BLOCK_DEVICE = 0o060000;
/** Most bytes that an entry has beside its name. */
const BESIDE = 24;

/** How a catalog is written. */
export interface CatalogOptions {
  /** Length of the pieces handed to the sink, bytes; 1 MiB. */
  readonly piece?: number | undefined;
}

/**
 * Writes a catalog while the entries go by. In memory are the entries of the directories that are open, as bytes.
 *
 * Methods return nothing, or a promise where the sink has to be waited for before the next call.
 *
 * @example
 * ```ts
 * import { CatalogReader } from "@pxar/codec/catalog_reader";
 * import { CatalogWriter } from "@pxar/codec/catalog_writer";
 * import { bytesAccess } from "@pxar/codec/random_access";
 *
 * const pieces: Uint8Array<ArrayBuffer>[] = [];
 * const catalog = new CatalogWriter({ write: (piece) => void pieces.push(piece.slice()) });
 * catalog.startArchive("root.pxar.didx");
 * catalog.file(new TextEncoder().encode("a.txt"), { size: 5, mtime: 10 });
 * await catalog.endDirectory();
 * await catalog.finish();
 * await using reader = await CatalogReader.open(bytesAccess(await new Blob(pieces).bytes()));
 * console.assert((await reader.lookup("root.pxar.didx/a.txt"))?.size === 5);
 * ```
 */
export class CatalogWriter {
  readonly #pieces: Pieces;
  readonly #piece: number;
  readonly #open = new OpenTables();

  /**
   * Starts a catalog without archives.
   *
   * @param sink Where it goes; not closed.
   * @param options Length of pieces.
   * @throws {RangeError} If pieces are too short.
   */
  constructor(sink: ByteSink, options: CatalogOptions = {}) {
    const { piece = PIECE_SIZE } = options;
    if (!(Number.isSafeInteger(piece) && piece >= 64)) {
      throw new RangeError(
        `Cannot write catalog: piece is ${piece}, expected 64 or more`,
      );
    }
    this.#piece = piece;
    this.#pieces = new Pieces((piece) => sink.write(piece), piece);
    this.#pieces.writer.bytes(CATALOG_MAGIC);
  }

  /** How many directories are open; 0 between archives. */
  get depth(): number {
    return Math.max(0, this.#open.depth - 1);
  }

  /**
   * Opens the directory of an archive, to be closed by {@linkcode endDirectory}, or by the archive's last `end` entry.
   *
   * @param name The archive's file, such as `root.pxar.didx`.
   * @throws {TypeError} If one is open.
   * @throws {FormatError} If the name is not legal.
   */
  startArchive(name: string): void {
    if (this.depth > 0) {
      throw new TypeError(
        `Cannot start archive "${name}" in catalog: another one is open, expected its end first`,
      );
    }
    this.startDirectory(new TextEncoder().encode(name));
  }

  /**
   * Opens a directory.
   *
   * @param name One path component; copied.
   * @throws {FormatError} If the name is not legal.
   */
  startDirectory(name: Uint8Array): void {
    this.#put("directory", name);
    this.#open.open();
  }

  /**
   * Takes a file.
   *
   * @param name One path component; copied.
   * @param about Length in bytes, and time of the last change in whole seconds since 1970.
   * @throws {FormatError} If the name is not legal.
   * @throws {RangeError} If a number is not safe.
   */
  file(
    name: Uint8Array,
    about: { readonly size: number; readonly mtime: number },
  ): void {
    const { size, mtime } = about;
    if (
      !(Number.isSafeInteger(size) && size >= 0 && Number.isSafeInteger(mtime))
    ) {
      throw new RangeError(
        `Cannot write file "${
          showName(name)
        }" to catalog: size is ${size} and mtime ${mtime}, expected whole numbers below 2^53`,
      );
    }
    this.#put("file", name);
    encodeVaruint(this.#open, size);
    encodeVarint(this.#open, mtime);
  }

  /**
   * Takes what is neither a directory nor a file.
   *
   * @param kind What it is.
   * @param name One path component; copied.
   * @throws {FormatError} If the name is not legal.
   */
  other(
    kind: Exclude<CatalogKind, "directory" | "file">,
    name: Uint8Array,
  ): void {
    this.#put(kind, name);
  }

  /**
   * Closes the directory that was opened last.
   *
   * @throws {TypeError} If none is open.
   */
  endDirectory(): void | Promise<void> {
    if (this.depth === 0) {
      throw new TypeError(
        "Cannot end directory of catalog: none is open, expected one",
      );
    }
    return this.#close();
  }

  /**
   * Takes the next entry of an archive. The archive's root stands for the directory that {@linkcode startArchive} opened; versions, preludes and known chunks are left out.
   *
   * @throws {TypeError} If no archive is open, or a file tells no size.
   * @throws {FormatError} If the name is not legal.
   */
  entry(entry: Entry): void | Promise<void> {
    const { kind, name } = entry;
    if (kind === "version" || kind === "prelude" || kind === "inject") return;
    if (this.depth === 0) {
      throw new TypeError(
        `Cannot write ${kind} "${
          showName(name)
        }" to catalog: no archive is open, expected one`,
      );
    }
    switch (kind) {
      case "end":
        return this.#close();
      case "directory":
        if (name.length > 0 || this.depth > 1) this.startDirectory(name);
        return;
      case "file": {
        const size = entry.content?.size ?? entry.payload?.size;
        if (size === undefined) {
          throw new TypeError(
            `Cannot write file "${
              showName(name)
            }" to catalog: it has neither content nor payload, expected its size`,
          );
        }
        return this.file(name, { size, mtime: entry.secs });
      }
      case "device": {
        const block = (entry.mode & TYPE_MASK) === BLOCK_DEVICE;
        return this.other(block ? "block" : "char", name);
      }
      default:
        return this.other(kind, name);
    }
  }

  /**
   * Ends the catalog.
   *
   * @returns Its length in bytes, once the sink has taken all of it.
   * @throws {TypeError} If a directory is open.
   */
  async finish(): Promise<number> {
    if (this.depth > 0) {
      throw new TypeError(
        `Cannot finish catalog: ${this.depth} directories are open, expected none`,
      );
    }
    try {
      const root = this.#pieces.position;
      await this.#close();
      await this.#pieces.need(8);
      this.#pieces.writer.u64(root);
      await this.#pieces.finish();
      return this.#pieces.position;
    } finally {
      await this.#pieces.settle();
    }
  }

  #put(kind: CatalogKind, name: Uint8Array): void {
    if (this.#open.depth === 0) {
      throw new TypeError(
        `Cannot write ${kind} "${
          showName(name)
        }" to catalog: it is finished, expected a new one`,
      );
    }
    checkName(name);
    if (name.length > CATALOG_NAME_LIMIT) {
      throw new FormatError(
        `Cannot write ${kind} "${
          showName(name)
        }" to catalog: its name has ${name.length} bytes, expected ${CATALOG_NAME_LIMIT} at most`,
      );
    }
    this.#open.begin(name.length + BESIDE);
    this.#open.u8(CATALOG_TYPES[kind]);
    encodeVaruint(this.#open, name.length);
    this.#open.bytes(name);
  }

  /** Writes the table of the innermost directory. */
  #close(): void | Promise<void> {
    const table = this.#open.close(this.#pieces.position);
    if (table.length + BESIDE > this.#piece) return this.#writeLong(table);
    const wait = this.#pieces.need(table.length + BESIDE);
    return wait === undefined
      ? this.#write(table)
      : wait.then(() => this.#write(table));
  }

  #write({ length, count, parts, done }: ClosingTable): void {
    const { writer } = this.#pieces;
    encodeVaruint(writer, length);
    encodeVaruint(writer, count);
    for (const part of parts) {
      if (typeof part === "number") encodeVaruint(writer, part);
      else writer.bytes(part);
    }
    done();
  }

  async #writeLong(
    { length, count, parts, done }: ClosingTable,
  ): Promise<void> {
    await this.#pieces.need(BESIDE);
    encodeVaruint(this.#pieces.writer, length);
    encodeVaruint(this.#pieces.writer, count);
    for (const part of parts) {
      if (typeof part === "number") {
        await this.#pieces.need(BESIDE);
        encodeVaruint(this.#pieces.writer, part);
        continue;
      }
      for (let at = 0; at < part.length;) {
        await this.#pieces.need(1);
        const { writer } = this.#pieces;
        const some = part.subarray(at, at + writer.room);
        writer.bytes(some);
        at += some.length;
      }
    }
    done();
  }
}
