/**
 * AES-256-GCM with the 16-byte IV that blobs and key files have, used in full, and no additional data.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { nodeModule } from "./builtin.ts";
import { sameBytes } from "./digest.ts";
import type { Native } from "./native.ts";
import { Scratch } from "./scratch.ts";

/** Length of a key, bytes. */
const KEY_SIZE = 32;
/** Length of an IV, and of a tag, bytes. */
export const IV_SIZE = 16, TAG_SIZE = 16;
/** Below so many bytes WebCrypto is not worth its start (measured in Deno). */
const SMALL = 4096;

/** Encrypts and decrypts, into memory of the caller. Source: spec C.1. */
export interface AesGcm {
  /**
   * Encrypts.
   *
   * @param key 32 bytes.
   * @param iv 16 bytes, never the same twice with one key.
   * @param data Not to be changed before this is done; may lie in shared memory, as `out` may.
   * @param out As long as `data`, and the same memory or memory apart.
   * @returns The tag, 16 bytes of their own.
   * @throws {RangeError} If a length is not as said.
   */
  seal(
    key: Bytes,
    iv: Bytes,
    data: Uint8Array,
    out: Uint8Array,
  ): Bytes | Promise<Bytes>;
  /**
   * Decrypts.
   *
   * @param key 32 bytes.
   * @param iv 16 bytes.
   * @param tag 16 bytes.
   * @param data Not to be changed before this is done; may lie in shared memory, as `out` may.
   * @param out As long as `data`, and the same memory or memory apart.
   * @returns Whether data, key, iv and tag belong together; where they do not, `out` holds nothing of use.
   * @throws {RangeError} If a length is not as said.
   */
  open(
    key: Bytes,
    iv: Bytes,
    tag: Bytes,
    data: Uint8Array,
    out: Uint8Array,
  ): boolean | Promise<boolean>;
}

/**
 * The fastest there is: libcrypto where it is lent, else WebCrypto or `node:crypto`, else JavaScript.
 *
 * @param native What the system's libraries lend.
 */
export function openAesGcm(native?: Native): Promise<AesGcm> {
  const lent = native?.aesGcm;
  return Promise.resolve(
    lent === undefined ? builtinAesGcm() ?? portableAesGcm() : checked(lent),
  );
}

/** As {@linkcode openAesGcm}, by what the runtime has; `undefined` where it has none. */
export function builtinAesGcm(): AesGcm | undefined {
  const node = nodeModule("node:crypto") && nodeAesGcm();
  const web = globalThis.crypto?.subtle && webAesGcm();
  if (node === undefined || web === undefined) {
    const only = node ?? web;
    return only && checked(only);
  }
  // Measured: Node's cipher has 0.4 to 2.9 GB/s in Node and 0.13 in Deno, where WebCrypto has 0.4, and 40 µs to start with.
  const small = "Deno" in globalThis ? SMALL : Infinity;
  const of = ({ length }: Uint8Array) => length < small ? node : web;
  return checked({
    seal: (key, iv, data, out) => of(data).seal(key, iv, data, out),
    open: (key, iv, tag, data, out) => of(data).open(key, iv, tag, data, out),
  });
}

/** As {@linkcode openAesGcm}, in JavaScript. */
export function portableAesGcm(): AesGcm {
  return checked({
    async seal(key, iv, data, out) {
      const { gcm } = await import("@noble/ciphers/aes.js");
      const sealed = gcm(key, iv).encrypt(data);
      out.set(sealed.subarray(0, data.length));
      return sealed.slice(data.length);
    },
    async open(key, iv, tag, data, out) {
      const { gcm } = await import("@noble/ciphers/aes.js");
      const cipher = gcm(key, iv);
      const sealed = new Uint8Array(data.length + TAG_SIZE);
      sealed.set(data);
      sealed.set(tag, data.length);
      let opened: Uint8Array;
      try {
        opened = cipher.decrypt(sealed);
      } catch {
        return false;
      }
      out.set(opened);
      return true;
    },
  });
}

