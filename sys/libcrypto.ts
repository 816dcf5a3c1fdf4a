/**
 * OpenSSL's libcrypto: AES-256-GCM in memory of the caller, shared or not, 5 to 20 times as fast as what the runtime has.
 *
 * @module
 */
import type { AesGcm } from "@pxar/chunk/aes_gcm";
import type { Bytes } from "@pxar/format/bytes";
import { SystemError } from "@pxar/format/errors";
import { openLibrary } from "./library.ts";

const INIT = {
  parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
  result: "i32",
} as const;
const UPDATE = {
  parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
  result: "i32",
} as const;
const FINAL = {
  parameters: ["pointer", "buffer", "buffer"],
  result: "i32",
} as const;
const SYMBOLS = {
  EVP_aes_256_gcm: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_ctrl: {
    parameters: ["pointer", "i32", "i32", "buffer"],
    result: "i32",
  },
  EVP_EncryptInit_ex: INIT,
  EVP_EncryptUpdate: UPDATE,
  EVP_EncryptFinal_ex: FINAL,
  EVP_DecryptInit_ex: INIT,
  EVP_DecryptUpdate: UPDATE,
  EVP_DecryptFinal_ex: FINAL,
} as const;

/** What `EVP_CIPHER_CTX_ctrl` does: evp.h. */
const SET_IV_LENGTH = 0x9, GET_TAG = 0x10, SET_TAG = 0x11;
const KEY_SIZE = 32, IV_SIZE = 16, TAG_SIZE = 16;
/** What the library counts in. */
const INT_MAX = 2 ** 31 - 1;

/**
 * Opens the library, version 3 or 1.1, for this thread.
 *
 * @returns `undefined` where it is not there, or not permitted; never asks.
 */
export function openLibcrypto(): AesGcm | undefined {
  const lib = openLibrary(["libcrypto.so.3", "libcrypto.so.1.1"], SYMBOLS);
  if (lib === undefined) return undefined;
  const {
    EVP_CIPHER_CTX_ctrl,
    EVP_EncryptInit_ex,
    EVP_EncryptUpdate,
    EVP_EncryptFinal_ex,
    EVP_DecryptInit_ex,
    EVP_DecryptUpdate,
    EVP_DecryptFinal_ex,
  } = lib;
  const written = new Int32Array(1);
  const rest = new Uint8Array(TAG_SIZE);
  const cipher = lib.EVP_aes_256_gcm();
  const sealing = lib.EVP_CIPHER_CTX_new(), opening = lib.EVP_CIPHER_CTX_new();
  // Both keep cipher and length; a message brings its key and IV.
  const isReady = cipher !== null && sealing !== null && opening !== null &&
    EVP_EncryptInit_ex(sealing, cipher, null, null, null) === 1 &&
    EVP_DecryptInit_ex(opening, cipher, null, null, null) === 1 &&
    EVP_CIPHER_CTX_ctrl(sealing, SET_IV_LENGTH, IV_SIZE, null) === 1 &&
    EVP_CIPHER_CTX_ctrl(opening, SET_IV_LENGTH, IV_SIZE, null) === 1;
  if (!isReady) return undefined;
  return {
    seal(key, iv, data, out) {
      check(key, iv, data, out);
      const tag = new Uint8Array(TAG_SIZE);
      need(
        "EVP_EncryptInit_ex",
        EVP_EncryptInit_ex(sealing, null, null, key, iv),
      );
      if (data.length > 0) {
        need(
          "EVP_EncryptUpdate",
          EVP_EncryptUpdate(
            sealing,
            out as Bytes,
            written,
            data as Bytes,
            data.length,
          ),
        );
      }
      need("EVP_EncryptFinal_ex", EVP_EncryptFinal_ex(sealing, rest, written));
      need(
        "EVP_CIPHER_CTX_ctrl",
        EVP_CIPHER_CTX_ctrl(sealing, GET_TAG, TAG_SIZE, tag),
      );
      return tag;
    },
    open(key, iv, tag, data, out) {
      check(key, iv, data, out, tag);
      need(
        "EVP_DecryptInit_ex",
        EVP_DecryptInit_ex(opening, null, null, key, iv),
      );
      if (data.length > 0) {
        need(
          "EVP_DecryptUpdate",
          EVP_DecryptUpdate(
            opening,
            out as Bytes,
            written,
            data as Bytes,
            data.length,
          ),
        );
      }
      need(
        "EVP_CIPHER_CTX_ctrl",
        EVP_CIPHER_CTX_ctrl(opening, SET_TAG, TAG_SIZE, tag),
      );
      if (EVP_DecryptFinal_ex(opening, rest, written) > 0) return true;
      // It was decrypted before the tag was looked at.
      out.fill(0);
      return false;
    },
  };
}

/** The library trusts lengths. */
function check(
  key: Bytes,
  iv: Bytes,
  data: Uint8Array,
  out: Uint8Array,
  tag?: Bytes,
): void {
  const { length } = data;
  const is = [key.length, iv.length, tag?.length ?? TAG_SIZE, out.length];
  const should = [KEY_SIZE, IV_SIZE, TAG_SIZE, length];
  if (is.join() !== should.join() || length > INT_MAX) {
    throw new RangeError(
      `Cannot use AES-256-GCM: key, IV, tag and place for the result have ${is} bytes, expected ${should}, and 2 GiB at most`,
    );
  }
}

function need(call: string, result: number): void {
  if (result === 1) return;
  throw new SystemError(`Cannot use libcrypto: ${call} failed`, {
    code: "EIO",
    errno: 0,
    call,
  });
}
