/**
 * Where in a tree its writer stands, and what it has to say about the place.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import { PxarError, SystemError } from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import { ERRNO, errnoCode, errnoText } from "@pxar/sys/errno";
import { portableError } from "./portable_error.ts";
import type { Loss, Report } from "./report.ts";

const SLASH = 0x2f;
const BEYOND: ReadonlySet<number> = new Set([
  -ERRNO.EPERM,
  -ERRNO.EOPNOTSUPP,
  -ERRNO.ENOTTY,
  -ERRNO.ENOSYS,
  -ERRNO.EINVAL,
]);

/** Follows the entries of a tree by name, and turns what happens to the one at hand into a report's lines. */
export class Trail {
  /** What is told. */
  readonly report: Report;
  readonly #strict: boolean;
  readonly #names: Bytes[] = [];
  readonly #lost = new Set<Loss>();
  #name: Bytes | undefined;

  /**
   * Starts outside the root.
   *
   * @param report What is told.
   * @param strict Whether the first error is thrown.
   */
  constructor(report: Report, strict: boolean) {
    this.report = report;
    this.#strict = strict;
  }

  /** How many directories are open, the root included. */
  get depth(): number {
    return this.#names.length;
  }

  /** The path of the entry at hand, from the root, without leading slash. */
  get path(): Bytes {
    const parts = this.#names.slice(1);
    if (this.#name !== undefined && this.depth > 0) parts.push(this.#name);
    if (parts.length === 0) return NO_BYTES;
    const path = new Uint8Array(
      parts.reduce((length, part) => length + part.length + 1, -1),
    );
    let at = 0;
    for (const part of parts) {
      if (at > 0) path[at++] = SLASH;
      path.set(part, at);
      at += part.length;
    }
    return path;
  }

  /**
   * Turns to the next entry.
   *
   * @param name Its name; `undefined` for the open directory itself.
   */
  at(name: Bytes | undefined): void {
    this.#name = name;
    if (this.#lost.size > 0) this.#lost.clear();
  }

  /** Speaks of another entry of the open directory for a moment. */
  within(name: Bytes, speak: () => void): void {
    const atHand = this.#name;
    this.#name = name;
    try {
      speak();
    } finally {
      this.#name = atHand;
    }
  }

  /** Goes into the directory at hand. */
  enter(): void {
    this.#names.push(this.#name ?? NO_BYTES);
  }

  /** Goes back to the directory above. */
  leave(): void {
    this.#names.pop();
  }

  /** Counts what the entry at hand lost, each kind once. */
  lose(loss: Loss): void {
    if (this.#lost.has(loss)) return;
    this.#lost.add(loss);
    this.report.lose(loss);
  }

  /** Whether the entry at hand lost something. */
  hasLost(loss: Loss): boolean {
    return this.#lost.has(loss);
  }

  /**
   * Notes something that was left out and is no failure.
   *
   * @param what What could not be done, such as `restore xattr foo of`.
   * @param why What is, and what was expected.
   */
  warn(what: string, why: string): void {
    const path = this.path;
    this.report.warn(path, sentence(what, path, why));
  }

  /**
   * Notes that the entry at hand, or a part of it, could not be restored.
   *
   * @param what What could not be done, such as `create file`.
   * @param why What is, and what was expected.
   * @param cause What was met.
   * @throws {PxarError} Where errors are not collected.
   */
  fail(what: string, why: string, cause?: unknown): void {
    const path = this.path;
    const message = sentence(what, path, why);
    this.#note(path, new PxarError(message, { cause }));
  }

  /**
   * Notes that the system refused a call for the entry at hand.
   *
   * @param what What could not be done, such as `create file`.
   * @param call The call's name.
   * @param errno The error number, positive.
   * @throws {SystemError} Where errors are not collected.
   */
  refused(what: string, call: string, errno: number): void {
    const path = this.path;
    this.#note(
      path,
      new SystemError(sentence(what, path, errnoText(errno)), {
        code: errnoCode(errno),
        errno,
        call,
        path: showName(path),
      }),
    );
  }

  /**
   * Notes that Deno's own API threw for the entry at hand.
   *
   * @param what What could not be done, such as `create file`.
   * @param call The call's name.
   * @param error What was thrown.
   * @throws {SystemError} Where errors are not collected.
   */
  threw(what: string, call: string, error: unknown): void {
    const path = this.path;
    this.#note(path, portableError(what, path, call, error));
  }

  /**
   * Notes a refusal: as a loss where platform or permission allow no better, otherwise as an error.
   *
   * @param result The negative error number.
   * @param loss What is lost.
   * @param what What could not be done.
   * @param call The call that was refused.
   */
  lack(
    result: number,
    loss: Loss,
    what: string,
    call: string,
  ): void {
    if (isBeyond(result)) this.lose(loss);
    else this.refused(what, call, -result);
  }

  #note(path: Bytes, error: PxarError): void {
    this.report.fail(path, error.message, error.cause ?? error);
    if (this.#strict) throw error;
  }
}

/**
 * Whether a negative error number means that a file system, or a program without privileges, cannot be asked for this; anything else is an error.
 */
export function isBeyond(result: number): boolean {
  return BEYOND.has(result);
}

function sentence(what: string, path: Bytes, why: string): string {
  return `Cannot ${what} ${path.length > 0 ? showName(path) : "."}: ${why}`;
}
