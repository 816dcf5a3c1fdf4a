/**
 * `pxar snapshot protected update`: keeps a snapshot from removal, or no longer.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { NAMESPACE, SNAPSHOT, STORE_OPTIONS } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { openStore } from "./open_store.ts";
import { snapshotOf } from "./store_names.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot protected update",
  summary: "Keep a snapshot from removal, or no longer",
  operands: [SNAPSHOT, {
    name: "BOOLEAN",
    help: "true (on, yes, 1) or false (off, no, 0)",
  }],
  options: { ...STORE_OPTIONS, ns: NAMESPACE },
  examples: [
    {
      run: "pxar snapshot protected update host/elsa/2023-11-14T22:13:20Z true",
      does: "protects it",
    },
    {
      run: "pxar protect host/elsa/2023-11-14T22:13:20Z false",
      does: "lets it go again",
    },
  ],
  run: async ({ options, operands: [text, word] }) => {
    const snapshot = snapshotOf(text!, options.ns), value = booleanOf(word!);
    const store = await openStore(options, new Voice(false));
    await store.setProtected(snapshot, value);
    return EXIT.done;
  },
});

/** As official programs read it. */
function booleanOf(word: string): boolean {
  if (/^(?:1|on|yes|true)$/i.test(word)) return true;
  if (/^(?:0|off|no|false)$/i.test(word)) return false;
  throw new UsageError(
    `Cannot use "${word}" as BOOLEAN: expected true or false`,
  );
}
