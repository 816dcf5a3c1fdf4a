/**
 * Opens a datastore in a folder on disk: PBS could adopt it, and reads what is written here.
 *
 * @module
 */
import { openCodecs } from "@pxar/chunk/codecs";
import type { Native } from "@pxar/chunk/native";
import { systemCall } from "@pxar/codec/system_call";
import { ChunkFolder } from "./chunk_folder.ts";
import { Datastore } from "./datastore.ts";
import { fileOptionsOf } from "./datastore_layout.ts";
import { DiskFiles, fileSystem } from "./disk_files.ts";
import { FileLocks } from "./file_locks.ts";
import type { Kernel } from "./kernel.ts";
import { ProcessLock } from "./process_lock.ts";

/**
 * When what is written must be on its disk: `filesystem`: all of it before the manifest gets its name; `file`: each file before it gets its name;
 * `none`: whenever the kernel likes, so that a power cut may take finished snapshots along.
 */
export type SyncLevel = "none" | "file" | "filesystem";

/** How a datastore is opened. */
export interface DatastoreOptions {
  /** Locks that other programs see, and times of access; without, this process must be the only one that uses the store. */
  readonly kernel?: Kernel | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** Its name, which locks are kept under; that of its folder unless told. */
  readonly name?: string | undefined;
  /** Folder for the locks; unless told where PBS looks for them, or `.locks` in the store where that cannot be written. */
  readonly locks?: string | undefined;
  /** When what is written must be on its disk; `filesystem` unless told, which is `file` where there is no kernel. */
  readonly sync?: SyncLevel | undefined;
  /** The clock, milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Time zone that pruning counts hours and days in; that of this machine unless told. */
  readonly timeZone?: string | undefined;
  /** Told once what is not as it should be. */
  readonly onNote?: ((sentence: string) => void) | undefined;
}

/**
 * Opens a datastore.
 *
 * @param path Its folder.
 * @param options What it may use.
 * @returns The open store.
 * @throws {UnsupportedError} If there is none.
 */
export async function openDatastore(
  path: string,
  options: DatastoreOptions = {},
): Promise<Datastore> {
  const { kernel, native, sync = "filesystem", onNote = () => {} } = options;
  const base = systemCall(
    "open datastore",
    path,
    () => fileSystem().realpathSync(path),
  );
  const name = options.name ??
    (base.slice(base.lastIndexOf("/") + 1) || "store");
  const isEach = sync === "file" ||
    (sync === "filesystem" && kernel === undefined);
  const files = new DiskFiles({
    ...fileOptionsOf(base, isEach),
    syncWhole: sync !== "none",
  });
  const place = { base, name, folder: options.locks };
  return new Datastore({
    location: base,
    name,
    files,
    chunks: new ChunkFolder(base, files, kernel),
    lock: ProcessLock.of(base),
    locks: kernel === undefined
      ? FileLocks.within(base)
      : FileLocks.open(kernel, files, place, onNote),
    kernel,
    direct: {
      base,
      ...files.options,
      kernel: kernel?.module,
      native: native?.module,
    },
    sync: sync === "filesystem" ? () => kernel?.syncFileSystem(base) : () => {},
    codecs: await openCodecs(native),
    now: options.now ?? Date.now,
    timeZone: options.timeZone,
  });
}
