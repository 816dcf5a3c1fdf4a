/**
 * What was removed from a datastore, in words.
 *
 * @module
 */
import type { Removed } from "@pxar/store/store";
import { countText } from "./show.ts";

/**
 * What was removed, in words.
 *
 * @param removed What the store says.
 * @returns Such as `removed 1 group and 3 snapshots`.
 */
export function removedText({ groups, snapshots }: Removed): string {
  return `removed ${counted(groups, "group")} and ${
    counted(snapshots, "snapshot")
  }`;
}

/**
 * A number of things.
 *
 * @param count How many.
 * @param what What one is called.
 * @returns Such as `1 group` or `3 groups`.
 */
export function counted(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? "" : "s"}`;
}
