/**
 * Catalogs to look things up in, without reading what lies between.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { FormatError, UnsupportedError } from "@pxar/format/errors";
import { compareNames, showName } from "@pxar/format/name";
import { blockCache } from "./block_cache.ts";
import { CATALOG_MAGIC, type CatalogEntry } from "./catalog.ts";
import { type CatalogStep, Step } from "./catalog_step.ts";
import { type CatalogTable, openTable, readEntry } from "./catalog_table.ts";
import { ItemCursor } from "./item_cursor.ts";
import type { RandomAccess } from "./random_access.ts";

export type { CatalogStep } from "./catalog_step.ts";

/** How a catalog is opened. */
export interface CatalogReaderOptions {
  /** Most bytes of the catalog kept in memory; 2 MiB unless told. */
  readonly cache?: number | undefined;
  /** How much is read at once, bytes; 4096 unless told. Where each read is a journey, 65536 serve better. */
  readonly block?: number | undefined;
}

/** How a catalog is walked through. */
export interface WalkOptions {
  /** Told of each directory; one for which it gives `false` is passed over with all that is in it. All are entered without it. */
  readonly enter?: ((directory: CatalogStep) => boolean) | undefined;
  /** Ends it with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How many entries are yielded at once, at most. */
const PAGE = 256;
/** How many levels a walk goes down. */
const MOST_LEVELS = 1 << 20;
/** Least bytes of an entry, and of all that is in no table. */
const LEAST_ENTRY = 3, BESIDE = 16;

const SLASH = 0x2f;

/**
 * Reads one catalog at any place; may be asked many things at once.
 *
 * @example
 * ```ts
 * import { CatalogReader } from "@pxar/codec/catalog_reader";
 * import type { RandomAccess } from "@pxar/codec/random_access";
 * import { showName } from "@pxar/format/name";
 *
 * async function paths(catalog: RandomAccess): Promise<string[]> {
 *   await using reader = await CatalogReader.open(catalog);
 *   const found: string[] = [];
 *   for await (const page of reader.walk()) found.push(...page.map((step) => showName(step.path)));
 *   return found;
 * }
 * ```
 */
export class CatalogReader implements AsyncDisposable {
  /** The directory in which that of each archive is. */
  readonly root: CatalogEntry;
  readonly #access: RandomAccess;
  readonly #limit: number;

  private constructor(access: RandomAccess, start: number, limit: number) {
    this.#access = access;
    this.#limit = limit;
    this.root = {
      kind: "directory",
      name: NO_BYTES,
      size: undefined,
      mtime: undefined,
      start,
    };
  }

  /**
   * Opens a catalog: reads its magic number, and where its root is.
   *
   * @param access The catalog; closed with the reader, also if opening fails.
   * @param options Memory.
   * @throws {FormatError} If it is none, or the root is not its last table.
   */
  static async open(
    access: RandomAccess,
    options: CatalogReaderOptions = {},
  ): Promise<CatalogReader> {
    const { cache: budget = 2 << 20, block = 4096 } = options;
    try {
      const cached = blockCache(access, { block, budget });
      const cursor = new ItemCursor(cached);
      let wait = cursor.load(0, CATALOG_MAGIC.length);
      if (wait !== undefined) await wait;
      const magic = cursor.reader.bytes(CATALOG_MAGIC.length);
      if (compareNames(magic, CATALOG_MAGIC) !== 0) {
        throw new UnsupportedError(
          `Cannot read catalog at byte 0: it starts with "${
            showName(magic)
          }", expected the magic number of a catalog; it is none, or one of a newer version`,
          { offset: 0 },
        );
      }
      const limit = Math.max(0, access.size - 8);
      wait = cursor.load(limit, 8);
      if (wait !== undefined) await wait;
      const start = cursor.reader.u64();
      const { end } = await openTable(cursor, start, limit);
      if (end !== limit) {
        throw new FormatError(
          `Cannot read catalog at byte ${end}: its root's table ends here, expected that at byte ${limit}`,
          { offset: end },
        );
      }
      return new CatalogReader(cached, start, limit);
    } catch (error) {
      await access.close?.();
      throw error;
    }
  }

