// Assembles chunk/buzhash.wat into chunk/buzhash_wasm.ts.
import wabt from "wabt";
import type { Bytes } from "@pxar/format/bytes";
import { ROOT } from "./workspace.ts";

/** The source. */
export const SOURCE: string = `${ROOT}chunk/buzhash.wat`;
/** What is made of it. */
export const TARGET: string = `${ROOT}chunk/buzhash_wasm.ts`;

/**
 * The text of the module that holds what was assembled.
 *
 * @param source Text of the WebAssembly module; imports a shared memory.
 */
export async function makeModule(source: string): Promise<string> {
  const shared = await assemble(source);
  const unshared = await assemble(
    source.replace("(memory 1 65536 shared)", "(memory 1 65536)"),
  );
  return `// buzhash.wat, assembled by \`deno task buzhash\`: ${shared.length} bytes.

/** For a memory that threads share, as base64. */
export const SHARED_WASM =
  "${shared.toBase64()}";

/** For a memory of one thread, as base64. */
export const UNSHARED_WASM =
  "${unshared.toBase64()}";
`;
}

async function assemble(source: string): Promise<Bytes> {
  const { parseWat } = await wabt();
  const module = parseWat("buzhash.wat", source, {
    threads: true,
    simd: true,
    bulk_memory: true,
  });
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

if (import.meta.main) {
  const text = await makeModule(Deno.readTextFileSync(SOURCE));
  Deno.writeTextFileSync(TARGET, text);
}
