/**
 * Backup and restore against restic, borg and casync: a first snapshot in an empty store, more snapshots of the same tree, the whole tree back; all of
 * them in turn, on the same tree, everything in memory.
 *
 * @module
 */
import { compareTrees } from "./compare_trees.ts";
import { type Runner, takeTurns } from "./contest.ts";
import {
  findPeers,
  type Keeper,
  makeKey,
  type Mode,
  ownKeeper,
} from "./backup_programs.ts";
import { best, type Usage } from "./measure.ts";
import type { Place } from "./place.ts";

/** What stands over the table's columns. */
export const BACKUP_HEAD: readonly string[] = [
  "backup",
  "s",
  "worst s",
  "processor s",
  "of restic's",
  "goal",
  "of borg's",
  "of casync's",
  "reached",
  "peak MiB",
];

const MODES: readonly Mode[] = ["legacy", "data", "metadata"];
/** The most memory a backup or a restore of ours may hold at once, MiB: 300 MB. */
export const BACKUP_PEAK_GOAL = 286;

/** The highest ratios of our time to restic's. */
export interface BackupGoals {
  /** First snapshot. */
  readonly first: number;
  /** A further one of an unchanged tree, in metadata mode. */
  readonly unchanged: number;
  /** All of it back. */
  readonly restore: number;
}

/** One contestant's runs at one work. */
export interface BackupRuns {
  /** What was done. */
  readonly work: keyof BackupGoals;
  /** Who did it: a mode of ours, or a peer. */
  readonly who: string;
  /** All runs, in order. */
  readonly runs: readonly Usage[];
}

/** How it went. */
export interface BackupResult {
  /** Rows for a table with {@linkcode BACKUP_HEAD}. */
  readonly rows: readonly (readonly string[])[];
  /** Every single run. */
  readonly runs: readonly BackupRuns[];
  /** What the peers say of themselves. */
  readonly versions: readonly string[];
}

/** One of ours, and how it is to be judged. */
interface Own {
  readonly keeper: Keeper;
  readonly mode: Mode;
}

/**
 * Measures all of it on one tree: first plain, against all peers, then encrypted, against those that encrypt.
 *
 * @param place Where the tree lies, and all stores.
 * @param source The tree; not changed.
 * @param goals What is hoped for.
 * @param rounds How often each does each work; the best counts.
 */
export async function benchBackup(
  place: Place,
  source: string,
  goals: BackupGoals,
  rounds: number,
): Promise<BackupResult> {
  const found = await findPeers();
  const all = found.values().toArray();
  const own = (key: string | undefined) =>
    MODES.map((mode): Own => ({
      mode,
      // Data and metadata mode write the same first snapshot: its chunks are kept once.
      keeper: ownKeeper(place, source, {
        mode,
        store: place.storeName(mode === "legacy" ? "whole" : "split"),
        key,
      }),
    }));
  const plain = new Tournament(place, source, goals, rounds);
  await plain.run(own(undefined), all.map(({ make }) => make(place, source)));
  for (const name of ["borg", "casync.castr"]) place.remove(name);
  const sealed = new Tournament(place, source, goals, rounds);
  await sealed.run(
    own(await makeKey(place)),
    all.filter(({ encrypts }) => encrypts).map(({ make }) => {
      const keeper = make(place, source);
      return { ...keeper, name: `${keeper.name}, once more` };
    }),
  );
  return {
    rows: [...plain.rows, ...sealed.rows],
    runs: [...plain.runs, ...sealed.runs],
    versions: found.keys().toArray(),
  };
}

/** Ours against the peers, from an empty store to the restored tree. */
class Tournament {
  readonly rows: string[][] = [];
  readonly runs: BackupRuns[] = [];
  readonly #place: Place;
  readonly #source: string;
  readonly #goals: BackupGoals;
  readonly #rounds: number;

  constructor(
    place: Place,
    source: string,
    goals: BackupGoals,
    rounds: number,
  ) {
    this.#place = place;
    this.#source = source;
    this.#goals = goals;
    this.#rounds = rounds;
  }