  /**
   * Yields the entries of a directory in the order of the catalog, in pages of up to 256, never an empty one. Names may come twice.
   *
   * @param directory Of this catalog.
   * @throws {TypeError} If it is no directory.
   * @throws {FormatError} If the catalog is damaged here; what was yielded before was sound.
   */
  async *list(
    directory: CatalogEntry,
  ): AsyncGenerator<readonly CatalogEntry[], void, void> {
    const cursor = new ItemCursor(this.#access, 4096);
    const table = await this.#open(cursor, directory);
    let page: CatalogEntry[] = [];
    while (table.left > 0) {
      const entry = readEntry(cursor, table);
      page.push(entry instanceof Promise ? await entry : entry);
      if (page.length === PAGE) {
        yield page;
        page = [];
      }
    }
    if (page.length > 0) yield page;
  }

  /**
   * Finds an entry of a directory by its name: reads the entries before it.
   *
   * @param directory Of this catalog.
   * @param name One path component, raw bytes.
   * @returns The entry, `undefined` if there is none of that name. Of several, the first.
   * @throws {TypeError} If `directory` is none.
   * @throws {FormatError} If the catalog is damaged on the way.
   */
  async child(
    directory: CatalogEntry,
    name: Bytes,
  ): Promise<CatalogEntry | undefined> {
    const cursor = new ItemCursor(this.#access, 4096);
    const table = await this.#open(cursor, directory);
    while (table.left > 0) {
      let entry = readEntry(cursor, table);
      if (entry instanceof Promise) entry = await entry;
      if (compareNames(entry.name, name) === 0) return entry;
    }
    return undefined;
  }

  /**
   * Finds an entry by its path from the root, which begins with an archive's name.
   *
   * @param path Names with a slash between, and one before the first or not; a string stands for its UTF-8. Only a slash stands for the root.
   * @returns The entry, `undefined` if there is none; nothing is called "", "." or "..".
   * @throws {FormatError} If the catalog is damaged on the way.
   */
  async lookup(path: string | Bytes): Promise<CatalogEntry | undefined> {
    const bytes = typeof path === "string"
      ? new TextEncoder().encode(path)
      : path;
    let from = bytes[0] === SLASH ? 1 : 0;
    let entry: CatalogEntry | undefined = this.root;
    if (from === 1 && bytes.length === 1) return entry;
    while (entry?.kind === "directory" && from <= bytes.length) {
      const slash = bytes.indexOf(SLASH, from);
      const to = slash < 0 ? bytes.length : slash;
      entry = await this.child(entry, bytes.subarray(from, to));
      from = to + 1;
    }
    return from > bytes.length ? entry : undefined;
  }

  /**
   * Yields all that is below a directory, each directory before what is in it, in pages of up to 256, never an empty one.
   *
   * @param directory Of this catalog; the root unless told.
   * @param options Where not to go, what ends it.
   * @throws {TypeError} If it is no directory.
   * @throws {FormatError} If the catalog is damaged here, also if it leads to more entries than there is room for in it, or a million levels down.
   */
  async *walk(
    directory: CatalogEntry = this.root,
    options: WalkOptions = {},
  ): AsyncGenerator<readonly CatalogStep[], void, void> {
    const { enter, signal } = options;
    const cursor = new ItemCursor(this.#access, 4096);
    const open = [await this.#open(cursor, directory)];
    let above: Step | undefined;
    let left = Math.floor((this.#limit + 8 - BESIDE) / LEAST_ENTRY);
    let page: CatalogStep[] = [];
    for (let table = open.at(-1); table !== undefined; table = open.at(-1)) {
      if (table.left === 0) {
        open.pop();
        above = above?.above;
        continue;
      }
      let entry = readEntry(cursor, table);
      if (entry instanceof Promise) entry = await entry;
      if (left-- === 0) {
        throw new FormatError(
          `Cannot walk catalog at byte ${table.at}: there are more entries than bytes for them, expected each table to be led to once`,
          { offset: table.at },
        );
      }
      const step = new Step(entry, above, open.length - 1);
      page.push(step);
      if (page.length === PAGE) {
        yield page;
        page = [];
        signal?.throwIfAborted();
      }
      if (entry.kind === "directory" && (enter === undefined || enter(step))) {
        if (open.length === MOST_LEVELS) {
          throw new UnsupportedError(
            `Cannot walk catalog at byte ${table.at}: it is ${MOST_LEVELS} levels deep, expected fewer`,
            { offset: table.at },
          );
        }
        open.push(await this.#open(cursor, entry));
        above = step;
      }
    }
    if (page.length > 0) yield page;
  }

  /** Lets go of the catalog. */
  async close(): Promise<void> {
    await this.#access.close?.();
  }

  /** The same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(
    cursor: ItemCursor,
    directory: CatalogEntry,
  ): Promise<CatalogTable> {
    if (directory.start === undefined) {
      throw new TypeError(
        `Cannot list "${
          showName(directory.name)
        }" of catalog: it is a ${directory.kind}, expected a directory`,
      );
    }
    return await openTable(cursor, directory.start, this.#limit);
  }
}
