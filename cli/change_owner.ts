/**
 * `pxar change-owner`: gives a group to somebody else.
 *
 * @module
 */
import { authIdText, parseAuthId } from "@pxar/store/auth_id";
import { type Command, command } from "./command.ts";
import { GROUP, NAMESPACE, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { asUsage, groupOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "change-owner",
  summary: "Give a group to another owner",
  operands: [GROUP, {
    name: "OWNER",
    help: "USER@REALM or USER@REALM!TOKEN, such as root@pam",
  }],
  options: { ...STORE_OPTIONS, ns: NAMESPACE },
  notes: `A server lets the owner of a group back up into it, and see it.`,
  examples: [
    {
      run: "pxar change-owner host/elsa backup@pbs",
      does: "gives the group to a user",
    },
    {
      run: "pxar change-owner host/elsa 'backup@pbs!laptop' --ns office",
      does: "gives one in a namespace to a token",
    },
  ],
  run: async ({ options, operands: [text, owner] }) => {
    const group = groupOf(text!, options.ns);
    const name = authIdText(asUsage(() => parseAuthId(owner!)));
    const store = await openStore(options, new Voice(false));
    await store.changeOwner(group, name);
    return EXIT.done;
  },
});
