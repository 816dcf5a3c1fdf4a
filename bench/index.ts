/**
 * Measures the index of a large archive: 10^7 chunks (400 MB) in memory, written, opened and searched.
 *
 * @module
 */
import {
  DynamicIndexWriter,
  openDynamicIndex,
} from "@pxar/chunk/dynamic_index";
import type { IndexSink } from "@pxar/chunk/index_sink";
import { fileAccess } from "@pxar/codec/random_access";
import { measure } from "./measure.ts";
import { Place } from "./place.ts";
import { ROOT } from "./program.ts";
import { table } from "./table.ts";

/** What the columns of {@linkcode benchIndex} are. */
export const INDEX_HEAD: readonly string[] = ["index", "measured", "goal"];

/** How many chunks the index has, and how many searches are made in it. */
const COUNT = 10_000_000, FINDS = 20_000;
/** Mean length of a chunk, bytes. */
const CHUNK = 4 << 20;

/** What one process did with the index. */
interface Found {
  /** Milliseconds until it was open. */
  readonly open: number;
  /** Microseconds for a search, on the average: of the first 20,000, and of 20,000 more. */
  readonly first: number;
  readonly then: number;
  /** Milliseconds for the checksum. */
  readonly csum: number;
}

/**
 * Makes the index in a file in memory, measures, and removes it.
 *
 * @returns Rows for a table with {@linkcode INDEX_HEAD}.
 */
export async function benchIndex(): Promise<readonly (readonly string[])[]> {
  using place = Place.inMemory();
  place.demand(1.2 * 40 * COUNT, "index");
  const index = place.at("big.didx"), answer = place.at("answer.json");
  const run = async (what: string): Promise<[number, string]> => {
    const { peak } = await measure([
      Deno.execPath(),
      "run",
      "-A",
      `${ROOT}bench/index.ts`,
      what,
      index,
    ], { stdout: answer });
    return [peak, Deno.readTextFileSync(answer)];
  };
  const [writePeak, seconds] = await run("write");
  const [emptyPeak] = await run("nothing");
  const [openPeak] = await run("open");
  const [findPeak, text] = await run("find");
  const [csumPeak, sum] = await run("csum");
  const found: Found = JSON.parse(text), { csum }: Found = JSON.parse(sum);
  const mib = (peak: number): string =>
    `${peak.toFixed(0)} MiB (an empty program ${emptyPeak.toFixed(0)})`;
  return [
    ["write 10^7 entries", `${Number(seconds).toFixed(1)} s`, ""],
    ["… peak", mib(writePeak), ""],
    ["open", `${found.open.toFixed(2)} ms`, ""],
    ["… peak", mib(openPeak), ""],
    ["find, first 20,000", `${found.first.toFixed(1)} µs each`, "< 50 µs"],
    ["find, 20,000 more", `${found.then.toFixed(1)} µs each`, "< 50 µs"],
    ["… peak", mib(findPeak), ""],
    ["checksum", `${csum.toFixed(0)} ms`, ""],
    ["… peak", mib(csumPeak), ""],
  ];
}

/** A generator of the same numbers each time: xorshift32. */
function numbers(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

async function write(path: string): Promise<void> {
  using file = Deno.openSync(path, { write: true, create: true });
  const sink: IndexSink = {
    write: (offset, bytes) => {
      file.seekSync(offset, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) {
        at += file.writeSync(bytes.subarray(at));
      }
    },
    read: undefined,
  };
  const start = performance.now();
  const writer = new DynamicIndexWriter(sink), random = numbers(7);
  const digest = new Uint8Array(32);
  for (let i = 0, end = 0; i < COUNT; i++) {
    end += CHUNK / 4 + random() % (CHUNK * 3 / 2);
    digest[i & 31] = i;
    const wait = writer.append(end, digest);
    if (wait !== undefined) await wait;
  }
  await writer.close();
  console.log((performance.now() - start) / 1000);
}

async function search(path: string, finds: number): Promise<void> {
  const start = performance.now();
  const index = await openDynamicIndex(await fileAccess(path));
  const open = performance.now() - start, random = numbers(13);
  const mean = async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < finds; i++) {
      const offset = Math.floor(random() / 2 ** 32 * index.size);
      const number = index.find(offset);
      if (typeof number === "object") await number;
    }
    return (performance.now() - start) * 1000 / finds;
  };
  const first = await mean(), then = await mean();
  await index.close();
  const found: Found = { open, first, then, csum: 0 };
  console.log(JSON.stringify(found));
}

async function checksum(path: string): Promise<void> {
  const index = await openDynamicIndex(await fileAccess(path));
  const start = performance.now();
  await index.csum();
  const csum = performance.now() - start;
  await index.close();
  const found: Found = { open: 0, first: 0, then: 0, csum };
  console.log(JSON.stringify(found));
}

if (import.meta.main) {
  const [what, path] = Deno.args;
  if (path === undefined) console.log(table(INDEX_HEAD, await benchIndex()));
  else if (what === "write") await write(path);
  else if (what === "open") await search(path, 0);
  else if (what === "find") await search(path, FINDS);
  else if (what === "csum") await checksum(path);
}
