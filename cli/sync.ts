/**
 * `pxar sync`: brings the snapshots of one store into another.
 *
 * @module
 */
import type { CryptKey } from "@pxar/chunk/key";
import { openKeyFile } from "@pxar/chunk/key_file";
import { sealKey } from "@pxar/chunk/master_key";
import { parseAuthId } from "@pxar/store/auth_id";
import type { Datastore } from "@pxar/store/datastore";
import type { CryptMode } from "@pxar/store/manifest";
import { snapshotPath } from "@pxar/store/snapshot";
import { openNative } from "@pxar/sys/native";
import { parseGroupFilter } from "@pxar/transfer/group_filter";
import type { NewKey } from "@pxar/transfer/reencrypt";
import { sync } from "@pxar/transfer/sync";
import type { SyncEvent, SyncReport } from "@pxar/transfer/sync_report";
import { type Command, command } from "./command.ts";
import {
  FORMAT_OPTIONS,
  KEY_OPTIONS,
  MAX_DEPTH,
  NAMESPACE,
  QUIET,
  REPOSITORY,
  STORE_NAME,
} from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { keyAtHand, type KeyChoice, keyFor } from "./key_choice.ts";
import { readKeyFile, readText } from "./key_files.ts";
import { openStore, type StoreChoice, viewStore } from "./open_store.ts";
import type { Choice } from "./options.ts";
import { print } from "./output.ts";
import { counted } from "./removed.ts";
import { getSecret } from "./secret.ts";
import { sizeText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { asUsage, depthOf, namespaceOf } from "./store_names.ts";
import {
  jsonOf,
  lineOf,
  problemText,
  sayProblem,
  summaryOf,
} from "./sync_show.ts";
import { formatOf, printResult } from "./table.ts";
import { Voice } from "./voice.ts";

/** What snapshots become. */
const CRYPT_MODE: Choice<CryptMode> = {
  kind: "choice",
  choices: ["encrypt", "sign-only", "none"],
  help: "what the new key does; none: decrypt",
};

/** The command. */
export const COMMAND: Command = command({
  name: "sync",
  summary: "Copy snapshots from one datastore to another, only what is missing",
  operands: [
    { name: "SOURCE", help: "the datastore they are in: ./PATH or /PATH" },
    {
      name: "TARGET",
      help: "the one they go to (default: --repository, PBS_REPOSITORY)",
      optional: true,
    },
  ],
  options: {
    repository: { ...REPOSITORY, help: "the same as TARGET" },
    "store-name": {
      ...STORE_NAME,
      help: "the target's name, which locks are kept under",
    },
    "source-name": { ...STORE_NAME, help: "the same of the source" },
    ns: {
      ...NAMESPACE,
      help: "namespace in the source, with those below (default: the root)",
    },
    "target-ns": {
      ...NAMESPACE,
      help: "what takes its place in the target (default: the same)",
    },
    "max-depth": MAX_DEPTH,
    "group-filter": {
      kind: "texts",
      value: "FILTER",
      help: "group:TYPE/ID, type:TYPE or regex:RE; exclude: before it",
    },
    "transfer-last": {
      kind: "count",
      value: "N",
      help: "only the newest N snapshots of each group",
    },
    "verified-only": {
      kind: "flag",
      help: "only what was verified and found sound",
    },
    "encrypted-only": {
      kind: "flag",
      help: "only what is encrypted as a whole",
    },
    "remove-vanished": {
      kind: "flag",
      help: "remove from the target what is not in the source",
    },
    owner: {
      kind: "text",
      value: "USER",
      help: "owner of the groups in the target (default: as in the source)",
    },
    ...KEY_OPTIONS,
    "target-keyfile": {
      kind: "text",
      value: "FILE",
      help: "encrypt anew, with this key",
    },
    "crypt-mode": CRYPT_MODE,
    "master-pubkey-file": {
      kind: "text",
      value: "FILE",
      help: "keep the new key beside each snapshot, for the master key",
    },
    "dry-run": { kind: "flag", help: "only show what would be done" },
    quiet: { ...QUIET, help: "only say what is wrong" },
    ...FORMAT_OPTIONS,
  },
  notes:
    `Nothing is encoded anew, and chunks that the target has are not read. It can be
ended at any time and goes on from there. A snapshot that is older
than the newest of its group in the target does not come any more. Each one is
verified on its way: what is damaged is left out and named, and the exit code is
3. Protected snapshots are never removed.`,
  examples: [
    {
      run: "pxar sync ./store /mnt/usb/store --remove-vanished --dry-run",
      does: "shows what a copy on a disk would lack, and what would go",
    },
    {
      run:
        "pxar sync ./store /mnt/usb/copy --ns office --group-filter type:vm --transfer-last 3",
      does: "the newest three of each virtual machine",
    },
  ],
  run: async ({ options, operands: [from, to] }) => {
    const format = formatOf(options), { quiet, "dry-run": dryRun } = options;
    const last = options["transfer-last"],
      depth = depthOf(
        options["max-depth"],
      );
    const namespace = namespaceOf(options.ns);
    const targetNamespace = namespaceOf(options["target-ns"] ?? options.ns);
    const filters = options["group-filter"].map((text) =>
      asUsage(() => parseGroupFilter(text))
    );
    const { owner } = options;
    if (owner !== undefined) asUsage(() => parseAuthId(owner));
    if (last === 0) {
      throw new UsageError("Cannot use --transfer-last 0: expected 1 or more");
    }
    if (to !== undefined && options.repository !== undefined) {
      throw new UsageError(
        "Cannot use --repository with TARGET: expected one of them",
      );
    }
    checkNewKey(options);
    const voice = new Voice(quiet);
    const { source, target } = await openBoth(
      { repository: from!, "store-name": options["source-name"] },
      {
        repository: to ?? options.repository,
        "store-name": options["store-name"],
      },
      voice,
      dryRun,
    );
    const reencrypt = await newKeyOf(options);
    const key = reencrypt === undefined
      ? await keyAtHand(options, voice)
      : await oldKey(options, source);
    const isLogged = format === "text";
    let chunks = 0, bytes = 0, at = "";
    // On one terminal, they would write over each other.
    if (!isLogged || !Deno.stdout.isTerminal()) {
      voice.watch(() =>
        at === ""
          ? ""
          : `${at}: ${counted(chunks, "chunk")}, ${sizeText(bytes)}`
      );
    }
    const onEvent = (event: SyncEvent) => {
      if (event.kind === "progress") {
        ({ chunks, bytes } = event.counts);
        at = snapshotPath(event.snapshot);
      } else if (event.kind === "end") {
        sayProblem(event.result, voice);
        if (isLogged && !quiet) print(lineOf(event.result, dryRun));
      } else if (event.kind === "problem") {
        voice.problem(problemText(event.problem));
      }
    };
    let report: SyncReport;
    try {
      report = await interruptible(({ signal }) =>
        sync(source, target, {
          namespace,
          targetNamespace,
          maxDepth: depth,
          filters,
          latest: last,
          verifiedOnly: options["verified-only"],
          encryptedOnly: options["encrypted-only"],
          removeVanished: options["remove-vanished"],
          owner,
          dryRun,
          key,
          reencrypt,
          native: openNative(),
          signal,
          onEvent,
        })
      );
    } catch (error) {
      if (error instanceof RangeError && /^Cannot sync /.test(error.message)) {
        throw new UsageError(error.message);
      }
      throw error;
    } finally {
      voice.end();
    }
    if (!isLogged) printResult(format, jsonOf(report, dryRun), () => "");
    else if (!quiet) print(summaryOf(report, dryRun));
    const isWhole = report.problems.length === 0 &&
      report.snapshots.every(({ state, error }) =>
        error === undefined && state !== "waiting"
      );
    return isWhole ? EXIT.done : EXIT.incomplete;
  },
});

async function openBoth(
  from: StoreChoice,
  to: StoreChoice,
  voice: Voice,
  dryRun: boolean,
): Promise<{ source: Datastore; target: Datastore }> {
  const target = await openStore(to, voice, { create: !dryRun });
  const source = await openStore(from, voice);
  if (source.name !== target.name || source.location === target.location) {
    return { source, target };
  }
  // Both would have the same locks, and be in each other's way.
  voice.note(
    `both stores are called ${source.name}, so that the source is not locked, and somebody might remove what is read: expected --source-name or --store-name`,
  );
  return { source: await viewStore(from), target };
}

/** Values of the options that say what snapshots become. */
interface NewKeyChoice {
  readonly "target-keyfile": string | undefined;
  readonly "crypt-mode": CryptMode | undefined;
  readonly "master-pubkey-file": string | undefined;
}

/** Refuses options that do not go together, before anybody is asked for a passphrase. */
function checkNewKey(options: NewKeyChoice): void {
  const { "target-keyfile": file, "crypt-mode": mode } = options;
  const master = options["master-pubkey-file"];
  if (mode === "none" && file !== undefined) {
    throw new UsageError(
      "Cannot use --target-keyfile with --crypt-mode none: expected one of them",
    );
  }
  if (mode !== undefined && mode !== "none" && file === undefined) {
    throw new UsageError(
      `Cannot use --crypt-mode ${mode} without a key: expected --target-keyfile`,
    );
  }
  if (master !== undefined && file === undefined) {
    throw new UsageError(
      "Cannot use --master-pubkey-file without a new key: expected --target-keyfile",
    );
  }
}

/** What snapshots become; `undefined` where they stay as they are. */
async function newKeyOf(options: NewKeyChoice): Promise<NewKey | undefined> {
  const { "target-keyfile": path, "crypt-mode": mode } = options;
  if (path === undefined) {
    return mode === undefined ? undefined : { key: undefined };
  }
  const file = readKeyFile(path);
  const hinted = file.hint === undefined ? "" : ` (hint: ${file.hint})`;
  const passphrase = file.kdf &&
    await getSecret(
      "newEncryption",
      `Passphrase of the target's key${hinted}`,
    );
  const { key, created } = await openKeyFile(file, passphrase);
  const master = options["master-pubkey-file"];
  const rsaKey = master === undefined
    ? undefined
    : await sealKey(key, readText(master), { created });
  return { key, mode, rsaKey };
}

/** The source's key: named, or the default one where anything was made with one. */
async function oldKey(
  choice: KeyChoice,
  source: Datastore,
): Promise<CryptKey | undefined> {
  let isNeeded = false;
  for (const namespace of await source.namespaces()) {
    const snapshots = await source.snapshots(namespace);
    isNeeded ||= snapshots.some(({ fingerprint }) => fingerprint !== undefined);
  }
  return await keyFor(choice, isNeeded);
}
