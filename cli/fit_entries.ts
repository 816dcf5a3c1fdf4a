/**
 * An archive's entries as an archive of the other form takes them.
 *
 * @module
 */
import type { Batch } from "@pxar/format/entry";
import { convert, readExcludeList } from "@pxar/transfer/convert";
import type { OpenArchive } from "./open_archive.ts";
import type { Voice } from "./voice.ts";

/**
 * An archive's entries, with the list of what was left out where it belongs: in a prelude of a split archive, in a file otherwise.
 *
 * @param archive Read in order. Where it cannot be read from any place, too, its list stays a file.
 * @param split Whether they are for a split archive.
 * @param voice Says what has no place there.
 */
export async function* fitEntries(
  archive: OpenArchive,
  split: boolean,
  voice: Voice,
): AsyncGenerator<Batch, void, void> {
  const list = split && archive.isAnywhere
    ? await readExcludeList(await archive.accessor())
    : undefined;
  yield* convert(archive.entries(), {
    split,
    list,
    owner: { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 },
    onNote: (sentence) => voice.note(`${archive.shown}: ${sentence}`),
  });
}
