// Something under its name, be that taken: made under another name first, so that nothing is lost if it fails.
import type { Bytes } from "@pxar/format/bytes";
import { ERRNO } from "@pxar/sys/errno";
import type { Maker } from "./maker.ts";
import type { NativeFlags } from "./native_flags.ts";
import { temporaryName } from "./temporary_name.ts";
import type { Trail } from "./trail.ts";

const ASCII = new TextEncoder();

/** What is put at a place. */
export interface Placed {
  /** Says what it is, such as `symlink`. */
  readonly kind: string;
  /** The call that makes it. */
  readonly call: string;
  /** Whether it may take the place of what is there and is no directory. */
  readonly replace: boolean;
  /** Makes it under a name; gives the error's number below 0. */
  make(name: Bytes): number;
  /** Gives it its metadata. */
  dress(name: Bytes): void;
  /** Takes the error of making it; without, it is an error of the entry. */
  refused?(error: number): void;
}

/** Puts things into open directories. */
export class NativePlace {
  readonly #maker: Maker;
  readonly #flags: NativeFlags;
  readonly #trail: Trail;

  /** Puts nothing yet. */
  constructor(maker: Maker, flags: NativeFlags, trail: Trail) {
    this.#maker = maker;
    this.#flags = flags;
    this.#trail = trail;
  }

  /** Puts something into a directory; whether it is there now. */
  put(parent: number, name: Bytes, placed: Placed): boolean {
    const { kind, call } = placed;
    let at = name, result = placed.make(at);
    if (
      result === -ERRNO.EEXIST && placed.replace &&
      !this.#maker.isDirectory(parent, name)
    ) {
      at = ASCII.encode(temporaryName());
      result = placed.make(at);
    }
    if (result < 0) {
      if (placed.refused !== undefined) placed.refused(-result);
      else this.#trail.refused(`create ${kind}`, call, -result);
      return false;
    }
    placed.dress(at);
    if (at === name) return true;
    result = this.#flags.replace(parent, at, name);
    // Where it is still there: it was refused, or both are names of one file, which rename leaves alone.
    this.#maker.unlink(parent, at);
    if (result === 0) return true;
    this.#trail.refused(`replace by ${kind}`, "renameat2", -result);
    return false;
  }
}
