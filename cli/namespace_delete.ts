/**
 * `pxar namespace delete`: removes a namespace.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { STORE_OPTIONS } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { removedText } from "./removed.ts";
import { interruptible } from "./signals.ts";
import { namespaceOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "namespace delete",
  summary: "Remove a namespace, and those below it",
  operands: [{ name: "NS", help: "such as office/laptops" }],
  options: {
    ...STORE_OPTIONS,
    "delete-groups": {
      kind: "flag",
      help: "also the groups in them, with their snapshots",
    },
  },
  notes:
    `Without --delete-groups only namespaces without groups go. Where something
stays, the exit code is 6.`,
  examples: [
    { run: "pxar namespace delete office", does: "removes empty ones" },
    {
      run: "pxar namespace delete office --delete-groups",
      does: "removes them with all that is in them",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const namespace = namespaceOf(text), voice = new Voice(false);
    if (namespace === "") {
      throw new UsageError(
        "Cannot delete the root namespace: expected the name of another one",
      );
    }
    const store = await openStore(options, voice);
    const removed = await interruptible(({ signal }) =>
      store.deleteNamespace(namespace, options["delete-groups"], { signal })
    );
    voice.note(removedText(removed));
    return EXIT.done;
  },
});
