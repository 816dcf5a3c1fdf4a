/**
 * `pxar namespace create`: makes a namespace.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { viewStore } from "./open_store.ts";
import { namespaceOf } from "./store_names.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "namespace create",
  summary: "Make a namespace",
  operands: [{ name: "NS", help: "such as office, or office/laptops" }],
  options: STORE_OPTIONS,
  notes: `The one above it is there already. One that is there stays as it is.`,
  examples: [
    { run: "pxar namespace create office", does: "makes one below the root" },
    {
      run: "pxar namespace create office/laptops --repository ./store",
      does: "makes one below that",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const namespace = namespaceOf(text);
    const store = await viewStore(options);
    await store.createNamespace(namespace);
    return EXIT.done;
  },
});
