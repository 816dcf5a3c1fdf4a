/**
 * `pxar status`: how full a datastore is, what is in it, and whether PBS could adopt it.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { parseStoreName } from "@pxar/store/safe_id";
import type { Datastore } from "@pxar/store/datastore";
import { pbsComplaints } from "@pxar/store/datastore_layout";
import { readGcStatus } from "@pxar/store/gc_status";
import { BACKUP_TYPES, type BackupType } from "@pxar/store/snapshot";
import { type Command, command } from "./command.ts";
import { FORMAT_OPTIONS, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { byteText } from "./listing.ts";
import { viewStore } from "./open_store.ts";
import { counted } from "./removed.ts";
import { utcText } from "./show.ts";
import { formatOf, type JsonValue, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "status",
  summary: "Show how full a datastore is, and what is in it",
  operands: [],
  options: {
    ...STORE_OPTIONS,
    verbose: {
      kind: "flag",
      short: "v",
      help: "also count groups and snapshots, and show the last gc",
    },
    "pbs-ready": {
      kind: "flag",
      help: "instead, say what PBS would miss; code 3 if anything",
    },
    ...FORMAT_OPTIONS,
  },
  examples: [
    { run: "pxar status --verbose", does: "space, groups and snapshots" },
    {
      run: "pxar status --repository ./store --pbs-ready",
      does: "whether a Proxmox Backup Server could adopt it",
    },
  ],
  run: async ({ options }) => {
    const format = formatOf(options), store = await viewStore(options);
    if (options["pbs-ready"]) {
      const complaints = [
        ...nameComplaints(store.name),
        ...pbsComplaints(store.location),
      ];
      const ready = complaints.length === 0;
      printResult(
        format,
        { "pbs-ready": ready, complaints },
        () =>
          ready
            ? `${store.location}: PBS could adopt it\n`
            : complaints.map((one) => `${one}\n`).join(""),
      );
      return ready ? EXIT.done : EXIT.incomplete;
    }
    const { total, used, available } = await store.status();
    const more = options.verbose ? contentsOf(store) : undefined;
    const gc = options.verbose ? readGcStatus(store) : undefined;
    printResult(format, {
      total,
      used,
      avail: available,
      ...(more &&
        { counts: { ...more, other: null }, "gc-status": gcJson(gc) }),
    }, () => ({
      columns: [{ title: "name" }, { title: "value", right: true }],
      header: false,
      rows: [
        ["total", part(total, total)],
        ["used", part(used, total)],
        ["avail", part(available, total)],
        ...(more === undefined ? [] : [
          ...BACKUP_TYPES.map((type) => [type, countText(more[type])]),
          ...gcRows(gc),
        ]),
      ],
    }));
    return EXIT.done;
  },
});

/** What PBS would say of the store's name. */
function nameComplaints(name: string): string[] {
  try {
    parseStoreName(name);
    return [];
  } catch (error) {
    if (error instanceof FormatError) return [error.message];
    throw error;
  }
}

/** How much there is of one type. */
type Counts = Readonly<Record<"groups" | "snapshots", number>>;

/** Groups and snapshots in all namespaces. */
function contentsOf({ tree }: Datastore): Record<BackupType, Counts | null> {
  const counts: Record<BackupType, Counts | null> = {
    ct: null,
    host: null,
    vm: null,
  };
  for (const namespace of tree.namespaces("", Infinity)) {
    for (const group of tree.groups(namespace)) {
      const { groups = 0, snapshots = 0 } = counts[group.type] ?? {};
      counts[group.type] = {
        groups: groups + 1,
        snapshots: snapshots + tree.snapshots(group).length,
      };
    }
  }
  return counts;
}

function part(bytes: number, total: number): string {
  const percent = total === 0 ? 0 : Math.round(100 * bytes / total);
  return `${bytes} ${`(${percent} %)`.padStart(8)}`;
}

function countText(counts: Counts | null): string {
  return counts === null
    ? "none"
    : `${counted(counts.groups, "group")}, ${
      counted(counts.snapshots, "snapshot")
    }`;
}

type GcRecord = Readonly<Record<string, unknown>> | undefined;

function gcRows(gc: GcRecord): string[][] {
  if (gc === undefined) return [["last gc", "never"]];
  const number = (name: string): number => {
    const value = gc[name];
    return typeof value === "number" ? value : 0;
  };
  const bytes = (name: string): string =>
    `${byteText(number(`${name}-bytes`))} in ${
      counted(number(`${name}-chunks`), "chunk")
    }`;
  return [
    ["last gc", startOf(gc["upid"]) ?? "unknown"],
    ["in use", bytes("disk")],
    ["removed", bytes("removed")],
    ["pending", bytes("pending")],
    ["bad", counted(number("still-bad"), "chunk")],
  ];
}

/** When a task began: its name tells. */
function startOf(upid: unknown): string | undefined {
  const hex = typeof upid === "string"
    ? /^UPID:[^:]*:[^:]*:[^:]*:[^:]*:([0-9A-Fa-f]{8}):/.exec(upid)?.[1]
    : undefined;
  return hex === undefined ? undefined : utcText(parseInt(hex, 16));
}

/** As it is, or what a server says where there never was one. */
function gcJson(gc: GcRecord): JsonValue {
  if (gc !== undefined) return gc as JsonValue;
  return {
    "disk-bytes": 0,
    "disk-chunks": 0,
    "index-data-bytes": 0,
    "index-file-count": 0,
    "pending-bytes": 0,
    "pending-chunks": 0,
    "removed-bad": 0,
    "removed-bytes": 0,
    "removed-chunks": 0,
    "still-bad": 0,
    upid: null,
  };
}
