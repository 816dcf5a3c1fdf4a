/**
 * `pxar group notes update`: sets notes on a group.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { GROUP, NAMESPACE, NOTES, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { groupOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "group notes update",
  summary: "Set the notes on a group",
  operands: [GROUP, NOTES],
  options: { ...STORE_OPTIONS, ns: NAMESPACE },
  examples: [
    {
      run: "pxar group notes update host/elsa 'the old laptop'",
      does: "writes them",
    },
    { run: "pxar group notes update host/elsa ''", does: "removes them" },
  ],
  run: async ({ options, operands: [text, notes] }) => {
    const group = groupOf(text!, options.ns);
    const store = await openStore(options, new Voice(false));
    await store.setGroupNotes(group, notes!);
    return EXIT.done;
  },
});
