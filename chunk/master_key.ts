/**
 * Master keys: an RSA pair whose public half locks an encryption key into a backup, so that whoever has the private half can open the backup when the
 * encryption key is lost. Needs `node:crypto`, as in Deno, Node and Bun.
 *
 * What is locked is the compact JSON of a key file without passphrase, in one block of PKCS#1 v1.5 as long as the modulus. Snapshots have it as
 * `rsa-encrypted.key.blob`.
 *
 * Source: spec G.4.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  KeyError,
  type PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import { nodeModule } from "./builtin.ts";
import { passphraseBytes } from "./kdf.ts";
import type { CryptKey } from "./key.ts";
import {
  createKeyFile,
  encodeKeyFile,
  MIN_PASSPHRASE,
  type OpenedKey,
  openKeyFile,
} from "./key_file.ts";
import { checkLockedKey, parsePem, type Pem } from "./pem.ts";

/** A master key, both halves as PEM. */
export interface MasterKeyPair {
  /** `-----BEGIN PUBLIC KEY-----`: locks. May be known to everybody. */
  readonly publicPem: string;
  /** `-----BEGIN ENCRYPTED PRIVATE KEY-----`: opens, with its passphrase. Kept apart from the backups. */
  readonly privatePem: string;
}

/** The public half of a master key. */
export interface MasterPublicKey {
  /** Its PEM block. */
  readonly pem: string;
  /** Length of the modulus, bits. */
  readonly bits: number;
  /** The modulus, in capital hexadecimal digits. */
  readonly modulus: string;
  /** The exponent; 65537 in practice. */
  readonly exponent: bigint;
}

/** When a locked key was made and changed. */
export interface SealKeyOptions {
  /** When the key was made, seconds since 1970; now unless told. */
  readonly created?: number | undefined;
  /** When it was last changed, seconds since 1970; now unless told. */
  readonly modified?: number | undefined;
}

type NodeCrypto = typeof import("node:crypto");
type PrivateKey = ReturnType<NodeCrypto["createPrivateKey"]>;
type PublicKey = ReturnType<NodeCrypto["createPublicKey"]>;

const BITS = 4096;
/** Shortest modulus that a key fits into, bits. */
export const MIN_MASTER_BITS = 2128;
/** Longest modulus, bits: what OpenSSL works with. */
const MOST_BITS = 16384;
/** What PKCS#1 v1.5 needs of a block for itself, bytes. */
const PADDING = 11;
const STRICT = new TextDecoder("utf-8", { fatal: true });

/**
 * Makes a master key of 4096 bits. Takes seconds.
 *
 * @param passphrase Locks the private half (PKCS#8, AES-256-CBC).
 * @returns Both halves.
 * @throws {RangeError} If the passphrase has less than 5 bytes.
 * @throws {UnsupportedError} If there is no `node:crypto`.
 */
export async function createMasterKey(
  passphrase: string,
): Promise<MasterKeyPair> {
  const { length } = passphraseBytes(passphrase);
  if (length < MIN_PASSPHRASE) {
    throw new RangeError(
      `Cannot create master key: the passphrase has ${length} bytes, expected ${MIN_PASSPHRASE} or more`,
    );
  }
  const crypto = nodeCrypto("create master key");
  const { publicKey, privateKey } = await new Promise<
    { publicKey: PublicKey; privateKey: PrivateKey }
  >((resolve, reject) =>
    crypto.generateKeyPair(
      "rsa",
      { modulusLength: BITS },
      (error, publicKey, privateKey) =>
        error === null ? resolve({ publicKey, privateKey }) : reject(error),
    )
  );
  return {
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privatePem: privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase,
    }).toString(),
  };
}

/**
 * Reads and checks the public half of a master key.
 *
 * @param pem Text with a block `PUBLIC KEY`.
 * @returns What it says.
 * @throws {FormatError} If there is no such block, or it is no RSA key.
 * @throws {UnsupportedError} If the modulus has more than 16384 bits, or there is no `node:crypto`.
 */
export function readMasterPublicKey(pem: string): MasterPublicKey {
  const { text, key } = publicKeyOf(pem);
  const { n = "", e = "" } = key.export({ format: "jwk" });
  const modulus = hexOfUrl(n).toUpperCase();
  return {
    pem: text,
    bits: bitsOf(key),
    modulus,
    exponent: BigInt(`0x${hexOfUrl(e)}`),
  };
}

/**
 * Locks an encryption key with the public half of a master key.
 *
 * @param key The key.
 * @param publicPem As {@linkcode readMasterPublicKey} takes it.
 * @param options What the locked key file says.
 * @returns One block, as long as the modulus.
 * @throws {KeyError} If the modulus is too short for it: below {@linkcode MIN_MASTER_BITS}.
 * @throws {FormatError} As {@linkcode readMasterPublicKey}.
 * @throws {UnsupportedError} As {@linkcode readMasterPublicKey}.
 */
export async function sealKey(
  key: CryptKey,
  publicPem: string,
  options: SealKeyOptions = {},
): Promise<Bytes> {
  const { key: publicKey } = publicKeyOf(publicPem);
  const crypto = nodeCrypto("lock key");
  const file = await createKeyFile(key, undefined, options);
  const plain = new TextEncoder().encode(encodeKeyFile(file));
  const bits = bitsOf(publicKey);
  const room = Math.ceil(bits / 8) - PADDING;
  if (plain.length > room) {
    throw new KeyError(
      `Cannot lock key: the master key of ${bits} bits takes ${room} bytes, expected ${plain.length} or more, as one of ${BITS} bits does`,
    );
  }
  const padding = crypto.constants.RSA_PKCS1_PADDING;
  return Uint8Array.from(
    crypto.publicEncrypt({ key: publicKey, padding }, plain),
  );
}

