/**
 * Where a hardlink points: a path from the root, walked name by name, never through a symlink.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { compareNames } from "@pxar/format/name";
import type { Maker } from "./maker.ts";

/** The components of a hardlink's target, or what is wrong with it. */
export function splitTarget(target: Bytes): readonly Bytes[] | string {
  const parts: Bytes[] = [];
  let from = 0;
  for (let at = 0; at <= target.length; at++) {
    if (target[at] === 0) return "its target has a NUL, expected a path";
    if (at < target.length && target[at] !== 0x2f) continue;
    const part = target.subarray(from, at);
    if (part.length === 0) {
      return "its target is absolute or has an empty component, expected a path from the root of the archive";
    }
    if (
      part[0] === 0x2e &&
      (part.length === 1 || (part.length === 2 && part[1] === 0x2e))
    ) return 'its target has a "." or "..", expected a path of names alone';
    parts.push(part);
    from = at + 1;
  }
  return parts;
}

/** Finds the directories that hold the targets of hardlinks; the last one found stays open. */
export class LinkTargets {
  readonly #maker: Maker;
  #path: Bytes | undefined;
  #fd = -1;

  /**
   * Opens nothing.
   *
   * @param maker Makes the calls.
   */
  constructor(maker: Maker) {
    this.#maker = maker;
  }

  /**
   * Opens the directory in which a target lies.
   *
   * @param root Descriptor of the root.
   * @param target The target's path.
   * @param parts Its components.
   * @returns A descriptor that stays this object's, or a negative error number.
   */
  open(root: number, target: Bytes, parts: readonly Bytes[]): number {
    if (parts.length === 1) return root;
    const path = target.subarray(
      0,
      target.length - parts[parts.length - 1]!.length,
    );
    if (this.#path !== undefined && compareNames(this.#path, path) === 0) {
      return this.#fd;
    }
    this.close();
    let fd = root;
    for (let i = 0; i < parts.length - 1; i++) {
      const next = this.#maker.openPath(fd, parts[i]!);
      if (fd !== root) this.#maker.close(fd);
      if (next < 0) return next;
      fd = next;
    }
    this.#fd = fd;
    this.#path = path;
    return fd;
  }

  /** Closes what is open. */
  close(): void {
    if (this.#fd >= 0) this.#maker.close(this.#fd);
    this.#fd = -1;
    this.#path = undefined;
  }
}
