// What each way of reading makes of an archive: `accepted`, or the class of the error and its offset.
import { Accessor } from "@pxar/codec/accessor";
import { check } from "@pxar/codec/check";
import { decode } from "@pxar/codec/decode";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { FormatError, PxarError } from "@pxar/format/errors";
import type { Report } from "@pxar/fs/report";
import { writeTree } from "@pxar/fs/write_tree";

/** How an archive fares; the same words as in `expected.ts`. */
export interface Observed {
  /** In order, every content read to its end. */
  readonly decode: string;
  /** By random access: every directory listed, every name looked up, every content read, every hardlink followed. */
  readonly accessor: string;
  /** How many damages, and the first of them. */
  readonly check: string;
  /** Onto a disk; entries that were refused are counted. */
  readonly extract: string;
}

const SCRATCH = new Uint8Array(65536);

/** The class and offset of an error; one of another class than PxarError is a fault and goes on. */
function outcome(error: unknown): string {
  if (!(error instanceof PxarError)) throw error;
  return error instanceof FormatError
    ? `${error.name}@${error.offset}`
    : error.name;
}

/** In order. */
export async function observeDecode(
  archive: Bytes,
  payload: Bytes | undefined,
): Promise<string> {
  try {
    for await (const batch of decode(archive, payload ? { payload } : {})) {
      for (const { content } of batch) {
        while (content !== undefined && await content.read(SCRATCH) > 0);
      }
    }
    return "accepted";
  } catch (error) {
    return outcome(error);
  }
}

/** By random access. */
export async function observeAccessor(
  archive: Bytes,
  payload: Bytes | undefined,
): Promise<string> {
  try {
    await using accessor = await Accessor.open(
      bytesAccess(archive),
      payload ? { payload: bytesAccess(payload) } : {},
    );
    const open = [accessor.root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for await (const page of accessor.list(node)) {
        for (const child of page) {
          if (await accessor.child(node, child.entry.name) === undefined) {
            return "lookup misses";
          }
          const file = child.entry.kind === "hardlink"
            ? await accessor.follow(child)
            : child;
          if (file.entry.kind === "file") {
            for await (const _ of accessor.stream(file));
          } else if (file.entry.kind === "directory") open.push(file);
        }
      }
    }
    return "accepted";
  } catch (error) {
    return outcome(error);
  }
}

/** Everything that is wrong. */
export async function observeCheck(
  archive: Bytes,
  payload: Bytes | undefined,
): Promise<string> {
  try {
    const { damage, damages } = await check(
      bytesAccess(archive),
      payload ? { payload: bytesAccess(payload) } : {},
    );
    const first = damage[0];
    return first === undefined
      ? "sound"
      : `${damages} damage, ${first.stream}@${first.offset}`;
  } catch (error) {
    return outcome(error);
  }
}

/**
 * Onto a disk.
 *
 * @param target Where to; not there yet.
 */
export async function observeExtract(
  archive: Bytes,
  payload: Bytes | undefined,
  target: string,
  report: Report,
): Promise<string> {
  try {
    await writeTree(target, decode(archive, payload ? { payload } : {}), {
      report,
    });
    return report.errors === 0
      ? report.warnings === 0 ? "ok" : "ok with warnings"
      : `${report.errors} refused`;
  } catch (error) {
    const refused = report.errors === 0 ? "" : `, ${report.errors} refused`;
    return outcome(error) + refused;
  }
}
