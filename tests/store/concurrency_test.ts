import { ChunkCrew } from "@pxar/store/chunk_crew";
import { collectGarbage } from "@pxar/store/gc";
import { verify } from "@pxar/store/verify";
import { assert, assertEquals } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { systemTest } from "../support/skip.ts";
import { groupOf, snapshotOf } from "./contract.ts";
import { seedOf, SNAPSHOTS } from "./concurrency_child.ts";
import { contentsOf, readFull } from "./full.ts";
import { chunkFiles, namesIn, withDatastore } from "./stores.ts";

const WRITERS = 8;

interface Child {
  readonly done: Promise<string[]>;
}

function start(role: string, path: string, folder: string, number = 0): Child {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("./concurrency_child.ts", import.meta.url).pathname,
      role,
      path,
      `${folder}/locks`,
      folder,
      `${number}`,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const run = async () => {
    let text = "";
    for await (
      const piece of child.stdout.pipeThrough(new TextDecoderStream())
    ) text += piece;
    const { success } = await child.status;
    assert(success, `${role} ${number} failed: ${text}`);
    return text.trimEnd().split("\n");
  };
  return { done: run() };
}

systemTest(
  "8 processes that write equal chunks while others prune and collect lose nothing, and store each chunk once",
  ["linux"],
  async () => {
    await withDatastore(async (store, folder) => {
      const path = store.location;
      const writers = Array.from(
        { length: WRITERS },
        (_, i) => start("write", path, folder, i),
      );
      const pruner = start("prune", path, folder),
        collector = start("collect", path, folder);
      const said = await Promise.all(writers.map(({ done }) => done));
      Deno.writeTextFileSync(`${folder}/over`, "");
      const [pruned, collected] = await Promise.all([
        pruner.done,
        collector.done,
      ]);
      for (const [i, lines] of said.entries()) {
        assertEquals(
          lines.filter((line) => line.startsWith("made")),
          Array.from(
            { length: SNAPSHOTS },
            (_, number) => `made ${i} ${number}`,
          ),
        );
      }
      const count = (lines: readonly string[], start: string) =>
        lines.filter((line) => line.startsWith(start)).length;
      // Both happen: it is refused while somebody writes, and runs while nobody does.
      assert(
        count(collected, "ran") > 0 && count(collected, "refused") > 0,
        collected.join("; "),
      );
      assert(count(pruned, "pruned") > 0, pruned.join("; "));
      assert(count(pruned, "pruned") > 0, pruned.join("; "));

      // The last two of each group are there, and whole.
      const crew = await ChunkCrew.start(store.direct, { threads: 0 });
      for (let writer = 0; writer < WRITERS; writer++) {
        const group = groupOf(`w${writer}`);
        const infos = await store.snapshots(group);
        assert(infos.every(({ finished }) => finished));
        assertEquals(
          infos.map(({ snapshot }) => snapshot),
          [SNAPSHOTS - 2, SNAPSHOTS - 1].map((number) =>
            snapshotOf(group, number)
          ),
        );
        for (const [i, { snapshot }] of infos.entries()) {
          const expected = await contentsOf(seedOf(writer, SNAPSHOTS - 2 + i));
          await readFull(store, snapshot, crew, undefined, (name, content) => {
            if ("error" in content) throw content.error;
            assertSameBytes(content, expected.get(name)!, name);
          });
        }
      }
      crew.close();
      const report = await verify(store, { namespace: "" }, { threads: 0 });
      assertEquals(report.snapshots.flatMap(({ problems }) => problems), []);
      assertEquals(report.snapshots.length, 2 * WRITERS);

      // Each chunk lies there once, under its own name only; what nobody needs goes.
      assertEquals(
        namesIn(path).filter((name) => /\.tmp_|\.bad$/.test(name)),
        [],
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      await collectGarbage(store, { checkAccessTimes: false, cutoff: 0 });
      assertEquals(chunkFiles(store).length, report.chunks);
    });
  },
);
