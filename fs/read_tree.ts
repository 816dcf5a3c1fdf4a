/**
 * A directory on disk, as entries.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Batch } from "@pxar/format/entry";
import { type Libc, openLibc } from "@pxar/sys/libc";
import type { Level } from "./place.ts";
import { NativeReader } from "./native_reader.ts";
import {
  type ReadSettings,
  readSettings,
  type ReadTreeOptions,
} from "./read_options.ts";
import { Turns } from "./turns.ts";
import type { Walk } from "./walk.ts";

export type { ReadTreeOptions } from "./read_options.ts";

/**
 * Reads a directory and all below it: depth first, names in the order of their bytes.
 *
 * Goes by the C library where that is Linux's and may be used, otherwise by Deno's own API; what this cannot know is counted in the report. A file's
 * `content` is valid until the next batch is asked for (or is held, see {@linkcode ReadTreeOptions.hold}) and gives exactly as many bytes as the file
 * had when it was opened. `position` and `linkPosition` join hardlinks; `position` is `undefined` where a file has one link.
 *
 * What vanishes or may not be read is left out with a warning, and so is what is mounted below, but for the mount point itself. A file that becomes shorter is
 * filled up with zeros, one that grows is cut, both with a warning: growth is noticed where the reader's memory has a byte to spare, so that asking costs nothing.
 *
 * At most 256 descriptors are open with the usual batch and without `hold`, however deep the tree is. They are closed when the reading ends, also early;
 * only what is held when it has come to its end stays open until it is released.
 *
 * Source: spec J.1 to J.6.
 *
 * @param path The directory; raw bytes, without NUL, where it is not text. A symlink is refused, unless a slash stands behind it.
 * @param options What to read, and how.
 * @returns Batches of entries: the root first, its `end` last. Before them a prelude, behind the root's last child a `.pxarexclude-cli`, if there are patterns to tell.
 * @throws {SystemError} If the directory cannot be opened, or reading fails.
 * @throws {PxarError} If it lies on a virtual file system, has too many entries, or an extended attribute is too large.
 * @throws {RangeError} If an option is out of range, or too many files are held.
 *
 * @example
 * ```ts
 * import { readTree } from "@pxar/fs/read_tree";
 * import { Report } from "@pxar/fs/report";
 *
 * const report = new Report((problem) => console.warn(problem.message));
 * let largest = 0;
 * for await (const batch of readTree("docs", { report })) {
 *   for (const { content } of batch) largest = Math.max(largest, content?.size ?? 0);
 * }
 * console.log(`${report.entries} entries, the largest file has ${largest} bytes`);
 * ```
 */
export function readTree(
  path: string | Bytes,
  options: ReadTreeOptions = {},
): AsyncGenerator<Batch, void, void> {
  const settings = readSettings(options);
  const libc = options.native === false ? undefined : openLibc();
  return read(libc, path, settings, options.signal);
}

/**
 * How many files may be held.
 *
 * @param options `native` as for {@linkcode readTree}.
 * @returns The greatest `hold` for the usual batch: what this process may have open, without what it needs for itself. 0 where that is not known.
 */
export function mostHeld(
  options: Pick<ReadTreeOptions, "native"> = {},
): number {
  const libc = options.native === false ? undefined : openLibc();
  return libc === undefined ? 0 : NativeReader.mostHeld(libc, 64);
}

async function* read(
  libc: Libc | undefined,
  path: string | Bytes,
  settings: ReadSettings,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, void> {
  const walk: Walk<Level> = libc === undefined
    ? await portable(path, settings)
    : new NativeReader(libc, path, settings);
  const turns = new Turns();
  let finished = false;
  try {
    for (;;) {
      if (signal !== undefined) {
        // Nobody can abort what never lets go.
        if (turns.due) await turns.pass();
        signal.throwIfAborted();
      }
      const batch = walk.next();
      if (batch === undefined) break;
      yield batch;
    }
    finished = true;
  } finally {
    walk.close(finished);
  }
}

async function portable(
  path: string | Bytes,
  settings: ReadSettings,
): Promise<Walk<Level>> {
  const { PortableReader } = await import("./portable_reader.ts");
  return await PortableReader.open(path, settings);
}
