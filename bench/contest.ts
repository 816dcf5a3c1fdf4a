/**
 * Two programs on the same work, one after the other, several times.
 *
 * @module
 */
import { best, median, type Usage } from "./measure.ts";
import { table } from "./table.ts";

/** The most memory a run of ours may hold at once, MiB. */
export const PEAK_GOAL = 100;

/** One program's part. */
export interface Runner {
  /** What it is called in the table. */
  readonly name: string;
  /** Prepares what may not be timed, then measures one run. */
  run(): Promise<Usage>;
}

/** What is done, by whom, and what is hoped for. */
export interface Work {
  /** What is done, such as `create small`. */
  readonly name: string;
  /** Highest ratio of our time to the peer's; `undefined` where nothing is promised. */
  readonly goal: number | undefined;
  /** How often each runs. */
  readonly rounds: number;
  /** Which run counts. */
  readonly counts: "best" | "median";
  /** Ours. */
  readonly ours: Runner;
  /** What it is compared with. */
  readonly peer: Runner;
}

/** How it went. */
export interface Result {
  /** As in {@linkcode Work}. */
  readonly name: string;
  /** As in {@linkcode Work}. */
  readonly goal: number | undefined;
  /** As in {@linkcode Work}. */
  readonly counts: "best" | "median";
  /** The peer's name. */
  readonly peer: string;
  /** Our time divided by the peer's. */
  readonly ratio: number;
  /** `yes`, or what is above its goal. */
  readonly reached: string;
  /** The run of ours that counts. */
  readonly ours: Usage;
  /** The run of the peer that counts. */
  readonly theirs: Usage;
  /** All runs, in order. */
  readonly runs: { readonly ours: Usage[]; readonly theirs: Usage[] };
}

/** Runs both in turn; who begins changes with every round. */
export async function contest(work: Work): Promise<Result> {
  const runs = { ours: [] as Usage[], theirs: [] as Usage[] };
  for (let round = 0; round < work.rounds; round++) {
    const turns = [
      async () => runs.ours.push(await work.ours.run()),
      async () => runs.theirs.push(await work.peer.run()),
    ];
    if (round % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  const pick = work.counts === "best" ? best : median;
  const [ours, theirs] = [pick(runs.ours), pick(runs.theirs)];
  const ratio = ours.seconds / theirs.seconds;
  const above = [
    ...(work.goal !== undefined && ratio > work.goal ? ["time"] : []),
    ...(ours.peak > PEAK_GOAL ? ["memory"] : []),
  ];
  return {
    name: work.name,
    goal: work.goal,
    counts: work.counts,
    peer: work.peer.name,
    ratio,
    reached: above.length === 0 ? "yes" : `no: ${above.join(", ")}`,
    ours,
    theirs,
    runs,
  };
}

/** All results as a Markdown table. */
export function show(results: readonly Result[]): string {
  const time = (usage: Usage): string => {
    const digits = usage.seconds < 0.2 ? 3 : 2;
    return usage.seconds.toFixed(digits);
  };
  const split = (usage: Usage): string =>
    `${usage.user.toFixed(2)} + ${usage.system.toFixed(2)}`;
  return table(
    [
      ...["work", "s", "user + system", "peer", "s", "user + system"],
      ...["ratio", "goal", "reached", "peak MiB", "peer MiB"],
    ],
    results.map((result) => [
      result.name,
      time(result.ours),
      split(result.ours),
      result.peer,
      time(result.theirs),
      split(result.theirs),
      result.ratio.toFixed(2),
      result.goal === undefined ? "–" : `≤ ${result.goal}`,
      result.reached,
      result.ours.peak.toFixed(0),
      result.theirs.peak.toFixed(0),
    ]),
  );
}
