/**
 * A million small files and a sparse file of 10 GiB: the memory stays where it is, the time grows with the work.
 *
 * @module
 */
import { compareTrees } from "../bench/compare_trees.ts";
import { makeSmall, makeSparse } from "../bench/corpus.ts";
import { best, type Usage } from "../bench/measure.ts";
import { Place } from "../bench/place.ts";
import { pxar } from "../bench/program.ts";
import { atMost, type Figure, megabytes, say, told } from "./figures.ts";
import { lookupFigures, oneDirectory } from "./lookup.ts";

const GIB = 2 ** 30;
/** Most memory at once, MB as the goal has it (10^6 bytes). */
const PEAK = 250;
const ROUNDS = 2;

interface Passage {
  readonly create: Usage;
  readonly extract: Usage;
}

function show(usage: Usage): string {
  return `${usage.seconds.toFixed(2)} s, ${megabytes(usage).toFixed(0)} MB`;
}

/** There and back, some times; then proves that it is the same tree. */
async function passage(
  place: Place,
  source: string,
  rounds: number,
): Promise<Passage> {
  const runs = { create: [] as Usage[], extract: [] as Usage[] };
  for (let round = 0; round < rounds; round++) {
    place.remove("archive");
    runs.create.push(await pxar(["create", place.at("archive"), source]));
    place.empty("out");
    runs.extract.push(
      await pxar(["extract", place.at("archive"), place.at("out")]),
    );
  }
  const result = { create: best(runs.create), extract: best(runs.extract) };
  say(`  create ${show(result.create)}; extract ${show(result.extract)}`);
  await compareTrees(source, place.at("out"));
  place.remove("out");
  return result;
}

function peaks(what: string, { create, extract }: Passage): Figure[] {
  return [
    told(`create ${what}`, show(create)),
    told(`extract ${what}`, show(extract)),
    atMost(`peak memory, create ${what}`, megabytes(create), PEAK, "MB"),
    atMost(`peak memory, extract ${what}`, megabytes(extract), PEAK, "MB"),
  ];
}

async function millions(unit: number): Promise<Figure[]> {
  using place = Place.inMemory();
  place.demand(unit * 130_000, "scale");
  const passages: Passage[] = [];
  for (const files of [unit, 10 * unit]) {
    say(`${files} files in ${files / 1000} directories`);
    makeSmall(place.at("tree"), {
      files,
      perDirectory: 1000,
      low: 100,
      high: 1000,
    });
    passages.push(await passage(place, place.at("tree"), ROUNDS));
    place.remove("tree");
  }
  const [few, many] = passages as [Passage, Passage];
  const ratio = (verb: keyof Passage): Figure =>
    atMost(
      `time of ${verb}, ${10 * unit} files to ${unit}`,
      many[verb].seconds / few[verb].seconds,
      11,
      "×",
      1,
    );
  const growth = (verb: keyof Passage): Figure =>
    told(
      `more memory for ten times the files, ${verb}`,
      `${(megabytes(many[verb]) - megabytes(few[verb])).toFixed(0)} MB`,
    );
  const last = 10 * unit - 1;
  const paths = Array.from({ length: 100 }, (_, i) => {
    const file = Math.floor(last * i / 99);
    return `d${Math.floor(file / 1000)}/f${file}`;
  });
  return [
    ...peaks(`of ${unit} files`, few),
    ...peaks(`of ${10 * unit} files in ${unit / 100} directories`, many),
    ratio("create"),
    ratio("extract"),
    growth("create"),
    growth("extract"),
    ...await lookupFigures(
      `in ${10 * unit} files in ${unit / 100} directories`,
      place.at("archive"),
      paths,
    ),
  ];
}

async function crowd(files: number): Promise<Figure[]> {
  using place = Place.inMemory();
  say(`${files} files in one directory`);
  makeSmall(place.at("tree"), { files, perDirectory: files, low: 0, high: 0 });
  return peaks(
    `of ${files} empty files in one directory`,
    await passage(place, place.at("tree"), 1),
  );
}

async function synthetic(entries: number): Promise<Figure[]> {
  using place = Place.inMemory();
  say(`an archive of one directory with ${entries} entries`);
  const paths = await oneDirectory(place.at("archive"), entries);
  return await lookupFigures(
    `in one directory of ${entries} entries`,
    place.at("archive"),
    paths,
  );
}

/** The archive goes from one process to the other through a pipe: it would need as much memory or disk as the file says it is long. */
async function sparse(size: number): Promise<Figure[]> {
  using place = Place.inMemory();
  say(`a sparse file of ${size / GIB} GiB`);
  makeSparse(place.at("tree"), size);
  place.empty("out");
  const pipe = place.at("pipe");
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  const [create, extract] = await Promise.all([
    pxar(["create", "-", place.at("tree")], { stdout: pipe }),
    pxar(["extract", "-", place.at("out")], { stdin: pipe }),
  ]);
  await compareTrees(place.at("tree"), place.at("out"));
  const { blocks } = Deno.statSync(place.at("out/sparse"));
  const kept = (blocks ?? 0) * 512;
  const figures = peaks(`of a sparse file of ${size / GIB} GiB`, {
    create,
    extract,
  });
  const what = "memory that the extracted sparse file takes";
  return [...figures, atMost(what, kept / 2 ** 20, 16, "MiB", 1)];
}

/** Runs it all; `scale` 1 is the real thing, less is for trying out. */
export async function scale(factor: number): Promise<Figure[]> {
  const unit = Math.max(1000, Math.round(100 * factor) * 1000);
  return [
    ...await millions(unit),
    ...await crowd(10 * unit),
    ...await synthetic(10 * unit),
    ...await sparse(Math.ceil(10 * factor) * GIB),
  ];
}
