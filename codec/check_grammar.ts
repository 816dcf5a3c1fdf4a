// Which item may stand where in an archive, for a reader that goes on when one does not.
import { type Item, ITEMS } from "@pxar/format/item";

/** What comes next: the archive's start; a name's ENTRY or HARDLINK; attributes and body; a directory's children; nothing. */
export type State = "start" | "node" | "meta" | "children" | "end";

/** What belongs there, for errors. */
export const EXPECTED: { readonly [Key in State]: string } = {
  start: "ENTRY",
  node: "ENTRY or HARDLINK",
  meta: "an attribute or a body",
  children: "FILENAME or GOODBYE",
  end: "nothing",
};

/** What an item of an unknown tag is taken for, where the next one is known; in "meta", for one that belongs nowhere. */
export const LIKELY: { readonly [Key in State]: Item } = {
  start: ITEMS.ENTRY,
  node: ITEMS.ENTRY,
  meta: ITEMS.PAYLOAD_TAIL_MARKER,
  children: ITEMS.FILENAME,
  end: ITEMS.PAYLOAD_TAIL_MARKER,
};

/** Whether the grammar lets the item stand here. */
export function belongs(
  item: Item,
  at: number,
  state: State,
  version: 1 | 2 | undefined,
): boolean {
  switch (item) {
    case ITEMS.FORMAT_VERSION:
      return state === "start" && at === 0;
    case ITEMS.PRELUDE:
      return state === "start" && version !== undefined &&
        at === 24;
    case ITEMS.ENTRY:
    case ITEMS.ENTRY_V1:
      return state === "start" || state === "node";
    case ITEMS.HARDLINK:
      return state === "node";
    case ITEMS.FILENAME:
    case ITEMS.GOODBYE:
      return state === "children";
    case ITEMS.PAYLOAD_START_MARKER:
    case ITEMS.PAYLOAD_TAIL_MARKER:
      return false;
    default:
      return state === "meta";
  }
}
