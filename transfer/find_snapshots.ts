/**
 * Entries that fit, in all archives of a snapshot, or in many snapshots one after the other.
 *
 * Where a snapshot has a catalog, that is read in the place of its archives; of a split archive only the metadata is. No content is fetched for it.
 *
 * @module
 */
import type { CatalogEntry } from "@pxar/codec/catalog";
import { CatalogReader } from "@pxar/codec/catalog_reader";
import { decode } from "@pxar/codec/decode";
import type { Batches } from "@pxar/format/entry";
import {
  FormatError,
  NotFoundError,
  PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import {
  CATALOG_NAME,
  MANIFEST_NAME,
  parseArchiveName,
} from "@pxar/store/archive_name";
import {
  type GroupName,
  sameGroup,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import type { Abortable, Store } from "@pxar/store/store";
import {
  findEntries,
  findInCatalog,
  type FindOptions,
  type Hit,
} from "./find.ts";
import {
  type OpenSnapshot,
  openSnapshot,
  type OpenSnapshotOptions,
} from "./open.ts";

/** An entry that fits, and where. */
export interface SnapshotHit extends Hit {
  /** The snapshot it is in. */
  readonly snapshot: SnapshotName;
  /** The archive it is in, as users say it, such as `root.pxar`, also where that is split. */
  readonly archive: string;
}

/** Where to look in a snapshot. */
export interface FindInSnapshotOptions extends FindOptions {
  /** The only archive to look in, in either form of its name; all unless told. */
  readonly archive?: string | undefined;
  /** Whether a catalog may stand for the archives; it may unless told. */
  readonly catalog?: boolean | undefined;
}

/** How to look in many snapshots. */
export interface FindInSnapshotsOptions
  extends Omit<FindInSnapshotOptions, "archive">, OpenSnapshotOptions {
  /** Told of a snapshot that is done, after its last hit. */
  readonly onDone?: ((snapshot: SnapshotName) => void) | undefined;
  /** Told of a snapshot that could not be looked through, and the next one follows; without it, the error ends the search. */
  readonly onError?:
    | ((snapshot: SnapshotName, error: PxarError) => void)
    | undefined;
}

/** Which snapshots of a store. */
export interface NewestFirstOptions extends Abortable {
  /** Only the newest of each group. */
  readonly latest?: boolean | undefined;
  /** How many levels below a namespace to go; all unless told. */
  readonly maxDepth?: number | undefined;
}

const ENCODER = new TextEncoder();

/**
 * Finds what fits in the archives of a snapshot, in the order of its manifest.
 *
 * @param snapshot The open snapshot.
 * @param options Where to look, and what fits.
 * @returns Hits, in pages that are never empty.
 * @throws {NotFoundError} If it has not the archive that was named, or none at all.
 * @throws {UnsupportedError} If what was named is no archive.
 * @throws {FormatError} If an archive or the catalog is damaged, or the catalog lacks an archive.
 * @throws {IntegrityError} If a chunk or index is not what it must be.
 *
 * @example
 * ```ts
 * import { parsePattern } from "@pxar/format/pattern";
 * import { showName } from "@pxar/format/name";
 * import { findInSnapshot } from "@pxar/transfer/find_snapshots";
 * import type { OpenSnapshot } from "@pxar/transfer/open";
 *
 * async function printConfiguration(snapshot: OpenSnapshot) {
 *   const patterns = [parsePattern("*.conf", "include")];
 *   for await (const page of findInSnapshot(snapshot, { patterns })) {
 *     for (const { archive, path, size } of page) console.log(archive, showName(path), size);
 *   }
 * }
 * ```
 */
export async function* findInSnapshot(
  snapshot: OpenSnapshot,
  options: FindInSnapshotOptions = {},
): AsyncGenerator<readonly SnapshotHit[], void, void> {
  const { catalog: mayUse = true, signal } = options;
  const searched = searchedArchives(snapshot, options.archive);
  const hasCatalog = mayUse &&
    snapshot.manifest.files.some(({ name }) => name === CATALOG_NAME);
  let catalog: CatalogReader | undefined;
  try {
    for (const { archive, server } of searched) {
      let pages: AsyncGenerator<readonly Hit[], void, void>;
      if (hasCatalog && server !== undefined) {
        catalog ??= await openCatalog(snapshot, options);
        const directory = await catalogOf(catalog, snapshot, server);
        pages = findInCatalog(catalog, directory, options);
      } else {
        pages = findEntries(
          await entriesOf(snapshot, archive, signal),
          options,
        );
      }
      for await (const page of pages) {
        yield page.map((hit) => ({
          snapshot: snapshot.snapshot,
          archive,
          ...hit,
        }));
      }
    }
  } finally {
    await catalog?.close();
  }
}

/**
 * Opens the catalog of a snapshot.
 *
 * @param snapshot The open snapshot.
 * @returns To be closed.
 * @throws {NotFoundError} If it has none: only those with an archive that is not split have.
 * @throws {FormatError} If it is damaged.
 */
export async function openCatalog(
  snapshot: OpenSnapshot,
  options: Abortable = {},
): Promise<CatalogReader> {
  const { signal } = options;
  return await CatalogReader.open(
    await snapshot.access(CATALOG_NAME, { signal }),
  );
}

/**
 * The directory that stands for an archive in the catalog of its snapshot.
 *
 * @param catalog The catalog.
 * @param snapshot Its snapshot.
 * @param server The archive's name as it lies in the store, such as `root.pxar.didx`.
 * @throws {FormatError} If there is none.
 */
export async function catalogOf(
  catalog: CatalogReader,
  snapshot: OpenSnapshot,
  server: string,
): Promise<CatalogEntry> {
  const found = await catalog.child(catalog.root, ENCODER.encode(server));
  if (found?.kind === "directory") return found;
  throw new FormatError(
    `Cannot look up ${server} in the catalog of ${
      snapshotText(snapshot.snapshot)
    }: ${
      found === undefined ? "it is not there" : `it is a ${found.kind}`
    }, expected a directory`,
  );
}

/**
 * Finds what fits in many snapshots. What has no archive, such as a virtual machine's, is passed over; so is what is removed meanwhile.
 *
 * @param store Where they are.
 * @param snapshots Which ones, in the order in which they are looked through.
 * @param options Keys, and what fits.
 * @returns Hits, in pages that are never empty and of one snapshot each.
 * @throws {PxarError} What a snapshot is not read for, without `onError`.
 *
 * @example
 * ```ts
 * import { parsePattern } from "@pxar/format/pattern";
 * import { snapshotText } from "@pxar/store/snapshot";
 * import type { Store } from "@pxar/store/store";
 * import { findInSnapshots, newestFirst } from "@pxar/transfer/find_snapshots";
 *
 * async function lastWith(store: Store, pattern: string): Promise<string | undefined> {
 *   const snapshots = newestFirst(store, { namespace: "", type: "host", id: "elsa" });
 *   const patterns = [parsePattern(pattern, "include")];
 *   for await (const [hit] of findInSnapshots(store, snapshots, { patterns })) return snapshotText(hit!.snapshot);
 *   return undefined;
 * }
 * ```
 */
export async function* findInSnapshots(
  store: Pick<Store, "open">,
  snapshots: AsyncIterable<SnapshotName> | Iterable<SnapshotName>,
  options: FindInSnapshotsOptions = {},
): AsyncGenerator<readonly SnapshotHit[], void, void> {
  const { onDone, onError, signal } = options;
  for await (const name of snapshots) {
    signal?.throwIfAborted();
    try {
      await using snapshot = await openSnapshot(store, name, options);
      if (searchedArchives(snapshot, undefined, false).length > 0) {
        yield* findInSnapshot(snapshot, options);
      }
    } catch (error) {
      if (error instanceof NotFoundError && !await isThere(store, name)) {
        continue;
      }
      if (!(error instanceof PxarError) || onError === undefined) throw error;
      onError(name, error);
      continue;
    }
    onDone?.(name);
  }
}

/**
 * The snapshots of a store that are finished, group by group, in each the newest first.
 *
 * @param store Where they are.
 * @param within One group, or a namespace with those below it.
 * @param options Whether all of them are wanted.
 * @returns Their names; one with a damaged manifest is among them.
 * @throws {NotFoundError} If the group or namespace is not there.
 */
export async function* newestFirst(
  store: Pick<Store, "snapshots" | "namespaces">,
  within: GroupName | string,
  options: NewestFirstOptions = {},
): AsyncGenerator<SnapshotName, void, void> {
  const { latest, maxDepth, signal } = options;
  const places = typeof within === "string"
    ? await store.namespaces(within, maxDepth, { signal })
    : [within];
  for (const place of places) {
    const all = (await store.snapshots(place, { signal })).filter((
      { finished, files },
    ) => finished || files.some(({ name }) => name === MANIFEST_NAME)).map((
      { snapshot },
    ) => snapshot);
    for (let from = 0; from < all.length;) {
      const first = all[from]!;
      let to = from + 1;
      while (to < all.length && sameGroup(all[to]!, first)) to++;
      const group = all.slice(from, to).reverse();
      yield* latest ? group.slice(0, 1) : group;
      from = to;
    }
  }
}

/** An archive that is looked through. */
interface Searched {
  /** As users say it; of a split archive that of both halves. */
  readonly archive: string;
  /** As it lies in the store, and stands in a catalog; `undefined` for a split one. */
  readonly server: string | undefined;
}

function searchedArchives(
  snapshot: OpenSnapshot,
  asked: string | undefined,
  needed = true,
): Searched[] {
  if (asked !== undefined) {
    const files = snapshot.resolve(asked);
    if (files.split) return [splitArchive(files.metadata.client)];
    const { client, server, content } = files.file;
    if (content === "pxar") return [{ archive: client, server }];
    throw new UnsupportedError(
      `Cannot look through ${client}: it is no archive, expected one (.pxar)`,
    );
  }
  const found: Searched[] = [];
  for (const { name } of snapshot.manifest.files) {
    const { client, server, content } = parseArchiveName(name);
    if (content === "pxar") found.push({ archive: client, server });
    else if (content === "metadata") found.push(splitArchive(client));
  }
  if (found.length > 0 || !needed) return found;
  throw new NotFoundError(
    `Cannot look through ${
      snapshotText(snapshot.snapshot)
    }: it has no archive, expected one (.pxar)`,
  );
}

/** Entries without contents. Metadata alone is little: it is read without threads, whose start would take longer. */
async function entriesOf(
  snapshot: OpenSnapshot,
  archive: string,
  signal: AbortSignal | undefined,
): Promise<Batches> {
  const files = snapshot.resolve(archive);
  return files.split
    ? decode(await snapshot.stream(files.metadata.server, { signal }), {
      signal,
    })
    : snapshot.entries(archive, { contents: false, signal });
}

function splitArchive(metadata: string): Searched {
  return {
    archive: metadata.replace(/\.mpxar$/, ".pxar"),
    server: undefined,
  };
}

/** Whether a snapshot has not been removed meanwhile. */
async function isThere(
  store: Pick<Store, "open">,
  name: SnapshotName,
): Promise<boolean> {
  try {
    await using _open = await store.open(name);
    return true;
  } catch (error) {
    return !(error instanceof NotFoundError);
  }
}
