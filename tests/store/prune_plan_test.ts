import { FormatError } from "@pxar/format/errors";
import {
  checkKeep,
  KEEP_NAMES,
  type KeepOptions,
  keepsSomething,
  planPrune,
  type PruneCandidate,
  type PruneMark,
} from "@pxar/store/prune_plan";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { storeVector } from "./vectors.ts";

interface Scenario {
  readonly name: string;
  readonly tz: string;
  readonly times: readonly number[];
  readonly finished: string;
  readonly protected: string;
  readonly marks: string;
  readonly options: Readonly<Record<string, number>>;
  readonly keepsSomething: boolean;
}

const { scenarios: SCENARIOS } = storeVector<
  { readonly scenarios: readonly Scenario[] }
>("prune.json");
const LETTERS: Readonly<Record<PruneMark, string>> = {
  keep: "k",
  remove: "r",
  protected: "p",
  "keep-partial": "u",
};

type Candidate = PruneCandidate<{ readonly time: number }>;

function candidate(
  time: number,
  finished = true,
  isProtected = false,
): Candidate {
  return { snapshot: { time }, finished, protected: isProtected };
}

/** Marks by letters, the newest first. */
function letters(
  group: readonly Candidate[],
  keep: KeepOptions,
  timeZone?: string,
): string {
  return planPrune(group, keep, { timeZone })
    .map(({ mark }) => LETTERS[mark]).reverse().join("");
}

Deno.test("planPrune() decides as PBS does, in 111 runs in three time zones", () => {
  assertEquals(SCENARIOS.length, 111);
  assertEquals(new Set(SCENARIOS.map(({ tz }) => tz)).size, 3);
  for (const one of SCENARIOS) {
    const group = one.times.map((time, i) =>
      candidate(time, one.finished[i] === "1", one.protected[i] === "1")
    );
    const keep = Object.fromEntries(
      Object.entries(one.options).map((
        [name, count],
      ) => [name.replace("keep-", ""), count]),
    ) as KeepOptions;
    const label = `${one.name}, ${one.tz}`;
    assertEquals(keepsSomething(keep), one.keepsSomething, label);
    const marks = letters(group, keep, one.tz);
    if (one.keepsSomething) assertEquals(marks, one.marks, label);
    // Where nothing is told, PBS makes no use of its marks.
    else assertEquals(/r/.test(marks), false, label);
    assertEquals(letters([...group].reverse(), keep, one.tz), marks, label);
  }
});

