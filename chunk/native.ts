/**
 * What libraries of the system may lend: faster ways to do the same. Nothing here is ever required.
 *
 * @module
 */
import type { AesGcm } from "./aes_gcm.ts";
import type { Zstd } from "./zstd.ts";

/** Native libraries that are open; `@pxar/sys/native` opens them. */
export interface Native {
  /** libzstd; `undefined` where it is not there, or not permitted. */
  readonly zstd: Zstd | undefined;
  /** OpenSSL's libcrypto; `undefined` where it is not there, or not permitted. */
  readonly aesGcm: AesGcm | undefined;
  /** URL of the module whose `openNative()` gives the same on another thread. */
  readonly module: string;
}
