// Where a decoder may stand in an archive, and what it says of anything else that is there.
import type { EntryKind } from "@pxar/format/entry";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import { type Item, ITEMS } from "@pxar/format/item";

/** What comes next. */
export type Place =
  | "start" // FORMAT_VERSION, or the root
  | "versioned" // PRELUDE, or the root
  | "root" // the root's ENTRY
  | "child" // FILENAME or GOODBYE
  | "node" // ENTRY or HARDLINK of the name just read
  | "body" // attributes and body of the ENTRY just read
  | "table" // the rest of a GOODBYE
  | "end"; // nothing

const EXPECTED: Readonly<Record<Place, string>> = {
  start: "FORMAT_VERSION or ENTRY",
  versioned: "PRELUDE or ENTRY",
  root: "ENTRY",
  child: "FILENAME or GOODBYE",
  node: "ENTRY or HARDLINK",
  body: "attributes or body",
  table: "GOODBYE",
  end: "nothing",
};

/** Items that may be longer than any buffer. */
export const UNBOUNDED: ReadonlySet<Item> = new Set([
  ITEMS.GOODBYE,
  ITEMS.PAYLOAD,
  ITEMS.PRELUDE,
]);

/**
 * Refuses an item at `offset` that does not belong to that place.
 *
 * @param kind What the node there is, if it is a body's.
 */
export function refuseItem(
  item: Item,
  place: Place,
  kind: EntryKind,
  offset: number,
): never {
  const expected = place === "body"
    ? `attributes or body of a ${kind}`
    : EXPECTED[place];
  throw new FormatError(
    `Cannot read archive at byte ${offset}: found ${item.name}, expected ${expected}`,
    { offset },
  );
}

/** Refuses an archive that ends at `end`, although an item should stand at `offset`. */
export function refuseEnd(place: Place, offset: number, end: number): never {
  throw new TruncatedError(
    `Cannot read archive: it ends at byte ${end}, expected ${
      EXPECTED[place]
    } at byte ${offset}`,
    { offset: end },
  );
}
