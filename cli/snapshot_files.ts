/**
 * `pxar snapshot files`: the files of a snapshot.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import {
  FORMAT_OPTIONS,
  NAMESPACE,
  SNAPSHOT,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { filesJson, fileTable } from "./listing.ts";
import { viewStore } from "./open_store.ts";
import { snapshotOf } from "./store_names.ts";
import { formatOf, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot files",
  summary: "List the files of a snapshot",
  operands: [SNAPSHOT],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...FORMAT_OPTIONS },
  notes:
    `The size of an index is that of what it stands for, the size of a blob its own.`,
  examples: [
    {
      run: "pxar snapshot files host/elsa/2023-11-14T22:13:20Z",
      does: "names, encryption and sizes",
    },
    {
      run: "pxar files host/elsa/2023-11-14T22:13:20Z --json",
      does: "the same in the manifest's order, for a script",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), snapshot = snapshotOf(text!, options.ns);
    const { tree } = await viewStore(options);
    tree.needSnapshot(snapshot);
    const { files } = await tree.snapshotInfo(snapshot);
    printResult(format, filesJson(files), () => fileTable(files));
    return EXIT.done;
  },
});
