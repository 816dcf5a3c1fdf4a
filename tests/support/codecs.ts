// Everything that compresses and encrypts, for tests that hold them against one another.
import { builtinAesGcm, portableAesGcm } from "@pxar/chunk/aes_gcm";
import { type Codecs, openCodecs } from "@pxar/chunk/codecs";
import { builtinZstd, portableZstd } from "@pxar/chunk/zstd";
import type { Bytes } from "@pxar/format/bytes";
import { openNative } from "@pxar/sys/native";

const native = openNative();

/** By name: what the runtime has, what runs anywhere, and what the system's libraries lend, where they are there. */
export const CODECS: Readonly<Record<string, Codecs>> = {
  "built-in": { zstd: builtinZstd()!, aesGcm: builtinAesGcm()! },
  portable: { zstd: portableZstd(), aesGcm: portableAesGcm() },
  ...native && { native: await openCodecs(native) },
};

if (native?.zstd === undefined || native.aesGcm === undefined) {
  console.error(
    "SKIPPED: what needs libzstd and libcrypto (packages libzstd1 and libssl3), one of which is missing",
  );
}

/** The same bytes in memory that threads may share. */
export function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** Bytes of hexadecimal digits; spaces are passed over. */
export function hex(text: string): Bytes {
  return Uint8Array.from(
    text.replaceAll(/\s/g, "").match(/../g) ?? [],
    (byte) => parseInt(byte, 16),
  );
}

/** One after the other. */
export function joined(...parts: readonly Uint8Array[]): Bytes {
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
