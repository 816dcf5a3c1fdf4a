/**
 * The kernel: every call that Deno's own API has no word for, through one table of the C library.
 *
 * {@linkcode openLibc} gives the table, or `undefined` where there is none to be had; whoever gets none goes on by Deno's own API and counts what is lost.
 * Nothing outside this package knows a system call's name or number.
 *
 * ```ts
 * import { AT_FDCWD, cString, NameList, O_RDONLY, openFile, openLibc } from "@pxar/sys";
 *
 * const libc = openLibc();
 * if (libc !== undefined) {
 *   const fd = openFile(libc, AT_FDCWD, cString("/usr"), O_RDONLY);
 *   const names = NameList.read(libc, fd);
 *   if (names instanceof NameList) console.log(`${names.length} names`);
 *   libc.close(fd);
 * }
 * ```
 *
 * @module
 */
export * from "./abi.ts";
export * from "./errno.ts";
export * from "./files.ts";
export * from "./kernel.ts";
export * from "./libc.ts";
export * from "./libcrypto.ts";
export * from "./libzstd.ts";
export * from "./native.ts";
