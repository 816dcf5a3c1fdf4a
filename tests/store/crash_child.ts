// Writes snapshots into a store for ever, and prunes, verifies and collects in between, until it is killed: `crash_child.ts STORE LOCKS FIRST`. It says what it has done, a line each.
import { ChunkCrew } from "@pxar/store/chunk_crew";
import { collectGarbage } from "@pxar/store/gc";
import { openDatastore } from "@pxar/store/open_datastore";
import { verify } from "@pxar/store/verify";
import { openKernel } from "@pxar/sys/kernel";
import { groupOf, snapshotOf } from "./contract.ts";
import { contentsOf, makeFull } from "./full.ts";

/** Where everything goes. */
export const CRASH_GROUP = groupOf("crash");
/** There are so many different contents. */
export const SEEDS = 6;

if (import.meta.main) {
  const [path, locks, first] = Deno.args;
  const store = await openDatastore(path!, {
    kernel: openKernel(),
    sync: "none",
    locks,
  });
  const crew = await ChunkCrew.start(store.direct, { threads: 2 });
  const contents = await Promise.all(
    Array.from({ length: SEEDS }, (_, seed) => contentsOf(seed)),
  );
  const say = (line: string) =>
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  say("ready");
  for (let number = Number(first);; number++) {
    const snapshot = snapshotOf(CRASH_GROUP, number);
    await makeFull(store, snapshot, crew, contents[number % SEEDS]!);
    say(`made ${number}`);
    await store.setNotes(snapshot, `notes ${number}`);
    say(`noted ${number}`);
    if (number % 3 !== 0) continue;
    say("pruning");
    await store.prune(snapshot, { last: 2 });
    say("pruned");
    await verify(store, { namespace: "" }, { threads: 1 });
    say("verified");
    await collectGarbage(store, { checkAccessTimes: false, cutoff: 0 });
    say("collected");
  }
}
