/**
 * `pxar convert`: an archive in the other form, or elsewhere.
 *
 * @module
 */
import {
  parseTarget,
  printTarget,
  readChoice,
  TARGET,
  TARGET_OPTIONS,
  writeTarget,
} from "./archive_target.ts";
import { type Command, command } from "./command.ts";
import { JSON_FLAG, PAYLOAD_INPUT, QUIET, STREAM } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { fitEntries } from "./fit_entries.ts";
import { OpenArchive } from "./open_archive.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "convert",
  summary: "Write an archive in another form or to another place",
  operands: [STREAM, TARGET],
  options: {
    "payload-input": PAYLOAD_INPUT,
    ...TARGET_OPTIONS,
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `All entries with all their metadata stay as they are; TARGET says what comes of
them. The patterns that create was told, which a split archive has in its
prelude, are the file .pxarexclude-cli in any other.`,
  examples: [
    {
      run: "pxar convert etc.pxar etc.mpxar",
      does: "a split archive: etc.mpxar, and etc.ppxar with the contents",
    },
    {
      run: "pxar convert host/elsa/latest:root.pxar root.pxar",
      does: "a snapshot's archive as a file",
    },
  ],
  run: async ({ options, operands: [source, text] }) => {
    parseTarget(text!, options, options.json);
    const voice = new Voice(options.quiet);
    return await interruptible(async ({ signal }) => {
      await using archive = await OpenArchive.open(
        source!,
        readChoice(options),
        voice,
        signal,
      );
      const summary = await writeTarget(
        text!,
        (_, split) => fitEntries(archive, split, voice),
        options,
        voice,
        signal,
      );
      if (options.json) printTarget(summary);
      return EXIT.done;
    });
  },
});
