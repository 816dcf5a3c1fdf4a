/**
 * Which file systems there are to read, and what each kind of them may have.
 *
 * Source: spec J.1, J.4, J.5, A.6, A.10.
 *
 * @module
 */
import { PxarError } from "@pxar/format/errors";
import type { ReadSettings } from "./read_options.ts";

/** What a file system may have. `xattrs` and `projectIds` are taken back when it says that it has none. */
export interface Features {
  /** Extended attributes, and with them access lists and capabilities. */
  xattrs: boolean;
  /** Quota projects. */
  projectIds: boolean;
  /** Attributes of FAT. */
  readonly fat: boolean;
  /** A disk behind it, from which files can be read ahead. */
  readonly disk: boolean;
}

/** Why a directory is not entered: nobody may ask what its file system is. */
export const UNKNOWN =
  "it lies on another file system, and whether that keeps files may not be asked, expected --allow-sys=statfs";
/** Why a mounted file system that is virtual is not entered. */
export const MADE_UP =
  "it is a file system made up by the kernel; what is in it is left out";
/** Why one that was not asked for is not entered. */
export const ANOTHER =
  "another file system is mounted there; what is in it is left out";

const EXT4 = 0xef53,
  XFS = 0x58465342,
  ZFS = 0x2fc12fc1,
  MSDOS = 0x4d44,
  FUSE = 0x65735546,
  TMPFS = 0x01021994,
  RAMFS = 0x858458f6;

const VIRTUAL = new Set([
  0x42494e4d, // binfmt_misc
  0x63677270, // cgroup2
  0x0027e0eb, // cgroup
  0x62656570, // configfs
  0x64626720, // debugfs
  0x1cd1, // devpts
  0xde5e81e4, // efivarfs
  0x65735543, // fusectl
  0x958458f6, // hugetlbfs
  0x19800202, // mqueue
  0x6e667364, // nfsd
  0x9fa0, // proc
  0x6165676c, // pstore
  0x67596969, // rpc_pipefs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0x43415d53, // smackfs
  0x62656572, // sysfs
]);

/** The file systems below a root: its own is entered, those of the paths that are asked for, or all. */
export abstract class Mounts {
  readonly #included: readonly string[];
  /** Numbers of those that are entered; `undefined` for all. */
  readonly #entered: Set<number> | undefined;

  /** None is entered yet, unless all are. */
  constructor({ allFileSystems, includeDev }: ReadSettings) {
    this.#included = includeDev;
    this.#entered = allFileSystems ? undefined : new Set();
  }

  /** Number of the file system that a path lies on. */
  protected abstract deviceOf(path: string): number;

  /**
   * Lets the walk into the root's file system, and into those that are asked for.
   *
   * @param shown The root's path.
   * @param device Number of its file system.
   * @param virtual Whether that is made up by the kernel.
   * @throws {PxarError} If it is.
   * @throws {SystemError} If a path that is asked for is not there.
   */
  protected start(shown: string, device: number, virtual: boolean): void {
    if (virtual) {
      throw new PxarError(
        `Cannot read directory ${shown}: its file system is made up by the kernel, expected one that keeps files`,
      );
    }
    if (this.#entered === undefined) return;
    this.#entered.add(device);
    for (const path of this.#included) this.#entered.add(this.deviceOf(path));
  }

  /** Whether a file system is entered, if it keeps files. */
  protected isEntered(device: number): boolean {
    return this.#entered?.has(device) ?? true;
  }
}

/**
 * What a kind of file system may have.
 *
 * @param type As statfs tells it.
 */
export function featuresOf(type: number): Features {
  return {
    xattrs: type !== MSDOS,
    projectIds: type === EXT4 || type === XFS || type === ZFS || type === FUSE,
    fat: type === MSDOS || type === FUSE,
    disk: type !== TMPFS && type !== RAMFS,
  };
}

/**
 * Whether what is in a file system is made up by the kernel, and not to be archived.
 *
 * @param type As statfs tells it.
 */
export function isVirtual(type: number): boolean {
  return VIRTUAL.has(type);
}
