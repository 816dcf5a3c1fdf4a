/**
 * `pxar merge`: several archives as one.
 *
 * @module
 */
import type { Batch } from "@pxar/format/entry";
import {
  CONFLICT_POLICIES,
  type ConflictPolicy,
  merge,
  type MergeSource,
} from "@pxar/transfer/merge";
import { leafAt } from "@pxar/transfer/subtree";
import {
  parseTarget,
  printTarget,
  readChoice,
  TARGET,
  TARGET_OPTIONS,
  writeTarget,
} from "./archive_target.ts";
import { type Command, command } from "./command.ts";
import { JSON_FLAG, QUIET, STREAM } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { fitEntries } from "./fit_entries.ts";
import { OpenArchive } from "./open_archive.ts";
import type { Choice } from "./options.ts";
import { countText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

/** What is done where several have something at one path. */
export const CONFLICT: Choice<ConflictPolicy> = {
  kind: "choice",
  choices: CONFLICT_POLICIES,
  help: "what stays where two have something else at one path (default: error)",
};

/** The command. */
export const COMMAND: Command = command({
  name: "merge",
  summary: "Put several archives together as one",
  operands: [STREAM, { ...STREAM, many: true }, TARGET],
  options: {
    conflict: CONFLICT,
    ...TARGET_OPTIONS,
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `Directories at one path become one. Anything else at one path is a conflict,
also two files that are the same; --conflict says what stays: nothing (error),
the first archive's (keep-first), the last one's (replace), or what was changed
last (newest). The metadata of directories follows the same rule.`,
  examples: [
    {
      run: "pxar merge etc.pxar home.pxar both.pxar",
      does: "what is in either; an error if both have the same file",
    },
    {
      run:
        "pxar merge host/elsa/latest:root.pxar new.pxar root.mpxar --conflict newest",
      does: "a snapshot's archive with a newer one, split",
    },
  ],
  run: async ({ options, operands }) => {
    const text = operands.at(-1)!, names = operands.slice(0, -1);
    parseTarget(text, options, options.json);
    if (names.indexOf("-") !== names.lastIndexOf("-")) {
      throw new UsageError(
        "Cannot read two archives from standard input: expected - once",
      );
    }
    const voice = new Voice(options.quiet);
    return await interruptible(async ({ signal }) => {
      await using opened = new AsyncDisposableStack();
      const archives: OpenArchive[] = [];
      const choice = { ...readChoice(options), "payload-input": undefined };
      for (const name of names) {
        archives.push(
          opened.use(await OpenArchive.open(name, choice, voice, signal)),
        );
      }
      let conflicts = 0;
      const entries = (split: boolean): AsyncGenerator<Batch, void, void> =>
        merge(archives.map((one) => sourceOf(one, split, voice)), {
          policy: options.conflict,
          onConflict: () => void conflicts++,
          signal,
        });
      const summary = await writeTarget(
        text,
        (_, split) => entries(split),
        options,
        voice,
        signal,
      );
      if (conflicts > 0) voice.note(conflictSentence(conflicts));
      if (options.json) printTarget(summary, { conflicts });
      return EXIT.done;
    });
  },
});

/**
 * Says how many conflicts there were.
 *
 * @param count More than 0.
 */
export function conflictSentence(count: number): string {
  return `${countText(count)} ${
    count === 1 ? "conflict was" : "conflicts were"
  } decided by --conflict`;
}

function sourceOf(
  archive: OpenArchive,
  split: boolean,
  voice: Voice,
): MergeSource {
  return {
    entries: fitEntries(archive, split, voice),
    name: archive.shown,
    resolve: archive.isAnywhere
      ? async (position) => await leafAt(await archive.accessor(), position)
      : undefined,
  };
}
