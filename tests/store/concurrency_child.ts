// One of several processes that use a store at the same time: `concurrency_child.ts ROLE STORE LOCKS FOLDER [NUMBER]`. Files in FOLDER are signs to one another. It says what it has done, a line each.
import { BusyError } from "@pxar/format/errors";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { collectGarbage } from "@pxar/store/gc";
import { openDatastore } from "@pxar/store/open_datastore";
import { openKernel } from "@pxar/sys/kernel";
import { groupOf, snapshotOf } from "./contract.ts";
import { contentsOf, makeFull, putContents } from "./full.ts";
import { isThere } from "./stores.ts";

/** How many snapshots each writer makes, and how many different contents there are in all. */
export const SNAPSHOTS = 6, SEEDS = 5;

/** Which content a snapshot has: neighbours have the same at the same time. */
export function seedOf(writer: number, number: number): number {
  return (Math.floor(writer / 2) + number) % SEEDS;
}

const say = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const pause = (millis: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, millis));

/** Does something as soon as nobody is in the way. */
async function patiently(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      say(`busy: ${error.message}`);
      await pause(20 + Math.random() * 30);
    }
  }
}

async function write(
  store: Datastore,
  folder: string,
  writer: number,
): Promise<void> {
  const crew = await ChunkCrew.start(store.direct, { threads: 1 });
  const contents = await Promise.all(
    Array.from({ length: SEEDS }, (_, seed) => contentsOf(seed)),
  );
  say("ready");
  while (!isThere(`${folder}/go`)) await pause(5);
  for (let number = 0; number < SNAPSHOTS; number++) {
    const snapshot = snapshotOf(groupOf(`w${writer}`), number),
      content = contents[seedOf(writer, number)]!;
    await patiently(async () => {
      if (writer > 0) return await makeFull(store, snapshot, crew, content);
      await using open = await store.create(snapshot, { owner: "root@pam" });
      // At least once a collection comes while somebody writes.
      while (!isThere(`${folder}/refused`)) await pause(5);
      await putContents(open, crew, content);
    });
    say(`made ${writer} ${number}`);
    await pause(Math.random() * 100);
  }
  crew.close();
}

async function collect(store: Datastore, folder: string): Promise<void> {
  for (let isOver = false; !isOver;) {
    // Once more after all is over: then nobody is in the way.
    isOver = isThere(`${folder}/over`);
    try {
      const { removedChunks, diskChunks } = await collectGarbage(store, {
        checkAccessTimes: false,
        cutoff: 0,
      });
      say(`ran ${removedChunks} ${diskChunks}`);
      if (!isThere(`${folder}/go`)) Deno.writeTextFileSync(`${folder}/go`, "");
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      say("refused");
      Deno.writeTextFileSync(`${folder}/refused`, "");
    }
    await pause(isOver ? 0 : Math.random() * 20);
  }
}

async function prune(store: Datastore, folder: string): Promise<void> {
  for (let isOver = false; !isOver;) {
    isOver = isThere(`${folder}/over`);
    for (const { group } of await store.groups("")) {
      try {
        const results = await store.prune(group, { last: 2 });
        for (const { keep, error, snapshot } of results) {
          if (!keep) {
            say(
              `${
                error === undefined ? "pruned" : "kept"
              } ${snapshot.id} ${snapshot.time}`,
            );
          }
        }
      } catch (error) {
        // With its last snapshot given up, a group may be gone.
        say(`busy: ${error instanceof Error ? error.message : error}`);
      }
    }
    await pause(isOver ? 0 : 30);
  }
}

if (import.meta.main) {
  const [role, path, locks, folder, number] = Deno.args;
  const store = await openDatastore(path!, {
    kernel: openKernel(),
    sync: "none",
    locks,
  });
  if (role === "write") await write(store, folder!, Number(number));
  else if (role === "collect") await collect(store, folder!);
  else await prune(store, folder!);
}
