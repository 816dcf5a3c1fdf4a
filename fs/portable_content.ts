/**
 * A file that is open by Deno's own API.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { FileContent } from "./file_content.ts";
import type { Level } from "./place.ts";
import { portableError } from "./portable_error.ts";
import type { Report } from "./report.ts";

/** Content read by a `Deno.FsFile`. */
export class PortableContent extends FileContent {
  #file: Deno.FsFile | undefined;

  /** Takes over the file. */
  constructor(
    file: Deno.FsFile,
    size: number,
    level: Level,
    name: Bytes,
    report: Report,
  ) {
    super(size, level, name, report);
    this.#file = file;
  }

  protected override get isOpen(): boolean {
    return this.#file !== undefined;
  }

  protected override take(into: Bytes, wanted: number): number {
    try {
      return this.#file!.readSync(
        wanted < into.length ? into.subarray(0, wanted) : into,
      ) ?? 0;
    } catch (error) {
      throw portableError("read file", this.path, "read", error);
    }
  }

  override close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
