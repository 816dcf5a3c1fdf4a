// The inputs of the storage layer's golden vectors, as tests/vectors/store/README.md defines them; prng.py is the same in Python.
import { createHash } from "node:crypto";
import type { Bytes } from "@pxar/format/bytes";

/** An input, as the JSON files name it. */
export type InputSpec =
  | {
    readonly kind: "xorshift32" | "text";
    readonly seed: number;
    readonly size: number;
  }
  | {
    readonly kind: "constant";
    readonly byte: number;
    readonly size: number;
  }
  | {
    readonly kind: "repeat";
    /** In hex. */
    readonly pattern: string;
    readonly size: number;
  }
  | { readonly kind: "counter32"; readonly size: number }
  | { readonly kind: "concat"; readonly parts: readonly InputSpec[] };

const WORDS = [
  "the",
  "backup",
  "of",
  "chunk",
  "index",
  "a",
  "store",
  "archive",
  "restore",
  "and",
  "0123456789",
  "file",
  "to",
  "key",
  "\t{}",
  "Verify;",
].map((word) => new TextEncoder().encode(word));

/**
 * The generator, as a function that gives its state after the next step.
 *
 * @param seed Where it starts; not 0, from where it would never get away.
 */
export function xorshift32(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/**
 * Makes an input.
 *
 * @param spec What it consists of.
 * @param sha256 What its SHA-256 must be, in hex; not looked at unless told.
 */
export function input(spec: InputSpec, sha256?: string): Bytes {
  const bytes = generate(spec);
  if (sha256 !== undefined && sha256Hex(bytes) !== sha256) {
    throw new Error(
      `Cannot make the input ${JSON.stringify(spec)}: it has another SHA-256`,
    );
  }
  return bytes;
}

/** The SHA-256 of what comes one after the other, in hex. */
export function sha256Hex(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function generate(spec: InputSpec): Bytes {
  if (spec.kind === "concat") {
    const parts = spec.parts.map(generate);
    const whole = new Uint8Array(
      parts.reduce((sum, { length }) => sum + length, 0),
    );
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
  const bytes = new Uint8Array(spec.size);
  switch (spec.kind) {
    case "constant":
      return bytes.fill(spec.byte);
    case "repeat": {
      const pattern = spec.pattern.match(/../g)!.map((two) =>
        parseInt(two, 16)
      );
      for (let i = 0; i < bytes.length; i++) {
        bytes[i] = pattern[i % pattern.length]!;
      }
      return bytes;
    }
    case "counter32":
      for (let i = 0; i < bytes.length; i++) bytes[i] = i >>> 2 >>> 8 * (i & 3);
      return bytes;
    case "xorshift32": {
      const next = xorshift32(spec.seed);
      for (let i = 0; i < bytes.length; i++) bytes[i] = next();
      return bytes;
    }
    case "text": {
      const next = xorshift32(spec.seed);
      for (let at = 0; at < bytes.length;) {
        const x = next();
        const word = WORDS[x & 15]!;
        bytes.set(word.subarray(0, bytes.length - at), at);
        at += word.length;
        if (at < bytes.length) bytes[at] = (x >>> 4 & 15) === 0 ? 10 : 32;
        at++;
      }
    }
  }
  return bytes;
}
