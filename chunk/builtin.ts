// Node's own modules, where they are: in Deno, Node and Bun, not in a browser. Asked for synchronously, at first use.

/** The modules that are used, by name. */
interface Modules {
  "node:crypto": typeof import("node:crypto");
  "node:fs": typeof import("node:fs");
  "node:os": typeof import("node:os");
  "node:path": typeof import("node:path");
  "node:worker_threads": typeof import("node:worker_threads");
  "node:zlib": typeof import("node:zlib");
}

/**
 * One of Node's own modules.
 *
 * @param name Its name.
 * @returns The module, or `undefined` where there is none.
 * @internal
 */
export function nodeModule<Name extends keyof Modules>(
  name: Name,
): Modules[Name] | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.(name) as Modules[Name] | undefined;
}
