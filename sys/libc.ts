/**
 * The C library: one table of calls, opened once.
 *
 * Every call is a plain synchronous one (15 to 30 ns beyond the system call), but `writeAsync`. Names go in as NUL-terminated buffers, places inside
 * a large buffer as addresses (`usize`, `BigInt`; see {@linkcode addressOf}), sizes below 4 GiB as `u32` (a Number for a `usize` is three times slower).
 * Nothing here needs `Deno.Unsafe*`, so that a grant of the one library file suffices: `--allow-ffi=/usr/lib/x86_64-linux-gnu/libc.so.6`.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";

/** The calls as `Deno.dlopen` wants to know them. */
export const SYMBOLS = {
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  dup: { parameters: ["i32"], result: "i32" },
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "u32"], result: "isize" },
  read: { parameters: ["i32", "usize", "u32"], result: "i32" },
  readInto: {
    name: "read",
    parameters: ["i32", "buffer", "u32"],
    result: "i32",
  },
  pread: { parameters: ["i32", "usize", "u32", "i64"], result: "i32" },
  write: { parameters: ["i32", "usize", "u32"], result: "i32" },
  writeAsync: {
    name: "write",
    parameters: ["i32", "usize", "u32"],
    result: "i32",
    nonblocking: true,
  },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "u32"], result: "i32" },
  flistxattr: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  fgetxattr: { parameters: ["i32", "buffer", "buffer", "u32"], result: "i32" },
  fsetxattr: {
    parameters: ["i32", "buffer", "buffer", "u32", "i32"],
    result: "i32",
  },
  fremovexattr: { parameters: ["i32", "buffer"], result: "i32" },
  lsetxattr: {
    parameters: ["buffer", "buffer", "buffer", "u32", "i32"],
    result: "i32",
  },
  ioctl: { parameters: ["i32", "u32", "buffer"], result: "i32" },
  posix_fadvise: { parameters: ["i32", "u32", "u32", "i32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  memcmp: { parameters: ["usize", "usize", "u32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  umask: { parameters: ["u32"], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  getegid: { parameters: [], result: "u32" },
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  mknodat: { parameters: ["i32", "buffer", "u32", "u64"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  linkat: {
    parameters: ["i32", "buffer", "i32", "buffer", "i32"],
    result: "i32",
  },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  renameat2: {
    parameters: ["i32", "buffer", "i32", "buffer", "u32"],
    result: "i32",
  },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  fchownat: {
    parameters: ["i32", "buffer", "u32", "u32", "i32"],
    result: "i32",
  },
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  syncfs: { parameters: ["i32"], result: "i32" },
  fsync: { parameters: ["i32"], result: "i32" },
  memcpy: { parameters: ["buffer", "buffer", "usize"], result: "usize" },
  peek: {
    name: "memcpy",
    parameters: ["buffer", "usize", "usize"],
    result: "usize",
  },
  errnoAt: { name: "__errno_location", parameters: [], result: "usize" },
} as const;

/** The calls, by name. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Where glibc lies: a scoped grant is compared with the path as text, so each is asked about. */
const PATHS: readonly string[] = Deno.build.arch === "aarch64"
  ? [
    "/usr/lib/aarch64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.so.6",
  ]
  : [
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.so.6",
  ];

let opened: Libc | undefined;
let tried = false;

/**
 * Opens the C library, once.
 *
 * @returns Its calls, or `undefined` where the system is not Linux with glibc on x86-64 or aarch64, or where the permission is not granted; never asks for it.
 */
export function openLibc(): Libc | undefined {
  if (tried) return opened;
  tried = true;
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.build.arch !== "x86_64" && Deno.build.arch !== "aarch64") {
    return undefined;
  }
  for (const path of PATHS) {
    if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") {
      continue;
    }
    try {
      opened = Deno.dlopen(path, SYMBOLS).symbols;
      return opened;
    } catch {
      // Not there, or another C library: the next path may do, and without any the caller goes on by Deno's own API.
    }
  }
  return undefined;
}

/**
 * Where `bytes` starts in memory. An ArrayBuffer does not move, so the number holds as long as the buffer lives.
 *
 * @param libc The C library.
 * @param bytes Not empty.
 */
export function addressOf(libc: Libc, bytes: Bytes): number {
  return Number(libc.memcpy(bytes, bytes, 0n));
}

const NUMBER = new Int32Array(1);
const NUMBER_BYTES = new Uint8Array(NUMBER.buffer);

/**
 * The error number of the synchronous call that has just failed; a nonblocking call loses it.
 *
 * @param libc The C library.
 */
export function errno(libc: Libc): number {
  libc.peek(NUMBER_BYTES, libc.errnoAt(), 4n);
  return NUMBER[0]!;
}

/**
 * A path or name as C wants it.
 *
 * @param text Text, or raw bytes without NUL.
 * @returns The same with a NUL behind it.
 * @throws {TypeError} If there is a NUL inside.
 */
export function cString(text: string | Uint8Array): Bytes {
  const bytes = typeof text === "string"
    ? new TextEncoder().encode(text)
    : text;
  if (bytes.includes(0)) {
    throw new TypeError("Cannot use name: it has a NUL inside, expected none");
  }
  const out = new Uint8Array(bytes.length + 1);
  out.set(bytes);
  return out;
}
