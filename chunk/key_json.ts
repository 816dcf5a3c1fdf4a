// The text of key files: its members and their limits, both ways. `key_file.ts` says what they mean.
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { IV_SIZE, TAG_SIZE } from "./aes_gcm.ts";
import { base64Text, parseBase64 } from "./base64.ts";
import { checkKdf, type Kdf } from "./kdf.ts";
import { fingerprintText, KEY_SIZE, parseFingerprint } from "./key.ts";
import { formatRfc3339, parseRfc3339 } from "./rfc3339.ts";

/** What a key file says. */
export interface KeyFile {
  /** How the passphrase unlocks it; `undefined` where it is not locked. */
  readonly kdf: Kdf | undefined;
  /** When the key was made, seconds since 1970. */
  readonly created: number;
  /** When the file was last changed, seconds since 1970. */
  readonly modified: number;
  /** Not locked: the key, 32 bytes. Locked: IV, tag and encrypted key, 64 bytes. */
  readonly data: Bytes;
  /** The key's fingerprint, 32 bytes; `undefined` where the file has none. */
  readonly fingerprint: Bytes | undefined;
  /** What the passphrase is, for whoever knows it; `undefined` where there is none. */
  readonly hint: string | undefined;
}

/** Longest hint, letters. */
export const MAX_HINT = 64;
/** Length of a locked key with its IV and tag, bytes. */
export const LOCKED_SIZE: number = IV_SIZE + TAG_SIZE + KEY_SIZE;
/** Most letters of a file; real ones have some 400. */
const TEXT_LIMIT = 1 << 16;

/**
 * Writes a key file.
 *
 * @param file What it says.
 * @param form `compact`: as files have it, one line without an end. `pretty`: as paper keys have it, indented by two.
 * @returns JSON.
 * @throws {RangeError} If a time is beyond year 9999.
 */
export function encodeKeyFile(
  file: KeyFile,
  form: "compact" | "pretty" = "compact",
): string {
  const { kdf, created, modified, data, fingerprint, hint } = file;
  return JSON.stringify(
    {
      kdf: kdf === undefined ? null : encodeKdf(kdf),
      created: formatRfc3339(created),
      modified: formatRfc3339(modified),
      data: base64Text(data),
      ...fingerprint && { fingerprint: fingerprintText(fingerprint) },
      ...hint !== undefined && { hint },
    },
    null,
    form === "pretty" ? 2 : 0,
  );
}

/**
 * Reads a key file: the inverse of {@linkcode encodeKeyFile}. Unlocks nothing.
 *
 * @param text JSON.
 * @returns What it says.
 * @throws {FormatError} If it is no key file, is too long, or asks for more than {@linkcode checkKdf} allows.
 */
export function decodeKeyFile(text: string): KeyFile {
  if (text.length > TEXT_LIMIT) {
    throw damaged(
      `it has ${text.length} letters`,
      `at most ${TEXT_LIMIT}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged("it is not JSON", "a key file", { cause });
  }
  const members = objectOf(json, "it");
  const kdf = decodeKdf(members.kdf ?? undefined);
  const data = sizedData(bytesOf(members.data, "data"), kdf);
  const hint = members.hint ?? undefined;
  if (hint !== undefined) {
    const problem = hintProblem(textOf(hint, "hint"));
    if (problem !== undefined) {
      throw new FormatError(`Cannot read key file: hint ${problem}`);
    }
  }
  return {
    kdf,
    created: timeOf(members.created, "created"),
    modified: timeOf(members.modified, "modified"),
    data,
    fingerprint: fingerprintOf(members.fingerprint ?? undefined),
    hint: hint as string | undefined,
  };
}

/** Data as they are, if they have the length that the kdf asks for; a FormatError otherwise. */
export function sizedData(data: Bytes, kdf: Kdf | undefined): Bytes {
  const size = kdf === undefined ? KEY_SIZE : LOCKED_SIZE;
  if (data.length === size) return data;
  throw damaged(`data have ${data.length} bytes`, `${size}`);
}

/**
 * What is wrong with a hint.
 *
 * @param hint What the passphrase is.
 * @returns The end of a sentence, or `undefined` if it is good.
 */
export function hintProblem(hint: string): string | undefined {
  const letters = [...hint].length;
  if (letters < 1 || letters > MAX_HINT) {
    return `has ${letters} letters, expected 1 to ${MAX_HINT}`;
  }
  return /[\p{Cc}\p{Cs}]/u.test(hint)
    ? "has control characters, expected one line"
    : undefined;
}

function encodeKdf(kdf: Kdf): unknown {
  const salt = base64Text(kdf.salt);
  if (kdf.kind === "pbkdf2") return { PBKDF2: { iter: kdf.iterations, salt } };
  const { n, r, p } = kdf;
  return { Scrypt: { n, r, p, salt } };
}

function decodeKdf(value: unknown): Kdf | undefined {
  if (value === undefined) return undefined;
  const members = objectOf(value, "kdf");
  const [name, ...others] = Object.keys(members);
  if ((name !== "Scrypt" && name !== "PBKDF2") || others.length > 0) {
    throw damaged(
      `kdf is ${shown(Object.keys(members).join(", "))}`,
      "null, Scrypt or PBKDF2",
    );
  }
  const parameters = objectOf(members[name], name);
  const salt = bytesOf(parameters.salt, "salt");
  const kdf: Kdf = name === "PBKDF2"
    ? { kind: "pbkdf2", iterations: numberOf(parameters.iter, "iter"), salt }
    : {
      kind: "scrypt",
      n: numberOf(parameters.n, "n"),
      r: numberOf(parameters.r, "r"),
      p: numberOf(parameters.p, "p"),
      salt,
    };
  checkKdf(kdf);
  return kdf;
}

type Members = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, name: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    // Without a prototype: a missing member must not be found among what every object has.
    return Object.assign(Object.create(null), value);
  }
  throw damaged(`${name} is ${kindOf(value)}`, "an object");
}

function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw damaged(`${name} is ${kindOf(value)}`, "text");
}

function numberOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    return value;
  }
  throw damaged(
    `${name} is ${typeof value === "number" ? value : kindOf(value)}`,
    "a whole number below 2^53",
  );
}

function bytesOf(value: unknown, name: string): Bytes {
  const bytes = parseBase64(textOf(value, name));
  if (bytes !== undefined) return bytes;
  throw damaged(
    `${name} is not base64`,
    "letters of the standard alphabet on one line",
  );
}

function timeOf(value: unknown, name: string): number {
  const text = textOf(value, name);
  try {
    const secs = parseRfc3339(text);
    formatRfc3339(secs); // It must be possible to write it again.
    return secs;
  } catch (cause) {
    throw damaged(
      `${name} is ${shown(text)}`,
      "a time such as 2023-11-14T23:13:20+01:00",
      { cause },
    );
  }
}

function fingerprintOf(value: unknown): Bytes | undefined {
  return value === undefined
    ? undefined
    : parseFingerprint(textOf(value, "fingerprint"));
}

function kindOf(value: unknown): string {
  return value === undefined
    ? "missing"
    : value === null
    ? "null"
    : Array.isArray(value)
    ? "an array"
    : `of type ${typeof value}`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function damaged(
  what: string,
  expected: string,
  options?: ErrorOptions,
): FormatError {
  return new FormatError(
    `Cannot read key file: ${what}, expected ${expected}`,
    options,
  );
}
