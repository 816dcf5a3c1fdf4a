/**
 * Secrets, from wherever they may come but the command line: the environment, a file, a descriptor, a program, systemd, and the terminal. None of them
 * is ever part of an error.
 *
 * | variable | what it holds |
 * | :-- | :-- |
 * | `NAME` | the secret |
 * | `NAME_FD` | number of an open descriptor it is read from |
 * | `NAME_FILE` | path of a file it is read from |
 * | `NAME_CMD` | program and arguments that print it; no shell |
 *
 * The first one that is set is used, and of what it gives the first line. Then comes the file of the credential's name in `$CREDENTIALS_DIRECTORY`,
 * all of it.
 *
 * Source: protocol spec A.9.
 *
 * @module
 */
import { KeyError } from "@pxar/format/errors";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { lazy } from "./lazy.ts";

/** Where a secret is looked for. */
interface Source {
  /** The variable; others begin with its name. */
  readonly variable: string;
  /** The credential's name for systemd. */
  readonly credential: string;
}

/** What may be looked for. The last two are ours alone: the official client asks for them on the terminal only. */
export const SECRETS = {
  repository: {
    variable: "PBS_REPOSITORY",
    credential: "proxmox-backup-client.repository",
  },
  password: {
    variable: "PBS_PASSWORD",
    credential: "proxmox-backup-client.password",
  },
  fingerprint: {
    variable: "PBS_FINGERPRINT",
    credential: "proxmox-backup-client.fingerprint",
  },
  encryption: {
    variable: "PBS_ENCRYPTION_PASSWORD",
    credential: "proxmox-backup-client.encryption-password",
  },
  newEncryption: {
    variable: "PXAR_NEW_PASSWORD",
    credential: "pxar.new-password",
  },
  master: {
    variable: "PXAR_MASTER_PASSWORD",
    credential: "pxar.master-password",
  },
} as const satisfies Record<string, Source>;

/** A secret by its name here. */
export type SecretName = keyof typeof SECRETS;

/** Most bytes of a secret. */
const LIMIT = 1 << 16;
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Looks for a secret, without asking anybody.
 *
 * @param name Which one.
 * @returns The secret; `undefined` if it is nowhere.
 * @throws {UsageError} If a variable cannot be meant so.
 * @throws {ExitError} If what it names cannot be read.
 */
