/**
 * What a garbage collection says, in the form of the official server's log.
 *
 * @module
 */
import type { Datastore } from "@pxar/store/datastore";
import { type GcStatus, gcStatusMembers } from "@pxar/store/gc_status";
import { byteText } from "./listing.ts";
import { utcText } from "./show.ts";
import type { JsonValue } from "./table.ts";

/**
 * What is said at its beginning.
 *
 * @param store What is collected from.
 * @param cutoff How long a chunk must not have been used, seconds.
 * @returns Lines, without the last one's end.
 */
export function gcStart(store: Datastore, cutoff: number): string {
  const before = Math.floor(store.now() / 1000) - cutoff;
  return `starting garbage collection on store ${store.name}
Using access time cutoff ${spanText(cutoff)}, minimum access time is ${
    utcText(before)
  }`;
}

/**
 * What is said at its end.
 *
 * @param status What it found and removed.
 * @param warnings How many there were.
 * @returns Lines.
 */
export function gcEnd(status: GcStatus, warnings: number): string {
  const { indexBytes, diskBytes, diskChunks, cacheHits, cacheMisses } = status;
  const ratio = (part: number, of: number): string =>
    of === 0 ? "0.00%" : `${(100 * part / of).toFixed(2)}%`;
  const lines = [
    `Chunk cache: hits ${cacheHits}, misses ${cacheMisses} (hit ratio ${
      ratio(cacheHits, cacheHits + cacheMisses)
    })`,
    `Removed garbage: ${byteText(status.removedBytes)}`,
    `Removed chunks: ${status.removedChunks}`,
  ];
  if (status.pendingBytes > 0) {
    lines.push(
      `Pending removals: ${
        byteText(status.pendingBytes)
      } (in ${status.pendingChunks} chunks)`,
    );
  }
  const more = {
    "Removed bad chunks": status.removedBad,
    "Leftover bad chunks": status.stillBad,
    "Removed unfinished snapshots": status.removedSnapshots,
    "Removed temporary files": status.removedTemporaries,
  };
  for (const [what, count] of Object.entries(more)) {
    if (count > 0) lines.push(`${what}: ${count}`);
  }
  lines.push(
    `Original data usage: ${byteText(indexBytes)}`,
    `On-Disk usage: ${byteText(diskBytes)} (${ratio(diskBytes, indexBytes)})`,
    `On-Disk chunks: ${diskChunks}`,
    `Deduplication factor: ${
      (diskBytes === 0 ? 1 : indexBytes / diskBytes).toFixed(2)
    }`,
  );
  if (diskChunks > 0) {
    lines.push(
      `Average chunk size: ${byteText(Math.floor(diskBytes / diskChunks))}`,
    );
  }
  lines.push(warnings > 0 ? `TASK WARNINGS: ${warnings}` : "TASK OK");
  return lines.join("\n") + "\n";
}

/**
 * What it found and removed, for JSON: as a server tells it, and what only this program removes.
 *
 * @param status What it found and removed.
 * @param removed Snapshots that nobody finished and that are gone.
 */
export function gcJson(
  status: GcStatus,
  removed: readonly string[],
): JsonValue {
  return {
    ...gcStatusMembers(status),
    "removed-snapshots": removed,
    "removed-temporaries": status.removedTemporaries,
  };
}

/** Such as `1d 5m`. */
function spanText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const parts = [
    [Math.floor(minutes / 1440), "d"],
    [Math.floor(minutes / 60) % 24, "h"],
    [minutes % 60, "m"],
  ].filter(([count]) => count !== 0).map((part) => part.join(""));
  return parts.length === 0 ? "0s" : parts.join(" ");
}
