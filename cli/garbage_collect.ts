/**
 * `pxar garbage-collect`: removes chunks that no snapshot needs.
 *
 * @module
 */
import { UnsupportedError } from "@pxar/format/errors";
import type { Datastore } from "@pxar/store/datastore";
import {
  collectGarbage,
  GC_CUTOFF,
  type GcOptions,
  type GcProgress,
} from "@pxar/store/gc";
import type { GcStatus } from "@pxar/store/gc_status";
import { snapshotText } from "@pxar/store/snapshot";
import { type Command, command } from "./command.ts";
import { FORMAT_OPTIONS, QUIET, STORE_OPTIONS } from "./common_options.ts";
import { EXIT, ExitError, UsageError } from "./exits.ts";
import { gcEnd, gcJson, gcStart } from "./gc_log.ts";
import { openStore } from "./open_store.ts";
import { print } from "./output.ts";
import { interruptible } from "./signals.ts";
import { formatOf, printResult } from "./table.ts";
import { Voice } from "./voice.ts";

/** Longest time that a chunk must not have been used, minutes. */
const LONGEST = 2880;

/** The command. */
export const COMMAND: Command = command({
  name: "garbage-collect",
  summary: "Remove chunks that no snapshot needs",
  operands: [],
  options: {
    ...STORE_OPTIONS,
    cutoff: {
      kind: "count",
      value: "MINUTES",
      help: "how long they must not have been used, 0 to 2880 (default: 1445)",
    },
    "assume-exclusive": {
      kind: "flag",
      help: "nobody else uses the store, although that cannot be told here",
    },
    quiet: QUIET,
    ...FORMAT_OPTIONS,
  },
  notes:
    `What was used lately stays, because a backup that is not finished may count on
it. Nobody may write to the store meanwhile; it can be ended and begun again at
any time. With warnings, such as a chunk that is missing, the exit code is 3.`,
  examples: [
    {
      run: "pxar garbage-collect --repository ./store",
      does: "frees what was not used for a day",
    },
    {
      run: "pxar gc --cutoff 0 --json",
      does: "all that is not needed, where nobody else uses the store",
    },
  ],
  run: async ({ options }) => {
    const format = formatOf(options), { quiet } = options;
    const cutoff = secondsOf(options.cutoff), voice = new Voice(quiet);
    const store = await openStore(options, voice);
    const isLogged = format === "text" && !quiet;
    const log = (line: string) => {
      if (isLogged) print(`${line}\n`);
    };
    const removed: string[] = [];
    let at: GcProgress | undefined, warnings = 0, hasBegun = false;
    const begin = () => {
      if (!hasBegun) log(gcStart(store, cutoff));
      hasBegun = true;
    };
    // On one terminal, they would write over each other.
    if (!isLogged || !Deno.stdout.isTerminal()) {
      voice.watch(() =>
        at === undefined ? "" : `${at.phase}: ${at.done} of ${at.of}`
      );
    }
    let status: GcStatus;
    try {
      status = await interruptible(({ signal }) =>
        collect(store, {
          signal,
          cutoff,
          assumeExclusive: options["assume-exclusive"],
          onProgress: (now) => {
            begin();
            if (now.phase !== at?.phase) log(PHASES[now.phase]);
            at = now;
          },
          onRemoved: (snapshot) => {
            const { namespace } = snapshot, name = snapshotText(snapshot);
            removed.push(namespace === "" ? name : `[${namespace}]:${name}`);
            const sentence = `removed ${
              removed.at(-1)
            }, which has no manifest and which nobody is making`;
            if (isLogged) log(sentence);
            else voice.note(sentence);
          },
          onWarning: (sentence) => {
            begin();
            warnings++;
            if (isLogged) log(`warning: ${sentence}`);
            else voice.problem(sentence);
          },
        })
      );
    } finally {
      voice.end();
    }
    if (format !== "text" || !quiet) {
      printResult(
        format,
        gcJson(status, removed),
        () => gcEnd(status, warnings),
      );
    }
    return warnings > 0 ? EXIT.incomplete : EXIT.done;
  },
});

const PHASES: Readonly<Record<GcProgress["phase"], string>> = {
  marking: "Start GC phase1 (mark used chunks)",
  sweeping: "Start GC phase2 (sweep unused chunks)",
};

function secondsOf(minutes: number | undefined): number {
  if (minutes === undefined) return GC_CUTOFF;
  if (minutes <= LONGEST) return minutes * 60;
  throw new UsageError(
    `Cannot use --cutoff ${minutes}: expected 0 to ${LONGEST} minutes`,
  );
}

/** What this system cannot do is no damage of the store. */
async function collect(
  store: Datastore,
  options: GcOptions,
): Promise<GcStatus> {
  try {
    return await collectGarbage(store, options);
  } catch (error) {
    if (!(error instanceof UnsupportedError) || error.offset !== undefined) {
      throw error;
    }
    throw new ExitError(EXIT.failed, error.message, { cause: error });
  }
}
