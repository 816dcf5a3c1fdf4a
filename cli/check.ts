/**
 * `pxar check`: whether an archive is sound.
 *
 * @module
 */
import { check, type CheckProgress } from "@pxar/codec/check";
import { type Command, command } from "./command.ts";
import { ARCHIVE, JSON_FLAG, QUIET } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { Lines, printJson } from "./output.ts";
import { sizeText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

/** How much of a snapshot's archive is fetched ahead, bytes. */
const AHEAD = 16 << 20;

/** The command. */
export const COMMAND: Command = command({
  name: "check",
  summary: "Read a whole archive and report all damage, with offsets",
  operands: [ARCHIVE],
  options: { ...ARCHIVE_OPTIONS, json: JSON_FLAG, quiet: QUIET },
  notes:
    `Everything is read: headers, names, goodbye tables, contents. Each line of damage
is: archive or payload, offset in bytes, what is wrong. The exit code is 4 if there
is any, 3 if contents were not read for want of their payload file, else 0.`,
  examples: [
    { run: "pxar check backup.pxar", does: "is this archive sound?" },
    {
      run: "pxar check --json host.mpxar --payload-input host.ppxar",
      does: "a split one, for a script",
    },
  ],
  run: async ({ options, operands: [archive] }) => {
    const voice = new Voice(options.quiet);
    return await interruptible(async ({ signal }) => {
      await using opened = await OpenArchive.open(
        archive!,
        options,
        voice,
        signal,
      );
      const path = opened.payload;
      if (path !== undefined && options["payload-input"] === undefined) {
        voice.note(`contents are read from ${path}`);
      }
      const halves = await opened.halves({ ahead: AHEAD });
      let progress: CheckProgress = { position: 0, entries: 0, bytes: 0 };
      voice.follow(() => progress);
      try {
        const result = await check(halves.archive, {
          payload: halves.payload,
          signal,
          onProgress: (now) => progress = now,
        });
        voice.end();
        if (options.json) {
          printJson({ archive: opened.shown, payload: path, ...result });
        } else {
          const lines = new Lines();
          for (const { stream, offset, message } of result.damage) {
            lines.line(`${stream} ${offset}: ${message}`);
          }
          const { entries, files, bytes, damages, unread } = result;
          for (const { offset, message } of result.remarks) {
            voice.note(`archive ${offset}: ${message}`);
          }
          const found = damages === 0
            ? unread === 0 ? "sound" : "sound but for what was not read"
            : damages === 1
            ? "1 damage"
            : `${damages} damages`;
          lines.line(
            `${found}: ${entries} entries, ${files} files, ${
              sizeText(bytes)
            } of content read`,
          );
          lines.end();
        }
        if (!result.complete) {
          voice.problem(
            "what lies behind the last damage could not be checked",
          );
        }
        if (
          result.unread > 0 && halves.payload === undefined &&
          result.version === 2
        ) {
          voice.problem(
            `contents of ${result.unread} files were not checked: they lie in a payload file, expected --payload-input FILE`,
          );
        }
        if (result.damages > 0) return EXIT.damaged;
        return result.unread > 0 ? EXIT.incomplete : EXIT.done;
      } finally {
        voice.end();
        await halves.archive.close?.();
        await halves.payload?.close?.();
      }
    });
  },
});
