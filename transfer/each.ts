/**
 * From a function on one entry to a filter of the stream.
 *
 * @module
 */
import type { Batch, Batches, Entry, EntryKind } from "@pxar/format/entry";

/**
 * Applies a function to every entry.
 *
 * @param batches The entries.
 * @param filter Gives what takes an entry's place, or `undefined` to drop it. With a directory all that is in it is dropped, up to its end, and not asked about.
 * An end is never dropped but with its directory: `undefined` leaves it as it is.
 * @returns The entries that are left, in batches that are never empty. Contents that are held are released where their entries are dropped.
 * @throws {TypeError} If the filter puts anything else in the place of a directory or an end, or one of them in the place of anything else.
 *
 * @example
 * ```ts
 * import { type Batches, makeEntry } from "@pxar/format/entry";
 * import { each } from "@pxar/transfer/each";
 *
 * const batches: Batches = [[makeEntry("directory"), makeEntry("fifo"), makeEntry("end")]];
 * const owned = each(batches, (entry) => ({ ...entry, uid: 1000, gid: 1000 }));
 * const plain = each(owned, (entry) => entry.kind === "fifo" ? undefined : entry);
 * for await (const batch of plain) console.assert(batch.length === 2);
 * ```
 */
export async function* each(
  batches: Batches,
  filter: (entry: Entry) => Entry | undefined,
): AsyncGenerator<Batch, void, void> {
  // How many directories are open from the dropped one on.
  let dropped = 0;
  for await (const batch of batches) {
    const kept: Entry[] = [];
    for (const entry of batch) {
      if (dropped > 0) {
        if (entry.kind === "directory") dropped++;
        else if (entry.kind === "end") dropped--;
        entry.content?.release?.();
        continue;
      }
      const made = filter(entry);
      if (made !== undefined) {
        if (made.kind !== entry.kind) checkKinds(entry.kind, made.kind);
        kept.push(made);
      } else if (entry.kind === "end") {
        kept.push(entry);
      } else {
        if (entry.kind === "directory") dropped = 1;
        entry.content?.release?.();
      }
    }
    if (kept.length > 0) yield kept;
  }
}

function checkKinds(before: EntryKind, after: EntryKind): void {
  for (const kind of ["directory", "end"]) {
    if (before === kind || after === kind) {
      throw new TypeError(
        `Cannot put ${after} in the place of ${before}: the tree would break`,
      );
    }
  }
}
