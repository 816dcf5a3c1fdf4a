/**
 * Devices, fifos and sockets made through the C library.
 *
 * @module
 */
import { deviceToDev } from "@pxar/format/device";
import type { Entry } from "@pxar/format/entry";
import { FormatError } from "@pxar/format/errors";
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from "@pxar/sys/abi";
import { ERRNO } from "@pxar/sys/errno";
import type { Maker } from "./maker.ts";
import type { NativeMetadata } from "./native_metadata.ts";
import type { NativePlace } from "./native_place.ts";
import type { Trail } from "./trail.ts";
import type { Choices } from "./tree_writer.ts";

/** Makes devices, fifos and sockets. */
export class NativeNodes {
  readonly #maker: Maker;
  readonly #metadata: NativeMetadata;
  readonly #place: NativePlace;
  readonly #trail: Trail;
  readonly #choices: Choices;

  /**
   * Makes nothing yet.
   *
   * @param maker Makes the calls.
   * @param metadata Sets what they are beside their numbers.
   * @param place Puts them where they belong.
   * @param trail Takes what goes wrong.
   * @param choices What may be replaced.
   */
  constructor(
    maker: Maker,
    metadata: NativeMetadata,
    place: NativePlace,
    trail: Trail,
    choices: Choices,
  ) {
    this.#maker = maker;
    this.#metadata = metadata;
    this.#place = place;
    this.#trail = trail;
    this.#choices = choices;
  }

  /** Makes one in an open directory; whether it is there now. */
  node(parent: number, entry: Entry): boolean {
    const { kind, name, mode } = entry;
    let dev = 0n, type = kind === "fifo" ? S_IFIFO : S_IFSOCK;
    if (kind === "device") {
      type = mode & S_IFMT;
      if (type !== S_IFBLK && type !== S_IFCHR) return this.#refuse(kind);
      const numbers = this.#numbers(entry);
      if (numbers === undefined) return false;
      dev = numbers;
    }
    return this.#place.put(parent, name, {
      kind,
      call: "mknodat",
      replace: this.#choices.overwriteNodes,
      make: (name) =>
        this.#maker.createNode(parent, name, type | mode & 0o600, dev),
      dress: (name) => this.#metadata.applyByName(parent, name, entry, type),
      refused: (error) => {
        if (error !== ERRNO.EPERM) {
          this.#trail.refused(`create ${kind}`, "mknodat", error);
        } else if (kind === "device") this.#trail.lose("devices");
        else this.#trail.lose(kind === "fifo" ? "fifos" : "sockets");
      },
    });
  }

  /** A device's numbers as the kernel takes them; `undefined` where it has none, which is noted. */
  #numbers({ device, kind }: Entry): bigint | undefined {
    if (device === undefined) {
      this.#refuse(kind);
      return undefined;
    }
    try {
      return deviceToDev(device);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#trail.fail(`create ${kind}`, error.message, error);
      return undefined;
    }
  }

  #refuse(kind: string): false {
    this.#trail.fail(
      `create ${kind}`,
      "its numbers are missing, expected a device",
    );
    return false;
  }
}
