/**
 * A datastore's throughput, as a fraction of the bound: the processor time of `zstd -1` and `openssl dgst -sha256` on the same bytes, divided by the processors.
 *
 * @module
 */
import { makeMixed } from "./corpus.ts";
import { measure, type Usage } from "./measure.ts";
import type { Place } from "./place.ts";
import { ROOT } from "./program.ts";

const GIB = 2 ** 30;

/** What stands over the table's columns. */
export const STORE_HEAD: readonly string[] = [
  "store",
  "bound s",
  "best s",
  "fraction",
  "goal",
  "peak MiB",
  "processor s",
];

/** A row of the table. */
interface StoreRow {
  /** What was done. */
  readonly name: string;
  /** What the bound is for it, seconds. */
  readonly bound: number;
  /** The best run. */
  readonly best: Usage;
  /** Bound divided by the time of the best run. */
  readonly fraction: number;
  /** What the fraction should reach. */
  readonly goal: number | undefined;
}

/**
 * Measures writing and reading.
 *
 * @param place Where everything lies, in memory.
 * @param rounds How often each is done; the best counts.
 * @param scale Of the corpus' 2 GiB.
 */
export async function benchStore(
  place: Place,
  rounds: number,
  scale: number,
): Promise<readonly (readonly string[])[]> {
  place.demand(6 * GIB * scale, "store");
  const folder = place.at("mixed"), store = place.at("store");
  makeMixed(folder, Math.round(2 * GIB * scale));
  const all = place.at("all"), packed = place.at("all.zst");
  await shell(`find ${folder} -type f | LC_ALL=C sort | xargs cat > ${all}`);
  await shell(`zstd -q -1 -f ${all} -o ${packed}`);
  const cpu = async (...command: string[]) => {
    let least = Infinity;
    for (let round = 0; round < rounds; round++) {
      const { user, system } = await measure(command);
      least = Math.min(least, user + system);
    }
    return least;
  };
  const cores = navigator.hardwareConcurrency;
  const digest = await cpu("openssl", "dgst", "-sha256", all);
  const pack = await cpu("zstd", "-q", "-1", "-T1", "-c", all);
  const unpack = await cpu("zstd", "-q", "-d", "-c", packed);
  for (const name of ["all", "all.zst"]) place.remove(name);
  const writing = (pack + digest) / cores, reading = (unpack + digest) / cores;

  const child = (...args: string[]) =>
    measure([
      Deno.execPath(),
      "run",
      "-A",
      `${ROOT}bench/store_child.ts`,
      ...args,
    ]);
  const rows: StoreRow[] = [];
  const row = async (
    name: string,
    bound: number,
    goal: number | undefined,
    run: () => Promise<Usage>,
  ) => {
    console.error(`${name} …`);
    const runs: Usage[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await run());
    const best = runs.reduce((a, b) => b.seconds < a.seconds ? b : a);
    const peak = Math.max(...runs.map((one) => one.peak));
    rows.push({
      name,
      bound,
      best: { ...best, peak },
      fraction: bound / best.seconds,
      goal,
    });
  };
  for (const [shown, ...flags] of VARIANTS) {
    await row(
      `store, ${shown}`,
      writing,
      flags.length ? undefined : 0.5,
      () => {
        place.remove("store");
        return child("write", store, folder, ...flags);
      },
    );
    await row(`store again, ${shown}`, digest / cores, undefined, async () => {
      // A snapshot's name has whole seconds.
      await new Promise<void>((resolve) => setTimeout(resolve, 1000));
      return await child("write", store, folder, ...flags);
    });
    await row(
      `read back, ${shown}`,
      reading,
      flags.length ? undefined : 0.4,
      () => child("read", store, ...flags),
    );
  }
  place.remove("store");
  return rows.map(({ name, bound, best, fraction, goal }) => [
    name,
    bound.toFixed(2),
    best.seconds.toFixed(2),
    fraction.toFixed(2),
    goal?.toFixed(1) ?? "",
    String(Math.round(best.peak)),
    (best.user + best.system).toFixed(2),
  ]);
}

const VARIANTS: readonly (readonly [string, ...string[]])[] = [
  ["native libraries"],
  ["built in", "--no-native"],
  ["encrypted, native libraries", "--key"],
  ["encrypted, built in", "--key", "--no-native"],
];

async function shell(script: string): Promise<void> {
  const { success } = await new Deno.Command("sh", { args: ["-c", script] })
    .spawn().status;
  if (!success) throw new Error(`Cannot run ${script}`);
}
