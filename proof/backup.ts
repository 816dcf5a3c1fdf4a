/**
 * Backup and restore of ten times as many files and of ten times as many bytes: the memory stays where it is.
 *
 * @module
 */
import { compareTrees } from "../bench/compare_trees.ts";
import { makeSmall, makeSparse } from "../bench/corpus.ts";
import {
  makeKey,
  ownKeeper,
  type OwnOptions,
} from "../bench/backup_programs.ts";
import type { Usage } from "../bench/measure.ts";
import { Place } from "../bench/place.ts";
import { atMost, type Figure, megabytes, say, told } from "./figures.ts";

const GIB = 2 ** 30, MIB = 2 ** 20;
/** Most memory at once, MB (10^6 bytes). */
const PEAK = 300;
/** How much more of it ten times the work may need, MB: what the collector of garbage has not come to yet differs by so much from run to run. */
const GROWTH = 40;

/** Backs up a tree in several ways, restores it, and proves that it is the same; gives what each step needed. */
async function passage(
  place: Place,
  source: string,
): Promise<Map<string, Usage>> {
  const steps = new Map<string, Usage>();
  const key = await makeKey(place), store = place.storeName("store");
  const ways: readonly Omit<OwnOptions, "store">[] = [
    { mode: "legacy", key: undefined },
    { mode: "metadata", key: undefined },
    { mode: "metadata", key },
  ];
  for (const way of ways) {
    const keeper = ownKeeper(place, source, { ...way, store });
    const step = (what: string, usage: Usage): void => {
      const peak = megabytes(usage).toFixed(0);
      say(
        `  ${what}, ${keeper.name}: ${usage.seconds.toFixed(1)} s, ${peak} MB`,
      );
      steps.set(`${what}, ${keeper.name}`, usage);
    };
    await keeper.fresh();
    step("first backup", await keeper.backup());
    if (way.mode === "metadata") {
      step("unchanged backup", await keeper.backup());
    }
    step("restore", await keeper.restore(place.empty("out")));
    await compareTrees(source, place.at("out"));
  }
  for (const name of [store, "out", "key.json"]) place.remove(name);
  return steps;
}

/** Two sizes of the same, and what to say of them. */
async function tenfold(
  sizes: readonly [few: string, many: string],
  run: (times: 1 | 10) => Promise<Map<string, Usage>>,
): Promise<Figure[]> {
  const [few, many] = sizes;
  say(few);
  const less = await run(1);
  say(many);
  const more = await run(10);
  return less.entries().toArray().flatMap(([step, usage]) => {
    const other = more.get(step)!;
    const growth = megabytes(other) - megabytes(usage);
    const [short, long] = [usage, other].map((one) => one.seconds.toFixed(1));
    return [
      atMost(`peak memory, ${step}, ${few}`, megabytes(usage), PEAK, "MB"),
      atMost(`peak memory, ${step}, ${many}`, megabytes(other), PEAK, "MB"),
      atMost(`more than for ${few}, ${step}, ${many}`, growth, GROWTH, "MB"),
      told(`time, ${step}, ${few} and ${many}`, `${short} and ${long} s`),
    ];
  });
}

async function files(unit: number): Promise<Figure[]> {
  const sizes = [`${unit} files`, `${10 * unit} files`] as const;
  return await tenfold(sizes, async (times) => {
    using place = Place.inMemory();
    // Tree, restored tree, store; a small file in memory takes 5 KiB.
    place.demand(times * unit * 13_500, "backup");
    makeSmall(place.at("tree"), {
      files: times * unit,
      perDirectory: 1000,
      low: 100,
      high: 1000,
    });
    return await passage(place, place.at("tree"));
  });
}

/** One file of which every MiB is a hole but for 64 KiB of noise: all chunks differ and are as long as chunks can be, and yet it fits into memory. */
async function bytes(unit: number): Promise<Figure[]> {
  const gib = (size: number): string => `a file of ${size / GIB} GiB`;
  return await tenfold([gib(unit), gib(10 * unit)], async (times) => {
    using place = Place.inMemory();
    const size = times * unit, islands = size / MIB;
    place.demand(4 * islands * 65536, "backup");
    makeSparse(place.at("tree"), size, islands);
    return await passage(place, place.at("tree"));
  });
}

/** Runs it all; `factor` 1 is the real thing, less is for trying out. */
export async function backup(factor: number): Promise<Figure[]> {
  return [
    ...await files(Math.max(1000, Math.round(100 * factor) * 1000)),
    ...await bytes(Math.max(1 / 16, factor) * GIB),
  ];
}
