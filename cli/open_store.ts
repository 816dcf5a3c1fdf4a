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
import { initDatastore } from "@pxar/store/datastore_layout";
import { openDatastore } from "@pxar/store/open_datastore";
import { parseStoreName } from "@pxar/store/safe_id";
import { openKernel } from "@pxar/sys/kernel";
import { openNative } from "@pxar/sys/native";
import { EXIT, ExitError, reasonOf, UsageError } from "./exits.ts";
import { findSecret } from "./secret.ts";
import { asUsage } from "./store_names.ts";
import { userFolder } from "./user_folder.ts";
import type { Voice } from "./voice.ts";

/** Values of the options that say which store is meant. */
export interface StoreChoice {
  /** As it was typed, if it was. */
  readonly repository: string | undefined;
  /** The store's name, if it was told. */
  readonly "store-name": string | undefined;
}

/** How a store is opened to work in it. */
export interface OpenStoreOptions {
  /** Whether the default store is made where it is not there yet. */
  readonly create?: boolean | undefined;
}

/**
 * Opens the store to look at it: no lock is taken.
 *
 * @param choice What the command line says; the default store where it says nothing.
 * @returns The open store.
 * @throws {UsageError} If what is named is not in a folder here.
 * @throws {ExitError} If none is named, and the default one is not there yet.
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
 * @param choice What the command line says; the default store where it says nothing.
 * @param voice Says it.
 * @param options Whether a default store may be made.
 * @returns The open store.
 * @throws {UsageError} If what is named is not in a folder here.
 * @throws {ExitError} If none is named, and the default one is not there yet or cannot be made.
 * @throws {UnsupportedError} If there is no datastore.
 */
export async function openStore(
  choice: StoreChoice,
  voice: Voice,
  options: OpenStoreOptions = {},
): Promise<Datastore> {
  const path = await storePath(
    choice.repository,
    options.create ? (path) => makeDefault(path, voice) : undefined,
  );
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
 * @param typed As it was typed, if it was; else the environment says it, else it is the default store.
 * @param make Makes a default store that is not there.
 * @returns Its path.
 * @throws {UsageError} If what is named is not a folder here.
 * @throws {ExitError} If none is named, and the default one is not there.
 */
export async function storePath(
  typed: string | undefined,
  make?: (path: string) => Promise<void>,
): Promise<string> {
  if (typed === "") {
    throw new UsageError(
      "Cannot use --repository: it is empty, expected a path, such as ./store",
    );
  }
  const text = typed ?? await findSecret("repository");
  if (text === undefined || text === "") return await defaultStore(make);
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

/** The store that is meant where none is named. */
async function defaultStore(
  make: ((path: string) => Promise<void>) | undefined,
): Promise<string> {
  const home = userFolder("XDG_DATA_HOME", ".local/share");
  if (home === undefined) {
    throw new UsageError(
      "Cannot tell which datastore is meant: none of --repository, PBS_REPOSITORY, XDG_DATA_HOME and HOME is given, expected a path, such as ./store",
    );
  }
  const path = `${home}/pxar/store`;
  if (isThere(`${path}/.chunks`)) return path;
  if (make === undefined) {
    throw new ExitError(
      EXIT.missing,
      `Cannot open the default datastore: nothing is in ${path} yet, expected a first backup, or --repository or PBS_REPOSITORY`,
    );
  }
  await make(path);
  return path;
}

async function makeDefault(path: string, voice: Voice): Promise<void> {
  const above = path.slice(0, path.lastIndexOf("/"));
  try {
    // Nobody else's business.
    Deno.mkdirSync(above, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ExitError(
      EXIT.failed,
      `Cannot create ${above}: ${reasonOf(cause)}`,
      { cause },
    );
  }
  await initDatastore(path, { allFolders: false });
  voice.problem(`made the datastore ${path}, as none was named`);
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
