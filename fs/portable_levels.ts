/**
 * The directories between the root and the current one, listed by Deno's own API.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { compareNames } from "@pxar/format/name";
import { Level, type Place } from "./place.ts";

const UTF8 = new TextEncoder();

/** A name as Deno takes it, and as it is stored. */
export interface Name {
  readonly text: string;
  readonly bytes: Bytes;
}

/** A directory that Deno's own API knows by its path. */
export class PortableLevel extends Level {
  /** Number of its file system. */
  readonly device: number;
  /** What is in it and wanted. */
  names: readonly Name[] = [];
  readonly #where: string;

  /** Notes where it is; nothing is listed yet. */
  constructor(
    parent: PortableLevel | undefined,
    name: Bytes,
    place: Place,
    where: string,
    info: Deno.FileInfo,
  ) {
    super(parent, name, place);
    this.#where = where;
    this.device = info.dev;
  }

  /** The path that the system takes for a name in it. */
  where(name: string): string {
    return this.#where.endsWith("/")
      ? this.#where + name
      : `${this.#where}/${name}`;
  }
}

/**
 * The names of a directory that are wanted, in the order of their bytes.
 *
 * @param listed What Deno lists.
 * @param level The directory, which the walk is in.
 * @param place Where the walk is.
 * @param onSame Told of names that are left out. Several that are not UTF-8 may look the same: all but one of them cannot be opened.
 */
export function chooseNames(
  listed: Iterable<Deno.DirEntry>,
  level: Level,
  place: Place,
  onSame: (name: Bytes) => void,
): Name[] {
  const names: Name[] = [];
  for (const { name: text, isDirectory } of listed) {
    const bytes = UTF8.encode(text);
    if (level.isOwn(bytes)) continue;
    if (place.isChoosy && !place.wants(bytes, isDirectory)) continue;
    names.push({ text, bytes });
  }
  names.sort((a, b) => compareNames(a.bytes, b.bytes));
  return names.filter(({ bytes }, i) => {
    const isFirst = i === 0 || compareNames(names[i - 1]!.bytes, bytes) !== 0;
    if (!isFirst) onSame(bytes);
    return isFirst;
  });
}