function nodeAesGcm(): AesGcm {
  const { createCipheriv, createDecipheriv } = nodeModule("node:crypto")!;
  return {
    seal(key, iv, data, out) {
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      out.set(cipher.update(data));
      cipher.final();
      return Uint8Array.from(cipher.getAuthTag());
    },
    open(key, iv, tag, data, out) {
      const cipher = createDecipheriv("aes-256-gcm", key, iv);
      cipher.setAuthTag(tag);
      const opened = cipher.update(data);
      try {
        cipher.final();
      } catch {
        return false;
      }
      out.set(opened);
      return true;
    },
  };
}

/** WebCrypto takes no shared memory, and the tag behind the data; it copies what it is given before it returns, so scratch memory is free again. */
function webAesGcm(): AesGcm {
  const scratch = new Scratch();
  let last: { bytes: Bytes; key: Promise<CryptoKey> } | undefined;
  const keyOf = (bytes: Bytes): Promise<CryptoKey> => {
    if (last === undefined || !sameBytes(last.bytes, bytes)) {
      const usages: KeyUsage[] = ["encrypt", "decrypt"];
      last = {
        bytes: bytes.slice(),
        key: crypto.subtle.importKey("raw", bytes, "AES-GCM", false, usages),
      };
    }
    return last.key;
  };
  const algorithm = (iv: Bytes): AesGcmParams => ({
    name: "AES-GCM",
    iv,
    tagLength: TAG_SIZE * 8,
  });
  return {
    async seal(bytes, iv, data, out) {
      const key = await keyOf(bytes);
      let plain = data as Bytes;
      if (isShared(data)) {
        plain = scratch.take(data.length);
        plain.set(data);
      }
      const sealed = new Uint8Array(
        await crypto.subtle.encrypt(algorithm(iv), key, plain),
      );
      out.set(sealed.subarray(0, data.length));
      const tag = sealed.slice(data.length);
      free(sealed.buffer);
      return tag;
    },
    async open(bytes, iv, tag, data, out) {
      const key = await keyOf(bytes);
      const sealed = scratch.take(data.length + TAG_SIZE);
      sealed.set(data);
      sealed.set(tag, data.length);
      let opened: ArrayBuffer;
      try {
        opened = await crypto.subtle.decrypt(algorithm(iv), key, sealed);
      } catch (error) {
        if ((error as Error).name === "OperationError") return false;
        throw error;
      }
      out.set(new Uint8Array(opened));
      free(opened);
      return true;
    },
  };
}

/** Lets go of memory at once: WebCrypto makes fresh memory for each call, and the collector comes too late (measured, 150 MB in two threads). */
function free(buffer: ArrayBuffer): void {
  buffer.transfer?.(0);
}

function isShared({ buffer }: Uint8Array): boolean {
  return typeof SharedArrayBuffer === "function" &&
    buffer instanceof SharedArrayBuffer;
}

/** Checks lengths, whoever does the work. */
function checked(aesGcm: AesGcm): AesGcm {
  return {
    seal(key, iv, data, out) {
      check(key, iv, data, out);
      return aesGcm.seal(key, iv, data, out);
    },
    open(key, iv, tag, data, out) {
      check(key, iv, data, out, tag);
      return aesGcm.open(key, iv, tag, data, out);
    },
  };
}

function check(
  key: Bytes,
  iv: Bytes,
  data: Uint8Array,
  out: Uint8Array,
  tag?: Bytes,
): void {
  const is = [key.length, iv.length, tag?.length ?? TAG_SIZE, out.length];
  const should = [KEY_SIZE, IV_SIZE, TAG_SIZE, data.length];
  if (is.join() !== should.join()) {
    throw new RangeError(
      `Cannot use AES-256-GCM: key, IV, tag and place for the result have ${is} bytes, expected ${should}`,
    );
  }
}
