/**
 * Measures the program against GNU tar on the same work, backups against restic, borg and casync, and the parts of a datastore against C and the command
 * line's tools: `deno task bench [--only TEXT]… [--rounds N] [--scale F] [--tree DIR] [--disk DIR] [--json]`.
 *
 * The exit code says whether everything ran and came out right, never how fast it was.
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  BACKUP_HEAD,
  type BackupGoals,
  type BackupRuns,
  benchBackup,
} from "./backup.ts";
import { benchBlob, BLOB_HEAD } from "./blob.ts";
import { benchChunker, CHUNKER_HEAD } from "./chunker.ts";
import { compareTrees } from "./compare.ts";
import { contest, PEAK_GOAL, type Result, show, type Work } from "./contest.ts";
import { makeMixed, makeSmall } from "./corpus.ts";
import { benchIndex, INDEX_HEAD } from "./index.ts";
import { measure } from "./measure.ts";
import { dropCaches, fileSystem, Place } from "./place.ts";
import { pxar, ROOT, tar, version } from "./program.ts";
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

const results: Result[] = [];
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

async function row(
  work: Omit<Work, "rounds" | "counts"> & Partial<Work>,
): Promise<void> {
  if (!wanted(work.name)) return;
  console.error(`${work.name} …`);
  await attempt(work.name, async () => {
    results.push(await contest({ rounds, counts: "best", ...work }));
  });
}

/** Packs `source` once by each, for what reads archives, and proves that ours comes out as it was. */
async function prepare(place: Place, source: string): Promise<void> {
  console.error(`checking that ${source} comes back as it was …`);
  await pxar(["create", place.at("ours"), source]);
  await tar(["-cf", place.at("theirs"), "-C", source, "."]);
  place.empty("out");
  await pxar(["extract", place.at("ours"), place.at("out")]);
  await compareTrees(source, place.at("out"));
  place.remove("out");
}

async function createRow(
  name: string,
  goal: number | undefined,
  place: Place,
  source: string,
  before: () => void = () => {},
): Promise<void> {
  await row({
    name,
    goal,
    ours: {
      name: "pxar",
      run: () => {
        place.remove("ours");
        before();
        return pxar(["create", place.at("ours"), source]);
      },
    },
    peer: {
      name: "tar",
      run: () => {
        place.remove("theirs");
        before();
        return tar(["-cf", place.at("theirs"), "-C", source, "."]);
      },
    },
  });
}

async function extractRow(
  name: string,
  goal: number | undefined,
  place: Place,
): Promise<void> {
  await row({
    name,
    goal,
    ours: {
      name: "pxar",
      run: () => {
        const out = place.empty("out");
        return pxar(["extract", place.at("ours"), out]);
      },
    },
    peer: {
      name: "tar",
      run: () => {
        const out = place.empty("out");
        return tar(["-xf", place.at("theirs"), "-C", out]);
      },
    },
  });
  place.remove("out");
}

async function small(place: Place): Promise<void> {
  const names = ["create small", "extract small", "lookup small"];
  if (!names.some(wanted)) return;
  place.demand(2 * GIB * scale, "small");
  const source = place.at("small");
  const files = Math.max(10, Math.round(100_000 * scale));
  makeSmall(source, { files });
  await prepare(place, source);
  await createRow("create small", 0.7, place, source);
  await extractRow("extract small", 0.65, place);
  const last = `d${Math.floor((files - 1) / 500)}/f${files - 1}`;
  await row({
    name: "lookup small",
    goal: undefined,
    ours: { name: "pxar", run: () => pxar(["cat", place.at("ours"), last]) },
    peer: {
      name: "tar",
      run: () => tar(["-xOf", place.at("theirs"), `./${last}`]),
    },
  });
}

async function mixed(place: Place): Promise<void> {
  if (!["create mixed", "extract mixed"].some(wanted)) return;
  place.demand(9 * GIB * scale, "mixed");
  const source = place.at("mixed");
  makeMixed(source, Math.round(2 * GIB * scale));
  await prepare(place, source);
  await createRow("create mixed", 0.9, place, source);
  await extractRow("extract mixed", 0.9, place);
}

async function tree(place: Place): Promise<void> {
  const source = options.tree;
  if (![`create ${source}`, `extract ${source}`].some(wanted)) return;
  const { stdout } = await new Deno.Command("du", {
    args: ["-sxB1", source],
  }).output();
  const bytes = parseInt(new TextDecoder().decode(stdout));
  place.demand(3.1 * bytes, source);
  await prepare(place, source);
  await createRow(`create ${source}`, undefined, place, source);
  await extractRow(`extract ${source}`, undefined, place);
}

async function cold(place: Place): Promise<void> {
  const name = "cold create small";
  if (!wanted(name)) return;
  if (!dropCaches()) throw new Error("only root may drop the kernel's caches");
  using disk = Place.onDisk(options.disk);
  console.error(`${name}: files on ${fileSystem(disk.path)}`);
  const source = disk.at("small");
  makeSmall(source, { files: Math.max(10, Math.round(100_000 * scale)) });
  await createRow(name, 0.4, place, source, dropCaches);
}

async function start(place: Place): Promise<void> {
  if (!["ls", "ls, empty file elsewhere"].some(wanted)) return;
  const ten = place.at("ten");
  makeSmall(ten, { files: 10, perDirectory: 10 });
  await pxar(["create", place.at("ours"), `${ten}/d0`]);
  Deno.writeTextFileSync(place.at("empty.ts"), "");
  const empties = [
    ["ls", 1.3, `${ROOT}bench/empty.ts`],
    ["ls, empty file elsewhere", undefined, place.at("empty.ts")],
  ] as const;
  for (const [name, goal, empty] of empties) {
    const run = () => measure([Deno.execPath(), "run", "-A", empty]);
    await run();
    await row({
      name,
      goal,
      rounds: Math.max(5, rounds * 9),
      counts: "median",
      ours: { name: "pxar", run: () => pxar(["ls", place.at("ours")]) },
      peer: { name: "empty", run },
    });
  }
}

for (const part of [start, small, mixed, tree, cold]) {
  await attempt(part.name, async () => {
    using place = Place.inMemory();
    await part(place);
  });
}

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
      `Goal for memory: ${PEAK_GOAL} MiB, of a store 286.\n` +
      `${machine.processors} processors, Linux ${machine.kernel}, ` +
      `Deno ${machine.deno}, ${[machine.tar, ...peers].join(", ")}, ` +
      `load before ${machine.load.toFixed(1)}${
        scale === 1 ? "" : `, corpora scaled by ${scale}`
      }`,
  );
  for (const failure of failures) console.log(`FAILED ${failure}`);
}
Deno.exit(failures.length === 0 ? 0 : 1);
