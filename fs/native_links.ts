/**
 * Symlinks and hardlinks made through the C library.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { NAME_LIMIT } from "@pxar/format/item";
import { showName } from "@pxar/format/name";
import { S_IFLNK } from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import { DT_REG } from "@pxar/sys/files";
import { LinkTargets, splitTarget } from "./link_target.ts";
import type { Maker } from "./maker.ts";
import type { NativeFlags } from "./native_flags.ts";
import type { NativeMetadata } from "./native_metadata.ts";
import type { NativePlace, Placed } from "./native_place.ts";
import type { RootNames } from "./root_names.ts";
import type { Trail } from "./trail.ts";
import type { Choices } from "./tree_writer.ts";

/** Makes links. */
export class NativeLinks {
  readonly #maker: Maker;
  readonly #metadata: NativeMetadata;
  readonly #flags: NativeFlags;
  readonly #place: NativePlace;
  readonly #trail: Trail;
  readonly #choices: Choices;
  readonly #names: RootNames;
  readonly #targets: LinkTargets;

  /**
   * Makes nothing yet.
   *
   * @param maker Makes the calls.
   * @param metadata Sets what a symlink is beside its target.
   * @param flags Lifts what forbids further names.
   * @param place Puts them where they belong.
   * @param trail Takes what goes wrong.
   * @param choices What is wanted.
   * @param names What hardlinks may go to.
   */
  constructor(
    maker: Maker,
    metadata: NativeMetadata,
    flags: NativeFlags,
    place: NativePlace,
    trail: Trail,
    choices: Choices,
    names: RootNames,
  ) {
    this.#maker = maker;
    this.#metadata = metadata;
    this.#flags = flags;
    this.#place = place;
    this.#trail = trail;
    this.#choices = choices;
    this.#names = names;
    this.#targets = new LinkTargets(maker);
  }

  /** Makes a symlink. */
  symlink(parent: number, entry: Entry): boolean {
    const { target } = entry;
    if (
      target === undefined || target.length > NAME_LIMIT || target.includes(0)
    ) {
      this.#trail.fail(
        "create symlink",
        `its target is missing, has a NUL or more than ${NAME_LIMIT} bytes, expected a path`,
      );
      return false;
    }
    return this.#put(parent, entry.name, {
      kind: "symlink",
      call: "symlinkat",
      replace: this.#choices.overwriteSymlinks,
      make: (name) => this.#maker.createSymlink(target, parent, name),
      dress: (name) => this.#metadata.applyByName(parent, name, entry, S_IFLNK),
    });
  }

  /** Makes one name more for a regular file below the root. */
  hardlink(root: number, parent: number, entry: Entry): boolean {
    const { target } = entry;
    const parts = target === undefined
      ? "it has no target, expected a path"
      : splitTarget(target);
    if (typeof parts === "string" || target === undefined) {
      this.#trail.fail("create hardlink", String(parts));
      return false;
    }
    if (parts.some((part) => part.length > NAME_LIMIT)) {
      this.#trail.refused("create hardlink", "openat", ERRNO.ENAMETOOLONG);
      return false;
    }
    if (this.#names.isForeign(parts[0]!)) {
      this.#trail.fail(
        "create hardlink",
        `${showName(target)} was not restored from this archive`,
      );
      return false;
    }
    const from = this.#targets.open(root, target, parts);
    const last = parts[parts.length - 1]!;
    const found = from < 0 ? from : this.#maker.lookAt(from, last);
    if (found < 0) {
      this.#trail.refused(
        `find ${showName(target)} for hardlink`,
        "statx",
        -found,
      );
      return false;
    }
    if (this.#maker.seen.type !== DT_REG) {
      this.#trail.fail(
        "create hardlink",
        `${showName(target)} is something else, expected a regular file`,
      );
      return false;
    }
    return this.#put(parent, entry.name, {
      kind: "hardlink",
      call: "linkat",
      replace: this.#choices.overwriteHardlinks,
      make: (name) => this.#link(from, last, parent, name),
      dress: () => {},
    });
  }

  #put(parent: number, name: Bytes, placed: Placed): boolean {
    if (!this.#place.put(parent, name, placed)) return false;
    this.#names.add(this.#trail.depth, name);
    return true;
  }

  #link(from: number, last: Bytes, parent: number, name: Bytes): number {
    const result = this.#maker.link(from, last, parent, name);
    if (result !== -ERRNO.EPERM) return result;
    // A file that must not change takes no further name either.
    const fd = this.#maker.openFile(from, last);
    if (fd < 0) return result;
    const was = this.#flags.unlock(fd);
    const again = was === 0
      ? result
      : this.#maker.link(from, last, parent, name);
    if (was !== 0) this.#flags.relock(fd, was);
    this.#maker.close(fd);
    return again;
  }

  /** Closes what is open. */
  close(): void {
    this.#targets.close();
  }
}
