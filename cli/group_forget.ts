/**
 * `pxar group forget`: removes a group with its snapshots.
 *
 * @module
 */
import { groupText } from "@pxar/store/snapshot";
import { type Command, command } from "./command.ts";
import { GROUP, NAMESPACE, STORE_OPTIONS, YES } from "./common_options.ts";
import { confirmed } from "./confirm.ts";
import { EXIT } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { counted, removedText } from "./removed.ts";
import { groupOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "group forget",
  summary: "Remove a group with all its snapshots",
  operands: [GROUP],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, yes: YES },
  notes:
    `Protected snapshots stay, and the group with them; the exit code is 3 then.
Chunks that nobody needs any more stay until garbage-collect.`,
  examples: [
    {
      run: "pxar group forget host/elsa",
      does: "asks, and removes the group",
    },
    {
      run: "pxar group forget host/elsa --ns office --yes",
      does: "the same in a script",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const group = groupOf(text!, options.ns), voice = new Voice(false);
    const store = await openStore(options, voice);
    const name = groupText(group);
    store.tree.needGroup(group);
    if (!options.yes) {
      const { length } = store.tree.snapshots(group);
      const question = `Forget group ${name} with its ${
        counted(length, "snapshot")
      }`;
      if (!await confirmed(question, `forget group ${name}`)) {
        voice.problem(`nothing is removed: group ${name} stays`);
        return EXIT.failed;
      }
    }
    const removed = await store.forgetGroup(group);
    voice.note(removedText(removed));
    if (removed.protectedSnapshots === 0) return EXIT.done;
    voice.problem(
      `group ${name} stays, with ${
        counted(removed.protectedSnapshots, "protected snapshot")
      }`,
    );
    return EXIT.incomplete;
  },
});
