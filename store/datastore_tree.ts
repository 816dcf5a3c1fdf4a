// What lies in a datastore on disk: namespaces, groups, snapshots, and the small files beside them.
import type { Codecs } from "@pxar/chunk/codecs";
import {
  FormatError,
  IntegrityError,
  NotFoundError,
  PxarError,
} from "@pxar/format/errors";
import {
  CLIENT_LOG_NAME,
  isDataFile,
  MANIFEST_NAME,
  PROTECTED_NAME,
} from "./archive_name.ts";
import { authIdText, parseOwner } from "./auth_id.ts";
import { type Files, readText } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import { readManifestBlob } from "./manifest_blob.ts";
import { keyFingerprintOf, notesOf, verifyStateOf } from "./unprotected.ts";
import {
  MAX_NAMESPACE_DEPTH,
  namespaceChild,
  namespaceDepth,
  namespacePath,
} from "./namespace.ts";
import { isSafeId } from "./safe_id.ts";
import { parseBackupTime } from "./backup_time.ts";
import {
  BACKUP_TYPES,
  compareGroups,
  type GroupName,
  groupPath,
  groupText,
  type SnapshotName,
  snapshotPath,
  snapshotText,
} from "./snapshot.ts";
import type { FileListing, GroupInfo, SnapshotInfo } from "./store.ts";

/** Greatest length of a manifest's file, of notes and of an owner's file, bytes. */
const MOST_MANIFEST = 32 << 20, MOST_NOTES = 1 << 20, MOST_OWNER = 4096;

/** Reads a store's folders. */
export class DatastoreTree {
  readonly #base: string;
  readonly #files: Files;
  readonly #codecs: Codecs;

  constructor(base: string, files: Files, codecs: Codecs) {
    this.#base = base;
    this.#files = files;
    this.#codecs = codecs;
  }

  /** A namespace's folder. */
  namespaceFolder(namespace: string): string {
    const path = namespacePath(namespace);
    return path === "" ? this.#base : `${this.#base}/${path}`;
  }

  /** A group's folder. */
  groupFolder(group: GroupName): string {
    return `${this.#base}/${groupPath(group)}`;
  }

  /** A snapshot's folder. */
  snapshotFolder(snapshot: SnapshotName): string {
    return `${this.#base}/${snapshotPath(snapshot)}`;
  }

  /** A namespace and those below it, depth first. */
  namespaces(parent: string, maxDepth: number): string[] {
    this.needNamespace(parent);
    const found: string[] = [];
    const most = Math.min(
      MAX_NAMESPACE_DEPTH,
      namespaceDepth(parent) + maxDepth,
    );
    const waiting = [parent];
    while (waiting.length > 0) {
      const namespace = waiting.pop()!;
      found.push(namespace);
      if (namespaceDepth(namespace) >= most) continue;
      const children =
        (this.#files.list(`${this.namespaceFolder(namespace)}/ns`) ?? [])
          .filter((one) => one.isDirectory())
          .flatMap((one) =>
            unlessWrong(() => namespaceChild(namespace, one.name)) ?? []
          )
          .sort();
      waiting.push(...children.reverse());
    }
    return found;
  }

  /** @throws {NotFoundError} If there is no such namespace. */
  needNamespace(namespace: string): void {
    if (!this.#files.isFolder(this.namespaceFolder(namespace))) {
      throw new NotFoundError(
        `Cannot open namespace ${namespace}: it is not in the store`,
      );
    }
  }

  /** @throws {NotFoundError} If there is no such group. */
  needGroup(group: GroupName): void {
    if (!this.#files.isFolder(this.groupFolder(group))) {
      throw new NotFoundError(
        `Cannot open group ${groupText(group)}: it is not in the store`,
      );
    }
  }

  /** @throws {NotFoundError} If there is no such snapshot. */
  needSnapshot(snapshot: SnapshotName): void {
    if (!this.#files.isFolder(this.snapshotFolder(snapshot))) {
      throw new NotFoundError(
        `Cannot open snapshot ${
          snapshotText(snapshot)
        }: it is not in the store`,
      );
    }
  }

  /** Groups of a namespace, in order. */
  groups(namespace: string): GroupName[] {
    this.needNamespace(namespace);
    const found: GroupName[] = [];
    for (const type of BACKUP_TYPES) {
      for (
        const one
          of this.#files.list(`${this.namespaceFolder(namespace)}/${type}`) ??
            []
      ) {
        if (one.isDirectory() && isSafeId(one.name)) {
          found.push({ namespace, type, id: one.name });
        }
      }
    }
    return found.sort(compareGroups);
  }

  /** Snapshots of a group, oldest first. */
  snapshots(group: GroupName): SnapshotName[] {
    const found: SnapshotName[] = [];
    const { namespace, type, id } = group;
    for (const one of this.#files.list(this.groupFolder(group)) ?? []) {
      const time = one.isDirectory()
        ? unlessWrong(() => parseBackupTime(one.name))
        : undefined;
      if (time !== undefined) found.push({ namespace, type, id, time });
    }
    return found.sort((a, b) => a.time - b.time);
  }

  /** Whether a snapshot has a manifest. */
  isFinished(snapshot: SnapshotName): boolean {
    return this.#files.isFile(
      `${this.snapshotFolder(snapshot)}/${MANIFEST_NAME}`,
    );
  }

