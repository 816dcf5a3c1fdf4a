/**
 * The folders of a datastore on disk: made as PBS makes them, and looked at as PBS does.
 *
 * @module
 */
import { systemCall } from "@pxar/codec/system_call";
import { PxarError, UnsupportedError } from "@pxar/format/errors";
import { DiskFiles, type FileOptions } from "./disk_files.ts";

/** User and group `backup` of Debian, which PBS runs as. */
export const PBS_OWNER: { readonly uid: number; readonly gid: number } = {
  uid: 34,
  gid: 34,
};
const FOLDERS = 65536;

/** How a datastore is made. */
export interface InitOptions {
  /** Whether all 65,536 chunk folders are made (258 MB on ext4), as PBS needs them; otherwise they come as chunks need them. Made unless told. */
  readonly allFolders?: boolean | undefined;
  /** Who it belongs to; user and group 34 unless told, where root makes it, otherwise whoever makes it. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Told how many of the chunk folders are there, now and then. */
  readonly onProgress?: ((made: number, of: number) => void) | undefined;
  /** Ends the work; what was made stays. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a datastore: `.lock`, `.chunks` and its folders.
 *
 * @param path An empty folder, or one that is still to be made; those above it are there.
 * @param options How much of it.
 * @throws {PxarError} If something is there already.
 * @throws {SystemError} If it cannot be made.
 */
export async function initDatastore(
  path: string,
  options: InitOptions = {},
): Promise<void> {
  const { allFolders = true } = options;
  const isRoot = rootRuns();
  const files = new DiskFiles({
    owner: options.owner ?? (isRoot ? PBS_OWNER : undefined),
    sync: false,
  });
  if (!files.makeFolder(path)) {
    const there = files.list(path);
    if (there === undefined) {
      throw new PxarError(
        `Cannot make datastore ${path}: something else is there, expected nothing or an empty folder`,
      );
    }
    // A file system of its own may have this.
    const other = there.find(({ name }) => name !== "lost+found");
    if (other !== undefined) {
      const what = other.name === ".chunks" || there.some(({ name }) =>
          name === ".chunks"
        )
        ? "it is one already"
        : `the folder is not empty: ${other.name}`;
      throw new PxarError(`Cannot make datastore ${path}: ${what}`);
    }
    systemCall("change mode of", path, () => files.fs.chmodSync(path, 0o755));
    files.own(path);
  }
  files.write(`${path}/.lock`, []);
  files.makeFolder(`${path}/.chunks`, 0o750);
  if (!allFolders) return;
  await makeChunkFolders(files, path, options);
}

/**
 * Makes the chunk folders that a datastore lacks, so that PBS could adopt it.
 *
 * @param path The store's folder.
 * @param options Progress, and what ends the work; what was made stays.
 * @throws {UnsupportedError} If there is no datastore.
 * @throws {SystemError} If a folder cannot be made.
 */
export async function completeDatastore(
  path: string,
  options: Pick<InitOptions, "onProgress" | "signal"> = {},
): Promise<void> {
  const files = new DiskFiles(fileOptionsOf(path, false));
  await makeChunkFolders(files, path, options);
}

async function makeChunkFolders(
  files: DiskFiles,
  path: string,
  { onProgress, signal }: Pick<InitOptions, "onProgress" | "signal">,
): Promise<void> {
  for (let number = 0; number < FOLDERS; number++) {
    files.makeFolder(
      `${path}/.chunks/${number.toString(16).padStart(4, "0")}`,
      0o750,
    );
    if (number % 1024 === 0) {
      onProgress?.(number, FOLDERS);
      await new Promise<void>((resolve) => setTimeout(resolve));
      signal?.throwIfAborted();
    }
  }
  onProgress?.(FOLDERS, FOLDERS);
}

/**
 * What PBS would miss or refuse in a datastore.
 *
 * @param path Its folder.
 * @returns A sentence for each; empty where PBS could adopt it.
 */
export function pbsComplaints(path: string): string[] {
  const files = new DiskFiles({ owner: undefined, sync: false }),
    { fs } = files;
  const complaints: string[] = [];
  const look = (at: string, mode: number, isFolder: boolean): boolean => {
    const stat = systemCall(
      "look at",
      at,
      () => fs.lstatSync(at, { throwIfNoEntry: false }),
    );
    if (stat === undefined || stat.isDirectory() !== isFolder) {
      complaints.push(
        `${at} is missing, expected a ${isFolder ? "folder" : "file"}`,
      );
      return false;
    }
    if ((stat.mode & 0o7777) !== mode) {
      complaints.push(
        `${at} has mode ${(stat.mode & 0o7777).toString(8)}, expected ${
          mode.toString(8)
        }`,
      );
    }
    const { uid, gid } = PBS_OWNER;
    if (stat.uid !== uid || stat.gid !== gid) {
      complaints.push(
        `${at} belongs to ${stat.uid}:${stat.gid}, expected ${uid}:${gid}`,
      );
    }
    return true;
  };
  if (!look(path, 0o755, true)) return complaints;
  look(`${path}/.lock`, 0o644, false);
  if (!look(`${path}/.chunks`, 0o750, true)) return complaints;
  let missing = 0;
  const odd = complaints.length;
  for (let number = 0; number < FOLDERS; number++) {
    const folder = `${path}/.chunks/${number.toString(16).padStart(4, "0")}`;
    if (!files.isFolder(folder)) missing++;
    // One of them says what is wrong with all.
    else if (complaints.length === odd) look(folder, 0o750, true);
  }
  if (missing > 0) {
    complaints.push(
      `${missing} of the ${FOLDERS} folders in ${path}/.chunks are missing`,
    );
  }
  return complaints;
}

/** Whether root runs this program. */
export function rootRuns(): boolean {
  const { process } = globalThis as { process?: { getuid?: () => number } };
  try {
    return process?.getuid?.() === 0;
  } catch {
    // Not permitted here: whoever it is, nothing is given to others.
    return false;
  }
}

/**
 * How files of a store are to be written: by the owner of its folder, where root may give them to him.
 *
 * @param path The store's folder.
 * @param sync Whether each file is on its disk before it gets its name.
 * @throws {UnsupportedError} If there is no datastore.
 * @internal
 */
export function fileOptionsOf(path: string, sync: boolean): FileOptions {
  const files = new DiskFiles({ owner: undefined, sync });
  const stat = systemCall(
    "open datastore",
    path,
    () => files.fs.statSync(path),
  );
  if (!stat.isDirectory() || !files.isFolder(`${path}/.chunks`)) {
    throw new UnsupportedError(
      `Cannot open datastore ${path}: it has no .chunks folder, expected a folder made by "store init" or by PBS`,
    );
  }
  return {
    owner: rootRuns() && (stat.uid !== 0 || stat.gid !== 0)
      ? { uid: stat.uid, gid: stat.gid }
      : undefined,
    sync,
  };
}
