/**
 * There and back: this machine's own trees in every mode, with and without keys, with and without FFI; and a tree that changes between one snapshot and the next.
 *
 * @module
 */
import { makeKey, type Mode } from "../bench/backup_programs.ts";
import { measure, type Usage } from "../bench/measure.ts";
import { Place, treeSize } from "../bench/place.ts";
import { PXAR, pxar } from "../bench/program.ts";
import { alter, makeAlterable } from "./alter.ts";
import { type Figure, none, say, told } from "./figures.ts";
import { noticed } from "./comparison.ts";
import { provedSame } from "./same_tree.ts";

const MODES: readonly Mode[] = ["legacy", "data", "metadata"];
const CRYPT_MODES = ["none", "encrypt", "sign-only"] as const;
type CryptMode = typeof CRYPT_MODES[number];
/** How often the changing tree changes. */
const CHANGES = 8;
/** How many of its snapshots are left at the end. */
const KEPT = 4;
const EXIT_LOSSES = 3;

/** One way to make the journey. */
interface Way {
  readonly mode: Mode;
  readonly crypt: CryptMode;
  readonly ffi: boolean;
}

const WAYS: readonly Way[] = MODES.flatMap((mode) =>
  CRYPT_MODES.flatMap((crypt) =>
    [true, false].map((ffi): Way => ({ mode, crypt, ffi }))
  )
);

/** A store in memory, and our program at work on it. */
class Traveller {
  readonly #place: Place;
  readonly #store: string;
  readonly #key: string;
  #hour = 0;

  private constructor(place: Place, store: string, key: string) {
    this.#place = place;
    this.#store = store;
    this.#key = key;
  }

  static async start(place: Place): Promise<Traveller> {
    const store = place.at(place.storeName("store"));
    await pxar(["store", "init", store, "--on-demand"]);
    return new Traveller(place, store, await makeKey(place));
  }

  /** Runs a command on the store; without FFI it may end with what was lost. */
  run(args: readonly string[], ffi = true): Promise<Usage> {
    const all = [...args, "--repository", this.#store];
    if (ffi) return pxar(all);
    const program = [...PXAR.slice(0, -1), "--deny-ffi", PXAR.at(-1)!];
    return measure([...program, ...all], { good: [0, EXIT_LOSSES] });
  }

  /** One more snapshot; gives its name. */
  async backup(tree: string, id: string, way: Way): Promise<string> {
    const time = 1_700_000_000 + 3600 * this.#hour++;
    await this.run([
      "backup",
      `root.pxar:${tree}`,
      ...["--backup-id", id, "--change-detection-mode", way.mode],
      ...["--backup-time", `${time}`],
      ...this.#keyed(way),
    ], way.ffi);
    const text = new Date(time * 1000).toISOString().replace(".000", "");
    return `host/${id}/${text}`;
  }

  /** Proves of all snapshots that they are whole. */
  async verify(): Promise<void> {
    await this.run(["verify", "--keyfile", this.#key]);
  }

  /** A snapshot, or a group's newest one, into a directory that did not exist. */
  async restore(from: string, way: Way): Promise<string> {
    const out = this.#place.at("out");
    this.#place.remove("out");
    const keyfile = way.crypt === "none" ? [] : ["--keyfile", this.#key];
    await this.run(["restore", from, "root.pxar", out, ...keyfile], way.ffi);
    return out;
  }

  #keyed({ crypt }: Way): string[] {
    return crypt === "none"
      ? []
      : ["--keyfile", this.#key, "--crypt-mode", crypt];
  }
}

function show({ mode, crypt, ffi }: Way): string {
  return `${mode}, ${crypt}, ${ffi ? "" : "no "}FFI`;
}

/** One of this machine's trees, every way; in metadata mode the snapshot that is restored is the second. */
async function realTree(
  tree: string,
  ways: readonly Way[],
): Promise<Figure[]> {
  using place = Place.inMemory();
  // The restored tree, and the store: plain and encrypted, one stream and split.
  place.demand(3 * treeSize(tree), tree);
  const traveller = await Traveller.start(place);
  let changed = 0;
  for (const way of ways) {
    const id = show(way).replaceAll(/[ ,]+/g, "-");
    const since = new Date(Date.now() - 1000);
    if (way.mode === "metadata") await traveller.backup(tree, id, way);
    const snapshot = await traveller.backup(tree, id, way);
    const out = await traveller.restore(snapshot, way);
    const differ = await provedSame(tree, out, since, { closely: way.ffi });
    changed += differ;
    say(`  ${tree}, ${show(way)}: the same`);
  }
  await traveller.verify();
  return [
    none(`${tree}: ways it did not come back as it was`, ways.length),
    told(`${tree}: paths that changed meanwhile, all ways`, `${changed}`),
  ];
}

/** A tree that changes: every snapshot gives the tree of its time, also after those before were removed. */
async function chain(way: Way): Promise<Figure[]> {
  using place = Place.inMemory();
  const tree = place.at("tree");
  await makeAlterable(tree, way.ffi);
  place.demand((KEPT + 3) * treeSize(tree), "journeys");
  const traveller = await Traveller.start(place);
  const kept: (readonly [snapshot: string, copy: string])[] = [];
  const prove = async (snapshot: string, copy: string): Promise<void> => {
    const out = await traveller.restore(snapshot, way);
    const since = new Date(Date.now() + 1e9);
    await provedSame(copy, out, since, { closely: way.ffi });
  };
  for (let step = 0; step <= CHANGES; step++) {
    if (step > 0) await alter(tree, step);
    const snapshot = await traveller.backup(tree, "chain", way);
    await prove(snapshot, tree);
    const copy = `copy-${step}`;
    await new Deno.Command("cp", { args: ["-a", tree, place.at(copy)] })
      .output();
    kept.push([snapshot, copy]);
    if (kept.length <= KEPT) continue;
    place.remove(kept.shift()![1]);
    await traveller.run(["prune", "host/chain", "--keep-last", `${KEPT}`]);
    await traveller.run(["garbage-collect", "--cutoff", "0"]);
  }
  await traveller.verify();
  for (const [snapshot, copy] of kept) await prove(snapshot, place.at(copy));
  say(`  chain, ${show(way)}: each gives the tree of its time`);
  return [none(`chain of ${CHANGES + 1}, ${show(way)}: wrong`, CHANGES + 1)];
}

/**
 * Goes all of them.
 *
 * @param factor Below 1: only every so many ways of each tree.
 * @param trees Directories of this machine.
 */
export async function journeys(
  factor: number,
  trees: readonly string[],
): Promise<Figure[]> {
  const every = Math.max(1, Math.round(1 / factor));
  const figures = [await noticed()];
  const some = (way: Way): boolean => WAYS.indexOf(way) % every === 0;
  for (const way of WAYS.filter(some)) {
    say(`journeys: chain, ${show(way)}`);
    figures.push(...await chain(way));
  }
  for (const tree of trees) {
    say(`journeys: ${tree}`);
    figures.push(...await realTree(tree, WAYS.filter(some)));
  }
  return figures;
}
