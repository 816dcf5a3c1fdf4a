/**
 * What Deno's own API throws, as this project's error.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { SystemError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";

/** The names that Deno's classes stand for, where the error itself does not say. */
const CODES: { readonly [name: string]: string } = {
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  NotADirectory: "ENOTDIR",
  FilesystemLoop: "ELOOP",
  Interrupted: "EINTR",
  // What Deno itself was not allowed to do.
  NotCapable: "EACCES",
};

/**
 * An error of Deno's own API with the code of the system.
 *
 * @param verb What could not be done, such as `open file`.
 * @param path What it was done to, raw bytes; shown lossily.
 * @param call The call.
 * @param error What was thrown.
 * @returns An error to be thrown or reported; `code` is empty where the system has not said it.
 */
export function portableError(
  verb: string,
  path: Bytes,
  call: string,
  error: unknown,
): SystemError {
  const { name, message, code } = error as Error & { code?: string };
  const shown = showName(path) || ".";
  // Deno says "Permission denied (os error 13): open '/a/b'"; the path stands here already.
  const said = /^(.+?) \(os error \d+\)/.exec(message)?.[1];
  const why = said === undefined
    ? message
    : said.charAt(0).toLowerCase() + said.slice(1);
  return new SystemError(`Cannot ${verb} ${shown}: ${why}`, {
    cause: error,
    code: code ?? CODES[name] ?? "",
    errno: 0,
    call,
    path: shown,
  });
}
