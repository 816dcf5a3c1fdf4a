/**
 * Metadata mode does not read what has not changed: 100,000 files, watched by strace.
 *
 * @module
 */
import { compareTrees } from "../bench/compare_trees.ts";
import { makeSmall } from "../bench/corpus.ts";
import { Place } from "../bench/place.ts";
import { pxar } from "../bench/program.ts";
import { atMost, type Figure, say, told } from "./figures.ts";
import { type Chunks, chunksOf, storedChunks } from "./stored_chunks.ts";
import { type Trace, traced } from "./traced.ts";

const FILES = 100_000, PER_DIRECTORY = 500;
/** Two of the 200, with two others between them in an archive's order: what lies between is too little for its chunks, and is read as well. */
const CHANGED = ["d10", "d102"];
/** Length of a marker, and of the header before a file's payload, bytes. */
const MARKER = 16;

/** What `backup --json` says that is compared here. */
interface Told {
  readonly bytesRead: number;
  readonly bytesReused: number;
  readonly filesReused: number;
  readonly filesReread: number;
}

/** One run, and what it left. */
interface Run {
  readonly trace: Trace;
  readonly told: Told;
  /** Of the payload archive, all of them. */
  readonly payload: Chunks;
  /** Of the payload archive, those that were not in the store before. */
  readonly fresh: Chunks;
  /** Chunks that are in the store since, and belong to neither archive. */
  readonly stray: number;
}

/** A number that must be another. */
function equal(what: string, value: number, goal: number): Figure {
  return {
    what,
    value: `${value}`,
    goal: `${goal}`,
    reached: value === goal,
  };
}

/** Sets another content of the same length, and so another time of change. */
function change(path: string): void {
  const bytes = Deno.readFileSync(path);
  for (const [i, byte] of bytes.entries()) bytes[i] = byte ^ 0x55;
  Deno.writeFileSync(path, bytes);
}

/** Proves it; `factor` is of the number of directories. */
export async function reuse(factor: number): Promise<Figure[]> {
  using place = Place.inMemory();
  const files = Math.max(110, Math.round(FILES / PER_DIRECTORY * factor)) *
    PER_DIRECTORY;
  place.demand(files * 16_000, "reuse");
  const tree = place.at("tree"), store = place.at(place.storeName("store"));
  const { bytes } = makeSmall(tree, { files, perDirectory: PER_DIRECTORY });
  await pxar(["store", "init", store, "--on-demand"]);
  let hour = 0;
  const args = () => [
    ...["backup", `root.pxar:${tree}`, "--repository", store, "--json"],
    ...["--backup-id", "reuse", "--change-detection-mode", "metadata"],
    ...["--backup-time", `${1_700_000_000 + 3600 * hour++}`],
  ];
  const indexes = (name: string): string => {
    const folder = `${store}/host/reuse`;
    const newest = [...Deno.readDirSync(folder)].filter((one) =>
      one.isDirectory
    ).map((one) => one.name).sort().at(-1)!;
    return `${folder}/${newest}/${name}.didx`;
  };
  const run = async (): Promise<Run> => {
    const before = storedChunks(store);
    const trace = await traced(args(), tree, place.at("strace"));
    place.remove("strace");
    const payload = chunksOf(indexes("root.ppxar"));
    const metadata = chunksOf(indexes("root.mpxar"));
    const isNew = ([digest]: readonly [string, number]) => !before.has(digest);
    const stray =
      [...storedChunks(store)].filter((one) =>
        !before.has(one) && !payload.has(one) && !metadata.has(one)
      ).length;
    const fresh = new Map([...payload].filter(isNew));
    return { trace, told: JSON.parse(trace.stdout), payload, fresh, stray };
  };
  const comesBack = async (): Promise<void> => {
    const out = place.at("out");
    place.remove("out");
    await pxar(["restore", "host/reuse", "root.pxar", out, ...[
      "--repository",
      store,
    ]]);
    await compareTrees(tree, out);
    place.remove("out");
  };

  say(`reuse: ${files} files, first backup`);
  await pxar(args());
  say("reuse: nothing changed");
  const same = await run();
  await comesBack();
  say(`reuse: ${CHANGED.join(" and ")} changed`);
  const changed = new Set<string>();
  for (const directory of CHANGED) {
    for (const { name } of Deno.readDirSync(`${tree}/${directory}`)) {
      changed.add(`${tree}/${directory}/${name}`);
      change(`${tree}/${directory}/${name}`);
    }
  }
  const partly = await run();
  await comesBack();
  return [
    ...nothingRead(same, files, bytes),
    ...onlyChanged(partly, files, changed),
  ];
}

function nothingRead(
  { trace, told: said, fresh, stray }: Run,
  files: number,
  bytes: number,
): Figure[] {
  const what = "nothing changed: ";
  return [
    told(`${what}files opened`, `${trace.opened.size}`),
    equal(`${what}files read or read ahead`, trace.read.size, 0),
    equal(`${what}files reused, as it says`, said.filesReused, files),
    equal(`${what}bytes reused, as it says`, said.bytesReused, bytes),
    equal(`${what}bytes read, as it says`, said.bytesRead, 0),
    atMost(`${what}new payload chunks`, fresh.size, 2, ""),
    equal(
      `${what}new payload chunks that are no marker of 16 bytes`,
      fresh.values().filter((length) => length !== MARKER).toArray().length,
      0,
    ),
    equal(`${what}new chunks that no archive names`, stray, 0),
  ];
}

function onlyChanged(
  { trace, told: said, fresh, stray }: Run,
  files: number,
  changed: ReadonlySet<string>,
): Figure[] {
  const what = `${CHANGED.length} directories changed: `;
  const paths = trace.read.keys().toArray();
  const untouched = paths.filter((path) => !changed.has(path)).length;
  const length = paths.reduce((sum, path) => sum + Deno.statSync(path).size, 0);
  const calls = Object.entries(trace.calls).map(([call, times]) =>
    `${times} ${call}`
  );
  const came = trace.read.values().reduce((sum, count) => sum + count, 0);
  const stored = fresh.values().reduce((sum, count) => sum + count, 0);
  return [
    equal(
      `${what}changed files read`,
      paths.length - untouched,
      changed.size,
    ),
    equal(
      `${what}other files read (for padding), against those it says`,
      untouched,
      said.filesReread,
    ),
    equal(
      `${what}files reused, as it says`,
      said.filesReused,
      files - paths.length,
    ),
    equal(`${what}bytes that calls brought in`, came, length),
    equal(`${what}bytes read, as it says`, said.bytesRead, length),
    told(`${what}calls on files`, calls.join(", ")),
    atMost(
      `${what}new payload chunks`,
      stored,
      length + paths.length * MARKER + 2 * MARKER,
      "bytes",
    ),
    equal(`${what}new chunks that no archive names`, stray, 0),
  ];
}
