/**
 * One file of an archive to standard output.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { compareNames } from "@pxar/format/name";
import { PathTracker } from "@pxar/transfer/path";
import { printContent } from "./cat.ts";
import { EXIT, ExitError } from "./exits.ts";
import { noContent } from "./payload_file.ts";
import { find, notFound } from "./look.ts";
import { absolute, argumentBytes, plainPath, quote } from "./names.ts";
import type { OpenArchive } from "./open_archive.ts";
import { printBytes } from "./output.ts";

/**
 * Prints what is in one file.
 *
 * @param opened The archive.
 * @param text Path in the archive.
 * @param escaped Whether the path has escapes.
 * @throws {ExitError} If it is not there, or no file.
 */
export async function printFile(
  opened: OpenArchive,
  text: string,
  escaped: boolean,
): Promise<void> {
  if (!opened.isAnywhere) {
    return await printStreamed(
      opened,
      plainPath(argumentBytes(text, escaped)),
    );
  }
  const accessor = await opened.accessor();
  await printContent(accessor, await find(accessor, text, escaped));
}

async function printStreamed(
  opened: OpenArchive,
  wanted: Bytes,
): Promise<void> {
  const paths = new PathTracker();
  const shown = absolute(quote(wanted));
  for await (const batch of opened.entries()) {
    for (const entry of batch) {
      if (entry.kind === "end") {
        paths.leave();
        continue;
      }
      if (entry.kind === "version" || entry.kind === "prelude") continue;
      paths.enter(entry);
      if (compareNames(paths.path, wanted) !== 0) continue;
      if (entry.kind !== "file") {
        const why = entry.kind === "hardlink"
          ? `hardlink to ${absolute(quote(entry.target!))}`
          : entry.kind;
        throw new ExitError(
          EXIT.failed,
          `Cannot read ${shown}: it is a ${why}, expected a file`,
        );
      }
      const { content } = entry;
      if (content === undefined) throw noContent(shown);
      const piece = new Uint8Array(Math.min(content.size, 1 << 20));
      for (let left = content.size; left > 0;) {
        const got = await content.read(piece);
        printBytes(piece.subarray(0, got));
        left -= got;
      }
      return;
    }
  }
  throw notFound(wanted);
}
