/**
 * Attributes of chattr and of FAT, as the archive and as Linux number them.
 *
 * Source: spec A.6.
 *
 * @module
 */

/** The bits that `flags` of a stat may have. */
export const FLAGS = {
  /** FAT: hidden. */
  HIDDEN: 0x2000,
  /** FAT: belongs to the system. */
  SYSTEM: 0x4000,
  /** FAT: changed since it was archived. */
  ARCHIVE: 0x8000,
  /** `a`: only appended to. */
  APPEND: 0x1_0000,
  /** `A`: time of access stays. */
  NOATIME: 0x2_0000,
  /** `c`: compressed by the file system. */
  COMPR: 0x4_0000,
  /** `C`: written in place, not copied. */
  NOCOW: 0x8_0000,
  /** `d`: left out by dump. */
  NODUMP: 0x10_0000,
  /** `D`: directory is written at once. */
  DIRSYNC: 0x20_0000,
  /** `i`: cannot be changed. */
  IMMUTABLE: 0x40_0000,
  /** `S`: is written at once. */
  SYNC: 0x80_0000,
  /** `m`: never compressed. */
  NOCOMP: 0x100_0000,
  /** `P`: children take its quota project. */
  PROJINHERIT: 0x200_0000,
} as const;

/** One attribute. */
export interface Flag {
  /** Its bit in an archive. */
  readonly stored: number;
  /** Its bit in Linux: of `FS_IOC_GETFLAGS`, or of `FAT_IOCTL_GET_ATTRIBUTES`. */
  readonly kernel: number;
  /** Whether it is set on a file while that is still empty, because it works only then. */
  readonly initial: boolean;
  /** Its name in {@linkcode FLAGS}. */
  readonly name: keyof typeof FLAGS;
}

function flag(name: keyof typeof FLAGS, kernel: number, initial = false): Flag {
  return { stored: FLAGS[name], kernel, initial, name };
}

/** The attributes of chattr. */
export const CHATTR: readonly Flag[] = [
  flag("APPEND", 0x20),
  flag("NOATIME", 0x80, true),
  flag("COMPR", 0x4, true),
  flag("NOCOW", 0x80_0000, true),
  flag("NODUMP", 0x40),
  flag("DIRSYNC", 0x1_0000),
  flag("IMMUTABLE", 0x10),
  flag("SYNC", 0x8),
  flag("NOCOMP", 0x400, true),
  flag("PROJINHERIT", 0x2000_0000, true),
];

/** The attributes of FAT. */
export const FAT: readonly Flag[] = [
  flag("HIDDEN", 0x2),
  flag("SYSTEM", 0x4),
  flag("ARCHIVE", 0x20),
];

/** Linux bits of all attributes of {@linkcode CHATTR}. */
export const CHATTR_MASK: number = mask(CHATTR);

/** Linux bits of those attributes of {@linkcode CHATTR} that are set on a file while it is still empty. */
export const INITIAL_CHATTR: number = mask(
  CHATTR.filter((flag) => flag.initial),
);

/** Linux bits of all attributes of {@linkcode FAT}. */
export const FAT_MASK: number = mask(FAT);

/** The Linux bit that is stored but, by default, not set on extract; its stored bit is `FLAGS.NODUMP`. */
export const NODUMP = 0x40;

/** Stored bits for what `FS_IOC_GETFLAGS` says; others are left out. */
export function chattrToFlags(kernel: number): number {
  return toStored(CHATTR, kernel);
}

/** What `FS_IOC_SETFLAGS` takes for stored bits; others are left out. */
export function flagsToChattr(flags: number): number {
  return toKernel(CHATTR, flags);
}

/** Stored bits for what `FAT_IOCTL_GET_ATTRIBUTES` says; others are left out. */
export function fatToFlags(kernel: number): number {
  return toStored(FAT, kernel);
}

/** What `FAT_IOCTL_SET_ATTRIBUTES` takes for stored bits; others are left out. */
export function flagsToFat(flags: number): number {
  return toKernel(FAT, flags);
}

// `&` takes a number modulo 2^32, which is exact for all flags below 2^53, and no known bit is beyond.
function toStored(table: readonly Flag[], kernel: number): number {
  let flags = 0;
  for (const flag of table) {
    if ((kernel & flag.kernel) !== 0) flags |= flag.stored;
  }
  return flags;
}

function toKernel(table: readonly Flag[], flags: number): number {
  let kernel = 0;
  for (const flag of table) {
    if ((flags & flag.stored) !== 0) kernel |= flag.kernel;
  }
  return kernel;
}

function mask(table: readonly Flag[]): number {
  return table.reduce((mask, flag) => mask | flag.kernel, 0);
}
