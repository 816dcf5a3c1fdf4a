/**
 * Content of a file that a walk has opened.
 *
 * Source: spec J.6.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { showName } from "@pxar/format/name";
import { type Level, pathOf } from "./place.ts";
import type { Report } from "./report.ts";
import type { OpenContent } from "./walk.ts";

/** Exactly as many bytes as the file had when it was opened, whatever becomes of it meanwhile. */
export abstract class FileContent implements OpenContent {
  /** Length when it was opened, bytes. */
  readonly size: number;
  /** Set where the walk holds files. */
  release: (() => void) | undefined = undefined;
  readonly #report: Report;
  readonly #level: Level;
  readonly #name: Bytes;
  #left: number;
  #padding = false;

  /**
   * Starts before the first byte.
   *
   * @param size Length in bytes.
   * @param level The directory around it, for messages.
   * @param name Its name there.
   * @param report Told if the length changes.
   */
  constructor(size: number, level: Level, name: Bytes, report: Report) {
    this.size = size;
    this.#left = size;
    this.#level = level;
    this.#name = name;
    this.#report = report;
  }

  /** Path from the root of the tree. */
  protected get path(): Bytes {
    return pathOf(this.#level, this.#name);
  }

  /** Whether it can still be read. */
  protected abstract get isOpen(): boolean;
  /** Reads up to `wanted` bytes into the front of `into`; 0 at the file's end. */
  protected abstract take(into: Bytes, wanted: number): number;
  /** Closes it; a second time does nothing. */
  abstract close(): void;

  /** Reads the next bytes; zeros where the file has become shorter. */
  read(into: Bytes): number {
    const left = this.#left;
    if (!this.isOpen) {
      throw new RangeError(
        `Cannot read file ${this.#shown}: it is closed, expected to be read before the next batch is asked for`,
      );
    }
    if (left === 0 || into.length === 0) return 0;
    let got = 0;
    if (!this.#padding) {
      // One byte more than is left, where there is room, tells at no cost whether the file has grown.
      got = this.take(into, Math.min(into.length, left + 1));
      if (got > left) {
        got = left;
        this.#warn(`has grown while it was read; cut at ${this.size} bytes`);
      } else if (got === 0) {
        this.#padding = true;
        this.#warn(
          `has become shorter while it was read; the last ${left} of ${this.size} bytes are stored as zeros`,
        );
      }
    }
    if (this.#padding) {
      got = Math.min(into.length, left);
      into.fill(0, 0, got);
    }
    this.#left = left - got;
    this.#report.bytes += got;
    return got;
  }

  get #shown(): string {
    return showName(this.path);
  }

  #warn(what: string): void {
    this.#report.warn(this.path, `File ${this.#shown} ${what}`);
  }
}
