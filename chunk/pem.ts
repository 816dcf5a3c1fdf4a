// PEM: a label and base64 between two marker lines; and of what is within as much as tells how much work a locked private key asks for.
import type { Bytes } from "@pxar/format/bytes";
import { FormatError } from "@pxar/format/errors";
import { parseBase64 } from "./base64.ts";
import { checkKdf } from "./kdf.ts";

/** One PEM block. */
export interface Pem {
  /** Such as `PUBLIC KEY`. */
  readonly label: string;
  /** Marker lines and all that is between them, with line feeds. */
  readonly text: string;
  /** Whether it has lines such as `Proc-Type: 4,ENCRYPTED`. */
  readonly encrypted: boolean;
  /** What the base64 stands for. */
  readonly bytes: Bytes;
}

/** Most letters; a key of 16384 bits has some 13,000. */
const TEXT_LIMIT = 1 << 16;
const BLOCK =
  /-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\n((?:[A-Za-z-]+:[^\n]*\n)*)\n?((?:[A-Za-z0-9+/=]{1,76}[ \t]*\n)+)-----END \1-----/;
const SEQUENCE = 0x30, INTEGER = 0x02, OCTETS = 0x04, OID = 0x06;
/** 1.3.6.1.4.1.11591.4.11 */
const SCRYPT = "2b06010401da47040b";

/** The first block of a text; a FormatError if there is none. */
export function parsePem(text: string, what: string): Pem {
  if (text.length > TEXT_LIMIT) {
    throw new FormatError(
      `Cannot read ${what}: it has ${text.length} letters, expected at most ${TEXT_LIMIT}`,
    );
  }
  const found = BLOCK.exec(text.replaceAll("\r\n", "\n"));
  const bytes = found === null
    ? undefined
    : parseBase64(found[3]!.replace(/\s/g, ""));
  if (found === null || bytes === undefined) {
    throw new FormatError(
      `Cannot read ${what}: it is not PEM, expected a line -----BEGIN …-----, base64, and a line -----END …-----`,
    );
  }
  return {
    label: found[1]!,
    text: `${found[0]}\n`,
    encrypted: found[2]!.includes("ENCRYPTED"),
    bytes,
  };
}

/**
 * Checks what an encrypted PKCS#8 key (RFC 5958) asks of the one who unlocks it: a FormatError if its structure is broken, or it asks for more rounds
 * or memory than a key file may.
 */
export function checkLockedKey(bytes: Bytes): void {
  const whole = new Der(bytes).inner(SEQUENCE);
  const algorithm = whole.inner(SEQUENCE);
  if (whole.inner(OCTETS).left === 0 || whole.left > 0) throw broken();
  checkNumbers(algorithm, 0);
}

/** Every number among an algorithm's parameters: rounds, a key's length, or what scrypt is asked for. */
function checkNumbers(der: Der, depth: number): void {
  const salt = new Uint8Array(0);
  const numbers: number[] = [];
  let name = "";
  while (der.left > 0) {
    const { tag, content } = der.next();
    if (tag === OID) name = content.hex();
    else if (tag === INTEGER) numbers.push(content.number());
    else if (tag === SEQUENCE && depth < 4) {
      if (name === SCRYPT) {
        content.inner(OCTETS);
        const [n, r, p] = [0, 1, 2].map(() => content.inner(INTEGER).number());
        checkKdf({ kind: "scrypt", n: n!, r: r!, p: p!, salt });
      } else checkNumbers(content, depth + 1);
    }
  }
  for (const iterations of numbers) {
    checkKdf({ kind: "pbkdf2", iterations, salt });
  }
}

/** Distinguished encoding, read from left to right. */
class Der {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  next(): { readonly tag: number; readonly content: Der } {
    const tag = this.#byte();
    let length = this.#byte();
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 3) throw broken();
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + this.#byte();
    }
    if (length > this.left) throw broken();
    const content = this.#bytes.subarray(this.#at, this.#at += length);
    return { tag, content: new Der(content) };
  }

  inner(wanted: number): Der {
    const { tag, content } = this.next();
    if (tag !== wanted) throw broken();
    return content;
  }

  number(): number {
    return this.#bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  }

  hex(): string {
    return [...this.#bytes].map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw broken();
    return byte;
  }
}

function broken(): FormatError {
  return new FormatError(
    "Cannot read private key: its structure is broken, expected an encrypted key of PKCS#8",
  );
}
