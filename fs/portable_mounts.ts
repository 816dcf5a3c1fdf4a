/**
 * Which file systems a walk by Deno's own API goes into.
 *
 * Source: spec J.4.
 *
 * @module
 */
import {
  ANOTHER,
  isVirtual,
  MADE_UP,
  Mounts,
  UNKNOWN,
} from "./file_systems.ts";
import { portableError } from "./portable_error.ts";
import type { ReadSettings } from "./read_options.ts";

/** Tells the kind of file system that a path lies on, as statfs does; `undefined` where that may not be asked. */
type FileSystemTypeOf = (path: string) => number | undefined;

/** The file systems below a root. */
export class PortableMounts extends Mounts {
  readonly #typeOf: FileSystemTypeOf;

  private constructor(settings: ReadSettings, typeOf: FileSystemTypeOf) {
    super(settings);
    this.#typeOf = typeOf;
  }

  /** Finds out how the kinds of file systems can be told here; none is entered yet. */
  static async open(settings: ReadSettings): Promise<PortableMounts> {
    return new PortableMounts(settings, await fileSystemTypes());
  }

  /**
   * Lets the walk into the root's file system, and into those that are asked for.
   *
   * @param path The root.
   * @param device Number of its file system.
   * @throws {PxarError} If it is made up by the kernel.
   * @throws {SystemError} If a path that is asked for is not there.
   */
  begin(path: string, device: number): void {
    this.start(path, device, isVirtual(this.#typeOf(path) ?? 0));
  }

  /**
   * Why a directory on another file system than the one around it is not entered; `undefined` where it is.
   *
   * @param path The directory.
   * @param device Number of its file system.
   */
  closed(path: string, device: number): string | undefined {
    // First: about what is left out anyway, nothing needs to be asked.
    if (!this.isEntered(device)) return ANOTHER;
    const type = this.#typeOf(path);
    if (type === undefined) return UNKNOWN;
    return isVirtual(type) ? MADE_UP : undefined;
  }

  protected override deviceOf(path: string): number {
    try {
      return Deno.statSync(path).dev;
    } catch (error) {
      const shown = new TextEncoder().encode(path);
      throw portableError("find file system of", shown, "stat", error);
    }
  }
}

/** Whether Deno was permitted to ask the system for something. Asked for and not tried, because trying would ask whoever sits at a terminal. */
export function mayAsk(kind: "statfs" | "uid" | "gid"): boolean {
  return Deno.permissions.querySync({ name: "sys", kind }).state === "granted";
}

async function fileSystemTypes(): Promise<FileSystemTypeOf> {
  if (Deno.build.os !== "linux") return () => 0;
  if (!mayAsk("statfs")) return () => undefined;
  const { statfsSync } = await import("node:fs");
  return (path) => {
    try {
      return statfsSync(path).type;
    } catch {
      // May not be asked: then it is taken for one that keeps files.
      return 0;
    }
  };
}
