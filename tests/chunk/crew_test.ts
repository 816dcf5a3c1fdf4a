import { type Crew, startCrew } from "@pxar/chunk/crew";
import { NotFoundError } from "@pxar/format/errors";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import {
  type Answer,
  ERRORS,
  open,
  type Request,
  type Setup,
} from "./crew_serve.ts";

const MODULE = new URL("./crew_worker.ts", import.meta.url);

async function withCrew(
  threads: number,
  use: (crew: Crew<Request, Answer>) => Promise<void>,
  setup: Setup = { factor: 3 },
  module = MODULE,
): Promise<void> {
  const crew = await startCrew<Setup, Request, Answer>({
    module,
    setup,
    open,
    threads,
  });
  try {
    await use(crew);
  } finally {
    crew.close();
  }
}

for (const threads of [0, 1, 3]) {
  const name = `startCrew() with ${threads} threads`;

  Deno.test(`${name} answers every request, each thread one at a time`, async () => {
    await withCrew(threads, async (crew) => {
      assertEquals(crew.threads, threads);
      const answers = await Promise.all(
        Array.from(
          { length: 40 },
          (_, value) => crew.ask({ op: "times", value, millis: value % 3 }, 1),
        ),
      );
      assertEquals(
        answers.map(({ value }) => value),
        answers.map((_, i) => 3 * i),
      );
      assertEquals(answers.map(({ busy }) => busy), answers.map(() => 0));
      assertEquals(
        new Set(answers.map(({ thread }) => thread)).size,
        Math.max(1, threads),
      );
    });
  });

  Deno.test(`${name} hands on errors with their class and what they tell`, async () => {
    await withCrew(threads, async (crew) => {
      for (const [name, make] of Object.entries(ERRORS)) {
        const expected = make();
        const error = await assertRejects(
          () => crew.ask({ op: "throw", name }, 1),
          Error,
        );
        assertEquals(error.constructor, expected.constructor, name);
        assertEquals(error.message, expected.message);
        for (
          const key of [
            "offset",
            "expected",
            "actual",
            "code",
            "errno",
            "call",
            "path",
          ]
        ) {
          assertEquals(
            Reflect.get(error, key),
            Reflect.get(expected, key),
            `${name} ${key}`,
          );
        }
        // It goes on afterwards.
        assertEquals((await crew.ask({ op: "times", value: 2 }, 1)).value, 6);
      }
    });
  });

  Deno.test(`${name} tells every thread what all must know`, async () => {
    await withCrew(threads, async (crew) => {
      await crew.tell({ op: "remember", value: 5 });
      await crew.tell({ op: "remember", value: 6 });
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => crew.ask({ op: "recall" }, 1)),
      );
      assertEquals(answers.map(({ value }) => value), answers.map(() => 11));
      assertEquals(
        new Set(answers.map(({ thread }) => thread)).size,
        Math.max(1, threads),
      );
    });
  });

  Deno.test(`${name} fails what is under way when it is closed, and what comes then`, async () => {
    await withCrew(threads, async (crew) => {
      const waiting = Array.from(
        { length: 4 },
        () => crew.ask({ op: "times", value: 1, millis: 20 }, 1),
      );
      const outcomes = Promise.allSettled(waiting);
      await new Promise((resolve) => setTimeout(resolve));
      crew.close();
      // The one that this thread was at is not broken off.
      const failed = (await outcomes).filter(({ status }) =>
        status === "rejected"
      );
      assert(failed.length >= 3, `${failed.length}`);
      await assertRejects(
        () => crew.ask({ op: "times", value: 1 }, 1),
        Error,
        "ended",
      );
      await assertRejects(
        () => crew.tell({ op: "remember", value: 1 }),
        Error,
        "ended",
      );
    });
  });

  Deno.test(`${name} works on memory that all share`, async () => {
    await withCrew(threads, async (crew) => {
      const memory = new SharedArrayBuffer(1000) as unknown as ArrayBuffer;
      await Promise.all(
        Array.from(
          { length: 1000 },
          (_, at) => crew.ask({ op: "fill", memory, at, value: at % 251 }, 1),
        ),
      );
      assertEquals(
        new Uint8Array(memory).slice(),
        new Uint8Array(1000).map((_, at) => at % 251),
      );
    });
  });
}

Deno.test("startCrew() gives work to whoever has the least of it", async () => {
  await withCrew(2, async (crew) => {
    const heavy = crew.ask({ op: "times", value: 0, millis: 30 }, 1000);
    const light = await Promise.all(
      Array.from({ length: 5 }, () => crew.ask({ op: "times", value: 1 }, 10)),
    );
    const { thread } = await heavy;
    assert(light.every((answer) => answer.thread !== thread));
    assertEquals(new Set(light.map((answer) => answer.thread)).size, 1);
  });
});

Deno.test("startCrew() fails what a thread was at when it died, and all that it would have got", async () => {
  await withCrew(1, async (crew) => {
    const dying = crew.ask({ op: "die" }, 1),
      waiting = crew.ask({ op: "times", value: 1 }, 1);
    const outcomes = await Promise.allSettled([dying, waiting]);
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assert(
        /a thread failed/.test(String(outcome.reason)),
        String(outcome.reason),
      );
    }
    await assertRejects(
      () => crew.ask({ op: "times", value: 1 }, 1),
      Error,
      "a thread failed",
    );
  });
});

Deno.test("startCrew() does the work itself where threads cannot be set up", async () => {
  await withCrew(2, async (crew) => {
    assertEquals(crew.threads, 0);
    assertEquals((await crew.ask({ op: "times", value: 2 }, 1)).value, 6);
  }, { factor: 3, fails: "in threads" });
  await withCrew(
    2,
    async (crew) => {
      assertEquals(crew.threads, 0);
      assertEquals((await crew.ask({ op: "times", value: 2 }, 1)).value, 6);
    },
    { factor: 3 },
    new URL("./no_such_file.ts", import.meta.url),
  );
});

Deno.test("startCrew() fails where not even this thread can be set up", async () => {
  for (const threads of [0, 2]) {
    await assertRejects(
      () =>
        withCrew(threads, () => Promise.resolve(), {
          factor: 3,
          fails: "everywhere",
        }),
      NotFoundError,
      "no setup",
    );
  }
});
