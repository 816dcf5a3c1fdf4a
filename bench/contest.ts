/**
 * Programs on the same work, one after the other, several times.
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

/**
 * Runs all of them in turn; who begins changes with every round.
 *
 * @returns The runs of each, in order.
 */
export async function takeTurns(
  runners: readonly Runner[],
  rounds: number,
): Promise<Usage[][]> {
  const runs = runners.map((): Usage[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < runners.length; turn++) {
      const who = (turn + round) % runners.length;
      runs[who]!.push(await runners[who]!.run());
    }
  }
  return runs;
}

/** Measures two against each other. */
export async function contest(work: Work): Promise<Result> {
  const [mine, peers] = await takeTurns([work.ours, work.peer], work.rounds);
  const runs = { ours: mine!, theirs: peers! };
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
