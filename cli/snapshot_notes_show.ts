/**
 * `pxar snapshot notes show`: notes on a snapshot.
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
import { viewStore } from "./open_store.ts";
import { snapshotOf } from "./store_names.ts";
import { formatOf, linesText, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot notes show",
  summary: "Show the notes on a snapshot",
  operands: [SNAPSHOT],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...FORMAT_OPTIONS },
  examples: [
    {
      run: "pxar snapshot notes show host/elsa/2023-11-14T22:13:20Z",
      does: "all lines",
    },
    {
      run: "pxar notes host/elsa/2023-11-14T22:13:20Z --json",
      does: "the same for a script",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), snapshot = snapshotOf(text!, options.ns);
    const store = await viewStore(options);
    const notes = await store.notes(snapshot);
    printResult(format, { notes }, () => linesText(notes));
    return EXIT.done;
  },
});