/**
 * Opens a locked encryption key with the private half of the master key: the inverse of {@linkcode sealKey}.
 *
 * @param block The content of `rsa-encrypted.key`.
 * @param privatePem Text with a block `ENCRYPTED PRIVATE KEY`, `PRIVATE KEY` or `RSA PRIVATE KEY`.
 * @param passphrase Unlocks the private half; not looked at where it is not locked.
 * @returns The encryption key.
 * @throws {KeyError} If the passphrase is missing or not the one, or the block was locked with another master key.
 * @throws {FormatError} If the text is no private RSA key, or the block is not as long as its modulus.
 * @throws {IntegrityError} If the key has another fingerprint than was locked with it.
 * @throws {UnsupportedError} If the modulus has more than 16384 bits, or there is no `node:crypto`.
 */
export async function openKey(
  block: Bytes,
  privatePem: string,
  passphrase?: string,
): Promise<OpenedKey> {
  const crypto = nodeCrypto("open key");
  const key = privateKeyOf(crypto, privatePem, passphrase);
  const size = Math.ceil(bitsOf(key) / 8);
  if (block.length !== size) {
    throw new FormatError(
      `Cannot open key: the locked key has ${block.length} bytes, expected ${size}, as many as the master key's modulus`,
    );
  }
  const padding = crypto.constants.RSA_PKCS1_PADDING;
  let text: string;
  try {
    text = STRICT.decode(crypto.privateDecrypt({ key, padding }, block));
    JSON.parse(text);
  } catch (cause) {
    // OpenSSL gives random bytes for a block that does not fit the key.
    throw new KeyError(
      "Cannot open key: it was locked with another master key, or is damaged",
      { cause },
    );
  }
  return await openKeyFile(text);
}

/**
 * Whether a private key is locked, so that its passphrase is needed.
 *
 * @param privatePem As {@linkcode openKey} takes it.
 * @returns Whether it is.
 * @throws {FormatError} If it is no private key.
 */
export function isLockedPem(privatePem: string): boolean {
  const pem = parsePem(privatePem, "private key");
  if (!/^(?:ENCRYPTED |RSA )?PRIVATE KEY$/.test(pem.label)) {
    throw wrongLabel(pem, "private key", "ENCRYPTED PRIVATE KEY");
  }
  return pem.label.startsWith("ENCRYPTED") || pem.encrypted;
}

function publicKeyOf(
  text: string,
): { readonly text: string; readonly key: PublicKey } {
  const crypto = nodeCrypto("read public key");
  const pem = parsePem(text, "public key");
  if (pem.label !== "PUBLIC KEY") {
    throw wrongLabel(pem, "public key", "PUBLIC KEY");
  }
  const key = rsa(() => crypto.createPublicKey(pem.text), "public key");
  return { text: pem.text, key };
}

function privateKeyOf(
  crypto: NodeCrypto,
  text: string,
  passphrase: string | undefined,
): PrivateKey {
  const pem = parsePem(text, "private key");
  if (!isLockedPem(text)) {
    return rsa(() => crypto.createPrivateKey(pem.text), "private key");
  }
  if (pem.label.startsWith("ENCRYPTED")) checkLockedKey(pem.bytes);
  if (passphrase === undefined) {
    throw new KeyError(
      "Cannot open private key: it is locked, expected its passphrase",
    );
  }
  return rsa(
    () => crypto.createPrivateKey({ key: pem.text, passphrase }),
    "private key",
    (cause) =>
      new KeyError(
        "Cannot open private key: the passphrase is not the one it was locked with, or it is damaged",
        { cause },
      ),
  );
}

/** A key of OpenSSL, if it is an RSA key of a size that can be worked with. */
function rsa<Key extends PrivateKey | PublicKey>(
  make: () => Key,
  what: string,
  failed = (cause: unknown): PxarError =>
    new FormatError(
      `Cannot read ${what}: its structure is broken, expected an RSA key`,
      { cause },
    ),
): Key {
  let key: Key;
  try {
    key = make();
  } catch (cause) {
    throw failed(cause);
  }
  if (key.asymmetricKeyType !== "rsa") {
    throw new FormatError(
      `Cannot read ${what}: it is of type ${key.asymmetricKeyType}, expected rsa`,
    );
  }
  const bits = bitsOf(key);
  if (bits > MOST_BITS) {
    throw new UnsupportedError(
      `Cannot use ${what}: its modulus has ${bits} bits, expected at most ${MOST_BITS}`,
    );
  }
  return key;
}

function bitsOf(key: PrivateKey | PublicKey): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}

function wrongLabel(pem: Pem, what: string, expected: string): PxarError {
  return new FormatError(
    `Cannot read ${what}: it is a block ${pem.label}, expected ${expected}`,
  );
}

function nodeCrypto(verb: string): NodeCrypto {
  const crypto = nodeModule("node:crypto");
  if (crypto !== undefined) return crypto;
  throw new UnsupportedError(
    `Cannot ${verb}: RSA keys need node:crypto, expected Deno, Node or Bun`,
  );
}

/** Base64 of web keys to hexadecimal digits. */
function hexOfUrl(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return [...binary].map((letter) =>
    letter.charCodeAt(0).toString(16).padStart(2, "0")
  ).join("");
}
