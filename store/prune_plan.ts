/**
 * Which snapshots of a group are kept and which are removed, decided exactly as PBS does. Nothing is removed here.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { isoWeek, type LocalTime, timeZone } from "./local_time.ts";

/** How many are kept, for each way to count; what is not told, or `undefined`, keeps none of its own. */
export interface KeepOptions {
  /** The newest ones; 1 or more. */
  readonly last?: number | undefined;
  /** The newest one of each of the last hours that have any; 1 or more. */
  readonly hourly?: number | undefined;
  /** The newest one of each of the last days that have any; 1 or more. */
  readonly daily?: number | undefined;
  /** The newest one of each of the last weeks (from Monday on) that have any; 1 or more. */
  readonly weekly?: number | undefined;
  /** The newest one of each of the last months that have any; 1 or more. */
  readonly monthly?: number | undefined;
  /** The newest one of each of the last years that have any; 1 or more. */
  readonly yearly?: number | undefined;
}

/** What pruning asks of a snapshot. */
export interface PruneCandidate<S> {
  /** The snapshot. */
  readonly snapshot: S;
  /** Whether it has a manifest. */
  readonly finished: boolean;
  /** Whether it must not be removed. */
  readonly protected: boolean;
}

/** What becomes of a snapshot: it is kept because it was counted, because it may still be in the making, or because it is protected; or it is removed. */
export type PruneMark = "keep" | "keep-partial" | "protected" | "remove";

/** A snapshot and what becomes of it. */
export interface PruneDecision<S> {
  /** The snapshot. */
  readonly snapshot: S;
  /** What becomes of it. */
  readonly mark: PruneMark;
  /** Whether it is kept: any mark but `remove`. */
  readonly keep: boolean;
}

/** Where a decision may depend on it. */
export interface PruneOptions {
  /** Zone whose hours, days, weeks, months and years count, such as `Europe/Vienna`; unless told, the one that the system, or the variable TZ, names. */
  readonly timeZone?: string | undefined;
}

/** The ways to count, in the order in which they are applied. */
export const KEEP_NAMES: readonly (keyof KeepOptions)[] = [
  "last",
  "hourly",
  "daily",
  "weekly",
  "monthly",
  "yearly",
];

/**
 * States that numbers of snapshots can be kept.
 *
 * Source: protocol spec E.4.
 *
 * @param keep The numbers.
 * @returns The same.
 * @throws {FormatError} If one is not whole, or below 1.
 */
export function checkKeep(keep: KeepOptions): KeepOptions {
  for (const name of KEEP_NAMES) {
    const count = keep[name];
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1)) {
      throw new FormatError(
        `Cannot take keep-${name}: it is ${count}, expected a whole number from 1 on`,
      );
    }
  }
  return keep;
}

/**
 * Whether anything is told; where nothing is, everything is kept.
 *
 * @param keep The numbers.
 * @returns Whether there is one.
 */
export function keepsSomething(keep: KeepOptions): boolean {
  return KEEP_NAMES.some((name) => keep[name] !== undefined);
}

/**
 * Decides what is kept.
 *
 * Source: protocol spec E.5.
 *
 * @param candidates All snapshots of one group, in any order; their `time` is in seconds since 1970.
 * @param keep How many are kept; where nothing is told, all are.
 * @param options What hours, days and so on are.
 * @returns All of them, the oldest first: the order in which they are removed.
 * @throws {FormatError} If a number is not whole or below 1, or there is no such time zone.
 *
 * @example
 * ```ts
 * import { planPrune } from "@pxar/store/prune_plan";
 *
 * const candidates = [10, 20, 30].map((time) => ({ snapshot: { time }, finished: true, protected: false }));
 * planPrune(candidates, { last: 2 }).map(({ mark }) => mark); // ["remove", "keep", "keep"]
 * ```
 */
export function planPrune<S extends { readonly time: number }>(
  candidates: readonly PruneCandidate<S>[],
  keep: KeepOptions,
  options: PruneOptions = {},
): PruneDecision<S>[] {
  checkKeep(keep);
  const newest = [...candidates].sort((a, b) =>
    b.snapshot.time - a.snapshot.time
  );
  const marks = keepsSomething(keep)
    ? decide(newest, keep, timeZone(options.timeZone))
    : newest.map((): PruneMark => "keep");
  return newest.map((one, i) => {
    const mark = one.protected ? "protected" : marks[i] ?? "remove";
    return { snapshot: one.snapshot, mark, keep: mark !== "remove" };
  }).reverse();
}

/** What is left over has no mark. */
function decide(
  newest: readonly PruneCandidate<{ readonly time: number }>[],
  keep: KeepOptions,
  zone: (secs: number) => LocalTime,
): (PruneMark | undefined)[] {
  const marks = markUnfinished(newest);
  const local = newest.map(({ snapshot }) => zone(snapshot.time));
  for (const name of KEEP_NAMES) {
    const count = keep[name];
    if (count === undefined) continue;
    const ids = newest.map(({ snapshot }, i) =>
      idOf(name, snapshot.time, local[i]!)
    );
    markKept(newest, marks, ids, count);
  }
  return marks;
}

/** Of the unfinished ones only the newest may still be in the making, and only if no finished one is newer. */
function markUnfinished(
  newest: readonly PruneCandidate<unknown>[],
): (PruneMark | undefined)[] {
  return newest.map(({ finished }, i) =>
    finished ? undefined : i === 0 ? "keep-partial" : "remove"
  );
}

/** Keeps the newest snapshot of each of the newest `count` ids that have none yet, and removes the others of these. */
function markKept(
  newest: readonly PruneCandidate<unknown>[],
  marks: (PruneMark | undefined)[],
  ids: readonly string[],
  count: number,
): void {
  const already = new Set(ids.filter((_, i) => marks[i] === "keep"));
  const selected = new Set<string>();
  for (const [i, one] of newest.entries()) {
    const id = ids[i]!;
    if (marks[i] !== undefined || one.protected || already.has(id)) continue;
    if (selected.has(id)) {
      marks[i] = "remove";
    } else if (selected.size < count) {
      selected.add(id);
      marks[i] = "keep";
    } else {
      break;
    }
  }
}

/** What is the same for all snapshots of which one is kept. */
function idOf(name: keyof KeepOptions, time: number, at: LocalTime): string {
  const { year, month, day, hour } = at;
  switch (name) {
    case "last":
      return String(time);
    case "hourly":
      return `${year}/${month}/${day}/${hour}`;
    case "daily":
      return `${year}/${month}/${day}`;
    case "weekly": {
      const week = isoWeek(at);
      return `${week.year}/${week.week}`;
    }
    case "monthly":
      return `${year}/${month}`;
    case "yearly":
      return `${year}`;
  }
}
