/**
 * The archives of a snapshot, by the names that users say.
 *
 * @module
 */
import { NotFoundError } from "@pxar/format/errors";
import {
  type ArchiveFiles,
  CATALOG_NAME,
  MANIFEST_NAME,
  parseArchiveName,
} from "@pxar/store/archive_name";
import { shown } from "@pxar/store/shown";
import { snapshotText } from "@pxar/store/snapshot";
import type { OpenSnapshot } from "@pxar/transfer/open";

/** Most names that an error tells. */
const MOST = 20;

/** What a snapshot has. */
export interface SnapshotArchives {
  /** Names of its archives, split or not: each `NAME.pxar`. */
  readonly trees: readonly string[];
  /** All that can be asked for: archives, disks, other files; the catalog and the manifest are not named. */
  readonly all: readonly string[];
}

/**
 * What a snapshot has.
 *
 * @param snapshot The snapshot.
 * @returns Names, in the manifest's order.
 */
export function archivesOf(
  { manifest }: Pick<OpenSnapshot, "manifest">,
): SnapshotArchives {
  const trees: string[] = [], all: string[] = [];
  const names = manifest.files.map(({ name }) => name);
  for (const name of names) {
    const { client, content } = parseArchiveName(name);
    if (content === "payload" || name === CATALOG_NAME) continue;
    const whole = client.replace(/\.mpxar$/, ".pxar");
    // Beside an archive of the same name, a split one is named by its half.
    const isHidden = content === "metadata" && names.includes(`${whole}.didx`);
    all.push(isHidden ? client : whole);
    if (content === "pxar" || content === "metadata") trees.push(all.at(-1)!);
  }
  return { trees, all };
}

/**
 * Finds the files that make up an archive.
 *
 * @param snapshot The snapshot.
 * @param name As it was typed.
 * @returns One file, or the two of a split archive.
 * @throws {NotFoundError} If it is not there; says what is.
 * @throws {FormatError} If it is no archive name.
 */
export function findFiles(snapshot: OpenSnapshot, name: string): ArchiveFiles {
  try {
    return snapshot.resolve(name);
  } catch (cause) {
    if (!(cause instanceof NotFoundError)) throw cause;
    throw new NotFoundError(
      `Cannot find ${shown(name)} in ${
        snapshotText(snapshot.snapshot)
      }: its manifest does not list it, expected ${expected(snapshot)}`,
      { cause },
    );
  }
}

/**
 * What can be asked for, for an error.
 *
 * @param snapshot The snapshot.
 * @returns Such as `one of root.pxar, fw.conf`.
 */
export function expected(snapshot: Pick<OpenSnapshot, "manifest">): string {
  const { all } = archivesOf(snapshot);
  if (all.length === 0) return MANIFEST_NAME.replace(/\.blob$/, "");
  const more = all.length > MOST ? `, and ${all.length - MOST} more` : "";
  return `one of ${all.slice(0, MOST).join(", ")}${more}`;
}
