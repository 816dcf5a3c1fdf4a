/**
 * Metadata of files, directories and symlinks by Deno's own API.
 *
 * @module
 */
import { lchownSync, lutimesSync } from "node:fs";
import type { Entry } from "@pxar/format/entry";
import { safePermissions } from "./permissions.ts";
import type { Loss } from "./report.ts";
import type { Trail } from "./trail.ts";
import { type Choices, wants } from "./tree_writer.ts";

const WINDOWS = Deno.build.os === "windows";
/** As an owner, what the kernel would take for none said. */
const NOBODY = 0xffff_ffff;
const MILLION = 1_000_000;

/** Sets what can be set, and counts the rest. */
export class PortableMetadata {
  readonly #trail: Trail;
  readonly #choices: Choices;

  /**
   * Changes nothing yet.
   *
   * @param trail Takes what is lost and what goes wrong.
   * @param choices What is wanted.
   */
  constructor(trail: Trail, choices: Choices) {
    this.#trail = trail;
    this.#choices = choices;
  }

  /** Everything beside the content, of a file or directory. */
  apply(entry: Entry, path: string): void {
    const { attributes, flags, uid, gid } = entry;
    const choices = this.#choices, trail = this.#trail;
    let owned = false;
    if (choices.owners) {
      owned = !WINDOWS && uid !== NOBODY && gid !== NOBODY &&
        this.#set(
          "set owner of",
          "chown",
          "owners",
          () => Deno.chownSync(path, uid, gid),
        );
      if (!owned) trail.lose("owners");
    }
    if (attributes !== undefined) {
      const { projectId } = attributes;
      if (projectId !== undefined) trail.lose("flags");
      if (wants({ ...attributes, projectId: undefined }, choices)) {
        trail.lose("xattrs");
      }
    }
    if (choices.permissions) {
      const permissions = safePermissions(
        entry,
        owned,
        attributes?.acl === undefined,
      );
      const kept = permissions === (entry.mode & 0o7777) && !WINDOWS;
      if (!kept) trail.lose("modes");
      if (!WINDOWS) {
        this.#set(
          "set permissions of",
          "chmod",
          "modes",
          () => Deno.chmodSync(path, permissions),
        );
      }
    }
    this.#times(entry, (time) => Deno.utimeSync(path, new Date(), time));
    if (flags !== 0) trail.lose("flags");
  }

  /** Owner and time of a symlink. */
  applyToSymlink(entry: Entry, path: string): void {
    const { uid, gid } = entry;
    if (WINDOWS) {
      if (this.#choices.owners) this.#trail.lose("owners");
    } else if (this.#choices.owners) {
      this.#set(
        "set owner of",
        "chown",
        "owners",
        () => lchownSync(path, uid, gid),
      );
    }
    this.#times(entry, (time) => lutimesSync(path, new Date(), time));
  }

  #times({ secs, nanos }: Entry, set: (time: Date) => void): void {
    const time = new Date(secs * 1000 + Math.floor(nanos / MILLION));
    if (Number.isNaN(time.getTime())) this.#trail.lose("times");
    else if (this.#set("set times of", "utime", "times", () => set(time))) {
      if (nanos % MILLION !== 0) this.#trail.lose("nanoseconds");
    }
  }

  /** Gives whether it went well; a missing permission is a loss, anything else an error. */
  #set(what: string, call: string, loss: Loss, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "EPERM" || code === "EINVAL" || code === "ENOSYS") {
        this.#trail.lose(loss);
      } else this.#trail.threw(what, call, error);
      return false;
    }
  }
}
