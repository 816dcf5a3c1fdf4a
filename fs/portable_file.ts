/**
 * Files written by Deno's own API.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Entry } from "@pxar/format/entry";
import { BLOCK, ContentCopy } from "./content_copy.ts";
import type { PortableMetadata } from "./portable_metadata.ts";
import type { Trail } from "./trail.ts";
import { type Choices, EntryError } from "./tree_writer.ts";

/** Writes one file after the other. */
export class PortableFile {
  readonly #metadata: PortableMetadata;
  readonly #trail: Trail;
  readonly #choices: Choices;
  readonly #copy: ContentCopy;
  #file: Deno.FsFile | undefined;
  /** Where the file at hand is written. */
  #at = "";
  #hole = false;

  /**
   * Writes nothing yet.
   *
   * @param metadata Sets what the file is beside its content.
   * @param trail Takes what goes wrong.
   * @param choices What is wanted.
   */
  constructor(metadata: PortableMetadata, trail: Trail, choices: Choices) {
    this.#metadata = metadata;
    this.#trail = trail;
    this.#choices = choices;
    this.#copy = new ContentCopy(
      (length) => step(() => this.#write(length)),
      choices.signal,
    );
  }

  /**
   * Makes a file.
   *
   * @param entry What it shall be.
   * @param path Where it shall be.
   * @param temporary Gives where it is written if something may be replaced by it.
   * @returns Whether it is there; a promise only where its content makes wait.
   */
  write(
    entry: Entry,
    path: string,
    temporary: () => string,
  ): boolean | Promise<boolean> {
    const { content } = entry;
    if (content === undefined) {
      this.#trail.fail(
        "create file",
        "its content is not at hand, expected a payload stream",
      );
      return false;
    }
    try {
      this.#open(path, temporary);
    } catch (error) {
      this.#trail.threw("create file", "open", error);
      return false;
    }
    try {
      const waiting = this.#copy.run(content);
      if (waiting === undefined) return this.#finish(entry, path);
      return waiting.then(() => this.#finish(entry, path))
        .catch((error) => this.#abandon(error));
    } catch (error) {
      return this.#abandon(error);
    }
  }

  /** Closes the file at hand. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(path: string, temporary: () => string): void {
    const options = { write: true, createNew: true, mode: 0o600 };
    this.#hole = false;
    this.#at = path;
    try {
      this.#file = Deno.openSync(path, options);
    } catch (error) {
      if (!mayReplace(error, path, this.#choices.overwriteFiles)) throw error;
      this.#at = temporary();
      this.#file = Deno.openSync(this.#at, options);
    }
  }

  #finish(entry: Entry, path: string): boolean {
    const { size } = entry.content!;
    step(() => {
      if (this.#hole) this.#file!.truncateSync(size);
    });
    this.close();
    this.#metadata.apply(entry, this.#at);
    if (this.#at !== path) step(() => Deno.renameSync(this.#at, path));
    this.#trail.report.bytes += size;
    return true;
  }

  /** Takes away what is not finished; an error that is the entry's alone is noted. */
  #abandon(error: unknown): boolean {
    this.close();
    removeFile(this.#at);
    if (!(error instanceof EntryError)) throw error;
    error.note(this.#trail);
    return false;
  }

  #write(length: number): void {
    const { slab } = this.#copy;
    const sparse = this.#choices.sparse && length >= BLOCK;
    const file = this.#file!;
    let from = 0;
    this.#hole = false;
    for (let at = 0; sparse && at < length; at += BLOCK) {
      const end = Math.min(at + BLOCK, length);
      this.#hole = slab[at] === 0 && slab[end - 1] === 0 &&
        slab.subarray(at, end).every((byte) => byte === 0);
      if (!this.#hole) continue;
      writeAll(file, slab.subarray(from, at));
      file.seekSync(end - at, Deno.SeekMode.Current);
      from = end;
    }
    writeAll(file, slab.subarray(from, length));
  }
}

/**
 * Whether an entry may take the place of what stopped it.
 *
 * @param error What was thrown when it was made.
 * @param path Where.
 * @param wanted Whether that is asked for.
 */
export function mayReplace(
  error: unknown,
  path: string,
  wanted: boolean,
): boolean {
  return wanted && error instanceof Deno.errors.AlreadyExists &&
    !Deno.lstatSync(path).isDirectory;
}

/** Takes away a file that may be gone already. */
export function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // The error that led here says more.
  }
}

/** A step of writing a file; an error is that entry's. */
function step(run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new EntryError((trail) => trail.threw("write file", "write", error));
  }
}

function writeAll(file: Deno.FsFile, bytes: Bytes): void {
  for (let done = 0; done < bytes.length;) {
    done += file.writeSync(bytes.subarray(done));
  }
}