  async run(ours: readonly Own[], peers: readonly Keeper[]): Promise<void> {
    const withOwnStore = ours.filter(({ mode }) => mode !== "data");
    const restore = (keeper: Keeper): Promise<Usage> =>
      keeper.restore(this.#place.empty("out"));
    await this.#work("first", withOwnStore, peers, async (keeper) => {
      await keeper.fresh();
      return await keeper.backup();
    });
    for (const { keeper, mode } of ours) {
      if (mode === "data") await keeper.backup();
    }
    await this.#work("unchanged", ours, peers, (keeper) => keeper.backup());
    for (const keeper of [...ours.map(({ keeper }) => keeper), ...peers]) {
      console.error(`checking that it comes back as it was, ${keeper.name} …`);
      await restore(keeper);
      try {
        await compareTrees(this.#source, this.#place.at("out") + keeper.below);
      } catch (error) {
        if (!peers.includes(keeper)) throw error;
        console.error(`NOTE: ${keeper.name} does less: ${error}`);
      }
    }
    await this.#work("restore", withOwnStore, peers, restore);
    this.#place.remove("out");
  }

  /** One work, done by all in turn: rows for ours, then for the peers. */
  async #work(
    work: keyof BackupGoals,
    ours: readonly Own[],
    peers: readonly Keeper[],
    run: (keeper: Keeper) => Promise<Usage>,
  ): Promise<void> {
    console.error(`${work} …`);
    const keepers = [...ours.map(({ keeper }) => keeper), ...peers];
    const runners = keepers.map((keeper): Runner => ({
      name: keeper.name,
      run: () => run(keeper),
    }));
    const runs = await takeTurns(runners, this.#rounds);
    for (const [i, { name }] of keepers.entries()) {
      this.runs.push({ work, who: name, runs: runs[i]! });
    }
    const theirs = new Map(
      peers.map(({ program }, i) => [program, best(runs[ours.length + i]!)]),
    );
    for (const [i, { keeper, mode }] of ours.entries()) {
      const isGoal = work !== "unchanged" || mode === "metadata";
      const goal = isGoal ? this.#goals[work] : undefined;
      const name = `${work}, ${keeper.name}`;
      this.rows.push(judge(name, runs[i]!, theirs, goal));
    }
    for (const [i, { name }] of peers.entries()) {
      const { time, peak } = figures(runs[ours.length + i]!);
      this.rows.push([`${work}, ${name}`, ...time, "", "", "", "", "", peak]);
    }
  }
}

/** A row of ours, compared with each peer. */
function judge(
  name: string,
  runs: readonly Usage[],
  theirs: ReadonlyMap<Keeper["program"], Usage>,
  goal: number | undefined,
): string[] {
  const { seconds, peak: most } = best(runs);
  const above: string[] = [];
  const ratio = (
    peer: Keeper["program"],
    limit: number | undefined,
  ): string => {
    const other = theirs.get(peer);
    if (other === undefined) return "";
    const value = seconds / other.seconds;
    if (limit !== undefined && value > limit) above.push(peer);
    return value.toFixed(2);
  };
  const [restic, borg, casync] = [
    ratio("restic", goal),
    ratio("borg", 1),
    ratio("casync", 1),
  ];
  if (most > BACKUP_PEAK_GOAL) above.push("memory");
  const { time, peak } = figures(runs);
  return [
    name,
    ...time,
    restic,
    goal === undefined ? "" : `≤ ${goal}`,
    borg,
    casync,
    above.length === 0 ? "yes" : `no: ${above.join(", ")}`,
    peak,
  ];
}

function figures(runs: readonly Usage[]): { time: string[]; peak: string } {
  const { seconds, user, system, peak } = best(runs);
  const worst = Math.max(...runs.map((run) => run.seconds));
  return {
    time: [seconds, worst, user + system].map((value) => value.toFixed(2)),
    peak: peak.toFixed(0),
  };
}
