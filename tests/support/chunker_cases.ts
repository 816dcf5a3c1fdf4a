// The golden cuts of tests/vectors/store/chunker.json, and the memory they are tested in.
import { type ScanMemory, scanMemory } from "@pxar/chunk/scan_memory";
import type { InputSpec } from "./prng.ts";

/** Cut by content: the same chunks, in whatever pieces it is fed. */
export interface PlainCase {
  readonly id: string;
  readonly avg: number;
  readonly input: InputSpec;
  readonly inputSha256: string;
  readonly ends: readonly number[];
  readonly digests?: readonly string[];
  readonly digestsSha256: string;
  /** Lengths of pieces, or `random`. */
  readonly fed: readonly string[];
}

/** Cut into equal parts. */
export interface FixedCase {
  readonly chunkSize: number;
  readonly input: InputSpec;
  readonly piece: number;
  readonly sizes: readonly number[];
  readonly digests: readonly string[];
}

/** When suggestions are made; see the file's `about`. */
export type Delivery = "ahead" | "late" | "early";

/** Cut with suggested boundaries. */
export interface PayloadCase {
  readonly id: string;
  readonly avg: number;
  readonly input: InputSpec;
  readonly piece: number | "whole";
  readonly delivery: Delivery;
  readonly suggested: readonly number[];
  readonly sizes: readonly number[];
  readonly digests?: readonly string[];
}

/** What was emitted: a raw piece, perhaps an empty one, or what was put in. */
export type Emitted =
  | { readonly raw: number }
  | { readonly boundary: number; readonly inject: number };

/** Cut with forced boundaries too. */
export interface InjectionCase {
  readonly id: string;
  readonly avg: number;
  readonly input: InputSpec;
  readonly piece: number | "whole";
  readonly delivery: Delivery;
  readonly suggested: readonly number[];
  readonly forced: readonly {
    readonly boundary: number;
    readonly size: number;
  }[];
  readonly sequence: readonly Emitted[];
}

/** All of them. */
export const CHUNKER: {
  readonly plain: readonly PlainCase[];
  readonly fixed: readonly FixedCase[];
  readonly payload: readonly PayloadCase[];
  readonly injection: readonly InjectionCase[];
} = JSON.parse(
  Deno.readTextFileSync(
    new URL("../vectors/store/chunker.json", import.meta.url),
  ),
);

/** Every kind of memory, by name. */
export const KINDS: readonly {
  readonly name: string;
  readonly wasm: boolean;
  readonly shared: boolean;
}[] = [true, false].flatMap((wasm) =>
  [true, false].map((shared) => ({
    name: `${shared ? "shared" : "own"} memory, ${
      wasm ? "WebAssembly" : "TypeScript"
    }`,
    wasm,
    shared,
  }))
);

/** Memory of a kind with bytes in it. */
export function memoryWith(
  content: Uint8Array,
  kind: { readonly wasm: boolean; readonly shared: boolean },
): ScanMemory {
  const memory = scanMemory(Math.max(1, content.length), kind);
  memory.bytes.set(content, memory.origin);
  return memory;
}

/** Where the pieces of an input end. */
export function* pieceEnds(
  size: number,
  length: () => number,
): Generator<number, void, void> {
  for (let at = 0; at < size;) yield at = Math.min(size, at + length());
}
