/**
 * `pxar snapshot protected show`: whether a snapshot is kept from removal.
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
import { formatOf, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot protected show",
  summary: "Show whether a snapshot is kept from removal",
  operands: [SNAPSHOT],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...FORMAT_OPTIONS },
  examples: [
    {
      run: "pxar snapshot protected show host/elsa/2023-11-14T22:13:20Z",
      does: "prints true or false",
    },
    {
      run: "pxar snapshot protected show host/elsa/2023-11-14T22:13:20Z --json",
      does: "the same for a script",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), snapshot = snapshotOf(text!, options.ns);
    const store = await viewStore(options);
    const isProtected = await store.isProtected(snapshot);
    printResult(format, { protected: isProtected }, () => `${isProtected}\n`);
    return EXIT.done;
  },
});
