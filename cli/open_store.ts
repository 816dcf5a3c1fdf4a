/**
 * Opens the datastore that a command line means.
 *
 * @module
 */
import {
  formatRepository,
  parseRepository,
  serverAddress,
} from "@pxar/pbs/repository";
import type { Datastore } from "@pxar/store/datastore";
import { openDatastore } from "@pxar/store/open_datastore";
import { parseStoreName } from "@pxar/store/safe_id";
import { openKernel } from "@pxar/sys/kernel";
import { openNative } from "@pxar/sys/native";
import { UsageError } from "./exits.ts";
import { findSecret } from "./secret.ts";
import { asUsage } from "./store_names.ts";
import type { Voice } from "./voice.ts";

/** Values of the options that say which store is meant. */
export interface StoreChoice {
  /** As it was typed, if it was. */
  readonly repository: string | undefined;
  /** The store's name, if it was told. */
  readonly "store-name": string | undefined;
}

/**
 * Opens the store to look at it: no lock is taken.
 *
 * @param choice What the command line says.
 * @returns The open store.
 * @throws {UsageError} If none is named, or not one in a folder here.
 * @throws {UnsupportedError} If there is no datastore.
 */
export async function viewStore(choice: StoreChoice): Promise<Datastore> {
  return await openDatastore(await storePath(choice.repository), {
    name: nameOf(choice),
  });
}

/**
 * Opens the store to work in it: with locks that others see, and with the system's libraries, as far as they may be used. What is weaker without is said.
 *
 * @param choice What the command line says.
 * @param voice Says it.
 * @returns The open store.
 * @throws {UsageError} If none is named, or not one in a folder here.
 * @throws {UnsupportedError} If there is no datastore.
 */
export async function openStore(
  choice: StoreChoice,
  voice: Voice,
): Promise<Datastore> {
  const path = await storePath(choice.repository);
  const kernel = openKernel();
  if (kernel === undefined) voice.note(weaker());
  // Locks lie in the store since somebody was told so.
  const told = isThere(`${path}/.locks`);
  return await openDatastore(path, {
    name: nameOf(choice),
    kernel,
    native: openNative(),
    onNote: (sentence) => {
      if (!sentence.startsWith("locks lie in ")) voice.note(sentence);
      else if (!told) voice.problem(sentence);
    },
  });
}

/**
 * The folder that is meant.
 *
 * @param typed As it was typed, if it was; else the environment says it.
 * @returns Its path.
 * @throws {UsageError} If nothing says it, or it is not a folder here.
 */
export async function storePath(typed: string | undefined): Promise<string> {
  const text = typed ?? await findSecret("repository");
  if (text === undefined || text === "") {
    throw new UsageError(
      "Cannot tell which datastore is meant: neither --repository nor PBS_REPOSITORY is given, expected a path, such as ./store",
    );
  }
  const repository = asUsage(() => parseRepository(text));
  if (repository.kind === "path") return repository.path;
  const { host, store } = serverAddress(repository);
  const folder = isThere(text) ? `, perhaps ./${text} is meant` : "";
  throw new UsageError(
    `Cannot use repository ${
      formatRepository(repository)
    }: it is datastore ${store} of the server ${host}, and servers are not spoken to yet, expected ./PATH, /PATH or file:///PATH${folder}`,
  );
}

function nameOf({ "store-name": name }: StoreChoice): string | undefined {
  return name === undefined ? undefined : asUsage(() => parseStoreName(name));
}

/** What is not as it should be where the kernel may not be called. */
function weaker(): string {
  const what =
    "other programs do not see what is in use here, and this one does not see what they use";
  return Deno.build.os === "linux"
    ? `${what}: granting --allow-ffi=/usr/lib/${Deno.build.arch}-linux-gnu/libc.so.6 (where glibc lies) would change that`
    : `${what}: this system has no such locks`;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
