/**
 * `pxar prune`: removes the snapshots of a group that are not to be kept.
 *
 * @module
 */
import { type KeepOptions, keepsSomething } from "@pxar/store/prune_plan";
import { snapshotText } from "@pxar/store/snapshot";
import type { PruneResult } from "@pxar/store/store";
import { type Command, command } from "./command.ts";
import {
  FORMAT_OPTIONS,
  GROUP,
  NAMESPACE,
  QUIET,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT, reasonOf, UsageError } from "./exits.ts";
import { nameJson } from "./listing.ts";
import { openStore } from "./open_store.ts";
import type { Count } from "./options.ts";
import { clockText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { groupOf } from "./store_names.ts";
import { formatOf, type JsonValue, printResult, type Table } from "./table.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "prune",
  summary: "Remove the snapshots of a group that are not to be kept",
  operands: [GROUP],
  options: {
    ...STORE_OPTIONS,
    ns: NAMESPACE,
    "keep-last": keep("the newest ones"),
    "keep-hourly": keep("the newest one of each of the last hours"),
    "keep-daily": keep("the newest one of each of the last days"),
    "keep-weekly": keep("the newest one of each of the last weeks"),
    "keep-monthly": keep("the newest one of each of the last months"),
    "keep-yearly": keep("the newest one of each of the last years"),
    "dry-run": { kind: "flag", help: "only show what would be done" },
    quiet: QUIET,
    ...FORMAT_OPTIONS,
  },
  notes:
    `Without any --keep option, everything is kept. Hours and days are those of the
time zone here (TZ). What an option keeps does not count for those behind it;
hours and so on without a snapshot do not count. Protected snapshots stay.
Chunks that nobody needs any more stay until garbage-collect.`,
  examples: [
    {
      run: "pxar prune host/elsa --keep-daily 7 --keep-weekly 4 --dry-run",
      does: "shows what would go",
    },
    {
      run: "pxar prune host/elsa --ns office --keep-last 3 --quiet",
      does: "keeps the newest three",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), group = groupOf(text!, options.ns);
    const { quiet, "dry-run": dryRun } = options;
    const counts = keepOf(options), voice = new Voice(quiet);
    const store = await openStore(options, voice);
    if (!keepsSomething(counts)) {
      voice.note("no --keep option is given: everything is kept");
    }
    const results = await interruptible(({ signal }) =>
      store.prune(group, counts, { signal, dryRun })
    );
    if (format !== "text" || !quiet) {
      printResult(
        format,
        results.map((one) => jsonOf(one, dryRun)),
        () => tableOf(results),
      );
    }
    const failed = results.filter(({ error }) => error !== undefined);
    for (const { snapshot, error } of failed) {
      voice.problem(
        `${snapshotText(snapshot)} is not gone: ${reasonOf(error)}`,
      );
    }
    return failed.length > 0 ? EXIT.incomplete : EXIT.done;
  },
});

function keep(what: string): Count {
  return { kind: "count", value: "N", help: `keep ${what}; 1 or more` };
}

function keepOf(
  options: Readonly<
    Record<`keep-${keyof KeepOptions}`, number | undefined>
  >,
): KeepOptions {
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("keep-") && value === 0) {
      throw new UsageError(`Cannot use --${name} 0: expected 1 or more`);
    }
  }
  return {
    last: options["keep-last"],
    hourly: options["keep-hourly"],
    daily: options["keep-daily"],
    weekly: options["keep-weekly"],
    monthly: options["keep-monthly"],
    yearly: options["keep-yearly"],
  };
}

function jsonOf(
  { snapshot, mark, keep, error }: PruneResult,
  dryRun: boolean,
): JsonValue {
  const { namespace } = snapshot;
  return {
    ...nameJson(snapshot),
    keep,
    protected: mark === "protected",
    ns: dryRun && namespace !== "" ? namespace : undefined,
    // It was to go, and is still there.
    error: error === undefined ? undefined : reasonOf(error),
  };
}

function tableOf(results: readonly PruneResult[]): Table {
  return {
    columns: [
      { title: "snapshot" },
      { title: "date", right: true },
      { title: "action", right: true },
    ],
    rows: results.map(({ snapshot, keep }) => [
      snapshotText(snapshot),
      clockText(snapshot.time),
      keep ? "keep" : "remove",
    ]),
  };
}
