/**
 * `pxar catalog dump`: everything that is in the archives of a snapshot.
 *
 * @module
 */
import {
  CATALOG_TYPES,
  type CatalogEntry,
  type CatalogKind,
} from "@pxar/codec/catalog";
import { CatalogReader } from "@pxar/codec/catalog_reader";
import { decode } from "@pxar/codec/decode";
import type { Bytes } from "@pxar/format/bytes";
import { NotFoundError } from "@pxar/format/errors";
import { CATALOG_NAME, parseArchiveName } from "@pxar/store/archive_name";
import { manifestFile } from "@pxar/store/manifest";
import { PathTracker } from "@pxar/transfer/path";
import type { OpenSnapshot } from "@pxar/transfer/open";
import { backupOf } from "./archive_ref.ts";
import { type Command, command } from "./command.ts";
import {
  KEY_OPTIONS,
  NAMESPACE,
  SNAPSHOT,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT } from "./exits.ts";
import { concat, quote } from "./names.ts";
import { openChosen } from "./open_snapshot.ts";
import { Lines } from "./output.ts";
import { sizeOf, typeLetter, utcText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "catalog dump",
  summary: "List all that is in the archives of a snapshot",
  operands: [{
    ...SNAPSHOT,
    help: "TYPE/ID/TIME; TYPE/ID means its newest finished one",
  }],
  options: { ...STORE_OPTIONS, ns: NAMESPACE, ...KEY_OPTIONS },
  notes:
    `Each line has a type (d directory, f file, l symlink, h hardlink, b and c devices,
p fifo, s socket), the path, and of a file its size and time (UTC). Where there
is no catalog, as with split archives, their metadata is read.`,
  examples: [
    {
      run: "pxar catalog dump host/elsa/2023-11-14T22:13:20Z",
      does: "lists a snapshot",
    },
    {
      run: "pxar catalog dump host/elsa --keyfile key.json",
      does: "the newest one of a group, which is encrypted",
    },
  ],
  run: async ({ options, operands: [text] }) => {
    const name = backupOf(text!, options.ns), lines = new Lines();
    await interruptible(async ({ signal }) => {
      const voice = new Voice(false);
      await using snapshot = await openChosen(name, options, voice, signal);
      await dump(snapshot, lines, signal);
    });
    lines.end();
    return EXIT.done;
  },
});

async function dump(
  snapshot: OpenSnapshot,
  lines: Lines,
  signal: AbortSignal,
): Promise<void> {
  const { manifest } = snapshot;
  const catalog = manifestFile(manifest, CATALOG_NAME);
  if (catalog !== undefined) {
    await using reader = await CatalogReader.open(
      await snapshot.access(catalog.name, { signal }),
    );
    for await (const page of reader.walk(reader.root, { signal })) {
      for (const { entry, path } of page) lines.line(catalogLine(entry, path));
    }
    return;
  }
  const archives = manifest.files.filter(({ name }) =>
    parseArchiveName(name).content === "metadata"
  ).sort((a, b) => a.name < b.name ? -1 : 1);
  if (archives.length === 0) {
    throw new NotFoundError(
      "Cannot list the snapshot: it has no catalog and no split archive",
    );
  }
  for (const archive of archives) {
    const prefix = new TextEncoder().encode(`${archive.name}/`);
    const paths = new PathTracker();
    const source = await snapshot.source(archive.name, { signal });
    for await (const batch of decode(source, { signal })) {
      for (const entry of batch) {
        if (entry.kind === "end") {
          paths.leave();
          continue;
        }
        if (entry.kind === "version" || entry.kind === "prelude") continue;
        paths.enter(entry);
        // The root itself is not listed.
        if (paths.path.length === 0) continue;
        lines.line(line(
          typeLetter(entry),
          concat([prefix, paths.path]),
          entry.kind === "file" ? sizeOf(entry) : undefined,
          entry.secs,
        ));
      }
    }
  }
}

function catalogLine(
  { kind, size, mtime }: CatalogEntry,
  path: Bytes,
): string {
  return line(LETTERS[kind], path, size, mtime ?? 0);
}

const LETTERS = Object.fromEntries(
  Object.entries(CATALOG_TYPES).map((
    [kind, type],
  ) => [kind, String.fromCharCode(type)]),
) as Record<CatalogKind, string>;

/** `size` is that of a file; else there is none. */
function line(
  letter: string,
  path: Bytes,
  size: number | undefined,
  secs: number,
): string {
  const shown = `${letter} "./${quote(path)}"`;
  return size === undefined ? shown : `${shown} ${size} ${utcText(secs)}`;
}
