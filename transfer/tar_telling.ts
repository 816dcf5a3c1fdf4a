// What becomes of members that have no place in a tree: told, and left out.
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  NotFoundError,
  PxarError,
  UnsupportedError,
} from "@pxar/format/errors";
import { showName } from "@pxar/format/name";
import type { TarNames } from "./tar_acl.ts";
import { refusal, type TarMember, treePath } from "./tar_member.ts";
import { fromLatin1 } from "./tar_pax.ts";

/** How a tar archive is read. */
export interface DecodeTarOptions {
  /**
   * Told of a member, or a part of one, that cannot be kept, by its path from the root; the rest goes on. Without it, the first one ends the stream with the error.
   * What is damaged ends it in any case.
   */
  readonly onError?: (path: Bytes, error: PxarError) => void;
  /** Finds numbers of users and groups that access control lists of GNU tar call by name. */
  readonly names?: TarNames | undefined;
  /** Most entries of an archive that is sorted: 16,777,216 unless told. Each takes 60 to 80 bytes of memory, and its name. */
  readonly entriesMax?: number | undefined;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/** Length of a batch. */
export const BATCH_LENGTH: number = 64;

/** Tells of an error, or throws it. What has an offset is damage, and is thrown. */
export function tell(
  options: DecodeTarOptions,
  path: Bytes,
  error: unknown,
): void {
  const kept = error instanceof PxarError &&
    !(error instanceof UnsupportedError) &&
    !(error instanceof FormatError && error.offset !== undefined);
  if (!kept || options.onError === undefined) throw error;
  options.onError(path, error);
}

/** A member's path in the tree; `undefined` where it has none, which is told. */
export function pathOf(
  options: DecodeTarOptions,
  member: TarMember,
): Bytes | undefined {
  try {
    const path = treePath(member.path);
    if (member.kind === undefined) {
      const type = showName(fromLatin1(member.header.type));
      throw refusal(
        member.path,
        `its type is "${type}"`,
        "one that a file system has",
      );
    }
    if (path.length === 0 && member.kind !== "directory") {
      throw refusal(
        member.path,
        `it is a ${member.kind} in the root's place`,
        "a directory",
      );
    }
    return path;
  } catch (error) {
    tell(options, member.path, error);
    return undefined;
  }
}

export function noFirst(path: Bytes, link: Bytes): NotFoundError {
  return new NotFoundError(
    `Cannot take hardlink "${showName(path)}": its first link, "${
      showName(link)
    }", is no earlier file, expected one`,
  );
}

/** Tells why access control lists are left out. */
export function tellAcl(
  options: DecodeTarOptions,
  path: Bytes,
  error: PxarError,
): void {
  const why = error.message.replace(/^Cannot /, "cannot ");
  tell(
    options,
    path,
    new FormatError(`Cannot keep ACLs of "${showName(path)}": ${why}`, {
      cause: error,
    }),
  );
}

/** The error for a content that is read too late. */
export function expired(): TypeError {
  return new TypeError(
    "Cannot read content: the next batch has been asked for, expected to be read before",
  );
}
