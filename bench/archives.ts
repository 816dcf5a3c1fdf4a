/**
 * Archives against GNU tar on the same work: create, extract, look up; and the start of the program against that of an empty one.
 *
 * @module
 */
import { compareTrees } from "./compare_trees.ts";
import { contest, type Result, type Work } from "./contest.ts";
import { makeMixed, makeSmall } from "./corpus.ts";
import { measure } from "./measure.ts";
import { dropCaches, fileSystem, Place, treeSize } from "./place.ts";
import { pxar, ROOT, tar } from "./program.ts";

const GIB = 2 ** 30;

/** What is measured, and how. */
export interface ArchiveWork {
  /** How often each runs. */
  readonly rounds: number;
  /** Of the trees that are made. */
  readonly scale: number;
  /** A real tree. */
  readonly tree: string;
  /** Where files are made that are read from a disk. */
  readonly disk: string;
  /** Whether a row is asked for. */
  readonly wanted: (name: string) => boolean;
  /** Does a part; what goes wrong in it does not end the others. */
  readonly attempt: (what: string, part: () => Promise<void>) => Promise<void>;
}

/** Measures all that is asked for. */
export async function benchArchives(how: ArchiveWork): Promise<Result[]> {
  const archives = new Archives(how);
  for (const part of ["start", "small", "mixed", "tree", "cold"] as const) {
    await how.attempt(part, async () => {
      using place = Place.inMemory();
      await archives[part](place);
    });
  }
  return archives.results;
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

/** Its parts, each in a place of its own. */
class Archives {
  readonly results: Result[] = [];
  readonly #how: ArchiveWork;

  constructor(how: ArchiveWork) {
    this.#how = how;
  }

  async #row(
    work: Omit<Work, "rounds" | "counts"> & Partial<Work>,
  ): Promise<void> {
    if (!this.#how.wanted(work.name)) return;
    console.error(`${work.name} …`);
    await this.#how.attempt(work.name, async () => {
      this.results.push(
        await contest({ rounds: this.#how.rounds, counts: "best", ...work }),
      );
    });
  }

  async #createRow(
    name: string,
    goal: number | undefined,
    place: Place,
    source: string,
    before: () => void = () => {},
  ): Promise<void> {
    await this.#row({
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

  async #extractRow(
    name: string,
    goal: number | undefined,
    place: Place,
  ): Promise<void> {
    await this.#row({
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

  async small(place: Place): Promise<void> {
    const names = ["create small", "extract small", "lookup small"];
    if (!names.some(this.#how.wanted)) return;
    place.demand(2 * GIB * this.#how.scale, "small");
    const source = place.at("small");
    const files = Math.max(10, Math.round(100_000 * this.#how.scale));
    makeSmall(source, { files });
    await prepare(place, source);
    await this.#createRow("create small", 0.7, place, source);
    await this.#extractRow("extract small", 0.65, place);
    const last = `d${Math.floor((files - 1) / 500)}/f${files - 1}`;
    await this.#row({
      name: "lookup small",
      goal: undefined,
      ours: { name: "pxar", run: () => pxar(["cat", place.at("ours"), last]) },
      peer: {
        name: "tar",
        run: () => tar(["-xOf", place.at("theirs"), `./${last}`]),
      },
    });
  }

  async mixed(place: Place): Promise<void> {
    if (!["create mixed", "extract mixed"].some(this.#how.wanted)) return;
    place.demand(9 * GIB * this.#how.scale, "mixed");
    const source = place.at("mixed");
    makeMixed(source, Math.round(2 * GIB * this.#how.scale));
    await prepare(place, source);
    await this.#createRow("create mixed", 0.9, place, source);
    await this.#extractRow("extract mixed", 0.9, place);
  }

  async tree(place: Place): Promise<void> {
    const source = this.#how.tree;
    if (![`create ${source}`, `extract ${source}`].some(this.#how.wanted)) {
      return;
    }
    place.demand(3.1 * treeSize(source), source);
    await prepare(place, source);
    await this.#createRow(`create ${source}`, undefined, place, source);
    await this.#extractRow(`extract ${source}`, undefined, place);
  }

  async cold(place: Place): Promise<void> {
    const name = "cold create small";
    if (!this.#how.wanted(name)) return;
    if (!dropCaches()) {
      throw new Error("only root may drop the kernel's caches");
    }
    using disk = Place.onDisk(this.#how.disk);
    console.error(`${name}: files on ${fileSystem(disk.path)}`);
    const source = disk.at("small");
    makeSmall(source, {
      files: Math.max(10, Math.round(100_000 * this.#how.scale)),
    });
    await this.#createRow(name, 0.4, place, source, dropCaches);
  }

  async start(place: Place): Promise<void> {
    if (!["ls", "ls, empty file elsewhere"].some(this.#how.wanted)) return;
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
      await this.#row({
        name,
        goal,
        rounds: Math.max(5, this.#how.rounds * 9),
        counts: "median",
        ours: { name: "pxar", run: () => pxar(["ls", place.at("ours")]) },
        peer: { name: "empty", run },
      });
    }
  }
}
