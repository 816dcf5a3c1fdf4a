/**
 * `pxar cp`: an archive, or parts of it, to other paths of a new archive.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Batch } from "@pxar/format/entry";
import { joinPath, showName } from "@pxar/format/name";
import { convert, readExcludeList } from "@pxar/transfer/convert";
import { copy, type CopyMapping } from "@pxar/transfer/copy";
import { nodeAt } from "@pxar/transfer/subtree";
import { lastOf, treePath } from "@pxar/transfer/tree_path";
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
import { EXIT, UsageError } from "./exits.ts";
import { fitEntries } from "./fit_entries.ts";
import { CONFLICT, conflictSentence } from "./merge.ts";
import { argumentBytes } from "./names.ts";
import { OpenArchive } from "./open_archive.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

const SLASH = 0x2f;

/** The command. */
export const COMMAND: Command = command({
  name: "cp",
  summary: "Copy an archive, or parts of it, to other paths of a new one",
  operands: [STREAM, TARGET],
  options: {
    map: {
      kind: "texts",
      value: "FROM=TO",
      help: "copy only what is mapped: FROM becomes TO",
    },
    rename: {
      kind: "texts",
      value: "OLD=NEW",
      help: "copy everything, but OLD becomes NEW",
    },
    conflict: CONFLICT,
    escaped: {
      kind: "flag",
      help: "paths have escapes (\\\\ \\n \\xHH \\u{HEX}), as list prints them",
    },
    "payload-input": PAYLOAD_INPUT,
    ...TARGET_OPTIONS,
    json: JSON_FLAG,
    quiet: QUIET,
  },
  notes:
    `FROM and OLD are paths in ARCHIVE, of a directory or of anything else; TO and
NEW are their paths in the new one. With a slash at its end TO is the directory
that FROM goes into under its own name; . is the root itself. Directories that
have to be made have the metadata of ARCHIVE's directory of that path. An = in
FROM is \\x3d with --escaped.`,
  examples: [
    {
      run: "pxar cp root.pxar web.pxar --map /etc/nginx=/conf --map /srv/www=/",
      does: "two directories: as /conf and as /www",
    },
    {
      run: "pxar cp root.pxar new.pxar --rename /home/ann=/home/anna",
      does: "everything, with one directory under another name",
    },
  ],
  run: async ({ options, operands: [source, text] }) => {
    parseTarget(text!, options, options.json);
    const { map, rename, escaped } = options;
    if (map.length > 0 && rename.length > 0) {
      throw new UsageError(
        "Cannot use --map with --rename: one copies only what is mapped, the other everything, expected one of them",
      );
    }
    const mapped = map.map((one) => readMapping("map", one, escaped));
    const renamed = rename.map((one) => readMapping("rename", one, escaped));
    const voice = new Voice(options.quiet);
    return await interruptible(async ({ signal }) => {
      await using archive = await OpenArchive.open(
        source!,
        readChoice(options),
        voice,
        signal,
      );
      let conflicts = 0;
      // Looked up before anything is made.
      const mappings = await mappingsOf(archive, mapped, renamed);
      const entries = async function* (
        split: boolean,
      ): AsyncGenerator<Batch, void, void> {
        if (mappings.length === 0) {
          return yield* fitEntries(archive, split, voice);
        }
        const copied = copy(mappings, {
          policy: options.conflict,
          onConflict: () => void conflicts++,
          signal,
        });
        const list = split && mappings.some(isWhole)
          ? await readExcludeList(await archive.accessor())
          : undefined;
        yield* list === undefined ? copied : convert(copied, { split, list });
      };
      const summary = await writeTarget(
        text!,
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

/** What is to be copied; nothing for an archive as it is. */
async function mappingsOf(
  archive: OpenArchive,
  mapped: readonly Mapping[],
  renamed: readonly Mapping[],
): Promise<CopyMapping[]> {
  if (mapped.length + renamed.length === 0) return [];
  const accessor = await archive.accessor();
  const mappings: Omit<CopyMapping, "archive">[] = [...mapped, ...renamed];
  for (const { from } of mappings) await nodeAt(accessor, treePath(from));
  if (renamed.length > 0) {
    const without = renamed.map(({ from }) => from);
    mappings.unshift({ from: NO_BYTES, to: NO_BYTES, without });
  }
  return mappings.map((one) => ({
    ...one,
    archive: accessor,
    name: archive.shown,
  }));
}

function isWhole({ from, to }: CopyMapping): boolean {
  return from.length + to.length === 0;
}

/** What comes from where and goes where, in plain paths. */
interface Mapping {
  readonly from: Bytes;
  readonly to: Bytes;
}

function readMapping(
  option: "map" | "rename",
  text: string,
  escaped: boolean,
): Mapping {
  const equals = text.indexOf("=");
  if (equals < 0) {
    throw new UsageError(
      `Cannot use --${option} ${text}: there is no = in it, expected two paths, such as /etc=/old/etc`,
    );
  }
  const from = pathOf(option, text.slice(0, equals), escaped);
  const typed = argumentBytes(text.slice(equals + 1), escaped);
  const to = pathOf(option, text.slice(equals + 1), escaped);
  if (option === "rename" && from.length === 0) {
    throw new UsageError(
      `Cannot use --rename ${text}: the root has no name, expected a path below it, or --map /=${
        showName(typed)
      }`,
    );
  }
  const into = typed.length === 0 || typed.at(-1) === SLASH;
  const place = into ? joinPath(to, lastOf(from)) : to;
  return { from, to: place };
}

function pathOf(option: string, text: string, escaped: boolean): Bytes {
  try {
    return treePath(argumentBytes(text, escaped));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(
      `Cannot use --${option} with ${text}: it has a component "..", expected none`,
    );
  }
}
