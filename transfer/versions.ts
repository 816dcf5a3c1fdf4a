/**
 * Which versions there are of what was found in many snapshots.
 *
 * @module
 */
import type { CatalogKind } from "@pxar/codec/catalog";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { compareNames } from "@pxar/format/name";
import {
  type GroupName,
  groupPath,
  sameSnapshot,
  type SnapshotName,
} from "@pxar/store/snapshot";
import type { SnapshotHit } from "./find_snapshots.ts";

/** One version of an entry. */
export interface Version {
  /** The group of its snapshots. */
  readonly group: GroupName;
  /** The archive it is in, such as `root.pxar`. */
  readonly archive: string;
  /** Path from the root of the archive, without leading slash. */
  readonly path: Bytes;
  /** What it is. */
  readonly kind: CatalogKind;
  /** Length of a file, bytes; else `undefined`. */
  readonly size: number | undefined;
  /** Time of a file's last change, whole seconds since 1970; else `undefined`. */
  readonly mtime: number | undefined;
  /** A symlink's target; `undefined` where a catalog was read. */
  readonly target: Bytes | undefined;
  /** The snapshots that have it, in the order in which they were looked through; those between which there is none without it are together. */
  readonly runs: readonly (readonly SnapshotName[])[];
  /** How many snapshots of the group were looked through. */
  readonly of: number;
}

interface Kept {
  readonly hit: SnapshotHit;
  /** Numbers of the first and the last snapshot of each run. */
  readonly runs: number[];
}

/**
 * Gathers hits of many snapshots: what is the same in several of them is one version. Files are told apart by size and whole seconds of time, symlinks by
 * target, all else by nothing but what it is.
 *
 * Memory grows with the number of versions, not with that of snapshots that have them.
 *
 * @example
 * ```ts
 * import { showName } from "@pxar/format/name";
 * import type { GroupName } from "@pxar/store/snapshot";
 * import type { Store } from "@pxar/store/store";
 * import { findInSnapshots, newestFirst } from "@pxar/transfer/find_snapshots";
 * import { Versions } from "@pxar/transfer/versions";
 *
 * async function printVersions(store: Store, group: GroupName) {
 *   const versions = new Versions();
 *   const onDone = versions.passed;
 *   for await (const page of findInSnapshots(store, newestFirst(store, group), { onDone })) {
 *     for (const hit of page) versions.add(hit);
 *   }
 *   for (const { path, size, runs } of versions.all()) console.log(showName(path), size, runs.flat().length);
 * }
 * ```
 */
export class Versions {
  readonly #passed: SnapshotName[] = [];
  readonly #kept: Map<string, Kept> = new Map();
  /** How many snapshots were looked through, of each group. */
  readonly #counts: Map<string, number> = new Map();

  /** Takes a hit. Those of one snapshot come one after the other. */
  add(hit: SnapshotHit): void {
    this.passed(hit.snapshot);
    const now = this.#passed.length - 1, key = keyOf(hit);
    const kept = this.#kept.get(key);
    if (kept === undefined) {
      const { snapshot, archive, path, name, kind, size, mtime } = hit;
      const entry = kind === "symlink" ? hit.entry : undefined;
      this.#kept.set(key, {
        hit: { snapshot, archive, path, name, kind, size, mtime, entry },
        runs: [now, now],
      });
      return;
    }
    const { runs } = kept, last = runs.at(-1)!;
    if (last === now) return; // A name that comes twice.
    if (last === now - 1) runs[runs.length - 1] = now;
    else runs.push(now, now);
  }

  /** Takes note of a snapshot that was looked through, with or without hits. */
  readonly passed = (snapshot: SnapshotName): void => {
    const last = this.#passed.at(-1);
    if (last !== undefined && sameSnapshot(last, snapshot)) return;
    this.#passed.push(snapshot);
    const group = groupPath(snapshot);
    this.#counts.set(group, (this.#counts.get(group) ?? 0) + 1);
  };

  /**
   * Yields all versions: groups in the order in which they were looked through, in each by archive and path, what was found first before what was found later.
   */
  *all(): Generator<Version, void, void> {
    const places = new Map(
      [...this.#counts.keys()].map((one, at) => [one, at]),
    );
    const sorted = [...this.#kept.values()].map((kept, found) => ({
      kept,
      found,
      place: places.get(groupPath(kept.hit.snapshot))!,
    })).sort((a, b) =>
      a.place - b.place ||
      compareTexts(a.kept.hit.archive, b.kept.hit.archive) ||
      compareNames(a.kept.hit.path, b.kept.hit.path) || a.found - b.found
    );
    for (const { kept } of sorted) yield this.#version(kept);
  }

  #version({ hit, runs }: Kept): Version {
    const { namespace, type, id } = hit.snapshot;
    const told: SnapshotName[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      told.push(this.#passed.slice(runs[i], runs[i + 1]! + 1));
    }
    return {
      group: { namespace, type, id },
      archive: hit.archive,
      path: hit.path,
      kind: hit.kind,
      size: hit.size,
      mtime: hit.kind === "file" ? hit.mtime : undefined,
      target: hit.entry?.target,
      runs: told,
      of: this.#counts.get(groupPath(hit.snapshot))!,
    };
  }
}

function keyOf(hit: SnapshotHit): string {
  const { snapshot, archive, path, kind, size, mtime, entry } = hit;
  const { namespace, type, id } = snapshot;
  return JSON.stringify([
    namespace,
    type,
    id,
    archive,
    path.toHex(),
    kind,
    size,
    kind === "file" ? mtime : undefined,
    kind === "symlink" ? (entry?.target ?? NO_BYTES).toHex() : undefined,
  ]);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
