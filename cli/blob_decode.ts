/**
 * `pxar blob decode`: what is in a blob.
 *
 * @module
 */
import { decodeBlob, headerSize, MAX_BLOB, parseBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import type { Bytes } from "@pxar/format/bytes";
import { openNative } from "@pxar/sys/native";
import { type Command, command } from "./command.ts";
import { FORCE, JSON_FLAG, KEY_OPTIONS } from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import { keyFor, namedKey } from "./key_choice.ts";
import { printBytes, printJson } from "./output.ts";
import { Outputs } from "./outputs.ts";
import { printResult, PROPERTIES } from "./table.ts";
import { readWhole } from "./whole_file.ts";

/** Most bytes of a file: a header, and data that is not compressed. */
const MOST_FILE = MAX_BLOB + headerSize("encrypted");

/** The command. */
export const COMMAND: Command = command({
  name: "blob decode",
  summary: "Print what is in a blob: a chunk, a configuration, a manifest",
  operands: [{
    name: "FILE",
    help: "a .blob file or a chunk of a datastore; - is standard input",
  }],
  options: {
    ...KEY_OPTIONS,
    output: {
      kind: "text",
      value: "FILE",
      short: "o",
      help: "where its data goes (default: standard output)",
    },
    force: FORCE,
    info: { kind: "flag", help: "instead, show how it is stored" },
    json: { ...JSON_FLAG, help: "with --info: as JSON" },
  },
  notes:
    `At most 128 MiB come out. With --info, the digest is that of the data, which is a
chunk's name; of what is encrypted, it is shown with --keyfile only.`,
  examples: [
    {
      run: "pxar blob decode index.json.blob",
      does: "prints a manifest",
    },
    {
      run: "pxar blob decode fw.conf.blob --keyfile key.json -o fw.conf",
      does: "decrypts a file",
    },
  ],
  run: async ({ options, operands: [path] }) => {
    const { output, force, info, json } = options;
    if (info && output !== undefined) {
      throw new UsageError("Cannot use --info with --output: expected one");
    }
    if (json && !info) {
      throw new UsageError("Cannot use --json without --info: expected both");
    }
    const blob = readWhole(path!, MOST_FILE);
    const { iv } = parseBlob(blob);
    if (info) {
      await showInfo(blob, await namedKey(options), json);
      return EXIT.done;
    }
    const key = await keyFor(options, iv !== undefined);
    const data = await dataOf(blob, key);
    if (output === undefined) printBytes(data);
    else await writeOut(output, data, force);
    return EXIT.done;
  },
});

async function dataOf(blob: Bytes, key: CryptKey | undefined): Promise<Bytes> {
  const codecs = await openCodecs(openNative());
  return await decodeBlob(blob, { codecs, key, limit: MAX_BLOB });
}

async function writeOut(
  path: string,
  data: Bytes,
  force: boolean,
): Promise<void> {
  const outputs = new Outputs(force);
  try {
    await outputs.add(path).write(data);
    outputs.finish(true);
  } finally {
    outputs.discard();
  }
}

async function showInfo(
  blob: Bytes,
  key: CryptKey | undefined,
  json: boolean,
): Promise<void> {
  const { kind, crc, iv, tag } = parseBlob(blob);
  const data = iv === undefined || key !== undefined
    ? await dataOf(blob, key)
    : undefined;
  const told = {
    kind,
    size: blob.length,
    crc: crc.toString(16).padStart(8, "0"),
    iv: iv && hexOf(iv),
    tag: tag && hexOf(tag),
    "data-size": data?.length,
    digest: data && hexOf(digestOf(data, iv && key)),
  };
  if (json) return printJson(told);
  printResult("text", null, () => ({
    columns: PROPERTIES,
    header: false,
    rows: Object.entries(told).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]]
    ),
  }));
}
