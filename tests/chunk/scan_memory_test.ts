import { scanMemory } from "@pxar/chunk/scan_memory";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { KINDS } from "../support/chunker_cases.ts";

for (const kind of KINDS) {
  Deno.test(`scanMemory() gives zeros of a size: ${kind.name}`, () => {
    for (const size of [1, 65_535, 65_536, 65_537, 1_000_000]) {
      const memory = scanMemory(size, kind);
      const { bytes, origin, isFast, isShared } = memory;
      assertEquals([isFast, isShared], [kind.wasm, kind.shared]);
      assertEquals(
        (bytes.buffer as unknown) instanceof SharedArrayBuffer,
        kind.shared,
      );
      assert(bytes.length - origin >= size);
      assert(bytes.subarray(origin).every((byte) => byte === 0));
    }
  });
}

Deno.test("scanMemory() is shared and fast unless told", () => {
  const { isFast, isShared } = scanMemory(1);
  assert(isFast && isShared);
});

/** Runs with something of the platform gone. */
function without(name: string, run: () => void): void {
  const global = globalThis as unknown as Record<string, unknown>;
  const kept = Object.getOwnPropertyDescriptor(global, name)!;
  delete global[name];
  try {
    run();
  } finally {
    Object.defineProperty(global, name, kept);
  }
}

Deno.test("scanMemory() does without what the platform has not", () => {
  without("SharedArrayBuffer", () => {
    const { isFast, isShared, bytes } = scanMemory(1);
    assert(isFast && !isShared && bytes.buffer instanceof ArrayBuffer);
  });
  without("WebAssembly", () => {
    const { isFast, isShared, bytes, origin } = scanMemory(1);
    assert(!isFast && isShared && origin === 0 && bytes.length >= 1);
  });
  without("WebAssembly", () =>
    without("SharedArrayBuffer", () => {
      const { isFast, isShared } = scanMemory(1);
      assert(!isFast && !isShared);
    }));
});

Deno.test("scanMemory() refuses what is no size", () => {
  for (const size of [0, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53]) {
    assertThrows(() => scanMemory(size), RangeError, "expected 1 to");
  }
});
