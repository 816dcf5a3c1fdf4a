// What becomes of files and their further links when trees are merged: new positions, and the right first for each link.
import type { Bytes } from "@pxar/format/bytes";
import { type Entry, makeEntry } from "@pxar/format/entry";
import { FormatError, NotFoundError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import type { MergeSource } from "./merge.ts";
import type { MergeCursor } from "./merge_cursor.ts";

/** A source, where it is, and what it shares with others of the same archive. */
export interface LinkedSource {
  readonly cursor: MergeCursor;
  readonly source: MergeSource;
  readonly origin: Origin;
}

/** Sources that have their positions from the same archive. */
export interface Origin {
  readonly members: LinkedSource[];
  /** Files that took the place of links, as the first for those that come behind; by the positions that these may lead to. */
  readonly promoted: Map<number, First>;
}

interface First {
  readonly made: number;
  readonly path: Bytes;
}

/** Gives entries their positions in what is made. */
export class MergeLinks {
  readonly #pathOf: (entry: Entry) => Bytes;
  #position = 0;

  /** Starts at 1; `pathOf` tells the path that an entry has now, valid until it is asked again. */
  constructor(pathOf: (entry: Entry) => Bytes) {
    this.#pathOf = pathOf;
  }

  /** The next position. */
  next(): number {
    return ++this.#position;
  }

  /** What comes in the place of a file: the file, or a link where another name of it was there before. */
  file({ cursor, origin }: LinkedSource, file: Entry): Entry {
    const { position, linkPosition, name } = file, { promoted } = origin;
    if (linkPosition !== undefined) {
      return this.#outside(cursor, origin, file, linkPosition);
    }
    const first = position === undefined || promoted.size === 0
      ? undefined
      : promoted.get(position);
    if (first !== undefined) {
      file.content?.release?.();
      return this.#link(name, first.path, first.made);
    }
    const made = position === undefined ? undefined : this.next();
    if (made !== undefined) cursor.note(file, made, this.#pathOf(file));
    return { ...file, position: made };
  }

  /** What comes in the place of a link: a link, or the file itself where its first does not stay. */
  link(member: LinkedSource, link: Entry): Entry | Promise<Entry> {
    const { name, target, linkPosition } = link;
    const { cursor, origin: { promoted } } = member;
    if (target === undefined || linkPosition === undefined) {
      throw new TypeError(
        `Cannot merge ${cursor.name}: hardlink "${
          showName(this.#pathOf(link))
        }" leads nowhere, expected a target and its position`,
      );
    }
    const first = promoted.size === 0 ? undefined : promoted.get(linkPosition);
    if (first !== undefined) return this.#link(name, first.path, first.made);
    const made = cursor.links.find(linkPosition);
    if (made === undefined) {
      return this.#promote(member, link, target, linkPosition);
    }
    if (!cursor.links.isAt(linkPosition, target)) this.#refuse(cursor, link);
    return this.#link(name, target, made);
  }

  /** A file that is another name of one elsewhere in its archive. */
  #outside(
    cursor: MergeCursor,
    origin: Origin,
    file: Entry,
    outside: number,
  ): Entry {
    const { position, name } = file, { promoted } = origin;
    const path = this.#pathOf(file).slice();
    let first = promoted.get(outside) ?? this.#findElsewhere(origin, file);
    let entry: Entry;
    if (first !== undefined) {
      file.content?.release?.();
      entry = this.#link(name, first.path, first.made);
    } else {
      first = { made: this.next(), path };
      const target = undefined, linkPosition = undefined;
      entry = { ...file, target, position: first.made, linkPosition };
    }
    promoted.set(outside, first);
    if (position !== undefined) {
      // Links behind it lead to where it stood.
      promoted.set(position, first);
      cursor.note(file, first.made, path);
    }
    return entry;
  }

  /** Makes a link what its first was, which was dropped. */
  async #promote(
    { cursor, source, origin }: LinkedSource,
    link: Entry,
    target: Bytes,
    linkPosition: number,
  ): Promise<Entry> {
    const { name } = link, path = this.#pathOf(link).slice();
    const text = `Cannot merge ${cursor.name}: the first link of "${
      showName(path)
    }", "${showName(target)}",`;
    if (source.resolve === undefined) {
      throw new NotFoundError(
        `${text} does not stay, expected it to, or random access to read it`,
      );
    }
    const first = await source.resolve(linkPosition);
    if (first.kind !== "file") {
      throw new FormatError(`${text} is a ${first.kind}, expected a file`);
    }
    const made = this.next();
    origin.promoted.set(linkPosition, { made, path });
    return { ...first, name, position: made, linkPosition: undefined };
  }

  #link(name: Bytes, target: Bytes, linkPosition: number): Entry {
    const position = this.next();
    return makeEntry("hardlink", { name, target, position, linkPosition });
  }

  /** Where the file that another source has as another name of this one went. */
  #findElsewhere({ members }: Origin, file: Entry): First | undefined {
    const { linkPosition, target } = file;
    for (const { cursor, source } of members) {
      const made = cursor.links.find(linkPosition!);
      if (made === undefined || target === undefined) continue;
      const path = source.pathOf === undefined ? target : source.pathOf(target);
      if (path === undefined) continue;
      if (!cursor.links.isAt(linkPosition!, path)) this.#refuse(cursor, file);
      return { made, path };
    }
    return undefined;
  }

  #refuse({ name }: MergeCursor, link: Entry): never {
    throw new FormatError(
      `Cannot merge ${name}: the target of hardlink "${
        showName(this.#pathOf(link))
      }" is "${showName(link.target!)}", expected the path of its first link`,
    );
  }
}
