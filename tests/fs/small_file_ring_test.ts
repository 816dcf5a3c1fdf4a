import { SLOTS, SmallFileRing } from "../../fs/small_file_ring.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

/** A thread that takes from a ring, slower or faster, and tells what it was given. */
const TAKER = `
import { SmallFileRing } from "${new URL(
  "../../fs/small_file_ring.ts",
  import.meta.url,
)}";
onmessage = ({ data: { memory, seen, pause } }) => {
  const words = new Float64Array(seen);
  let at = 0, idle = 0;
  new SmallFileRing(memory).take((slot, { fd, length, secs, nanos }, closed) => {
    for (let i = 0; i < pause * (at % 7); i++) idle += i;
    words[at++] = fd;
    words[at++] = length;
    words[at++] = secs;
    words[at++] = nanos;
    closed.write = -(fd % 3);
    closed.times = -slot;
    closed.close = 0;
  });
  postMessage(idle);
};`;

async function withTaker(
  files: number,
  pause: number,
  run: (ring: SmallFileRing, seen: Float64Array) => Promise<void> | void,
): Promise<void> {
  const ring = new SmallFileRing();
  const seen = new SharedArrayBuffer(8 * 4 * files);
  const url = URL.createObjectURL(
    new Blob([TAKER], { type: "application/typescript" }),
  );
  const worker = new Worker(url, { type: "module" });
  const ended = new Promise((resolve) => worker.onmessage = resolve);
  try {
    worker.postMessage({ memory: ring.memory, seen, pause });
    while (!ring.ready) await new Promise((resolve) => setTimeout(resolve, 1));
    await run(ring, new Float64Array(seen));
    ring.end();
    await ended;
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}

for (const pause of [0, 1, 300]) {
  Deno.test(`SmallFileRing hands on every file once and in order, pauses of ${pause}`, async () => {
    const files = 20_000;
    await withTaker(files, pause, (ring, seen) => {
      const last: (number | undefined)[] = new Array(SLOTS).fill(undefined);
      let most = 0;
      for (let i = 0; i < files; i++) {
        while (ring.length >= SLOTS);
        most = Math.max(most, ring.length);
        const slot = ring.next, before = last[slot];
        if (before !== undefined) {
          assertEquals(ring.closed(slot), {
            write: -(before % 3),
            times: -slot,
            close: 0,
          });
        }
        last[slot] = i;
        ring.put(i, i % 5, (i - 5000) * 2 ** 20, i % 1000);
        if (i % 997 === 0) {
          assert(ring.drain());
          assertEquals(ring.length, 0);
        }
      }
      assert(ring.drain());
      assert(most > 1, "nothing was ever on its way while another was put");
      for (let i = 0; i < files; i++) {
        assertEquals(
          [...seen.subarray(4 * i, 4 * i + 4)],
          [i, i % 5, (i - 5000) * 2 ** 20, i % 1000],
        );
      }
    });
  });
}

Deno.test("SmallFileRing wakes a taker that sleeps, for files and for the end", async () => {
  await withTaker(3, 0, async (ring, seen) => {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      ring.put(7 + i, 0, 0, 0);
      assert(ring.drain());
    }
    assertEquals([seen[0], seen[4], seen[8]], [7, 8, 9]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
});

Deno.test("SmallFileRing refuses to overwrite what is on its way", () => {
  const ring = new SmallFileRing();
  assert(!ring.ready);
  for (let i = 0; i < SLOTS; i++) ring.put(i, 0, 0, 0);
  assertEquals(ring.length, SLOTS);
  assertThrows(() => ring.put(0, 0, 0, 0), RangeError, "full");
});
