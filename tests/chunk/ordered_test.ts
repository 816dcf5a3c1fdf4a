// Many at once, in order, within a budget: what is under way, what is aborted, what ends when.
import { ordered } from "@pxar/chunk/ordered";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

/** Lets everything that is ready go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Work that is done when a test says so. */
class Bench {
  readonly begun: number[] = [];
  readonly aborted: number[] = [];
  under = 0;
  readonly #open = new Map<
    number,
    { resolve: () => void; reject: (error: unknown) => void }
  >();

  readonly work = async (
    item: number,
    signal: AbortSignal,
  ): Promise<number> => {
    this.begun.push(item);
    this.under++;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#open.set(item, { resolve, reject });
        signal.addEventListener("abort", () => {
          this.aborted.push(item);
          reject(new Error(`aborted ${item}`));
        });
      });
      return item * 10;
    } finally {
      this.under--;
    }
  };

  finish(item: number): void {
    this.#open.get(item)!.resolve();
  }

  fail(item: number): void {
    this.#open.get(item)!.reject(new Error(`failed ${item}`));
  }
}

/** Numbers, and whether somebody is done with them. */
class Items {
  taken = 0;
  ended = 0;
  constructor(readonly count: number) {}
  *[Symbol.iterator](): Generator<number, void, void> {
    try {
      while (this.taken < this.count) yield this.taken++;
    } finally {
      this.ended++;
    }
  }
}

Deno.test("ordered() gives results in order, whoever is faster", async () => {
  const bench = new Bench();
  const results = ordered([0, 1, 2, 3], bench.work, { most: 3 });
  assertEquals(bench.begun, []);
  const first = results.next();
  await settle();
  assertEquals(bench.begun, [0, 1, 2]);
  bench.finish(2);
  bench.finish(1);
  await settle();
  assertEquals(bench.begun, [0, 1, 2]);
  bench.finish(0);
  assertEquals(await first, { done: false, value: 0 });
  assertEquals(bench.begun, [0, 1, 2]);
  assertEquals(await results.next(), { done: false, value: 10 });
  assertEquals(bench.begun, [0, 1, 2, 3]);
  assertEquals(await results.next(), { done: false, value: 20 });
  bench.finish(3);
  assertEquals(await results.next(), { done: false, value: 30 });
  assertEquals(await results.next(), { done: true, value: undefined });
  assertEquals(bench.aborted, [0, 1, 2, 3].slice(4));
});

