/**
 * `pxar verify`: whether all that snapshots need is there, and is what it was.
 *
 * @module
 */
import type { Datastore } from "@pxar/store/datastore";
import { verify, type VerifyScope } from "@pxar/store/verify";
import type { VerifyReport } from "@pxar/store/verify_report";
import { type Command, command } from "./command.ts";
import {
  FORMAT_OPTIONS,
  KEY_OPTIONS,
  MAX_DEPTH,
  NAMESPACE,
  QUIET,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { keyAtHand } from "./key_choice.ts";
import { nameJson } from "./listing.ts";
import { openStore } from "./open_store.ts";
import { print } from "./output.ts";
import { counted } from "./removed.ts";
import { sizeText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { depthOf, groupOrSnapshotOf, namespaceOf } from "./store_names.ts";
import { formatOf, type JsonValue, printResult } from "./table.ts";
import { VerifyLog } from "./verify_log.ts";
import { Voice } from "./voice.ts";

/** Most threads. */
const MOST_THREADS = 64;

/** The command. */
export const COMMAND: Command = command({
  name: "verify",
  summary: "Check that all that snapshots need is there and undamaged",
  operands: [{
    name: "SNAPSHOT|GROUP",
    help: "what to verify (default: all groups of the namespace and below it)",
    optional: true,
  }],
  options: {
    ...STORE_OPTIONS,
    ns: NAMESPACE,
    "max-depth": MAX_DEPTH,
    "ignore-verified": {
      kind: "flag",
      help: "pass over what was verified before, whatever was found",
    },
    "outdated-after": {
      kind: "count",
      value: "DAYS",
      help: "with it: but not what was verified longer ago",
    },
    ...KEY_OPTIONS,
    threads: {
      kind: "count",
      value: "N",
      help: "how many read chunks, 1 to 64 (default: one for each processor)",
    },
    quiet: { ...QUIET, help: "only say what is wrong" },
    ...FORMAT_OPTIONS,
  },
  notes:
    `What was found is noted in each snapshot. Bad chunks are renamed to .bad, so that
a later backup uploads them anew. Of what is encrypted, only checksums are
compared unless there is a key: --keyfile, or the default one where it has no
passphrase or PBS_ENCRYPTION_PASSWORD has it. If anything is wrong, the exit
code is 4. It can be ended at any time; --ignore-verified goes on from there.`,
  examples: [
    { run: "pxar verify --repository ./store", does: "the whole datastore" },
    {
      run:
        "pxar verify host/elsa --ns office --ignore-verified --outdated-after 30",
      does: "what was not verified for 30 days",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), { quiet, threads } = options;
    const scope = scopeOf(text, options.ns, depthOf(options["max-depth"]));
    const outdatedAfter = options["outdated-after"];
    if (threads !== undefined && (threads < 1 || threads > MOST_THREADS)) {
      throw new UsageError(
        `Cannot use --threads ${threads}: expected 1 to ${MOST_THREADS}`,
      );
    }
    const voice = new Voice(quiet);
    const store = await openStore(options, voice);
    checkThere(store, scope);
    const key = await keyAtHand(options, voice);
    const isLogged = format === "text";
    const log = isLogged
      ? new VerifyLog(store, scope, quiet, (line) => print(`${line}\n`))
      : undefined;
    let chunks = 0, bytes = 0;
    // On one terminal, they would write over each other.
    if (!isLogged || !Deno.stdout.isTerminal()) {
      voice.watch(() => `${counted(chunks, "chunk")}, ${sizeText(bytes)}`);
    }
    let report: VerifyReport;
    try {
      report = await interruptible(({ signal }) =>
        verify(store, scope, {
          signal,
          key,
          threads,
          outdatedAfter,
          ignoreVerified: options["ignore-verified"] ||
            outdatedAfter !== undefined,
          onEvent: (event) => {
            if (event.kind === "progress") ({ chunks, bytes } = event);
            log?.event(event);
          },
        })
      );
    } finally {
      voice.end();
    }
    if (log === undefined) printResult(format, jsonOf(report), () => "");
    else log.end(report);
    // Without a key that is what was asked for.
    const isNamed = options.keyfile !== undefined ||
      options.keyfd !== undefined;
    const unkeyed = isNamed
      ? report.snapshots.filter((one) => one.unkeyed).length
      : 0;
    if (unkeyed > 0) {
      voice.problem(
        `${
          counted(unkeyed, "snapshot")
        } made with another key: signatures were not checked, and of what is encrypted only checksums were compared`,
      );
    }
    if (report.failed > 0) return EXIT.damaged;
    const isWhole = report.snapshots.every(({ state, unnoted }) =>
      state !== "unfinished" && unnoted === undefined
    );
    return isWhole && unkeyed === 0 ? EXIT.done : EXIT.incomplete;
  },
});

function scopeOf(
  text: string | undefined,
  ns: string | undefined,
  maxDepth: number | undefined,
): VerifyScope {
  if (text === undefined) return { namespace: namespaceOf(ns), maxDepth };
  if (maxDepth !== undefined) {
    throw new UsageError(
      "Cannot use --max-depth with a group or snapshot: expected a namespace",
    );
  }
  const name = groupOrSnapshotOf(text, ns);
  return "time" in name ? { snapshot: name } : { group: name };
}

function checkThere({ tree }: Datastore, scope: VerifyScope): void {
  if ("snapshot" in scope) tree.needSnapshot(scope.snapshot);
  else if ("group" in scope) tree.needGroup(scope.group);
  else tree.needNamespace(scope.namespace);
}

function jsonOf(report: VerifyReport): JsonValue {
  const { failed, chunks, bytes, setAside } = report;
  return {
    failed,
    chunks,
    bytes,
    "set-aside": setAside,
    snapshots: report.snapshots.map((
      { snapshot, state, problems, unnoted, unkeyed },
    ) => ({
      ...nameJson(snapshot),
      ns: snapshot.namespace === "" ? undefined : snapshot.namespace,
      state,
      unnoted,
      unkeyed: unkeyed || undefined,
      problems: problems.map(({ name, message }) => ({ file: name, message })),
    })),
  };
}
