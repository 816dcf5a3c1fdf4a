/**
 * Measures the chunker against a loop in C over the same bytes in memory.
 *
 * @module
 */
import { DynamicRules } from "@pxar/chunk/cut_rules";
import { type ScanMemory, scanMemory } from "@pxar/chunk/scan_memory";
import { BUZHASH_TABLE } from "../chunk/buzhash_table.ts";
import { Place } from "./place.ts";
import { ROOT } from "./program.ts";
import { table } from "./table.ts";

/** What the columns of {@linkcode benchChunker} are. */
export const CHUNKER_HEAD: readonly string[] = [
  "chunker",
  "MB/s",
  "of C",
  "goal",
];

/** Length of the corpus, bytes. */
const SIZE = 512 << 20;
const ROUNDS = 5;
/** Average lengths that are tried, bytes. */
const AVERAGES = [4 << 20, 512 << 10, 64 << 10];

/** What one run found. */
interface Run {
  readonly seconds: number;
  /** How many chunks, and a checksum of their ends. */
  readonly found: string;
}

/**
 * Compiles the loop with the machine's gcc -O2, and measures both in turn, best of 5.
 *
 * @param averages Average lengths of chunks that are tried, bytes.
 * @returns Rows for a table with {@linkcode CHUNKER_HEAD}: speeds over all bytes, and ratios to the C loop that passes over the least length too.
 * @throws {Error} If they do not find the same chunks.
 */
export async function benchChunker(
  averages: readonly number[] = AVERAGES,
): Promise<readonly (readonly string[])[]> {
  using place = Place.inMemory();
  place.demand(4 * SIZE, "chunker");
  const program = place.at("chunker"), corpus = place.at("corpus");
  const words = place.at("table");
  await command("gcc", ["-O2", "-o", program, `${ROOT}bench/chunker.c`]);
  Deno.writeFileSync(
    words,
    new Uint8Array(BUZHASH_TABLE.buffer as ArrayBuffer),
  );
  const fast = scanMemory(SIZE), plain = scanMemory(SIZE, { wasm: false });
  if (!fast.isFast) throw new Error("Cannot measure: WebAssembly is missing");
  const bytes = fast.bytes.subarray(fast.origin, fast.origin + SIZE);
  fill(bytes);
  plain.bytes.set(bytes, plain.origin);
  await writeAll(corpus, bytes);

  const rows: string[][] = [];
  for (const average of averages) {
    const inC = async (skip: number): Promise<Run> => {
      const said = await command(program, [
        words,
        corpus,
        `${average}`,
        `${skip}`,
      ]);
      const [seconds, ...found] = said.trim().split(" ");
      return { seconds: Number(seconds), found: found.join(" ") };
    };
    const all = await inTurn({
      "C": () => inC(1),
      "C, every byte hashed": () => inC(0),
      "ours, WebAssembly": () => ours(fast, average),
      "ours, TypeScript": () => ours(plain, average),
    });
    const [peer] = all.values();
    for (const [name, seconds] of all) {
      const isOurs = name === "ours, WebAssembly";
      rows.push([
        `${average >> 10} KiB: ${name}`,
        (SIZE / seconds / 1e6).toFixed(0),
        (peer! / seconds).toFixed(2),
        isOurs && average === 4 << 20 ? "≥ 1.0" : "",
      ]);
    }
  }
  return rows;
}

/** Runs each in turn, some rounds; gives the least seconds of each. */
async function inTurn(
  runs: Readonly<Record<string, () => Run | Promise<Run>>>,
): Promise<Map<string, number>> {
  const least = new Map<string, number>();
  let expected: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const { seconds, found } = await run();
      expected ??= found;
      if (found !== expected) {
        throw new Error(
          `Cannot compare: ${name} found ${found}, expected ${expected}`,
        );
      }
      least.set(name, Math.min(seconds, least.get(name) ?? Infinity));
    }
  }
  return least;
}

function ours({ bytes, origin }: ScanMemory, average: number): Run {
  const rules = new DynamicRules(average);
  let at = 0, chunks = 0, sum = 0;
  const start = performance.now();
  for (; at < SIZE; chunks++) {
    at += rules.next(bytes, origin + at, SIZE - at) || SIZE - at;
    sum = Math.imul(sum, 31) + at >>> 0;
  }
  const seconds = (performance.now() - start) / 1000;
  return { seconds, found: `${chunks} ${sum}` };
}

/** Random bytes, text, what was there before, and zeros, a MiB and more of each in turn. */
function fill(bytes: Uint8Array): void {
  let x = 123456789;
  const next = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  const words = Array.from({ length: 256 }, () => {
    const letters = Array.from(
      { length: 1 + next() % 11 },
      () => 97 + next() % 26,
    );
    return Uint8Array.of(...letters, 32);
  });
  for (let at = 0; at < bytes.length;) {
    const kind = next() % 10;
    const end = Math.min(bytes.length, at + (1 << 20) + next() % (20 << 20));
    if (kind < 4) {
      for (let i = at; i < end; i++) bytes[i] = next();
    } else if (kind < 7) {
      for (let i = at; i < end;) {
        const word = words[next() & 255]!;
        bytes.set(word.subarray(0, end - i), i);
        i += word.length;
      }
    } else if (kind < 9) {
      bytes.copyWithin(at, 0, Math.min(at, end - at));
    }
    at = end;
  }
}

async function writeAll(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.create(path);
  for (let at = 0; at < bytes.length; at += 1 << 20) {
    const piece = bytes.slice(at, at + (1 << 20));
    for (let done = 0; done < piece.length;) {
      done += await file.write(piece.subarray(done));
    }
  }
}

/** Runs a program; gives what it says. */
async function command(name: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args })
    .output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(`Cannot run ${name}: ${text.decode(stderr)}`);
}

if (import.meta.main) {
  console.log(table(CHUNKER_HEAD, await benchChunker()));
}