Deno.test("ordered() keeps to its limits, and gives everything", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 50 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 100 }),
      fc.constantFrom("sync", "async", "stream"),
      fc.boolean(),
      fc.infiniteStream(fc.nat({ max: 3 })),
      async (weights, most, budget, kind, slow, delays) => {
        let under = 0, weight = 0;
        const turns = async (): Promise<void> => {
          const count = delays.next().value;
          for (let i = 0; i < count; i++) await undefined;
          if (count === 3) await new Promise((resolve) => setTimeout(resolve));
        };
        const items = weights.map((weight, i) => ({ i, weight }));
        async function* later() {
          for (const item of items) {
            await turns();
            yield item;
          }
        }
        const results = ordered(
          kind === "sync"
            ? items
            : kind === "async"
            ? later()
            : ReadableStream.from(later()),
          async (item) => {
            under++;
            weight += item.weight;
            assert(under <= most, `${under} at once`);
            assert(under === 1 || weight <= budget, `${weight} at once`);
            await turns();
            return item;
          },
          { most, budget, weigh: ({ weight }) => weight },
        );
        let next = 0;
        for await (const item of results) {
          assertEquals(item.i, next++);
          if (slow) await turns();
          under--;
          weight -= item.weight;
        }
        assertEquals(next, weights.length);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("room is there again when a result was used", async () => {
  const bench = new Bench();
  const results = ordered([0, 1, 2, 3, 4], bench.work, {
    budget: 20,
    weigh: () => 10,
  });
  const first = results.next();
  await settle();
  assertEquals(bench.begun, [0, 1]);
  bench.finish(0);
  bench.finish(1);
  await first;
  await settle();
  assertEquals(bench.begun, [0, 1]);
  await results.next();
  await settle();
  assertEquals(bench.begun, [0, 1, 2]);
  const third = results.next();
  await settle();
  assertEquals(bench.begun, [0, 1, 2, 3]);
  bench.finish(2);
  assertEquals((await third).value, 20);
  await results.return();
});

Deno.test("work that takes its time to end is waited for", async () => {
  for (const how of ["return", "signal", "error"]) {
    const stop = new AbortController();
    let under = 0;
    const results = ordered([0, 1, 2], async (item, signal) => {
      if (item === 0) return;
      under++;
      if (item === 1 && how === "error") {
        under--;
        throw new Error("error");
      }
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await settle();
      under--;
    }, { signal: stop.signal });
    await results.next();
    assertEquals(under, how === "error" ? 1 : 2);
    if (how === "return") await results.return();
    else {
      const next = results.next();
      if (how === "signal") stop.abort(new Error("signal"));
      await assertRejects(() => next, Error, how);
    }
    assertEquals(under, 0);
  }
});

Deno.test("an error comes in its turn: what is before it is yielded, what is behind it aborted, nothing more begun", async () => {
  const bench = new Bench(), items = new Items(100);
  const results = ordered(items, bench.work, { most: 5 });
  const first = results.next();
  await settle();
  bench.finish(4);
  bench.fail(2);
  await settle();
  assertEquals(bench.begun, [0, 1, 2, 3, 4]);
  assertEquals(bench.aborted, [3, 4]);
  bench.finish(0);
  assertEquals((await first).value, 0);
  bench.finish(1);
  assertEquals((await results.next()).value, 10);
  await assertRejects(() => results.next(), Error, "failed 2");
  assertEquals(bench.begun, [0, 1, 2, 3, 4]);
  assertEquals(bench.under, 0);
  assertEquals(items.ended, 1);
  assertEquals(await results.next(), { done: true, value: undefined });
});

Deno.test("of two errors the first in order is thrown", async () => {
  const bench = new Bench();
  const results = ordered(new Items(9), bench.work, { most: 4 });
  const first = results.next();
  await settle();
  bench.fail(3);
  await settle();
  bench.fail(0);
  await assertRejects(() => first, Error, "failed 0");
  assertEquals(bench.under, 0);
});

Deno.test("work that throws at once fails as any other, and aborts nothing before it", async () => {
  const bench = new Bench();
  const results = ordered([0, 1, 2, 3], (item, signal) => {
    if (item === 2) throw new Error("at once");
    return bench.work(item, signal);
  });
  const first = results.next();
  await settle();
  assertEquals([bench.begun, bench.aborted], [[0, 1], []]);
  bench.finish(1);
  bench.finish(0);
  assertEquals((await first).value, 0);
  assertEquals((await results.next()).value, 10);
  await assertRejects(() => results.next(), Error, "at once");
});

Deno.test("a caller that leaves early aborts what is under way, and waits for its end", async () => {
  const bench = new Bench(), items = new Items(100);
  const results = ordered(items, bench.work, { most: 4 });
  const first = results.next();
  await settle();
  bench.finish(0);
  await first;
  await results.return();
  assertEquals(bench.aborted, [0, 1, 2, 3]);
  assertEquals(bench.under, 0);
  assertEquals(items.ended, 1);
  assertEquals(items.taken, 4);
});

Deno.test("a signal ends it while it waits, with its reason", async () => {
  const bench = new Bench(), items = new Items(100);
  const stop = new AbortController();
  const results = ordered(items, bench.work, { signal: stop.signal, most: 2 });
  const first = results.next();
  await settle();
  stop.abort(new Error("enough"));
  await assertRejects(() => first, Error, "enough");
  assertEquals(bench.under, 0);
  assertEquals(items.ended, 1);
  const late = new Items(3);
  await assertRejects(
    () => ordered(late, bench.work, { signal: stop.signal }).next(),
    Error,
    "enough",
  );
  assertEquals(late.taken, 0);
});

Deno.test("an error of the items comes behind the results of those before", async () => {
  for (const later of [false, true]) {
    let returned = 0;
    const items = {
      at: 0,
      next(): IteratorResult<number> {
        if (this.at === 3) throw new Error("no more");
        return { done: false, value: this.at++ };
      },
      return(): IteratorResult<number> {
        returned++;
        return { done: true, value: undefined };
      },
    };
    const source = later
      ? {
        [Symbol.asyncIterator]: () => ({
          // deno-lint-ignore require-await
          next: async () => items.next(),
          // deno-lint-ignore require-await
          return: async () => items.return(),
        }),
      }
      : { [Symbol.iterator]: () => items };
    const seen: number[] = [];
    await assertRejects(
      async () => {
        for await (const item of ordered(source, (item) => item)) {
          seen.push(item);
        }
      },
      Error,
      "no more",
    );
    assertEquals(seen, [0, 1, 2]);
    assertEquals(returned, 0);
  }
});

Deno.test("an error of weighing ends it", async () => {
  const items = new Items(4);
  await assertRejects(
    () =>
      ordered(items, (item) => item, {
        weigh: () => {
          throw new Error("too heavy to lift");
        },
      }).next(),
    Error,
    "lift",
  );
  assertEquals(items.ended, 1);
});

Deno.test("leaving early tells items that are waited for", async () => {
  let give: (result: IteratorResult<number>) => void = () => {};
  let asked = 0, returned = 0;
  const items = {
    [Symbol.asyncIterator]: () => ({
      next: (): Promise<IteratorResult<number>> =>
        asked++ === 0
          ? Promise.resolve({ done: false, value: 1 })
          : new Promise((resolve) => give = resolve),
      return: (): Promise<IteratorResult<number>> => {
        returned++;
        give({ done: true, value: undefined });
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  for await (const item of ordered(items, (item) => item)) {
    assertEquals(item, 1);
    break;
  }
  assertEquals([asked, returned], [2, 1]);
});

Deno.test("limits that allow nothing are the caller's mistake", async () => {
  for (const options of [{ most: 0 }, { most: NaN }, { budget: 0 }]) {
    await assertRejects(
      () => ordered([1], (item) => item, options).next(),
      RangeError,
    );
  }
});
