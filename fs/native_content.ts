/**
 * A file that is open through the C library.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { ERRNO, systemError } from "@pxar/sys/errno";
import { errno, type Libc } from "@pxar/sys/libc";
import { FileContent } from "./file_content.ts";
import type { Level } from "./place.ts";
import type { Report } from "./report.ts";

/** Most that one call of read takes. */
const READ_LIMIT = 0x7ffff000;

/** Content read by descriptor, straight into the reader's memory. */
export class NativeContent extends FileContent {
  readonly #libc: Libc;
  #fd: number;

  /** Takes over the descriptor. */
  constructor(
    libc: Libc,
    fd: number,
    size: number,
    level: Level,
    name: Bytes,
    report: Report,
  ) {
    super(size, level, name, report);
    this.#libc = libc;
    this.#fd = fd;
  }

  protected override get isOpen(): boolean {
    return this.#fd >= 0;
  }

  protected override take(into: Bytes, wanted: number): number {
    for (;;) {
      const got = this.#libc.readInto(
        this.#fd,
        into,
        Math.min(wanted, READ_LIMIT),
      );
      if (got >= 0) return got;
      const number = errno(this.#libc);
      if (number !== ERRNO.EINTR) {
        throw systemError("read file", this.path, "read", number);
      }
    }
  }

  override close(): void {
    if (this.#fd < 0) return;
    this.#libc.close(this.#fd);
    this.#fd = -1;
  }
}
