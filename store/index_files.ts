// Every index file of a store, wherever it lies: what garbage collection must not miss.
import { PxarError, SystemError } from "@pxar/format/errors";
import type { Datastore } from "./datastore.ts";

/** What was found. */
export interface IndexList {
  /** Where index files lie, newest snapshots of a group first. */
  readonly paths: readonly string[];
  /** Whether nothing vanished while it was looked at. */
  readonly isWhole: boolean;
}

/** How a store is looked through. */
export interface ListIndexesOptions {
  /** Folders that are passed over. */
  readonly except?: ReadonlySet<string> | undefined;
  /** Told of what was passed over although it might hold some. */
  readonly warn?: ((sentence: string) => void) | undefined;
}

/**
 * Lists the index files of a store.
 *
 * @param store What is looked through; names that begin with a dot are passed over, and symlinks.
 * @param options What is left out.
 * @throws {PxarError} If there is another store within.
 * @throws {SystemError} If a folder cannot be read.
 */
export function listIndexes(
  { files, location }: Datastore,
  options: ListIndexesOptions = {},
): IndexList {
  const { except, warn } = options;
  const paths: string[] = [], waiting = [location];
  let isWhole = true;
  while (waiting.length > 0) {
    const folder = waiting.pop()!;
    if (except?.has(folder)) continue;
    let names;
    try {
      names = files.list(folder);
    } catch (error) {
      // Every ext file system has this one, which nobody but root may read.
      const isUsual = folder === `${location}/lost+found`;
      if (!(isUsual && error instanceof SystemError)) throw error;
      warn?.(`${folder} is passed over: ${error.message}`);
      continue;
    }
    if (names === undefined) isWhole = false;
    const within: string[] = [];
    for (const one of names ?? []) {
      const path = `${folder}/${one.name}`;
      if (one.isDirectory()) {
        if (one.name === ".chunks" && folder !== location) {
          throw new PxarError(
            `Cannot collect garbage in ${location}: there is another store in ${folder}`,
          );
        }
        if (!one.name.startsWith(".")) within.push(path);
      } else if (
        one.isFile() && !one.name.startsWith(".") &&
        /\.[fd]idx$/.test(one.name)
      ) paths.push(path);
    }
    // Taken from the end: the greatest name first, which is the newest snapshot.
    waiting.push(...within.sort());
  }
  return { paths, isWhole };
}
