/**
 * Keys from passphrases: scrypt and PBKDF2, slow on purpose.
 *
 * Parameters come out of files, so how much work and memory they may ask for is bounded before any work is done.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { nodeModule } from "./builtin.ts";

/** A passphrase; text stands for its UTF-8 bytes. */
export type Passphrase = string | Bytes;

/** Parameters of scrypt. */
export interface Scrypt {
  /** Tells it from the others. */
  readonly kind: "scrypt";
  /** Cost: a power of two. */
  readonly n: number;
  /** Block size, in units of 128 bytes. */
  readonly r: number;
  /** How many times over. */
  readonly p: number;
  /** Any bytes. */
  readonly salt: Bytes;
}

/** Parameters of PBKDF2 with HMAC-SHA-256. */
export interface Pbkdf2 {
  /** Tells it from the others. */
  readonly kind: "pbkdf2";
  /** How many rounds. */
  readonly iterations: number;
  /** Any bytes. */
  readonly salt: Bytes;
}

/** How a key is made from a passphrase. */
export type Kdf = Scrypt | Pbkdf2;

/** Length of a derived key, bytes. */
export const DERIVED_SIZE = 32;
/** Most memory that scrypt may ask for, bytes: what the official client allows. */
const MEMORY_LIMIT = 1025 * 2 ** 20;
/** Most of n·r·p: twice what the memory limit lets one pass have, 32 times what is written. */
const WORK_LIMIT = 2 ** 24;
/** Most rounds of PBKDF2, 152 times what is written. */
const ROUND_LIMIT = 10_000_000;
const SALT_SIZE = 32;
const ENCODER = new TextEncoder();

/**
 * The parameters with which the official client makes new key files, and a new salt.
 *
 * Source: spec G.1.
 *
 * @param kind `scrypt`: n 65536, r 8, p 1. `pbkdf2`: 65535 rounds.
 * @returns Parameters of their own.
 */
export function newKdf(kind: Kdf["kind"]): Kdf {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_SIZE));
  return kind === "scrypt"
    ? { kind, n: 65536, r: 8, p: 1, salt }
    : { kind, iterations: 65535, salt };
}

/**
 * Checks parameters before any work is done.
 *
 * @param kdf As a file has them.
 * @throws {FormatError} If the algorithm does not take them, or they ask for more than 1025 MiB, n·r·p above 2^24, or more than 10,000,000 rounds.
 */
export function checkKdf(kdf: Kdf): void {
  if (kdf.kind === "pbkdf2") {
    const { iterations } = kdf;
    if (!isCount(iterations) || iterations > ROUND_LIMIT) {
      throw new FormatError(
        `Cannot derive key: PBKDF2 has ${iterations} rounds, expected 1 to ${ROUND_LIMIT}`,
      );
    }
    return;
  }
  const { n, r, p } = kdf;
  const shown = `scrypt has n ${n}, r ${r}, p ${p}`;
  if (!isCount(n) || !isCount(r) || !isCount(p)) {
    throw new FormatError(
      `Cannot derive key: ${shown}, expected whole numbers from 1`,
    );
  }
  if (n < 2 || !Number.isInteger(Math.log2(n)) || Math.log2(n) >= 16 * r) {
    throw new FormatError(
      `Cannot derive key: ${shown}, expected n to be a power of two from 2, below 2^${
        16 * r
      }`,
    );
  }
  const memory = 128 * r * (n + 2 + p);
  if (memory > MEMORY_LIMIT || n * r * p > WORK_LIMIT) {
    throw new FormatError(
      `Cannot derive key: ${shown} asks for ${memory} bytes and ${
        n * r * p
      } steps, expected at most ${MEMORY_LIMIT} and ${WORK_LIMIT}`,
    );
  }
}

/**
 * Makes a key from a passphrase. Does not hold up other work where there is `node:crypto`.
 *
 * @param kdf How.
 * @param passphrase Any bytes.
 * @returns 32 bytes of their own.
 * @throws {FormatError} As {@linkcode checkKdf}.
 */
export async function deriveKey(
  kdf: Kdf,
  passphrase: Passphrase,
): Promise<Bytes> {
  checkKdf(kdf);
  const secret = passphraseBytes(passphrase);
  return await (nodeModule("node:crypto") === undefined
    ? derivePortably(kdf, secret)
    : deriveNatively(kdf, secret));
}

/**
 * The bytes of a passphrase.
 *
 * @param passphrase Text or bytes.
 * @returns Bytes; those that were given, if they were bytes.
 */
export function passphraseBytes(passphrase: Passphrase): Bytes {
  return typeof passphrase === "string"
    ? ENCODER.encode(passphrase)
    : passphrase;
}

/** As {@linkcode deriveKey}, by `node:crypto`, which must be there. Exported for tests. */
export function deriveNatively(kdf: Kdf, secret: Bytes): Promise<Bytes> {
  const { scrypt, pbkdf2 } = nodeModule("node:crypto")!;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Uint8Array) =>
      error === null ? resolve(Uint8Array.from(key)) : reject(error);
    if (kdf.kind === "scrypt") {
      const { n, r, p, salt } = kdf;
      const limits = { N: n, r, p, maxmem: MEMORY_LIMIT };
      scrypt(secret, salt, DERIVED_SIZE, limits, done);
    } else {
      pbkdf2(secret, kdf.salt, kdf.iterations, DERIVED_SIZE, "sha256", done);
    }
  });
}

/** As {@linkcode deriveKey}, without `node:crypto`. Exported for tests. */
export async function derivePortably(kdf: Kdf, secret: Bytes): Promise<Bytes> {
  const { sha256 } = await import("@noble/hashes/sha2.js");
  if (kdf.kind === "scrypt") {
    const { scryptAsync } = await import("@noble/hashes/scrypt.js");
    const { n, r, p, salt } = kdf;
    const limits = { N: n, r, p, dkLen: DERIVED_SIZE, maxmem: MEMORY_LIMIT };
    return Uint8Array.from(await scryptAsync(secret, salt, limits));
  }
  const { pbkdf2Async } = await import("@noble/hashes/pbkdf2.js");
  const { iterations, salt } = kdf;
  return Uint8Array.from(
    await pbkdf2Async(sha256, secret, salt, {
      c: iterations,
      dkLen: DERIVED_SIZE,
    }),
  );
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 1;
}
