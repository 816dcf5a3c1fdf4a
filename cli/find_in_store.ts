/**
 * Searches in a store: one archive, a snapshot, a group, or everything.
 *
 * @module
 */
import { FormatError, IntegrityError } from "@pxar/format/errors";
import {
  type GroupName,
  groupText,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import { openNative } from "@pxar/sys/native";
import type { FindOptions } from "@pxar/transfer/find";
import {
  findInSnapshot,
  findInSnapshots,
  newestFirst,
  type SnapshotHit,
} from "@pxar/transfer/find_snapshots";
import { Versions } from "@pxar/transfer/versions";
import { backupOf } from "./archive_ref.ts";
import { EXIT } from "./exits.ts";
import { openChosen } from "./open_snapshot.ts";
import type { FindValues } from "./find.ts";
import { jsonForm, nothing, printVersions, textForm } from "./find_form.ts";
import { keyFor, namedKey } from "./key_choice.ts";
import type { OpenArchive } from "./open_archive.ts";
import { openStore } from "./open_store.ts";
import { depthOf, namespaceOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** Told what was found. */
interface Sink {
  readonly page: (hits: readonly SnapshotHit[]) => void;
  readonly passed: (snapshot: SnapshotName) => void;
  readonly end: () => void;
}

/**
 * Searches in the archive of a snapshot.
 *
 * @param archive It, open.
 * @param options What the command line says.
 * @param search What fits.
 * @returns The exit code.
 */
export async function findInOne(
  archive: OpenArchive,
  options: FindValues,
  search: FindOptions,
): Promise<number> {
  const { snapshot, ref } = archive;
  const sink = await sinkOf(options, false);
  let count = 0;
  try {
    const pages = findInSnapshot(snapshot!, {
      ...search,
      archive: ref.kind === "snapshot" ? ref.archive : undefined,
      catalog: mayUseCatalog(options),
    });
    for await (const page of pages) {
      sink.page(page);
      count += page.length;
    }
  } finally {
    // What stands before damage is shown, too.
    sink.end();
  }
  if (count === 0) throw nothing(archive.shown);
  return EXIT.done;
}

/**
 * Searches in a snapshot, in all snapshots of a group, or in all of a namespace and those below it.
 *
 * @param where Snapshot or group as it was typed; `undefined` for all.
 * @param options What the command line says.
 * @param search What fits.
 * @returns The exit code.
 */
export async function findInStore(
  where: string | undefined,
  options: FindValues,
  search: FindOptions,
): Promise<number> {
  const { signal } = search, voice = new Voice(false);
  const maxDepth = depthOf(options["max-depth"]);
  const how = { ...search, catalog: mayUseCatalog(options) };
  const within = where === undefined
    ? namespaceOf(options.ns)
    : backupOf(where, options.ns);
  const sink = await sinkOf(options, where === undefined);
  let count = 0, exit: number = EXIT.done;
  const take = (page: readonly SnapshotHit[]) => {
    sink.page(page);
    count += page.length;
  };
  try {
    if (where !== undefined && where.split("/", 3).length === 3) {
      const name = within as GroupName | SnapshotName;
      await using snapshot = await openChosen(name, options, voice, signal);
      for await (const page of findInSnapshot(snapshot, how)) take(page);
    } else {
      const store = await openStore(options, voice);
      const snapshots = newestFirst(store, within, {
        latest: options.latest,
        maxDepth,
        signal,
      });
      const pages = findInSnapshots(store, snapshots, {
        ...how,
        key: await keyOf(options),
        native: openNative(),
        onDone: sink.passed,
        onError: (snapshot, error) => {
          voice.problem(
            `Cannot search ${snapshotText(snapshot)}: ${error.message}`,
          );
          if (error instanceof FormatError || error instanceof IntegrityError) {
            exit = EXIT.damaged;
          } else if (exit === EXIT.done) exit = EXIT.incomplete;
        },
      });
      for await (const page of pages) take(page);
    }
  } finally {
    // What was found before it ended is shown, too.
    sink.end();
  }
  if (count === 0 && exit === EXIT.done) throw nothing(placeText(within));
  return exit;
}

/** The named key, or the default one: asked for once, where one is needed. */
async function keyOf(options: FindValues) {
  const named = await namedKey(options);
  if (named !== undefined) return named;
  let key: ReturnType<typeof keyFor> | undefined;
  return () => key ??= keyFor(options, true);
}

/** A catalog does not know owners. */
function mayUseCatalog(options: FindValues): boolean {
  return !options["no-catalog"] && options.uid === undefined &&
    options.gid === undefined;
}

function placeText(within: string | GroupName | SnapshotName): string {
  if (typeof within === "string") {
    return within === "" ? "the store" : `namespace ${within}`;
  }
  return "time" in within ? snapshotText(within) : groupText(within);
}

async function sinkOf(options: FindValues, many: boolean): Promise<Sink> {
  if (options.versions) {
    const versions = new Versions();
    return {
      page: (hits) => hits.forEach((hit) => versions.add(hit)),
      passed: versions.passed,
      end: () => printVersions(versions.all(), options.json, many),
    };
  }
  const form = options.json ? await jsonForm() : textForm(options.long);
  return {
    page: (hits) => {
      for (const hit of hits) {
        const { snapshot, archive } = hit;
        form.hit(hit, {
          namespace: many ? snapshot.namespace || undefined : undefined,
          snapshot: snapshotText(snapshot),
          archive,
        });
      }
    },
    passed: () => form.flush(),
    end: () => form.end(),
  };
}
