/**
 * `pxar snapshot notes update`: sets notes on a snapshot.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { NAMESPACE, NOTES, SNAPSHOT, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { snapshotOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot notes update",
  summary: "Set the notes on a snapshot",
  operands: [SNAPSHOT, NOTES],
  options: { ...STORE_OPTIONS, ns: NAMESPACE },
  examples: [
    {
      run:
        "pxar snapshot notes update host/elsa/2023-11-14T22:13:20Z 'before the move'",
      does: "writes them",
    },
    {
      run: "pxar snapshot notes update host/elsa/2023-11-14T22:13:20Z ''",
      does: "removes them",
    },
  ],
  run: async ({ options, operands: [text, notes] }) => {
    const snapshot = snapshotOf(text!, options.ns);
    const store = await openStore(options, new Voice(false));
    await store.setNotes(snapshot, notes!);
    return EXIT.done;
  },
});
