/**
 * Where the contents of a split archive lie.
 *
 * @module
 */
import type { Batch, Batches } from "@pxar/format/entry";
import { PathTracker } from "@pxar/transfer/path";
import { type ExitError, UsageError } from "./exits.ts";
import { absolute, quote } from "./names.ts";

/**
 * Finds the payload file of a split archive: the one that was named, or for `NAME.mpxar` a `NAME.ppxar` beside it.
 *
 * @param archive Where the archive lies.
 * @param named What `--payload-input` says.
 * @returns Its path, and whether it was found rather than named; `undefined` where there is none.
 */
export function findPayload(
  archive: string,
  named: string | undefined,
): { readonly path: string; readonly found: boolean } | undefined {
  if (named !== undefined) return { path: named, found: false };
  if (!archive.endsWith(".mpxar")) return undefined;
  const path = besides(archive);
  try {
    return Deno.statSync(path).isFile ? { path, found: true } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * As {@linkcode findPayload}, for a command that cannot do without it.
 *
 * @param archive Where the archive lies.
 * @param named What `--payload-input` says.
 * @param say Told that a file was found rather than named.
 * @returns Its path; `undefined` where the archive's name does not ask for one.
 * @throws {UsageError} If there is none beside a `NAME.mpxar`.
 */
export function needPayload(
  archive: string,
  named: string | undefined,
  say: (sentence: string) => void,
): string | undefined {
  const payload = findPayload(archive, named);
  if (payload === undefined && archive.endsWith(".mpxar")) {
    throw new UsageError(
      `Cannot read contents of ${archive}: they lie in a payload file, expected --payload-input FILE or ${
        besides(archive)
      } beside it`,
    );
  }
  if (payload?.found) say(`contents are read from ${payload.path}`);
  return payload?.path;
}

/**
 * The error for a file whose content is not at hand.
 *
 * @param path What it is, shown.
 */
export function noContent(path: string): ExitError {
  return new UsageError(
    `Cannot read ${path}: its content lies in a payload file, expected --payload-input FILE`,
  );
}

/**
 * States that each file comes with its content.
 *
 * @param batches The entries, whole.
 * @returns The same.
 * @throws {UsageError} When one comes without.
 */
export async function* withContents(
  batches: Batches,
): AsyncGenerator<Batch, void, void> {
  const paths = new PathTracker();
  for await (const batch of batches) {
    for (const entry of batch) {
      if (entry.kind === "end") paths.leave();
      else if (entry.kind !== "version" && entry.kind !== "prelude") {
        paths.enter(entry);
        if (entry.kind === "file" && entry.content === undefined) {
          throw noContent(absolute(quote(paths.path)));
        }
      }
    }
    yield batch;
  }
}

function besides(archive: string): string {
  return `${archive.slice(0, -".mpxar".length)}.ppxar`;
}
