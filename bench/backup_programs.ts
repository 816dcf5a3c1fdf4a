/**
 * Programs that keep snapshots of a tree: ours in its modes, and those it is measured against.
 *
 * @module
 */
import { measure, type Surroundings, type Usage } from "./measure.ts";
import type { Place } from "./place.ts";
import { pxar, version } from "./program.ts";

/** What our program does on an unchanged tree, and how it writes archives. */
export type Mode = "legacy" | "data" | "metadata";

/** A program with a store of its own, in memory like all that it keeps. */
export interface Keeper {
  /** Which program it is. */
  readonly program: "pxar" | "restic" | "borg" | "casync";
  /** What it is called in tables. */
  readonly name: string;
  /** Makes its store anew, without snapshots; not measured. */
  fresh(): Promise<void>;
  /** Makes one more snapshot. */
  backup(): Promise<Usage>;
  /** Restores the last snapshot into an empty directory. */
  restore(into: string): Promise<Usage>;
  /** Where the tree itself stands in what was restored, with a leading slash; empty where that is the tree. */
  readonly below: string;
}

/** How our program keeps snapshots. */
export interface OwnOptions {
  /** Also tells groups apart that lie in one store. */
  readonly mode: Mode;
  /** Name of the store in the place: `Place.storeName` gives it. */
  readonly store: string;
  /** Path of the key; plain without. */
  readonly key: string | undefined;
}

/** Seconds since 1970 that our next snapshot is named for: names have whole seconds, and some runs take less. */
let clock = 1_700_000_000;

/** Ours, as a user runs it. */
export function ownKeeper(
  place: Place,
  source: string,
  { mode, store, key }: OwnOptions,
): Keeper {
  const repository = ["--repository", place.at(store)];
  const keyfile = key === undefined ? [] : ["--keyfile", key];
  return {
    program: "pxar",
    name: key === undefined ? mode : `${mode}, encrypted`,
    below: "",
    fresh: async () => {
      place.remove(store);
      await pxar(["store", "init", place.at(store), "--on-demand"]);
    },
    backup: () =>
      pxar([
        "backup",
        `root.pxar:${source}`,
        ...repository,
        "--backup-id",
        mode,
        "--backup-time",
        `${clock += 3600}`,
        "--change-detection-mode",
        mode,
        ...keyfile,
      ]),
    restore: (into) =>
      pxar([
        "restore",
        `host/${mode}`,
        "root.pxar",
        into,
        "--allow-existing-dirs",
        ...repository,
        ...keyfile,
      ]),
  };
}

/** A key file without passphrase, made in the place. */
export async function makeKey(place: Place): Promise<string> {
  const path = place.at("key.json");
  await pxar(["key", "create", path, "--kdf", "none"]);
  return path;
}

/** restic as it comes: encrypted, compressed with its default level, its cache in memory, too. */
function resticKeeper(place: Place, source: string): Keeper {
  const around: Surroundings = {
    env: {
      RESTIC_REPOSITORY: place.at("restic"),
      RESTIC_PASSWORD: "bench",
      RESTIC_CACHE_DIR: place.at("restic-cache"),
    },
  };
  const restic = (...args: string[]) => measure(["restic", ...args], around);
  return {
    program: "restic",
    name: "restic",
    below: source,
    fresh: async () => {
      for (const name of ["restic", "restic-cache"]) place.remove(name);
      await restic("init");
    },
    backup: () => restic("backup", source),
    restore: (into) => restic("restore", "latest", "--target", into),
  };
}

/** borg without encryption, compressed as ours is; its cache in memory, too. */
function borgKeeper(place: Place, source: string): Keeper {
  const around: Surroundings = {
    env: {
      LC_ALL: "C.UTF-8",
      BORG_REPO: place.at("borg"),
      BORG_BASE_DIR: place.at("borg-base"),
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
    },
  };
  let snapshots = 0;
  return {
    program: "borg",
    name: "borg",
    below: source,
    fresh: async () => {
      for (const name of ["borg", "borg-base"]) place.remove(name);
      await measure(["borg", "init", "--encryption", "none"], around);
    },
    backup: () =>
      measure([
        "borg",
        "create",
        "--compression",
        "zstd,1",
        `::${++snapshots}`,
        source,
      ], around),
    restore: (into) =>
      measure(["borg", "extract", `::${snapshots}`], { ...around, cwd: into }),
  };
}

/** casync as it comes: plain, compressed with its default. */
function casyncKeeper(place: Place, source: string): Keeper {
  const around: Surroundings = { env: { TMPDIR: place.path } };
  const casync = (verb: string, ...args: string[]) =>
    measure(
      ["casync", verb, `--store=${place.at("casync.castr")}`, ...args],
      around,
    );
  let snapshots = 0;
  const index = () => place.at(`casync-${snapshots}.caidx`);
  return {
    program: "casync",
    name: "casync",
    below: "",
    fresh: async () => {
      place.empty("casync.castr");
    },
    backup: () => {
      snapshots++;
      return casync("make", index(), source);
    },
    restore: (into) => casync("extract", index(), into),
  };
}

/** A program of others. */
export interface Peer {
  /** Gives it a store in the place. */
  readonly make: (place: Place, source: string) => Keeper;
  /** Whether it encrypts. */
  readonly encrypts: boolean;
  /** How it is asked for its version. */
  readonly version: readonly [command: string, arg: string];
}

const PEERS: readonly Peer[] = [
  { make: resticKeeper, encrypts: true, version: ["restic", "version"] },
  { make: borgKeeper, encrypts: false, version: ["borg", "--version"] },
  { make: casyncKeeper, encrypts: false, version: ["casync", "--version"] },
];

/**
 * Looks which of the peers are here; says loudly which are not.
 *
 * @returns Those that are, by what they say of their version.
 */
export async function findPeers(): Promise<ReadonlyMap<string, Peer>> {
  const found = new Map<string, Peer>();
  for (const peer of PEERS) {
    const [command, arg] = peer.version;
    try {
      found.set(await version(command, arg), peer);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.error(
        `MISSING: ${command}; backups are not measured against it (deno task setup --bench installs it)`,
      );
    }
  }
  return found;
}
