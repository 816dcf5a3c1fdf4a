/**
 * `pxar namespace list`: the namespaces of a datastore.
 *
 * @module
 */
import { type Command, command } from "./command.ts";
import { FORMAT_OPTIONS, MAX_DEPTH, STORE_OPTIONS } from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { viewStore } from "./open_store.ts";
import { depthOf, namespaceOf } from "./store_names.ts";
import { formatOf, printResult } from "./table.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "namespace list",
  summary: "List the namespaces of a datastore",
  operands: [{
    name: "NS",
    help: "where to begin (default: the root)",
    optional: true,
  }],
  options: { ...STORE_OPTIONS, "max-depth": MAX_DEPTH, ...FORMAT_OPTIONS },
  examples: [
    { run: "pxar namespace list", does: "all of them, but for the root" },
    {
      run: "pxar namespace list office --max-depth 1 --json",
      does: "one and those directly below it, for a script",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const format = formatOf(options), parent = namespaceOf(text);
    const depth = depthOf(options["max-depth"]);
    const store = await viewStore(options);
    const found = await store.namespaces(parent, depth);
    printResult(
      format,
      { data: found.map((ns) => ({ ns })) },
      () => found.map((ns) => ns === "" ? "" : `${ns}\n`).join(""),
    );
    return EXIT.done;
  },
});