  /** Whether a snapshot is kept from removal. */
  isProtected(snapshot: SnapshotName): boolean {
    return this.#files.isFile(
      `${this.snapshotFolder(snapshot)}/${PROTECTED_NAME}`,
    );
  }

  /** Names of a snapshot's data files. */
  dataFiles(snapshot: SnapshotName): string[] {
    return (this.#files.list(this.snapshotFolder(snapshot)) ?? [])
      .filter((one) => one.isFile() && isDataFile(one.name))
      .map((one) => one.name).sort();
  }

  /** A group's owner; `undefined` where it cannot be read. */
  owner(group: GroupName): string | undefined {
    const path = `${this.groupFolder(group)}/owner`;
    return unlessWrong(() => {
      const text = readText(this.#files, path, MOST_OWNER);
      return text && authIdText(parseOwner(text));
    });
  }

  /** A group's notes. */
  groupNotes(group: GroupName): string {
    return readText(
      this.#files,
      `${this.groupFolder(group)}/notes`,
      MOST_NOTES,
    ) ?? "";
  }

  /**
   * A snapshot's manifest.
   *
   * @throws {NotFoundError} If there is none.
   */
  async manifest(snapshot: SnapshotName): Promise<Manifest> {
    const path = `${this.snapshotFolder(snapshot)}/${MANIFEST_NAME}`;
    const blob = this.#files.read(path, MOST_MANIFEST);
    if (blob === undefined) {
      this.needSnapshot(snapshot);
      throw new NotFoundError(
        `Cannot read the manifest of ${
          snapshotText(snapshot)
        }: there is none, the snapshot is not finished`,
      );
    }
    try {
      return await readManifestBlob(blob, this.#codecs);
    } catch (cause) {
      throw ofManifest(snapshot, cause);
    }
  }

  /** What a listing says of a group. */
  groupInfo(group: GroupName): GroupInfo {
    const all = this.snapshots(group);
    const finished = all.filter((one) => this.isFinished(one));
    const last = finished.at(-1);
    const shown = last ?? (all.length === 1 ? all[0] : undefined);
    return {
      group,
      owner: this.owner(group),
      notes: this.groupNotes(group),
      lastBackup: last?.time ?? 0,
      count: finished.length,
      files: shown === undefined ? [] : this.dataFiles(shown),
    };
  }

  /** What a listing says of a snapshot. */
  async snapshotInfo(snapshot: SnapshotName): Promise<SnapshotInfo> {
    const owner = this.owner(snapshot);
    const isProtected = this.isProtected(snapshot);
    const names = this.dataFiles(snapshot);
    let manifest: Manifest;
    try {
      manifest = await this.manifest(snapshot);
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      return {
        snapshot,
        finished: false,
        files: names.map((name) => ({
          name,
          cryptMode: undefined,
          size: undefined,
        })),
        size: undefined,
        owner,
        notes: "",
        fingerprint: undefined,
        verification: undefined,
        protected: isProtected,
      };
    }
    const stored = this.#files.size(
      `${this.snapshotFolder(snapshot)}/${MANIFEST_NAME}`,
    ) ?? 0;
    const listed: FileListing[] = manifest.files.map((
      { name, cryptMode, size },
    ) => ({ name, cryptMode, size }));
    const known = new Set([
      ...listed.map(({ name }) => name),
      MANIFEST_NAME,
    ]);
    const files: FileListing[] = [
      ...listed,
      {
        name: MANIFEST_NAME,
        cryptMode: manifest.signature === undefined ? "none" : "sign-only",
        size: stored,
      },
      ...names.filter((name) => !known.has(name)).map((name) => ({
        name,
        cryptMode: undefined,
        size: undefined,
      })),
    ];
    return {
      snapshot,
      finished: true,
      files,
      size: files.reduce((sum, { size }) => sum + (size ?? 0), 0),
      owner,
      notes: unlessWrong(() => notesOf(manifest)) ?? "",
      fingerprint: unlessWrong(() => keyFingerprintOf(manifest)),
      verification: unlessWrong(() => verifyStateOf(manifest)),
      protected: isProtected,
    };
  }

  /** Whether the client's log lies beside a snapshot. */
  hasLog(snapshot: SnapshotName): boolean {
    return this.#files.isFile(
      `${this.snapshotFolder(snapshot)}/${CLIENT_LOG_NAME}`,
    );
  }
}

/** What else lies in a store is passed over, as PBS does. */
function unlessWrong<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof PxarError) return undefined;
    throw error;
  }
}

/** What is wrong with a manifest, said of its snapshot. */
function ofManifest(snapshot: SnapshotName, cause: unknown): unknown {
  const why = cause instanceof Error ? cause.message : "";
  const message = `Cannot read the manifest of ${snapshotText(snapshot)}: ${
    why.replace(/^Cannot \w+ (?:blob|manifest): /, "")
  }`;
  if (cause instanceof FormatError) {
    const { offset } = cause, Kind = cause.constructor as typeof FormatError;
    return new Kind(message, { offset, cause });
  }
  if (!(cause instanceof IntegrityError)) return cause;
  const { expected, actual } = cause;
  return new IntegrityError(message, { expected, actual, cause });
}
