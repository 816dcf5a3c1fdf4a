// Libraries of the system besides the C library: opened where they are and the one file is permitted; nobody is ever asked.

/** Where Debian, Fedora and Arch keep libraries: a scoped grant is compared with the path as text, so each is asked about. */
const FOLDERS: readonly string[] = [
  `/usr/lib/${Deno.build.arch}-linux-gnu/`,
  `/lib/${Deno.build.arch}-linux-gnu/`,
  "/usr/lib64/",
  "/lib64/",
  "/usr/lib/",
  "/lib/",
];

/**
 * Opens a library.
 *
 * @param names Its file names, one for each version of its interface that will do, the best first.
 * @param symbols The calls as `Deno.dlopen` wants to know them.
 * @returns Its calls, or `undefined` where the system is not Linux on x86-64 or aarch64, the library is not there, or is not permitted.
 */
export function openLibrary<S extends Deno.ForeignLibraryInterface>(
  names: readonly string[],
  symbols: S,
): Deno.DynamicLibrary<S>["symbols"] | undefined {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64" && arch !== "aarch64") {
    return undefined;
  }
  for (const name of names) {
    for (const folder of FOLDERS) {
      const path = folder + name;
      const { state } = Deno.permissions.querySync({ name: "ffi", path });
      if (state !== "granted") continue;
      try {
        return Deno.dlopen(path, symbols).symbols;
      } catch {
        // Not there, or another library: the next may do.
      }
    }
  }
  return undefined;
}
