/**
 * Walking about in an archive: directories with a way up, links that are followed, lists from a catalog where there is one.
 *
 * @module
 */
import type { Accessor, Node } from "@pxar/codec/accessor";
import type { CatalogEntry, CatalogKind } from "@pxar/codec/catalog";
import type { CatalogReader } from "@pxar/codec/catalog_reader";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { FormatError, NotFoundError } from "@pxar/format/errors";
import { joinPath, showName } from "@pxar/format/name";
import { kindOfEntry } from "./find.ts";

/** Where an archive stands in a catalog. */
export interface CatalogPart {
  /** The catalog. */
  readonly reader: CatalogReader;
  /** The archive's directory in it. */
  readonly directory: CatalogEntry;
}

/** An entry, and the way up from it. */
export interface Place {
  /** One path component, raw bytes; empty for the root. */
  readonly name: Bytes;
  /** What it is. */
  readonly kind: CatalogKind;
  /** The directory it is in; `undefined` for the root. */
  readonly above: Place | undefined;
  /** Path from the root, without leading slash; put together when asked for. */
  readonly path: Bytes;
}

/** Most symlinks on one path. Source: spec H. */
const MOST_LINKS = 40;

const SLASH = 0x2f, DOT = 0x2e;

/**
 * An archive to walk about in.
 *
 * @example
 * ```ts
 * import type { Accessor } from "@pxar/codec/accessor";
 * import { showName } from "@pxar/format/name";
 * import { Browser } from "@pxar/transfer/browse";
 *
 * async function printBeside(archive: Accessor, path: string) {
 *   const browser = new Browser(archive);
 *   const place = await browser.resolve(browser.root, new TextEncoder().encode(path));
 *   for await (const page of browser.list(place.above ?? place)) {
 *     for (const { kind, name } of page) console.log(kind, showName(name));
 *   }
 * }
 * ```
 */
export class Browser {
  /** The archive. */
  readonly accessor: Accessor;
  /** Where it stands in a catalog; `undefined` where it is looked at itself. */
  readonly catalog: CatalogPart | undefined;
  /** Its root. */
  readonly root: Place;

  /**
   * Reads nothing yet.
   *
   * @param accessor The archive; closed by whoever opened it, as the catalog is.
   * @param catalog Where it stands in a catalog.
   */
  constructor(accessor: Accessor, catalog?: CatalogPart) {
    this.accessor = accessor;
    this.catalog = catalog;
    this.root = new Spot(
      NO_BYTES,
      "directory",
      undefined,
      catalog?.directory,
      accessor.root,
    );
  }

  /**
   * Yields what is in a directory, in the order of the archive, in pages that are never empty.
   *
   * @param directory Of this archive.
   * @throws {TypeError} If it is no directory.
   * @throws {FormatError} If archive or catalog are damaged here.
   */
  async *list(
    directory: Place,
  ): AsyncGenerator<readonly Place[], void, void> {
    const spot = spotOf(directory);
    if (this.catalog !== undefined) {
      for await (const page of this.catalog.reader.list(listedOf(spot))) {
        yield page.map((one) => placeOfListed(spot, one));
      }
      return;
    }
    for await (const page of this.accessor.list(await this.node(spot))) {
      yield page.map((node) => placeOfNode(spot, node));
    }
  }

