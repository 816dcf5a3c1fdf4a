// A writer that is killed at random moments, again and again: what is in the store afterwards. Used by a test and by a proof.
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { collectGarbage } from "@pxar/store/gc";
import type { SnapshotName } from "@pxar/store/snapshot";
import { verify } from "@pxar/store/verify";
import { assert, assertEquals } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { xorshift32 } from "../support/prng.ts";
import { CRASH_GROUP, SEEDS } from "./crash_child.ts";
import { groupOf, snapshotOf } from "./contract.ts";
import { type Contents, contentsOf, readFull } from "./full.ts";
import { chunkFiles, namesIn, withDatastore } from "./stores.ts";

/** What was met. */
export interface Crashes {
  kills: number;
  /** Snapshots that the killed ones had made. */
  made: number;
  /** What the writer was at when it was killed. */
  readonly during: Record<string, number>;
  /** Snapshots that were left unfinished, and files that were left without their names. */
  unfinished: number;
  temporaries: number;
}

const TIME = snapshotOf(groupOf("x"), 0).time;

/**
 * Kills writers.
 *
 * @param count How many.
 * @param seed When.
 * @param onKill Told of each before.
 * @throws If the store is not as it must be after one.
 */
export async function crash(
  count: number,
  seed: number,
  onKill?: (number: number) => void,
): Promise<Crashes> {
  const crashes: Crashes = {
    kills: 0,
    made: 0,
    during: {},
    unfinished: 0,
    temporaries: 0,
  };
  const next = xorshift32(seed);
  await withDatastore(async (store, folder) => {
    const crew = await ChunkCrew.start(store.direct, { threads: 0 });
    try {
      const contents = await Promise.all(
        Array.from({ length: SEEDS }, (_, seed) => contentsOf(seed)),
      );
      let number = 1;
      for (let i = 0; i < count; i++) {
        onKill?.(i);
        const said = await killed(store, folder, number, next() % 400);
        crashes.kills++;
        const last = said.at(-1)!.replace(/ \d+$/, "");
        crashes.during[last] = (crashes.during[last] ?? 0) + 1;
        const made = said.flatMap((line) =>
          /^made (\d+)$/.exec(line)?.[1] ?? []
        ).map(Number);
        crashes.made += made.length;
        await assertSound(store, crew, contents, made.at(-1), crashes);
        if (i % 4 === 3 || i === count - 1) {
          await assertCleaned(store, crew, contents);
        }
        number = Math.max(
          number,
          ...(await store.snapshots("")).map(({ snapshot }) =>
            snapshot.time - TIME
          ),
        ) + 1;
      }
    } finally {
      crew.close();
    }
  });
  return crashes;
}

/** Starts a writer and kills it; gives what it said. */
async function killed(
  { location }: Datastore,
  folder: string,
  number: number,
  millis: number,
): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("./crash_child.ts", import.meta.url).pathname,
      location,
      `${folder}/locks`,
      `${number}`,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "", timer: ReturnType<typeof setTimeout> | undefined;
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("ready\n")) {
      timer ??= setTimeout(() => child.kill("SIGKILL"), millis);
    }
  }
  const { signal } = await child.status;
  clearTimeout(timer);
  assertEquals(signal, "SIGKILL", "the writer ended by itself");
  return text.trimEnd().split("\n");
}

/** Every finished snapshot is whole, and the last one that was made is there. */
async function assertSound(
  store: Datastore,
  crew: ChunkCrew,
  contents: readonly Contents[],
  last: number | undefined,
  crashes: Crashes,
): Promise<void> {
  const report = await verify(store, { namespace: "" }, { threads: 0 });
  assertEquals(report.snapshots.flatMap(({ problems }) => problems), []);
  const states = report.snapshots.map(({ state }) => state);
  assert(
    states.every((state) => state === "ok" || state === "unfinished"),
    states.join(),
  );
  crashes.unfinished += states.filter((state) => state === "unfinished").length;
  crashes.temporaries +=
    namesIn(store.location).filter((name) => /\.tmp_/.test(name)).length;
  const finished = (await store.snapshots("")).filter(({ finished }) =>
    finished
  ).map(({ snapshot }) => snapshot);
  if (last !== undefined) {
    assert(
      finished.some(({ time }) => time === TIME + last),
      `snapshot ${last} is gone`,
    );
  }
  for (const snapshot of finished) {
    await assertWhole(store, snapshot, crew, contents);
  }
}

async function assertWhole(
  store: Datastore,
  snapshot: SnapshotName,
  crew: ChunkCrew,
  contents: readonly Contents[],
): Promise<void> {
  const expected = contents[(snapshot.time - TIME) % SEEDS]!;
  const met = new Set<string>();
  await readFull(store, snapshot, crew, undefined, (name, content) => {
    if ("error" in content) throw content.error;
    assertSameBytes(content, expected.get(name)!, name);
    met.add(name);
  });
  assertEquals([...met], [...expected.keys()]);
}

/** After a collection there is nothing but what snapshots need. */
async function assertCleaned(
  store: Datastore,
  crew: ChunkCrew,
  contents: readonly Contents[],
): Promise<void> {
  // Times of access are told by a clock that ticks every few milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const status = await collectGarbage(store, {
    checkAccessTimes: false,
    cutoff: 0,
  });
  const names = namesIn(store.location);
  assertEquals(names.filter((name) => /\.(tmp_|bad$|using$)/.test(name)), []);
  const infos = await store.snapshots(CRASH_GROUP);
  assert(infos.every(({ finished }) => finished));
  assertEquals(
    chunkFiles(store).length,
    status.cacheMisses,
    "chunks that nobody needs",
  );
  assertEquals(status.diskChunks, status.cacheMisses);
  for (const { snapshot } of infos) {
    await assertWhole(store, snapshot, crew, contents);
  }
}
