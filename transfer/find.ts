/**
 * Entries that fit, in a stream of entries or in a catalog.
 *
 * @module
 */
import type { CatalogEntry, CatalogKind } from "@pxar/codec/catalog";
import type { CatalogReader, CatalogStep } from "@pxar/codec/catalog_reader";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batches, Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { matchPatterns, type Pattern } from "@pxar/format/pattern";
import type { Abortable } from "@pxar/store/store";
import { PathTracker } from "./path.ts";

/** What is known of an entry when it is looked at. */
export interface Candidate {
  /** One path component, raw bytes; empty for the root. */
  readonly name: Bytes;
  /** What it is. */
  readonly kind: CatalogKind;
  /** Length of a file, bytes; else `undefined`. */
  readonly size: number | undefined;
  /** Time of the last change, whole seconds since 1970; `undefined` for hardlinks, and where a catalog was read for all but files. */
  readonly mtime: number | undefined;
  /** All that the archive keeps of it; its content is not to be read. `undefined` where a catalog was read. */
  readonly entry: Entry | undefined;
}

/** An entry that fits. */
export interface Hit extends Candidate {
  /** Path from the root of its archive, without leading slash; empty for the root. */
  readonly path: Bytes;
}

/** What fits. */
export interface FindOptions extends Abortable {
  /** The last one that matches an entry's path decides; without any, all paths fit. */
  readonly patterns?: readonly Pattern[] | undefined;
  /** What else must be true of it. */
  readonly fits?: ((candidate: Candidate) => boolean) | undefined;
}

/** Most directories one in the other, as `fs/writeTree` takes them. */
const LEVELS = 10_000;

const SLASH = 0x2f;

/**
 * Finds what fits in a stream of entries.
 *
 * @param batches The entries; closed when the search ends.
 * @param options What fits.
 * @returns Hits in the order of the archive, in pages that are never empty.
 * @throws {PxarError} What reading throws; what was yielded before stands before the damage.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { parsePattern } from "@pxar/format/pattern";
 * import { findEntries } from "@pxar/transfer/find";
 *
 * const name = new TextEncoder().encode("fstab");
 * const batches: Batches = [[makeEntry("directory"), makeEntry("file", { name }), makeEntry("end")]];
 * const patterns = [parsePattern("/fstab", "include")];
 * for await (const page of findEntries(batches, { patterns })) {
 *   console.assert(page.length === 1 && page[0]!.kind === "file");
 * }
 * ```
 */
export async function* findEntries(
  batches: Batches,
  options: FindOptions = {},
): AsyncGenerator<readonly Hit[], void, void> {
  const { patterns = [], fits, signal } = options;
  const paths = new PathTracker();
  for await (const batch of batches) {
    signal?.throwIfAborted();
    const page: Hit[] = [];
    for (const entry of batch) {
      if (entry.kind === "end") paths.leave();
      const kind = kindOfEntry(entry);
      if (kind === undefined) continue;
      paths.enter(entry);
      if (!isIncluded(patterns, paths.view, kind)) continue;
      const candidate: Candidate = {
        name: entry.name,
        kind,
        size: kind === "file"
          ? entry.payload?.size ?? entry.content?.size ?? 0
          : undefined,
        mtime: kind === "hardlink" ? undefined : entry.secs,
        entry,
      };
      if (fits === undefined || fits(candidate)) {
        page.push({ ...candidate, path: paths.path });
      }
    }
    if (page.length > 0) yield page;
  }
}

/**
 * Finds what fits in an archive by its catalog.
 *
 * @param catalog The catalog.
 * @param archive The archive's directory in it; what is in there is looked at, and itself as the root.
 * @param options What fits.
 * @returns Hits in the order of the catalog, in pages that are never empty.
 * @throws {TypeError} If `archive` is no directory.
 * @throws {FormatError} If the catalog is damaged, or more than 10,000 levels deep; what was yielded before was sound.
 */
export async function* findInCatalog(
  catalog: CatalogReader,
  archive: CatalogEntry,
  options: FindOptions = {},
): AsyncGenerator<readonly Hit[], void, void> {
  const { patterns = [], fits, signal } = options;
  const hitOf = (entry: CatalogEntry, name: Bytes, path: Bytes) => {
    const { kind, size, mtime } = entry;
    if (!isIncluded(patterns, path, kind)) return undefined;
    const candidate = { name, kind, size, mtime, entry: undefined };
    return fits === undefined || fits(candidate)
      ? { ...candidate, path: path.slice() }
      : undefined;
  };
  const root = hitOf(archive, NO_BYTES, NO_BYTES);
  if (root !== undefined) yield [root];
  const paths = new StepPaths();
  for await (const steps of catalog.walk(archive, { signal })) {
    const page: Hit[] = [];
    for (const step of steps) {
      if (step.depth > LEVELS) {
        throw new FormatError(
          `Cannot look through catalog: directories lie more than ${LEVELS} deep, expected at most that`,
        );
      }
      const hit = hitOf(step.entry, step.entry.name, paths.of(step));
      if (hit !== undefined) page.push(hit);
    }
    if (page.length > 0) yield page;
  }
}

/** Paths of a walk's steps, each put together of that of the directory it is in: deep ones cost no more than their name. */
class StepPaths {
  #bytes: Bytes = new Uint8Array(256);
  /** Lengths of the paths of the directories that the walk is in. */
  readonly #lengths: number[] = [];

  /** Valid until the next step. */
  of({ entry: { name }, depth }: CatalogStep): Bytes {
    const from = depth === 0 ? 0 : this.#lengths[depth - 1]! + 1;
    const end = from + name.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.#bytes.subarray(0, from));
      this.#bytes = larger;
    }
    if (from > 0) this.#bytes[from - 1] = SLASH;
    this.#bytes.set(name, from);
    this.#lengths[depth] = end;
    return this.#bytes.subarray(0, end);
  }
}

/**
 * What an entry is, as a catalog has it.
 *
 * @param entry Any.
 * @returns `undefined` if it is none that has a name or is the root.
 */
export function kindOfEntry({ kind, mode }: Entry): CatalogKind | undefined {
  switch (kind) {
    case "device":
      return (mode & 0o170000) === 0o060000 ? "block" : "char";
    case "version":
    case "prelude":
    case "inject":
    case "end":
      return undefined;
    default:
      return kind;
  }
}

function isIncluded(
  patterns: readonly Pattern[],
  path: Bytes,
  kind: CatalogKind,
): boolean {
  return patterns.length === 0 ||
    matchPatterns(patterns, path, kind === "directory") === "include";
}
