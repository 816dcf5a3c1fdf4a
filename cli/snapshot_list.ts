/**
 * `pxar snapshot list`: the snapshots of a namespace or a group.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import {
  FORMAT_OPTIONS,
  GROUP,
  NAMESPACE,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { snapshotJson, snapshotTable } from "./listing.ts";
import { viewStore } from "./open_store.ts";
import { groupOf, namespaceOf } from "./store_names.ts";
import { formatOf, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot list",
  summary: "List the snapshots of a namespace or a group",
  operands: [{ ...GROUP, optional: true }],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...FORMAT_OPTIONS },
  notes:
    `A snapshot without size has no readable manifest: it is being made, was given
up, or is damaged.`,
  examples: [
    {
      run: "pxar snapshot list --repository ./store",
      does: "all snapshots of the root",
    },
    {
      run: "pxar snapshots host/elsa --ns office",
      does: "those of one group",
    },
  ],
  run: async ({ options, operands: [group] }) => {
    const format = formatOf(options);
    const within = group === undefined
      ? namespaceOf(options.ns)
      : groupOf(group, options.ns);
    const store = await viewStore(options);
    const snapshots = await store.snapshots(within);
    printResult(
      format,
      snapshots.map(snapshotJson),
      () => snapshotTable(snapshots),
    );
    return EXIT.done;
  },
});
