/**
 * `pxar snapshot forget`: removes a snapshot.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { NAMESPACE, SNAPSHOT, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { snapshotOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot forget",
  summary: "Remove a snapshot",
  operands: [SNAPSHOT],
  options: { ...STORE_OPTIONS, ns: NAMESPACE },
  notes:
    `With its last snapshot, a group goes. A protected snapshot, or one that somebody
reads, stays. Chunks that nobody needs any more stay until garbage-collect.`,
  examples: [
    {
      run: "pxar snapshot forget host/elsa/2023-11-14T22:13:20Z",
      does: "removes it",
    },
    {
      run: "pxar forget host/elsa/2023-11-14T22:13:20Z --ns office",
      does: "the same in a namespace",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const snapshot = snapshotOf(text!, options.ns);
    const store = await openStore(options, new Voice(false));
    await store.forget(snapshot);
    return EXIT.done;
  },
});
