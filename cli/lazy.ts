/**
 * Modules that are only loaded when they are wanted.
 *
 * @module
 */

/** The modules, by their files. */
interface Modules {
  "./cat.ts": typeof import("./cat.ts");
  "./check.ts": typeof import("./check.ts");
  "./create.ts": typeof import("./create.ts");
  "./endings.ts": typeof import("./endings.ts");
  "./extract.ts": typeof import("./extract.ts");
  "./find.ts": typeof import("./find.ts");
  "./help.ts": typeof import("./help.ts");
  "./info.ts": typeof import("./info.ts");
  "./json_entry.ts": typeof import("./json_entry.ts");
  "./list.ts": typeof import("./list.ts");
  "./look.ts": typeof import("./look.ts");
  "./losses.ts": typeof import("./losses.ts");
  "./ls.ts": typeof import("./ls.ts");
  "./names.ts": typeof import("./names.ts");
  "./one_file.ts": typeof import("./one_file.ts");
  "./show.ts": typeof import("./show.ts");
  "./stat.ts": typeof import("./stat.ts");
  "./std_text.ts": typeof import("./std_text.ts");
}

/**
 * Loads a module of this folder.
 *
 * Not a plain `import("./help.ts")`: Deno reads and parses every file behind one before the program starts. Measured: that costs a third of an empty
 * program's time.
 *
 * @param path The module's file.
 * @returns The module.
 */
export async function lazy<Path extends keyof Modules>(
  path: Path,
): Promise<Modules[Path]> {
  return await import(path);
}
