/**
 * What the system's libraries lend to `@pxar/chunk`: libzstd and OpenSSL's libcrypto.
 *
 * To be granted one by one, as `--allow-ffi=/usr/lib/x86_64-linux-gnu/libzstd.so.1,/usr/lib/x86_64-linux-gnu/libcrypto.so.3`.
 *
 * @module
 */
import type { Native } from "@pxar/chunk/native";
import { openLibcrypto } from "./libcrypto.ts";
import { openLibzstd } from "./libzstd.ts";

let opened: Native | undefined;
let tried = false;

/**
 * Opens both libraries, once on each thread.
 *
 * @returns What there is of them, or `undefined` where neither is there and permitted; never asks.
 */
export function openNative(): Native | undefined {
  if (tried) return opened;
  tried = true;
  const zstd = openLibzstd(), aesGcm = openLibcrypto();
  if (zstd !== undefined || aesGcm !== undefined) {
    opened = { zstd, aesGcm, module: import.meta.url };
  }
  return opened;
}
