// Stores for tests of commands: with names of their own, because locks are kept under these.
import type { Datastore } from "@pxar/store/datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import { openDatastore } from "@pxar/store/open_datastore";
import { makeSnapshot } from "../store/contract.ts";
import { kernel } from "../store/stores.ts";
import { unpackStore } from "../support/official_store.ts";
import { inFolder, pxar, type Ran, type RunOptions } from "./run.ts";

/** Where PBS keeps its locks. */
const LOCKS = "/run/proxmox-backup/locks";

/** A store, and the program at work on it. */
export interface StorePlace {
  /** The folder around it, which is the working directory. */
  readonly folder: string;
  /** Its folder. */
  readonly path: string;
  /** Its name. */
  readonly name: string;
  /** The store, open in this process. */
  readonly store: Datastore;
  /** Runs the program; the line is split at spaces. */
  readonly run: (line: string, options?: RunOptions) => Promise<Ran>;
  /** Runs the program; each word is one. */
  readonly runWords: (
    words: readonly string[],
    options?: RunOptions,
  ) => Promise<Ran>;
}

/**
 * Makes a store, for the time of `work`.
 *
 * @param official The official one to be unpacked; an empty one unless told.
 */
export async function inStore(
  work: (place: StorePlace) => Promise<void>,
  official?: string,
): Promise<void> {
  await inFolder(async (folder) => {
    const name = folder.slice(folder.lastIndexOf("/") + 1);
    const path = `${folder}/${name}`;
    if (official === undefined) {
      await initDatastore(path, { allFolders: false });
    } else await Deno.rename(await unpackStore(official, folder), path);
    // Where locks lie in the store itself, that has been said.
    if (!isRoot()) await Deno.mkdir(`${path}/.locks`);
    const env = {
      PBS_REPOSITORY: path,
      XDG_CONFIG_HOME: `${folder}/config`,
      XDG_CONFIG_DIRS: `${folder}/xdg`,
    };
    const runWords = (words: readonly string[], options: RunOptions = {}) =>
      pxar(words, { cwd: folder, ...options, env: { ...env, ...options.env } });
    try {
      await work({
        folder,
        path,
        name,
        store: await openDatastore(path, { kernel, sync: "none" }),
        run: (line, options) => runWords(line.split(" "), options),
        runWords,
      });
    } finally {
      await Deno.remove(`${LOCKS}/${name}`, { recursive: true }).catch(
        () => {},
      );
    }
  });
}

/** Whether root runs the tests, for whom locks lie where PBS looks for them. */
export function isRoot(): boolean {
  return Deno.build.os !== "windows" && Deno.uid() === 0;
}

/** Some seconds of November 2023, as in the official stores. */
export const TIME = 1_700_000_000;

/** Makes snapshots of `host/h1`, a day apart, from 2023-11-14T22:13:20Z on; gives their texts. */
export async function makeDays(
  store: Datastore,
  days: number,
  namespace = "",
): Promise<string[]> {
  const texts: string[] = [];
  for (let day = 0; day < days; day++) {
    const time = TIME + day * 86_400;
    await makeSnapshot(store, { namespace, type: "host", id: "h1", time });
    texts.push(
      `host/h1/${new Date(time * 1000).toISOString().replace(".000", "")}`,
    );
  }
  return texts;
}
