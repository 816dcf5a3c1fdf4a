// A source of entries, asked to read as a backup needs it.
import type { Batches } from "@pxar/format/entry";
import type { ReadHow } from "./backup.ts";
import { LOOK_AHEAD } from "./reuse.ts";

/** Entries that are read beyond those that are looked ahead of: one batch. */
const BATCH = 64;

/** How a source is to be read. */
export interface EntriesNeed {
  /** See {@linkcode ReadHow.prelude}. */
  readonly prelude: boolean;
  /** See {@linkcode ReadHow.advise}. */
  readonly advise: boolean;
  /** Whether contents have to stay valid while others are looked at. */
  readonly isHeld?: boolean;
  /** How many entries are looked ahead of; 0 for none beyond a batch, whose contents need not be held. */
  readonly ahead?: number | undefined;
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

/** Starts reading a source. */
export function entriesOf(
  source: Batches | ((how: ReadHow) => Batches),
  need: EntriesNeed,
): Batches {
  if (typeof source !== "function") return source;
  const { prelude, advise, isHeld = false, ahead = LOOK_AHEAD, signal } = need;
  return source({
    prelude,
    advise,
    ...(isHeld && ahead > 0 && { hold: ahead + BATCH }),
    ...(signal && { signal }),
  });
}