export async function findSecret(
  name: SecretName,
): Promise<string | undefined> {
  const { variable, credential } = SECRETS[name];
  const plain = Deno.env.get(variable);
  if (plain !== undefined) {
    return firstLine(new TextEncoder().encode(plain), variable);
  }
  for (const [ending, read] of READERS) {
    const value = Deno.env.get(variable + ending);
    if (value === undefined) continue;
    const bytes = await read(value, variable + ending);
    return firstLine(bytes, variable + ending);
  }
  const folder = Deno.env.get("CREDENTIALS_DIRECTORY");
  if (folder === undefined || folder === "") return undefined;
  const path = `${folder}/${credential}`;
  try {
    using file = await Deno.open(path);
    return textOf(await readSome(file, path, false), path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw failure("read", path, error);
  }
}

/**
 * A secret that must be there: found, or asked for on the terminal.
 *
 * @param name Which one.
 * @param what What it is, for the question, such as `Passphrase of key.json`.
 * @returns The secret.
 * @throws {KeyError} If it is nowhere, and there is no terminal to ask on.
 */
export async function getSecret(
  name: SecretName,
  what: string,
): Promise<string> {
  const found = await findSecret(name);
  if (found !== undefined) return found;
  checkTerminal(name, what);
  const { ask } = await lazy("./prompt.ts");
  return await ask(`${what}: `);
}

/**
 * A new passphrase: found, or asked for twice on the terminal.
 *
 * @param name Which one.
 * @param what What it is, for the question.
 * @param shortest Least number of bytes.
 * @returns The passphrase.
 * @throws {KeyError} If it is nowhere, and there is no terminal to ask on; or it is too short, or not the same both times.
 */
export async function newPassphrase(
  name: SecretName,
  what: string,
  shortest: number,
): Promise<string> {
  let secret = await findSecret(name);
  if (secret === undefined) {
    checkTerminal(name, what);
    const { ask } = await lazy("./prompt.ts");
    secret = await ask(`${what}: `);
    checkLength(secret, what, shortest);
    if (await ask("The same again: ") !== secret) {
      throw new KeyError(
        `Cannot use ${what.toLowerCase()}: it was not the same both times, expected it twice`,
      );
    }
  }
  checkLength(secret, what, shortest);
  return secret;
}

function checkLength(secret: string, what: string, shortest: number): void {
  const { length } = new TextEncoder().encode(secret);
  if (length >= shortest) return;
  throw new KeyError(
    `Cannot use ${what.toLowerCase()}: it has ${length} bytes, expected ${shortest} or more`,
  );
}

function checkTerminal(name: SecretName, what: string): void {
  if (Deno.stdin.isTerminal()) return;
  const { variable } = SECRETS[name];
  throw new KeyError(
    `Cannot ask for ${what.toLowerCase()}: standard input is no terminal, expected one, or ${variable}, ${variable}_FD, ${variable}_FILE or ${variable}_CMD in the environment`,
  );
}

type Reader = (value: string, variable: string) => Promise<Uint8Array>;

const READERS: readonly (readonly [ending: string, read: Reader])[] = [
  ["_FD", readDescriptor],
  ["_FILE", readFile],
  ["_CMD", readCommand],
];

async function readDescriptor(
  value: string,
  variable: string,
): Promise<Uint8Array> {
  if (!/^\d{1,9}$/.test(value)) {
    throw new UsageError(
      `Cannot use ${variable} ${value}: expected the number of an open descriptor`,
    );
  }
  if (Number(value) === 0) return await readSome(Deno.stdin, variable, true);
  if (Deno.build.os === "windows") {
    throw new UsageError(
      `Cannot use ${variable}: there are no numbered descriptors here, expected another variable`,
    );
  }
  return await readFile(`/dev/fd/${Number(value)}`, variable);
}

async function readFile(path: string, variable: string): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    return await readSome(file, variable, true);
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw failure("read", `${path} (${variable})`, error);
  }
}

async function readCommand(
  line: string,
  variable: string,
): Promise<Uint8Array> {
  const { shellWords } = await lazy("./shell_words.ts");
  const [program, ...args] = shellWords(line) ?? [];
  if (program === undefined) {
    throw new UsageError(
      `Cannot use ${variable}: expected a program and its arguments, quotes closed`,
    );
  }
  let ran: Deno.CommandOutput;
  try {
    ran = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).output();
  } catch (error) {
    throw failure("run", `${program} (${variable})`, error);
  }
  if (!ran.success) {
    throw new ExitError(
      EXIT.failed,
      `Cannot run ${program} (${variable}): it ended with ${
        ran.signal ?? ran.code
      }, expected 0`,
    );
  }
  return ran.stdout;
}

/** As much as is wanted: up to a line feed, or all of it. */
async function readSome(
  file: { read(into: Uint8Array): Promise<number | null> },
  what: string,
  line: boolean,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(LIMIT + 1);
  let length = 0;
  while (length <= LIMIT) {
    const got = await file.read(bytes.subarray(length)) ?? 0;
    const from = length;
    length += got;
    if (got === 0 || line && bytes.subarray(from, length).includes(0x0a)) {
      return bytes.subarray(0, length);
    }
  }
  throw new ExitError(
    EXIT.failed,
    `Cannot read ${what}: it has more than ${LIMIT} bytes, expected a secret`,
  );
}

function firstLine(bytes: Uint8Array, what: string): string {
  const end = bytes.indexOf(0x0a);
  const line = end < 0 ? bytes : bytes.subarray(0, end);
  return textOf(line, what).replace(/\r$/, "");
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    throw new ExitError(
      EXIT.failed,
      `Cannot read ${what}: it is not UTF-8, expected text`,
    );
  }
}

function failure(verb: string, what: string, cause: unknown): ExitError {
  if (cause instanceof ExitError) return cause;
  return new ExitError(
    EXIT.failed,
    `Cannot ${verb} ${what}: ${reasonOf(cause)}`,
    { cause },
  );
}
