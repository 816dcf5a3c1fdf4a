/**
 * One step of the deep proof in a process of its own: `encode|decode|check FILE CHAINS LEVELS`.
 *
 * @module
 */
import { check } from "@pxar/codec/check";
import { decode } from "@pxar/codec/decode";
import { encode } from "@pxar/codec/encode";
import { fileAccess } from "@pxar/codec/random_access";
import { type Batch, makeEntry } from "@pxar/format/entry";
import { dirMetadata } from "@pxar/format/metadata";

const [verb, path, chains, levels] = Deno.args;
if (path === undefined) throw new TypeError("Expected a file");
const expected = 2 + 2 * Number(chains) * Number(levels);

function* tree(): Generator<Batch> {
  const metadata = dirMetadata(0o755).mtime(1_700_000_000).build();
  const end = makeEntry("end");
  const inner = makeEntry("directory", {
    ...metadata,
    name: new TextEncoder().encode("d"),
  });
  const batch = (count: number, entry: typeof end): Batch =>
    new Array(count).fill(entry);
  yield [makeEntry("directory", metadata)];
  for (let chain = 0; chain < Number(chains); chain++) {
    const name = new TextEncoder().encode(String(chain).padStart(8, "0"));
    yield [makeEntry("directory", { ...metadata, name })];
    for (let left = Number(levels) - 1; left > 0; left -= 64) {
      yield batch(Math.min(64, left), inner);
    }
    for (let left = Number(levels); left > 0; left -= 64) {
      yield batch(Math.min(64, left), end);
    }
  }
  yield [end];
}

async function encodeTree(file: string): Promise<void> {
  using out = Deno.createSync(file);
  const write = (piece: Uint8Array): void => {
    for (let at = 0; at < piece.length;) {
      at += out.writeSync(piece.subarray(at));
    }
  };
  await encode(tree(), { metadata: { write } });
}

async function decodeTree(file: string): Promise<void> {
  let entries = 0;
  const input = await Deno.open(file);
  for await (const batch of decode(input.readable)) entries += batch.length;
  if (entries !== expected) {
    throw new Error(`Decoded ${entries} entries, expected ${expected}`);
  }
}

async function checkTree(file: string): Promise<void> {
  const access = await fileAccess(file);
  const result = await check(access);
  await access.close?.();
  const directories = 1 + Number(chains) * Number(levels);
  if (
    result.damages > 0 || !result.complete || result.directories !== directories
  ) {
    const { damage, ...counts } = result;
    throw new Error(JSON.stringify({ counts, damage: damage.slice(0, 10) }));
  }
}

switch (verb) {
  case "encode":
    await encodeTree(path);
    break;
  case "decode":
    await decodeTree(path);
    break;
  case "check":
    await checkTree(path);
    break;
  default:
    throw new TypeError("Expected encode, decode or check");
}
