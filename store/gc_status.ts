/**
 * What a garbage collection found, as PBS keeps it in a store's `.gc-status`.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { parseAuthId } from "./auth_id.ts";
import type { Datastore } from "./datastore.ts";
import { readText } from "./files.ts";
import { thisTask } from "./this_task.ts";
import { upidText } from "./upid.ts";

/** What a collection found and removed. */
export interface GcCounts {
  /** Index files that were read. */
  readonly indexFiles: number;
  /** Length of the archives that they stand for, bytes. */
  readonly indexBytes: number;
  /** Chunks that are in use. */
  readonly diskChunks: number;
  /** Length of their blobs, bytes. */
  readonly diskBytes: number;
  /** Chunks that are gone. */
  readonly removedChunks: number;
  /** Length of their blobs, bytes. */
  readonly removedBytes: number;
  /** Chunks that no index needs, but that were used too lately to be removed: a writer may count on them. */
  readonly pendingChunks: number;
  /** Length of their blobs, bytes. */
  readonly pendingBytes: number;
  /** Bad chunks that are gone. */
  readonly removedBad: number;
  /** Bad chunks that stay. */
  readonly stillBad: number;
  /** Snapshots that nobody finished, which are gone. */
  readonly removedSnapshots: number;
  /** Files that never got their names, which are gone. */
  readonly removedTemporaries: number;
  /** Digests that were met lately when they were met again. */
  readonly cacheHits: number;
  /** Digests that were not. */
  readonly cacheMisses: number;
}

/** What a collection was, and what it found and removed. */
export interface GcStatus extends GcCounts {
  /** When it began, seconds since 1970. */
  readonly startTime: number;
  /** Who collected. */
  readonly user: string;
}

const NAME = ".gc-status", LIMIT = 1 << 16;

/**
 * A status as PBS tells it.
 *
 * @param status What a collection found and removed.
 * @returns Members of a JSON object.
 */
export function gcStatusMembers(
  status: GcStatus,
): Record<string, number | Record<string, number>> {
  return {
    "index-file-count": status.indexFiles,
    "index-data-bytes": status.indexBytes,
    "disk-bytes": status.diskBytes,
    "disk-chunks": status.diskChunks,
    "removed-bytes": status.removedBytes,
    "removed-chunks": status.removedChunks,
    "pending-bytes": status.pendingBytes,
    "pending-chunks": status.pendingChunks,
    "removed-bad": status.removedBad,
    "still-bad": status.stillBad,
    "cache-stats": { hits: status.cacheHits, misses: status.cacheMisses },
  };
}

/** Keeps the status in its store. */
export function writeGcStatus(store: Datastore, status: GcStatus): void {
  const upid = thisTask(
    "garbage_collection",
    store.name,
    parseAuthId(status.user),
    status.startTime,
  );
  const text = JSON.stringify({
    upid: upidText(upid),
    ...gcStatusMembers(status),
  });
  store.files.write(`${store.location}/${NAME}`, [
    new TextEncoder().encode(text),
  ]);
}

/**
 * What the last collection left in a store.
 *
 * @param store Where it was.
 * @returns The members of its JSON object, as they are; `undefined` where there never was one.
 * @throws {FormatError} If it is no JSON object.
 */
export function readGcStatus(
  store: Datastore,
): Readonly<Record<string, unknown>> | undefined {
  const text = readText(store.files, `${store.location}/${NAME}`, LIMIT);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`Cannot read ${NAME}: it is no JSON`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new FormatError(`Cannot read ${NAME}: it is no JSON object`);
}
