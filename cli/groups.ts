/**
 * `pxar groups`: the groups of a datastore; `list` of the official client.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { FORMAT_OPTIONS, NAMESPACE, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { groupJson, groupTable } from "./listing.ts";
import { viewStore } from "./open_store.ts";
import { namespaceOf } from "./store_names.ts";
import { formatOf, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "groups",
  summary: "List the groups of a datastore",
  operands: [],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...FORMAT_OPTIONS },
  notes:
    `This is what the official client's list shows; here, list lists an archive.`,
  examples: [
    { run: "pxar groups --repository ./store", does: "all groups of the root" },
    {
      run: "pxar groups --ns office --output-format json",
      does: "those of a namespace, for a script",
    },
  ],
  run: async ({ options }) => {
    const format = formatOf(options), namespace = namespaceOf(options.ns);
    const store = await viewStore(options);
    const groups = await store.groups(namespace);
    printResult(format, groups.map(groupJson), () => groupTable(groups));
    return EXIT.done;
  },
});
