/**
 * A tree at another place.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  type Batch,
  type Batches,
  type Entry,
  makeEntry,
} from "@pxar/format/entry";
import { joinPath } from "@pxar/format/name";
import type { Metadata } from "@pxar/format/metadata";
import { lastOf, namesOf, parentOf, treePath } from "./tree_path.ts";

/** How what is missing is made. */
export interface GraftOptions {
  /**
   * Gives the metadata of a directory that leads to the place; empty is the path of the root. Where it gives none, a directory is
   * 0755 and has owner and time of what is put there.
   */
  readonly metadata?:
    | ((path: Bytes) => Metadata | undefined | Promise<Metadata | undefined>)
    | undefined;
}

/**
 * Puts a tree at a place of a new tree, which consists of nothing else but the directories that lead there. Targets of hardlinks follow.
 *
 * @param batches The tree; or one entry alone that is no directory. Version and prelude are passed on before the new root.
 * @param path Where its root is to be, or the entry; a string stands for its UTF-8. Empty components and "." are passed over; empty changes nothing.
 * @param options Metadata of the directories that lead there.
 * @returns The new tree, in batches that are never empty.
 * @throws {TypeError} If the path has a component "..", or an entry alone is to be the root.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { graft } from "@pxar/transfer/graft";
 *
 * const batches: Batches = [[makeEntry("directory", { mode: 0o40700 }), makeEntry("end")]];
 * const names: string[] = [];
 * for await (const batch of graft(batches, "/srv/www")) {
 *   for (const { name } of batch) names.push(new TextDecoder().decode(name));
 * }
 * console.assert(names.join() === ",srv,www,,,");
 * ```
 */
export async function* graft(
  batches: Batches,
  path: string | Bytes,
  options: GraftOptions = {},
): AsyncGenerator<Batch, void, void> {
  const place = treePath(path);
  let open = 0;
  let begun = false;
  for await (const batch of batches) {
    const moved: Entry[] = [];
    for (const entry of batch) {
      if (!begun && entry.kind !== "version" && entry.kind !== "prelude") {
        begun = true;
        if (place.length === 0) checkRoot(entry);
        else {
          const made = await leading(place, entry, options);
          open = made.length;
          moved.push(...made, { ...entry, name: lastOf(place) });
          continue;
        }
      }
      moved.push(
        entry.kind === "hardlink" && entry.target !== undefined
          ? { ...entry, target: joinPath(place, entry.target) }
          : entry,
      );
    }
    yield moved;
  }
  if (open > 0) yield Array.from({ length: open }, () => makeEntry("end"));
}

/** The directories that lead to a place, the root first. */
async function leading(
  place: Bytes,
  { uid, gid, secs, nanos }: Entry,
  { metadata }: GraftOptions,
): Promise<Entry[]> {
  const made: Entry[] = [];
  let path = place.subarray(0, 0);
  for (const name of [path, ...namesOf(parentOf(place))]) {
    path = joinPath(path, name);
    const usual: Metadata = {
      mode: 0o40755,
      uid,
      gid,
      secs,
      nanos,
      flags: 0,
      attributes: undefined,
    };
    made.push(
      makeEntry("directory", { ...(await metadata?.(path) ?? usual), name }),
    );
  }
  return made;
}

function checkRoot({ kind }: Entry): void {
  if (kind !== "directory") {
    throw new TypeError(
      `Cannot make a ${kind} the root of a tree: expected a directory`,
    );
  }
}
