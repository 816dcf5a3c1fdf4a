// tests/vectors/store/names.json: what is in it, and names made at random.
import { MAX_NAMESPACE_DEPTH } from "@pxar/store/namespace";
import { BACKUP_TYPES, type SnapshotName } from "@pxar/store/snapshot";
import fc from "fast-check";
import { type Case, type Result, storeVector } from "./vectors.ts";

/** What the official parser tells of a namespace. */
export interface NamespaceCase {
  readonly depth: number;
  readonly display: string;
  readonly nameLength: number;
  readonly path: string;
  readonly pathLength: number;
}

/** The file. */
export interface Names {
  readonly accepted: {
    readonly [schema: string]: readonly (readonly [string, boolean])[];
  } & {
    readonly backupTimeSchema: readonly (readonly [number, boolean])[];
  };
  readonly archiveFromPath: readonly Case<string>[];
  readonly archiveName: readonly Case<
    { base: string; extension: string; name: string }
  >[];
  readonly backupSpecification: readonly Case<
    { archive: string; source: string }
  >[];
  readonly formatUtc: readonly { epoch: string; result: Result<string> }[];
  readonly formatLocal: readonly unknown[];
  readonly group: readonly Case<{ id: string; type: string }>[];
  readonly groupOrSnapshot: readonly Case<
    { group: string } | { snapshot: string }
  >[];
  readonly groupSortOrder: readonly string[];
  readonly lockFileEscape: readonly {
    escaped: string;
    lockFile: string;
    path: string;
  }[];
  readonly namespace: readonly Case<NamespaceCase>[];
  readonly namespaceAndSnapshot: readonly Case<
    { ns: string; printed: string; snapshot: string }
  >[];
  readonly namespacePath: readonly Case<NamespaceCase>[];
  readonly namespaceSchema: readonly (readonly [string, boolean])[];
  readonly parseRfc3339: readonly Case<number>[];
  readonly snapshot: readonly Case<
    { display: string; id: string; time: number; type: string }
  >[];
  readonly type: readonly Case<string>[];
}

export const NAMES = storeVector<Names>("names.json");

/** Any safe id, short ones more often. */
export const SAFE_IDS = fc.stringMatching(
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,30}$/,
);

/** Any namespace, the root too. */
export const NAMESPACES = fc.array(SAFE_IDS, {
  maxLength: MAX_NAMESPACE_DEPTH,
}).map((parts) => parts.join("/"));

/** Any time that can name a snapshot. */
export const TIMES = fc.oneof(
  fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }),
  fc.integer({ min: 1_500_000_000, max: 2_000_000_000 }),
).filter((secs) => secs !== -1);

/** Any snapshot. */
export const SNAPSHOTS: fc.Arbitrary<SnapshotName> = fc.record({
  namespace: NAMESPACES,
  type: fc.constantFrom(...BACKUP_TYPES),
  id: fc.oneof(SAFE_IDS, fc.stringMatching(/^[0-9]{1,22}$/)),
  time: TIMES,
}, { noNullPrototype: true });
