/**
 * `pxar cat`: the contents of files.
 *
 * @module
 */
import type { Accessor } from "@pxar/codec/accessor";
import { UnsupportedError } from "@pxar/format/errors";
import { type Command, command } from "./command.ts";
import { ARCHIVE, ESCAPED } from "./common_options.ts";
import { EXIT, ExitError } from "./exits.ts";
import { noContent } from "./payload_file.ts";
import { find, type Found } from "./look.ts";
import { absolute, quote } from "./names.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { printBytes } from "./output.ts";
import { Voice } from "./voice.ts";

/** How much is read at once, bytes. */
const PIECE = 1 << 20;

/** The command. */
export const COMMAND: Command = command({
  name: "cat",
  summary: "Print the contents of files in an archive",
  operands: [ARCHIVE, { name: "PATH", help: "a file or hardlink", many: true }],
  options: { escaped: ESCAPED, ...ARCHIVE_OPTIONS },
  examples: [
    { run: "pxar cat backup.pxar /etc/hostname", does: "one file" },
    {
      run: "pxar cat host.mpxar var/log/a.log var/log/b.log | grep error",
      does: "two files of a split archive",
    },
  ],
  run: async ({ options, operands: [archive, ...paths] }) => {
    const voice = new Voice(false);
    await using opened = await OpenArchive.open(archive!, options, voice);
    const accessor = await opened.accessor();
    for (const path of paths) {
      await printContent(accessor, await find(accessor, path, options.escaped));
    }
    return EXIT.done;
  },
});

/**
 * Prints what is in a file.
 *
 * @param accessor The archive.
 * @param found A file, or a hardlink to one.
 * @throws {ExitError} If it is something else.
 */
export async function printContent(
  accessor: Accessor,
  { node, path }: Found,
): Promise<void> {
  const { entry } = node;
  if (entry.kind !== "file" && entry.kind !== "hardlink") {
    const target = entry.kind === "symlink"
      ? ` to "${quote(entry.target!)}"`
      : "";
    throw new ExitError(
      EXIT.failed,
      `Cannot read ${
        absolute(quote(path))
      }: it is a ${entry.kind}${target}, expected a file`,
    );
  }
  const file = await accessor.follow(node);
  const piece = new Uint8Array(Math.min(PIECE, file.size));
  try {
    for (let at = 0; at < file.size;) {
      const got = await accessor.read(file, at, piece);
      printBytes(piece.subarray(0, got));
      at += got;
    }
  } catch (error) {
    throw error instanceof UnsupportedError && file.entry.payload
      ? noContent(absolute(quote(path)))
      : error;
  }
}
