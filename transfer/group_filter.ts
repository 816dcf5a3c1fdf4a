/**
 * Which groups are meant: filters as the official programs have them.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { shown } from "@pxar/store/shown";
import {
  type GroupName,
  groupText,
  parseBackupType,
  parseGroup,
} from "@pxar/store/snapshot";

/** What a filter says of groups. */
export interface GroupFilter {
  /** Whether groups that match are left out; else they are wanted. */
  readonly exclude: boolean;
  /** Whether a group is one that it speaks of; the namespace is not looked at. */
  readonly matches: (group: GroupName) => boolean;
}

/**
 * Reads a filter.
 *
 * @param text `group:TYPE/ID`, `type:TYPE` or `regex:RE`, which is looked for anywhere in `TYPE/ID`; `include:` or `exclude:` may stand before it.
 * @returns The filter.
 * @throws {FormatError} If it is none.
 *
 * @example
 * ```ts
 * import { isGroupWanted, parseGroupFilter } from "@pxar/transfer/group_filter";
 *
 * const filters = ["type:host", "exclude:regex:^host/test"].map(parseGroupFilter);
 * isGroupWanted({ namespace: "", type: "host", id: "elsa" }, filters); // true
 * isGroupWanted({ namespace: "", type: "host", id: "test7" }, filters); // false
 * ```
 */
export function parseGroupFilter(text: string): GroupFilter {
  const [, sign, kind, value] =
    /^(?:(include|exclude):)?(group|type|regex):(.*)$/s.exec(text) ?? [];
  if (value === undefined) {
    throw new FormatError(
      `Cannot take group filter: it is ${
        shown(text)
      }, expected group:TYPE/ID, type:TYPE or regex:RE, with or without exclude: before it`,
    );
  }
  return { exclude: sign === "exclude", matches: matcherOf(kind!, value) };
}

/**
 * Whether a group is wanted.
 *
 * @param group The group.
 * @param filters Those that exclude leave out whatever else is said; of the others one has to match, where there are any.
 */
export function isGroupWanted(
  group: GroupName,
  filters: readonly GroupFilter[],
): boolean {
  const includes = filters.filter(({ exclude }) => !exclude);
  return (includes.length === 0 ||
    includes.some((one) => one.matches(group))) &&
    !filters.some(({ exclude, matches }) => exclude && matches(group));
}

function matcherOf(
  kind: string,
  value: string,
): (group: GroupName) => boolean {
  if (kind === "type") {
    const type = parseBackupType(value);
    return (group) => group.type === type;
  }
  if (kind === "group") {
    const text = groupText(parseGroup(value));
    return (group) => groupText(group) === text;
  }
  try {
    const pattern = new RegExp(value, "u");
    return (group) => pattern.test(groupText(group));
  } catch (cause) {
    throw new FormatError(
      `Cannot take group filter: ${
        shown(value)
      } is no regular expression, expected one`,
      { cause },
    );
  }
}
