/**
 * Constants of the Linux system call interface, for the processor that runs.
 *
 * @module
 */

const ARM = Deno.build.arch === "aarch64";

/** Stands for the working directory where a directory descriptor is asked for. */
export const AT_FDCWD: number = -100;
/** Works on a symlink itself. */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** An empty name means the descriptor itself. */
export const AT_EMPTY_PATH = 0x1000;

/** open: reading only. */
export const O_RDONLY = 0;
/** open: writing only. */
export const O_WRONLY = 1;
/** open: reading and writing. */
export const O_RDWR = 2;
/** open: makes the file. */
export const O_CREAT = 0o100;
/** open: with `O_CREAT`, fails where something is. */
export const O_EXCL = 0o200;
/** open: no controlling terminal. */
export const O_NOCTTY = 0o400;
/** open: empties the file. */
export const O_TRUNC = 0o1000;
/** open: never waits, not for a fifo's other end either. */
export const O_NONBLOCK = 0o4000;
/** open: only a directory. */
export const O_DIRECTORY: number = ARM ? 0o40000 : 0o200000;
/** open: fails at a symlink in the last place. */
export const O_NOFOLLOW: number = ARM ? 0o100000 : 0o400000;
/** open: reading leaves the time of access alone; only for the owner and root. */
export const O_NOATIME = 0o1000000;
/** open: not passed on to programs started. */
export const O_CLOEXEC = 0o2000000;
/** open: a descriptor that only names the file. */
export const O_PATH = 0o10000000;

/** File type bits of a mode. */
export const S_IFMT = 0o170000;
/** Socket. */
export const S_IFSOCK = 0o140000;
/** Symlink. */
export const S_IFLNK = 0o120000;
/** Regular file. */
export const S_IFREG = 0o100000;
/** Block device. */
export const S_IFBLK = 0o060000;
/** Directory. */
export const S_IFDIR = 0o040000;
/** Character device. */
export const S_IFCHR = 0o020000;
/** Fifo. */
export const S_IFIFO = 0o010000;

/** ioctl: the attributes that chattr sets. */
export const FS_IOC_GETFLAGS = 0x80086601;
/** ioctl: sets the attributes that chattr sets. */
export const FS_IOC_SETFLAGS = 0x40086602;
/** ioctl: struct fsxattr, with the quota project id. */
export const FS_IOC_FSGETXATTR = 0x801c581f;
/** ioctl: sets struct fsxattr. */
export const FS_IOC_FSSETXATTR = 0x401c5820;
/** ioctl: attributes of a FAT file. */
export const FAT_IOCTL_GET_ATTRIBUTES = 0x80047210;
/** ioctl: sets the attributes of a FAT file. */
export const FAT_IOCTL_SET_ATTRIBUTES = 0x40047211;

/** fcntl: sets a record lock that belongs to the open file, not to the process; it and `F_SETLK` see one another. */
export const F_OFD_SETLK = 37;
/** struct flock: for reading, shared. */
export const F_RDLCK = 0;
/** struct flock: for writing, exclusive. */
export const F_WRLCK = 1;
/** struct flock: nothing held. */
export const F_UNLCK = 2;
/** flock: shared. */
export const LOCK_SH = 1;
/** flock: exclusive. */
export const LOCK_EX = 2;
/** flock: never waits. */
export const LOCK_NB = 4;
/** flock: nothing held. */
export const LOCK_UN = 8;

/** utimensat: sets this time to now. */
export const UTIME_NOW = 0x3fffffff;
/** utimensat: leaves this time as it is. */
export const UTIME_OMIT = 0x3ffffffe;
/** statx: all basic fields. */
export const STATX_BASIC_STATS = 0x7ff;
/** posix_fadvise: will be read soon. */
export const POSIX_FADV_WILLNEED = 3;
/** getrlimit: how many descriptors a process may have. */
export const RLIMIT_NOFILE = 7;
