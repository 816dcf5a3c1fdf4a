/**
 * What seals and opens chunks, found once.
 *
 * @module
 */
import { type AesGcm, openAesGcm } from "./aes_gcm.ts";
import type { Native } from "./native.ts";
import { openZstd, type Zstd } from "./zstd.ts";

/** Compression and encryption. */
export interface Codecs {
  /** Compresses and decompresses. */
  readonly zstd: Zstd;
  /** Encrypts and decrypts. */
  readonly aesGcm: AesGcm;
}

const known = new WeakMap<Native, Promise<Codecs>>();
let unaided: Promise<Codecs> | undefined;

/**
 * The fastest of each.
 *
 * @param native What the system's libraries lend.
 * @returns The same for the same.
 */
export function openCodecs(native?: Native): Promise<Codecs> {
  if (native === undefined) return unaided ??= open();
  let codecs = known.get(native);
  if (codecs === undefined) known.set(native, codecs = open(native));
  return codecs;
}

async function open(native?: Native): Promise<Codecs> {
  return {
    zstd: await openZstd(native),
    aesGcm: await openAesGcm(native),
  };
}
