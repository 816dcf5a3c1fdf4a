/**
 * `pxar group notes show`: notes on a group.
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
import { viewStore } from "./open_store.ts";
import { groupOf } from "./store_names.ts";
import { formatOf, linesText, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "group notes show",
  summary: "Show the notes on a group",
  operands: [GROUP],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...FORMAT_OPTIONS },
  examples: [
    { run: "pxar group notes show host/elsa", does: "all lines" },
    {
      run: "pxar group notes show host/elsa --output-format json",
      does: "the same for a script",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), group = groupOf(text!, options.ns);
    const store = await viewStore(options);
    const notes = await store.groupNotes(group);
    printResult(format, { notes }, () => linesText(notes));
    return EXIT.done;
  },
});
