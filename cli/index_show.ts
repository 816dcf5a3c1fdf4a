/**
 * `pxar index show`: what an index says of its archive.
 *
 * @module
 */
import type { ChunkIndex } from "@pxar/chunk/chunk_index";
import { hexOf, sameBytes } from "@pxar/chunk/digest";
import { openIndex } from "@pxar/chunk/open_index";
import type { Bytes } from "@pxar/format/bytes";
import { NotFoundError } from "@pxar/format/errors";
import { parseArchiveName } from "@pxar/store/archive_name";
import { type ManifestFile, manifestFile } from "@pxar/store/manifest";
import { snapshotText } from "@pxar/store/snapshot";
import { type Command, command } from "./command.ts";
import { JSON_FLAG, NAMESPACE, STORE_OPTIONS } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { openAccess } from "./open_file.ts";
import { openStore, type StoreChoice } from "./open_store.ts";
import { jsonText, Lines, printJson } from "./output.ts";
import { utcText } from "./show.ts";
import { interruptible } from "./signals.ts";
import { asUsage, groupOrSnapshotOf, newestOf } from "./store_names.ts";
import { printResult, PROPERTIES } from "./table.ts";
import { Voice } from "./voice.ts";

/** The command. */
export const COMMAND: Command = command({
  name: "index show",
  summary: "Show what an index says of its archive",
  operands: [{
    name: "FILE|SNAPSHOT",
    help:
      "a .didx or .fidx file; or TYPE/ID/TIME, or TYPE/ID for its newest one",
  }, {
    name: "ARCHIVE",
    help: "of a snapshot: the archive, such as root.pxar or disk.img",
    optional: true,
  }],
  options: {
    ...STORE_OPTIONS,
    ns: NAMESPACE,
    chunks: {
      kind: "flag",
      help: "list the chunks: digest, first byte, byte behind the last",
    },
    json: JSON_FLAG,
  },
  notes:
    `The checksum is computed from all entries; where the header or the manifest has
another one, the exit code is 4.`,
  examples: [
    { run: "pxar index show root.pxar.didx", does: "shows a file" },
    {
      run: "pxar index show host/elsa root.pxar --chunks",
      does: "lists the chunks of an archive",
    },
  ],
  run: async ({ options, operands: [what, archive] }) => {
    const voice = new Voice(false);
    return await interruptible(async ({ signal }) => {
      const { index, stated: file, close } = archive === undefined
        ? await openLone(what!)
        : await openListed(what!, archive, options, voice);
      try {
        const csum = await index.csum({ signal });
        const stated = file?.csum;
        const told = factsOf(index, csum, stated);
        if (options.chunks) {
          await listChunks(index, options.json ? told : undefined, signal);
        } else if (options.json) printJson(told);
        else {
          printResult("text", null, () => ({
            columns: PROPERTIES,
            header: false,
            rows: Object.entries({
              ...told,
              ctime: utcText(index.ctime),
            }).flatMap(([name, value]) =>
              value === undefined ? [] : [[name, String(value)]]
            ),
          }));
        }
        const wrong = [["header", index.headerCsum], ["manifest", stated]]
          .flatMap(([where, other]) =>
            other === undefined || sameBytes(other as Bytes, csum)
              ? []
              : [where]
          );
        for (const where of wrong) {
          voice.problem(
            `the entries have the checksum ${
              hexOf(csum)
            }, expected that of the ${where}`,
          );
        }
        if (file !== undefined && file.size !== index.size) {
          voice.problem(
            `the index stands for ${index.size} bytes, expected ${file.size}, as the manifest says`,
          );
          return EXIT.damaged;
        }
        return wrong.length > 0 ? EXIT.damaged : EXIT.done;
      } finally {
        await close();
      }
    });
  },
});

/** An open index. */
interface Opened {
  readonly index: ChunkIndex;
  /** What the manifest says of it, where one does. */
  readonly stated: ManifestFile | undefined;
  readonly close: () => Promise<void>;
}

async function openLone(path: string): Promise<Opened> {
  const index = await openIndex(openAccess(path));
  return { index, stated: undefined, close: () => index.close() };
}

async function openListed(
  text: string,
  archive: string,
  options: StoreChoice & { readonly ns: string | undefined },
  voice: Voice,
): Promise<Opened> {
  const name = groupOrSnapshotOf(text, options.ns);
  const { server, client, kind } = asUsage(() => parseArchiveName(archive));
  if (kind === "blob") {
    throw new UsageError(
      `Cannot show the index of ${client}: it is stored as a blob, expected an archive or image`,
    );
  }
  const store = await openStore(options, voice);
  const snapshot = newestOf(store, name);
  const reader = await store.open(snapshot);
  try {
    const manifest = await reader.manifest();
    const file = manifestFile(manifest, server);
    if (file === undefined) {
      const there = manifest.files.map((one) => parseArchiveName(one.name))
        .filter((one) => one.kind !== "blob").map((one) => one.client);
      throw new NotFoundError(
        `Cannot find ${client} in ${snapshotText(snapshot)}: expected ${
          there.length === 0
            ? "one with archives"
            : `one of ${there.join(", ")}`
        }`,
      );
    }
    const index = await openIndex(await reader.file(server));
    const close = async () => {
      await index.close();
      await reader[Symbol.asyncDispose]();
    };
    return { index, stated: file, close };
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

function factsOf(
  index: ChunkIndex,
  csum: Bytes,
  stated: Bytes | undefined,
): Record<string, string | number | undefined> {
  return {
    kind: index.kind,
    size: index.size,
    count: index.count,
    "chunk-size": index.chunkSize,
    uuid: hexOf(index.uuid).replace(
      /^(.{8})(.{4})(.{4})(.{4})(.{12})$/,
      "$1-$2-$3-$4-$5",
    ),
    ctime: index.ctime,
    csum: hexOf(csum),
    "header-csum": hexOf(index.headerCsum),
    "manifest-csum": stated && hexOf(stated),
  };
}

/** Lines; or with facts one JSON document, written as it comes: there may be millions. */
async function listChunks(
  index: ChunkIndex,
  told: Record<string, unknown> | undefined,
  signal: AbortSignal,
): Promise<void> {
  const lines = new Lines();
  if (told !== undefined) {
    const head = jsonText(told, 2).replace(/\n}$/, "");
    lines.line(`${head},\n  "chunks": [`);
  }
  let number = 0;
  for await (const batch of index.chunks()) {
    signal.throwIfAborted();
    for (const { start, end, digest } of batch) {
      number++;
      const comma = number < index.count ? "," : "";
      lines.line(
        told === undefined
          ? `${hexOf(digest)} ${start} ${end}`
          : `    ${jsonText({ digest: hexOf(digest), start, end })}${comma}`,
      );
    }
  }
  if (told !== undefined) lines.line("  ]\n}");
  lines.end();
}
