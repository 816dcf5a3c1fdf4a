/**
 * `pxar catalog shell`: walking about in an archive, and restoring what was found there.
 *
 * @module
 */
import { CATALOG_NAME } from "@pxar/store/archive_name";
import { Browser } from "@pxar/transfer/browse";
import { catalogOf, openCatalog } from "@pxar/transfer/find_snapshots";
import { backupOf } from "./archive_ref.ts";
import { type Command, command } from "./command.ts";
import { endingOf } from "./endings.ts";
import { EXIT, ExitError, Interrupted, UsageError } from "./exits.ts";
import { LineEditor } from "./line_editor.ts";
import { LineHistory } from "./line_history.ts";
import { quote, textOf } from "./names.ts";
import { ARCHIVE_OPTIONS, OpenArchive } from "./open_archive.ts";
import { print } from "./output.ts";
import { completeLine, type LineEnd, runLine } from "./shell_commands.ts";
import { ShellSession } from "./shell_session.ts";
import { interruptible } from "./signals.ts";
import { unless } from "./turning.ts";
import { Voice } from "./voice.ts";

/** Longest line of a script, bytes. */
const LONGEST = 1 << 16;

const LINE_FEED = 0x0a;

/** The command. */
export const COMMAND: Command = command({
  name: "catalog shell",
  summary: "Look around in an archive and restore parts of it, step by step",
  operands: [{
    name: "WHERE",
    help:
      "TYPE/ID/TIME, or TYPE/ID for its newest; alone: SNAPSHOT:NAME, or an archive's file",
  }, {
    name: "ARCHIVE",
    help: "the snapshot's archive, such as root.pxar",
    optional: true,
  }],
  options: ARCHIVE_OPTIONS,
  notes:
    `Commands: cd ls pwd stat find select deselect list-selected clear-selected
restore restore-selected help exit. On a terminal, Tab completes, and earlier
lines are kept in $XDG_STATE_HOME/pxar (~/.local/state/pxar). Otherwise commands
are read from standard input, and the first one that fails ends the session.`,
  examples: [
    {
      run: "pxar catalog shell host/elsa root.pxar",
      does: "looks around in the newest snapshot",
    },
    {
      run: "pxar catalog shell etc.pxar",
      does: "looks around in a file; the commands may come from a pipe",
    },
  ],
  run: async ({ options, operands: [where, archive] }) => {
    const voice = new Voice(false);
    let text = where!;
    if (archive !== undefined) {
      backupOf(text, options.ns);
      text = `${text}:${archive}`;
    }
    await using opened = await interruptible(({ signal }) =>
      OpenArchive.open(text, options, voice, signal)
    );
    await using browsing = await interruptible(() => browse(opened));
    const session = new ShellSession({
      browser: browsing.browser,
      entries: () => opened.entries({ contents: false }),
      voice,
    });
    return Deno.stdin.isTerminal() && Deno.stdout.isTerminal()
      ? await converse(session, voice)
      : await interruptible(({ signal }) => runScript(session, signal));
  },
});

interface Browsing extends AsyncDisposable {
  readonly browser: Browser;
}

/** An archive that is not split is looked at by the catalog of its snapshot, where there is one. */
async function browse(opened: OpenArchive): Promise<Browsing> {
  const accessor = await opened.accessor();
  const { snapshot, ref } = opened;
  const files = ref.kind === "snapshot"
    ? snapshot!.resolve(ref.archive)
    : undefined;
  const isListed = files?.split === false &&
    snapshot!.manifest.files.some(({ name }) => name === CATALOG_NAME);
  if (!isListed) {
    return {
      browser: new Browser(accessor),
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const reader = await openCatalog(snapshot!);
  try {
    const directory = await catalogOf(reader, snapshot!, files.file.server);
    return {
      browser: new Browser(accessor, { reader, directory }),
      [Symbol.asyncDispose]: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** On a terminal: what fails is said, and the next line follows. */
async function converse(
  session: ShellSession,
  voice: Voice,
): Promise<number> {
  const history = new LineHistory("catalog-shell-history");
  using editor = new LineEditor({
    history: history.load(),
    complete: (line) => completeLine(line, session),
  });
  const close = () => editor[Symbol.dispose]();
  print("Starting interactive shell\n");
  // Whoever hits Ctrl-C a moment too late still wants to stay.
  const stay = () => {};
  Deno.addSignalListener("SIGINT", stay);
  try {
    while (true) {
      const prompt = `pxar:/${quote(session.here.path)} > `;
      try {
        const line = await interruptible(
          ({ signal }) => unless(signal, editor.line(prompt)),
          close,
        );
        if (line === undefined) {
          print("\n");
          return EXIT.done;
        }
        history.add(line);
        const { leaves } = await interruptible(
          ({ signal }) => runLine(line, session, signal),
          close,
        );
        if (leaves) return EXIT.done;
      } catch (error) {
        const { exit, sentence } = await endingOf(error);
        const ends = error instanceof Interrupted && exit !== EXIT.interrupted;
        if (ends || sentence === undefined) throw error;
        voice.problem(sentence);
      }
    }
  } finally {
    Deno.removeSignalListener("SIGINT", stay);
  }
}

/** From a pipe: the first line that fails ends it. */
async function runScript(
  session: ShellSession,
  signal: AbortSignal,
): Promise<number> {
  let end: LineEnd = { exit: EXIT.done, leaves: false };
  for await (const line of scriptLines(signal)) {
    end = await runLine(line, session, signal);
    if (end.leaves || end.exit !== EXIT.done) break;
  }
  return end.exit;
}

async function* scriptLines(
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const buffer = new Uint8Array(LONGEST);
  let held = 0;
  while (true) {
    const got = await unless(signal, Deno.stdin.read(buffer.subarray(held)));
    if (got === null) break;
    held += got;
    let from = 0;
    for (
      let to = buffer.subarray(0, held).indexOf(LINE_FEED);
      to >= 0;
      to = buffer.subarray(0, held).indexOf(LINE_FEED, from)
    ) {
      yield lineText(buffer.subarray(from, to));
      from = to + 1;
    }
    buffer.copyWithin(0, from, held);
    held -= from;
    if (held === LONGEST) {
      throw new ExitError(
        EXIT.failed,
        `Cannot read a line: it has ${LONGEST} bytes or more, expected fewer`,
      );
    }
  }
  if (held > 0) yield lineText(buffer.subarray(0, held));
}

function lineText(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== undefined) return text.replace(/\r$/, "");
  throw new UsageError(
    `Cannot read the line "${
      quote(bytes)
    }": it is not UTF-8, expected escapes such as \\xFF`,
  );
}
