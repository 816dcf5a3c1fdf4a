/**
 * Where the official client keeps what it finds by itself: `proxmox-backup` in the user's folder of settings.
 *
 * Source: spec G.2.
 *
 * @module
 */
import { EXIT, ExitError, reasonOf } from "./exits.ts";
import { userFolder } from "./user_folder.ts";

const FOLDER = "proxmox-backup";

/** The encryption key that is used where none is named. */
export const ENCRYPTION_KEY = "encryption-key.json";
/** The public half of the master key that is used where none is named. */
export const MASTER_PUBLIC_KEY = "master-public.pem";

/**
 * Where a file of settings is to be put: `$XDG_CONFIG_HOME`, or `.config` in the home folder. Its folder is made.
 *
 * @param name The file's name.
 * @returns Its path.
 * @throws {ExitError} If there is no such folder, and it cannot be made.
 */
export function placeConfig(name: string): string {
  const path = configHome();
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ExitError(
      EXIT.failed,
      `Cannot create ${path}: ${reasonOf(cause)}`,
      { cause },
    );
  }
  return `${path}/${name}`;
}

/**
 * Finds a file of settings: where {@linkcode placeConfig} puts it, then in the folders of `$XDG_CONFIG_DIRS`, or `/etc/xdg`.
 *
 * @param name The file's name.
 * @returns Its path; `undefined` if it is nowhere.
 */
export function findConfig(name: string): string | undefined {
  const folders = [
    configHome(),
    ...(Deno.env.get("XDG_CONFIG_DIRS") || "/etc/xdg").split(":")
      .filter((one) => one.startsWith("/")).map((one) => `${one}/${FOLDER}`),
  ];
  return folders.map((folder) => `${folder}/${name}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

function configHome(): string {
  const folder = userFolder("XDG_CONFIG_HOME", ".config");
  if (folder !== undefined) return `${folder}/${FOLDER}`;
  throw new ExitError(
    EXIT.failed,
    "Cannot find the folder of settings: neither XDG_CONFIG_HOME nor HOME is set, expected one of them, or a path on the command line",
  );
}
