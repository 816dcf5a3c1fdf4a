import { growingCrew } from "@pxar/chunk/growing_crew";
import { NotFoundError } from "@pxar/format/errors";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { type Answer, open, type Request, type Setup } from "./crew_serve.ts";

/** A crew that gets threads when work of 10 was done; what was told counts for good. */
function growing(threads: number, setup: Setup = { factor: 3 }) {
  const told: Request[] = [];
  const crew = growingCrew<Setup, Request, Answer>({
    module: new URL("./crew_worker.ts", import.meta.url),
    setup,
    open,
    threads,
  }, {
    after: 10,
    // What was remembered before is no work.
    work: ({ value }, weight) => value === 0 ? 0 : weight,
    retell: () => told,
  });
  const tell = async (request: Request) => {
    told.push(request);
    await crew.tell(request);
  };
  return { crew, tell };
}

Deno.test("growingCrew() serves on this thread until there was work, then on others", async () => {
  const { crew, tell } = growing(2);
  try {
    assertEquals(crew.threads, 2);
    await tell({ op: "remember", value: 5 });
    const first = await crew.ask({ op: "recall" }, 10);
    assertEquals(first.value, 5);
    await tell({ op: "remember", value: 2 });
    // What was no work does not count, however much it weighed.
    await crew.ask({ op: "times", value: 0 }, 1000);
    const second = await crew.ask({ op: "recall" }, 1);
    assertEquals([second.value, second.thread], [7, first.thread]);
    const answers = await Promise.all(
      Array.from(
        { length: 8 },
        () => crew.ask({ op: "times", value: 1, millis: 20 }, 1),
      ),
    );
    const threads = new Set(answers.map(({ thread }) => thread));
    assertEquals([threads.size, threads.has(first.thread)], [2, false]);
    // They know all that was told before they were there.
    for (let i = 0; i < 4; i++) {
      assertEquals((await crew.ask({ op: "recall" }, 1)).value, 7);
    }
    await tell({ op: "remember", value: 1 });
    assertEquals((await crew.ask({ op: "recall" }, 1)).value, 8);
  } finally {
    crew.close();
  }
});

Deno.test("growingCrew() never gets threads where there are to be none, and does the work itself where none can be started", async () => {
  for (
    const { crew } of [
      growing(0),
      growing(2, { factor: 3, fails: "in threads" }),
    ]
  ) {
    const names = new Set<string>();
    for (let i = 0; i < 5; i++) {
      names.add((await crew.ask({ op: "times", value: 1 }, 100)).thread);
    }
    assert(names.size <= 2, `${names.size} served`);
    crew.close();
  }
});

Deno.test("growingCrew() hands on what goes wrong, and serves nobody once it was closed", async () => {
  const broken = growing(2, { factor: 3, fails: "everywhere" }).crew;
  await assertRejects(() => broken.ask({ op: "recall" }, 1), NotFoundError);
  broken.close();
  const { crew } = growing(2);
  for (let i = 0; i < 3; i++) await crew.ask({ op: "recall" }, 100);
  crew.close();
  await assertRejects(() => crew.ask({ op: "recall" }, 1), Error, "were ended");
  const unused = growing(2).crew;
  unused.close();
  await assertRejects(() => unused.ask({ op: "recall" }, 1), Error, "ended");
});
