/**
 * Numbers of users and groups that have names on this machine.
 *
 * @module
 */

/** Finds numbers by names. */
export interface AccountNames {
  /** A user's number; `undefined` where there is none of that name. */
  readonly user: (name: string) => number | undefined;
  /** A group's number; `undefined` where there is none of that name. */
  readonly group: (name: string) => number | undefined;
}

/** Looks into `/etc/passwd` and `/etc/group`, when the first name is asked for. */
export function accountNames(): AccountNames {
  return { user: finder("/etc/passwd"), group: finder("/etc/group") };
}

function finder(path: string): (name: string) => number | undefined {
  let known: ReadonlyMap<string, number> | undefined;
  return (name) => (known ??= readNames(path)).get(name);
}

/** Lines `name:password:number:…`. */
function readNames(path: string): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch {
    return names; // What is named by number needs none.
  }
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (name && number && /^\d+$/.test(number) && !names.has(name)) {
      names.set(name, Number(number));
    }
  }
  return names;
}
