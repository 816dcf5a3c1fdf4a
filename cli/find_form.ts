/**
 * What was found, as lines and as JSON.
 *
 * @module
 */
import { CATALOG_TYPES, type CatalogKind } from "@pxar/codec/catalog";
import { backupTimeText } from "@pxar/store/backup_time";
import {
  groupText,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import type { Hit } from "@pxar/transfer/find";
import type { Version } from "@pxar/transfer/versions";
import { EXIT, ExitError } from "./exits.ts";
import { lazy } from "./lazy.ts";
import { absolute, jsonName, jsonPath, quote } from "./names.ts";
import { JsonArray, Lines } from "./output.ts";
import { localTime, longText, utcText } from "./show.ts";

/**
 * The error for a search that ended without a hit.
 *
 * @param where Where was looked.
 */
export function nothing(where: string): ExitError {
  return new ExitError(
    EXIT.missing,
    `Cannot find an entry that fits: there is none in ${where}`,
  );
}

/** Where a hit is, as JSON has it. */
export interface Place {
  /** Such as `host/elsa/2023-11-14T22:13:20Z`. */
  readonly snapshot?: string;
  /** Where that is, but for the root. */
  readonly namespace?: string | undefined;
  /** Such as `root.pxar`. */
  readonly archive?: string;
}

/** How hits are shown. */
export interface Form {
  /** Shows one. */
  readonly hit: (hit: Hit, place: Place) => void;
  /** Writes out what was gathered. */
  readonly flush: () => void;
  /** Ends it. */
  readonly end: () => void;
}

/**
 * Hits as lines.
 *
 * @param long Whether with all that is known.
 */
export function textForm(long: boolean): Form {
  const lines = new Lines();
  return {
    hit: (hit, { snapshot, namespace, archive }) =>
      lines.line(
        (long ? `${longLine(hit)} ` : "") +
          (namespace === undefined ? "" : `--ns ${namespace} `) +
          (snapshot === undefined ? "" : `${snapshot}:${archive} `) +
          absolute(quote(hit.path)),
      ),
    flush: () => lines.end(),
    end: () => lines.end(),
  };
}

/** Hits as a JSON array. */
export async function jsonForm(): Promise<Form> {
  const { jsonEntry } = await lazy("./json_entry.ts");
  const array = new JsonArray();
  return {
    hit: ({ entry, path, kind, size, mtime }, place) =>
      array.add({
        ...place,
        ...(entry !== undefined ? jsonEntry(entry, path, size ?? 0) : {
          ...jsonPath(path),
          kind,
          mtime: mtime === undefined ? undefined : utcText(mtime),
          secs: mtime,
          size,
        }),
      }),
    flush: () => {},
    end: () => array.end(),
  };
}

/**
 * The letter that stands for a kind, as for `--type`.
 *
 * @param kind What it is.
 * @returns One of `f d l h b c p s`.
 */
export function kindLetter(kind: CatalogKind): string {
  return String.fromCharCode(CATALOG_TYPES[kind]);
}

/**
 * Prints versions.
 *
 * @param versions All of them, those of one entry one after the other.
 * @param json Whether as a JSON array.
 * @param many Whether they are of several namespaces.
 */
export function printVersions(
  versions: Iterable<Version>,
  json: boolean,
  many: boolean,
): void {
  if (!json) {
    const lines = new Lines();
    for (const version of versions) lines.line(versionLine(version, many));
    return lines.end();
  }
  const array = new JsonArray();
  for (const version of versions) {
    const { group, archive, path, kind, size, mtime, target } = version;
    array.add({
      namespace: group.namespace || undefined,
      group: groupText(group),
      archive,
      ...jsonPath(path),
      kind,
      mtime: mtime === undefined ? undefined : utcText(mtime),
      secs: mtime,
      size,
      ...(target !== undefined && jsonName("target", target)),
      snapshots: version.runs.flat().map(snapshotText),
      of: version.of,
    });
  }
  array.end();
}

/** Such as `f 1290 2020-09-14 12:54:22 host/h1:root.pxar "/docs/f00.txt" in 2 of 3: 2023-11-14T22:13:20Z..2023-11-15T22:13:20Z`. */
function versionLine(version: Version, many: boolean): string {
  const { group, archive, path, kind, size, mtime, target, runs } = version;
  const { namespace } = group;
  const time = mtime === undefined ? "-" : localTime(mtime);
  const count = runs.reduce((sum, { length }) => sum + length, 0);
  const where = many && namespace !== "" ? `--ns ${namespace} ` : "";
  const to = target === undefined ? "" : ` -> "${quote(target)}"`;
  return `${kindLetter(kind)} ${String(size ?? "-").padStart(8)} ${
    time.padEnd(19)
  } ${where}${groupText(group)}:${archive} ${
    absolute(quote(path))
  }${to} in ${count} of ${version.of}: ${runs.map(runText).join(", ")}`;
}

/** The oldest and the newest, the newest being the first. */
function runText(run: readonly SnapshotName[]): string {
  const [oldest, newest] = [run.at(-1)!, run[0]!].map(({ time }) =>
    backupTimeText(time)
  );
  return run.length === 1 ? newest! : `${oldest}..${newest}`;
}

/** What a catalog does not know is a question mark. */
function longLine({ entry, kind, size, mtime }: Hit): string {
  if (entry !== undefined) return longText(entry, size ?? 0);
  const letter = kind === "file" ? "-" : kindLetter(kind);
  const time = mtime === undefined ? "?" : localTime(mtime);
  return `${letter}?????????   ${"?/?".padEnd(13)} ${time.padEnd(19)} ${
    String(size ?? "?").padStart(8)
  }`;
}