  /**
   * Finds what a path leads to. Links on the way are followed, also to an absolute target, which begins at the archive's root; above that is itself.
   *
   * @param from Where a path without leading slash begins.
   * @param path Names with slashes between; `.` and `..` mean what they usually do.
   * @param options Whether a link at the end of the path is followed, too; it is not unless told.
   * @throws {NotFoundError} If there is nothing, something on the way is no directory, or there are more than 40 links.
   * @throws {FormatError} If archive or catalog are damaged on the way, or do not agree.
   */
  async resolve(
    from: Place,
    path: Bytes,
    options: { readonly follow?: boolean | undefined } = {},
  ): Promise<Place> {
    let at = path[0] === SLASH ? this.root : from;
    // The next one last.
    const names = componentsOf(path).reverse();
    let links = 0;
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (isUp(name)) {
        at = at.above ?? this.root;
        continue;
      }
      const next = await this.child(at, name);
      if (next === undefined) {
        throw lost(joinPath(at.path, name), "it is not in the archive");
      }
      const passed = next.kind === "symlink" &&
        (names.length > 0 || options.follow === true);
      if (!passed) {
        if (names.length > 0 && next.kind !== "directory") {
          throw lost(
            joinPath(next.path, names.at(-1)!),
            `"/${showName(next.path)}" is a ${next.kind}, expected a directory`,
          );
        }
        at = next;
        continue;
      }
      if (++links > MOST_LINKS) {
        throw lost(
          next.path,
          `its path has more than ${MOST_LINKS} symlinks, expected fewer`,
        );
      }
      const target = (await this.node(next)).entry.target ?? NO_BYTES;
      if (target[0] === SLASH) at = this.root;
      names.push(...componentsOf(target).reverse());
    }
    return at;
  }

  /**
   * Finds what is in a directory by its name.
   *
   * @param directory Of this archive.
   * @param name One path component.
   * @returns The first one of that name; `undefined` where there is none, and where `directory` is none.
   * @throws {FormatError} If archive or catalog are damaged here.
   */
  async child(directory: Place, name: Bytes): Promise<Place | undefined> {
    if (directory.kind !== "directory") return undefined;
    const spot = spotOf(directory);
    if (this.catalog === undefined) {
      const node = await this.accessor.child(await this.node(spot), name);
      return node && placeOfNode(spot, node);
    }
    const one = await this.catalog.reader.child(listedOf(spot), name);
    return one && placeOfListed(spot, one);
  }

  /**
   * All that the archive keeps of an entry.
   *
   * @param place Of this archive.
   * @throws {FormatError} If the archive is damaged, or has not what the catalog says.
   */
  async node(place: Place): Promise<Node> {
    const way: Spot[] = [];
    let known = spotOf(place);
    while (known.node === undefined) {
      way.push(known);
      known = spotOf(known.above!);
    }
    let { node } = known;
    for (let spot = way.pop(); spot !== undefined; spot = way.pop()) {
      const found = await this.accessor.child(node, spot.name);
      const kind = found && kindOfEntry(found.entry);
      if (found === undefined || kind !== spot.kind) {
        throw new FormatError(
          `Cannot read "/${
            showName(spot.path)
          }": the catalog has a ${spot.kind} there, the archive ${
            kind === undefined ? "nothing" : `a ${kind}`
          }, expected the same`,
        );
      }
      node = spot.node = found;
    }
    return node;
  }
}

class Spot implements Place {
  readonly name: Bytes;
  readonly kind: CatalogKind;
  readonly above: Spot | undefined;
  /** What the catalog has. */
  readonly listed: CatalogEntry | undefined;
  /** What the archive has, once that was looked at. */
  node: Node | undefined;

  constructor(
    name: Bytes,
    kind: CatalogKind,
    above: Spot | undefined,
    listed: CatalogEntry | undefined,
    node: Node | undefined,
  ) {
    this.name = name;
    this.kind = kind;
    this.above = above;
    this.listed = listed;
    this.node = node;
  }

  get path(): Bytes {
    if (this.above === undefined) return NO_BYTES;
    const names = [this.name];
    let length = this.name.length;
    let one = this.above;
    for (; one.above !== undefined; one = one.above) {
      names.push(one.name);
      length += one.name.length + 1;
    }
    const path = new Uint8Array(length).fill(SLASH);
    let at = 0;
    for (const name of names.reverse()) {
      path.set(name, at);
      at += name.length + 1;
    }
    return path;
  }
}

/** Places are made here only. */
function spotOf(place: Place): Spot {
  if (place instanceof Spot) return place;
  throw new TypeError(
    `Cannot look at "${showName(place.name)}": it is not of this archive`,
  );
}

function placeOfListed(above: Spot, one: CatalogEntry): Place {
  return new Spot(one.name, one.kind, above, one, undefined);
}

function placeOfNode(above: Spot, node: Node): Place {
  const { entry } = node;
  return new Spot(entry.name, kindOfEntry(entry)!, above, undefined, node);
}

function listedOf({ listed, name }: Spot): CatalogEntry {
  if (listed !== undefined) return listed;
  throw new TypeError(
    `Cannot list "${showName(name)}": it is not of this catalog`,
  );
}

/** The names in a path, without empty ones and ".". */
function componentsOf(path: Bytes): Bytes[] {
  const names: Bytes[] = [];
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf(SLASH, from);
    const to = slash < 0 ? path.length : slash;
    if (to > from && !(to === from + 1 && path[from] === DOT)) {
      names.push(path.subarray(from, to));
    }
    from = to + 1;
  }
  return names;
}

function isUp(name: Bytes): boolean {
  return name.length === 2 && name[0] === DOT && name[1] === DOT;
}

function lost(path: Bytes, why: string): NotFoundError {
  return new NotFoundError(`Cannot find "/${showName(path)}": ${why}`);
}