Deno.test("planPrune() without a time zone takes the one of the process", async () => {
  const { tz, times, options, marks } = SCENARIOS.find(({ name, tz }) =>
    name === "daily around local midnight" && tz === "America/St_Johns"
  )!;
  const module = new URL("../../store/prune_plan.ts", import.meta.url);
  const group = times.map((time) => candidate(time));
  const code = `
    import { planPrune } from ${JSON.stringify(module.href)};
    const group = ${JSON.stringify(group)};
    const keep = { daily: ${options["keep-daily"]} };
    console.log(planPrune(group, keep).map(({ mark }) => mark[0]).reverse().join(""));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    env: { TZ: tz },
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), marks);
});

Deno.test("checkKeep() refuses what is not whole or below 1, and says which", () => {
  for (const name of KEEP_NAMES) {
    for (const count of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
      const keep = { [name]: count };
      assertThrows(() => checkKeep(keep), FormatError, `keep-${name}`);
      assertThrows(() => planPrune([], keep), FormatError, `keep-${name}`);
    }
    assertEquals(checkKeep({ [name]: 1 }), { [name]: 1 });
  }
  assertEquals(planPrune([], { last: undefined }), []);
  assert(!keepsSomething({ last: undefined }));
});

Deno.test("planPrune() gives back the snapshots themselves, the oldest first", () => {
  const group = [5, 3, 9].map((time) => candidate(time));
  const plan = planPrune(group, { last: 1 });
  assertEquals(plan.map(({ snapshot }) => snapshot.time), [3, 5, 9]);
  assert(plan[0]!.snapshot === group[1]!.snapshot);
  assertEquals(plan.map(({ keep }) => keep), [false, false, true]);
});

const GROUPS = fc.uniqueArray(
  fc.record({
    snapshot: fc.record({
      time: fc.integer({ min: 1_700_000_000, max: 1_710_000_000 }),
    }),
    finished: fc.boolean(),
    protected: fc.oneof(fc.constant(false), fc.boolean()),
  }),
  { selector: ({ snapshot }) => snapshot.time, maxLength: 60 },
);
const COUNT = fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined });
const KEEPS: fc.Arbitrary<KeepOptions> = fc.record({
  last: COUNT,
  hourly: COUNT,
  daily: COUNT,
  weekly: COUNT,
  monthly: COUNT,
  yearly: COUNT,
});

Deno.test("whatever the options: all are told once, protected ones are kept, only the newest unfinished one is", () => {
  fc.assert(fc.property(GROUPS, KEEPS, (group, keep) => {
    const plan = planPrune(group, keep, { timeZone: "UTC" });
    const times = group.map(({ snapshot }) => snapshot.time).sort((a, b) =>
      a - b
    );
    assertEquals(plan.map(({ snapshot }) => snapshot.time), times);
    const newest = times.at(-1);
    for (const one of plan) {
      const { finished, protected: kept } = group.find(({ snapshot }) =>
        snapshot === one.snapshot
      )!;
      assertEquals(one.keep, one.mark !== "remove");
      assertEquals(one.mark === "protected", kept);
      if (!keepsSomething(keep)) assert(one.keep);
      else if (!finished && !kept) {
        assertEquals(one.keep, one.snapshot.time === newest);
        assertEquals(one.mark === "keep-partial", one.keep);
      }
    }
  }));
});

Deno.test("keep-last n keeps the n newest that are finished and not protected, whatever else is told", () => {
  fc.assert(
    fc.property(GROUPS, KEEPS, fc.nat(20), (group, keep, n) => {
      const counted = group.filter((one) => one.finished && !one.protected)
        .map(({ snapshot }) => snapshot.time).sort((a, b) => b - a);
      const kept = (keep: KeepOptions) =>
        planPrune(group, keep, { timeZone: "UTC" })
          .filter(({ mark }) => mark === "keep")
          .map(({ snapshot }) => snapshot.time).reverse();
      const last = n + 1;
      assertEquals(kept({ last }), counted.slice(0, last));
      const more = kept({ ...keep, last });
      assertEquals(more.slice(0, last), counted.slice(0, last));
    }),
  );
});

Deno.test("no option keeps more than it says, and the newest finished one is always kept", () => {
  fc.assert(fc.property(GROUPS, KEEPS, (group, keep) => {
    if (!keepsSomething(keep)) return;
    const plan = planPrune(group, keep, { timeZone: "UTC" });
    const kept = plan.filter(({ mark }) => mark === "keep");
    const total = KEEP_NAMES.reduce((sum, name) => sum + (keep[name] ?? 0), 0);
    assert(kept.length <= total);
    const counted = group.filter((one) => one.finished && !one.protected);
    const newest = Math.max(...counted.map(({ snapshot }) => snapshot.time));
    if (counted.length > 0) assertEquals(kept.at(-1)?.snapshot.time, newest);
  }));
});

Deno.test("keep-daily keeps one a day, and never two", () => {
  const day = (time: number) => Math.floor(time / 86_400);
  fc.assert(fc.property(GROUPS, fc.integer({ min: 1, max: 9 }), (group, n) => {
    const kept = planPrune(group, { daily: n }, { timeZone: "UTC" })
      .filter(({ mark }) => mark === "keep")
      .map(({ snapshot }) => day(snapshot.time)).reverse();
    const days = group.filter((one) => one.finished && !one.protected)
      .map(({ snapshot }) => day(snapshot.time)).sort((a, b) => b - a);
    assertEquals(kept, [...new Set(days)].slice(0, n));
  }));
});

Deno.test("planPrune() is quick with 20,000 snapshots", () => {
  const group = Array.from({ length: 20_000 }, (_, i) => candidate(i * 3600));
  const keep = { last: 9, hourly: 9, daily: 9, weekly: 9, monthly: 9 };
  assertEquals(
    planPrune(group, keep, { timeZone: "UTC" }).filter(({ keep }) => keep)
      .length,
    45,
  );
});
