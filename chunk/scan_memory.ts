/**
 * Memory in which boundaries of chunks are searched for.
 *
 * They can be searched for in any memory; in memory that is made here it goes faster, where WebAssembly has vectors.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  IS_LITTLE_ENDIAN,
  lendQuarters,
  type Quarters,
} from "./buzhash_search.ts";
import { BUZHASH_TABLE } from "./buzhash_table.ts";
import { SHARED_WASM, UNSHARED_WASM } from "./buzhash_wasm.ts";

/** What memory is made of; every choice gives the same boundaries. */
export interface ScanMemoryOptions {
  /** Whether other threads are to see it, where there is such memory; `true`. */
  readonly shared?: boolean | undefined;
  /** Whether WebAssembly searches it, where it can; `true`. */
  readonly wasm?: boolean | undefined;
}

/** Memory that was made. */
export interface ScanMemory {
  /** All of it; its buffer is a `SharedArrayBuffer` where `isShared`. */
  readonly bytes: Bytes;
  /** Where the part begins that is free for use. What lies before belongs to the search. */
  readonly origin: number;
  /** Whether other threads can see it. */
  readonly isShared: boolean;
  /** Whether WebAssembly searches it. */
  readonly isFast: boolean;
}

/** WebAssembly counts its memory in these. */
const PAGE = 1 << 16;
/** Positions stay small integers. */
const MOST = 2 ** 31 - 2 * PAGE;

const modules = new Map<string, WebAssembly.Module>();

/**
 * Makes memory to search in.
 *
 * Only one thread may search in it at a time; what others do with the bytes is up to its owner.
 *
 * @param size How many bytes from `origin` on are needed; there may be some more.
 * @param options What it is made of.
 * @returns The memory, filled with zeros from `origin` on.
 * @throws {RangeError} If there is no such size, or not so much memory.
 *
 * @example
 * ```ts
 * import { Cutter } from "@pxar/chunk/buzhash";
 * import { scanMemory } from "@pxar/chunk/scan_memory";
 *
 * const cutter = new Cutter(64 << 10);
 * const { bytes, origin } = scanMemory(cutter.max);
 * // All zeros: no boundary before a chunk has its greatest length.
 * console.assert(cutter.scan(bytes, origin, 0, cutter.max) === cutter.max);
 * ```
 */
export function scanMemory(
  size: number,
  options: ScanMemoryOptions = {},
): ScanMemory {
  if (!(Number.isInteger(size) && size > 0 && size <= MOST)) {
    throw new RangeError(
      `Cannot make memory of ${size} bytes: expected 1 to ${MOST}`,
    );
  }
  const { wasm = true, shared = true } = options;
  const isShared = shared && typeof SharedArrayBuffer === "function";
  const pages = Math.ceil(size / PAGE);
  const memory = wasm && IS_LITTLE_ENDIAN
    ? fastMemory(pages + 1, isShared)
    : undefined;
  return {
    bytes: new Uint8Array(memory ?? plainMemory(pages * PAGE, isShared)),
    origin: memory === undefined ? 0 : PAGE,
    isShared,
    isFast: memory !== undefined,
  };
}

/** Memory of WebAssembly; `undefined` where it cannot be had, such as in a page that forbids it, or has no vectors. */
function fastMemory(pages: number, shared: boolean): ArrayBuffer | undefined {
  try {
    const memory = new WebAssembly.Memory({
      initial: pages,
      maximum: pages,
      shared,
    });
    const instance = new WebAssembly.Instance(
      moduleOf(shared ? SHARED_WASM : UNSHARED_WASM),
      { e: { m: memory } },
    );
    // Typed as what every other part takes; shared or not, it is used alike.
    const buffer = memory.buffer as ArrayBuffer;
    new Int32Array(buffer).set(BUZHASH_TABLE);
    lendQuarters(buffer, instance.exports.quarters as Quarters);
    return buffer;
  } catch {
    return undefined;
  }
}

function plainMemory(size: number, shared: boolean): ArrayBuffer {
  return shared
    ? new SharedArrayBuffer(size) as unknown as ArrayBuffer
    : new ArrayBuffer(size);
}

function moduleOf(base64: string): WebAssembly.Module {
  const known = modules.get(base64);
  if (known !== undefined) return known;
  const code = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const module = new WebAssembly.Module(code);
  modules.set(base64, module);
  return module;
}
