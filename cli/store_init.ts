/**
 * `pxar store init`: makes a datastore.
 *
 * @module
 */
import { completeDatastore, initDatastore } from "@pxar/store/datastore_layout";
import { type Command, command } from "./command.ts";
import { QUIET } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { countText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "store init",
  summary: "Make a datastore",
  operands: [{
    name: "PATH",
    help: "an empty folder, or one that is still to be made",
  }],
  options: {
    "on-demand": {
      kind: "flag",
      help: "make chunk folders when chunks need them, not all 65,536 now",
    },
    complete: {
      kind: "flag",
      help: "make the chunk folders that the datastore in PATH lacks",
    },
    quiet: QUIET,
  },
  notes:
    `With all its folders (258 MB on ext4) a Proxmox Backup Server can adopt the
datastore; as root it is given to the user that one runs as (34:34).`,
  examples: [
    { run: "pxar store init /srv/store", does: "one that PBS could adopt" },
    { run: "pxar store init store --on-demand", does: "a small one" },
  ],
  run: async ({ options, operands: [path] }) => {
    const voice = new Voice(options.quiet), allFolders = !options["on-demand"];
    if (options.complete && !allFolders) {
      throw new UsageError(
        "Cannot use --complete with --on-demand: expected one of them",
      );
    }
    if (!options.complete && !knowsUser()) {
      voice.problem(
        "whether root runs cannot be told without --allow-sys=uid: the datastore belongs to whoever runs",
      );
    }
    let made = 0, of = 0;
    try {
      voice.watch(() =>
        of === 0 ? "" : `${countText(made)} of ${countText(of)} chunk folders`
      );
      await interruptible(({ signal }) => {
        const how = {
          signal,
          onProgress: (...now: [number, number]) => [made, of] = now,
        };
        return options.complete
          ? completeDatastore(path!, how)
          : initDatastore(path!, { ...how, allFolders });
      });
    } catch (error) {
      if (made > 0) {
        voice.note(
          `what was made stays: ${path} is a datastore whose other chunk folders come when chunks need them`,
        );
      }
      throw error;
    } finally {
      voice.end();
    }
    voice.note(
      `the datastore is in ${path}, ${
        allFolders
          ? "with all its chunk folders"
          : "its chunk folders come when chunks need them"
      }`,
    );
    return EXIT.done;
  },
});

/** Whether it may be asked who runs the program. */
function knowsUser(): boolean {
  if (Deno.build.os === "windows") return true;
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "uid" });
  return state === "granted";
}
