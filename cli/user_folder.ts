/**
 * Where a user's own files lie.
 *
 * @module
 */

/**
 * A folder of the XDG specification.
 *
 * @param variable What says where it is, such as `XDG_DATA_HOME`; a path that is not absolute does not count.
 * @param usual Where it is in the home folder, where the variable says nothing.
 * @returns Its path, whether it is there or not; `undefined` if there is no home folder either.
 */
export function userFolder(
  variable: string,
  usual: string,
): string | undefined {
  const set = Deno.env.get(variable) ?? "";
  if (set.startsWith("/")) return set;
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? "";
  return home === "" ? undefined : `${home}/${usual}`;
}
