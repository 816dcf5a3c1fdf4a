// The golden keys in tests/vectors/store/keys and tests/vectors/pbs/keys; their READMEs say what each file is.

/** Where the golden keys of the storage layer lie. */
export const KEY_FOLDER = new URL("../vectors/store/keys/", import.meta.url);
/** Where the keys of the golden datastores lie. */
export const PBS_KEY_FOLDER = new URL("../vectors/pbs/keys/", import.meta.url);

/** What a key should be. */
export interface ExpectedKey {
  readonly key: string;
  readonly idKey: string;
  readonly fingerprint: string;
  readonly fingerprintShort: string;
  readonly authTagOfAbc: string;
  readonly digestOfAbc: string;
}

/** A key file, and what is in it. */
export interface KeyCase {
  readonly file: string;
  readonly kdf: "none" | "scrypt" | "pbkdf2";
  readonly passphrase: string;
  readonly created: number;
  readonly modified: number;
  readonly hint: string | null;
  readonly hasFingerprint: boolean;
  readonly derivedKey?: string | null;
  readonly decrypted: ExpectedKey;
}

/** A text, and what the official reader says to it. */
export interface TextCase {
  readonly name: string;
  readonly text: string;
  readonly passphrase: string;
  readonly result: {
    readonly ok?: {
      readonly created: number;
      readonly fingerprint: string;
      readonly key: string;
    };
    readonly error?: string;
  };
}

/** All cases. */
export const KEYS: {
  readonly keys: readonly KeyCase[];
  readonly rawKeys: readonly ExpectedKey[];
  readonly texts: readonly TextCase[];
  readonly commandLine: readonly KeyCase[];
} = JSON.parse(keyText("keys.json"));

/** A golden file of the storage layer. */
export function keyText(name: string): string {
  return Deno.readTextFileSync(new URL(name, KEY_FOLDER));
}

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
