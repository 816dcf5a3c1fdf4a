/**
 * Errors of `node:fs` as errors of ours.
 *
 * @module
 */
import { SystemError } from "@pxar/format/errors";

/** A sentence for the errors that are met most; others keep the system's own. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "file exists",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "is a symbolic link, or too many of them",
  EMFILE: "too many open files",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
};

/**
 * Runs a call of `node:fs`.
 *
 * @param verb What is done, such as `open`.
 * @param path What it is done to.
 * @param run Makes the call.
 * @returns What it gives.
 * @throws {SystemError} If the system refuses.
 */
export function systemCall<T>(verb: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw systemErrorOf(verb, path, error);
  }
}

/**
 * The error of a call that the system refused; any other error as it is.
 *
 * @param verb What was done, such as `open`.
 * @param path What it was done to.
 * @param error As it was thrown.
 * @returns What is to be thrown.
 */
export function systemErrorOf(
  verb: string,
  path: string,
  error: unknown,
): unknown {
  if (error instanceof Error && error.name === "NotCapable") {
    // Deno's own refusal, for want of a permission: to the caller it is one like the kernel's.
    return new SystemError(`Cannot ${verb} ${path}: ${error.message}`, {
      code: "EACCES",
      errno: 13,
      call: verb,
      path,
      cause: error,
    });
  }
  if (
    !(error instanceof Error && "code" in error) || error instanceof SystemError
  ) return error;
  const code = String(error.code);
  // Deno's writeSync, fsyncSync and closeSync tell the number in the message only.
  if (!("errno" in error || /^E[A-Z0-9]+$/.test(code))) return error;
  const errno = "errno" in error
    ? error.errno
    : /\(os error (\d+)\)$/.exec(error.message)?.[1];
  return new SystemError(
    `Cannot ${verb} ${path}: ${TEXTS[code] ?? error.message}`,
    {
      code,
      errno: Math.abs(Number(errno ?? 0)),
      call: "syscall" in error ? String(error.syscall) : verb,
      path,
      cause: error,
    },
  );
}
