// The packages of this workspace, as their deno.json files tell.

/** One package. */
export interface Package {
  /** Its folder, from the project's root; empty for the root itself. */
  readonly folder: string;
  /** Such as `@pxar/format`. */
  readonly name: string;
  /** Such as `0.1.0`. */
  readonly version: string;
  /** The modules it offers, as paths from the project's root. */
  readonly modules: readonly string[];
  /** What would be published, as its deno.json says. */
  readonly include: readonly string[];
}

/** The project's root. */
export const ROOT: string = new URL("..", import.meta.url).pathname;

/** Every package: the root, then the members in order. */
export function packages(): Package[] {
  const root = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  const folders = [
    "",
    ...root.workspace.map((member: string) => member.slice(2)),
  ];
  return folders.map((folder) => {
    const at = folder === "" ? "" : `${folder}/`;
    const json = JSON.parse(Deno.readTextFileSync(`${ROOT}${at}deno.json`));
    const exports: string[] = typeof json.exports === "string"
      ? [json.exports]
      : Object.values(json.exports);
    return {
      folder,
      name: json.name,
      version: json.version,
      modules: exports.map((path) => at + path.slice(2)),
      include: json.publish?.include ?? [],
    };
  });
}

/**
 * Runs this Deno with `args` in `folder` of the project.
 *
 * @returns Whether it ended well.
 */
export async function deno(args: string[], folder = ""): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT + folder,
    stdin: "null",
  }).spawn().status;
  return success;
}
