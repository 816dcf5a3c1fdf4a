/**
 * Measures the program against GNU tar on the same work, backups against restic, borg and casync, and the parts of a datastore against C and the command
 * line's tools: `deno task bench [--only TEXT]… [--rounds N] [--scale F] [--tree DIR] [--disk DIR] [--json]`.
 *
 * The exit code says whether everything ran and came out right, never how fast it was.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { benchArchives } from "./archives.ts";
import {
  BACKUP_HEAD,
  BACKUP_PEAK_GOAL,
  type BackupGoals,
  type BackupRuns,
  benchBackup,
} from "./backup.ts";
import { benchBlob, BLOB_HEAD } from "./blob.ts";
import { benchChunker, CHUNKER_HEAD } from "./chunker.ts";
import { PEAK_GOAL, type Result, show } from "./contest.ts";
import { makeMixed, makeSmall } from "./corpus.ts";
import { benchIndex, INDEX_HEAD } from "./index.ts";
import { Place } from "./place.ts";
import { version } from "./program.ts";
import { benchStore, STORE_HEAD } from "./store.ts";
import { table } from "./table.ts";

const GIB = 2 ** 30;
/** What else ran on the machine before this did. */
const loadBefore = Deno.loadavg()[0]!;
const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    only: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    tree: { type: "string", default: "/usr" },
    disk: { type: "string", default: "/var/tmp" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const scale = Number(options.scale);
if (!(rounds >= 1) || !(scale > 0)) {
  console.error("Cannot measure: expected --rounds ≥ 1 and --scale > 0");
  Deno.exit(2);
}

const failures: string[] = [];

function wanted(name: string): boolean {
  return options.only.length === 0 ||
    options.only.some((text) => name.includes(text));
}

/** Does a part; what goes wrong in it does not end the others. */
async function attempt(what: string, part: () => Promise<void>): Promise<void> {
  try {
    await part();
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : error}`);
    console.error(failures.at(-1));
  }
}

const { tree, disk } = options;
const results: Result[] = await benchArchives({
  rounds,
  scale,
  tree,
  disk,
  wanted,
  attempt,
});

type Rows = readonly (readonly string[])[];

const backupRuns: Record<string, readonly BackupRuns[]> = {};
const peers = new Set<string>();

async function backup(
  name: string,
  goals: BackupGoals,
  space: number,
  make: (path: string) => void,
): Promise<Rows> {
  using place = Place.inMemory();
  place.demand(space * GIB * scale, name);
  const source = place.at("tree");
  make(source);
  const { rows, runs, versions } = await benchBackup(
    place,
    source,
    goals,
    rounds,
  );
  backupRuns[name] = runs;
  for (const version of versions) peers.add(version);
  return rows;
}

/** Backups, and the parts of a datastore, each a table of its own. */
const PARTS: readonly (readonly [
  name: string,
  head: readonly string[],
  run: () => Promise<Rows>,
])[] = [
  ["backup small", BACKUP_HEAD, () =>
    backup(
      "backup small",
      { first: 0.2, unchanged: 0.15, restore: 0.3 },
      4,
      (path) =>
        makeSmall(path, { files: Math.max(10, Math.round(100_000 * scale)) }),
    )],
  ["backup mixed", BACKUP_HEAD, () =>
    backup(
      "backup mixed",
      { first: 0.5, unchanged: 0.25, restore: 0.5 },
      12,
      (path) => makeMixed(path, Math.round(2 * GIB * scale)),
    )],
  ["chunker", CHUNKER_HEAD, benchChunker],
  ["blob", BLOB_HEAD, benchBlob],
  ["index", INDEX_HEAD, benchIndex],
  ["store", STORE_HEAD, async () => {
    using place = Place.inMemory();
    return await benchStore(place, rounds, scale);
  }],
];
const tables: Record<string, Rows> = {};
for (const [name, head, run] of PARTS) {
  if (!wanted(name)) continue;
  console.error(`${name} …`);
  await attempt(name, async () => {
    tables[name] = [head, ...await run()];
  });
}

const machine = {
  processors: navigator.hardwareConcurrency,
  kernel: Deno.osRelease(),
  load: loadBefore,
  deno: Deno.version.deno,
  tar: await version("tar"),
  peers: [...peers],
};
if (options.json) {
  console.log(
    JSON.stringify(
      { machine, rounds, scale, results, backupRuns, tables, failures },
      null,
      1,
    ),
  );
} else {
  if (results.length > 0) console.log(show(results));
  for (const [head, ...rows] of Object.values(tables)) {
    console.log(`\n${table(head!, rows)}`);
  }
  console.log(
    `\nRatio: time of pxar to its peer's; best of ${rounds}, in turn ` +
      "(ls: median). " +
      `Goal for memory: ${PEAK_GOAL} MiB, of a store ${BACKUP_PEAK_GOAL}.\n` +
      `${machine.processors} processors, Linux ${machine.kernel}, ` +
      `Deno ${machine.deno}, ${[machine.tar, ...peers].join(", ")}, ` +
      `load before ${machine.load.toFixed(1)}${
        scale === 1 ? "" : `, corpora scaled by ${scale}`
      }`,
  );
  for (const failure of failures) console.log(`FAILED ${failure}`);
}
Deno.exit(failures.length === 0 ? 0 : 1);
